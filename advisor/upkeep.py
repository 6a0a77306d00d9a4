"""Whether a knowledge base is well kept: what does not stop anybody from using it, but should not stay so."""

import datetime as dt
import math
import re
from collections.abc import Iterator
from pathlib import Path

from advisor.knowledge import Benchmark, Fact, Knowledge, ModelCard
from advisor.knowledge.checking import cross_faults, facts, sources_of
from advisor.knowledge.loading import complain, knowledge_folder
from advisor.knowledge.reading import Draft, read_folder
from advisor.languages import primary
from advisor.weights.licence import licence_class

__all__ = ["check_knowledge"]

PRICE_DAYS = 400
"""A price older than this is stale."""
BYTES_PER_PARAMETER = (0.05, 16.5)
"""Weight files hold from one bit per two parameters to four float32 numbers per parameter (with an optimiser)."""
RANGES = {
    "absrel": (0.0, math.inf),
    "cer": (0.0, math.inf),
    "cider": (0.0, 3.0),
    "crps": (0.0, math.inf),
    "elo": (0.0, 4000.0),
    "fid": (0.0, math.inf),
    "mase": (0.0, math.inf),
    "mos": (1.0, 5.0),
    "perplexity": (1.0, math.inf),
    "rfid": (0.0, math.inf),
    "rmse": (0.0, math.inf),
    "spearman": (-1.0, 1.0),
    "wer": (0.0, math.inf),
}
"""Possible values of the metrics that are no shares."""
TAG = re.compile(
    r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-x(-[a-z0-9]{1,8})+)?"
)
"""A BCP-47 tag in its usual letter case: language, script, region, variants, private use."""


def check_knowledge(folder: Path | None, today: dt.date) -> Knowledge:
    """Check a knowledge folder for faults and for neglect.

    :param folder: the folder; the shipped one if None.
    :param today: the day from which prices count as stale and dates as in the future.
    :return: the knowledge.
    :raises KnowledgeError: one message that names file and line of everything found.
    """
    draft = read_folder(knowledge_folder(folder))
    complain([*draft.faults, *cross_faults(draft), *neglects(draft, today)])
    return draft.knowledge


def neglects(draft: Draft, today: dt.date) -> Iterator[str]:
    """Find what should not stay so.

    :param draft: the base as it was read.
    :param today: the day from which prices count as stale and dates as in the future.
    :return: one line per finding, beginning with file and line.
    """
    yield from _sources(draft, today)
    yield from _tasks(draft)
    for card in draft.knowledge.models:
        at = f"{draft.place(card)}: {card.id}"
        yield from (f"{at}: {message}" for message in _card(card, draft.knowledge, today))
    yield from _results(draft, today)
    yield from _latencies(draft)
    yield from _devices(draft, today)


def _sources(draft: Draft, today: dt.date) -> Iterator[str]:
    knowledge = draft.knowledge
    used = {source for card in knowledge.models for _, source in sources_of(card)}
    used |= {row.source for row in knowledge.results} | {row.source for row in knowledge.latencies}
    used |= {id for device in knowledge.devices for id in (device.source, device.price_source) if id}
    used |= {one.source for one in knowledge.datasets if one.source}
    for source in knowledge.sources:
        if source.id not in used:
            yield f"{draft.place(source)}: {source.id}: no fact rests on this source"
        if source.date > today:
            yield f"{draft.place(source)}: {source.id}: its date {source.date} is in the future"


def _tasks(draft: Draft) -> Iterator[str]:
    for task in draft.knowledge.tasks:
        at = f"{draft.place(task)}: {task.id}"
        marks = [(mark.id, mark.metric) for mark in task.benchmarks]
        for mark in sorted({mark for mark in marks if marks.count(mark) > 1}):
            yield f"{at}: the benchmark {mark[0]} with {mark[1]} stands there twice"


def _card(card: ModelCard, knowledge: Knowledge, today: dt.date) -> Iterator[str]:
    dates = {source.id: source.date for source in knowledge.sources}
    if card.released and card.released > today:
        yield f"released: {card.released} is in the future"
    for name, fact in facts(card):
        if fact.date and fact.date > today:
            yield f"{name}: its date {fact.date} is in the future"
        if fact.value == 0 and name in ("parameters", "active_parameters", "size_mb", "flops"):
            yield f"{name}: impossible value 0; leave out what is unknown"
    total = card.parameters
    for name in ("active_parameters", "embedding_parameters"):
        part: Fact | None = getattr(card, name)
        if part and total and part.value > total.value:
            yield f"{name}: impossible value {part.value:g}, more than all {total.value:g} parameters"
    if card.size_mb and total and card.size_mb.value and total.value:
        each = card.size_mb.value * 1e6 / total.value
        low, high = BYTES_PER_PARAMETER
        if not low <= each <= high:
            yield (
                f"size_mb: impossible value {card.size_mb.value:g} with {total.value:g} parameters: {each:.3g} bytes "
                f"for each, where {low}–{high} can be"
            )
    for name in ("price_in", "price_out"):
        price: Fact | None = getattr(card, name)
        said = price and (price.date or dates.get(price.source))
        if said and (today - said).days > PRICE_DAYS:
            yield f"{name}: the price of {said} is stale"
    yield from _languages(card)
    known = licence_class(card.licence.id)
    if known not in ("custom", "unknown", card.licence.klass) and not (
        known == "permissive" and card.licence.trap
    ):
        yield f"licence: {card.licence.id} is {known}, not {card.licence.klass}"
    if card.licence.klass in ("copyleft", "non-commercial", "custom") and not card.licence.trap:
        yield f"licence: {card.licence.id} is {card.licence.klass}, so its trap must be named"
    yield from _succession(card, knowledge)


def _languages(card: ModelCard) -> Iterator[str]:
    for tag in card.input.languages or ():
        if not TAG.fullmatch(tag):
            yield f"languages: {tag!r} is no BCP-47 tag like en, zh-Hans or pt-BR"
        elif primary(tag) != tag.split("-")[0] and tag != "cmn":
            yield f"languages: {tag!r} has a shorter form, {primary(tag)!r}"
    if card.input.languages and len(set(card.input.languages)) < len(card.input.languages):
        yield "languages: one stands there twice"


def _succession(card: ModelCard, knowledge: Knowledge) -> Iterator[str]:
    successors = {one.id: one.superseded_by for one in knowledge.models}
    passed, newer = {card.id}, card.superseded_by
    while newer and newer not in passed:
        passed.add(newer)
        newer = successors.get(newer)
    if newer == card.id:
        yield f"superseded_by: {card.superseded_by!r} is in the end superseded by this model again"


def _results(draft: Draft, today: dt.date) -> Iterator[str]:
    marks: dict[tuple[str, str], list[Benchmark]] = {}
    for task in draft.knowledge.tasks:
        for mark in task.benchmarks:
            marks.setdefault((mark.id, mark.metric), []).append(mark)
    for result in draft.knowledge.results:
        at = f"{draft.place(result)}: {result.model}"
        low, high = _possible(result.metric, marks.get((result.benchmark, result.metric), []))
        if not low <= result.value <= high:
            yield f"{at}: impossible value {result.value:g} of {result.metric}, where {low:g}–{high:g} can be"
        if result.date and result.date > today:
            yield f"{at}: its date {result.date} is in the future"


def _possible(metric: str, marks: list[Benchmark]) -> tuple[float, float]:
    """Say which values a metric can have: its own range, or 0–1 where its yardsticks show that it is a share."""
    if metric in RANGES:
        return RANGES[metric]
    share = bool(marks) and all(0 <= end <= 1 for mark in marks for end in (mark.low, mark.high))
    return (0.0, 1.0) if share else (-math.inf, math.inf)


def _latencies(draft: Draft) -> Iterator[str]:
    seen: dict[tuple[object, ...], str] = {}
    for row in draft.knowledge.latencies:
        key = (row.model, row.device, row.batch, row.precision, row.runtime, row.source)
        if key in seen:
            yield f"{draft.place(row)}: {row.model}: the same speed stands already at {seen[key]}"
        seen.setdefault(key, draft.place(row))


def _devices(draft: Draft, today: dt.date) -> Iterator[str]:
    dates = {source.id: source.date for source in draft.knowledge.sources}
    for device in draft.knowledge.devices:
        at = f"{draft.place(device)}: {device.id}"
        peak = max(device.tflops.values(), default=None)
        if peak is not None and device.sustained_tflops is not None and device.sustained_tflops > peak:
            yield (
                f"{at}: sustained_tflops: impossible value {device.sustained_tflops:g}, more than its peak {peak:g}"
            )
        if device.usd_per_hour is None:
            continue
        said = device.price_date or dates.get(device.price_source or "")
        if said is None:
            yield f"{at}: usd_per_hour: a price without a date"
        elif (today - said).days > PRICE_DAYS:
            yield f"{at}: usd_per_hour: the price of {said} is stale"
