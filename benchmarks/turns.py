"""Two programs side by side on a machine whose speed drifts."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from advisor.jobs.watch import ENVIRONMENT

TURN_S, LOOK_S = 4.0, 0.1


@dataclass(frozen=True)
class Program:
    """A program to be timed.

    :ivar told: the file for what it prints.
    :ivar more: what is set in its environment.
    :ivar ready: says whether it has done what is timed, and may be ended; asked every `LOOK_S`.
    """

    command: list[str]
    told: Path
    more: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: False


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a worker, and of what it is compared with."""
    return {**ENVIRONMENT, **os.environ, **(more or {})}


def in_turns(*programs: Program) -> list[float]:
    """Run programs by turns of `TURN_S`, all others stopped meanwhile.

    Lent machines get faster and slower by a fifth within minutes; so that falls on all alike.

    :return: the seconds in which each was not stopped.
    :raises CalledProcessError: as soon as one fails.
    """
    running = []
    for program in programs:
        with program.told.open("w") as out:
            running.append(subprocess.Popen(program.command, env=surroundings(program.more), stdout=out))
        running[-1].send_signal(signal.SIGSTOP)
    spent = [0.0] * len(running)
    going = set(range(len(running)))
    try:
        while going:
            for number in sorted(going):
                since = time.monotonic()
                if not _turn(running[number], programs[number].ready):
                    going.remove(number)
                spent[number] += time.monotonic() - since
    finally:
        for process in running:
            process.kill()
    return spent


def _turn(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> bool:
    """Let a program go on for a while.

    :return: whether it wants another turn.
    """
    until = time.monotonic() + TURN_S
    process.send_signal(signal.SIGCONT)
    while process.poll() is None and not ready() and time.monotonic() < until:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_S)
    process.send_signal(signal.SIGSTOP)
    if process.poll():
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return process.returncode is None and not ready()
