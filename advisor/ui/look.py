"""How values look on a page: numbers with units and basis, interval bars, licences, sizes and durations."""

from html import escape
from pathlib import Path
from typing import Any, Literal

from advisor.language import translate
from advisor.quantity import Quantity
from advisor.ui.words import language, t

__all__ = [
    "BASIS",
    "LICENCE",
    "STATIC",
    "Colour",
    "basis",
    "duration",
    "interval_bar",
    "megabytes",
    "moment",
    "number",
    "percent",
    "plain",
    "quantity",
    "quantity_short",
]

STATIC = Path(__file__).parent / "static"

BASIS = {
    "measured": "measured here",
    "published": "published",
    "scaled": "scaled",
    "estimated": "estimated",
    "unknown": "unknown",
}

Colour = Literal["red", "orange", "green", "gray", "primary"]
LICENCE: dict[str, tuple[Colour, str]] = {
    "permissive": ("green", "Free for any use, credit given"),
    "copyleft": ("orange", "Free for business, but may bind your own code"),
    "non-commercial": ("red", "Not for business"),
    "custom": ("orange", "Own terms: read them before use"),
    "service": ("gray", "A hosted service with its own terms"),
    "unknown": ("gray", "Nobody stated a licence"),
}


def number(value: float | None) -> str:
    """Write a number with three significant digits, thousands apart."""
    if value is None:
        return t("unknown")
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", "," if language() == "zh" else "\u202f")
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """Write a share as a percentage with one decimal."""
    if value is None:
        return t("unknown")
    return f"{100 * value:.1f}{'' if language() == 'zh' else ' '}%"


def megabytes(value: float | None) -> str:
    """Write a size in megabytes, or gigabytes from 1 000 on."""
    if value is None:
        return t("size unknown")
    return f"{number(value)} MB" if value < 1000 else f"{value / 1000:.1f} GB"


def duration(seconds: float | None) -> str:
    """Write a duration as seconds, or minutes and seconds."""
    if seconds is None:
        return t("unknown")
    whole = round(seconds)
    if whole < 60:
        return t("{seconds} s", seconds=str(whole))
    return t("{minutes} min {seconds} s", minutes=str(whole // 60), seconds=f"{whole % 60:02d}")


def moment(stamp: str) -> str:
    """Write the day and minute of a time stamp as the language does."""
    day, _, clock = stamp.partition("T")
    return f"{translate(day, language())} {clock[:5]}".strip()


def quantity(value: Quantity) -> str:
    """Write a quantity with its interval and unit."""
    if value.value is None:
        return t("unknown")
    if value.unit == "quality":
        text, span, unit = _points(value.value), (_points(value.low), _points(value.high)), ""
    else:
        text, span, unit = number(value.value), (number(value.low), number(value.high)), f" {t(value.unit)}"
    if value.low is None or value.high is None or value.low == value.high:
        return f"{text}{unit}"
    return f"{text}{unit} ({span[0]}–{span[1]})"


def _points(value: float | None) -> str:
    return t("unknown") if value is None else f"{100 * value:.0f}"


def quantity_short(value: Quantity) -> str:
    """Write a quantity without its interval."""
    return quantity(value.model_copy(update={"low": None, "high": None}))


def basis(value: Quantity) -> str:
    """Mark by a small sign and word how a quantity is known (HTML)."""
    return (
        f'<span class="basis {value.basis}" title="{escape(t(value.source))}">{t(BASIS[value.basis])}</span>'
    )


def interval_bar(value: Quantity, limit: float | None, top: float) -> str:
    """Draw a quantity as an interval on a scale from 0 to `top`, the limit as a dashed line (HTML)."""
    if value.value is None or top <= 0:
        return '<div class="span"></div>'
    low, high = (value.low if value.low is not None else value.value), (value.high or value.value)

    def at(x: float) -> float:
        return round(100 * min(x / top, 1), 2)

    mark = f'<s style="left:{at(limit)}%"></s>' if limit else ""
    return (
        f'<div class="span"><i style="left:{at(low)}%;width:{round(at(high) - at(low), 2)}%"></i>'
        f'<u style="left:{at(value.value)}%"></u>{mark}</div>'
    )


def plain(value: Any) -> str:
    """Escape anything for HTML."""
    return escape(str(value))
