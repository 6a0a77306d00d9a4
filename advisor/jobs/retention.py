"""How much room runs and uploads take, and what goes first when that is too much."""

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from advisor.errors import AdvisorError, InputError
from advisor.home import home
from advisor.jobs.register import registered
from advisor.jobs.view import delete_run, read_state, size_mb, uploads_in_use

__all__ = ["Kept", "clean", "kept"]

LIMIT = "ADVISOR_KEEP_MB"
DEFAULT_MB = 20_000.0
CACHED = ("features.npz", "features/*/*.npz")
LOOSE_S = 24 * 3600.0


@dataclass(frozen=True)
class Kept:
    """What the advisor keeps in its own folder; runs elsewhere, which the user named, are his own affair.

    :ivar runs_mb: the runs, with what they cache.
    :ivar uploads_mb: what was uploaded in the browser.
    :ivar limit_mb: what both may take together: ADVISOR_KEEP_MB, else 20 000.
    """

    runs_mb: float
    uploads_mb: float
    limit_mb: float

    @property
    def over_mb(self) -> float:
        """By how much that is too much; 0 if it is not."""
        return max(0.0, self.runs_mb + self.uploads_mb - self.limit_mb)


def kept(environ: Mapping[str, str] | None = None) -> Kept:
    """Add up what is kept.

    :raises InputError: if the limit is set to anything but a number of at least 0.
    """
    env = os.environ if environ is None else environ
    told = env.get(LIMIT, "").strip() or str(DEFAULT_MB)
    try:
        limit = float(told)
    except ValueError:
        limit = -1.0
    if not 0 <= limit < float("inf"):
        raise InputError(f"{LIMIT} is {told!r}", "megabytes, 0 or more")
    return Kept(size_mb(home() / "runs"), size_mb(home() / "uploads"), limit)


def clean(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Make room, oldest first: the caches of ended runs, uploads that no run uses, then ended runs with their uploads.

    A run that goes on or waits is never touched, nor is one outside of the advisor's own folder.

    :return: what was removed.
    """
    gone: list[Path] = []
    own = (home() / "runs").resolve()
    oldest = [path for path, _ in reversed(registered()) if path.is_relative_to(own)]
    ended = [path for path in oldest if read_state(path) not in ("queued", "running")]
    for run in ended:
        for name in CACHED:
            for cache in (run / "rungs").glob(f"*/{name}"):
                if not kept(environ).over_mb:
                    return tuple(gone)
                with contextlib.suppress(OSError):
                    cache.unlink()
                    gone.append(cache)
    for upload in _unused():
        if not kept(environ).over_mb:
            return tuple(gone)
        shutil.rmtree(upload, ignore_errors=True)
        gone.append(upload)
    for run in ended:
        if not kept(environ).over_mb:
            break
        with contextlib.suppress(AdvisorError, OSError):
            delete_run(run)
            gone.append(run)
    return tuple(gone)


def _unused() -> list[Path]:
    """Uploads that no run rests on and that were not touched for a day, oldest first."""
    used = uploads_in_use()
    folders = [path for path in (home() / "uploads").glob("*") if path.is_dir()]
    old = [path for path in folders if time.time() - path.stat().st_mtime > LOOSE_S]
    return sorted((path for path in old if path.resolve() not in used), key=lambda path: path.stat().st_mtime)
