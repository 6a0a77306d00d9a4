"""Two programs side by side on a machine whose speed drifts."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

TURN_S = 4.0
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}
Program = tuple[list[str], Mapping[str, str], Path]


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a worker, and of what it is compared with."""
    return {**QUIET, **os.environ, **(more or {})}


def in_turns(*programs: Program) -> list[float]:
    """Run programs by turns of `TURN_S`, all others stopped meanwhile.

    Lent machines get faster and slower by a fifth within minutes; so that falls on all alike.

    :param programs: each with its command, what is set in its environment, and the file for what it prints.
    :return: the seconds in which each was not stopped.
    :raises CalledProcessError: as soon as one fails.
    """
    running = []
    for command, environ, told in programs:
        with told.open("w") as out:
            running.append(subprocess.Popen(command, env=surroundings(environ), stdout=out))
        running[-1].send_signal(signal.SIGSTOP)
    spent = [0.0] * len(running)
    try:
        while any(process.returncode is None for process in running):
            for number, process in enumerate(running):
                if process.returncode is None:
                    spent[number] += _turn(process)
    finally:
        for process in running:
            process.kill()
    return spent


def _turn(process: subprocess.Popen[bytes]) -> float:
    since = time.monotonic()
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(TURN_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGSTOP)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return time.monotonic() - since
