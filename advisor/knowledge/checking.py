"""What must hold between the entries of a base before anybody may rely on it: references, units, possible values."""

import math
from collections.abc import Iterator

from advisor.errors import nearest
from advisor.knowledge.cards import Fact, ModelCard
from advisor.knowledge.entries import Benchmark
from advisor.knowledge.reading import Draft
from advisor.transfer import Likeness

__all__ = ["cross_faults", "facts", "sources_of"]

COUNT = ("parameters",)
PRICE = (
    "USD per 10^6 tokens",
    "USD per 10^6 characters",
    "USD per image",
    "USD per minute",
    "USD per request",
)
UNITS = {
    "parameters": COUNT,
    "active_parameters": COUNT,
    "embedding_parameters": COUNT,
    "size_mb": ("MB",),
    "flops": ("FLOP",),
    "activations": ("activations",),
    "price_in": PRICE,
    "price_out": PRICE,
    "downloads": ("downloads", "downloads per month"),
    "likes": ("likes",),
}
COEFFICIENTS = tuple(Likeness.__dataclass_fields__)
SHARES = (
    "top1",
    "zero-shot-top1",
    "knn-top1",
    "accuracy",
    "f1",
    "map",
    "mask-map",
    "miou",
    "anls",
    "cer",
    "wer",
)


def cross_faults(draft: Draft) -> Iterator[str]:
    """Find what contradicts within a base.

    :param draft: the base as it was read.
    :return: one line per fault, beginning with file and line.
    """
    yield from _tasks(draft)
    yield from _cards(draft)
    yield from _results(draft)
    yield from _latencies(draft)
    yield from _others(draft)


def facts(card: ModelCard) -> list[tuple[str, Fact]]:
    """List the numbers of a card by name."""
    return [
        (name, value) for name in ModelCard.model_fields if isinstance(value := getattr(card, name), Fact)
    ]


def sources_of(card: ModelCard) -> list[tuple[str, str]]:
    """List what a card cites: the name of each fact and the id of its source."""
    named = [(name, fact.source) for name, fact in facts(card)]
    named += [
        (name, said.source) for name in ("maintained", "documentation") if (said := getattr(card, name))
    ]
    if card.licence.source is not None:
        named.append(("licence", card.licence.source))
    return [*named, *card.cited.items()]


def _tasks(draft: Draft) -> Iterator[str]:
    for task in draft.knowledge.tasks:
        for mark in task.benchmarks:
            if mark.low == mark.high:
                yield f"{draft.place(task)}: {task.id}: benchmark {mark.id}: low equals high"


def _cards(draft: Draft) -> Iterator[str]:
    knowledge = draft.knowledge
    tasks = {task.id for task in knowledge.tasks}
    sources = {source.id for source in knowledge.sources}
    models = {card.id: card for card in knowledge.models}
    for card in knowledge.models:
        at = f"{draft.place(card)}: {card.id}"
        for task in card.tasks:
            if task not in tasks:
                yield f"{at}: unknown task {task!r}. {nearest(task, tasks)}"
        for name, source in sources_of(card):
            if source not in sources:
                yield f"{at}: {name}: unknown source {source!r}. {nearest(source, sources)}"
        for name, fact in facts(card):
            if fact.unit not in UNITS[name]:
                yield f"{at}: {name}: unknown unit {fact.unit!r}. Allowed: {', '.join(UNITS[name])}"
            if not math.isfinite(fact.value) or fact.value < 0:
                yield f"{at}: {name}: impossible value {fact.value}"
        if (card.kind == "api") != (card.licence.klass == "service"):
            yield f"{at}: kind api and licence class service belong together"
        newer = models.get(card.superseded_by) if card.superseded_by else None
        if card.superseded_by and newer is None:
            yield (
                f"{at}: superseded_by: unknown model {card.superseded_by!r}. {nearest(card.superseded_by, models)}"
            )
        if newer and newer.released and card.released and newer.released < card.released:
            yield f"{at}: superseded_by {newer.id!r}, which is older"


def _results(draft: Draft) -> Iterator[str]:
    knowledge = draft.knowledge
    sources = {source.id for source in knowledge.sources}
    models = {card.id for card in knowledge.models}
    marks: dict[tuple[str, str], Benchmark] = {
        (mark.id, mark.metric): mark for task in knowledge.tasks for mark in task.benchmarks
    }
    datasets = {name for one in knowledge.datasets for name in one.names}
    seen: dict[tuple[str, str, str, str | None], str] = {}
    for result in knowledge.results:
        at = draft.place(result)
        if result.model not in models:
            yield f"{at}: unknown model {result.model!r}. {nearest(result.model, models)}"
        if result.source not in sources:
            yield f"{at}: unknown source {result.source!r}. {nearest(result.source, sources)}"
        if (result.benchmark, result.metric) not in marks and result.benchmark not in datasets:
            yield (
                f"{at}: no task has the benchmark {result.benchmark!r} with {result.metric!r}, and datasets.yaml"
                f" has no such data set. {nearest(result.benchmark, [*datasets, *(id for id, _ in marks)])}"
            )
        if not math.isfinite(result.value):
            yield f"{at}: impossible value {result.value}"
        elif result.metric in SHARES and not 0 <= result.value <= 1:
            yield f"{at}: {result.metric} is a share, so {result.value} must be 0–1"
        key = (result.model, result.benchmark, result.metric, result.protocol)
        if key in seen:
            yield f"{at}: the same result stands already at {seen[key]}"
        seen.setdefault(key, at)


def _latencies(draft: Draft) -> Iterator[str]:
    knowledge = draft.knowledge
    sources = {source.id for source in knowledge.sources}
    known = {
        "model": {card.id for card in knowledge.models},
        "device": {device.id for device in knowledge.devices},
    }
    for latency in knowledge.latencies:
        at = draft.place(latency)
        for noun, value in (("model", latency.model), ("device", latency.device)):
            if value not in known[noun]:
                yield f"{at}: unknown {noun} {value!r}. {nearest(value, known[noun])}"
        if latency.source not in sources:
            yield f"{at}: unknown source {latency.source!r}. {nearest(latency.source, sources)}"


def _others(draft: Draft) -> Iterator[str]:
    knowledge = draft.knowledge
    sources = {source.id for source in knowledge.sources}
    models = {card.id for card in knowledge.models}
    for device in knowledge.devices:
        for source in (device.source, device.price_source):
            if source is not None and source not in sources:
                yield f"{draft.place(device)}: {device.id}: unknown source {source!r}. {nearest(source, sources)}"
    tasks = {task.id for task in knowledge.tasks}
    given = {one.id for one in knowledge.coefficients}
    for name in sorted(given.symmetric_difference(COEFFICIENTS)) if given else ():
        what = "unknown" if name in given else "missing"
        yield f"prior.yaml:1: {name}: {what}. Allowed, and all needed: {', '.join(COEFFICIENTS)}"
    named: dict[str, str] = {}
    for one in knowledge.datasets:
        for name in one.names:
            if named.setdefault(name, one.id) != one.id:
                yield f"{draft.place(one)}: {one.id}: the name {name!r} stands already with {named[name]!r}"
        if one.source is not None and one.source not in sources:
            yield f"{draft.place(one)}: {one.id}: unknown source {one.source!r}. {nearest(one.source, sources)}"
        for task in one.tasks:
            if task not in tasks:
                yield f"{draft.place(one)}: {one.id}: unknown task {task!r}. {nearest(task, tasks)}"
    for starter in knowledge.starters:
        if starter.model not in models:
            yield f"{draft.place(starter)}: {starter.model}: unknown model. {nearest(starter.model, models)}"
