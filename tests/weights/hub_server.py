"""A hub on loopback: the part of the hub's HTTP interface that a download touches, with faults on demand."""

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repo:
    """A model as the hub holds it. `bare`: the listing says names only, as some mirrors do."""

    files: dict[str, bytes]
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    token: str | None = None
    gated: bool = False
    bare: bool = False
    announced_sha256: dict[str, str] = field(default_factory=dict)

    def sha256(self, name: str) -> str | None:
        if not name.endswith((".safetensors", ".bin")):
            return None
        return self.announced_sha256.get(name, hashlib.sha256(self.files[name]).hexdigest())

    def etag(self, name: str) -> str:
        return self.sha256(name) or git_oid(self.files[name])

    def sibling(self, name: str) -> dict[str, object]:
        if self.bare:
            return {"rfilename": name}
        content, sha256 = self.files[name], self.sha256(name)
        lfs = {"sha256": sha256, "size": len(content), "pointerSize": 130}
        entry = {"rfilename": name, "size": len(content), "blobId": git_oid(content)}
        return {**entry, "lfs": lfs} if sha256 else entry


@dataclass
class Fault:
    """Something that goes wrong for requests whose path ends in `tail`, so many times.

    :ivar cut: close the connection after so many bytes of the body.
    :ivar reset: and do so with a reset, as a dying proxy does; without `cut` nothing is answered.
    :ivar pause: seconds of silence before the answer.
    """

    tail: str
    times: float
    status: int | None = None
    cut: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ("GET", "HEAD")
    body: bytes = b""
    reset: bool = False
    pause: float = 0.0


@dataclass
class Hub:
    """The server's state: what it holds, what goes wrong, and every request that came.

    :ivar wrong: tells what goes wrong for the request of a number, counted from 0; asked before `faults`.
    """

    repos: dict[str, Repo] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    log: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    cdn: bool = False
    ranges: bool = True
    wrong: Callable[[int], Fault | None] = lambda number: None

    def fail(self, tail: str, status: int, times: float = float("inf"), **headers: str) -> None:
        self.faults.append(
            Fault(
                tail,
                times,
                status=status,
                headers={key.replace("_", "-"): value for key, value in headers.items()},
            )
        )

    def say(self, tail: str, body: bytes) -> None:
        """Answer with this body instead of the true one."""
        self.faults.append(Fault(tail, float("inf"), status=200, body=body))

    def redirect(self, tail: str, location: str, times: float = 1) -> None:
        """Send whoever asks for a file's head elsewhere, without saying anything of the file."""
        headers = {"Location": location}
        self.faults.append(Fault(tail, times, status=307, headers=headers, methods=("HEAD",)))

    def cut(self, tail: str, after: int, times: float = float("inf")) -> None:
        """Close the connection after so many bytes of the body."""
        self.faults.append(Fault(tail, times, cut=after, methods=("GET",)))

    def fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and method in fault.methods and path.endswith(fault.tail):
                fault.times -= 1
                return fault
        return None

    def requests(self, tail: str, method: str = "GET") -> list[dict[str, str]]:
        return [headers for verb, path, headers in self.log if verb == method and path.endswith(tail)]


API = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/(?P<what>revision|tree)/(?P<revision>[^/?]+)")
FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.respond("HEAD")

    def do_GET(self) -> None:
        self.respond("GET")

    def respond(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.log.append((method, path, {key.lower(): value for key, value in self.headers.items()}))
        fault = self.hub.wrong(len(self.hub.log) - 1) or self.hub.fault(method, path)
        if fault and fault.pause:
            time.sleep(fault.pause)
        if fault and fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            if fault.cut is None:
                return
        if fault and fault.status:
            self.answer(fault.status, fault.body, fault.headers)
            return
        api, file = API.fullmatch(path), FILE.fullmatch(path)
        match = api or file
        if match is None:
            self.answer(404, b"")
            return
        repo = self.hub.repos.get(match["repo"])
        if repo is None:
            self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif repo.gated:
            self.answer(403, b"", {"X-Error-Code": "GatedRepo"})
        elif repo.token and self.headers.get("Authorization") != f"Bearer {repo.token}" and not self.on_cdn():
            self.answer(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif match["revision"] not in ("main", repo.commit):
            self.answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif api:
            self.describe(match["repo"], repo, api["what"], fault.cut if fault else None)
        elif file and file["name"] in repo.files:
            self.send_file(repo, file["name"], method, fault.cut if fault else None)
        else:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def on_cdn(self) -> bool:
        return self.headers.get("Host", "").startswith("localhost")

    def describe(self, id: str, repo: Repo, what: str, cut: int | None) -> None:
        siblings = [repo.sibling(name) for name in repo.files]
        if what == "revision":
            body: object = {"id": id, "sha": repo.commit, "siblings": siblings}
        else:
            body = [
                {"type": "file", "path": name, "size": len(content), "oid": git_oid(content)}
                for name, content in repo.files.items()
            ]
        self.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"}, cut)

    def send_file(self, repo: Repo, name: str, method: str, cut: int | None) -> None:
        content, etag, large = repo.files[name], repo.etag(name), repo.sha256(name)
        headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if large and self.hub.cdn and not self.on_cdn():
            location = self.hub.url.replace("127.0.0.1", "localhost") + self.path
            linked = {"X-Linked-ETag": f'"{etag}"', "X-Linked-Size": str(len(content)), "Location": location}
            self.answer(302, b"", {"X-Repo-Commit": repo.commit, **linked})
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.hub.ranges else 0
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.answer(206 if start else 200, content[start:], headers, cut)

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
            if cut is not None:
                self.close_connection = True


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: that a client has gone is what some tests are about."""


@contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()
    server = Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
