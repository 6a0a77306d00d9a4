"""The machine's queue, the limits of a worker, and what is thrown away first."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.brief import Brief
from advisor.errors import InputError
from advisor.jobs import clean, delete_run, kept, read_run, runs
from advisor.jobs.bounds import Bounds, die_with_parent, end_group, held_mb, memory_kills
from advisor.jobs.folder import RunFolder
from advisor.jobs.owner import describe
from advisor.jobs.queue import Ticket, Turn, ahead, order, places
from advisor.jobs.records import RunSpec
from advisor.jobs.register import register

ROOT = Path(__file__).parents[2]
TICKETS = st.lists(
    st.tuples(st.integers(1, 99), st.sampled_from("abc"), st.booleans()),
    unique_by=lambda row: row[0],
    max_size=12,
).map(lambda rows: [Ticket(number, str(number), who, running) for number, who, running in rows])


def lay(path: Path, owner: str = "", data: str = "x", created: str = "2026-01-01") -> RunFolder:
    spec = RunSpec(
        brief=Brief(task="text-classification"),
        data=data,
        budget_s=1,
        created=created,
        command="c",
        owner=owner,
    )
    folder = RunFolder.create(path, spec)
    register(path, created)
    return folder


@given(TICKETS)
def test_nobody_waits_for_anothers_second_turn(tickets: list[Ticket]) -> None:
    found = order(tickets)
    assert sorted(found, key=lambda one: one.number) == sorted(tickets, key=lambda one: one.number)
    running = [one for one in tickets if one.running]
    assert all(one.running for one in found[: len(running)])
    for at, one in enumerate(found):
        if not one.running:
            before = [other.who for other in found[:at]]
            later = [other for other in found[at + 1 :] if other.who != one.who]
            for other in later:
                assert before.count(one.who) <= before.count(other.who) + sum(
                    1 for x in found[at + 1 : found.index(other)] if x.who == other.who
                )
    waiting = [[one.number for one in found if one.who == who and not one.running] for who in "abc"]
    assert all(numbers == sorted(numbers) for numbers in waiting), "a session's own probes keep their order"


def test_one_probe_at_a_time_and_the_next_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    paths = [tmp_path / name for name in ("one", "two", "three")]
    with Turn(paths[0], "ann") as first:
        assert first.granted()
        with Turn(paths[1], "ann") as second, Turn(paths[2], "bob") as third:
            assert (second.granted(), third.granted()) == (False, False)
            assert [ahead(path) for path in paths] == [None, 2, 1], "bob has had no turn yet"
            monkeypatch.setenv("ADVISOR_PROBES", "2")
            assert (second.granted(), third.granted()) == (False, True)
            monkeypatch.setenv("ADVISOR_PROBES", "1")
            first.__exit__(None, None, None)
            assert not second.granted()
            third.__exit__(None, None, None)
            assert second.granted()
    assert list((tmp_path / "home" / "queue").glob("*.json")) == []
    assert ahead(paths[0]) is None


def test_a_dead_processs_ticket_counts_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    body = (
        "import sys, time\nfrom pathlib import Path\nfrom advisor.jobs.queue import Turn\n"
        "with Turn(Path('other'), 'x') as turn:\n    print(turn.granted(), flush=True)\n    time.sleep(60)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", body], stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "True\n"
    with Turn(tmp_path / "mine", "y") as turn:
        assert not turn.granted()
        other.kill()
        other.communicate()
        assert turn.granted()


def test_without_a_home_there_is_no_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "file"))
    with Turn(tmp_path / "run", "") as turn:
        assert turn.granted()


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_places_are_a_positive_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ADVISOR_PROBES", value)
    with pytest.raises(InputError, match=value):
        places()


def test_bounds_are_read_and_checked() -> None:
    told = Bounds({"ADVISOR_MEMORY_MB": "500", "ADVISOR_PROBE_HOURS": "0.5"})
    assert (told.memory_mb, told.seconds) == (500, 1800)
    assert 0 < Bounds({}).memory_mb < psutil.virtual_memory().total / 1e6
    for wrong in ("x", "0", "-3", "nan", "inf"):
        with pytest.raises(InputError, match="ADVISOR_MEMORY_MB"):
            Bounds({"ADVISOR_MEMORY_MB": wrong})


def test_kills_for_want_of_memory_are_counted_where_the_system_tells(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free 5\noom_kill 3\n")
    (tmp_path / "memory.events").write_text("oom 4\noom_kill 1\n")
    assert memory_kills(tmp_path / "vmstat", tmp_path) == 4
    assert memory_kills(tmp_path / "none", tmp_path / "none") is None


GROUP = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_worker_ends_with_its_children_even_after_its_own_death() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", GROUP], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    noted = describe(worker.pid)
    assert held_mb(worker.pid) > held_mb(child) > 0
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert psutil.pid_exists(child)
    assert end_group(noted) == 1
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert end_group({}) == 0
    assert end_group({**describe(os.getpid()), "identity": "another"}) == 0, (
        "the number is somebody else's now"
    )


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's death"
)
def test_a_child_dies_with_its_parent() -> None:
    parent = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    body = (
        "import sys, time\nfrom advisor.jobs.bounds import die_with_parent\n"
        "assert die_with_parent(int(sys.argv[1]))\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent, body], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_is_asked_of_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not die_with_parent(1)


def test_a_queued_run_whose_starter_died_can_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    folder = lay(tmp_path / "run")
    assert read_run(folder.path).state == "queued"
    with pytest.raises(InputError, match="still going on"):
        delete_run(folder.path)
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder.set_state("queued", **describe(dead.pid))
    dead.communicate(b"\n")
    assert read_run(folder.path).state == "interrupted"
    delete_run(folder.path)
    assert not folder.path.exists()


def test_a_session_lists_its_own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    for name, owner in (("one", "ann"), ("two", "bob"), ("three", "")):
        lay(tmp_path / name, owner)
    assert [entry.path.name for entry in runs("ann")] == ["one"]
    assert {entry.path.name for entry in runs()} == {"one", "two", "three"}


def test_the_oldest_go_first_and_a_running_one_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ADVISOR_HOME", str(home))
    for day, name in enumerate(("a", "b", "c", "d")):
        folder = lay(
            home / "runs" / name, created=f"2026-01-0{day + 1}", data=str(home / "uploads" / name / "x.csv")
        )
        (home / "uploads" / name).mkdir(parents=True)
        (home / "uploads" / name / "x.csv").write_bytes(bytes(100_000))
        (folder.path / "rungs" / "m").mkdir(parents=True)
        (folder.path / "rungs" / "m" / "features.npz").write_bytes(bytes(500_000))
        (folder.path / "rungs" / "m" / "0-fit.npz").write_bytes(bytes(300_000))
        if name != "a":
            folder.set_state("done")
    elsewhere = lay(tmp_path / "named" / "e", created="2025-01-01")
    elsewhere.set_state("done")
    (home / "uploads" / "loose").mkdir()
    (home / "uploads" / "loose" / "y.csv").write_bytes(bytes(200_000))
    os.utime(home / "uploads" / "loose", (0, 0))

    assert clean({"ADVISOR_KEEP_MB": "10"}) == ()
    assert 3.6 < kept({}).runs_mb + kept({}).uploads_mb < 3.9
    gone = clean({"ADVISOR_KEEP_MB": "3.0"})
    assert [path.parent.parent.parent.name for path in gone] == ["b", "c"], (
        "caches of ended runs, oldest first"
    )
    gone = clean({"ADVISOR_KEEP_MB": "1.75"})
    assert [path.name for path in gone] == ["features.npz", "loose", "b"]
    assert not (home / "uploads" / "b").exists(), "an upload goes with its run"
    clean({"ADVISOR_KEEP_MB": "0"})
    assert {path.name for path in (home / "runs").iterdir()} == {"a"}
    assert elsewhere.path.exists()
    assert (home / "runs" / "a" / "rungs" / "m" / "features.npz").exists()
    with pytest.raises(InputError, match="many"):
        kept({"ADVISOR_KEEP_MB": "many"})
