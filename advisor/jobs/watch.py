"""One worker from its start to its end, within its limits."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.files import storing, sweep, sweep_home, write_atomically
from advisor.home import home
from advisor.jobs.bounds import SUPERVISOR, Bounds, end_group, held_mb
from advisor.jobs.events import EventTail
from advisor.jobs.folder import RunFolder
from advisor.jobs.owner import describe
from advisor.jobs.recover import WORKER

__all__ = ["ENVIRONMENT", "Ended", "OnEvent", "watch"]

OnEvent = Callable[[Mapping[str, Any]], None]
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait are four times slower on a busy machine
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""What a worker has set, unless the user's environment says otherwise."""
POLL_S = 0.1
MEMORY_POLL_S = 0.5
PATIENCE_S = 0.8
GRACE = 0.04


@dataclass(frozen=True)
class Ended:
    """How a worker ended.

    :ivar code: its exit code; below 0 the signal that ended it.
    :ivar late: it had to be stopped at the time limit.
    :ivar starved: it had to be stopped at the memory limit: which; empty if not.
    """

    code: int
    late: bool = False
    starved: str = ""


def watch(folder: RunFolder, on_event: OnEvent, tail: EventTail) -> Ended:
    """Run one worker to its end; nothing that it started outlives it.

    :param folder: a run that this process owns.
    :param on_event: told every event as it appears.
    :param tail: the events that were not yet told.
    """
    spec, bounds = folder.spec(), Bounds()
    limit = bounds.seconds if spec.plan else spec.budget_s * (1 + GRACE) + 0.5
    before = folder.elapsed_s()
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        with storing(folder.path / "worker.log"):
            log = stack.enter_context((folder.path / "worker.log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-m", "advisor.probe.worker", str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**ENVIRONMENT, **os.environ, SUPERVISOR: str(os.getpid())},
        )
    noted = describe(process.pid)
    told: float | None = None
    asked_memory = started
    late, starved = False, ""
    try:
        write_atomically(folder.path / WORKER, json.dumps(noted))
        while process.poll() is None:
            time.sleep(POLL_S)
            for event in tail.new():
                on_event(event)
            now = time.monotonic()
            late = late or before + now - started > limit
            if now - asked_memory > MEMORY_POLL_S:
                asked_memory = now
                held = held_mb(process.pid)
                if held > bounds.memory_mb:
                    starved = f"it held {held:.0f} MB, and the limit is {bounds.memory_mb:.0f} MB"
                    process.kill()
            if told is None and (folder.stop_asked() or late):
                process.terminate()
                told = now
            elif told is not None and now - told > PATIENCE_S:
                process.kill()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            folder.ask_to_stop()
        process.kill()
        process.wait()
        if not isinstance(error, KeyboardInterrupt):
            raise
    finally:
        end_group(noted)
        sweep(folder.path)
        sweep_home(home())
        with contextlib.suppress(OSError):
            (folder.path / WORKER).unlink(missing_ok=True)
    at = round(before + time.monotonic() - started, 3)
    if folder.stop_asked():
        folder.append_event({"kind": "cancelled", "at": at, "because": "stopped"})
    elif late:
        because = (
            "The longest time for a run without a budget was spent"
            if spec.plan
            else "The time budget was spent"
        )
        folder.append_event({"kind": "done", "at": at, "because": because})
    return Ended(process.returncode, late, starved)
