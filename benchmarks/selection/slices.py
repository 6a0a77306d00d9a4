"""A table that grows row by row: what is there needs no work any more."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Asked = tuple[str, int, float]


def read(path: Path) -> list[dict[str, str]]:
    """Read the rows; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_share(path: Path, of: Callable[[Mapping[str, str]], Any] = dict) -> dict[Asked, Any]:
    """Read what became of each data set, seed and share of the seconds."""
    return {(row["set"], int(row["seed"]), float(row["share"])): of(row) for row in read(path)}


def append(path: Path, fields: Sequence[str], row: Mapping[str, Any]) -> None:
    """Add a row, below a header if it is the first, and print it."""
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)
    print(*row.values(), flush=True)
