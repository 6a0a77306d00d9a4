"""Which language is spoken."""

import os
from typing import Literal, get_args

from advisor.errors import InputError, nearest

__all__ = ["LANGUAGES", "Language", "as_language", "chosen_language"]

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
VARIABLE = "ADVISOR_LANG"


def as_language(tag: str | None) -> Language:
    """Reduce a browser's or a system's language tag to a language that is spoken here.

    :param tag: such as `zh-Hans-CN`, `zh_CN.UTF-8` or `de`; None or empty is unknown.
    :return: `zh` for Chinese of any kind, else `en`.
    """
    return "zh" if (tag or "").lower().replace("_", "-").split("-")[0] == "zh" else "en"


def chosen_language(asked: str | None = None) -> Language:
    """Give the language that was asked for: by name, else by the variable ADVISOR_LANG, else English.

    :param asked: what was asked for on the command line; None is nothing.
    :return: the language.
    :raises InputError: for a language that is not spoken here.
    """
    value = asked or os.environ.get(VARIABLE) or "en"
    for language in LANGUAGES:
        if value == language:
            return language
    where = "" if asked else f" ({VARIABLE})"
    raise InputError(f"Unknown language {value!r}{where}", ", ".join(LANGUAGES), nearest(value, LANGUAGES))
