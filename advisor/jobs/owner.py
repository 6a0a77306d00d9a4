"""Who is at work on a run: one process at a time, told by a lock, an identity and a heartbeat."""

import contextlib
import json
import os
import platform
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from advisor.errors import InputError
from advisor.files import storing, write_atomically

__all__ = ["LAUNCHED", "alive", "describe", "identity", "owned", "owning", "read_owner"]

LOCK, OWNER, LAUNCHED = ".lock", "owner.json", "launched.json"
BEAT_S = 5.0
SILENT_S = 60.0


def identity(pid: int) -> str | None:
    """Give what tells a process from a later one of the same number, whatever happens to the clock.

    :param pid: the process's number.
    :return: the boot and the tick at which it started where the system tells them, else its start time; None if there
        is no such process, or only what its parent has not yet taken note of.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        boot = Path("/proc/sys/kernel/random/boot_id")
        if boot.exists():
            after_name = (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
            )
            return f"{boot.read_text(encoding='ascii').strip()}:{after_name.split()[19]}"
        return f"{process.create_time():.0f}"
    except (psutil.Error, OSError, IndexError, ValueError):
        return None


def describe(pid: int) -> dict[str, Any]:
    """Note a process so that `alive` can recognise it."""
    return {"host": platform.node(), "pid": pid, "identity": identity(pid)}


def alive(noted: Mapping[str, Any], beat: float = 0.0) -> bool:
    """Say whether a noted process still runs.

    :param noted: what `describe` gave.
    :param beat: for a process of another machine: when it last gave a sign, seconds since the epoch.
    """
    if noted.get("host") != platform.node():
        return abs(time.time() - beat) < SILENT_S
    pid, told = noted.get("pid"), noted.get("identity")
    return isinstance(pid, int) and told is not None and identity(pid) == told


def read_owner(run: Path) -> dict[str, Any]:
    """Read who noted himself as at work on a run; empty if nobody did."""
    try:
        content = json.loads((run / OWNER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def owned(run: Path) -> bool:
    """Say whether a living process is at work on a run."""
    noted = read_owner(run)
    if not noted:
        return False
    try:
        beat = (run / OWNER).stat().st_mtime
    except OSError:
        return False
    return alive(noted, beat)


@contextlib.contextmanager
def owning(run: Path) -> Iterator[dict[str, Any]]:
    """Be the one process that writes a run, taking over from one that died.

    :param run: the run's folder.
    :return: what the last owner had noted; empty if he left in order.
    :raises InputError: if a living process is at work on it.
    :raises StorageError: if the folder cannot be written to.
    """
    lock = FileLock(run / LOCK)
    with storing(run / LOCK):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise _busy(run) from None
    ended = threading.Event()
    try:
        before = read_owner(run)
        if before.get("pid") != os.getpid() and owned(run):
            raise _busy(run)
        write_atomically(run / OWNER, json.dumps(describe(os.getpid())))
        beating = threading.Thread(target=_beat, args=(run / OWNER, ended), daemon=True)
        beating.start()
        try:
            yield before
        finally:
            ended.set()
            beating.join()
            with contextlib.suppress(OSError):
                (run / OWNER).unlink(missing_ok=True)
    finally:
        lock.release()


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_S):
        with contextlib.suppress(OSError):
            os.utime(path)


def _busy(run: Path) -> InputError:
    who = read_owner(run)
    named = f" (process {who['pid']} on {who['host']})" if {"pid", "host"} <= who.keys() else ""
    return InputError(f"Another process{named} is at work on {run}", fix="Wait for it, or cancel it.")
