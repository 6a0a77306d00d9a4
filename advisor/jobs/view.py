"""How a run stands, read from its folder alone."""

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from advisor.errors import InputError
from advisor.jobs.folder import RunFolder
from advisor.jobs.register import forget, registered
from advisor.result import Report

__all__ = ["RunEntry", "RunView", "delete_run", "read_run", "runs"]

STEP = ("model", "rung", "what", "done", "total", "eta_s", "loss")
ViewState = Literal["queued", "running", "done", "cancelled", "failed", "interrupted"]


@dataclass(frozen=True)
class RunView:
    """A run at one moment.

    :ivar model, rung, what: what is running now; empty when nothing is.
    :ivar done, total: steps of that; total 0 before the first.
    :ivar eta_s: seconds that this step still needs, as it seems.
    :ivar place, of: which model of how many climbs the present rung.
    :ivar message: why the run ended, or what it waits for.
    """

    path: Path
    state: ViewState
    events: tuple[dict[str, Any], ...]
    report: Report | None
    budget_s: float
    elapsed_s: float
    models: tuple[str, ...]
    model: str = ""
    rung: str = ""
    what: str = ""
    done: int = 0
    total: int = 0
    loss: float | None = None
    eta_s: float | None = None
    place: int = 0
    of: int = 0
    message: str = ""


@dataclass(frozen=True)
class RunEntry:
    """One line of the list of runs."""

    path: Path
    state: ViewState
    started: str
    winner: str | None
    task: str
    size_mb: float


def read_run(run: Path) -> RunView:
    """Read how a run stands.

    :raises InputError: if the folder holds no run.
    """
    folder = RunFolder(run)
    spec = folder.spec()
    events = folder.events()
    state, message = _state(folder)
    now = _present(events) if state == "running" else {}
    return RunView(
        path=run,
        state=state,
        events=events,
        report=_report(folder) if state in ("done", "cancelled", "failed") else None,
        budget_s=spec.budget_s,
        elapsed_s=folder.elapsed_s(),
        models=spec.chosen,
        message=message,
        **now,
    )


def runs() -> tuple[RunEntry, ...]:
    """List everything that was run on this machine, newest first."""
    entries = []
    for path, started in registered():
        folder = RunFolder(path)
        try:
            state, _ = _state(folder)
            report = _report(folder) if state in ("done", "cancelled", "failed") else None
            task = folder.spec().brief.task
        except InputError:
            continue
        winner = report.decision.winner if report else None
        entries.append(RunEntry(path, state, started, winner, task, _size_mb(path)))
    return tuple(entries)


def _size_mb(path: Path) -> float:
    """Add up a folder's files; one that vanishes meanwhile (a run goes on) does not count."""
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                size += (Path(folder) / name).stat().st_size
    return size / 1e6


def delete_run(run: Path) -> None:
    """Delete a run's folder and take it off the list.

    :raises InputError: if it is still running, or is no run.
    """
    folder = RunFolder(run)
    folder.spec()
    if _state(folder)[0] == "running":
        raise InputError(f"The run {run} is still going on", fix="Cancel it first.")
    shutil.rmtree(run)
    forget(run)


def _state(folder: RunFolder) -> tuple[ViewState, str]:
    content = folder.state()
    state = content.get("state", "failed")
    because = str(content.get("because", ""))
    if state == "running" and not _alive(content):
        return "interrupted", "The process that ran it is gone; it can be resumed."
    if state not in ("queued", "running", "done", "cancelled", "failed"):
        return "failed", f"unknown state {state!r}"
    return state, because


def _alive(content: Mapping[str, Any]) -> bool:
    try:
        process = psutil.Process(int(content["pid"]))
        created = content.get("process_created")
        same = created is None or abs(process.create_time() - float(created)) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def _report(folder: RunFolder) -> Report | None:
    try:
        return Report.model_validate_json(folder.report_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _present(events: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    now: dict[str, Any] = {}
    for event in reversed(events):
        kind = event.get("kind")
        if kind == "step" and not now:
            now = {key: event[key] for key in STEP if key in event}
        if kind == "rung":
            now.setdefault("model", event.get("model", ""))
            now.setdefault("rung", event.get("rung", ""))
            return {**now, "place": event.get("place", 0), "of": event.get("of", 0)}
        if kind in ("rung-done", "model-ended", "start") and not now:
            return now
    return now
