"""One queue for the machine: how many probes run at once, and who is next."""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from advisor.errors import InputError, StorageError
from advisor.files import sweep, write_atomically
from advisor.home import home
from advisor.jobs.owner import alive, describe

__all__ = ["Ticket", "Turn", "ahead", "order", "places"]

PLACES = "ADVISOR_PROBES"
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Ticket:
    """One probe that runs or waits.

    :ivar number: rises with every ticket.
    :ivar run: the run's folder.
    :ivar who: the session or user it belongs to; a run that is nobody's counts as a session of its own.
    :ivar running: it has a place.
    """

    number: int
    run: str
    who: str
    running: bool


def places() -> int:
    """How many probes may run at once on this machine: ADVISOR_PROBES, 1 if that is not set.

    :raises InputError: if it is set to anything but a positive whole number.
    """
    told = os.environ.get(PLACES, "").strip() or "1"
    if not told.isdecimal() or int(told) < 1:
        raise InputError(f"{PLACES} is {told!r}", "a whole number from 1")
    return int(told)


def order(tickets: Sequence[Ticket]) -> tuple[Ticket, ...]:
    """Put those that run first, then give every session one turn before any gets its next.

    :param tickets: all that run or wait.
    :return: the same, in the order in which they get a place.
    """
    running = sorted((one for one in tickets if one.running), key=lambda one: one.number)
    had = Counter(one.who for one in running)
    keyed = []
    for one in sorted((one for one in tickets if not one.running), key=lambda one: one.number):
        keyed.append((had[one.who], one.number, one))
        had[one.who] += 1
    return (*running, *(one for *_, one in sorted(keyed, key=lambda key: key[:2])))


def ahead(run: Path) -> int | None:
    """Say how many probes get a place before a waiting run; None if it does not wait."""
    folder = home() / "queue"
    tickets = order(tuple(ticket for ticket, _ in _read(folder)))
    for at, ticket in enumerate(tickets):
        if ticket.run == str(run.resolve()):
            return None if ticket.running else at
    return None


class Turn:
    """Wait for a place in the machine's queue, and keep it until the block ends.

    :param run: the run that wants to go on.
    :param who: the session or user it belongs to.
    """

    def __init__(self, run: Path, who: str) -> None:
        self._run, self._who = str(run.resolve()), who or str(run.resolve())
        self._folder = home() / "queue"
        self._path: Path | None = None

    def __enter__(self) -> "Turn":
        with contextlib.suppress(StorageError, OSError, Timeout):
            with _locked(self._folder):
                sweep(self._folder)
                numbers = [ticket.number for ticket, _ in _read(self._folder)]
                number = max(numbers, default=0) + 1
                path = self._folder / f"{number:08d}.json"
                self._write(path, Ticket(number, self._run, self._who, False))
            self._path = path
        return self

    def __exit__(self, *_: object) -> None:
        if self._path is None:
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            with contextlib.suppress(OSError):
                self._path.write_bytes(b"")  # an empty ticket is nobody's

    def granted(self) -> bool:
        """Ask for a place. Where the home cannot be written to, there is no queue and every probe may run."""
        if self._path is None:
            return True
        try:
            with _locked(self._folder):
                read = _read(self._folder)
                tickets = order(tuple(ticket for ticket, _ in read))
                mine = next((one for one in tickets if one.run == self._run), None)
                if mine is None:
                    return True
                if not mine.running and tickets.index(mine) >= places():
                    return False
                self._write(self._path, Ticket(mine.number, mine.run, mine.who, True))
                return True
        except (StorageError, OSError, Timeout):
            return True

    def _write(self, path: Path, ticket: Ticket) -> None:
        content = {**ticket.__dict__, **describe(os.getpid()), "at": time.time()}
        write_atomically(path, json.dumps(content))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock", timeout=PATIENCE_S):
        yield


def _read(folder: Path) -> list[tuple[Ticket, dict[str, Any]]]:
    """Read the tickets of processes that live; those of dead ones are thrown away."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            ticket = Ticket(
                int(content["number"]), str(content["run"]), str(content["who"]), content["running"] is True
            )
            living = alive(content, path.stat().st_mtime)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if living:
            found.append((ticket, content))
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return found
