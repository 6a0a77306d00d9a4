"""The hard limits over many models at once: who misses what, by how much, and on which device nobody would."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from advisor.brief import Brief
from advisor.columns import Columns, Flags, Floats, Rows
from advisor.counterfactual import CLOSE, MOST_MISSES, REACHABLE
from advisor.knowledge import Device
from advisor.needs import Needs
from advisor.recommendation import Failed
from advisor.rules import AT_LEAST, DEVICE_BOUND, NAMES, licence_alike, misses_licence

__all__ = [
    "Missed",
    "admitting_devices",
    "close_calls",
    "failed_by",
    "least_far",
    "missed_limits",
    "nearest",
    "said",
]

MOST_NEAR = 2000
"""More near misses than that are told as dropped: nobody reads them."""


@dataclass(frozen=True)
class Missed:
    """One limit over some models.

    :ivar constraint: its name.
    :ivar limit: what is asked.
    :ivar values: each model's own value; NaN is unknown.
    :ivar flags: which models miss it.
    :ivar words: each model's own value where that is no number.
    """

    constraint: str
    limit: float | str
    values: Floats
    flags: Flags
    words: Sequence[str] = ()

    @property
    def ratio(self) -> Floats:
        """By which factor the limit is missed; 1 where it is not, or where nobody can say."""
        if isinstance(self.limit, str):
            return np.ones(len(self.flags))
        known = self.flags & ~np.isnan(self.values)
        own = np.where(known, np.maximum(self.values, 1e-12), self.limit)
        return np.maximum(own / self.limit, self.limit / own)


def missed_limits(
    columns: Columns, rows: Rows, brief: Brief, device: Device, needs: Needs, minutes: Floats
) -> list[Missed]:
    """Hold models that are not excluded against every limit of the brief, as `advisor.rules.check` does for one.

    :param columns: the cards.
    :param rows: which of them.
    :param brief: the limits.
    :param device: where they would run.
    :param needs: what each of them needs there.
    :param minutes: of training.
    :return: the limits that bind, in the order of the rules.
    """
    limits, own = brief.constraints, ~columns.hosted[rows]
    found: list[Missed] = []
    if limits.licence != "any":
        kinds = columns.kinds("licence", licence_alike)
        words = [misses_licence(card, brief) for card in kinds.examples]
        codes = kinds.codes[rows]
        flags = np.array([bool(word) for word in words], dtype=bool)[codes]
        found.append(
            Missed(
                "licence", limits.licence, np.full(len(rows), np.nan), flags, [words[code] for code in codes]
            )
        )
    found += [
        *_most("latency_ms", limits.latency_ms, needs.latency_ms),
        *_least("throughput_per_s", limits.throughput_per_s, needs.throughput_per_s),
        *_most("train_minutes", limits.train_minutes, minutes, own),
        *_most("monthly_cost_usd", limits.monthly_cost_usd, needs.monthly_cost_usd),
        *_holds(columns, rows, brief.data.examples),
        *_most("memory_mb", limits.memory_mb, needs.memory_mb, own),
        *_most("size_mb", limits.size_mb, needs.size_mb, own),
        *_most("device_memory_mb", device.memory_mb, needs.memory_mb, own & ~np.isnan(needs.memory_mb)),
    ]
    return found


def failed_by(missed: Sequence[Missed], place: int) -> tuple[Failed, ...]:
    """List what one model misses."""
    return tuple(
        Failed(constraint=one.constraint, limit=one.limit, value=_value(one, place))
        for one in missed
        if one.flags[place]
    )


def close_calls(missed: Sequence[Missed], count: int) -> tuple[Flags, Floats]:
    """Say which of a count of models miss so little that something might admit them, and by which factor."""
    misses, ratio = np.zeros(count, dtype=np.intp), np.ones(count)
    for one in missed:
        misses += one.flags
        ratio = np.maximum(ratio, one.ratio)
    return (misses > 0) & (misses <= MOST_MISSES) & (ratio <= REACHABLE), ratio


def admitting_devices(
    missed: Sequence[Missed], calls: Rows, devices: Sequence[Device], misses_on: Callable[[Device, Rows], list[Missed]]
) -> dict[int, Device]:  # fmt: skip
    """Find the cheapest device on which a model misses nothing that a device decides, and nothing new.

    :param missed: the limits.
    :param calls: the places of the models that are close calls.
    :param devices: known devices, cheapest first.
    :param misses_on: what the models of some places would miss on another device.
    :return: the device for each place that has one.
    """
    count = len(missed[0].flags) if missed else 0
    waiting = (
        calls[_any([one for one in missed if one.constraint in DEVICE_BOUND], count)[calls]]
        if len(calls)
        else calls
    )
    memory = _any([one for one in missed if one.constraint == "memory_mb"], count)
    found: dict[int, Device] = {}
    for device in devices:
        if not len(waiting):
            break
        there = misses_on(device, waiting)
        barred = _any([one for one in there if one.constraint in DEVICE_BOUND], len(waiting))
        barred = barred | (
            _any([one for one in there if one.constraint == "memory_mb"], len(waiting)) & ~memory[waiting]
        )
        found.update(dict.fromkeys(waiting[~barred].tolist(), device))
        waiting = waiting[barred]
    return found


def nearest(
    missed: Sequence[Missed], calls: Rows, ratio: Floats, elsewhere: Mapping[int, Device]
) -> list[int]:
    """Take the near misses among the close calls, the closest first, and no more than anybody could look at.

    :param missed: the limits.
    :param calls: the places of the models that are close calls.
    :param ratio: by which factor each model misses its worst limit.
    :param elsewhere: the device on which a model of a place would be admitted.
    :return: their places; models that miss by the same factor stand in their own order.
    """
    free = np.ones(len(ratio))
    for one in missed:
        if one.constraint not in DEVICE_BOUND:
            free = np.maximum(free, one.ratio)
    admitted = np.zeros(len(ratio), dtype=bool)
    admitted[list(elsewhere)] = True
    near = (ratio[calls] <= CLOSE) | (admitted[calls] & (free[calls] <= CLOSE))
    places = calls[near]
    found: list[int] = places[np.argsort(ratio[places], kind="stable")][:MOST_NEAR].tolist()
    return found


def least_far(missed: Sequence[Missed], places: Rows) -> int | None:
    """Find the model that comes closest among some: it misses a single limit by a known number and the least factor.

    :param missed: the limits.
    :param places: of the models.
    :return: its place; None where each misses several limits, or something that is no known number.
    """
    if not missed or not len(places):
        return None
    misses, ratio, vague = np.zeros(len(places)), np.ones(len(places)), np.zeros(len(places), dtype=bool)
    for one in missed:
        flags = one.flags[places]
        misses += flags
        ratio = np.maximum(ratio, one.ratio[places])
        vague |= flags & (np.isnan(one.values[places]) | bool(one.words))
    found = np.flatnonzero((misses == 1) & ~vague)
    return int(places[found[ratio[found].argmin()]]) if len(found) else None


def said(missed: Sequence[Missed], places: Rows) -> list[str]:
    """Say for each of some models what it misses, in one sentence."""
    parts: list[list[str]] = [[] for _ in places]
    for one in missed:
        noun, unit = NAMES.get(one.constraint, (one.constraint, ""))
        least = "at least" if one.constraint in AT_LEAST else "at most"
        start, end = f"{noun}: ", f", asked is {one.limit}"
        unknown = f"{noun}: unknown, asked is {least} {one.limit}"
        if not isinstance(one.limit, str):
            end = f" {unit}, asked is {least} {one.limit:.4g}"
        flags, values = one.flags[places].tolist(), one.values[places].tolist()
        for told, flag, value, place in zip(parts, flags, values, places.tolist(), strict=True):
            if flag:
                if one.words:
                    told.append(f"{start}{one.words[place]}{end}")
                else:
                    told.append(f"{start}{value:.4g}{end}" if value == value else unknown)
    return ["; ".join(told) for told in parts]


def _any(missed: Sequence[Missed], count: int) -> Flags:
    flags = np.zeros(count, dtype=bool)
    for one in missed:
        flags |= one.flags
    return flags


def _holds(columns: Columns, rows: Rows, examples: int | None) -> list[Missed]:
    """Hold the number of examples against the longest table that each model learns from."""
    if not examples:
        return []
    longest = columns.line("rows", lambda card: card.input.rows if card.kind == "weights" else None)[rows]
    return [Missed("rows", float(examples), longest, longest < examples)]


def _value(one: Missed, place: int) -> float | str | None:
    if one.words:
        return one.words[place]
    value = float(one.values[place])
    return None if value != value else value


def _most(name: str, limit: float | None, values: Floats, applies: Flags | None = None) -> list[Missed]:
    if limit is None:
        return []
    flags = ~(values <= limit)
    return [Missed(name, limit, values, flags if applies is None else flags & applies)]


def _least(name: str, limit: float | None, values: Floats) -> list[Missed]:
    return [] if limit is None else [Missed(name, limit, values, ~(values >= limit))]
