"""What would have to change for a model to be admitted."""

from collections.abc import Sequence

from advisor.knowledge import Device, ModelCard
from advisor.recommendation import Failed, NearMiss
from advisor.rules import DEVICE_BOUND, NAMES, loosened

__all__ = ["CLOSE", "MOST_MISSES", "REACHABLE", "near_miss", "ratio"]

CLOSE = 3.0
REACHABLE = 10.0
MOST_MISSES = 2


def near_miss(card: ModelCard, failed: Sequence[Failed], elsewhere: Device | None) -> NearMiss | None:
    """Make a near miss of a model that fails at most two constraints, none of them by far.

    By far is more than a factor 3, or 10 where another known device would do.

    :param card: the model.
    :param failed: the constraints that it misses.
    :param elsewhere: the cheapest known device on which nothing that a device decides is missed, and nothing
        new; None if there is no such device.
    :return: the near miss with what would admit it; None if it is too far off.
    """
    if len(failed) > MOST_MISSES or ratio(failed) > REACHABLE:
        return None
    bound = [miss for miss in failed if miss.constraint in DEVICE_BOUND]
    if not bound:
        elsewhere = None
    if ratio(failed) > CLOSE and (elsewhere is None or ratio([m for m in failed if m not in bound]) > CLOSE):
        return None
    changes = " and ".join(_change(miss, card) for miss in bound)
    if elsewhere is not None:
        changes = f"{changes} or on {_with_article(elsewhere.name)}"
    free = [_change(miss, card) for miss in failed if miss.constraint not in DEVICE_BOUND]
    if free and elsewhere is not None:
        changes = f"({changes})"
    return NearMiss(
        model=card.id, failed=tuple(failed), admitted_if=" and ".join([*filter(None, [changes]), *free])
    )


def ratio(failed: Sequence[Failed]) -> float:
    """Give by which factor the worst numeric limit is missed; 1 where none is numeric or known."""
    worst = 1.0
    for miss in failed:
        if isinstance(miss.limit, int | float) and isinstance(miss.value, int | float):
            limit, value = float(miss.limit), max(float(miss.value), 1e-12)
            worst = max(worst, value / limit, limit / value)
    return worst


def _change(miss: Failed, card: ModelCard) -> str:
    if miss.constraint == "licence":
        if card.licence.klass == "unknown":
            return f"its licence turns out to be {miss.limit}: it is unknown"
        trap = f" ({card.licence.trap})" if card.licence.trap else ""
        return f"the licence need not be {miss.limit}: it is {miss.value}{trap}"
    if miss.constraint == "rows":
        return f"it learns from a sample of {miss.value:g} of your {miss.limit:g} rows"
    noun, unit = NAMES[miss.constraint]
    limit = loosened(miss)
    least = miss.constraint == "throughput_per_s"
    if limit is None:
        return f"{noun}, which is unknown, proves to be {'≥' if least else '≤'} {miss.limit:g} {unit}"
    if miss.constraint == "device_memory_mb":
        return f"{noun} ≥ {limit:g} {unit}"
    return f"{noun} {'≥' if least else '≤'} {limit:g} {unit}"


def _with_article(name: str) -> str:
    plain = name.split(" (")[0]
    vowel = plain[:1] in "AEIO" or plain.startswith(("NVIDIA", "RTX", "M1", "M2", "M3", "M4"))
    return f"{'an' if vowel else 'a'} {plain}"
