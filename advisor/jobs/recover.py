"""Putting a run right that its owner left without an end."""

import contextlib
import json
import zipfile
from pathlib import Path

from advisor.files import storing, sweep, sweep_home
from advisor.home import home
from advisor.jobs.bounds import end_group
from advisor.jobs.folder import LAYING, RunFolder
from advisor.jobs.owner import LAUNCHED

__all__ = ["WORKER", "recover"]

WORKER = "worker.json"


def recover(folder: RunFolder) -> None:
    """End a worker that outlived its owner, remove half-written files, and set aside what is damaged.

    :param folder: a run that this process owns.
    :raises StorageError: if the folder cannot be written to.
    """
    noted = folder.path / WORKER
    if noted.exists():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            end_group(json.loads(noted.read_text(encoding="utf-8")))
    with storing(folder.path):
        noted.unlink(missing_ok=True)
        (folder.path / LAUNCHED).unlink(missing_ok=True)
        (folder.path / LAYING).unlink(missing_ok=True)
        sweep(folder.path)
        sweep_home(home())
        dropped = folder.drop_damaged()
        for path in (folder.path / "rungs").glob("*/features.npz"):
            if not _sound(path):
                path.unlink(missing_ok=True)
    for name in dropped:
        folder.append_event({"kind": "damaged", "at": folder.elapsed_s(), "file": name})


def _sound(archive: Path) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.testzip() is None
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
