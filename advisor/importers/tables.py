"""Reading source tables and the knowledge folder that an importer writes into."""

import csv
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from advisor.errors import DataError

__all__ = ["card_ids", "exact", "read_table", "read_yaml", "write_files"]


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV table.

    :param path: the file.
    :return: one mapping of column to text per row.
    :raises DataError: if there is no such file.
    """
    if not path.is_file():
        raise DataError(f"There is no table {path}", "a CSV file")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_yaml(path: Path) -> Any:
    """Read one YAML file of the knowledge folder.

    :param path: the file.
    :return: its content.
    :raises DataError: if there is no such file.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}", "a YAML file of the knowledge folder")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)


def card_ids(paths: Iterable[Path]) -> set[str]:
    """List the ids of the cards in families' files.

    :param paths: files of `knowledge/models`; one that is missing holds none.
    :return: the ids.
    """
    return {item["id"] for path in paths if path.exists() for item in read_yaml(path)["models"]}


def exact(text: str, times: str = "1") -> float:
    """Read a number and change its unit without rounding, as in decimal writing: 65.29 × 0.01 = 0.6529.

    :param text: the number as the table writes it; thousands may be set off by commas.
    :param times: the factor, in decimal writing.
    :return: the float nearest to the exact product.
    """
    return float(Decimal(text.strip().replace(",", "")) * Decimal(times))


def write_files(folder: Path, files: Mapping[str, str], stale: Iterable[Path] = ()) -> None:
    """Write an importer's files and remove those that it once made and makes no more.

    :param folder: the knowledge folder.
    :param files: name below the folder → text.
    :param stale: files that the importer owns; those not in `files` are removed.
    """
    for path in stale:
        if path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, text in sorted(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
