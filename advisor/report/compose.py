"""From a report to what it says: the cover first, then the evidence, then how to repeat it."""

from advisor.charts.metric import measured_metric, metric_name
from advisor.labels import model_labels, one_line
from advisor.report.checks import checks_section
from advisor.report.confidence import confidence_section
from advisor.report.document import Block, Bullets, Cell, Cover, Document, Section, Share, Text
from advisor.report.evidence import (
    classes_section,
    data_section,
    promises_section,
    repeat_section,
    results_section,
)
from advisor.report.looked import looked_section
from advisor.report.need import need_section, shortlist_section
from advisor.report.numbers import chance, milliseconds, percent, size
from advisor.report.plain import LATE, advantages, behind, saves, verdict
from advisor.result import ModelResult, Report

__all__ = ["compose"]

HOW = {
    "frozen": "on frozen features",
    "head": "by training its last layer",
    "last-block": "by tuning its last block",
    "lora": "by tuning with LoRA",
    "full": "by tuning all of it",
    "from-scratch": "from scratch",
}


def compose(report: Report) -> Document:
    """Say everything that a report has to say.

    :param report: the report.
    :return: cover and sections, in reading order, free of any form.
    """
    sections = (
        need_section(report),
        shortlist_section(report),
        data_section(report),
        results_section(report),
        classes_section(report),
        looked_section(report),
        confidence_section(report),
        checks_section(report),
        promises_section(report),
        repeat_section(report),
    )
    data = report.dataset.name if report.dataset else "no data"
    title = f"Model report: {one_line(data)}"
    footer = f"Made {report.created[:10]}. Every number is in report.json, unrounded."
    return Document(title, _cover(report), tuple(part for part in sections if part.blocks), footer)


def _cover(report: Report) -> Cover:
    data = report.dataset.name if report.dataset else ""
    task = report.brief.task.replace("-", " ").capitalize()
    kicker = " · ".join(filter(None, (task, one_line(data), report.created[:10])))
    row = next((r for r in report.probe.results if r.model == report.decision.winner), None)
    parts = (
        Section("why", "Why", _why(report, row)),
        Section("runner-up", "Runner-up", _runner_up(report, row)),
        Section("risks", "Risks", _bullets(_risks(report))),
        Section("change", "What would change this answer", _bullets(_changes(report))),
        Section("next", "Next steps", _bullets(list(report.decision.next_steps))),
    )
    facts = _facts(report, row) if row else ()
    return Cover(
        kicker, verdict(report), _shares(report), facts, tuple(part for part in parts if part.blocks)
    )


def _bullets(items: list[str]) -> tuple[Block, ...]:
    return (Bullets(tuple(items)),) if items else ()


def _shares(report: Report) -> tuple[Share, ...]:
    p_best = report.decision.p_best
    order = sorted(p_best, key=lambda model: -p_best[model])
    names = model_labels(order, 40)
    named = [model for model in order if p_best[model] >= 0.05][:4]
    shares = [Share(names[model], p_best[model], chance(p_best[model])) for model in named]
    rest = sum(p_best[model] for model in order if model not in named)
    others = len(order) - len(named)
    if others and named:
        shares.append(Share(f"{others} other{'s' if others > 1 else ''}", rest, chance(rest), rest=True))
    return tuple(shares)


def _facts(report: Report, row: ModelResult) -> tuple[tuple[str, Cell], ...]:
    metric = measured_metric(row, report.brief.metric)
    limits = report.brief.constraints
    latency, memory = row.latency_ms, row.peak_memory_mb
    device = "" if limits.device == "this-machine" else " (this machine)"
    facts = []
    if metric:
        note = f"{100 * metric.low:.1f}–{percent(metric.high)} · n = {metric.n}"
        facts.append((metric_name(report.brief.metric), Cell(percent(metric.value), "measured", note)))
    note = _against(limits.latency_ms, "ms") if not device else "on this machine"
    facts.append(
        ("Latency, 95th pct.", Cell(milliseconds(latency.p95), "measured", note) if latency else _unknown())
    )
    note = _against(limits.memory_mb, "MB") if not device else "on this machine"
    facts.append(("Peak memory", Cell(size(memory), "measured", note) if memory is not None else _unknown()))
    note = _against(limits.size_mb, "MB")
    facts.append(
        ("Weights", Cell(size(row.size_mb), "measured", note) if row.size_mb is not None else _unknown())
    )
    facts.append(("Licence", Cell(row.licence or ("none needed" if row.kind == "baseline" else "unknown"))))
    expected = report.decision.expected.get(row.model)
    if expected:
        note = f"{100 * expected.low:.0f}–{percent(expected.high, 0)} · {HOW.get(expected.strategy, expected.strategy)}"
        facts.append(("With all your data", Cell(percent(expected.value), "estimated", note)))
    return tuple(facts)


def _unknown() -> Cell:
    return Cell("unknown", note="not measured")


def _against(limit: float | None, unit: str) -> str:
    return f"your limit {limit:g} {unit}" if limit is not None else "no limit set"


def _why(report: Report, row: ModelResult | None) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if report.decision.because:
        blocks.append(Text(report.decision.because))
    saved = saves(report)
    if saved:
        blocks.append(
            Text(f"Against the best pretrained model it saves {saved}.", "No deep model is needed here.")
        )
    elif row and row.kind != "baseline" and (text := _worth(report, row)):
        blocks.append(Text(text))
    return tuple(blocks)


def _worth(report: Report, row: ModelResult) -> str:
    metric = report.brief.metric
    mine = measured_metric(row, metric)
    baselines = [
        (found, r)
        for r in report.probe.results
        if r.kind == "baseline" and (found := measured_metric(r, metric))
    ]
    if mine is None or not baselines:
        return ""
    best, baseline = max(baselines, key=lambda pair: pair[0].value)
    points = 100 * (mine.value - best.value)
    name = model_labels([baseline.model])[baseline.model]
    if points <= 0:
        return (
            f"On the report split the baseline {name} is not worse ({percent(best.value)}): weigh simplicity."
        )
    clear = "their intervals do not overlap" if mine.low > best.high else "their intervals overlap"
    return f"It is {points:.1f} points above the best baseline, {name} ({percent(best.value)}); {clear}."


def _runner_up(report: Report, row: ModelResult | None) -> tuple[Block, ...]:
    others = [model for model in report.decision.ranking if model != report.decision.winner]
    if not others or row is None:
        return ()
    other = next((r for r in report.probe.results if r.model == others[0]), None)
    if other is None:
        return ()
    name = model_labels(r.model for r in report.probe.results)[other.model]
    metric = measured_metric(other, report.brief.metric)
    said = [f"{chance(report.decision.p_best.get(other.model, 0.0))} sure to be the best"]
    if metric:
        said.append(f"{metric_name(report.brief.metric).lower()} {percent(metric.value)} (n = {metric.n})")
    if other.latency_ms:
        said.append(f"{milliseconds(other.latency_ms.p95)} per request")
    if other.size_mb is not None:
        said.append(size(other.size_mb))
    text = "; ".join(said) + "."
    better = advantages(row, other)
    if other.model in behind(report):
        text += f" It {LATE}."
    elif other.model in report.decision.tied_with:
        text += (
            f" Practically equal{f', and {better}' if better else ''}: choose by what else matters to you."
        )
    return (Text(text[:1].upper() + text[1:], name),)


def _risks(report: Report) -> list[str]:
    risks = list(report.decision.risks)
    if report.dataset:
        risks += [f.detail for f in report.dataset.findings if f.severity == "high" and f.detail not in risks]
    return risks


def _changes(report: Report) -> list[str]:
    items = [
        f"{near.model} would be admitted if {near.admitted_if.rstrip('.')}."
        for near in report.recommendation.near_misses[:3]
    ]
    unseen = [r for r in report.probe.results if r.status != "ok" and r.kind != "baseline"]
    if unseen:
        names = ", ".join(model_labels(r.model for r in unseen).values())
        items.append(f"Not measured, so not compared: {names}.")
    if report.decision.tied_with:
        items.append("A tie is decided by more examples to choose by, or by speed, size and licence.")
    return items
