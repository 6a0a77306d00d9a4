"""Every request of a download fails in turn, in every way of a network; what was fetched stays, the rest follows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import Fault, Hub, Repo
from model_folders import bert_files, card, knowledge

from advisor.errors import WeightsUnavailable
from advisor.weights import Weights, availability, hub, locate
from advisor.weights.hub_cache import cache_folder, storage_folder
from advisor.weights.wire import Patience

CARD = card(library="transformers")
FAULTS: dict[str, Callable[[], Fault]] = {
    "500": lambda: Fault("", 1, status=500),
    "503, wait": lambda: Fault("", 1, status=503, headers={"Retry-After": "0"}),
    "404": lambda: Fault("", 1, status=404),
    "log-in page": lambda: Fault("", 1, status=200, body=b"<html>log in</html>"),
    "reset": lambda: Fault("", 1, reset=True),
    "reset midway": lambda: Fault("", 1, reset=True, cut=20),
    "cut": lambda: Fault("", 1, cut=7),
    "silence": lambda: Fault("", 1, pause=0.9),
}
PASSING = ("500", "503, wait", "reset", "reset midway", "cut", "silence")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PATIENCE", Patience(tries=3, first_wait=0.005, longest_wait=1, timeout=0.6))


@pytest.fixture
def files(hub_server: Hub) -> dict[str, bytes]:
    hub_server.repos["org/tiny"] = Repo(bert_files())
    return hub_server.repos["org/tiny"].files


def fetch() -> Weights:
    return locate(CARD, knowledge(CARD), offline=False)


def requests_of_a_sound_download(hub_server: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("HF_HOME", str(folder / "sound"))
    fetch()
    count = len(hub_server.log)
    hub_server.log.clear()
    return count


@pytest.mark.parametrize("kind", FAULTS)
def test_any_request_may_fail_once(
    hub_server: Hub, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    count = requests_of_a_sound_download(hub_server, tmp_path, monkeypatch)
    assert count >= 6
    for number in (0, 1, count - 1) if kind == "silence" else range(count):
        monkeypatch.setenv("HF_HOME", str(tmp_path / f"{number}"))
        hub_server.log.clear()
        fault = FAULTS[kind]()
        hub_server.wrong = lambda at, number=number, fault=fault: fault if at == number else None  # type: ignore[misc]
        try:
            found = fetch()
        except WeightsUnavailable as error:
            assert kind not in PASSING, (number, str(error))
            assert error.fix or error.allowed
            assert not availability(CARD, knowledge(CARD), offline=True).loadable
            hub_server.wrong = lambda at: None
            found = fetch()
        for path in found.folder.rglob("*"):
            if path.is_file():
                assert path.read_bytes() == files[str(path.relative_to(found.folder))], (number, path.name)
        assert not list(storage_folder(cache_folder(), "org/tiny").rglob("*.incomplete"))


@pytest.mark.parametrize("kind", FAULTS)
def test_a_hub_that_fails_from_some_request_on_ends_in_a_reason_and_keeps_what_was_fetched(
    hub_server: Hub, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    count = requests_of_a_sound_download(hub_server, tmp_path, monkeypatch)
    for number in (1, count - 1) if kind == "silence" else (0, 1, count - 1):
        monkeypatch.setenv("HF_HOME", str(tmp_path / f"{number}"))
        hub_server.log.clear()
        fault = FAULTS[kind]
        hub_server.wrong = lambda at, number=number, fault=fault: fault() if at >= number else None  # type: ignore[misc]
        with pytest.raises(WeightsUnavailable) as caught:
            fetch()
        assert caught.value.fix or caught.value.allowed
        blobs = list(storage_folder(cache_folder(), "org/tiny").glob("blobs/*"))
        hub_server.wrong = lambda at: None
        before = {path: path.stat().st_mtime_ns for path in blobs if not path.name.endswith(".incomplete")}
        fetch()
        assert {path: path.stat().st_mtime_ns for path in before} == before, (
            "what was whole is not fetched again"
        )
