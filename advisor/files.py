"""Files that are whole or not there, and that tell when they were damaged."""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from advisor.errors import StorageError

__all__ = ["seal", "storing", "sweep", "sweep_home", "unseal", "write_atomically"]

CHECKSUM = "sha256"
TEMPORARY = (".tmp", ".tmp.npz", ".part")
WRITTEN_BY = re.compile(r"\.(\d+)\.(?:tmp|tmp\.npz|part)$")


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is written into one complaint that says how to go on.

    :param path: what is being written.
    :raises StorageError: instead of the OSError.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}",
            fix="What was finished before is kept. Free space or mend the permissions, then `advisor resume` the run.",
        ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the whole new one, never a part, also after a power cut.

    :raises StorageError: if that cannot be; the old content stays and nothing temporary is left.
    """
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        data = content.encode() if isinstance(content, str) else content
        try:
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def seal(content: Mapping[str, Any]) -> str:
    """Render a JSON document with its own checksum.

    :param content: plain JSON values.
    :return: the document, with the key `sha256` over the rest.
    """
    return json.dumps({**content, CHECKSUM: _digest(content)}, ensure_ascii=False, indent=1)


def unseal(text: str) -> dict[str, Any]:
    """Read a document that may be sealed.

    :param text: JSON; one without a checksum is taken as it is.
    :return: the content without its checksum.
    :raises ValueError: if it is no JSON object, or its checksum says that it was changed.
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    told = content.pop(CHECKSUM, None)
    if told is not None and told != _digest(content):
        raise ValueError("its checksum does not fit: the file was damaged or changed by hand")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()


def sweep(folder: Path) -> int:
    """Remove what a process that died left half-written.

    :param folder: a run's folder that nobody is at work on.
    :return: how many files that were.
    """
    left = [
        path
        for path in folder.rglob(".*")
        if path.name.endswith(TEMPORARY) and path.is_file() and not path.is_symlink()
    ]
    for path in left:
        with contextlib.suppress(OSError):
            path.unlink()
    return len(left)


def sweep_home(folder: Path) -> None:
    """Remove what processes that died left half-written where several processes write.

    :param folder: the advisor's own.
    """
    for path in (*folder.glob(".*"), *folder.glob("*/.*"), *(folder / "features").glob("*/.*")):
        named = WRITTEN_BY.search(path.name)
        if named and not psutil.pid_exists(int(named[1])):
            with contextlib.suppress(OSError):
                path.unlink()
