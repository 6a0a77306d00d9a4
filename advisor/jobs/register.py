"""The list of runs that were started on this machine, wherever their folders lie."""

import contextlib
import json
from hashlib import sha256
from pathlib import Path

from advisor.errors import StorageError
from advisor.files import write_atomically
from advisor.home import home

__all__ = ["forget", "register", "registered"]


def _entry(run: Path) -> Path:
    return home() / "register" / f"{sha256(str(run.resolve()).encode()).hexdigest()[:16]}.json"


def register(run: Path, started: str) -> None:
    """Note a run and when it was started (ISO 8601); a home that cannot be written to is no reason to fail."""
    with contextlib.suppress(StorageError):
        write_atomically(_entry(run), json.dumps({"path": str(run.resolve()), "started": started}))


def registered() -> tuple[tuple[Path, str], ...]:
    """List the runs whose folders still exist, newest first, with their start."""
    found = []
    for entry in sorted((home() / "register").glob("*.json")):
        try:
            content = json.loads(entry.read_text(encoding="utf-8"))
            path, started = Path(content["path"]), str(content["started"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if (path / "run.json").exists():
            found.append((path, started))
    return tuple(sorted(found, key=lambda item: item[1], reverse=True))


def forget(run: Path) -> None:
    """Take a run off the list; one whose folder is gone is passed over anyway."""
    with contextlib.suppress(OSError):
        _entry(run).unlink(missing_ok=True)
