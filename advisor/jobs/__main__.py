"""Supervise a prepared run in a process of its own: `python -m advisor.jobs RUN`."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil

from advisor.jobs.folder import RunFolder
from advisor.jobs.supervise import supervise

BELOW_NORMAL = 0x4000
"""The priority class of Windows."""


def main() -> None:
    """Supervise the run that the command line names, after all who wait for a page; SIGTERM cancels it."""
    with contextlib.suppress(psutil.Error):
        psutil.Process().nice(10 if os.name == "posix" else BELOW_NORMAL)
    folder = RunFolder(Path(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda number, frame: folder.ask_to_stop())
    supervise(folder)


if __name__ == "__main__":
    main()
