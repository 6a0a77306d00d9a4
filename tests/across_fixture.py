"""Finished probes on several data sets, in memory and on disk, for the tests of their comparison."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from report_fixture import make_report, metric
from test_decide import advice, result, right_share, truth_of

from advisor.across import Probed
from advisor.brief import Brief
from advisor.decide import decide
from advisor.jobs.finish import finish
from advisor.jobs.folder import Examples, RunFolder, RungRecord, RunSpec
from advisor.jobs.prepare import advice_json
from advisor.recommendation import Recommendation
from advisor.result import (
    CurvePoint,
    Evidence,
    LatencyMeasured,
    ModelResult,
    NamedMetric,
    ProbeResult,
    SplitSizes,
)

__all__ = ["a_set", "lay_run"]

LABELS = ("a", "b", "c", "d")


def a_set(
    name: str,
    shares: Mapping[str, float],
    *,
    n: int = 200,
    seed: int = 0,
    rows: tuple[ModelResult, ...] = (),
    judged_by: str = "accuracy",
    sha256: str = "",
    machine: Mapping[str, Any] | None = None,
    **limits: Any,
) -> Probed:
    """A probe in which about a share of each model's answers is right."""
    predictions = {m: right_share(n, share, seed + i) for i, (m, share) in enumerate(shares.items())}
    evidence = Evidence(
        labels=LABELS, truth=truth_of(n), predictions=predictions, standing={}, available=n,
        learnt=dict.fromkeys(predictions, n),
    )  # fmt: skip
    own = {row.model: row for row in rows}
    measured = tuple(
        own.get(model) or result(model, metrics={judged_by: metric(share)}) for model, share in shares.items()
    )
    probe = ProbeResult(
        budget_s=60, elapsed_s=50, seed=0, machine=dict(machine or {}), versions={},
        results=(*measured, *(row for row in rows if row.model not in shares)), evidence=evidence,
    )  # fmt: skip
    need = advice(judged_by, **limits)
    whole = make_report()
    assert whole.dataset is not None
    dataset = whole.dataset.model_copy(update={"name": name, "sha256": sha256 or name})
    report = whole.model_copy(
        update={
            "brief": need.brief, "recommendation": need, "dataset": dataset, "probe": probe,
            "decision": decide(probe, need),
        }
    )  # fmt: skip
    return Probed(name, f"runs/{name}", report, evidence)


def lay_run(path: Path, name: str, shares: Mapping[str, float], n: int = 60) -> Path:
    """Leave a finished run on disk, with its rungs."""
    labels, truth = ("no", "yes"), tuple(i % 2 for i in range(2 * n))
    examples = Examples(
        task="text-classification", origin=name, name=name, sha256=f"{name}-sha", total=2 * n,
        counts={"no": n, "yes": n}, labels=labels, ids=tuple(map(str, range(2 * n))),
        contents=tuple(f"text {i}" for i in range(2 * n)), truth=truth, train=(), select=tuple(range(n)),
        report=tuple(range(n, 2 * n)), first=0, available=SplitSizes(train=0, select=n, report=n),
    )  # fmt: skip
    brief = Brief(task="text-classification")
    spec = RunSpec(
        brief=brief, data=str(path), budget_s=60, created=f"2026-01-01T10:00:00+00:00 {name}", command="x",
        chosen=tuple(model for model in shares if not model.startswith("baseline/")),
        knowledge=str(path / "nothing-is-known"),
    )  # fmt: skip
    need = Recommendation(brief=brief, considered=0, shortlist=())
    folder = RunFolder.create(
        path,
        spec,
        {"examples.json": examples.model_dump_json(), "recommendation.json": advice_json(need)},
    )
    for model, share in shares.items():
        right = np.arange(n) < round(share * n)
        called = np.where(right, np.arange(n) % 2, 1 - np.arange(n) % 2)
        guesses = (np.eye(2)[called] * 0.8 + 0.1).astype(np.float32)
        baseline = model.startswith("baseline/")
        named = NamedMetric(name="accuracy", value=share, low=share - 0.1, high=min(1.0, share + 0.1))
        rung = "fit" if baseline else "linear-probe"
        folder.save_rung(
            RungRecord(
                model=model, kind="baseline" if baseline else "weights", rung=rung, position=0,
                strategy="from-scratch" if baseline else "frozen", revision=None, hyperparameters={},
                curve=(CurvePoint(rung=rung, examples=n, epochs=1, seconds=1.0, metric=named),), seconds=1.0,
                latency_ms=LatencyMeasured(p50=1.0, p95=2.0), size_mb=1.0,
            ), guesses, guesses,
        )  # fmt: skip
    finish(folder)
    folder.end("done")
    return path
