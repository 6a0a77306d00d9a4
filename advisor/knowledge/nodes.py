"""YAML with its line numbers: composed nodes, and the plain values in them."""

from pathlib import Path
from typing import Any

import yaml

__all__ = ["child", "compose", "line_of", "plain"]

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Constructor(yaml.SafeLoader):
    """Turns an already composed node into plain values."""

    def __init__(self) -> None:
        super().__init__("")


def compose(path: Path) -> yaml.Node | None:
    """Read a file as a node that knows its lines.

    :raises yaml.YAMLError: if it is not valid YAML.
    :raises UnicodeDecodeError: if it is not UTF-8.
    """
    with path.open(encoding="utf-8") as stream:
        return yaml.compose(stream, Loader=Loader)


def plain(node: yaml.Node) -> Any:
    """Turn a node into dictionaries, lists, texts, numbers and dates."""
    return _Constructor().construct_document(node)


def child(node: yaml.Node, key: str) -> yaml.Node | None:
    """Find the value that stands under a key of a mapping; None if there is none."""
    for name, value in getattr(node, "value", ()):
        if name.value == key:
            return value  # type: ignore[no-any-return]
    return None


def line_of(node: yaml.Node, steps: tuple[int | str, ...]) -> int:
    """Say on which line (from 1) a value stands, or the nearest thing around it that is there.

    :param node: where to begin.
    :param steps: the keys and indices that lead to the value.
    """
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = child(node, str(step))
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
        else:
            found = None
        if found is None:
            break
        node = found
    return node.start_mark.line + 1
