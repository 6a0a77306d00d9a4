"""Finding models in the base: words and facets, without a page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from advisor.knowledge import Benchmark, Knowledge, ModelCard
from advisor.languages import covered, english_name, primary

__all__ = ["KINDS", "Facets", "find", "spoken", "yardstick"]

KINDS = {
    "weights": "Pretrained weights",
    "api": "Hosted service",
    "classical": "Classical method",
}
SPOKEN_BY = 8
"""Languages that fewer models read are not offered as a facet."""


@dataclass(frozen=True)
class Facets:
    """What a person asked for; None and empty do not narrow."""

    words: str = ""
    task: str | None = None
    kind: str | None = None
    licence: str | None = None
    language: str | None = None
    largest_mb: float | None = None
    memory_mb: float | None = None
    current: bool = False
    only: frozenset[str] | None = None


def find(knowledge: Knowledge, facets: Facets) -> list[ModelCard]:
    """List the models that fit, in the order of the base; baselines are no models to choose.

    :param knowledge: the base.
    :param facets: what is asked for; where a card does not say, it does not fit.
    """
    words = facets.words.lower().split()
    texts = _texts(knowledge) if words else {}
    return [
        card for card in knowledge.models if card.kind != "baseline" and _fits(card, facets, words, texts)
    ]


def _fits(card: ModelCard, facets: Facets, words: Sequence[str], texts: dict[str, str]) -> bool:
    size = card.size_mb.value if card.size_mb else None
    return (
        all(word in texts[card.id] for word in words)
        and (facets.task is None or facets.task in card.tasks)
        and (facets.kind is None or card.kind == facets.kind)
        and (facets.licence is None or card.licence.klass == facets.licence)
        and (facets.language is None or bool(covered((facets.language,), card.input.languages)))
        and (facets.largest_mb is None or (size is not None and size <= facets.largest_mb))
        and (facets.memory_mb is None or (size is not None and size <= facets.memory_mb))
        and not (facets.current and card.superseded_by)
        and (facets.only is None or card.id in facets.only)
    )


class _Key:
    """Lets a cache tell bases apart by identity."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def __hash__(self) -> int:
        return id(self.knowledge.models)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.knowledge.models is self.knowledge.models


def _texts(knowledge: Knowledge) -> dict[str, str]:
    return _all_texts(_Key(knowledge))


@lru_cache(maxsize=2)
def _all_texts(key: _Key) -> dict[str, str]:
    return {
        card.id: " ".join((card.id, card.name, card.family, card.authors or "")).lower()
        for card in key.knowledge.models
    }


def spoken(knowledge: Knowledge) -> dict[str, str]:
    """Name the languages that several models read, the most common first."""
    return _spoken(_Key(knowledge))


@lru_cache(maxsize=2)
def _spoken(key: _Key) -> dict[str, str]:
    tags = Counter(
        tag for card in key.knowledge.models for tag in {primary(tag) for tag in card.input.languages or ()}
    )
    return {
        tag: english_name(tag) for tag, number in tags.most_common() if number >= SPOKEN_BY and tag != "mul"
    }


def yardstick(
    knowledge: Knowledge, task: str, cards: Sequence[ModelCard]
) -> tuple[Benchmark, dict[str, float]] | None:
    """Choose the benchmark of a task on which most of these models have a result, the more trusted on a tie.

    :param knowledge: the base.
    :param task: the task's id.
    :param cards: the models to compare.
    :return: the benchmark and the best published value by model id; None where there is no result at all.
    """
    best: tuple[Benchmark, dict[str, float]] | None = None
    rows = [row for card in cards for row in knowledge.results_of(card.id)]
    for mark in knowledge.task(task).benchmarks:
        pick = max if mark.high > mark.low else min
        values: dict[str, float] = {}
        for row in rows:
            if (row.benchmark, row.metric) == (mark.id, mark.metric):
                values[row.model] = pick(values.get(row.model, row.value), row.value)
        if values and (best is None or len(values) > len(best[1])):
            best = mark, values
    return best
