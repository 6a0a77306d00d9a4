"""What a worker and its children may use, and how they are ended for certain."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from advisor.errors import InputError
from advisor.jobs.owner import alive

__all__ = ["NO_STORAGE", "SUPERVISOR", "Bounds", "die_with_parent", "end_group", "held_mb", "memory_kills"]

MEMORY, HOURS = "ADVISOR_MEMORY_MB", "ADVISOR_PROBE_HOURS"
SHARE = 0.9
SUPERVISOR = "ADVISOR_SUPERVISOR"
NO_STORAGE = 74
CGROUP = Path("/sys/fs/cgroup")
SET_PDEATHSIG = 1


class Bounds:
    """The limits of one worker.

    :ivar memory_mb: resident memory of the worker and its children together: ADVISOR_MEMORY_MB, else nine tenths of
        what the machine or container has.
    :ivar seconds: how long a run without a budget may take: ADVISOR_PROBE_HOURS, else a day.
    :raises InputError: if one of them is set to anything but a positive number.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        self.memory_mb = _positive(env, MEMORY) or SHARE * _memory_mb(CGROUP)
        self.seconds = (_positive(env, HOURS) or 24.0) * 3600


def _positive(env: Mapping[str, str], name: str) -> float | None:
    told = env.get(name, "").strip()
    if not told:
        return None
    try:
        value = float(told)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise InputError(f"{name} is {told!r}", "a number above 0")
    return value


def _memory_mb(cgroup: Path) -> float:
    found = float(psutil.virtual_memory().total)
    for path in (cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            found = min(found, float(path.read_text(encoding="ascii").strip()))
    return found / 1e6


def memory_kills(vmstat: Path = Path("/proc/vmstat"), cgroup: Path = CGROUP) -> int | None:
    """How many processes this system has killed for want of memory; None if it does not say."""
    counts = []
    for path in (vmstat, cgroup / "memory.events"):
        with contextlib.suppress(OSError):
            for line in path.read_text(encoding="ascii", errors="replace").splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill" and number.strip().isdecimal():
                    counts.append(int(number))
    return sum(counts) if counts else None


def held_mb(pid: int) -> float:
    """Resident memory of a process and all its children."""
    held = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                held += one.memory_info().rss
    return held / 1e6


def die_with_parent(parent: int) -> bool:
    """Ask the system to kill this process when its parent dies, however that comes about.

    :param parent: the parent's process number, as the parent itself told it.
    :return: whether the system can do that (Linux); a parent that is dead already ends this process at once.
    """
    if not sys.platform.startswith("linux"):
        return False
    done: int = ctypes.CDLL(None, use_errno=True).prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    return done == 0


def end_group(noted: Mapping[str, Any]) -> int:
    """Kill what is left of a worker that led a session of its own: itself, if it lives, and its children.

    :param noted: what `describe` gave of the worker; nothing happens if its number belongs to another process now.
    :return: how many processes that were.
    """
    leader = noted.get("pid")
    if not isinstance(leader, int) or os.name != "posix":
        return 0
    if psutil.pid_exists(leader) and not alive(noted):
        with contextlib.suppress(psutil.Error):
            if psutil.Process(leader).status() != psutil.STATUS_ZOMBIE:
                return 0
    ended = 0
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == leader and process.pid != os.getpid():
                process.kill()
                ended += 1
    return ended
