"""Watching one worker: start it, pass its events on, stop it on request or at the limit, and finish the run."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from advisor.errors import InputError
from advisor.jobs.finish import finish
from advisor.jobs.folder import Ending, RunFolder
from advisor.result import Report

__all__ = ["OnEvent", "supervise"]

OnEvent = Callable[[Mapping[str, Any]], None]
WORKER_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait are four times slower on a busy machine
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
POLL_S = 0.1
PATIENCE_S = 0.8
GRACE = 0.04
MOST_STARTS = 20


def supervise(folder: RunFolder, on_event: OnEvent = lambda event: None) -> Report:
    """Run the worker to its end and write the report from whatever was reached.

    A worker that dies (killed for memory, say) costs the model it was busy with; a new one goes on with the rest.

    :param folder: a prepared run.
    :param on_event: told every event as it appears.
    :return: the report; also written to report.json.
    :raises InputError: if another process is at work on this run.
    """
    lock = FileLock(folder.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"Another process is at work on {folder.path}", fix="Wait for it, or cancel it."
        ) from None
    with lock:
        me = psutil.Process()
        folder.set_state("running", pid=me.pid, process_created=me.create_time())
        seen = len(folder.events())
        why = ""
        for _ in range(MOST_STARTS):
            try:
                code, seen, late = _watch(folder, on_event, seen)
            except BaseException as error:
                folder.set_state("failed", because=f"the supervisor ended: {type(error).__name__}: {error}")
                raise
            if code in (0, 130) or late or folder.stop_asked() or _spent(folder):
                break
            why = _blame(folder, code)
            if why:
                folder.append_event({"at": folder.elapsed_s(), "kind": "done", "because": why})
                break
        for event in folder.events()[seen:]:
            on_event(event)
        report = finish(folder)
        folder.set_state("cancelled" if folder.stop_asked() else "failed" if why else "done", because=why)
        return report


def _watch(folder: RunFolder, on_event: OnEvent, seen: int) -> tuple[int, int, bool]:
    """Run one worker to its end.

    :return: its exit code, how many events were passed on, and whether it had to be stopped at the time limit.
    """
    spec = folder.spec()
    limit = float("inf") if spec.plan else spec.budget_s * (1 + GRACE) + 0.5
    before = folder.elapsed_s()
    with (folder.path / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "advisor.probe.worker", str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**WORKER_ENVIRONMENT, **os.environ},
        )
    started = time.time()
    told: float | None = None
    late = False
    try:
        while process.poll() is None:
            time.sleep(POLL_S)
            for event in folder.events()[seen:]:
                seen += 1
                on_event(event)
            now = time.time()
            late = late or before + now - started > limit
            if told is None and (folder.stop_asked() or late):
                process.terminate()
                told = now
            elif told is not None and now - told > PATIENCE_S:
                process.kill()
    except BaseException as error:
        folder.ask_to_stop()
        process.kill()
        process.wait()
        if not isinstance(error, KeyboardInterrupt):
            raise
    at = round(before + time.time() - started, 3)
    if folder.stop_asked():
        folder.append_event({"kind": "cancelled", "at": at, "because": "stopped"})
    elif late:
        folder.append_event({"kind": "done", "at": at, "because": "The time budget was spent"})
    return process.returncode, seen, late


def _spent(folder: RunFolder) -> bool:
    spec = folder.spec()
    return spec.plan is None and folder.elapsed_s() >= spec.budget_s


def _blame(folder: RunFolder, code: int) -> str:
    """Note that the worker died while a model was climbing.

    :return: an explanation if no model is to blame, so that starting again would not help; else an empty string.
    """
    events = [
        event
        for event in folder.events()
        if event.get("kind") in ("rung", "rung-done", "model-ended", "start")
    ]
    last = events[-1] if events else {}
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    if last.get("kind") != "rung":
        return f"the worker ended with {how} before any model began: {_tail(folder.path / 'worker.log')}"
    model, rung = str(last["model"]), str(last["rung"])
    guess = "; most likely the memory ran out" if code == -9 else ""
    text = f"the worker died ({how}) during {rung}{guess}"
    reached = bool(folder.rungs(model))
    folder.end_model(Ending(model=model, status="ok" if reached else "failed", because=text))
    folder.append_event(
        {
            "at": folder.elapsed_s(),
            "kind": "model-ended",
            "model": model,
            "rung": rung,
            "status": "ok" if reached else "failed",
            "because": text,
            "died": True,
        }
    )
    return ""


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.exists() else []
    telling = [line for line in lines if not line.startswith(" ")]
    return telling[-1][:300] if telling else "it left no message"
