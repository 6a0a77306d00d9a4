"""The parsed base on disk: checked once, then read back without being checked again.

One JSON file per knowledge folder under the advisor's home. Its first line holds the key (what the folder held and
which code read it) and the checksum of the rest. A cache that is missing, torn, foreign or out of date is read anew.
"""

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

from advisor.knowledge.base import Knowledge
from advisor.quantity import Frozen

__all__ = ["content_key", "recall", "remember"]

KEPT = 8
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
        return cast(Knowledge, _reviver(Knowledge)(json.loads(body)))
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return None


def remember(home: Path, folder: Path, key: str, knowledge: Knowledge) -> None:
    """Write a base down for the next start; where that is not possible the next start reads it anew.

    :param home: the advisor's own folder; made if it is not there.
    :param folder: the knowledge folder.
    :param key: what `content_key` said before the folder was read.
    :param knowledge: the base, with every check passed.
    """
    body = json.dumps(_plain(knowledge), ensure_ascii=False, separators=(",", ":")).encode()
    head = json.dumps({"key": key, "sum": _sum(body)}).encode()
    path = _file(home, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as stream:
            stream.write(head + b"\n" + body)
        Path(stream.name).replace(path)
        others = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
        for old in others[KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _file(home: Path, folder: Path) -> Path:
    return home / FOLDER / f"{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}.json"


def _sum(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """Write an entry as the list of its fields' values, in their order."""
    if isinstance(value, Frozen):
        return [_plain(getattr(value, name)) for name in type(value).model_fields]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


Revive = Callable[[Any], Any]


@cache
def _reviver(model: type[Frozen]) -> Revive:
    """Make the function that turns such a list into the entry, without checking it again."""
    names = tuple(model.model_fields)
    nested = [
        (place, revive)
        for place, field in enumerate(model.model_fields.values())
        if (revive := _of(field.annotation)) is not None
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


def _of(annotation: Any) -> Revive | None:
    """Find how a field's value is revived; None where JSON gives it back as it was."""
    if annotation is dt.date:
        return dt.date.fromisoformat
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return _reviver(annotation)
    inner = get_args(annotation)
    if getattr(annotation, "__origin__", None) is tuple:
        item = _of(inner[0])
        return tuple if item is None else lambda values: tuple([item(value) for value in values])
    if getattr(annotation, "__origin__", None) is dict:
        return None
    return next((found for part in inner if (found := _of(part)) is not None), None)
