"""Every test of this room has its own home, cache and models, and no network but loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, serve

from advisor.weights import checksum, hub
from advisor.weights.wire import Patience

VARIABLES = ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*VARIABLES, "ADVISOR_MODELS", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(checksum, "_known", {})
    monkeypatch.setattr(hub, "PATIENCE", Patience(tries=4, first_wait=0.01, longest_wait=2, timeout=5))
    return tmp_path


@pytest.fixture
def hub_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
