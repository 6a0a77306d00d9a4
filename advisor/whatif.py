"""What if: how ranks move, what each limit costs, and what would have to change for a model to stand first."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any, Protocol

from advisor.brief import Brief, Constraints
from advisor.quantity import Frozen
from advisor.recommendation import Estimates, Failed, Recommendation
from advisor.rules import loosened
from advisor.score import CRITERIA

__all__ = [
    "Advise",
    "Change",
    "LimitCost",
    "Move",
    "Way",
    "Winning",
    "limit_costs",
    "rank_moves",
    "ways_to_win",
]

MOST_STEPS = 5
MOST_WAYS = 3
HALVINGS = 9
BOUNDS = ("latency_ms", "memory_mb", "size_mb", "train_minutes", "monthly_cost_usd")
"""Limits from above whose value every candidate's estimates tell, so that a tighter one can be tried."""
PLACES = ("device", "train_device")
"""Constraints that bind nothing by themselves: other devices are told by the near misses."""
NUMBERS = (*BOUNDS, "throughput_per_s")

Value = float | str | bool | None


class Advise(Protocol):
    """Recommends models for a brief, of all or of some; the length of the shortlist does not matter here."""

    def __call__(self, brief: Brief, models: Sequence[str] | None = None) -> Recommendation:
        """Recommend."""


class Change(Frozen):
    """One answer changed. `key` is dotted as in `constraints.latency_ms`; None is no limit."""

    key: str
    before: Value
    after: Value


class Way(Frozen):
    """Changes that together put a model first. `effort` orders ways: 1 is a priority moved from end to end."""

    changes: tuple[Change, ...]
    effort: float


class Winning(Frozen):
    """How a model could stand first.

    `rank` is where it stands now, None where it does not qualify; `admitted` what must change for it to qualify at
    all, and `rank_admitted` where it would stand then. `ways` lists the smallest changes first, each including
    `admitted`. `barred` says why nothing of this kind helps: the model cannot do the job whatever the limits are.
    """

    model: str
    rank: int | None
    admitted: tuple[Change, ...] = ()
    rank_admitted: int | None = None
    ways: tuple[Way, ...] = ()
    barred: str = ""


class LimitCost(Frozen):
    """What one limit costs: the models that qualify without it, best first, and what would stand first then."""

    key: str
    limit: Value
    drops: tuple[str, ...]
    first: str | None
    first_without: str | None


class Move(Frozen):
    """Where a model stood and stands; None where it does not qualify."""

    model: str
    before: int | None
    after: int | None


def rank_moves(before: Recommendation, after: Recommendation, most: int = 10) -> tuple[Move, ...]:
    """Say how the models at the top of two recommendations moved.

    :param before: the advice before a change.
    :param after: the advice after it.
    :param most: so many places of either are followed.
    :return: one move per model, in the order of the advice after; those that fell out come last.
    """
    was, now = _places(before), _places(after)
    followed = [model for model, place in now.items() if place <= most]
    followed += [model for model, place in was.items() if place <= most and model not in followed]
    moves = [Move(model=model, before=was.get(model), after=now.get(model)) for model in followed]
    return tuple(sorted(moves, key=lambda move: (move.after or math.inf, move.before or math.inf)))


def limit_costs(brief: Brief, advise: Advise) -> tuple[LimitCost, ...]:
    """Say for each limit of a brief what it costs: one limit is taken away at a time.

    :param brief: the need.
    :param advise: recommends for a brief.
    :return: one cost per limit that is set, the one that drops most models first.
    """
    now = _order(advise(brief))
    kept = set(now)
    found = []
    for name, limit in _limits(brief):
        without = _order(advise(_with(brief, f"constraints.{name}", _default(name))))
        drops = tuple(model for model in without if model not in kept)
        found.append(
            LimitCost(
                key=f"constraints.{name}",
                limit=limit,
                drops=drops,
                first=now[0] if now else None,
                first_without=without[0] if without else None,
            )
        )
    return tuple(sorted(found, key=lambda cost: -len(cost.drops)))


def ways_to_win(model: str, brief: Brief, advise: Advise) -> Winning:
    """Find the smallest changes of one priority or one limit after which a model stands first; of two priorities
    where none of one will do.

    Where the model misses limits, these are loosened first, just as far as needed. Priorities move in whole steps;
    a limit is tightened no further than needed to drop the models ahead. Each way is confirmed by new advice.

    :param model: its id.
    :param brief: the need.
    :param advise: recommends for a brief.
    :return: where it stands, and up to three ways to the top.
    """
    rank = _places(advise(brief)).get(model)
    if rank == 1:
        return Winning(model=model, rank=1)
    admitted: tuple[Change, ...] = ()
    estimates = None
    free = _without_limits(brief)
    alone = advise(free, models=[model])
    if not alone.shortlist and not alone.beyond_limit:
        near = [miss.admitted_if for miss in alone.near_misses]
        return Winning(model=model, rank=rank, barred=next(iter([*near, *_dropped(alone)]), ""))
    if alone.shortlist:
        estimates = alone.shortlist[0].estimates
    if rank is None:
        admitted = tuple(_admission(model, brief, free, estimates, advise))
    base = _changed(brief, admitted)
    reached = _places(advise(base)).get(model)
    told = Winning(model=model, rank=rank, admitted=admitted, rank_admitted=reached)
    if reached == 1:
        return told.model_copy(update={"ways": (_way(admitted),)})
    if reached is None:
        return told
    single = [*_priorities(model, base, advise), *_tightened(model, base, estimates, advise)]
    further = [(change,) for change in single] or _pairs(model, base, advise)
    ways = sorted((_way((*admitted, *changes)) for changes in further), key=lambda way: way.effort)
    return told.model_copy(update={"ways": tuple(ways[:MOST_WAYS])})


def _order(found: Recommendation) -> list[str]:
    return [*(candidate.model for candidate in found.shortlist), *found.beyond_limit]


def _places(found: Recommendation) -> dict[str, int]:
    return {model: place for place, model in enumerate(_order(found), 1)}


def _dropped(found: Recommendation) -> list[str]:
    return [drop.because for drop in found.dropped]


def _default(name: str) -> Any:
    return Constraints.model_fields[name].default


def _limits(brief: Brief) -> Iterator[tuple[str, Value]]:
    """Go through the constraints that are set."""
    for name in Constraints.model_fields:
        value = getattr(brief.constraints, name)
        if name not in (*PLACES, "requests_per_month") and value != _default(name):
            yield name, value


def _with(brief: Brief, key: str, value: Value) -> Brief:
    section, _, name = key.partition(".")
    part = getattr(brief, section).model_copy(update={name: value})
    return brief.model_copy(update={section: part})


def _changed(brief: Brief, changes: Sequence[Change]) -> Brief:
    for change in changes:
        brief = _with(brief, change.key, change.after)
    return brief


def _without_limits(brief: Brief) -> Brief:
    return brief.model_copy(
        update={
            "constraints": brief.constraints.model_copy(
                update={name: _default(name) for name, _ in _limits(brief)}
            )
        }
    )


def _admission(
    model: str, brief: Brief, free: Brief, estimates: Estimates | None, advise: Advise
) -> Iterator[Change]:
    """Loosen each limit that the model misses, the others left away."""
    for name, limit in _limits(brief):
        key = f"constraints.{name}"
        found = advise(_with(free, key, limit), models=[model])
        if not _order(found):
            values = [
                miss.value for near in found.near_misses for miss in near.failed if miss.constraint == name
            ]
            own = values[0] if values else getattr(getattr(estimates, name, None), "value", None)
            after = _nearest(model, free, name, limit, own, advise)
            yield Change(key=key, before=limit, after=after)


def _nearest(model: str, free: Brief, name: str, limit: Value, own: Any, advise: Advise) -> Value:
    """Give the nearest value of a limit that admits the model; no limit where nobody knows its own value."""
    if name in NUMBERS:
        after = loosened(Failed(constraint=name, limit=float(limit or 0), value=own)) if own else None
        if after is not None and _order(advise(_with(free, f"constraints.{name}", after), models=[model])):
            return after
    if limit == "permissive":
        halfway = _with(free, "constraints.licence", "commercial")
        if _order(advise(halfway, models=[model])):
            return "commercial"
    default: Value = _default(name)
    return default


def _priorities(model: str, brief: Brief, advise: Advise) -> list[Change]:
    """Move each priority alone, step by step; those that need the fewest steps."""
    for step in range(1, MOST_STEPS + 1):
        found = []
        for name in CRITERIA:
            before = float(getattr(brief.priorities, name))
            for after in (before + step, before - step):
                key = f"priorities.{name}"
                if 0 <= after <= MOST_STEPS and _first(_with(brief, key, after), advise) == model:
                    found.append(Change(key=key, before=before, after=after))
        if found:
            return found
    return []


def _pairs(model: str, brief: Brief, advise: Advise) -> list[tuple[Change, ...]]:
    """Move two priorities to their ends, and back again as far as the model stays first."""
    found = []
    for one, other in combinations(CRITERIA, 2):
        for ends in product((MOST_STEPS, 0), repeat=2):
            pair: dict[str, float] = {one: float(ends[0]), other: float(ends[1])}
            if _first(_prioritised(brief, pair), advise) == model:
                found.append(_eased(model, brief, pair, advise))
    return found


def _eased(model: str, brief: Brief, pair: dict[str, float], advise: Advise) -> tuple[Change, ...]:
    for name in pair:
        before = float(getattr(brief.priorities, name))
        while abs(pair[name] - before) > 1:
            nearer = pair | {name: pair[name] + math.copysign(1, before - pair[name])}
            if _first(_prioritised(brief, nearer), advise) != model:
                break
            pair = nearer
    return tuple(
        Change(key=f"priorities.{name}", before=float(getattr(brief.priorities, name)), after=after)
        for name, after in pair.items()
    )


def _prioritised(brief: Brief, values: dict[str, float]) -> Brief:
    return brief.model_copy(update={"priorities": brief.priorities.model_copy(update=values)})


def _tightened(model: str, brief: Brief, estimates: Estimates | None, advise: Advise) -> Iterator[Change]:
    """Tighten each limit alone to the model's own value, then let go as far as it stays first."""
    for name in BOUNDS:
        own = getattr(estimates, name).value if estimates else None
        before = getattr(brief.constraints, name)
        key = f"constraints.{name}"
        if not own or own <= 0:
            continue
        tight = loosened(Failed(constraint=name, limit=own, value=own)) or own
        if (before is not None and tight >= before) or _first(_with(brief, key, tight), advise) != model:
            continue
        low, high = tight, before if before is not None else 1000 * tight
        for _ in range(HALVINGS):
            middle = math.sqrt(low * high)
            low, high = (
                (middle, high) if _first(_with(brief, key, middle), advise) == model else (low, middle)
            )
        rounded = _rounded_down(low)
        kept = rounded > tight and _first(_with(brief, key, rounded), advise) == model
        yield Change(key=key, before=before, after=rounded if kept else tight)


def _first(brief: Brief, advise: Advise) -> str | None:
    return next(iter(_order(advise(brief))), None)


def _rounded_down(value: float) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.floor(value / unit) * unit:.12g}")


def _way(changes: Sequence[Change]) -> Way:
    return Way(changes=tuple(changes), effort=sum(_effort(change) for change in changes))


def _effort(change: Change) -> float:
    """Count a step of a priority like a doubling of a limit: a fifth; a new or dropped limit counts 1."""
    before, after = change.before, change.after
    if isinstance(before, str | bool | None) or isinstance(after, str | bool | None):
        return 1.0
    if change.key.startswith("priorities."):
        return abs(after - before) / MOST_STEPS
    return abs(math.log2(after / before)) / MOST_STEPS
