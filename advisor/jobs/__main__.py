"""Supervise a prepared run in a process of its own: `python -m advisor.jobs RUN`."""

import signal
import sys
from pathlib import Path

from advisor.jobs.folder import RunFolder
from advisor.jobs.supervise import supervise


def main() -> None:
    """Supervise the run that the command line names; SIGTERM cancels it."""
    folder = RunFolder(Path(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda number, frame: folder.ask_to_stop())
    supervise(folder)


if __name__ == "__main__":
    main()
