"""Watching a worker, with small programs in its place: how each kind of end is told."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from advisor.brief import Brief
from advisor.errors import Cancelled, InputError
from advisor.jobs import cancel, delete_run, read_run, resume, resume_probe, run_probe, runs
from advisor.jobs import watch as watching
from advisor.jobs.folder import Ending, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.jobs.supervise import supervise

START = """
import json, os, signal, sys, time
from pathlib import Path
run = Path(sys.argv[1])
def say(**event):
    with (run / "events.jsonl").open("a") as stream:
        stream.write(json.dumps(event) + "\\n")
def rung(model, name="linear-probe", at=1.0):
    say(kind="rung", model=model, rung=name, place=1, of=1, at=at)
ended = [json.loads(line)["model"] for line in (run / "events.jsonl").read_text().splitlines()
         if '"died": true' in line] if (run / "events.jsonl").exists() else []
say(kind="start", at=0.5)
"""
Programs = Callable[[str], None]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Run a small program where the worker would run."""
    true_popen = subprocess.Popen

    def use(body: str) -> None:
        def popen(command: list[str], **more: Any) -> Any:
            assert command[1:3] == ["-m", "advisor.probe.worker"]
            return true_popen([sys.executable, "-c", START + body, command[-1]], **more)

        monkeypatch.setattr(watching.subprocess, "Popen", popen)

    return use


@pytest.fixture
def folder(workshop: Path, tmp_path: Path) -> RunFolder:
    return prepare(ProbeRequest(
        Brief(task="text-classification"), workshop / "tickets.csv", tmp_path / "run",
        models=["tiny/bert", "tiny/bert-half"], offline=True, budget_s=60,
    ))  # fmt: skip


def shorten(folder: RunFolder, seconds: float) -> None:
    spec = folder.spec().model_copy(update={"budget_s": seconds})
    (folder.path / "run.json").write_text(spec.model_dump_json(by_alias=True), encoding="utf-8")


def because(folder: RunFolder, model: str) -> str:
    ending = folder.ending(model)
    return ending.because if ending else ""


def test_events_are_passed_on_in_order(folder: RunFolder, program: Programs) -> None:
    program(
        "for i in range(5): say(kind='step', number=i, at=1.0 + i)\nsay(kind='done', because='all', at=7.0)"
    )
    seen: list[Mapping[str, Any]] = []
    report = supervise(folder, seen.append)
    assert [event["kind"] for event in seen] == ["start", *["step"] * 5, "done"]
    assert [event["number"] for event in seen[1:6]] == list(range(5))
    assert report.probe.elapsed_s == 7.0
    assert folder.state()["state"] == "done"
    kept = read_run(folder.path).report
    assert kept is not None
    assert kept.decision == report.decision


def test_a_killed_worker_costs_its_model_and_another_goes_on(folder: RunFolder, program: Programs) -> None:
    program(
        "if 'tiny/bert' not in ended:\n"
        "    rung('tiny/bert'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "if 'tiny/bert-half' not in ended:\n"
        "    rung('tiny/bert-half'); os._exit(3)\n"
        "say(kind='done', because='rest', at=9.0)"
    )
    report = supervise(folder)
    found = {row.model: row for row in report.probe.results}
    assert found["tiny/bert"].status == "failed"
    assert found["tiny/bert"].because == "the worker died (signal 9) during linear-probe, 3 times"
    assert found["tiny/bert-half"].status == "failed"
    assert "exit code 3" in found["tiny/bert-half"].because
    assert "memory" not in found["tiny/bert-half"].because
    assert folder.state()["state"] == "done"


def test_a_worker_that_cannot_begin_is_no_models_fault(folder: RunFolder, program: Programs) -> None:
    program("print('Traceback', file=sys.stderr); raise SystemExit('ImportError: no such wheel')")
    report = supervise(folder)
    assert folder.state()["state"] == "failed"
    assert "no such wheel" in folder.state()["because"]
    assert report.decision.winner is None
    assert {row.status for row in report.probe.results} == {"stopped"}
    assert read_run(folder.path).message == folder.state()["because"]


def test_a_worker_over_time_is_stopped_and_no_model_blamed(folder: RunFolder, program: Programs) -> None:
    shorten(folder, 1.0)
    program("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nrung('tiny/bert')\nwhile True: time.sleep(0.05)")
    begun = time.time()
    report = supervise(folder)
    assert time.time() - begun < 8
    row = next(row for row in report.probe.results if row.model == "tiny/bert")
    assert row.status == "stopped"
    assert "memory" not in row.because
    assert sum(event["kind"] == "start" for event in folder.events()) == 1
    assert folder.state()["state"] == "done"
    assert not report.probe.cancelled
    assert 1.5 < report.probe.elapsed_s < 8


def test_a_deaf_worker_dies_within_two_seconds_of_the_cancel(folder: RunFolder, program: Programs) -> None:
    program(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nrung('tiny/bert')\n"
        "(run / 'pid').write_text(str(os.getpid()))\nsay(kind='here', at=1.0)\nwhile True: time.sleep(0.05)"
    )
    asked: list[float] = []

    def stop(event: Mapping[str, Any]) -> None:
        if event["kind"] == "here":
            asked.append(time.time())
            cancel(folder.path)

    report = supervise(folder, stop)
    assert time.time() - asked[0] < 3
    assert not psutil.pid_exists(int((folder.path / "pid").read_text()))
    assert report.probe.cancelled
    assert folder.state()["state"] == read_run(folder.path).state == "cancelled"


def test_a_listener_that_fails_leaves_no_worker_and_no_running_state(
    folder: RunFolder, program: Programs
) -> None:
    program(
        "(run / 'pid').write_text(str(os.getpid()))\nsay(kind='here', at=1.0)\nwhile True: time.sleep(0.05)"
    )

    def fails(event: Mapping[str, Any]) -> None:
        if event["kind"] == "here":
            raise ZeroDivisionError("listener")

    with pytest.raises(ZeroDivisionError):
        supervise(folder, fails)
    assert not psutil.pid_exists(int((folder.path / "pid").read_text()))
    assert read_run(folder.path).state == "failed"


def test_interrupting_the_program_cancels(folder: RunFolder, program: Programs) -> None:
    program("say(kind='here', at=1.0)\nwhile True: time.sleep(0.05)")

    def interrupts(event: Mapping[str, Any]) -> None:
        if event["kind"] == "here":
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    try:
        report = supervise(folder, interrupts)
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.probe.cancelled
    assert folder.state()["state"] == "cancelled"


def test_two_supervisors_cannot_have_one_folder(folder: RunFolder, program: Programs) -> None:
    program("say(kind='done', because='all', at=1.0)")
    with FileLock(folder.path / ".lock"), pytest.raises(InputError, match="Another process"):
        supervise(folder)
    supervise(folder)


def test_a_rung_that_killed_a_worker_keeps_the_models_earlier_ones(
    folder: RunFolder, program: Programs
) -> None:
    import numpy as np

    from advisor.jobs.folder import RungRecord
    from advisor.result import CurvePoint, NamedMetric

    examples = folder.examples()
    point = CurvePoint(
        rung="linear-probe", examples=9, epochs=1, seconds=1,
        metric=NamedMetric(name="accuracy", value=0.5, low=0.4, high=0.6),
    )  # fmt: skip
    record = RungRecord(
        model="tiny/bert", kind="weights", rung="linear-probe", position=0, strategy="frozen", revision="r",
        hyperparameters={"seed": 0}, curve=(point,), seconds=1,
    )  # fmt: skip
    select, sealed = (
        np.full((len(part), 3), 1 / 3, np.float32) for part in (examples.select, examples.report)
    )
    folder.save_rung(record, select, sealed)
    program(
        "if 'tiny/bert' not in ended:\n"
        "    rung('tiny/bert', 'last-block'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "say(kind='done', because='rest', at=9.0)"
    )
    report = supervise(folder)
    row = next(row for row in report.probe.results if row.model == "tiny/bert")
    assert row.status == "ok"
    assert "died (signal 9) during last-block, 3 times" in row.because


def test_resume_refuses_what_cannot_go_on(folder: RunFolder, workshop: Path, tmp_path: Path) -> None:
    me = psutil.Process()
    folder.set_state("running", pid=me.pid, process_created=me.create_time())
    for verb in (resume, resume_probe, delete_run):
        with pytest.raises(InputError, match="still going on"):
            verb(folder.path)
    folder.set_state("running", pid=me.pid, process_created=me.create_time() - 1000)
    assert read_run(folder.path).state == "interrupted", "another process has that number now"
    gone = folder.spec().model_copy(update={"data": str(tmp_path / "gone.csv")})
    (folder.path / "run.json").write_text(gone.model_dump_json(by_alias=True), encoding="utf-8")
    with pytest.raises(InputError, match=r"gone\.csv"):
        resume_probe(folder.path)
    (folder.path / "examples.json").unlink()
    with pytest.raises(InputError, match="advice only"):
        resume_probe(folder.path)
    for verb in (resume, read_run, delete_run, cancel):
        with pytest.raises(InputError, match="holds no run"):
            verb(tmp_path / "nothing")


def test_runs_are_listed_newest_first_and_deleted(folder: RunFolder, program: Programs) -> None:
    program("say(kind='done', because='all', at=1.0)")
    supervise(folder)
    listed = runs()
    entry = next(one for one in listed if one.path == folder.path.resolve())
    assert (entry.state, entry.task, entry.winner) == ("done", "text-classification", None)
    assert entry.size_mb > 0
    assert [one.started for one in listed] == sorted((one.started for one in listed), reverse=True)
    delete_run(folder.path)
    assert not folder.path.exists()
    assert folder.path.resolve() not in [one.path for one in runs()]


@pytest.mark.parametrize("content", ["", "[]", '{"state": "odd"}', '{"state": "running", "pid": "x"}', "{"])
def test_a_spoilt_state_is_read_as_such(folder: RunFolder, content: str) -> None:
    (folder.path / "state.json").write_text(content)
    assert read_run(folder.path).state in ("failed", "interrupted")


def test_what_runs_now_is_read_from_the_events(folder: RunFolder) -> None:
    me = psutil.Process()
    folder.set_state("running", pid=me.pid, process_created=me.create_time())
    assert read_run(folder.path).model == ""
    folder.append_event({"kind": "start", "at": 1.0})
    folder.append_event({"kind": "rung", "model": "m", "rung": "last-block", "place": 2, "of": 3, "at": 2.0})
    step = {
        "kind": "step",
        "model": "m",
        "rung": "last-block",
        "what": "tuning",
        "done": 3,
        "total": 9,
        "loss": 0.5,
    }
    folder.append_event({**step, "eta_s": 4.0, "at": 3.0})
    with (folder.path / "events.jsonl").open("a") as stream:
        stream.write('{"kind": "half')
    now = read_run(folder.path)
    assert (now.model, now.rung, now.what, now.done, now.total) == ("m", "last-block", "tuning", 3, 9)
    assert (now.place, now.of, now.loss, now.eta_s, now.elapsed_s) == (2, 3, 0.5, 4.0, 3.0)
    folder.set_state("done")
    assert read_run(folder.path).model == ""


def test_run_probe_returns_evidence_and_tells_of_a_cancel(
    workshop: Path, tmp_path: Path, program: Programs
) -> None:
    program("say(kind='done', because='all', at=1.0)")
    brief, data = Brief(task="text-classification"), workshop / "tickets.csv"
    probe = run_probe(brief, str(data), str(tmp_path / "one"), models=["tiny/bert"], offline=True)
    assert probe.evidence is not None
    assert len(probe.evidence.truth) > 0
    program("(run / 'cancel').touch()\nwhile True: time.sleep(0.05)")
    with pytest.raises(Cancelled, match="what was reached"):
        run_probe(brief, data, tmp_path / "two", models=["tiny/bert"], offline=True)
    assert (tmp_path / "two" / "report.json").exists()
    program("say(kind='done', because='all', at=2.0)")
    assert resume_probe(tmp_path / "two").decision.winner is None
    assert read_run(tmp_path / "two").state == "done"


def test_endings_are_kept_and_forgotten(folder: RunFolder) -> None:
    folder.end_model(Ending(model="a/b", status="failed", because="x"))
    assert because(folder, "a/b") == "x"
    folder.clear_ending("a/b")
    assert because(folder, "a/b") == ""
    assert folder.rung_folder("a/b") != folder.rung_folder("a--b")
