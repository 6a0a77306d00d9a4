"""What a session points to: answers, data, chosen models and run.

Session state dies with a reload, so each change is also written to a small draft file; the page's address names it.
"""

import contextlib
import json
import re
import secrets
from typing import Any, get_args

import streamlit as st
from pydantic import Field, ValidationError

from advisor.brief import Brief
from advisor.dataset.types import Profile
from advisor.errors import BriefError, DataError, InputError, StorageError
from advisor.files import write_atomically
from advisor.home import home
from advisor.language import Language
from advisor.quantity import Frozen
from advisor.ui.words import browser_language

__all__ = [
    "DataSource",
    "Draft",
    "adopt",
    "begin",
    "change",
    "draft",
    "effective_brief",
    "flatten",
    "from_link",
    "link_query",
    "nest",
    "speak",
    "stated_brief",
]

SECTIONS = ("data", "constraints", "priorities")
TOKEN = re.compile(r"[0-9a-f]{16}")


class DataSource(Frozen):
    """The data of a draft: where they lie, which columns count, and what was found when they were read.

    `unlabelled` is where examples without labels lie, `unlabelled_name` what the user calls them.
    """

    path: str
    name: str
    text: str | None = None
    label: str | None = None
    profile: Profile | None = None
    unlabelled: str | None = None
    unlabelled_name: str = ""


class Draft(Frozen):
    """What the user has entered so far. `answers` maps dotted keys of the brief to plain values.

    `language` is the one that was chosen; None follows the browser.
    """

    answers: dict[str, Any] = Field(default_factory=dict)
    data: DataSource | None = None
    chosen: tuple[str, ...] | None = None
    run: str | None = None
    language: Language | None = None


def flatten(brief: Brief) -> dict[str, Any]:
    """Turn a brief into dotted keys and plain values, without what says the default.

    :param brief: the brief.
    :return: for example {"task": "image-classification", "constraints.latency_ms": 50.0}.
    """
    flat: dict[str, Any] = {}
    for key, value in brief.model_dump(mode="json", exclude_defaults=True).items():
        if isinstance(value, dict):
            flat |= {f"{key}.{leaf}": item for leaf, item in value.items() if item is not None}
        else:
            flat[key] = value
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted keys back into the mapping that `Brief.parse` reads; None is left out."""
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        if value is None:
            continue
        section, _, leaf = key.partition(".")
        if leaf:
            nested.setdefault(section, {})[leaf] = value
        else:
            nested[section] = value
    return nested


def link_query(flat: dict[str, Any]) -> dict[str, str]:
    """Write answers as the query of a link that anyone may open."""
    return {
        key: ",".join(value) if isinstance(value, list | tuple) else str(value)
        for key, value in flat.items()
        if value is not None
    }


def from_link(query: dict[str, str]) -> dict[str, Any]:
    """Read the answers in a link's query; what a brief does not know is left out."""
    known = {"task", "metric"}
    flat: dict[str, Any] = {
        key: value for key, value in query.items() if key in known or key.partition(".")[0] in SECTIONS
    }
    if "data.languages" in flat:
        flat["data.languages"] = [tag for tag in flat["data.languages"].split(",") if tag]
    return flat


def begin() -> None:
    """Take up the draft that the address names, or the answers of a shared link, once per session."""
    if "draft" in st.session_state:
        _name_in_address()
        return
    st.session_state.draft = Draft()
    st.session_state.token = secrets.token_hex(8)
    query = st.query_params.to_dict()
    _take_up(query)
    asked = query.get("lang")
    if asked in get_args(Language):
        change(language=asked)
    st.session_state["language"] = draft().language or browser_language()


def speak(language: Language) -> None:
    """Go on in another language, and remember it with the draft."""
    st.session_state["language"] = language
    change(language=language)


def _take_up(query: dict[str, str]) -> None:
    token = query.get("draft", "")
    if TOKEN.fullmatch(token):
        found = _load(token)
        if found is not None:
            st.session_state.draft = found
            st.session_state.token = token
            return
    shared = from_link(query)
    if shared:
        from advisor.ui import session

        try:
            brief = Brief.parse(nest(shared), "The link")
            session.knowledge().task(brief.task)
            adopt(brief)
        except InputError as error:
            st.session_state.complaint = str(error)


def draft() -> Draft:
    """Give the current draft."""
    found: Draft = st.session_state.get("draft") or Draft()
    return found


def change(**updates: Any) -> None:
    """Change the draft and write it down.

    :param updates: fields of `Draft` with their new values.
    """
    new = draft().model_copy(update=updates)
    if new == draft():
        return
    st.session_state.draft = new
    with contextlib.suppress(StorageError):
        write_atomically(home() / "drafts" / f"{st.session_state.token}.json", new.model_dump_json())
    _name_in_address()


def adopt(brief: Brief) -> None:
    """Replace all answers by those of a brief; data, models and run stay."""
    change(answers=flatten(brief))


def stated_brief() -> Brief | None:
    """Give the brief as the user stated it; None until a task is chosen.

    Answers are checked one by one where they are entered, so they always form a brief.
    """
    answers = draft().answers
    return Brief.parse(nest(answers), "The answers") if answers.get("task") else None


def effective_brief() -> tuple[Brief | None, tuple[str, ...]]:
    """Give the brief with what was read from the data.

    :return: the brief, None until a task is known; and the keys that the data filled.
    """
    stated = stated_brief()
    data = draft().data
    if data is None or data.profile is None:
        return stated, ()
    if stated is None:
        stated = Brief(task=data.profile.task)
    from advisor.dataset import fill

    try:
        return fill(stated, data.profile)[:2]
    except DataError as error:
        st.session_state["complaint.metric"] = str(error)
        plain, filled, _ = fill(stated.model_copy(update={"metric": "accuracy"}), data.profile)
        return plain.model_copy(update={"metric": stated.metric}), filled


def _load(token: str) -> Draft | None:
    path = home() / "drafts" / f"{token}.json"
    try:
        found = Draft.model_validate(json.loads(path.read_text(encoding="utf-8")))
        Brief.parse({"task": "none"} | nest(found.answers), "The draft")
    except (OSError, ValueError, ValidationError, BriefError):
        return None
    return found


def _name_in_address() -> None:
    if draft() != Draft() and st.query_params.get("draft") != st.session_state.token:
        st.query_params.from_dict({"draft": st.session_state.token})
