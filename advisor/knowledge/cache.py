"""The parsed base on disk: checked once, then read back without being checked again.

One JSON file per knowledge folder under the advisor's home. Its first line holds the key (what the folder held and
which code read it) and the checksum of the rest. A cache that is missing, torn, foreign or out of date is read anew.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from advisor.errors import StorageError
from advisor.files import write_atomically
from advisor.knowledge.base import Knowledge
from advisor.knowledge.cards import Input, Licence, Words
from advisor.quantity import Frozen

__all__ = ["content_key", "recall", "remember"]

KEPT = 8
POOLED: tuple[type[Frozen], ...] = (Words, Licence, Input)
"""Entries that many cards have alike: each is written once, and a card names its number."""
FOLDER = "knowledge"


def content_key(files: Sequence[Path], folder: Path) -> str:
    """Digest what a base is made from: every file's name and bytes, and the code that gives them their form.

    :param files: the files of the folder, in a fixed order.
    :param folder: the folder that they lie in.
    :return: a hexadecimal digest.
    :raises OSError: if a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=20)
    for path in (*sorted(Path(__file__).parent.glob("*.py")), *files):
        name = str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name
        content = path.read_bytes()
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def recall(home: Path, folder: Path, key: str) -> Knowledge | None:
    """Read a base back.

    :param home: the advisor's own folder.
    :param folder: the knowledge folder.
    :param key: what `content_key` says of it now.
    :return: the base, or None where there is none that fits.
    """
    try:
        head, _, body = _file(home, folder).read_bytes().partition(b"\n")
        if json.loads(head) != {"key": key, "sum": _sum(body)}:
            return None
        pools, base = json.loads(body)
        return cast(Knowledge, _Reader(pools).revive(Knowledge)(base))
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return None


def remember(home: Path, folder: Path, key: str, knowledge: Knowledge) -> None:
    """Write a base down for the next start; where that is not possible the next start reads it anew.

    :param home: the advisor's own folder; made if it is not there.
    :param folder: the knowledge folder.
    :param key: what `content_key` said before the folder was read.
    :param knowledge: the base, with every check passed.
    """
    writer = _Writer()
    base = writer.plain(knowledge)
    body = json.dumps([writer.rows, base], ensure_ascii=False, separators=(",", ":")).encode()
    head = json.dumps({"key": key, "sum": _sum(body)}).encode()
    path = _file(home, folder)
    try:
        write_atomically(path, head + b"\n" + body)
        others = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
        for old in others[KEPT:]:
            old.unlink(missing_ok=True)
    except (OSError, StorageError):
        return


def _file(home: Path, folder: Path) -> Path:
    return home / FOLDER / f"{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}.json"


def _sum(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


Revive = Callable[[Any], Any]


class _Writer:
    """Writes each entry as the list of its fields' values, in their order."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {kind.__name__: [] for kind in POOLED}
        self._numbers: dict[Frozen, int] = {}

    def plain(self, value: Any) -> Any:
        if isinstance(value, POOLED):
            if value not in self._numbers:
                rows = self.rows[type(value).__name__]
                self._numbers[value] = len(rows)
                rows.append(self._fields(value))
            return self._numbers[value]
        if isinstance(value, Frozen):
            return self._fields(value)
        if isinstance(value, tuple):
            return [self.plain(item) for item in value]
        return value.isoformat() if isinstance(value, dt.date) else value

    def _fields(self, entry: Frozen) -> list[Any]:
        return [self.plain(getattr(entry, name)) for name in type(entry).model_fields]


class _Reader:
    """Makes the functions that turn such lists into entries, without checking them again."""

    def __init__(self, pools: dict[str, list[Any]]) -> None:
        self._made: dict[type[Frozen], Revive] = {}
        for kind in POOLED:
            revive = self._entry(kind)
            self._made[kind] = [revive(row) for row in pools[kind.__name__]].__getitem__

    def revive(self, model: type[Frozen]) -> Revive:
        if model not in self._made:
            self._made[model] = self._entry(model)
        return self._made[model]

    def _entry(self, model: type[Frozen]) -> Revive:
        names = tuple(model.model_fields)
        nested = [
            (place, revive)
            for place, field in enumerate(model.model_fields.values())
            if (revive := self._field(field.annotation)) is not None
        ]
        filled = set(names)
        new, put = object.__new__, object.__setattr__

        def revive_entry(row: list[Any]) -> Frozen:
            for place, revive in nested:
                if row[place] is not None:
                    row[place] = revive(row[place])
            entry = new(model)
            put(entry, "__dict__", dict(zip(names, row, strict=True)))
            put(entry, "__pydantic_fields_set__", filled)
            put(entry, "__pydantic_extra__", None)
            put(entry, "__pydantic_private__", None)
            return entry

        return revive_entry

    def _field(self, annotation: Any) -> Revive | None:
        """Find how a field's value is revived; None where JSON gives it back as it was."""
        if annotation is dt.date:
            return dt.date.fromisoformat
        if isinstance(annotation, type) and issubclass(annotation, Frozen):
            return self.revive(annotation)
        inner = get_args(annotation)
        if getattr(annotation, "__origin__", None) is tuple:
            item = self._field(inner[0])
            return tuple if item is None else lambda values: tuple([item(value) for value in values])
        if getattr(annotation, "__origin__", None) is dict:
            return None
        return next((found for part in inner if (found := self._field(part)) is not None), None)
