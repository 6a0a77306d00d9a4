"""A disk that fails at its k-th change: what Python does to files below one folder, counted and made to fail."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SPACE = ("open", "write", "fsync", "replace", "mkdir")


class FailingDisk:
    """Counts changes below a folder and lets one fail, or all from one on.

    :ivar count: the changes so far.
    :ivar at: which one fails; None if none does.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.count = str(root.resolve()), 0
        self.at: int | None = None
        self.error, self.stays, self.kinds = errno.ENOSPC, False, SPACE
        for name in ("replace", "mkdir", "unlink", "utime"):
            patch.setattr(os, name, self.wrapped(name, getattr(os, name)))
        patch.setattr(os, "open", self.opener(os.open))
        patch.setattr(io, "open", self.reader(io.open))
        patch.setattr(builtins, "open", self.reader(builtins.open))
        for name in ("write", "fsync"):
            patch.setattr(os, name, self.on_handle(name, getattr(os, name)))

    def arm(self, at: int | None, error: int = errno.ENOSPC, stays: bool = False) -> None:
        """Count from here on; without a number nothing fails."""
        self.count, self.at, self.error, self.stays = 0, at, error, stays
        self.kinds = SPACE if error == errno.ENOSPC else (*SPACE, "unlink", "utime")

    def due(self, kind: str, path: object) -> None:
        try:
            where = Path(path).absolute()  # type: ignore[arg-type]
        except TypeError:
            return
        if kind not in self.kinds or not str(where).startswith(self.root):
            return
        number, self.count = self.count, self.count + 1
        if self.at is not None and (number == self.at or (self.stays and number > self.at)):
            raise OSError(self.error, os.strerror(self.error), str(where))

    def wrapped(self, kind: str, true: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            self.due(kind, rest[0] if kind == "replace" else path)
            return true(path, *rest, **more)

        return call

    def opener(self, true: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *rest: Any, **more: Any) -> int:
            if flags & WRITING:
                self.due("open", path)
            return true(path, flags, *rest, **more)

        return call

    def reader(self, true: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if set(mode) & set("wax+"):
                self.due("open", path)
            return true(path, mode, *rest, **more)

        return call

    def on_handle(self, kind: str, true: Callable[..., Any]) -> Callable[..., Any]:
        def call(handle: int, *rest: Any) -> Any:
            self.due(kind, Path(f"/proc/self/fd/{handle}").readlink())
            return true(handle, *rest)

        return call
