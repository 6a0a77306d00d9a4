"""The end of a run: the decision is fixed on the select split before the report split is opened."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract_check import check_report
from numpy.typing import NDArray

from advisor.brief import Brief
from advisor.jobs import finish as ending
from advisor.jobs.finish import collect, finish
from advisor.jobs.folder import Examples, RunFolder, RungRecord
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.result import CurvePoint, LatencyMeasured, NamedMetric

Probabilities = NDArray[np.float32]


@pytest.fixture
def folder(workshop: Path, tmp_path: Path) -> RunFolder:
    return prepare(ProbeRequest(
        Brief(task="text-classification"), workshop / "tickets.csv", tmp_path / "run",
        models=["tiny/bert", "tiny/bert-half"], offline=True, budget_s=600,
    ))  # fmt: skip


def guesses(examples: Examples, positions: tuple[int, ...], share: float) -> Probabilities:
    """Probabilities of which the first share is right."""
    truth = np.asarray([examples.truth[i] for i in positions])
    right = np.arange(len(truth)) < round(share * len(truth))
    called = np.where(right, truth, (truth + 1) % len(examples.labels))
    return (np.eye(len(examples.labels))[called] * 0.8 + 0.05).astype(np.float32)


def climbed(
    folder: RunFolder, model: str, select: float, report: float, rung: str = "linear-probe", at: int = 0
) -> None:
    examples = folder.examples()
    point = CurvePoint(
        rung=rung, examples=len(examples.train), epochs=1, seconds=1.0,
        metric=NamedMetric(name="accuracy", value=select, low=max(0, select - 0.1), high=min(1, select + 0.1)),
    )  # fmt: skip
    baseline = model.startswith("baseline/")
    record = RungRecord(
        model=model, kind="baseline" if baseline else "weights", rung=rung, position=at,
        strategy="from-scratch" if baseline else "frozen", revision=f"r{at}", hyperparameters={"seed": 0},
        curve=(point,), seconds=1.0, latency_ms=LatencyMeasured(p50=1.0, p95=2.0), peak_memory_mb=5.0, size_mb=1.0,
        note="it went badly" if select < 0.3 else "",
    )  # fmt: skip
    folder.save_rung(
        record, guesses(examples, examples.select, select), guesses(examples, examples.report, report)
    )


def written(folder: RunFolder) -> dict[str, Any]:
    finish(folder)
    content = json.loads(folder.report_path.read_text(encoding="utf-8"))
    check_report(content)
    return content


def test_the_report_split_never_moves_the_choice(folder: RunFolder) -> None:
    choices = []
    for report in (1.0, 0.0):
        climbed(folder, "baseline/majority", 0.4, 0.4)
        climbed(folder, "tiny/bert", 0.9, 1 - report)
        climbed(folder, "tiny/bert-half", 0.7, report)
        decision = written(folder)["decision"]
        choices.append([decision[key] for key in ("winner", "tied_with", "p_best", "ranking", "next_steps")])
    assert choices[0] == choices[1]
    assert choices[0][0] == "tiny/bert"


def test_a_contradiction_is_said_and_the_winner_stays(folder: RunFolder) -> None:
    climbed(folder, "tiny/bert", 0.9, 0.3)
    climbed(folder, "tiny/bert-half", 0.5, 1.0)
    decision = written(folder)["decision"]
    assert decision["winner"] == "tiny/bert"
    assert "On the report split tiny/bert-half did better (1.000 against 0.278)" in decision["because"]


def test_agreement_is_not_remarked_on(folder: RunFolder) -> None:
    climbed(folder, "tiny/bert", 0.9, 0.9)
    climbed(folder, "tiny/bert-half", 0.5, 0.5)
    assert "On the report split" not in written(folder)["decision"]["because"]


def test_a_models_best_rung_counts_and_a_worse_one_is_explained(folder: RunFolder) -> None:
    climbed(folder, "tiny/bert", 0.8, 0.9)
    climbed(folder, "tiny/bert", 0.2, 0.1, "last-block", 1)
    row = next(row for row in written(folder)["probe"]["results"] if row["model"] == "tiny/bert")
    assert row["revision"] == "r0"
    assert row["metrics"]["accuracy"]["value"] > 0.8
    assert [point["rung"] for point in row["curve"]] == ["linear-probe", "last-block"]
    assert "it went badly" in row["because"]
    assert row["seconds"] == 2.0


def test_evidence_holds_the_select_split_alone(folder: RunFolder) -> None:
    climbed(folder, "tiny/bert", 0.8, 0.0)
    examples = folder.examples()
    evidence = collect(folder).evidence
    assert evidence is not None
    assert evidence.truth.tolist() == [examples.truth[i] for i in examples.select]
    assert (evidence.predictions["tiny/bert"] == evidence.truth).mean() == pytest.approx(0.8, abs=0.06)
    assert collect(folder).results[-1].metrics is None


def test_errors_are_the_surest_first(folder: RunFolder) -> None:
    climbed(folder, "tiny/bert", 0.8, 0.5)
    row = next(row for row in written(folder)["probe"]["results"] if row["model"] == "tiny/bert")
    shown = row["errors"]
    assert shown
    assert all(one["truth"] != one["predicted"] and one["text"] for one in shown)
    sure = [one["probability"] for one in shown]
    assert sure == sorted(sure, reverse=True)


def test_latencies_are_remembered_for_images_only_where_that_is_possible(
    folder: RunFolder, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / "measured.json").unlink(missing_ok=True)
    climbed(folder, "tiny/bert", 0.8, 0.5)
    finish(folder)
    assert not (own_home / "measured.json").exists()
    brief = folder.spec().brief.model_copy(update={"task": "image-classification"})
    spec = folder.spec().model_copy(update={"brief": brief})
    (folder.path / "run.json").write_text(spec.model_dump_json(by_alias=True), encoding="utf-8")
    finish(folder)
    kept = json.loads((own_home / "measured.json").read_text(encoding="utf-8"))
    assert kept["tiny/bert"]["p95_ms"] == 2.0

    def full(*args: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(ending, "record_measured", full)
    assert finish(folder).decision.winner == "tiny/bert"


def test_without_the_knowledge_base_a_run_still_ends(folder: RunFolder, tmp_path: Path) -> None:
    climbed(folder, "tiny/bert", 0.8, 0.5)
    spec = folder.spec().model_copy(update={"knowledge": str(tmp_path / "gone")})
    (folder.path / "run.json").write_text(spec.model_dump_json(by_alias=True), encoding="utf-8")
    assert written(folder)["decision"]["winner"] == "tiny/bert"
