"""Whose runs are listed: all on one's own machine, the session's own on a shared one, the user's with a login."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from advisor.jobs.folder import RunFolder
from advisor.ui.owner import owner


def give(run: Path, who: str) -> None:
    folder = RunFolder(run)
    folder.change_spec(folder.spec().model_copy(update={"owner": who}))


def names(app: AppTest) -> str:
    return " ".join(block.value for block in app.markdown)


def test_alone_everything_is_listed_and_the_room_is_shown(
    open_app: Callable[..., AppTest], finished_run: Callable[[str], Path]
) -> None:
    give(finished_run("one"), "session:another")
    app = open_app("runs")
    assert "one" in names(app)
    assert any("at most 20" in caption.value for caption in app.caption)


def test_on_a_shared_machine_a_session_sees_its_own(
    open_app: Callable[..., AppTest], finished_run: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(finished_run("theirs"), "session:another")
    monkeypatch.setenv("ADVISOR_SHARED", "1")
    assert "theirs" not in names(open_app("runs"))


def test_owners_differ_by_user_and_by_session(monkeypatch: pytest.MonkeyPatch) -> None:
    class User(dict[str, str]):
        is_logged_in = True

    assert owner() is None
    monkeypatch.setenv("ADVISOR_SHARED", "1")
    monkeypatch.setattr(st, "session_state", {"token": "a"})
    first = owner()
    monkeypatch.setattr(st, "session_state", {"token": "b"})
    assert first != owner()
    found = set()
    for who in ("ann", "bob"):
        monkeypatch.setattr(st, "user", User(iss="i", sub=who))
        found.add(owner())
    assert len(found) == 2
    assert all(str(one).startswith("user:") for one in found)


class Visitor(dict[str, object]):
    @property
    def is_logged_in(self) -> bool:
        return bool(self["is_logged_in"])


def test_where_a_login_is_configured_nothing_is_shown_before_it(
    open_app: Callable[..., AppTest], finished_run: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_run("theirs")
    monkeypatch.setattr(st, "user", Visitor(is_logged_in=False))
    app = open_app("runs")
    assert [button.label for button in app.button] == ["Log in"]
    assert "theirs" not in names(app)
    monkeypatch.setattr(st, "user", Visitor(is_logged_in=True, iss="i", sub="ann"))
    app = open_app("runs")
    assert "Log out" in [button.label for button in app.button]
    assert "theirs" not in names(app), "it is nobody's, and so not hers"
