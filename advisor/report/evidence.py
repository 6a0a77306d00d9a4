"""The parts that the probe wrote: data, results, classes, promises kept, and how to repeat it."""

from typing import Any

from advisor.charts import (
    accuracy_latency,
    class_balance,
    class_heatmap,
    confusion_matrix,
    latency_check,
    learning_curves,
    measured_metric,
    metric_name,
    p_best,
    prior_measured,
)
from advisor.quantity import Quantity
from advisor.report.document import Block, Bullets, Cell, Code, Row, Section, Shown, Table, Text
from advisor.report.need import quantity_cell
from advisor.report.numbers import count, milliseconds, percent, seconds, size
from advisor.result import LatencyMeasured, Metric, ModelResult, Report

__all__ = ["classes_section", "data_section", "promises_section", "repeat_section", "results_section"]

SHARES = ("confidence", "probability")
SEVERITY = {"high": 0, "medium": 1, "low": 2, "info": 3}
OTHERS = ("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall")


def data_section(report: Report) -> Section:
    """Say what the data are, what was found in them and how they were split."""
    data = report.dataset
    if data is None:
        return Section("data", "What the data are like", (Text("No data were given; nothing was measured."),))
    splits = data.splits
    blocks: list[Block] = [
        Text(
            f"{count(data.examples)} examples of {count(len(data.classes))} classes. The models learn from "
            f"{count(splits.train)}, the choice is made by {count(splits.select)}, and {count(splits.report)} are "
            "looked at once, at the end, to judge. Duplicates stay on one side."
        ),
        Shown(class_balance(data.classes)),
    ]
    if data.findings:
        rows = tuple(
            Row((Cell(f.severity), Cell(f.kind), Cell(f.detail), Cell(_some(f.examples))))
            for f in sorted(data.findings, key=lambda f: SEVERITY[f.severity])
        )
        columns = (
            ("Severity", False),
            ("Finding", False),
            ("What, and what was done", False),
            ("Such as", False),
        )
        blocks.append(Table("Findings", columns, rows))
    else:
        blocks.append(Text("Nothing to complain about was found."))
    return Section("data", "What the data are like", tuple(blocks))


def _some(examples: tuple[str, ...], limit: int = 3) -> str:
    more = len(examples) - limit
    return ", ".join(examples[:limit]) + (f" and {more} more" if more > 0 else "")


def ordered(report: Report) -> list[ModelResult]:
    """Put the rows of the probe in the order of the decision, those that were not measured last."""
    place = {model: index for index, model in enumerate(report.decision.ranking)}
    return sorted(report.probe.results, key=lambda row: place.get(row.model, len(place)))


def results_section(report: Report) -> Section:
    """Say what was measured of each model, failures with their reason."""
    probe, metric = report.probe, report.brief.metric
    rows = ordered(report)
    if not rows:
        return Section("results", "What was measured", (Text("Nothing was probed."),))
    limits = report.brief.constraints
    same = limits.device == "this-machine"
    blocks: list[Block] = [
        Text(
            f"The probe took {seconds(probe.elapsed_s)} of {seconds(probe.budget_s)}. All figures here are from "
            "the report split, which no choice was made by; intervals hold 95 %."
        ),
        Shown(accuracy_latency(rows, metric, limits.latency_ms if same else None, report.decision.winner)),
        _quality(rows, metric, report.decision.winner),
        _price(rows, report.decision.winner),
    ]
    notes = tuple(f"{row.model}: {row.because}" for row in rows if row.status == "ok" and row.because)
    if notes:
        blocks += [Text("", "Why a model went no further"), Bullets(notes)]
    blocks += [Shown(p_best(report.decision)), Shown(learning_curves(rows, report.decision.winner))]
    return Section("results", "What was measured", tuple(blocks))


def _unmeasured(row: ModelResult) -> Row:
    return Row((Cell(row.model, own=True),), f"{row.status}: {row.because or 'no reason was given'}")


def _metric_cell(metric: Metric | None) -> Cell:
    if metric is None:
        return Cell("–", hint="not measured")
    note = f"{100 * metric.low:.1f}–{100 * metric.high:.1f}"
    return Cell(percent(metric.value), "measured", note, f"n = {metric.n}")


def _quality(rows: list[ModelResult], metric: str, winner: str | None) -> Table:
    names = [metric, *(name for name in OTHERS if name != metric)]
    columns = (("Model", False), *((metric_name(name), True) for name in names), ("n", True))
    body = []
    for row in rows:
        if row.status != "ok":
            body.append(_unmeasured(row))
            continue
        found = [measured_metric(row, name) for name in names]
        n = next((m.n for m in found if m), None)
        cells = (Cell(row.model, own=True), *map(_metric_cell, found), Cell("–" if n is None else count(n)))
        body.append(Row(cells, strong=row.model == winner))
    return Table("How well", columns, tuple(body))


def _price(rows: list[ModelResult], winner: str | None) -> Table:
    columns = (
        ("Model", False),
        ("Latency p50", True),
        ("p95", True),
        ("Per second", True),
        ("Peak memory", True),
        ("Weights", True),
        ("Probe time", True),
        ("Best rung", False),
    )
    body = []
    for row in rows:
        if row.status != "ok":
            body.append(Row((Cell(row.model, own=True),), f"{row.status} after {seconds(row.seconds)}"))
            continue
        latency = row.latency_ms
        cells = (
            Cell(row.model, own=True),
            _measured(milliseconds(latency.p50 if latency else None)),
            _measured(milliseconds(latency.p95 if latency else None)),
            _measured("–" if row.throughput_per_s is None else count(row.throughput_per_s)),
            _measured(size(row.peak_memory_mb)),
            _measured(size(row.size_mb)),
            _measured(seconds(row.seconds)),
            Cell(row.strategy or "–"),
        )
        body.append(Row(cells, strong=row.model == winner))
    return Table("At what price", columns, tuple(body))


def _measured(text: str) -> Cell:
    return Cell(text, hint="unknown") if text == "–" else Cell(text, "measured")


def classes_section(report: Report) -> Section:
    """Say which classes are recognised, and which mistakes the chosen model makes."""
    rows = [row for row in ordered(report) if row.per_class]
    if not rows:
        return Section("classes", "Class by class", ())
    first = next((row for row in rows if row.model == report.decision.winner), rows[0])
    blocks: list[Block] = [
        Shown(class_heatmap(rows)),
        _per_class(first, report.decision.winner),
        Shown(confusion_matrix(first)),
    ]
    if first.errors:
        blocks.append(_errors(first.errors))
    return Section("classes", "Class by class", tuple(blocks))


def _per_class(row: ModelResult, winner: str | None, limit: int = 20) -> Table:
    scores = sorted(row.per_class.items(), key=lambda item: item[1].recall)
    shown = scores[:limit]
    label = f"Classes of {row.model}, hardest first"
    label += f" ({limit} of {len(scores)})" if len(scores) > limit else ""
    columns = (("Class", False), ("Recall", True), ("Precision", True), ("F1", True), ("n", True))
    body = tuple(
        Row(
            (
                Cell(name, own=True),
                *(Cell(percent(v), "measured") for v in (s.recall, s.precision, s.f1)),
                Cell(count(s.n)),
            )
        )
        for name, s in shown
    )
    return Table(label, columns, body)


def _noted(key: str, value: Any) -> str:
    return percent(value, 0) if key in SHARES and isinstance(value, float) else _value(value)


def _errors(errors: tuple[dict[str, Any], ...], limit: int = 12) -> Table:
    keys = list(dict.fromkeys(key for error in errors[:limit] for key in error))[:5]
    columns = tuple((key.replace("_", " ").capitalize(), False) for key in keys)
    body = tuple(
        Row(tuple(Cell(_noted(key, error.get(key)), own=key not in ("id", *SHARES)) for key in keys))
        for error in errors[:limit]
    )
    return Table("Examples that the chosen model got wrong", columns, body)


def _value(value: Any) -> str:
    if value is None:
        return "–"
    text = str(value)
    if isinstance(value, float):
        text = count(value) if abs(value) >= 1000 else f"{value:.3g}"
    return text if len(text) <= 240 else f"{text[:239]}…"


def promises_section(report: Report) -> Section:
    """Hold estimates and published results against what was measured."""
    shortlist, results = report.recommendation.shortlist, report.probe.results
    device = report.brief.constraints.device
    rows = {row.model: row for row in results if row.status == "ok"}
    both = [candidate for candidate in shortlist if candidate.model in rows]
    if not both:
        return Section("promises", "Estimated and measured", _exported(report))
    body = []
    for candidate in both:
        row, needs = rows[candidate.model], candidate.estimates
        latency = row.latency_ms.p95 if row.latency_ms else None
        pairs: list[Cell] = []
        for guess, found in (
            (needs.latency_ms, milliseconds(latency)),
            (needs.memory_mb, size(row.peak_memory_mb)),
            (needs.size_mb, size(row.size_mb)),
        ):
            pairs += [_promise(guess), _measured(found)]
        body.append(Row((Cell(candidate.model, own=True), *pairs)))
    columns = (
        ("Model", False),
        ("Latency, expected", True),
        ("measured", True),
        ("Memory, expected", True),
        ("measured", True),
        ("Weights, stated", True),
        ("measured", True),
    )
    blocks: list[Block] = [
        *_exported(report),
        Shown(latency_check(shortlist, results, device)),
        Shown(prior_measured(shortlist, results, report.brief.metric)),
        Table("Expected and measured", columns, tuple(body)),
    ]
    if device != "this-machine":
        blocks.insert(
            0, Text(f"Expectations are for {device}; measurements are of the machine that ran the probe.")
        )
    return Section("promises", "Estimated and measured", tuple(blocks))


def _exported(report: Report) -> tuple[Block, ...]:
    """Say what the exported model costs, natively and as ONNX, and that both answer alike."""
    made = report.exported
    if made is None:
        return ()
    forms: list[tuple[str, LatencyMeasured, str]] = [(made.form, made.latency_ms, "as in the probe")]
    if made.onnx:
        alike = f"logits differ by at most {made.onnx.max_difference:.1e} on {made.onnx.checked} examples"
        forms.append(("ONNX", made.onnx.latency_ms, alike))
    columns = (("Form", False), ("Latency p50", True), ("p95", True), ("Held against PyTorch", False))
    rows = tuple(
        Row((Cell(form), _measured(milliseconds(time.p50)), _measured(milliseconds(time.p95)), Cell(held)))
        for form, time, held in forms
    )
    return (Table(f"Exported: {made.model}", columns, rows),)


def _promise(value: Quantity) -> Cell:
    return quantity_cell(value)


def repeat_section(report: Report) -> Section:
    """Say everything that is needed to get the same result again."""
    probe = report.probe
    facts: list[tuple[str, str]] = [("Made", report.created), ("Seed", str(probe.seed))]
    if report.dataset:
        facts += [("Data", report.dataset.name), ("Data, SHA-256", report.dataset.sha256)]
    facts += [("Machine", ", ".join(f"{key} {_value(value)}" for key, value in probe.machine.items()))]
    facts += [("Versions", ", ".join(f"{name} {version}" for name, version in probe.versions.items()))]
    table = Table(
        "Circumstances",
        (("What", False), ("Value", False)),
        tuple(Row((Cell(k), Cell(v, own=k != "Machine"))) for k, v in facts if v),
    )
    columns = (("Model", False), ("Revision", False), ("Licence", False), ("Settings", False))
    rows = tuple(
        Row(
            (
                Cell(row.model, own=True),
                Cell(row.revision or "–", own=True),
                Cell(row.licence or "–", own=True),
                Cell(
                    ", ".join(f"{key} {_value(value)}" for key, value in row.hyperparameters.items()) or "–"
                ),
            )
        )
        for row in ordered(report)
    )
    settings: tuple[Block, ...] = (Table("Models and settings", columns, rows),) if rows else ()
    command: tuple[Block, ...] = (Code(report.command),) if report.command else ()
    return Section("repeat", "How to repeat this", (*command, table, *settings))
