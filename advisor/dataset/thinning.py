"""A sample of a table that is too large to be held: its rows are read one by one and most are forgotten at once."""

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LARGE_BYTES", "ROWS_HELD", "Thinned", "thin"]

LARGE_BYTES = 32 * 1024**2
"""Tables up to this size are read whole."""

ROWS_HELD = 100_000
"""Rows of a larger table that are kept."""

TOLD_EVERY = 20_000
LONGEST = 4 * 1024**2
WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Thinned:
    """Some rows of a table.

    :ivar content: the header and the rows that were kept, in their order, as they were written.
    :ivar lines: for each line of `content` the 1-based line of the file.
    :ivar rows: how many rows the file holds.
    :ivar sha256: of the whole file.
    """

    content: bytes
    lines: tuple[int, ...]
    rows: int
    sha256: bytes


def thin(
    path: Path, most: int = ROWS_HELD, progress: Callable[[int, int], None] | None = None
) -> Thinned | None:
    """Keep a random sample of the rows of a CSV, TSV or JSONL file; equal rows are kept or left out together.

    :param path: the file; a row ends at the end of a line outside of double quotes, in JSONL at every one.
    :param most: how many rows to keep besides the first, which may name the columns.
    :param progress: called with (done, total) in bytes.
    :return: None where the file has no more rows, another form, or quotes that never close.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".tsv", ".txt", ".jsonl", ".ndjson"):
        return None
    digest = hashlib.sha256()
    kept: list[tuple[int, int, int, bytes]] = []
    head: tuple[int, bytes] | None = None
    rows = done = 0
    size = path.stat().st_size
    for number, record in _records(path, digest, quoted=suffix not in (".jsonl", ".ndjson")):
        if not record or (number == 1 and record.startswith(WIDE)):
            return None
        if not record.strip():
            continue
        if head is None:
            head = (number, record)
            continue
        rows += 1
        done += len(record)
        if progress and rows % TOLD_EVERY == 0:
            progress(min(done, size), size)
        key = -int.from_bytes(hashlib.blake2b(record.strip(), digest_size=8).digest())
        entry = (key, -rows, number, record)
        if len(kept) < most:
            heapq.heappush(kept, entry)
        elif entry > kept[0]:
            heapq.heapreplace(kept, entry)
    if head is None or rows <= most:
        return None
    chosen = [head, *sorted((number, record) for _, _, number, record in kept)]
    lines = [number + offset for number, record in chosen for offset in range(record.count(b"\n"))]
    return Thinned(b"".join(record for _, record in chosen), tuple(lines), rows, digest.digest())


def _records(path: Path, digest: "hashlib._Hash", quoted: bool) -> Iterator[tuple[int, bytes]]:
    """Give each record with the line at which it begins; an empty one tells that quotes do not close."""
    begun, parts, size, odd = 1, list[bytes](), 0, False
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            digest.update(line)
            parts.append(line if line.endswith(b"\n") else line + b"\n")
            size += len(line)
            odd ^= quoted and line.count(b'"') % 2 == 1
            if size > LONGEST:
                yield begun, b""
                return
            if not odd:
                yield begun, b"".join(parts)
                begun, parts, size = number + 1, [], 0
    if parts:
        yield begun, b""
