"""Uploaded bytes, kept under their own checksum so that a reload loses nothing and no upload is stored twice."""

import io
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from advisor.errors import DataError
from advisor.home import home

__all__ = ["SUFFIXES", "Upload", "keep", "keep_folder"]

SUFFIXES = ("zip", "csv", "tsv", "jsonl", "ndjson", "parquet", "xlsx")


class Upload(Protocol):
    """What the browser sent: a name and bytes."""

    name: str

    def getvalue(self) -> bytes:
        """Give all bytes."""


def keep(upload: Upload) -> Path:
    """Store one uploaded file.

    :param upload: the file.
    :return: where it lies now.
    """
    return _store(upload.getvalue(), PurePosixPath(upload.name.replace("\\", "/")).name or "upload")


def keep_folder(files: Sequence[Upload]) -> Path:
    """Store the files of an uploaded folder as one zip, with their paths inside the folder.

    :param files: the files; each name is its path.
    :return: where the zip lies now.
    :raises DataError: if the browser sent no folders, so that no file has a class.
    """
    paths = [PurePosixPath(file.name.replace("\\", "/")) for file in files]
    if not any(len(path.parts) > 1 for path in paths):
        raise DataError(
            f"{len(files)} files were chosen without their folders, so no image has a class",
            "a folder with one sub-folder per class, or a zip of it",
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path, file in sorted(zip(paths, files, strict=True), key=lambda pair: str(pair[0])):
            entry = zipfile.ZipInfo("/".join(part for part in path.parts if part not in ("..", "/")))
            archive.writestr(entry, file.getvalue())
    return _store(content.getvalue(), f"{paths[0].parts[0]}.zip")


def _store(content: bytes, name: str) -> Path:
    folder = home() / "uploads" / sha256(content).hexdigest()[:16]
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{name}.part"
        temporary.write_bytes(content)
        temporary.replace(path)
    return path
