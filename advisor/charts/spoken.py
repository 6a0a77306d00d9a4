"""A finished chart in another language: its own words change, names of models and classes stay."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import altair as alt

from advisor.charts.style import Figure, names_axis
from advisor.language import Language, translate

__all__ = ["in_language"]

OWN_FIELDS = frozenset(
    {"basis", "because", "criterion", "initial", "kind", "note", "role", "rung", "text", "what"}
)
"""Fields of the rows whose values are our words."""


class _Words(NamedTuple):
    language: Language
    said: dict[str, str]

    def __call__(self, text: str) -> str:
        return self.said.setdefault(text, translate(text, self.language))


def in_language(shown: Figure, language: Language) -> Figure:
    """Say a figure in another language.

    :param shown: the figure, in English.
    :param language: the language.
    :return: the same chart with title, axes, legends, tooltips, notes and description in that language.
    """
    if language == "en":
        return shown
    say = _Words(language, {})
    spec = shown.chart.to_dict(validate=False)
    for data in _data(spec):
        _rows(data, say)
    _encodings(spec, say)
    title = spec.get("title")
    if isinstance(title, dict):
        spec["title"] = {key: say(v) if key in ("text", "subtitle") else v for key, v in title.items()}
    spec["description"] = say(spec.get("description", ""))
    kind = alt.LayerChart if "layer" in spec else alt.Chart
    return Figure(kind.from_dict(spec, validate=False), say(shown.alt), say(shown.question))


def _data(spec: dict[str, Any]) -> Iterator[Any]:
    """Find the rows that travel in a chart and in its layers."""
    yield spec.get("datasets", {})
    yield spec.get("data", {}).get("values", [])
    for layer in spec.get("layer", []):
        yield from _data(layer)


def _rows(node: Any, say: _Words) -> None:
    """Translate the values of our fields, wherever rows are."""
    if isinstance(node, dict):
        for child in node.values():
            _rows(child, say)
    elif isinstance(node, list):
        for row in node:
            if isinstance(row, dict):
                row.update({k: say(v) for k, v in row.items() if k in OWN_FIELDS and isinstance(v, str)})
            else:
                _rows(row, say)


def _encodings(node: Any, say: _Words) -> None:
    """Translate the titles of channels, and the orders and domains of those that hold our fields."""
    if isinstance(node, list):
        for child in node:
            _encodings(child, say)
        return
    if not isinstance(node, dict):
        return
    if "field" in node:
        _channel(node, say)
    for key, child in node.items():
        if key not in ("data", "datasets", "title"):
            _encodings(child, say)


def _channel(channel: dict[str, Any], say: _Words) -> None:
    if isinstance(channel.get("title"), str):
        channel["title"] = say(channel["title"])
    if channel["field"] not in OWN_FIELDS:
        return
    if isinstance(channel.get("sort"), list):
        channel["sort"] = [say(value) for value in channel["sort"]]
        if isinstance(axis := channel.get("axis"), dict) and "minExtent" in axis:
            axis["minExtent"] = names_axis(channel["sort"]).to_dict()["minExtent"]
    scale = channel.get("scale")
    if isinstance(scale, dict) and isinstance(scale.get("domain"), list):
        scale["domain"] = [say(v) if isinstance(v, str) else v for v in scale["domain"]]
