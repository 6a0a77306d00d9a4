"""Files, events and locks of a run: whole or not there, whatever dies, fills up or is spoilt."""

import errno
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.brief import Brief
from advisor.errors import InputError, StorageError
from advisor.files import seal, sweep, sweep_home, unseal, write_atomically
from advisor.jobs.events import EventTail, append_event, read_events
from advisor.jobs.folder import RunFolder
from advisor.jobs.owner import alive, describe, identity, owned, owning
from advisor.jobs.records import Ending, RungRecord, RunSpec
from advisor.result import CurvePoint, NamedMetric

SPEC = RunSpec(
    brief=Brief(task="text-classification"), data="x", budget_s=1, created="2026-01-01T00:00:00", command="c"
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.text(max_size=4).filter(lambda key: key != "sha256"), PLAIN, max_size=4)


def record(position: int, rung: str) -> RungRecord:
    point = CurvePoint(
        rung=rung, examples=9, epochs=1, seconds=1,
        metric=NamedMetric(name="accuracy", value=0.5, low=0.4, high=0.6),
    )  # fmt: skip
    return RungRecord(
        model="a/b", kind="weights", rung=rung, position=position, strategy="frozen", revision="r",
        hyperparameters={}, curve=(point,), seconds=1,
    )  # fmt: skip


def save(folder: RunFolder, *rungs: str) -> None:
    half = np.full((2, 2), 0.5, np.float32)
    for position, rung in enumerate(rungs):
        folder.save_rung(record(position, rung), half, half)


@given(DOCUMENTS)
def test_a_sealed_document_comes_back(content: dict[str, Any]) -> None:
    assert unseal(seal(content)) == content


@given(DOCUMENTS.filter(bool), st.integers(0, 10**6))
def test_a_changed_document_is_found_out_or_the_same(content: dict[str, Any], at: int) -> None:
    text = seal(content)
    place = at % len(text)
    changed = text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
    try:
        found = unseal(changed)
    except ValueError:
        return
    assert found == content or "sha256" not in json.loads(changed)


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=8), max_size=2), max_size=6), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_events_survive_a_line_cut_anywhere(
    tmp_path: Path, events: list[dict[str, str]], data: st.DataObject
) -> None:
    path = tmp_path / "events.jsonl"
    path.unlink(missing_ok=True)
    for event in events:
        append_event(path, event)
    whole = path.read_bytes() if path.exists() else b""
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    append_event(path, {"kind": "after"})
    found = read_events(path)
    assert list(found[:kept]) == events[:kept]
    assert found[-1] == {"kind": "after"}
    assert len(found) - kept in (1, 2), "at most the cut line, where only its line break was lost"


def test_a_tail_tells_each_event_once_and_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append_event(path, {"n": 0})
    tail = EventTail(path)
    assert tail.new() == ()
    append_event(path, {"n": 1})
    with path.open("ab") as stream:
        stream.write(b'{"n": ')
    assert tail.new() == ({"n": 1},)
    assert tail.new() == ()
    with path.open("ab") as stream:
        stream.write(b"2}\n[]\n{bad\n")
    assert tail.new() == ({"n": 2},)
    assert EventTail(tmp_path / "none").new() == ()


@pytest.mark.parametrize("fault", ["open", "fsync", "replace"])
def test_a_full_disk_keeps_the_old_content_and_leaves_nothing_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    where = {"open": (Path, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[fault]
    with monkeypatch.context() as patch:
        patch.setattr(*where, full)
        with pytest.raises(StorageError, match=r"No space left.*advisor resume"):
            write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_while_a_run_is_laid_out_leaves_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_fsync, count = os.fsync, [0]

    def full(handle: int) -> None:
        count[0] += 1
        if count[0] == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        true_fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        RunFolder.create(tmp_path / "run", SPEC, {"examples.json": "{}", "recommendation.json": "{}"})
    assert RunFolder.vacant(tmp_path / "run")
    assert RunFolder.create(tmp_path / "run", SPEC, {"examples.json": "{}"}).spec().files


def test_what_a_dead_process_laid_out_half_is_vacant_and_says_so(tmp_path: Path) -> None:
    run = tmp_path / "run"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    run.mkdir()
    (run / ".laying-out").write_text(json.dumps({"host": platform.node(), "pid": dead.pid, "identity": "x"}))
    (run / "examples.json").write_text("{}")
    with pytest.raises(InputError, match="start it again"):
        RunFolder(run).spec()
    (run / "state.json").write_text("{}")
    assert RunFolder.vacant(run)
    (run / ".laying-out").write_text(json.dumps(describe(os.getpid())))
    assert not RunFolder.vacant(run), "somebody is about to lay it out"
    (run / ".laying-out").write_text("{}")
    (run / "letter.txt").write_text("mine")
    assert not RunFolder.vacant(run)


def test_a_run_of_a_later_version_says_what_to_do(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", SPEC)
    content = unseal((folder.path / "run.json").read_text()) | {"layout": 99, "made_by": "9.9", "novel": 1}
    (folder.path / "run.json").write_text(seal(content))
    with pytest.raises(InputError, match=r"9\.9.*layout 99.*Upgrade"):
        folder.spec()


def test_a_run_of_the_first_layout_is_read(tmp_path: Path) -> None:
    """Before checksums: run.json without layout, rungs without a checksum of their predictions."""
    folder = RunFolder.create(tmp_path / "run", SPEC)
    save(folder, "linear-probe")
    old = {key: value for key, value in SPEC.model_dump(mode="json", by_alias=True).items()
           if key not in ("layout", "files", "made_by", "owner")}  # fmt: skip
    (folder.path / "run.json").write_text(json.dumps(old))
    path = next((folder.path / "rungs").rglob("0-*.json"))
    kept = unseal(path.read_text())
    del kept["predictions_sha256"]
    path.write_text(json.dumps(kept))
    assert folder.spec().layout == 1
    assert folder.drop_damaged() == ()
    assert len(folder.rungs("a/b")) == 1


def test_a_damaged_rung_and_those_above_it_are_set_aside(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", SPEC)
    save(folder, "linear-probe", "last-block", "longer")
    assert folder.drop_damaged() == ()
    predictions = next((folder.path / "rungs").rglob("1-*.npz"))
    predictions.write_bytes(predictions.read_bytes()[:-9])
    assert len(folder.drop_damaged()) == 4
    assert [rung.rung for rung in folder.rungs("a/b")] == ["linear-probe"]
    path = next((folder.path / "rungs").rglob("0-*.json"))
    path.write_text(path.read_text().replace('"value": 0.5', '"value": 0.9'))
    assert folder.rungs("a/b") == ()


def test_changed_examples_are_refused(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", SPEC, {"examples.json": "{}"})
    (folder.path / "examples.json").write_text("{} ")
    with pytest.raises(InputError, match="damaged or changed"):
        folder.examples()
    (folder.path / "examples.json").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        folder.examples()


def test_a_run_is_over_only_with_the_report_it_wrote(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", SPEC)
    assert not folder.over()
    folder.report_path.write_text("{}")
    folder.end("done")
    assert folder.over()
    folder.report_path.write_text("{ }")
    assert not folder.over()


def test_what_died_is_tried_again_only_when_asked(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", SPEC)
    folder.append_event({"kind": "model-ended", "model": "a/b", "rung": "longer", "died": True, "at": 1.0})
    folder.end_model(Ending(model="c/d", status="failed", because="x"))
    folder.set_state("done")
    assert folder.go_on() == ()
    assert folder.deadly() == {("a/b", "longer")}
    assert folder.go_on(retry=True) == ("a/b", "c/d")
    assert folder.deadly() == set()
    assert folder.ending("c/d") is None
    assert not folder.worked_out()


def test_half_written_files_are_swept(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in (".a.json.7.tmp", ".features.tmp.npz", "deep/.b.part", "deep/kept.tmp", ".lock"):
        (tmp_path / name).write_text("x")
    assert sweep(tmp_path) == 3
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".lock", "kept.tmp"]


def test_an_identity_is_a_processs_own_and_ends_with_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    noted = describe(child.pid)
    assert alive(noted)
    assert identity(child.pid) != identity(os.getpid())
    assert not alive({**noted, "pid": os.getpid()}), "the number alone does not count"
    child.communicate(b"\n")
    assert not alive(noted)
    assert identity(child.pid) is None
    assert not alive({})


def test_an_owner_on_another_machine_lives_by_its_heartbeat() -> None:
    there = {"host": "elsewhere", "pid": os.getpid(), "identity": identity(os.getpid())}
    assert alive(there, time.time() - 5)
    assert not alive(there, time.time() - 500)


def test_a_dead_owners_run_is_taken_over_and_a_living_ones_is_not(tmp_path: Path) -> None:
    body = (
        "import sys, time\nfrom pathlib import Path\nfrom advisor.jobs.owner import owning\n"
        "with owning(Path(sys.argv[1])):\n    print('mine', flush=True)\n    time.sleep(60)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", body, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "mine\n"
    assert owned(tmp_path)
    with pytest.raises(InputError, match=f"process {other.pid} "), owning(tmp_path):
        pass
    other.kill()
    other.communicate()
    assert not owned(tmp_path)
    with owning(tmp_path) as before:
        assert before["pid"] == other.pid
        assert owned(tmp_path)
    assert not owned(tmp_path)
    with owning(tmp_path) as before:
        assert before == {}


def test_in_the_home_only_what_the_dead_left_half_written_goes(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    features = tmp_path / "features" / "0123"
    features.mkdir(parents=True)
    left = [features / f".abc.{ended.pid}.tmp.npz", tmp_path / f".measured.json.{ended.pid}.tmp"]
    kept = [features / f".abc.{os.getpid()}.tmp.npz", features / "abc.npz", tmp_path / "measured.json"]
    for path in left + kept:
        path.write_bytes(b"half")
    sweep_home(tmp_path)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
