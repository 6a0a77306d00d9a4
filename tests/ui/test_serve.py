"""The server's start: only this machine reaches it, and it asks no other machine for an address."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit import config, net_util
from streamlit.web import cli
from streamlit.web.server import server_util

from advisor.ui.serve import main


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Start with some words; gives what Streamlit is started with."""
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)
    asked: list[list[str]] = []
    monkeypatch.setattr(cli, "main", lambda words, **_: asked.append(words))

    def begin(*words: str) -> list[str]:
        main(words)
        return asked[-1]

    return begin


def test_only_this_machine_is_served_unless_told_otherwise(
    start: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start("app.py", "--server.port", "1") == [
        "run", "app.py", "--server.port", "1", "--server.address", "127.0.0.1",
    ]  # fmt: skip
    for words in (("app.py", "--server.address", "0.0.0.0"), ("app.py", "--server.address=0.0.0.0")):
        assert start(*words) == ["run", *words]
    monkeypatch.setattr(config, "get_option", lambda name: "0.0.0.0" if name == "server.address" else None)
    assert start("app.py") == ["run", "app.py"]


def test_nobody_is_asked_for_this_machines_address(
    start: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(url: str, **_: Any) -> None:
        asked.append(url)

    monkeypatch.setattr(net_util, "_make_blocking_http_get", ask)
    assert not server_util.is_url_from_allowed_origins("http://unknown.example")
    assert asked, "Streamlit asks by itself: without that this test shows nothing"
    asked.clear()
    start("app.py")
    assert not server_util.is_url_from_allowed_origins("http://unknown.example")
    assert asked == []
