"""A folder or a zip seen the same way: relative paths in, bytes out. Nothing is ever extracted."""

import lzma
import os
import stat
import struct
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol

from advisor.dataset import limits
from advisor.errors import DataError

__all__ = ["Tree", "check_archive", "open_tree"]

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
ODD_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}
NO_ZIP = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OverflowError, struct.error)
END_MARK, WIDE_END_MARK = b"PK\5\6", b"PK\6\6"
TAIL_BYTES = 65_557 + 76
ENTRY_BYTES = 200
UNZIP = "Unpack it with an ordinary tool, look at what is inside, and give the folder."


class Tree(Protocol):
    """Files by their path inside a folder or zip, `/` between the parts."""

    origin: Path
    paths: tuple[str, ...]
    odd: tuple[str, ...]

    def read(self, path: str, limit: int = limits.IMAGE_BYTES) -> bytes:
        """Give a file's bytes; OSError if it cannot be read or exceeds the limit."""


def open_tree(origin: Path) -> Tree:
    """List what a folder or zip holds.

    :param origin: the folder or the zip file.
    :return: its files, sorted by path; `odd` names what was passed over: links, devices, undecodable names.
    :raises DataError: if it cannot be listed, or the zip is damaged, encrypted or unsafe.
    """
    return _Folder(origin) if origin.is_dir() else _Zip(origin)


class _Folder:
    def __init__(self, origin: Path) -> None:
        self.origin = origin
        paths: list[str] = []
        odd: list[str] = []
        pending = [("", origin)]
        while pending:
            prefix, folder = pending.pop()
            try:
                entries = list(os.scandir(folder))
            except OSError as error:
                raise DataError(
                    f"The folder {folder} cannot be opened: {error.strerror}",
                    fix="Check its permissions, or copy the data to a folder of your own.",
                ) from None
            for entry in entries:
                path = prefix + entry.name
                if not _encodable(path):
                    odd.append(path.encode("utf-8", "replace").decode("utf-8"))
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((path + "/", Path(entry.path)))
                elif entry.is_file():
                    paths.append(path)
                else:
                    odd.append(path)
            if len(paths) > limits.MEMBERS:
                raise DataError(
                    f"{origin} holds more than {limits.MEMBERS:,} files", fix="Give a smaller sample."
                )
        self.paths = tuple(sorted(paths))
        self.odd = tuple(sorted(odd))

    def read(self, path: str, limit: int = limits.IMAGE_BYTES) -> bytes:
        with (self.origin / path).open("rb") as stream:
            return _bounded(stream.read(limit + 1), limit)


class _Zip:
    def __init__(self, origin: Path) -> None:
        self.origin = origin
        self._lock = threading.Lock()
        _bound_members(origin)
        try:
            self._file = zipfile.ZipFile(origin)
        except (*NO_ZIP, OSError) as error:
            raise DataError(
                f"The zip {origin} cannot be opened: {error}",
                "a whole, unencrypted .zip",
                "Pack or download it again.",
            ) from None
        check_archive(self._file, origin)
        members: dict[str, zipfile.ZipInfo] = {}
        odd: list[str] = []
        for info, name in _named(self._file):
            if name.endswith("/"):
                continue
            if not name or name in members:
                odd.append(name)
            else:
                members[name] = info
        self._members = members
        self.paths = tuple(sorted(members))
        self.odd = tuple(sorted(odd))

    def read(self, path: str, limit: int = limits.IMAGE_BYTES) -> bytes:
        try:
            with self._lock, self._file.open(self._members[path]) as stream:
                return _bounded(stream.read(limit + 1), limit)
        except (*NO_ZIP, zlib.error, lzma.LZMAError, RuntimeError, KeyError) as error:
            raise OSError(str(error)) from None


def _bound_members(origin: Path) -> None:
    """Count what a zip lists before each entry becomes an object; what is no zip is complained of later.

    :raises DataError: if the list is longer than the limit.
    """
    with origin.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - TAIL_BYTES))
        tail = stream.read()
        at = tail.rfind(END_MARK)
        if at < 0 or len(tail) - at < 22:
            return
        length = int.from_bytes(tail[at + 12 : at + 16], "little")
        if (wide := tail.rfind(WIDE_END_MARK)) >= 0 and len(tail) - wide >= 56:
            length = max(int.from_bytes(tail[wide + 40 : wide + 48], "little"), length % 0xFFFFFFFF)
    told = int.from_bytes(tail[wide + 32 : wide + 40] if wide >= 0 else tail[at + 10 : at + 12], "little")
    if told > limits.MEMBERS or length > limits.MEMBERS * ENTRY_BYTES:
        raise DataError(
            f"{origin} holds {max(told, length // ENTRY_BYTES):,} files",
            f"at most {limits.MEMBERS:,}",
            "Give a smaller sample.",
        )


def check_archive(archive: zipfile.ZipFile, origin: Path) -> None:
    """Refuse a zip that could do harm, before a byte of it is unpacked.

    :param archive: the open zip, or an Office file, which is one.
    :param origin: how to call it in a complaint.
    :raises DataError: for too many members, absolute or climbing paths, links, encryption, or a bomb.
    """
    members = archive.infolist()
    if len(members) > limits.MEMBERS:
        raise DataError(
            f"{origin} holds {len(members):,} files", f"at most {limits.MEMBERS:,}", "Give a smaller sample."
        )
    for info, name in _named(archive):
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in parts or "\0" in name:
            raise DataError(
                f"{origin} holds a file that points outside of it: {name[:200]!r}",
                "relative paths only",
                UNZIP,
            )
        if kind := ODD_KINDS.get(stat.S_IFMT(info.external_attr >> 16)):
            raise DataError(f"{origin} holds {kind}: {name[:200]!r}", "plain files only", UNZIP)
        if info.flag_bits & 0x1:
            raise DataError(
                f"{origin} is encrypted: {name[:200]!r}",
                "a zip without password",
                "Pack it again without one.",
            )
        if info.file_size > 1_000_000 and info.file_size > limits.RATIO * max(info.compress_size, 1):
            raise DataError(
                f"{origin} holds {name[:200]!r}, which unfolds to {info.file_size:,} bytes from "
                f"{info.compress_size:,}, as a zip bomb does",
                f"at most {limits.RATIO} times the packed size",
                UNZIP,
            )
    total = sum(info.file_size for info in members)
    if total > limits.UNPACKED_BYTES:
        raise DataError(
            f"{origin} unfolds to {total:,} bytes",
            f"at most {limits.UNPACKED_BYTES:,}",
            "Give a smaller sample, or the unpacked folder.",
        )
    if sum(info.compress_size for info in members) > origin.stat().st_size:
        raise DataError(f"The members of {origin} overlap, as in a zip bomb", "a whole .zip", UNZIP)


def _named(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    """Undo code page 437, in which names without the UTF-8 mark are read: macOS means UTF-8, Windows in China GBK."""
    members = archive.infolist()
    unmarked = {
        info: info.filename.encode("cp437", "replace")
        for info in members
        if not info.flag_bits & 0x800 and not info.filename.isascii()
    }
    for encoding in ("utf-8", "gb18030"):
        try:
            decoded = {info: raw.decode(encoding) for info, raw in unmarked.items()}
        except UnicodeDecodeError:
            continue
        return [(info, decoded.get(info, info.filename)) for info in members]
    return [(info, info.filename) for info in members]


def _bounded(content: bytes, limit: int) -> bytes:
    if len(content) > limit:
        raise OSError(f"larger than {limit // 1024**2} MB")
    return content


def _encodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
