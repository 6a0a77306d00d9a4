"""Short, distinct labels for long names, so that no two marks ever merge on an axis."""

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["distinct", "model_labels", "one_line", "room", "shorten", "visible"]

INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")

INHERITED = frozenset("""
    constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf __proto__
    __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__
""".split())  # fmt: skip  # noqa: SIM905
"""What every object of JavaScript has: a chart that looks up one of these by name finds a function."""


def visible(text: str) -> str:
    """Drop control characters and direction marks, which could make a text look like another; keep line breaks."""
    return "".join(
        part if part in "\n\t" else INVISIBLE.sub("", part) for part in re.split(r"([\n\t])", text)
    )


def one_line(text: str) -> str:
    """Turn control characters, line breaks and direction marks into single spaces."""
    return " ".join(INVISIBLE.sub(" ", text).split())


def shorten(text: str, limit: int) -> str:
    """Cut a text in the middle, where names differ least.

    :param text: any text.
    :param limit: the most characters to keep, at least 3.
    :return: one line of at most `limit` characters.
    """
    line = one_line(text)
    if len(line) <= limit:
        return line
    tail = (limit - 1) // 3
    return f"{line[: limit - 1 - tail]}…{line[len(line) - tail :]}"


def distinct(names: Iterable[str], limit: int = 24) -> dict[str, str]:
    """Give each name its own short label.

    :param names: names, repeated ones count once.
    :param limit: the most characters of a label, before a number that tells equals apart.
    :return: name → label, in the order of the names; no two labels are equal.
    """
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        base = shorten(name, limit) or "(empty)"
        if base in INHERITED:
            base = f"{base} "
        label, number = base, 2
        while label in taken:
            label, number = f"{base} ({number})", number + 1
        taken.add(label)
        labels[name] = label
    return labels


def model_labels(models: Iterable[str], limit: int = 30) -> dict[str, str]:
    """Label models by the last part of their id (timm: less its tag), or by the whole id if ambiguous.

    :param models: model ids such as `timm/resnet18.a1_in1k`.
    :param limit: the most characters of a label.
    :return: id → label, all different.
    """
    ids = list(dict.fromkeys(models))
    tails = {model: _tail(model) for model in ids}
    count = Counter(tails.values())
    chosen = {model: tails[model] if count[tails[model]] == 1 else model for model in ids}
    short = distinct(chosen.values(), limit)
    return {model: short[name] for model, name in chosen.items()}


def _tail(model: str) -> str:
    tail = model.rstrip("/").rsplit("/", 1)[-1] or model
    return tail.split(".")[0] or tail if model.startswith("timm/") else tail


def room(labels: Iterable[str]) -> int:
    """Estimate the pixels that the widest label needs at 11 px, for whichever font draws it."""
    return (
        max((round(sum(12.0 if ord(c) > 0x2E80 else 6.9 for c in label)) for label in labels), default=0) + 8
    )
