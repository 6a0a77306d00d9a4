"""Reading a task's yardsticks and putting them on the scale of the most trusted one."""

import math
import statistics
from collections.abc import Mapping, Sequence

from advisor.brief import Brief
from advisor.knowledge import Benchmark, Knowledge, ModelCard, Task
from advisor.languages import ANY, benchmark_language, has_language, primary

__all__ = ["Reading", "Yardstick", "equate", "read", "spread", "trusted"]

TRUST_DECAY = 0.7
FOREIGN_WEIGHT = 0.15
SPANNING_WEIGHT = 0.6
ENOUGH_SHARED = 5
Yardstick = tuple[str, str]
Reading = tuple[float, str]


def read(
    card: ModelCard, knowledge: Knowledge, marks: Mapping[Yardstick, Benchmark]
) -> dict[Yardstick, Reading]:
    """Read a model's own results on the task's yardsticks as quality (not clipped), with their sources."""
    rows = knowledge.results_of(card.id)
    if not rows:
        return {}
    sums: dict[Yardstick, list[Reading]] = {}
    for row in rows:
        mark = marks.get((row.benchmark, row.metric))
        if mark is not None:
            quality = (row.value - mark.low) / (mark.high - mark.low)
            sums.setdefault((row.benchmark, row.metric), []).append((quality, row.source))
    return {
        mark: (statistics.median(value for value, _ in found), min(source for _, source in found))
        for mark, found in sums.items()
    }


def trusted(
    marks: Sequence[Benchmark], task: Task, brief: Brief
) -> tuple[dict[Yardstick, float], frozenset[Yardstick]]:
    """Weigh a task's yardsticks: earlier in its list is more, another language than the data's is less.

    :return: the weight of each, and those in another language.
    """
    wanted = {primary(tag) for tag in brief.data.languages or ("en",)}
    trust: dict[Yardstick, float] = {}
    foreign: set[Yardstick] = set()
    place = 0
    for mark in marks:
        key = (mark.id, mark.metric)
        speaks = benchmark_language(mark.id) if has_language(task.id, task.modality) else None
        if speaks is None or speaks in wanted:
            trust[key] = TRUST_DECAY**place
            place += 1
        elif speaks == ANY:
            trust[key] = SPANNING_WEIGHT * TRUST_DECAY**place
        else:
            trust[key] = FOREIGN_WEIGHT * TRUST_DECAY ** len(foreign)
            foreign.add(key)
    return trust, frozenset(foreign)


def equate(
    table: Mapping[str, Mapping[Yardstick, Reading]], trust: Mapping[Yardstick, float]
) -> dict[Yardstick, tuple[float, float] | None]:
    """Equate each yardstick to the reference linearly (Kolen and Brennan 2014, "Test Equating").

    :param table: model → its readings.
    :param trust: weights; the largest makes the reference.
    :return: (intercept, slope) of each; None where too few models share it.
    """
    lines: dict[Yardstick, tuple[float, float] | None] = dict.fromkeys(trust)
    if not trust:
        return lines
    reference = max(trust, key=lambda mark: (trust[mark], mark))
    lines[reference] = (0.0, 1.0)
    for mark in trust:
        both = [
            (own[mark][0], own[reference][0]) for own in table.values() if mark in own and reference in own
        ]
        if mark == reference or len(both) < ENOUGH_SHARED:
            continue
        here, there = [raw for raw, _ in both], [wanted for _, wanted in both]
        wide = spread(here)
        slope = min(max(spread(there) / wide, 0.3), 3.0) if wide > 0 else 1.0
        lines[mark] = statistics.fmean(there) - slope * statistics.fmean(here), slope
    return lines


def spread(values: Sequence[float]) -> float:
    """Give the population standard deviation, whatever the order of the values."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
