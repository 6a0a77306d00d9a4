"""How well a model should do, judged by published results before the user's data speak."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
SHRINKAGE = 0.3
"""Trust that the usual quality at a model's size has against yardsticks that too few models share."""
ORDERLY = ("tabular", "time-series")
Yardstick = tuple[str, str]


@dataclass(frozen=True)
class Prior:
    """The yardsticks of a task, put on one scale with each other for one brief.

    :ivar trust: weight of each yardstick: earlier in the task's list is more, another language is less.
    :ivar equate: (intercept, slope) that turn a yardstick's reading into the reference's.
    :ivar linked: the yardsticks on the reference's scale; those that too few models share stand apart.
    :ivar family: how far, in the median, a family's models lie above others of their size, and their spread.
    :ivar slope: (intercept, slope, residual sd) of quality over log10(parameters); None with too few points.
    :ivar middle: median quality of all models with results; None if there are none.
    :ivar lowest: the least of them.
    :ivar classical: median quality of the methods without pretraining; None if there are none.
    """

    task: Task
    brief: Brief
    knowledge: Knowledge
    marks: dict[Yardstick, Benchmark]
    trust: dict[Yardstick, float]
    foreign: frozenset[Yardstick]
    equate: dict[Yardstick, tuple[float, float]]
    linked: frozenset[Yardstick]
    family: dict[str, tuple[float, float]] = field(default_factory=dict)
    slope: tuple[float, float, float] | None = None
    middle: float | None = None
    lowest: float | None = None
    classical: float | None = None

    def quality(self, card: ModelCard) -> Quantity:
        """Give a model's expected quality between the task's poor (0) and excellent (1) published values."""
        own = _readings(card, self.knowledge, self.marks)
        if own:
            return self._own(own, amount(card.parameters))
        return self._inherited(card)

    def _own(self, own: Mapping[Yardstick, tuple[float, str]], parameters: float | None) -> Quantity:
        total = math.fsum(self.trust[mark] for mark in own)
        read = {mark: self._read(mark, raw) for mark, (raw, _) in own.items()}
        value = math.fsum(self.trust[mark] * read[mark] for mark in own) / total
        variance = OWN_SD**2 + FEW_SD**2 / len(own) + self._far() ** 2
        at_home = math.fsum(self.trust[mark] for mark in own if mark not in self.foreign) / total
        variance += (LANGUAGE_SD * (1 - at_home)) ** 2
        if len(own) > 1:
            variance += _spread([read[mark] for mark in sorted(read)]) ** 2 / len(own)
        best = max(own, key=lambda mark: (self.trust[mark], mark))
        says = f"{self.marks[best].name}, {own[best][1]}"
        says += f" and {len(own) - 1} more" if len(own) > 1 else ""
        says += "" if at_home > 0.5 else "; measured in another language than yours"
        apart = math.fsum(self.trust[mark] for mark in own if mark not in self.linked) / total
        usual = self._usual(parameters)
        if apart > 0 and usual is not None:
            pull = SHRINKAGE * apart
            variance += (pull / (total + pull) * (value - usual[0])) ** 2
            value = (total * value + pull * usual[0]) / (total + pull)
            says += "; drawn towards models of its size, as few models share this yardstick"
        return _quality(value, math.sqrt(variance), "published", says)

    def _usual(self, parameters: float | None) -> tuple[float, float] | None:
        """Say what models of a size usually reach, and how much that varies; None if nobody is known."""
        if self.slope is not None and parameters:
            intercept, slope, spread = self.slope
            return intercept + slope * math.log10(parameters), spread
        return None if self.middle is None else (self.middle, 0.15)

    def _inherited(self, card: ModelCard) -> Quantity:
        parameters = amount(card.parameters)
        usual = self._usual(parameters)
        if usual is None or self.lowest is None:
            return Quantity.unknown("quality", "no model of this task has published results")
        value, spread = usual
        whose = (
            "what models of its size usually reach"
            if self.slope and parameters
            else "the median of all models"
        )
        source = f"no results of its own: {whose}, discounted"
        if card.kind == "classical" and self.task.modality not in ORDERLY:
            value, spread = self.classical if self.classical is not None else self.lowest, INHERITED_SD
            source = "no results of its own: learning without pretraining is placed with its kind, or below the weakest"
        elif card.family in self.family:
            above, spread = self.family[card.family]
            value += above
            source = f"no results of its own: what the family {card.family} reaches at its size, discounted"
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
    linked = frozenset(mark for mark, line in equate.items() if line is not None)
    lines = {mark: line or (0.0, 1.0) for mark, line in equate.items()}
    bare = Prior(task, brief, knowledge, marks, trust, foreign, lines, linked)
    known: dict[str, float] = {}
    points: list[tuple[float, float]] = []
    for card in cards:
        value = bare._own(table[card.id], None).value if card.id in table else None
        if value is None:
            continue
        known[card.id] = value
        parameters = amount(card.parameters)
        if parameters and linked.intersection(table[card.id]):
            points.append((math.log10(parameters), value))
    if not known:
        return bare
    bare = replace(bare, slope=_line(points), middle=statistics.median(known.values()))
    families: dict[str, list[float]] = {}
    for card in cards:
        usual = bare._usual(amount(card.parameters))
        if card.id in known and usual is not None:
            families.setdefault(card.family, []).append(known[card.id] - usual[0])
    classical = [known[card.id] for card in cards if card.kind == "classical" and card.id in known]
    return replace(
        bare,
        family={
            name: (statistics.median(values), _spread(values) if len(values) > 2 else INHERITED_SD)
            for name, values in families.items()
        },
        lowest=min(known.values()),
        classical=statistics.median(classical) if classical else None,
    )


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
    spread = max(_spread(values) if values else 0.0, 0.02)
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
) -> dict[Yardstick, tuple[float, float] | None]:
    """Equate each yardstick to the reference linearly (Kolen and Brennan 2014, "Test Equating").

    :return: (intercept, slope) of each; None where too few models share it.
    """
    reference = max(trust, key=lambda mark: (trust[mark], mark))
    lines: dict[Yardstick, tuple[float, float] | None] = dict.fromkeys(trust)
    lines[reference] = (0.0, 1.0)
    for mark in trust:
        both = [
            (own[mark][0], own[reference][0]) for own in table.values() if mark in own and reference in own
        ]
        if mark == reference or len(both) < ENOUGH_SHARED:
            continue
        here, there = [raw for raw, _ in both], [wanted for _, wanted in both]
        spread = _spread(here)
        slope = min(max(_spread(there) / spread, 0.3), 3.0) if spread > 0 else 1.0
        lines[mark] = statistics.fmean(there) - slope * statistics.fmean(here), slope
    return lines


def _spread(values: Sequence[float]) -> float:
    """Give the population standard deviation, whatever the order of the values."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Fit quality over log10(parameters); None with fewer than 8 points or no spread in size."""
    if len(points) < 8:
        return None
    sizes, values = [size for size, _ in points], [value for _, value in points]
    if max(sizes) - min(sizes) < 0.3:
        return None
    fit = statistics.linear_regression(sizes, values)
    residuals = [value - fit.intercept - fit.slope * size for size, value in points]
    return fit.intercept, fit.slope, _spread(residuals)
