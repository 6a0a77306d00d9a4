"""Whole runs in processes of their own: budget, cancel, death, resume, and a hub that fails in four ways."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from contract_check import check_report
from hub_server import Repo, serve
from tiny_models import timm_model

from advisor.brief import Brief
from advisor.errors import Cancelled
from advisor.jobs import cancel, read_run, resume, resume_probe, run_probe, runs, start_probe
from advisor.jobs.folder import Plan

IMAGES = Brief(task="image-classification")
TEXTS = Brief(task="text-classification")
SIZES = {"train": 36, "select": 18, "report": 18}


def report_of(run: Path) -> dict[str, Any]:
    content = json.loads((run / "report.json").read_text(encoding="utf-8"))
    check_report(content)
    return content


def rows(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in report["probe"]["results"]}


def workers(run: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "advisor.probe.worker" in line and str(run) in line and process.info["status"] != "zombie":
            found.append(process)
    return found


def wait_for(what: Callable[[], Any], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)


def stamps(run: Path) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for path in (run / "rungs").rglob("*.npz")
        if path.name != "features.npz"
    }


def test_a_budget_is_kept(workshop: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    probe = run_probe(
        TEXTS, workshop / "tickets.csv", tmp_path / "run", offline=True, budget_s=25,
        models=["tiny/bert", "tiny/bert-half"], on_event=lambda event: seen.append(str(event["kind"])),
    )  # fmt: skip
    report = report_of(tmp_path / "run")
    assert report["probe"]["elapsed_s"] <= 25 * 1.1
    assert rows(report)["baseline/tfidf-logreg"]["status"] == "ok"
    assert report["decision"]["winner"] in rows(report)
    assert seen[0] == "start"
    assert seen[-1] == "done"
    assert probe.evidence is not None
    assert read_run(tmp_path / "run").state == "done"


def test_cancel_death_and_resume_of_one_run(workshop: Path, tmp_path: Path) -> None:
    """First the worker is killed during a model, then the run is cancelled; resumed, it ends without doubling."""
    run = tmp_path / "run"
    plan = Plan.model_validate(
        {
            "examples": SIZES,
            "models": {"tiny/slow": ["linear-probe"], "tiny/a": ["linear-probe", "last-block"]},
        }
    )
    times: dict[str, float] = {}

    def disturb(event: Mapping[str, Any]) -> None:
        if event["kind"] == "rung" and event["model"] == "tiny/slow":
            for worker in workers(run):
                os.kill(worker.pid, signal.SIGKILL)
        if event["kind"] == "rung-done" and event["model"] == "tiny/a":
            times["asked"] = time.monotonic()
            cancel(run)

    with pytest.raises(Cancelled):
        run_probe(IMAGES, workshop / "pictures", run, plan=plan, offline=True, on_event=disturb)
    assert time.monotonic() - times["asked"] < 4
    assert not workers(run)
    report = report_of(run)
    assert report["probe"]["cancelled"]
    assert rows(report)["tiny/slow"]["status"] == "failed"
    assert "died (signal 9) during linear-probe, 3 times" in rows(report)["tiny/slow"]["because"]
    assert rows(report)["tiny/a"]["status"] == "ok"
    assert read_run(run).state == "cancelled"

    before = stamps(run)
    resume_probe(run)
    after = report_of(run)
    assert {path: stamp for path, stamp in stamps(run).items() if path in before} == before
    assert rows(after)["tiny/a"]["curve"][-1]["rung"] == "last-block"
    assert not after["probe"]["cancelled"]
    assert read_run(run).state == "done"


def test_a_run_survives_the_death_of_its_supervisor(workshop: Path, tmp_path: Path) -> None:
    plan = Plan.model_validate({"examples": SIZES, "models": {"tiny/a": ["linear-probe"]}})
    run = start_probe(IMAGES, workshop / "pictures", tmp_path / "run", plan=plan, offline=True)
    assert read_run(run).state in ("queued", "running")
    wait_for(lambda: (run / "rungs").exists())
    wait_for(lambda: workers(run))
    supervisor = json.loads((run / "state.json").read_text())["pid"]
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: read_run(run).state == "interrupted", 5)
    wait_for(lambda: not workers(run), 10)
    resume(run)
    wait_for(lambda: read_run(run).state == "done")
    report = report_of(run)
    assert rows(report)["tiny/a"]["status"] == "ok"
    assert run.resolve() in [entry.path for entry in runs()]


def test_a_hub_that_fails_in_four_ways(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five models from a hub on loopback: one is sound, each other has its own reason in its row."""
    sound = timm_model(tmp_path / "made", "test_efficientnet", seed=9)
    files = {path.name: path.read_bytes() for path in sound.iterdir()}
    names = {
        "good": "timm/test_efficientnet.r160_in1k",
        "gone": "timm/test_vit.r160_in1k",
        "locked": "timm/test_byobnet.r160_in1k",
        "wrong": "timm/edgenext_xx_small.in1k",
        "ill": "timm/mobilevitv2_050.cvnets_in1k",
    }
    monkeypatch.setenv("ADVISOR_MODELS", "")
    monkeypatch.setenv("HF_TOKEN", "hf_nobodyshouldreadthis")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.repos = {
            names["good"]: Repo(files),
            names["locked"]: Repo(files, token="secret"),
            names["wrong"]: Repo(files, announced_sha256={"model.safetensors": "0" * 64}),
            names["ill"]: Repo(files),
        }
        hub.fail(f"{names['ill']}/revision/main", 500, Retry_After="0")
        plan = Plan.model_validate(
            {"examples": SIZES, "models": {name: ["linear-probe"] for name in names.values()}}
        )
        run_probe(IMAGES, workshop / "pictures", tmp_path / "run", plan=plan)
    found = rows(report_of(tmp_path / "run"))
    assert found[names["good"]]["status"] == "ok"
    assert found[names["good"]]["revision"] == Repo(files).commit
    reasons = {key: found[name]["because"] for key, name in names.items()}
    assert {found[name]["status"] for key, name in names.items() if key != "good"} == {"failed"}
    assert "404" in reasons["gone"]
    assert "401" in reasons["locked"]
    assert "HF_TOKEN" in reasons["locked"]
    assert "SHA-256" in reasons["wrong"]
    assert "500" in reasons["ill"]
    assert len(set(reasons.values())) == 5
    assert read_run(tmp_path / "run").state == "done"
    assert "authorization" in hub.requests("config.json")[0], "the hub gets the token"
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"nobodyshouldreadthis" not in path.read_bytes(), (
            f"the token is in {path}"
        )


@pytest.mark.skipif(os.name != "posix", reason="niceness is a number there only")
def test_a_probe_that_the_app_starts_goes_after_the_app(tmp_path: Path) -> None:
    tell = "import sys; from advisor.jobs import __main__ as own; import psutil\n"
    tell += "own.supervise = lambda folder: print(psutil.Process().nice()); own.main()"
    said = subprocess.run(
        [sys.executable, "-c", tell, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) >= 10
