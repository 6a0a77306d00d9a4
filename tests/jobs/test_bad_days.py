"""Odd surroundings: a terminal without UTF-8, a home that cannot be written, greedy and endless workers, secrets."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from test_supervise import START

from advisor.brief import Brief
from advisor.errors import InputError
from advisor.jobs import read_run
from advisor.jobs import watch as watching
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.recover import recover
from advisor.jobs.request import ProbeRequest
from advisor.jobs.supervise import supervise

ROOT = Path(__file__).parents[2]
TEXTS = Brief(task="text-classification")
Programs = Callable[[str], None]
CODES = {
    "ascii": {
        "LC_ALL": "POSIX",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii:strict",
    },
    "cp1252": {"LC_ALL": "tr_TR.ISO-8859-9", "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252:strict"},
}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Run a small program where the worker would run."""
    true_popen = subprocess.Popen

    def use(body: str) -> None:
        def popen(command: list[str], **more: object) -> object:
            return true_popen([sys.executable, "-c", START + body, command[-1]], **more)  # type: ignore[call-overload]

        monkeypatch.setattr(watching.subprocess, "Popen", popen)

    return use


def lay(workshop: Path, out: Path, plan: Plan | None = None) -> RunFolder:
    models = None if plan else ["tiny/bert", "tiny/bert-half"]
    return prepare(
        ProbeRequest(
            TEXTS, workshop / "tickets.csv", out, models=models, offline=True, budget_s=60, plan=plan
        )
    )


@pytest.mark.parametrize("code", CODES)
def test_a_terminal_without_utf8_is_written_to_all_the_same(
    workshop: Path, tmp_path: Path, code: str
) -> None:
    (tmp_path / "brief.yaml").write_text("task: text-classification\ndata: {domain: support}\n")
    rows = "".join(f"包裹 {i} 没到,配送 ☃\n发票 {i} 错误,账单 😀\n" for i in range(12))
    (tmp_path / "数据.csv").write_text(f"text,label\n{rows}", encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "advisor.cli", *words]
        environment = {**os.environ, **CODES[code], "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, timeout=120, env=environment, cwd=tmp_path)

    told = run("devices") if code == "ascii" else run("devices", "--json")
    assert told.returncode == 0
    assert code == "ascii" or len(json.loads(told.stdout)["devices"]) > 10
    told = run(
        "recommend", "-b", "brief.yaml", "-d", "数据.csv", "--models", "baseline/majority", "--label", "没有"
    )
    assert told.returncode == 2
    assert b"has no label column" in told.stderr
    assert b"Traceback" not in told.stderr
    assert b"unforeseen" not in told.stderr


def test_where_the_home_cannot_be_written_a_run_goes_its_way(
    workshop: Path, tmp_path: Path, program: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "file" / "home"))
    folder = lay(workshop, tmp_path / "run")
    program("say(kind='done', because='all', at=1.0)")
    assert supervise(folder).probe.elapsed_s == 1.0
    assert read_run(folder.path).state == "done"
    assert (tmp_path / "file").read_text() == ""


def test_a_worker_that_takes_too_much_memory_costs_its_model_and_says_so(
    workshop: Path, tmp_path: Path, program: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_MEMORY_MB", "300")
    monkeypatch.setattr(watching, "MEMORY_POLL_S", 0.05)
    folder = lay(workshop, tmp_path / "run")
    program(
        "if 'tiny/bert' not in ended:\n"
        "    import subprocess\n"
        "    rung('tiny/bert')\n"
        "    greedy = 'import time; held = b\"x\" * 500_000_000; time.sleep(60)'\n"
        "    child = subprocess.Popen([sys.executable, '-c', greedy])\n"
        "    (run / 'child').write_text(str(child.pid))\n"
        "    time.sleep(60)\n"
        "say(kind='done', because='rest', at=9.0)"
    )
    report = supervise(folder)
    row = next(row for row in report.probe.results if row.model == "tiny/bert")
    assert row.status == "failed"
    assert "the limit is 300 MB" in row.because
    child = Path(f"/proc/{(folder.path / 'child').read_text()}/stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_plan_without_end_is_stopped_at_the_hours_that_were_set(
    workshop: Path, tmp_path: Path, program: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_PROBE_HOURS", "0.0002")
    plan = Plan.model_validate({"models": {"tiny/bert": ["linear-probe"]}})
    folder = lay(workshop, tmp_path / "run", plan)
    program("rung('tiny/bert')\nwhile True: time.sleep(0.05)")
    report = supervise(folder)
    assert {row.status for row in report.probe.results if row.kind == "weights"} == {"stopped"}
    assert "longest time for a run without a budget" in str(folder.events()[-1]["because"])


def test_spoilt_features_are_computed_again(workshop: Path, tmp_path: Path) -> None:
    folder = lay(workshop, tmp_path / "run")
    place = folder.rung_folder("tiny/bert")
    place.mkdir(parents=True)
    (place / "features.npz").write_bytes(b"PK\x03\x04 no archive")
    recover(folder)
    assert not (place / "features.npz").exists()


def test_two_versions_side_by_side_leave_each_others_runs_alone(workshop: Path, tmp_path: Path) -> None:
    """A later version's run is not read, listed as done, resumed or deleted by mistake."""
    from advisor.files import seal, unseal
    from advisor.jobs import resume_probe, runs

    folder = lay(workshop, tmp_path / "run")
    content = unseal((folder.path / "run.json").read_text()) | {"layout": 99, "made_by": "9.9"}
    (folder.path / "run.json").write_text(seal(content))
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    with pytest.raises(InputError, match="Upgrade"):
        resume_probe(folder.path)
    assert folder.path.resolve() not in [entry.path for entry in runs()]
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


def _on_threads(node: ast.AST) -> bool:
    """A pool of joblib that is of threads by its name needs no shared memory."""
    named = (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "parallel_config"
    )
    return named and bool(node.args) and getattr(node.args[0], "value", None) == "threading"  # type: ignore[attr-defined]


def test_nothing_needs_shared_memory() -> None:
    """No pool of processes, no loader with workers: what would fail where /dev/shm is missing or small."""
    barred = {"multiprocessing", "concurrent.futures.process"}
    for path in sorted((ROOT / "advisor").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        threads = {id(keyword) for call in ast.walk(tree) if _on_threads(call) for keyword in call.keywords}
        for node in ast.walk(tree):
            if id(node) in threads:
                continue
            if isinstance(node, ast.Import):
                assert not barred & {name.name.split(".")[0] for name in node.names}, path
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] not in barred, path
                assert node.module != "joblib" or [name.name for name in node.names] == ["parallel_config"], (
                    path
                )
                assert "ProcessPoolExecutor" not in {name.name for name in node.names}, path
            elif isinstance(node, ast.keyword) and node.arg in ("n_jobs", "num_workers"):
                value = node.value.value if isinstance(node.value, ast.Constant) else None
                assert value in (0, 1), f"{path}: {node.arg}"
