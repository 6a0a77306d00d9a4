"""Changes on disk fail one after another: each run ends with a reason, keeps what it has, and can go on.

`benchmarks/faults.py` does the same to whole processes, at every change that the system is asked for.
"""

import errno
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from failing_disk import FailingDisk

from advisor.brief import Brief
from advisor.errors import AdvisorError, InputError, StorageError
from advisor.jobs import read_run, resume_probe, start_probe
from advisor.jobs import watch as watching
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.jobs.supervise import supervise
from advisor.probe.plan import BASELINES
from advisor.probe.worker import Worker

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="files are recognised through /proc"
)
TEXTS = Brief(task="text-classification")
PLAN = Plan.model_validate(
    {"examples": {"train": 18, "select": 9, "report": 9}, "models": {"tiny/bert": ["linear-probe"]}}
)
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FailingDisk:
    return FailingDisk(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One baseline and one thread are enough."""
    import torch

    for task in BASELINES:
        monkeypatch.setitem(BASELINES, task, ("baseline/majority",))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    yield
    monkeypatch.undo()
    torch.set_num_threads(before)


@pytest.fixture
def own_register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))


def lay(workshop: Path, out: Path) -> RunFolder:
    return prepare(ProbeRequest(TEXTS, workshop / "tickets.csv", out, plan=PLAN, offline=True))


TRUE = subprocess.Popen


class InHere:
    """The worker in this process, where a child would be started; other programs are started as ever."""

    def __new__(cls, command: Any, *rest: Any, **more: Any) -> Any:
        if command[1:2] != ["-m"]:
            return TRUE(command, *rest, **more)
        return super().__new__(cls)

    returncode = 0
    pid = 2**22 + 1

    def __init__(self, command: list[str], **_: object) -> None:
        Worker(RunFolder(Path(command[-1])), time.monotonic(), lambda: False).run()

    def poll(self) -> int:
        return self.returncode

    def kill(self) -> None:
        pass

    wait = terminate = kill


def drawn(count: int, most: int, seed: int) -> list[tuple[int, int, bool]]:
    """Some of the changes on disk, each with an error and whether it stays, as that of a full disk may."""
    chance = random.Random(seed)
    chosen = sorted(chance.sample(range(count), min(most, count)))
    drawn = [(at, chance.choice(ERRORS), chance.random() < 0.5) for at in chosen]
    return [(at, error, stays and error == errno.ENOSPC) for at, error, stays in drawn]


def left(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.name.endswith((".tmp", ".part", ".tmp.npz"))]


def test_wherever_the_disk_fails_while_a_run_is_laid_out_it_can_be_laid_out_again(
    tmp_path: Path, disk: FailingDisk
) -> None:
    from test_durable_files import SPEC

    files = {"examples.json": "{}", "recommendation.json": "{}"}
    disk.arm(None, errno.EIO)
    RunFolder.create(tmp_path / "sound", SPEC, files)
    assert disk.count > 20
    for error in ERRORS:
        for at in range(disk.count):
            run = tmp_path / f"{error}-{at}"
            disk.arm(at, error)
            try:
                RunFolder.create(run, SPEC, files)
            except AdvisorError as complaint:
                assert str(run) in str(complaint)
                disk.arm(None)
                assert RunFolder.vacant(run)
                RunFolder.create(run, SPEC, files)
            disk.arm(None)
            assert RunFolder(run).spec().files.keys() == files.keys()
            assert not left(run)


def test_wherever_the_disk_fails_a_run_says_so_and_goes_on(
    workshop: Path, tmp_path: Path, disk: FailingDisk, own_register: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching.subprocess, "Popen", InHere)
    sound = lay(workshop, tmp_path / "sound")
    disk.arm(None, errno.EIO)
    expected = supervise(sound)
    count = disk.count
    assert count > 60
    for at, error, stays in drawn(count, 10, seed=3):
        run = tmp_path / f"run-{at}"
        for kept in (tmp_path / "home" / "features").glob("*/finished-*.npz"):
            kept.unlink()
        lay(workshop, run)
        disk.arm(at, error, stays)
        ended = ""
        try:
            supervise(RunFolder(run))
        except StorageError as complaint:
            ended = str(complaint)
            assert "cannot be written" in ended or "could not go on" in ended
        disk.arm(None)
        view = read_run(run)
        if ended:
            assert view.state in ("failed", "interrupted"), (at, error, view.state)
            assert view.message
        kept = {path: path.stat().st_mtime_ns for path in (run / "rungs").rglob("[0-9]*.json")}
        report = resume_probe(run)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert read_run(run).state == "done"
        found = {row.model: (row.status, row.metrics) for row in report.probe.results}
        assert found == {row.model: (row.status, row.metrics) for row in expected.probe.results}, (at, error)
        assert not left(run)


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("at", [0, 1, 2, 4])
def test_a_background_run_that_cannot_be_started_is_not_left_waiting(
    workshop: Path, tmp_path: Path, disk: FailingDisk, own_register: None, monkeypatch: pytest.MonkeyPatch,
    at: int, stays: bool,
) -> None:  # fmt: skip
    from advisor.jobs import run as running

    started: list[Any] = []

    class Idle(InHere):
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)

    monkeypatch.setattr(running.subprocess, "Popen", Idle)
    true_detach = running._detach

    def detach(folder: RunFolder) -> None:
        disk.arm(at, errno.ENOSPC, stays)
        true_detach(folder)

    monkeypatch.setattr(running, "_detach", detach)
    run = tmp_path / "run"
    try:
        start_probe(TEXTS, workshop / "tickets.csv", run, plan=PLAN, offline=True)
    except StorageError:
        disk.arm(None)
        view = read_run(run)
        assert view.state == "failed"
        assert view.message
    else:
        assert started


def test_a_cancel_that_cannot_be_written_says_so(workshop: Path, tmp_path: Path, disk: FailingDisk) -> None:
    folder = lay(workshop, tmp_path / "run")
    disk.arm(0)
    with pytest.raises(StorageError, match="cancel cannot be written"):
        folder.ask_to_stop()


def test_a_spoilt_reason_is_no_reason(workshop: Path, tmp_path: Path) -> None:
    folder = lay(workshop, tmp_path / "run")
    place = folder.rung_folder("tiny/bert")
    place.mkdir(parents=True)
    (place / "because.json").write_text("{")
    assert folder.ending("tiny/bert") is None
    assert folder.go_on(retry=True) == ()


def test_a_run_that_cannot_be_deleted_says_why(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor.jobs import delete_run, view

    folder = lay(workshop, tmp_path / "run")
    folder.set_state("failed", "x")

    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(view.shutil, "rmtree", refused)
    with pytest.raises(InputError, match="cannot be deleted: Permission denied"):
        delete_run(folder.path)
    assert json.loads((folder.path / "state.json").read_text())["state"] == "failed"
