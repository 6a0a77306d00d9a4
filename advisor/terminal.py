"""What the commands share: the option for another knowledge folder, and tables of text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer

__all__ = ["KnowledgeDir", "print_table"]

KnowledgeDir = Annotated[Optional[Path], typer.Option("--knowledge", help="Another knowledge folder.")]  # noqa: UP045


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of equal length in aligned columns; the first row holds the heads."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
