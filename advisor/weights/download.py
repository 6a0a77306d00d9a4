"""One file from the hub: announced, fetched or continued, and verified."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from filelock import FileLock, Timeout

from advisor.errors import WeightsUnavailable
from advisor.weights.wire import Attempts, exchange, host, transport_errors

__all__ = ["RemoteFile", "announced", "download", "locked"]

SHA256 = re.compile(r"[0-9a-f]{64}")
GIT_OID = re.compile(r"[0-9a-f]{40}")
ETAG = re.compile(r"\w[\w.-]{0,127}")


@dataclass(frozen=True)
class RemoteFile:
    """A file as the hub announces it.

    :ivar etag: names its blob in the cache.
    :ivar size: bytes, or None where the hub does not say.
    :ivar sha256: of its content; the hub knows it for large files only.
    """

    name: str
    url: str
    etag: str
    size: int | None
    sha256: str | None


def announced(base: str, entry: dict[str, Any], attempts: Attempts) -> RemoteFile:
    """Take a file's size and checksum from the listing, or ask for them where the listing is silent.

    :param base: the address under which the files of the commit lie.
    :param entry: the listing's entry for the file.
    :raises WeightsUnavailable: if the hub says neither.
    """
    name, lfs = entry["rfilename"], entry.get("lfs")
    url = f"{base}/{quote(name)}"
    stated = lfs if isinstance(lfs, dict) else {}
    size, etag = stated.get("size", entry.get("size")), stated.get("sha256", entry.get("blobId"))
    if (
        not isinstance(etag, str)
        or not isinstance(size, int)
        or (name.endswith(".safetensors") and not stated)
    ):
        etag, size = _asked(url, attempts)
    if not ETAG.fullmatch(etag):
        raise WeightsUnavailable(
            f"{host(url)} names {name} by the unusable ETag {etag[:80]!r}", "a hub in HF_ENDPOINT"
        )
    return RemoteFile(name, url, etag, size, etag if SHA256.fullmatch(etag) else None)


def _asked(url: str, attempts: Attempts) -> tuple[str, int | None]:
    origin = urlsplit(url)[:2]
    for _ in range(5):
        at_home = urlsplit(url)[:2] == origin
        with exchange("HEAD", url, attempts, follow=False, token=at_home) as response:
            headers = response.headers
            etag = headers.get("x-linked-etag") or ("" if response.is_redirect else headers.get("etag", ""))
            if etag or not response.is_redirect:
                size = headers.get("x-linked-size") or headers.get("content-length", "")
                if not etag:
                    raise WeightsUnavailable(
                        f"{host(url)} gives no ETag for {url.rpartition('/')[2]}", "a hub in HF_ENDPOINT"
                    )
                return etag.removeprefix("W/").strip('"'), int(size) if size.isdigit() else None
            url = urljoin(url, headers.get("location", ""))
    raise WeightsUnavailable(f"{host(url)} redirects without end", "a hub in HF_ENDPOINT")


@contextmanager
def locked(path: Path, attempts: Attempts) -> Iterator[None]:
    """Hold the lock that huggingface_hub uses too, so that a file is fetched by one process only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while True:
        attempts.check()
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def download(file: RemoteFile, blob: Path, attempts: Attempts, report: Callable[[int], None]) -> None:
    """Fetch one file into the cache; what an earlier try left is continued.

    :raises WeightsUnavailable: if patience has ended, or the content is not what the hub announced.
    """
    blob.parent.mkdir(parents=True, exist_ok=True)
    partial = blob.with_name(f"{blob.name}.advisor.incomplete")
    continued = partial.is_file()
    while True:
        _receive(file, partial, attempts, report)
        fault = _fault(file, partial)
        if fault is None:
            partial.replace(blob)
            return
        partial.unlink()
        if not continued:
            raise WeightsUnavailable(
                f"{attempts.subject} arrived damaged: {fault}",
                fix="It was deleted. Try again; if it happens again, do not trust that hub.",
            )
        continued = False


def _receive(file: RemoteFile, partial: Path, attempts: Attempts, report: Callable[[int], None]) -> None:
    while True:
        start = partial.stat().st_size if file.size is not None and partial.is_file() else 0
        if file.size is not None and start == file.size and start > 0:
            return
        if file.size is not None and start > file.size:
            partial.unlink()
            start = 0
        try:
            with exchange(
                "GET", file.url, attempts, headers={"range": f"bytes={start}-"} if start else None
            ) as response:
                position = start if response.status_code == 206 else 0
                with partial.open("ab" if position else "wb") as stream:
                    for chunk in response.iter_bytes():
                        attempts.check()
                        stream.write(chunk)
                        position += len(chunk)
                        if file.size is not None and position > file.size:
                            return
                        attempts.progress()
                        report(position)
        except transport_errors() as error:
            attempts.failed(f"{host(file.url)} broke off ({type(error).__name__})")
            continue
        if file.size is None or position >= file.size:
            return
        attempts.failed(f"{host(file.url)} sent {position} of {file.size} bytes")


def _fault(file: RemoteFile, partial: Path) -> str | None:
    size = partial.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size} bytes instead of {file.size}"
    if file.sha256 is None:
        return _git_fault(file, partial, size) if GIT_OID.fullmatch(file.etag) else None
    with partial.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if found == file.sha256 else f"its SHA-256 is {found}, the hub says {file.sha256}"


def _git_fault(file: RemoteFile, partial: Path, size: int) -> str | None:
    """Check a small file by the number that git gives its content, which the hub announces where it has no SHA-256."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with partial.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    found = digest.hexdigest()
    return None if found == file.etag else f"git would name it {found}, the hub says {file.etag}"
