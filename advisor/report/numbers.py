"""Numbers as a reader wants them: rounded in the view only, with unit and interval."""

from advisor.quantity import Quantity
from advisor.result import Metric

__all__ = [
    "THIN",
    "chance",
    "count",
    "interval",
    "milliseconds",
    "percent",
    "plural",
    "quantity",
    "seconds",
    "size",
    "span",
]

THIN = "\u202f"
LEAST_MB = 0.001
WORDS = [
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
]


def percent(share: float, digits: int = 1) -> str:
    """Write a share of 1 as per cent: 0.8421 → 84.2 %."""
    return f"{100 * share:.{digits}f}{THIN}%"


def chance(share: float) -> str:
    """Write a probability without false certainty: 0.998 → more than 99 %."""
    if share >= 0.995:
        return f"more than 99{THIN}%"
    if share < 0.005:
        return f"less than 1{THIN}%"
    return percent(share, 0)


def interval(metric: Metric) -> str:
    """Write a metric with its interval and the number of examples that it rests on."""
    return f"{percent(metric.value)} ({100 * metric.low:.1f}–{100 * metric.high:.1f}), n = {metric.n}"


def _significant(value: float) -> str:
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude >= 1000:
        return f"{value:,.0f}".replace(",", THIN)
    if magnitude >= 100:
        return f"{value:.0f}"
    if magnitude >= 10:
        return f"{value:.1f}"
    return f"{value:.2g}" if magnitude < 1 else f"{value:.2f}"


def count(value: float) -> str:
    """Write a plain number with three significant digits, thousands set apart."""
    return f"{value:,}".replace(",", THIN) if isinstance(value, int) else _significant(value)


def milliseconds(value: float | None) -> str:
    """Write a latency; None is a dash."""
    return "–" if value is None else f"{_significant(value)}{THIN}ms"


def size(value: float | None) -> str:
    """Write megabytes (10^6 bytes), gigabytes from 1000 on; None is a dash."""
    if value is None:
        return "–"
    if 0 < value < LEAST_MB:
        return f"<{THIN}{LEAST_MB}{THIN}MB"
    return f"{_significant(value / 1000)}{THIN}GB" if value >= 1000 else f"{_significant(value)}{THIN}MB"


def seconds(value: float | None) -> str:
    """Write a duration in seconds, or in minutes from ten minutes on."""
    if value is None:
        return "–"
    if value < 600:
        return f"{value:.0f}{THIN}s" if value >= 10 else f"{value:.1f}{THIN}s"
    return f"{value / 60:.1f}{THIN}min"


def quantity(value: Quantity) -> str:
    """Write a quantity with its unit; unknown is the word."""
    if value.value is None:
        return "unknown"
    if value.unit in ("", "1"):
        return percent(value.value, 0) if 0 <= value.value <= 1 else _significant(value.value)
    if value.unit == "quality":
        return _significant(value.value)
    return size(value.value) if value.unit == "MB" else f"{_significant(value.value)}{THIN}{value.unit}"


def span(value: Quantity) -> str:
    """Write a quantity's interval, or nothing where it has none."""
    if value.low is None or value.high is None or value.low == value.high:
        return ""
    if value.unit in ("", "1"):
        return f"{100 * value.low:.0f}–{100 * value.high:.0f}" if value.high <= 1 else ""
    return f"{_significant(value.low)}–{_significant(value.high)}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """Count things in words up to twelve: `three models`, `one class`."""
    word = WORDS[number] if 0 <= number < len(WORDS) else count(number)
    return f"{word} {noun if number == 1 else nouns or noun + 's'}"
