"""A run from the machine's queue to its report."""

import os
import time
from pathlib import Path

import psutil

from advisor.errors import StorageError
from advisor.jobs.bounds import NO_STORAGE, memory_kills
from advisor.jobs.events import EventTail
from advisor.jobs.finish import finish
from advisor.jobs.folder import RunFolder
from advisor.jobs.owner import describe, owned, owning
from advisor.jobs.queue import Turn, ahead
from advisor.jobs.records import Ending
from advisor.jobs.recover import recover
from advisor.jobs.watch import Ended, OnEvent, watch
from advisor.report.store import read_report
from advisor.result import Report

__all__ = ["OnEvent", "supervise"]

QUEUE_POLL_S = 0.3
MOST_STARTS = 20
MOST_DEATHS = 3
FROM_OUTSIDE = (-9, -15)
PROGRESS = ("rung", "rung-done", "model-ended", "start", "died")


def supervise(folder: RunFolder, on_event: OnEvent = lambda event: None) -> Report:
    """Wait for a place on this machine, run the worker to its end, and write the report from whatever was reached.

    A worker that is killed from outside is started again. One that ran out of memory, broke, or was killed three times
    at the same rung costs the model it was busy with, and the next one goes on with the rest. A run that is over gives
    its report and starts nothing.

    :param folder: a prepared run.
    :param on_event: told every event as it appears.
    :return: the report; also written to report.json.
    :raises InputError: if another process is at work on this run.
    :raises StorageError: if the disk is full or broken; what is finished is kept and the run can be resumed.
    """
    try:
        with owning(folder.path):
            return _supervised(folder, on_event)
    except StorageError as error:
        if not owned(folder.path):
            folder.fail(f"the supervisor ended: {error}")
        raise


def _supervised(folder: RunFolder, on_event: OnEvent) -> Report:
    if folder.over():
        return read_report(folder.report_path)
    recover(folder)
    tail = EventTail(folder.path / "events.jsonl")
    try:
        with Turn(folder.path, folder.spec().owner) as turn:
            _wait(folder, turn, on_event)
            created = psutil.Process().create_time()
            folder.set_state("running", **describe(os.getpid()), process_created=created)
            why = _work(folder, on_event, tail)
            for event in tail.new():
                on_event(event)
            report = finish(folder)
        folder.end("cancelled" if folder.stop_asked() else "failed" if why else "done", why)
    except StorageError:
        raise
    except BaseException as error:
        folder.fail(f"the supervisor ended: {type(error).__name__}: {error}")
        raise
    return report


def _wait(folder: RunFolder, turn: Turn, on_event: OnEvent) -> None:
    """Stand in the machine's queue until this run has a place or is cancelled; tell when its place changes."""
    told = 0
    try:
        while not folder.stop_asked() and not turn.granted():
            place = ahead(folder.path) or 1
            if place != told:
                told = place
                because = f"waits for {place} other probe{'' if place == 1 else 's'} on this machine"
                folder.set_state("queued", because, **describe(os.getpid()))
                on_event({"kind": "queued", "at": folder.elapsed_s(), "ahead": place, "because": because})
            time.sleep(QUEUE_POLL_S)
    except KeyboardInterrupt:
        folder.ask_to_stop()


def _work(folder: RunFolder, on_event: OnEvent, tail: EventTail) -> str:
    """Run workers until the run has nothing left to do.

    :return: why nothing could be probed; empty if that is not so.
    """
    for _ in range(MOST_STARTS):
        if folder.worked_out() or folder.stop_asked():
            return ""
        if _spent(folder):
            folder.append_event(
                {"at": folder.elapsed_s(), "kind": "done", "because": "The time budget was spent"}
            )
            return ""
        kills = memory_kills()
        ended = watch(folder, on_event, tail)
        if ended.code in (0, 130) or ended.late or folder.stop_asked() or _spent(folder):
            return ""
        if ended.code == NO_STORAGE:
            raise StorageError(
                f"The worker could not go on: {_tail(folder.path / 'worker.log')}",
                fix="What was finished is kept; `advisor resume` goes on from there.",
            )
        why = _blame(folder, ended, _starved(ended, kills))
        if why:
            folder.append_event({"at": folder.elapsed_s(), "kind": "broken", "because": why})
            return why
    return ""


def _starved(ended: Ended, kills_before: int | None) -> str:
    kills = memory_kills()
    if not ended.starved and ended.code == -9 and kills and kills_before is not None and kills > kills_before:
        return "the memory ran out"
    return ended.starved


def _spent(folder: RunFolder) -> bool:
    spec = folder.spec()
    return spec.plan is None and folder.elapsed_s() >= spec.budget_s


def _blame(folder: RunFolder, ended: Ended, starved: str) -> str:
    """Note that the worker died, and whether the model it was busy with has to go.

    :return: an explanation if no model is to blame, so that starting again would not help; else an empty string.
    """
    model, rung = _busy_with(folder)
    how = f"signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"
    outside = ended.code in FROM_OUTSIDE and not starved
    folder.append_event({"at": folder.elapsed_s(), "kind": "died", "model": model, "rung": rung, "how": how})
    deaths = _deaths(folder, model, rung)
    if outside and deaths < MOST_DEATHS:
        return ""
    if not model:
        times = f" {deaths} times" if outside else ""
        return (
            f"the worker ended with {how}{times} before any model began: {_tail(folder.path / 'worker.log')}"
        )
    guess = f": {starved}" if starved else f", {deaths} times" if outside else ""
    text = f"the worker died ({how}) during {rung}{guess}"
    reached = bool(folder.rungs(model))
    status = "ok" if reached else "failed"
    folder.end_model(Ending.model_validate({"model": model, "status": status, "because": text}))
    folder.append_event(
        {
            "at": folder.elapsed_s(),
            "kind": "model-ended",
            "model": model,
            "rung": rung,
            "status": status,
            "because": text,
            "died": True,
        }
    )
    return ""


def _busy_with(folder: RunFolder) -> tuple[str, str]:
    """The model and rung that the worker had begun and not ended; empty if there is none."""
    events = [event for event in folder.events() if event.get("kind") in PROGRESS]
    last = events[-1] if events else {}
    if last.get("kind") != "rung":
        return "", ""
    model, rung = str(last["model"]), str(last["rung"])
    return ("", "") if any(record.rung == rung for record in folder.rungs(model)) else (model, rung)


def _deaths(folder: RunFolder, model: str, rung: str) -> int:
    """How often a worker died at this point since the run was last asked to try again."""
    count = 0
    for event in folder.events():
        if event.get("kind") in ("resume", "rung-done"):
            count = 0
        elif event.get("kind") == "died" and (event.get("model"), event.get("rung")) == (model, rung):
            count += 1
    return count


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.exists() else []
    telling = [line for line in lines if not line.startswith(" ")]
    return telling[-1][:300] if telling else "it left no message"
