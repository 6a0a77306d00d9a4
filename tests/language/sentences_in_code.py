"""Every sentence that stands in the code, with its holes filled, found over the syntax tree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Sentence", "sentences"]

THREE = re.compile(r"(?:(?<![\w/.@:-])[A-Za-z]?[a-z]+,? ){2,}[a-z]+(?![\w/@-])")
FILLINGS = ("7", "x-1", "7 ms", "7%")


class Sentence(NamedTuple):
    """A literal text of the code: where it stands, and what it may read like when it is filled."""

    place: str
    text: str
    filled: tuple[str, ...]


def sentences(files: list[Path]) -> Iterator[Sentence]:
    """Find the literal texts of at least three English words in a row.

    :param files: modules.
    :return: every text that is no docstring, type or pattern.
    """
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        apart = _not_said(tree)
        for node in ast.walk(tree):
            if id(node) in apart or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            shown = _written(node, "{}")
            if shown and THREE.search(shown):
                filled = tuple(dict.fromkeys(_written(node, filling).strip() for filling in FILLINGS))
                yield Sentence(f"{path.name}:{node.lineno}", shown, filled)


def _not_said(tree: ast.Module) -> set[int]:
    """Find the nodes of docstrings, of parts of f-strings, and of what is only for patterns and options."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            found.update(id(part) for part in ast.walk(node) if part is not node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in SILENT:
            found.update(id(part) for part in ast.walk(node))
    return found


SILENT = frozenset({"compile", "Option", "Typer", "add_argument", "ArgumentParser", "assert_never"})


def _written(node: ast.AST, filling: str) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else filling
            for part in node.values
        )
    return ""
