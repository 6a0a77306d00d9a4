"""A hub on loopback that only lists: models by name and revision, and by author, with faults on demand."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["ListingHub", "serve_listing"]

MODEL = re.compile(r"/api/models/([^/]+/[^/]+?)(?:/revision/([^/]+))?")


@dataclass
class ListingHub:
    """What it lists, which names fail with which status, and the paths that were asked for."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    busiest: int = 0
    busy: int = 0
    pause: threading.Event = field(default_factory=threading.Event)
    slow_s: float = 0.0

    def add(self, id: str, **said: Any) -> None:
        entry = {
            "id": id,
            "modelId": id,
            "sha": "a" * 40,
            "private": False,
            "gated": False,
            "disabled": False,
        }
        entry |= {
            "downloads": 1000,
            "likes": 10,
            "tags": ["license:mit"],
            "createdAt": "2024-01-01T00:00:00.000Z",
        }
        self.models[id] = {**entry, **said}


@contextmanager
def serve_listing() -> Iterator[ListingHub]:
    """Serve a hub on a free port of this machine."""
    hub, lock = ListingHub(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            with lock:
                hub.busy += 1
                hub.busiest = max(hub.busiest, hub.busy)
            hub.pause.wait(hub.slow_s)
            with lock:
                hub.busy -= 1
            self.respond()

        def respond(self) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path)
            hub.asked.append(self.path)
            if path == "/api/models":
                author = parse_qs(parts.query)["author"][0]
                if author in hub.statuses:
                    self.answer(hub.statuses[author], {})
                    return
                self.answer(200, [one for id, one in hub.models.items() if id.startswith(f"{author}/")])
                return
            match = MODEL.fullmatch(path)
            name, revision = (match[1], match[2]) if match else ("", None)
            if name in hub.statuses:
                self.answer(hub.statuses[name], {"error": "out of order"})
            elif name not in hub.models:
                self.answer(404, {}, {"X-Error-Code": "RepoNotFound"})
            elif revision not in (None, hub.models[name]["sha"], *hub.models[name].get("kept", ())):
                self.answer(404, {}, {"X-Error-Code": "RevisionNotFound"})
            else:
                self.answer(200, hub.models[name])

        def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.pause.set()
        server.shutdown()
        thread.join()
        server.server_close()
