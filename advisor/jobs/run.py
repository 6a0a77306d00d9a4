"""Start, cancel and resume probes."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from advisor.brief import Brief
from advisor.errors import Cancelled, InputError, StorageError
from advisor.files import storing, write_atomically
from advisor.jobs.finish import collect
from advisor.jobs.folder import RunFolder
from advisor.jobs.owner import LAUNCHED, describe
from advisor.jobs.prepare import prepare
from advisor.jobs.records import Plan
from advisor.jobs.request import ProbeRequest
from advisor.jobs.retention import clean
from advisor.jobs.supervise import OnEvent, supervise
from advisor.jobs.view import read_run
from advisor.knowledge import load_knowledge
from advisor.result import ProbeResult, Report

__all__ = ["cancel", "reopen", "resume", "resume_probe", "run_probe", "start_probe"]


class Options(TypedDict, total=False):
    """What may be said of a probe beyond brief, data and folder; see `ProbeRequest`."""

    budget_s: float
    models: Sequence[str] | None
    picked: Sequence[str] | None
    seed: int
    offline: bool
    plan: Plan | None
    text: str | None
    label: str | None
    unlabelled: Path | None
    knowledge: Path | None
    owner: str


def run_probe(
    brief: Brief,
    data: Path | str,
    out: Path | str,
    *,
    on_event: OnEvent = lambda event: None,
    **options: Unpack[Options],
) -> ProbeResult:
    """Probe the shortlist on the user's data and wait for the end.

    The run's folder holds report.json, and everything else, when this returns. No torch is imported here.

    :param data: a folder or zip of images, or a table of texts.
    :param out: the run's folder; absent or empty.
    :param on_event: told every event of the worker.
    :param options: `budget_s` (300), `models` (the best of the shortlist), `picked` (the same, but all models are
        considered), `seed` (0), `offline` (False), `plan`, `text` and `label` (columns), `unlabelled` (examples
        without labels to adapt to), `knowledge` (a folder).
    :return: the results, with the evidence that `decide` takes.
    :raises InputError: if brief, data or folder are wrong.
    :raises NothingQualifies: if the task cannot be probed; the advice is written.
    :raises Cancelled: if the run was cancelled; the report is written from what was reached.
    """
    folder = prepare(ProbeRequest(brief, Path(data), Path(out), **options))
    report = supervise(folder, on_event)
    if folder.stop_asked():
        raise Cancelled(f"The run was cancelled; what was reached is in {folder.report_path}")
    return report.probe.model_copy(update={"evidence": collect(folder).evidence})


def start_probe(brief: Brief, data: Path, out: Path, **options: Unpack[Options]) -> Path:
    """Start a probe that goes on by itself, whatever becomes of this process; room is made for it first.

    :param options: as for `run_probe`.
    :return: the run's folder; `read_run` tells how it stands.
    :raises InputError: if brief, data or folder are wrong.
    :raises StorageError: if it cannot be written; nothing runs then.
    """
    clean()
    folder = prepare(ProbeRequest(brief, data, out, **options))
    _detach(folder)
    return folder.path


def _detach(folder: RunFolder) -> None:
    path = folder.path / "supervisor.log"
    try:
        with storing(path), path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "advisor.jobs", str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            write_atomically(folder.path / LAUNCHED, json.dumps(describe(process.pid)))
        except StorageError:
            process.kill()
            process.wait()
            raise
    except StorageError as error:
        folder.fail(str(error))
        raise


def cancel(run: Path) -> None:
    """Ask a run to stop; the worker is dead within two seconds, and what was reached is reported.

    :raises InputError: if the folder holds no run.
    """
    folder = RunFolder(run)
    folder.spec()
    folder.ask_to_stop()


def resume_probe(run: Path, on_event: OnEvent = lambda event: None, *, retry: bool = False) -> Report:
    """Go on with a run from its last finished rung and wait for the end; one that is over gives its report at once.

    :param retry: try the models that failed again.
    :raises InputError: if there is no such run, or its data have gone.
    :raises Cancelled: if it was cancelled again.
    """
    folder = reopen(run, retry=retry)
    report = supervise(folder, on_event)
    if folder.stop_asked():
        raise Cancelled(f"The run was cancelled; what was reached is in {folder.report_path}")
    return report


def resume(run: Path, *, retry: bool = False) -> Path:
    """Go on with a run from its last finished rung, in the background; one that is over starts nothing.

    :param retry: try the models that failed again.
    """
    folder = reopen(run, retry=retry)
    if not folder.over():
        _detach(folder)
    return run


def reopen(run: Path, knowledge: Path | None = None, *, retry: bool = False) -> RunFolder:
    """Make a run that has ended ready to go on.

    :param knowledge: another knowledge folder from now on; the run's own if None.
    :param retry: try the models that failed again.
    :raises InputError: if it is still running, holds advice only, or its data have gone.
    """
    folder = RunFolder(run)
    spec = folder.spec()
    if knowledge is not None:
        load_knowledge(knowledge)
    if read_run(run).state in ("running", "queued"):
        raise InputError(f"The run {run} is still going on", fix="Wait for it, or cancel it first.")
    if not (run / "examples.json").exists():
        raise InputError(
            f"The run {run} holds advice only: there is nothing to go on with", fix="Start a new one."
        )
    if folder.over() and not retry:
        return folder
    if not Path(spec.data).exists():
        raise InputError(
            f"The data of this run are gone: {spec.data}", fix="Put them back, or start a new run."
        )
    folder.examples()
    if knowledge is not None:
        folder.change_spec(spec.model_copy(update={"knowledge": str(knowledge.resolve())}))
    folder.go_on(retry)
    return folder
