"""Numbers, dates and units as each language writes them."""

import datetime as dt
import re

from advisor.language.chosen import Language

__all__ = ["LOCALES", "format_value", "localised", "number_from"]

LOCALES: dict[Language, str] = {"en": "en", "zh": "zh_Hans_CN"}
WORDS = {
    word: str(number)
    for number, word in enumerate(
        (
            "no",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        )
    )
}
UNITS = {"s": "秒", "min": "分钟", "h": "小时", "kg": "千克"}
AMOUNT = re.compile(
    r"(?<![\w.])(?P<number>[-−+±≤≥<>]?\d[\d.,]*(?:–\d[\d.,]*)?(?:e[+-]?\d+)?) (?P<unit>%|s|min|h|kg)(?![\w/])"
)
GROUPED = re.compile(r"(?<=\d)\u202f(?=\d{3}(?!\d))")
DATE = re.compile(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])")


def format_value(value: object, language: Language) -> str:
    """Write a value as a reader of a language expects it.

    :param value: a whole number and a fraction get their separators, a date its order of parts; a text stays.
    :param language: the language.
    :return: the text.
    """
    from babel.dates import format_date
    from babel.numbers import format_decimal

    locale = LOCALES[language]
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        return str(format_decimal(value, locale=locale))
    if isinstance(value, dt.date):
        return str(format_date(value, format="medium" if language == "en" else "long", locale=locale))
    return str(value)


def number_from(text: str) -> str:
    """Write a number of an English sentence, digits or a word up to twelve, in Chinese digits."""
    return WORDS.get(text.lower(), text).replace(" ", ",")


def localised(text: str, language: Language) -> str:
    """Write the amounts and dates in a text that needs no other translation.

    :param text: such as `84.2 %` or `made 2026-11-21`.
    :param language: the language; English stays as it is.
    :return: the text with percent signs, units of time and dates of that language.
    """
    if language == "en":
        return text
    text = GROUPED.sub(",", text).replace("\u202f", " ")
    text = AMOUNT.sub(_amount, text)
    return DATE.sub(lambda found: _date(found, language), text)


def _amount(found: re.Match[str]) -> str:
    unit = found["unit"]
    return f"{found['number']}%" if unit == "%" else f"{found['number']} {UNITS[unit]}"


def _date(found: re.Match[str], language: Language) -> str:
    try:
        return format_value(dt.date(*(int(part) for part in found.groups())), language)
    except ValueError:
        return found[0]
