"""Many sessions at once on one server: how long an answer takes, who sees whose data, and what stays behind.

    python benchmarks/load.py [--sessions 200] [--at-once 20] [--probes 30] [--pause 2] [--seconds S]

Each session speaks the browser's own protocol over a web socket: it opens the app, uploads a table of its own (with the
XSRF token), answers the questionnaire, looks at the shortlist, and some ask for a probe. The server runs as for several
people (ADVISOR_SHARED=1), with two tiny models made for the purpose. Between two steps a visitor pauses for half to
one and a half times `--pause`, as people do who read and type. Round trips are from a changed answer to the end of the
page that it leads to, taken while a probe trains. Exit code 1 if the 95th percentile of the questionnaire is
above a second, a session sees what another uploaded, or memory, open files or threads have grown.
"""

import argparse
import contextlib
import csv
import http.cookiejar
import io
import os
import random
import re
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import serving  # noqa: E402
from tiny_models import FILLER, bert_model  # noqa: E402

P95_S, GROWTH, SPARE, PATIENCE_S = 1.0, 0.10, 5, 120.0
ANSWERS = (
    "constraints.latency_ms",
    "constraints.memory_mb",
    "constraints.size_mb",
    "data.examples",
    "data.tokens",
)
SETTLE_S, KEPT_S, COLLECT_S = 3.0, 125.0, 12.0
WORDS = FILLER.split()
OWN = re.compile(r"own\d{5}z(?:x\d)?")


class Session:
    """One visitor: a web socket, the elements of his page, and everything that was sent to him."""

    def __init__(self, address: str) -> None:
        from websockets.sync.client import connect

        self.address = address
        jar = http.cookiejar.CookieJar()
        self.web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.web.open(f"{address}/_stcore/host-config", timeout=30).close()
        self.web.open(f"{address}/_stcore/health", timeout=30).close()
        self.token = next((cookie.value for cookie in jar if "xsrf" in cookie.name), "") or ""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)
        self.socket = connect(
            f"{address.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit", *([self.token] if self.token else [])],  # type: ignore[list-item]
            additional_headers={"Cookie": cookies, "Origin": address},
            max_size=None,
        )
        self.query, self.page, self.id = "", "", ""
        self.pages: dict[str, str] = {}
        self.known: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.seen: set[str] = set()
        self.elements: list[Any] = []

    def send(self, kind: str, message: Any) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        self.socket.send(BackMsg(**{kind: message}).SerializeToString())

    def run(self, **changed: Any) -> float:
        """Send the page's state with changed widgets, and wait for the end of the page.

        :return: seconds.
        """
        from streamlit.proto.ClientState_pb2 import ClientState
        from streamlit.proto.WidgetStates_pb2 import WidgetState

        state = ClientState(query_string=self.query, page_script_hash=self.page)
        lasting = {"trigger_value"}
        for id, fields in changed.items():
            made = WidgetState(id=id, **fields)
            if not lasting & fields.keys():
                self.states[id] = made
            state.widget_states.widgets.append(made)
        state.widget_states.widgets.extend(one for id, one in self.states.items() if id not in changed)
        begun = time.monotonic()
        self.send("rerun_script", state)
        self.elements = []
        while not self.receive():
            pass
        return time.monotonic() - begun

    def receive(self) -> bool:
        """Take one message; True at the end of a page."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        message = ForwardMsg()
        message.ParseFromString(self.socket.recv(timeout=PATIENCE_S))
        if message.WhichOneof("type") == "ref_hash":
            message = self.known[message.ref_hash]
        elif message.hash:
            self.known[message.hash] = message
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.id = self.id or message.new_session.initialize.session_id
            self.page = message.new_session.page_script_hash or self.page
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self.elements.append(message.delta.new_element)
            self.seen.update(OWN.findall(str(message.delta.new_element)))
        elif kind == "delta":
            self.elements.append(message.delta)
        return kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def go(self, page: str) -> float:
        """Open a page of the app."""
        self.page = self.pages[page]
        self.states = {}
        return self.run()

    def element(self, kind: str, word: str) -> Any:
        """Find a widget of a kind by a part of its id."""
        for one in self.elements:
            if getattr(one, "WhichOneof", lambda _: "")("type") == kind and word in getattr(one, kind).id:
                return getattr(one, kind)
        have = sorted({str(one.WhichOneof("type")) for one in self.elements})
        raise LookupError(f"no {kind} {word!r} among {have}")

    def upload(self, word: str, name: str, content: bytes) -> float:
        """Upload a file to the uploader whose id holds a word."""
        from streamlit.proto.Common_pb2 import (
            FileUploaderState,
            FileURLsRequest,
            UploadedFileInfo,
        )
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        asked = str(uuid.uuid4())
        request = FileURLsRequest(request_id=asked, file_names=[name], session_id=self.id)
        self.send("file_urls_request", request)
        message = ForwardMsg()
        while message.WhichOneof("type") != "file_urls_response":
            message.ParseFromString(self.socket.recv(timeout=PATIENCE_S))
        urls = message.file_urls_response.file_urls[0]
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "X-Xsrftoken": self.token}
        put = urllib.request.Request(f"{self.address}{urls.upload_url}", body, headers, method="PUT")
        self.web.open(put, timeout=30).close()
        info = UploadedFileInfo(file_id=urls.file_id, name=name, size=len(content), file_urls=urls)
        state = FileUploaderState(uploaded_file_info=[info])
        return self.run(**{self.element("file_uploader", word).id: {"file_uploader_state_value": state}})

    def close(self) -> None:
        self.socket.close()


def table(own: str) -> bytes:
    """A table whose texts and classes nobody else has."""
    draw = random.Random(own)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["text", "label"])
    for number in range(60):
        writer.writerow([f"{own} {' '.join(draw.choices(WORDS, k=6))} {number}", f"{own}x{number % 2}"])
    return stream.getvalue().encode()


class Load:
    """All visitors of one server, and what was measured."""

    def __init__(self, address: str, process: psutil.Process, home: Path, pause: float) -> None:
        self.address, self.process, self.home, self.pause = address, process, home, pause
        self.trips: list[float] = []
        self.quiet: list[float] = []
        self.other: dict[str, list[float]] = {}
        self.faults: list[str] = []
        self.probes = 0

    def visit(self, number: int, probe: bool) -> None:
        """Be one visitor from the first page to the last."""
        own = f"own{number:05d}z"
        chance = random.Random(number)

        def think() -> None:
            time.sleep(self.pause * chance.uniform(0.5, 1.5))

        think()
        session = Session(self.address)
        try:
            session.query = "task=text-classification&constraints.offline=true"
            self.other.setdefault("open", []).append(session.run())
            think()
            self.other.setdefault("to the data", []).append(session.go("data"))
            think()
            self.other.setdefault("upload", []).append(session.upload("data.file", f"{own}.csv", table(own)))
            if f"{own}x0" not in " ".join(session.seen):
                self.faults.append(f"{own} does not see his own data")
            think()
            session.go("")
            for turn, key in enumerate(ANSWERS):
                think()
                field = session.element("number_input", f"need.{key}")
                busy = running(self.home) > 0
                took = session.run(**{field.id: {"double_value": 400.0 + number + turn}})
                (self.trips if busy else self.quiet).append(took)
            think()
            self.other.setdefault("shortlist", []).append(session.go("shortlist"))
            if probe:
                think()
                session.go("probe")
                slider = session.element("slider", "probe.budget")
                session.run(**{slider.id: {"string_array_value": {"data": [slider.options[0]]}}})
                start = next(
                    one.button
                    for one in session.elements
                    if getattr(one, "WhichOneof", lambda _: "")("type") == "button"
                    and one.button.label == "Start"
                )
                session.run(**{start.id: {"trigger_value": True}})
                self.probes += 1
            think()
            session.go("runs")
        except Exception as error:
            self.faults.append(f"{own}: {type(error).__name__}: {error}"[:400])
        finally:
            strangers = {word for word in session.seen if not word.startswith(own)}
            if strangers:
                self.faults.append(f"{own} was sent {sorted(strangers)[:3]}")
            session.close()

    def rest(self) -> None:
        """Let the server forget closed sessions, which Streamlit keeps for two minutes, and collect its garbage."""
        for seconds in (KEPT_S, COLLECT_S):
            time.sleep(seconds)
            last = Session(self.address)
            last.run()
            last.close()
        time.sleep(SETTLE_S)

    def held(self) -> tuple[float, int, int]:
        """Resident memory in 10^6 bytes, open files and threads of the server."""
        return self.process.memory_info().rss / 1e6, self.process.num_fds(), self.process.num_threads()


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """A server for several people, with two tiny models."""
    for number in (1, 2):
        bert_model(folder / "models" / f"bert-{number}", seed=number, model_id=f"tiny/bert-{number}")
    os.environ |= {
        "ADVISOR_SHARED": "1",
        "ADVISOR_MODELS": str(folder / "models"),
        "HF_ENDPOINT": "http://127.0.0.1:9",
    }
    with serving(ROOT / "streamlit_app.py", folder / "home") as found:
        yield found


def running(home: Path) -> int:
    """How many probes run or wait."""
    return len(list((home / "queue").glob("*.json")))


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--probes", type=int, default=30)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between two steps of a visitor")
    parser.add_argument(
        "--settle", type=int, default=120, help="sessions after which its caches count as full"
    )
    parser.add_argument("--seconds", type=float, default=1e9, help="let no visitor in after so many")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="advisor-load-") as place, server(Path(place)) as (address, pid):
        home = Path(place) / "home"
        load = Load(address, psutil.Process(pid), home, asked.pause)
        begun = time.monotonic()
        every = max(1, asked.sessions // max(1, asked.probes))
        settled: tuple[float, int, int] | None = None
        came = 0
        while came < asked.sessions and time.monotonic() - begun < asked.seconds:
            crowd = range(came, min(came + asked.at_once, asked.sessions))
            probing = [number % every == 0 and number // every < asked.probes for number in crowd]
            with ThreadPoolExecutor(asked.at_once) as doors:
                list(doors.map(load.visit, crowd, probing))
            came += len(crowd)
            time.sleep(SETTLE_S)
            held = load.held()
            if came >= asked.settle and not settled:
                load.rest()
                held = settled = load.held()
            print(f"{came:4} sessions, {held[0]:.0f} MB, {held[1]} files, {held[2]} threads", flush=True)
        while running(home) and time.monotonic() - begun < asked.seconds + 600:
            time.sleep(1)
        load.rest()
        end, p95 = load.held(), quantile(load.trips, 0.95)
        left = [
            one
            for one in psutil.Process(pid).children(recursive=True)
            if one.status() != psutil.STATUS_ZOMBIE
        ]
        load.other["questionnaire while none trains"] = load.quiet
        median = quantile(load.trips, 0.5)
        print(
            f"questionnaire while a probe trains: {len(load.trips)} trips, median {median:.2f} s, p95 {p95:.2f} s"
        )
        for name, values in load.other.items():
            print(f"{name}: median {quantile(values, 0.5):.2f} s, p95 {quantile(values, 0.95):.2f} s")
        print(
            f"{came} sessions, {load.probes} probes; settled {settled}, at the end {end}; {len(left)} processes left"
        )
        if p95 > P95_S:
            load.faults.append(f"the questionnaire's 95th percentile is {p95:.2f} s")
        if settled and end[0] > settled[0] * (1 + GROWTH):
            load.faults.append(f"memory grew from {settled[0]:.0f} to {end[0]:.0f} MB")
        if settled and (end[1] > settled[1] + SPARE or end[2] > settled[2] + SPARE):
            load.faults.append(f"files and threads grew from {settled[1:]} to {end[1:]}")
        for fault in load.faults[:20]:
            print(f"FAULT {fault}")
    return 1 if load.faults or not load.trips else 0


if __name__ == "__main__":
    sys.exit(main())
