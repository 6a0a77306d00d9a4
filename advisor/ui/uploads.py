"""Uploaded bytes, kept under their own checksum so that a reload loses nothing and no upload is stored twice."""

import os
import secrets
import zipfile
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from advisor.errors import DataError
from advisor.files import storing, write_atomically
from advisor.home import home

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["SUFFIXES", "Upload", "keep", "keep_folder", "release"]

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
    content = upload.getvalue()
    name = PurePosixPath(upload.name.replace("\\", "/")).name or "upload"
    path = _place(sha256(content).hexdigest(), name)
    if not path.exists():
        write_atomically(path, content)
    return path


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
    folder = home() / "uploads"
    temporary = folder / f".{secrets.token_hex(4)}.{os.getpid()}.part"
    with storing(temporary):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _zip(temporary, paths, files)
            with temporary.open("rb") as stream:
                digest = file_digest(stream, "sha256").hexdigest()
            path = _place(digest, f"{paths[0].parts[0]}.zip")
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def _zip(target: Path, paths: Sequence[PurePosixPath], files: Sequence[Upload]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, file in sorted(zip(paths, files, strict=True), key=lambda pair: str(pair[0])):
            entry = zipfile.ZipInfo("/".join(part for part in path.parts if part not in ("..", "/")))
            archive.writestr(entry, file.getvalue())


def release(files: Sequence["UploadedFile"]) -> None:
    """Let the server forget the bytes of uploads that are kept; it would hold them until the session ends."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    if context and remove:
        for file in files:
            remove(context.session_id, file.file_id)


def _place(digest: str, name: str) -> Path:
    return home() / "uploads" / digest[:16] / name
