"""The parts before the probe: what was asked for, and what the advice made of it."""

from typing import Any

from advisor.brief import Brief
from advisor.charts import quality_latency, score_stack
from advisor.charts.metric import metric_name
from advisor.charts.scores import CRITERIA
from advisor.quantity import Quantity
from advisor.recommendation import Candidate
from advisor.report.document import Block, Bullets, Cell, Row, Section, Shown, Table, Text
from advisor.report.numbers import count, plural, quantity, span
from advisor.result import Report

__all__ = ["need_section", "quantity_cell", "shortlist_section"]

DATA = {
    "examples": "Labelled examples",
    "classes": "Classes",
    "domain": "Domain",
    "languages": "Languages",
    "tokens": "Length of a text, tokens",
    "resolution": "Shorter side of an image, pixels",
    "imbalance": "Largest class / smallest class",
    "unlabelled": "Unlabelled examples",
}
LIMITS = {
    "device": "Will run on",
    "train_device": "Will be trained on",
    "train_minutes": "Training at most, min",
    "latency_ms": "Latency at most, ms",
    "throughput_per_s": "Answers per second at least",
    "memory_mb": "Memory at most, MB",
    "size_mb": "Download at most, MB",
    "licence": "Licence",
    "privacy": "Privacy",
    "offline": "Offline",
    "monthly_cost_usd": "Cost a month at most, USD",
    "requests_per_month": "Requests a month",
    "framework": "Framework",
}


def need_section(report: Report) -> Section:
    """Say what was asked for, and which of it was read from the data."""
    brief = report.brief
    rows = [
        _row("Task", brief.task, "you"),
        _row("Decided by", metric_name(brief.metric), _origin(report, "metric")),
    ]
    for key, label in DATA.items():
        rows += _given(report, label, f"data.{key}", getattr(brief.data, key))
    for key, label in LIMITS.items():
        rows += _given(report, label, f"constraints.{key}", getattr(brief.constraints, key))
    weights = ", ".join(
        f"{label.lower()} {getattr(brief.priorities, key):g}" for key, label in CRITERIA.items()
    )
    rows.append(_row("Priorities, 0–5", weights, _origin(report, "priorities")))
    table = Table("Requirements", (("Requirement", False), ("Value", False), ("From", False)), tuple(rows))
    return Section("need", "What was asked for", (table,))


def _given(report: Report, label: str, key: str, value: Any) -> list[Row]:
    if value is None:
        return []
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, tuple):
        text = ", ".join(value)
    else:
        text = _plain(value) if isinstance(value, int | float) else str(value)
    return [_row(label, text, _origin(report, key))]


def _row(label: str, value: str, origin: str) -> Row:
    return Row((Cell(label), Cell(value), Cell(origin)))


def _origin(report: Report, key: str) -> str:
    if key in report.brief_filled or key.partition(".")[2] in report.brief_filled:
        return "read from the data"
    given, default = report.brief.model_dump(), Brief(task=report.brief.task).model_dump()
    for step in key.split("."):
        given, default = given[step], default[step]
    return "default" if given == default else "you"


def quantity_cell(value: Quantity) -> Cell:
    """Make the cell of a quantity: number, basis, interval below, source on hovering."""
    return Cell(quantity(value), value.basis, span(value), value.source)


def shortlist_section(report: Report) -> Section:
    """Say which models qualify and why, which nearly do, and which do not."""
    found = report.recommendation
    limit = report.brief.constraints.latency_ms
    intro = f"{plural(found.considered, 'model').capitalize()} considered: {len(found.shortlist)} on the shortlist"
    intro += f", {len(found.beyond_limit)} more that qualify" if found.beyond_limit else ""
    intro += f", {plural(len(found.near_misses), 'near miss', 'near misses')}, {len(found.dropped)} dropped."
    blocks: list[Block] = [Text(intro)]
    if found.notes:
        blocks.append(Bullets(found.notes))
    if found.shortlist:
        blocks.append(Shown(quality_latency(found.shortlist, limit, report.decision.winner)))
        blocks.append(_shortlist(found.shortlist))
        blocks.append(Shown(score_stack(found.shortlist)))
        blocks.append(_reasons(found.shortlist))
    if found.beyond_limit:
        blocks.append(Text(", ".join(found.beyond_limit) + ".", "Also qualified, further down:"))
    if found.near_misses:
        rows = []
        for near in found.near_misses:
            failed = "; ".join(
                f"{_spelt(f.constraint)} {'unknown' if f.value is None else _plain(f.value)}, limit {_plain(f.limit)}"
                for f in near.failed
            )
            rows.append(Row((Cell(near.model, own=True), Cell(failed), Cell(near.admitted_if))))
        blocks.append(
            Table(
                "Near misses", (("Near miss", False), ("Fails", False), ("Admitted if", False)), tuple(rows)
            )
        )
    if found.dropped:
        grouped: dict[str, list[str]] = {}
        for dropped in found.dropped:
            grouped.setdefault(dropped.because, []).append(dropped.model)
        rows = [Row((Cell(reason), Cell(_listed(models)))) for reason, models in grouped.items()]
        blocks.append(
            Table("Not considered further", (("Dropped because", False), ("Models", False)), tuple(rows))
        )
    return Section("shortlist", "Which models came into question", tuple(blocks))


def _plain(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return count(value) if abs(value) >= 1000 else f"{value:.3g}"


def _spelt(constraint: str) -> str:
    name, _, unit = constraint.rpartition("_")
    return f"{name} ({unit if unit == 'ms' else unit.upper()})" if unit in ("ms", "mb", "usd") else constraint


def _listed(models: list[str], limit: int = 12) -> str:
    more = len(models) - limit
    return ", ".join(models[:limit]) + (f" and {more} more" if more > 0 else "")


def _shortlist(shortlist: tuple[Candidate, ...]) -> Table:
    columns = (
        ("", True),
        ("Model", False),
        ("Score", True),
        ("Expected quality", True),
        ("Latency", True),
        ("Memory", True),
        ("Weights", True),
        ("Training", True),
        ("Adapt by", False),
    )
    rows = []
    for row in shortlist:
        needs = row.estimates
        numbers = (row.quality, needs.latency_ms, needs.memory_mb, needs.size_mb, needs.train_minutes)
        cells = (Cell(str(row.rank)), Cell(row.model, own=True), Cell(f"{row.score:.3f}"))
        rows.append(Row((*cells, *map(quantity_cell, numbers), Cell(row.adaptation.strategy))))
    return Table("The shortlist", columns, tuple(rows))


def _reasons(shortlist: tuple[Candidate, ...]) -> Table:
    rows = []
    for row in shortlist:
        plan = row.adaptation
        how = [f"{plan.strategy}: {plan.because}"]
        if plan.learning_rate:
            how.append(f"learning rate {plan.learning_rate[0]:g}–{plan.learning_rate[1]:g}")
        if plan.epochs:
            how.append(f"{plan.epochs} epochs")
        how += [f"augment by {', '.join(plan.augmentation)}"] if plan.augmentation else []
        how += ["class weights"] if plan.class_weights else []
        how += ["early stopping"] if plan.early_stopping else []
        plain = f"{'; '.join(how).rstrip('.')}."
        rows.append(
            Row(
                (
                    Cell(row.model, own=True),
                    Cell(" ".join(row.because)),
                    Cell(" ".join([plain, *plan.compression, *plan.advice])),
                )
            )
        )
    return Table(
        "Reasons", (("Model", False), ("Why it is here", False), ("How to adapt it", False)), tuple(rows)
    )
