"""Where no model meets a need: which one comes closest, and what it misses."""

from collections.abc import Iterator
from dataclasses import dataclass

from advisor.counterfactual import ratio
from advisor.labels import model_labels
from advisor.recommendation import Failed, Recommendation
from advisor.rules import AT_LEAST, NAMES

__all__ = ["Closest", "closest", "closest_words"]


@dataclass(frozen=True)
class Closest:
    """A model that does not qualify.

    :ivar misses: each requirement that it misses, in words.
    """

    model: str
    misses: tuple[str, ...]


def closest(found: Recommendation) -> Closest | None:
    """Find the model that misses least: the fewest requirements, rather a number than an unknown, by the least factor.

    :param found: advice whose shortlist is empty.
    :return: a near miss by numbers, else one that was dropped for a single number, else a near miss by something
        unknown; None if there is no such model.
    """
    near = min(
        found.near_misses,
        key=lambda miss: (len(miss.failed), _vague(miss.failed), ratio(miss.failed)),
        default=None,
    )
    if near is None or _vague(near.failed):
        far = min(_far(found), default=None)
        if far:
            return Closest(far[1], (far[2],))
    return Closest(near.model, tuple(map(_worded, near.failed))) if near else None


def closest_words(found: Recommendation) -> str:
    """Say which model comes closest and what it misses; empty where none does."""
    near = closest(found)
    if near is None:
        return ""
    name = model_labels([near.model], 60)[near.model]
    misses = "; ".join(near.misses)
    if len(near.misses) == 1:
        return f"The closest is {name}, which misses a single requirement: {misses}."
    return f"The closest is {name}, which misses {len(near.misses)} requirements: {misses}."


def _vague(failed: tuple[Failed, ...]) -> int:
    return sum(not isinstance(miss.value, int | float) for miss in failed)


def _worded(miss: Failed) -> str:
    noun, unit = NAMES.get(miss.constraint, (miss.constraint, ""))
    if isinstance(miss.limit, str):
        return f"{noun}: {miss.value}, asked is {miss.limit}"
    end = f", asked is {'at least' if miss.constraint in AT_LEAST else 'at most'} {miss.limit:.4g}"
    return (
        f"{noun}: {miss.value:.4g} {unit}{end}"
        if isinstance(miss.value, int | float)
        else f"{noun}: unknown{end}"
    )


def _far(found: Recommendation) -> Iterator[tuple[float, str, str]]:
    for dropped in found.dropped:
        if len(dropped.failed) == 1:
            yield ratio(dropped.failed), dropped.model, _worded(dropped.failed[0])
