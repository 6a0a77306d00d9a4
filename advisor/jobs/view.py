"""How a run stands, read from its folder alone."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from advisor.errors import InputError
from advisor.home import home
from advisor.jobs.folder import RunFolder
from advisor.jobs.owner import LAUNCHED, alive, owned
from advisor.jobs.register import forget, registered
from advisor.result import Report

__all__ = ["RunEntry", "RunView", "delete_run", "read_run", "read_state", "runs", "size_mb", "uploads_in_use"]

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
        elapsed_s=max((float(event.get("at", 0.0)) for event in events), default=0.0),
        models=spec.chosen,
        message=message,
        **now,
    )


def runs(owner: str | None = None) -> tuple[RunEntry, ...]:
    """List what was run on this machine, newest first.

    :param owner: only the runs of this session or user; everything if None.
    """
    entries = []
    for path, started in registered():
        folder = RunFolder(path)
        try:
            state, _ = _state(folder)
            report = _report(folder) if state in ("done", "cancelled", "failed") else None
            spec = folder.spec()
        except InputError:
            continue
        if owner is not None and spec.owner != owner:
            continue
        winner = report.decision.winner if report else None
        entries.append(RunEntry(path, state, started, winner, spec.brief.task, size_mb(path)))
    return tuple(entries)


def size_mb(path: Path) -> float:
    """Add up a folder's files; one that vanishes meanwhile (a run goes on) does not count."""
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                size += (Path(folder) / name).stat().st_size
    return size / 1e6


def delete_run(run: Path) -> None:
    """Delete a run's folder, and its upload unless another run rests on it, and take it off the list.

    :raises InputError: if it is still running, is no run, or its files cannot be deleted.
    """
    folder = RunFolder(run)
    upload = Path(folder.spec().data).parent
    if _state(folder)[0] in ("queued", "running"):
        raise InputError(f"The run {run} is still going on", fix="Cancel it first.")
    try:
        shutil.rmtree(run)
    except OSError as error:
        raise InputError(
            f"The run {run} cannot be deleted: {error.strerror or error}", fix="Mend its permissions."
        ) from None
    forget(run)
    if upload.parent == (home() / "uploads").resolve() and upload not in uploads_in_use():
        shutil.rmtree(upload, ignore_errors=True)


def read_state(run: Path) -> ViewState:
    """Say in a word how a run stands; one that cannot be read has failed."""
    return _state(RunFolder(run))[0]


def uploads_in_use() -> set[Path]:
    """List the folders of the data that the listed runs rest on."""
    used = set()
    for run, _ in registered():
        with contextlib.suppress(InputError):
            used.add(Path(RunFolder(run).spec().data).parent)
    return used


def _state(folder: RunFolder) -> tuple[ViewState, str]:
    content = folder.state()
    state = content.get("state", "failed")
    because = str(content.get("because", ""))
    if state in ("queued", "running") and not at_work(folder.path, content):
        return "interrupted", "The process that ran it is gone; it can be resumed."
    if state not in ("queued", "running", "done", "cancelled", "failed"):
        return "failed", f"unknown state {state!r}"
    return state, because


def at_work(run: Path, state: Mapping[str, Any]) -> bool:
    """Say whether a living process has this run in hand: its owner, one just launched for it, or who laid it out."""
    if owned(run):
        return True
    launched = _launched(run)
    return launched if launched is not None else alive(state) or _alive_by_start(state)


def _launched(run: Path) -> bool | None:
    """Say whether the process that was launched for a run, and has not taken it yet, lives; None if none was."""
    try:
        noted = json.loads((run / LAUNCHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return isinstance(noted, dict) and alive(noted)


def _alive_by_start(content: Mapping[str, Any]) -> bool:
    """Recognise the process that a run of layout 1 noted."""
    try:
        process = psutil.Process(int(content["pid"]))
        same = abs(process.create_time() - float(content["process_created"])) < 1.0
        return "identity" not in content and same and process.status() != psutil.STATUS_ZOMBIE
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
