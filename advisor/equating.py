"""Reading a task's yardsticks and putting them on the scale of the most trusted one."""

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

import numpy as np

from advisor.brief import Brief
from advisor.columns import Columns, Floats, Rows
from advisor.knowledge import Benchmark, Knowledge
from advisor.languages import ANY, primary

__all__ = [
    "Lines",
    "Reading",
    "Readings",
    "Results",
    "Yardstick",
    "equate",
    "read",
    "readings",
    "results_of_all",
    "spread",
    "trusted",
]

TRUST_DECAY = 0.7
FOREIGN_WEIGHT = 0.15
SPANNING_WEIGHT = 0.6
ENOUGH_SHARED = 5
Yardstick = tuple[str, str]
Reading = tuple[float, str]
Readings = tuple[Rows, Floats]
"""Rows of the cards that have any result on the yardsticks, and (rows, yardsticks) their readings; NaN where none."""
Results = dict[tuple[str, str, str], tuple[list[int], list[float]]]
"""Per benchmark or data set, metric and source: the rows of the cards that have a result, ascending, and its values."""
Lines = dict[Yardstick, tuple[float, float] | None]


def read(row: int, results: Results, marks: Mapping[Yardstick, Benchmark]) -> dict[Yardstick, Reading]:
    """Read one card's own results on the task's yardsticks as quality (not clipped), with their sources."""
    found: dict[Yardstick, list[Reading]] = {}
    for (benchmark, metric, source), (rows, values) in results.items():
        mark = marks.get((benchmark, metric))
        if mark is not None:
            for value in values[bisect_left(rows, row) : bisect_right(rows, row)]:
                reading = (value - mark.low) / (mark.high - mark.low), source
                found.setdefault((benchmark, metric), []).append(reading)
    return {mark: several[0] if len(several) == 1 else _median(several) for mark, several in found.items()}


def _median(several: Sequence[Reading]) -> Reading:
    return statistics.median(value for value, _ in several), min(source for _, source in several)


def trusted(marks: Sequence[Benchmark], brief: Brief) -> tuple[dict[Yardstick, float], frozenset[Yardstick]]:
    """Weigh a task's yardsticks: earlier in its list is more, another language or domain than the data's is less.

    :return: the weight of each, and those in another language or domain.
    """
    wanted = {primary(tag) for tag in brief.data.languages or ("en",)}
    trust: dict[Yardstick, float] = {}
    foreign: set[Yardstick] = set()
    place = 0
    for mark in marks:
        key = (mark.id, mark.metric)
        speaks = mark.language and primary(mark.language)
        elsewhere = mark.domain is not None and mark.domain != brief.data.domain
        if not elsewhere and (speaks is None or speaks in wanted):
            trust[key] = TRUST_DECAY**place
            place += 1
        elif not elsewhere and speaks == ANY:
            trust[key] = SPANNING_WEIGHT * TRUST_DECAY**place
        else:
            trust[key] = FOREIGN_WEIGHT * TRUST_DECAY ** len(foreign)
            foreign.add(key)
    return trust, frozenset(foreign)


def readings(columns: Columns, knowledge: Knowledge, marks: Mapping[Yardstick, Benchmark]) -> Readings:
    """Read the results of all cards, in their order and that of the yardsticks."""
    table = np.full((len(columns), len(marks)), np.nan)
    results = results_of_all(columns, knowledge)
    for place, mark in enumerate(marks.values()):
        own = [pair for name, pair in results.items() if name[:2] == (mark.id, mark.metric)]
        rows = np.array([row for pair in own for row in pair[0]], dtype=np.intp)
        values = np.array([value for pair in own for value in pair[1]], dtype=np.float64)
        order = np.lexsort((values, rows))
        there, first, count = np.unique(rows[order], return_index=True, return_counts=True)
        low, high = (values[order][first + half] for half in ((count - 1) // 2, count // 2))
        table[there, place] = ((low + high) / 2 - mark.low) / (mark.high - mark.low)
    rows = np.flatnonzero(np.isfinite(table).any(axis=1))
    return rows, table[rows]


def results_of_all(columns: Columns, knowledge: Knowledge) -> Results:
    """Give the published results of all cards, in their order."""

    def collect() -> Results:
        found: Results = {}
        for row, id in enumerate(columns.ids):
            for one in knowledge.results_of(id):
                rows, values = found.setdefault((one.benchmark, one.metric, one.source), ([], []))
                rows.append(row)
                values.append(one.value)
        return found

    there: Results = columns.remembered("results", collect)
    return there


def equate(table: Floats, trust: Mapping[Yardstick, float]) -> Lines:
    """Equate each yardstick to the reference linearly (Kolen and Brennan 2014, "Test Equating").

    :param table: (models, yardsticks) readings; NaN where there is none.
    :param trust: weights, in the order of the columns; the largest makes the reference.
    :return: (intercept, slope) of each; None where too few models share it.
    """
    lines: Lines = dict.fromkeys(trust)
    if not trust:
        return lines
    reference = max(trust, key=lambda mark: (trust[mark], mark))
    lines[reference] = (0.0, 1.0)
    anchor = table[:, list(trust).index(reference)]
    for mark, column in zip(trust, table.T, strict=True):
        both = np.isfinite(column) & np.isfinite(anchor)
        if mark == reference or both.sum() < ENOUGH_SHARED:
            continue
        here, there = column[both], anchor[both]
        wide = float(here.std())
        slope = min(max(float(there.std()) / wide, 0.3), 3.0) if wide > 0 else 1.0
        lines[mark] = float(there.mean()) - slope * float(here.mean()), slope
    return lines


def spread(values: Sequence[float]) -> float:
    """Give the population standard deviation, whatever the order of the values."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
