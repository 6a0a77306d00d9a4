"""Changing single keys of a card in the text of its family's file, and nothing else there."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from advisor.knowledge.nodes import child, compose

__all__ = ["edited"]


def edited(path: Path, changes: Mapping[str, Mapping[str, object]]) -> str:
    """Write a family's file with other values for some keys of some cards.

    :param path: the file; it is sound.
    :param changes: by card id, the new values by key.
    :return: the new text: a key that the card has is replaced, another is added at its end.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    root = compose(path)
    models = child(root, "models") if root is not None else None
    pieces: list[tuple[int, int, str]] = []
    for node in models.value if models is not None else ():
        name = child(node, "id")
        new = changes.get(name.value if name is not None else "")
        if not new:
            continue
        indent = " " * node.start_mark.column
        for key, value in new.items():
            entry = f"{key}: {_flow(value)}"
            own = next((pair for pair in node.value if pair[0].value == key), None)
            if own is not None:
                begin = starts[own[0].start_mark.line] + own[0].start_mark.column
                pieces.append((begin, _end(own[1], text, starts), entry))
            else:
                end = _end(node.value[-1][1], text, starts)
                end = text.find("\n", end) if "\n" in text[end:] else len(text)
                pieces.append((end, end, f"\n{indent}{entry}"))
    for begin, end, entry in sorted(pieces, key=lambda piece: piece[:2], reverse=True):
        text = text[:begin] + entry + text[end:]
    return text


def _flow(value: object) -> str:
    """Write a value on one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf")
    )
    return text.removesuffix("...\n").strip()


def _end(node: yaml.Node, text: str, starts: list[int]) -> int:
    """Find where a value ends, without the blank and the comments behind it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        end = starts[node.end_mark.line] + node.end_mark.column
        return len(text[:end].rstrip())
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last, text, starts)
