"""How timm's architectures are grouped into families, and what the curator says of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from advisor.errors import InputError

__all__ = ["TimmFamily", "family_of", "read_families"]


@dataclass(frozen=True, eq=False)
class TimmFamily:
    """An entry of `knowledge/timm-families.yaml`.

    :ivar slug: part of the file name.
    :ivar title: the family's name.
    :ivar match: pattern for the beginning of an architecture's name.
    :ivar good_for: what its members are good for, `{en, zh}`.
    :ivar weaknesses: what speaks against them, `{en, zh}`.
    :ivar authors: who designed it.
    :ivar paper: its arXiv id, as in `1512.03385`.
    :ivar rollout: whether its attention covers the whole picture.
    """

    slug: str
    title: str
    match: str
    good_for: dict[str, str]
    weaknesses: dict[str, str]
    authors: str | None = None
    paper: str | None = None
    rollout: bool = False


def read_families(path: Path) -> tuple[TimmFamily, ...]:
    """Read the families in their order.

    :param path: `timm-families.yaml`.
    :return: the families; empty if there is no such file.
    :raises InputError: if an entry has another key than a family's.
    """
    if not path.is_file():
        return ()
    entries: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    try:
        return tuple(TimmFamily(**entry) for entry in entries)
    except TypeError as error:
        raise InputError(f"{path}: {error}", "the keys " + ", ".join(TimmFamily.__annotations__)) from None


def family_of(architecture: str, families: Sequence[TimmFamily]) -> TimmFamily:
    """Find the family of an architecture.

    :param architecture: a timm architecture without its tag.
    :param families: the families, the first that fits wins.
    :return: the family.
    :raises InputError: if none fits.
    """
    for family in families:
        if re.match(family.match, architecture):
            return family
    raise InputError(
        f"No family fits the timm architecture {architecture!r}",
        "an entry of timm-families.yaml whose `match` fits its beginning",
        "Add one there, or take the checkpoint off the list.",
    )
