"""Events of a run: one JSON line each, only ever appended, readable whatever became of the last line."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.files import storing

__all__ = ["EventTail", "append_event", "read_events"]

Event = dict[str, Any]


def append_event(path: Path, event: Mapping[str, Any]) -> None:
    """Append one event as one line; a line that a dead process left unfinished is closed first.

    :raises StorageError: if it cannot be written.
    """
    line = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    with storing(path):
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            if _torn(handle):
                line = b"\n" + line
            if os.write(handle, line) != len(line):
                raise OSError("only a part of the line could be written")
        finally:
            os.close(handle)


def _torn(handle: int) -> bool:
    size = os.lseek(handle, 0, os.SEEK_END)
    if size == 0:
        return False
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) != b"\n"


def read_events(path: Path) -> tuple[Event, ...]:
    """Read all whole events; a damaged line is left out."""
    try:
        content = path.read_bytes()
    except OSError:
        return ()
    return tuple(_parsed(content))


def _parsed(content: bytes) -> list[Event]:
    events = []
    for line in content.split(b"\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


class EventTail:
    """Follows a growing file of events, reading only what is new.

    :param path: the file; it may not exist yet.
    :param skip: pass over what is there already.
    """

    def __init__(self, path: Path, *, skip: bool = True) -> None:
        self._path = path
        self._at = 0
        if skip and path.exists():
            content = path.read_bytes()
            self._at = content.rfind(b"\n") + 1

    def new(self) -> tuple[Event, ...]:
        """Read the events that were finished since the last call; an unfinished line waits for its end."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._at)
                content = stream.read()
        except OSError:
            return ()
        end = content.rfind(b"\n") + 1
        self._at += end
        return tuple(_parsed(content[:end]))
