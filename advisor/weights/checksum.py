"""SHA-256 of weight files, remembered by path, size and time so that start-up stays fast."""

import contextlib
import hashlib
import json
from pathlib import Path

from advisor.errors import StorageError
from advisor.files import write_atomically
from advisor.home import home

__all__ = ["sha256"]

BLOCK = 1 << 20
_known: dict[str, tuple[int, int, str]] = {}


def sha256(path: Path) -> str:
    """Digest a file, or recall the digest of the same path, size and modification time.

    The memory is in this process and in `ADVISOR_HOME/checksums.json`; losing it costs only time.

    :param path: the file.
    :return: 64 hexadecimal digits.
    :raises OSError: if the file cannot be read.
    """
    key = str(path.resolve())
    status = path.stat()
    stamp = (status.st_size, status.st_mtime_ns)
    for memory in (_known, _stored()):
        found = memory.get(key)
        if found and found[:2] == stamp:
            _known[key] = found
            return found[2]
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    _known[key] = (*stamp, digest)
    _store({**_stored(), key: (*stamp, digest)})
    return digest


def _memory_file() -> Path:
    return home() / "checksums.json"


def _stored() -> dict[str, tuple[int, int, str]]:
    try:
        content = json.loads(_memory_file().read_text(encoding="utf-8"))
        return {
            str(path): (int(size), int(time), str(digest)) for path, (size, time, digest) in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _store(memory: dict[str, tuple[int, int, str]]) -> None:
    with contextlib.suppress(StorageError):
        write_atomically(_memory_file(), json.dumps(memory))
