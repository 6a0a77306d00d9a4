"""How well a model should do, judged by published results before the user's data speak."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from advisor.brief import Brief
from advisor.knowledge import Benchmark, Knowledge, ModelCard, Task
from advisor.languages import ANY, benchmark_language, has_language, primary
from advisor.quantity import Quantity
from advisor.workload import amount

__all__ = ["Prior", "expected_quality", "prior_for", "standing"]

Z90 = 1.645
OWN_SD = 0.05
FEW_SD = 0.03
DOMAIN_SD = 0.07
LANGUAGE_SD = 0.12
INHERITED_SD = 0.10
INHERITED_DISCOUNT = 0.05
TRUST_DECAY = 0.7
FOREIGN_WEIGHT = 0.15
SPANNING_WEIGHT = 0.6
ENOUGH_SHARED = 5
ORDERLY = ("tabular", "time-series")
Yardstick = tuple[str, str]


@dataclass(frozen=True)
class Prior:
    """The yardsticks of a task, put on one scale with each other for one brief.

    :ivar trust: weight of each yardstick: earlier in the task's list is more, another language is less.
    :ivar equate: (intercept, slope) that turn a yardstick's reading into the reference's.
    :ivar family: median quality and spread of each family's models with results of their own.
    :ivar slope: (intercept, slope, residual sd) of quality over log10(parameters); None with too few points.
    :ivar middle: median quality of all models with results; None if there are none.
    :ivar lowest: the least of them.
    """

    task: Task
    brief: Brief
    knowledge: Knowledge
    marks: dict[Yardstick, Benchmark]
    trust: dict[Yardstick, float]
    foreign: frozenset[Yardstick]
    equate: dict[Yardstick, tuple[float, float]]
    family: dict[str, tuple[float, float]] = field(default_factory=dict)
    slope: tuple[float, float, float] | None = None
    middle: float | None = None
    lowest: float | None = None

    def quality(self, card: ModelCard) -> Quantity:
        """Give a model's expected quality between the task's poor (0) and excellent (1) published values."""
        own = _readings(card, self.knowledge, self.marks)
        if own:
            return self._own(own)
        return self._inherited(card)

    def _own(self, own: Mapping[Yardstick, tuple[float, str]]) -> Quantity:
        total = math.fsum(self.trust[mark] for mark in own)
        read = {mark: self._read(mark, raw) for mark, (raw, _) in own.items()}
        value = math.fsum(self.trust[mark] * read[mark] for mark in own) / total
        variance = OWN_SD**2 + FEW_SD**2 / len(own) + self._far() ** 2
        at_home = math.fsum(self.trust[mark] for mark in own if mark not in self.foreign) / total
        variance += (LANGUAGE_SD * (1 - at_home)) ** 2
        if len(own) > 1:
            spread = statistics.pstdev(read[mark] for mark in sorted(read))
            variance += spread**2 / len(own)
        best = max(own, key=lambda mark: (self.trust[mark], mark))
        names = f"{self.marks[best].name}, {own[best][1]}"
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        language = "" if at_home > 0.5 else "; measured in another language than yours"
        return _quality(value, math.sqrt(variance), "published", f"{names}{more}{language}")

    def _inherited(self, card: ModelCard) -> Quantity:
        parameters = amount(card.parameters)
        if card.kind == "classical" and self.lowest is not None and self.task.modality not in ORDERLY:
            value, spread = self.lowest, INHERITED_SD
            source = "no results of its own: learning without pretraining is placed below the weakest published model"
        elif card.family in self.family:
            value, spread = self.family[card.family]
            source = f"no results of its own: the median of the family {card.family}, discounted"
        elif self.slope is not None and parameters:
            intercept, slope, spread = self.slope
            value = intercept + slope * math.log10(parameters)
            source = "no results of its own: what models of its size usually reach, discounted"
        elif self.middle is not None:
            value, spread = self.middle, 0.15
            source = "no results of its own: the median of all models of the task, discounted"
        else:
            return Quantity.unknown("quality", "no model of this task has published results")
        sd = math.sqrt(INHERITED_SD**2 + spread**2 + self._far() ** 2)
        return _quality(value - INHERITED_DISCOUNT, sd, "estimated", source)

    def _read(self, mark: Yardstick, raw: float) -> float:
        intercept, slope = self.equate[mark]
        return intercept + slope * raw

    def _far(self) -> float:
        return 0.0 if self.brief.data.domain in (None, "general") else DOMAIN_SD


def prior_for(task: Task, knowledge: Knowledge, brief: Brief) -> Prior:
    """Put a task's yardsticks on one scale.

    The reference is the most trusted yardstick; each other one is equated to it linearly (means and spreads
    made equal) over the models that have both, if there are at least five.

    :param task: the task.
    :param knowledge: published results; every card of the task counts.
    :param brief: the data's languages and domain.
    :return: the prior, ready to judge cards.
    """
    marks = {(mark.id, mark.metric): mark for mark in task.benchmarks}
    trust, foreign = _trust(task, brief)
    cards = sorted(knowledge.for_task(task.id), key=lambda card: card.id)
    table = {card.id: own for card in cards if (own := _readings(card, knowledge, marks))}
    equate = _equate(table, trust)
    bare = Prior(task, brief, knowledge, marks, trust, foreign, equate)
    known = {id: value for id, own in table.items() if (value := bare._own(own).value) is not None}
    families: dict[str, list[float]] = {}
    points: list[tuple[float, float]] = []
    for card in cards:
        if card.id in known:
            families.setdefault(card.family, []).append(known[card.id])
            if parameters := amount(card.parameters):
                points.append((math.log10(parameters), known[card.id]))
    return Prior(
        task, brief, knowledge, marks, trust, foreign, equate,
        {
            name: (statistics.median(values), statistics.pstdev(values) if len(values) > 2 else INHERITED_SD)
            for name, values in families.items()
        },
        _line(points),
        statistics.median(known.values()) if known else None,
        min(known.values()) if known else None,
    )  # fmt: skip


def expected_quality(card: ModelCard, task: Task, knowledge: Knowledge, brief: Brief) -> Quantity:
    """Give a model's expected quality (unit "quality", 0–1) from published results of exactly this model.

    :return: `published`; or `estimated` with a wide interval from its family or size; or `unknown`.
    """
    return prior_for(task, knowledge, brief).quality(card)


def standing(
    cards: Sequence[ModelCard], task: Task, knowledge: Knowledge, brief: Brief
) -> dict[str, tuple[float, float]]:
    """Standardise the expected qualities of a shortlist.

    :param cards: the models; baselines are left out.
    :return: model → (mean, sd) in units of the spread between these models, centred on 0; a model of unknown
        quality stands at 0 with the sd 1.5.
    """
    prior = prior_for(task, knowledge, brief)
    judged = {card.id: prior.quality(card) for card in cards if card.kind != "baseline"}
    values = [quality.value for quality in judged.values() if quality.value is not None]
    centre = statistics.fmean(values) if values else 0.0
    spread = max(statistics.pstdev(values) if len(values) > 1 else 0.0, 0.02)
    found: dict[str, tuple[float, float]] = {}
    for model, quality in judged.items():
        if quality.value is None or quality.low is None or quality.high is None:
            found[model] = (0.0, 1.5)
        else:
            sd = max(quality.high - quality.low, 0.02) / (2 * Z90)
            found[model] = ((quality.value - centre) / spread, sd / spread)
    return found


def _quality(value: float, sd: float, basis: str, source: str) -> Quantity:
    clipped = min(max(value, 0.0), 1.0)
    return Quantity.model_validate(
        {
            "value": clipped,
            "low": min(max(value - Z90 * sd, 0.0), clipped),
            "high": max(min(value + Z90 * sd, 1.0), clipped),
            "unit": "quality",
            "basis": basis,
            "source": source,
        }
    )


def _readings(
    card: ModelCard, knowledge: Knowledge, marks: Mapping[Yardstick, Benchmark]
) -> dict[Yardstick, tuple[float, str]]:
    """Read a model's own results on the task's yardsticks as quality (not clipped), with their sources."""
    sums: dict[Yardstick, list[tuple[float, str]]] = {}
    for row in knowledge.results_of(card.id):
        mark = marks.get((row.benchmark, row.metric))
        if mark is not None:
            quality = (row.value - mark.low) / (mark.high - mark.low)
            sums.setdefault((row.benchmark, row.metric), []).append((quality, row.source))
    return {
        mark: (statistics.median(value for value, _ in rows), min(source for _, source in rows))
        for mark, rows in sums.items()
    }


def _trust(task: Task, brief: Brief) -> tuple[dict[Yardstick, float], frozenset[Yardstick]]:
    wanted = {primary(tag) for tag in brief.data.languages or ("en",)}
    trust: dict[Yardstick, float] = {}
    foreign: set[Yardstick] = set()
    place = 0
    for mark in task.benchmarks:
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


def _equate(
    table: Mapping[str, Mapping[Yardstick, tuple[float, str]]], trust: Mapping[Yardstick, float]
) -> dict[Yardstick, tuple[float, float]]:
    """Equate each yardstick to the reference linearly (Kolen and Brennan 2014, "Test Equating")."""
    reference = max(trust, key=lambda mark: (trust[mark], mark))
    lines = dict.fromkeys(trust, (0.0, 1.0))
    for mark in trust:
        both = [
            (own[mark][0], own[reference][0]) for own in table.values() if mark in own and reference in own
        ]
        if mark == reference or len(both) < ENOUGH_SHARED:
            continue
        here, there = [raw for raw, _ in both], [wanted for _, wanted in both]
        spread = statistics.pstdev(here)
        slope = min(max(statistics.pstdev(there) / spread, 0.3), 3.0) if spread > 0 else 1.0
        lines[mark] = statistics.fmean(there) - slope * statistics.fmean(here), slope
    return lines


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Fit quality over log10(parameters); None with fewer than 8 points or no spread in size."""
    if len(points) < 8:
        return None
    sizes, values = [size for size, _ in points], [value for _, value in points]
    if max(sizes) - min(sizes) < 0.3:
        return None
    fit = statistics.linear_regression(sizes, values)
    residuals = [value - fit.intercept - fit.slope * size for size, value in points]
    return fit.intercept, fit.slope, statistics.pstdev(residuals)
