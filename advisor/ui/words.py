"""The language of a session, and what the pages say in it."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from advisor.knowledge.cards import Words
from advisor.language import Language, as_language, translate

__all__ = ["NAMES", "at_once", "browser_language", "in_both", "language", "t", "tongue"]

NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}


def language() -> Language:
    """Give the language that this session reads."""
    found: Language = st.session_state.get("language") or "en"
    return found


def browser_language() -> Language:
    """Give the language that the browser asks for."""
    return as_language(st.context.locale)


def t(text: str, /, **values: object) -> str:
    """Say an English text in the session's language.

    :param text: a text, or a template with gaps as `{name}`.
    :param values: what to put into the gaps, already in that language.
    :return: the text; English where nobody has translated it.
    """
    return translate(text, language(), **values)


def in_both(words: Words) -> str:
    """Choose the session's language of a text that the knowledge base holds in both."""
    return words.zh if language() == "zh" else words.en


def tongue(tag: str) -> str:
    """Name a language by its BCP-47 tag, in the session's language; the tag itself if nobody knows it."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(tag, sep="-").get_display_name("zh" if language() == "zh" else "en") or tag
    except (UnknownLocaleError, ValueError):
        return tag


def at_once(say: Callable[[Any], str], options: Iterable[Any]) -> Callable[[Any], str]:
    """Say each option of a widget now, so that it keeps the language that it was shown in.

    :param say: says one option.
    :param options: the options.
    :return: what a widget takes as its `format_func`; options that were added later stand for themselves.
    """
    known = {option: say(option) for option in options}
    return lambda option: known.get(option, str(option))
