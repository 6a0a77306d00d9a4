"""How well a model should do, judged by published results before the user's data speak.

Two kinds of results are read. Yardsticks (`tasks.yaml`) are put on one scale with each other. Results after transfer to
named data sets (`datasets.yaml`) predict the user's data set from those that are like it (see `advisor.transfer`).
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from advisor.brief import Brief
from advisor.columns import columns_for
from advisor.equating import Reading, Readings, Yardstick, equate, read, readings, spread, trusted
from advisor.knowledge import Benchmark, Knowledge, ModelCard, Task
from advisor.quantity import Basis, Quantity
from advisor.transferred import Standing, standings
from advisor.workload import amount

__all__ = ["Prior", "expected_quality", "prior_for", "standing"]

Z90 = 1.645
OWN_SD = 0.05
FEW_SD = 0.03
DOMAIN_SD = 0.07
LANGUAGE_SD = 0.12
INHERITED_SD = 0.10
INHERITED_DISCOUNT = 0.05
SHRINKAGE = 0.3
"""Trust that the usual quality at a model's size has against yardsticks that too few models share."""
ORDERLY = ("tabular", "time-series")
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Judgement:
    value: float
    sd: float
    basis: Basis
    source: str


@dataclass(frozen=True)
class Prior:
    """The yardsticks of a task on one scale with each other, and its tables of transfer results, for one brief.

    :ivar trust: weight of each yardstick: earlier in the task's list is more, another language or domain is less.
    :ivar equate: (intercept, slope) that turn a yardstick's reading into the reference's.
    :ivar linked: the yardsticks on the reference's scale; those that too few models share stand apart.
    :ivar family: how far, in the median, a family's models lie above others of their size, the spread of that, and
        their median quality, which holds for a member of unknown size.
    :ivar slope: (intercept, slope, residual sd) of quality over log10(parameters); None with too few points.
    :ivar middle: median quality of all models with results; None if there are none.
    :ivar lowest: the least of them.
    :ivar classical: median quality of the methods without pretraining; None if there are none.
    :ivar own: (value, sd) by yardsticks of each of the task's models that has results on them.
    :ivar transfer: what transfer results say of the models that have any.
    """

    task: Task
    brief: Brief
    knowledge: Knowledge
    marks: dict[Yardstick, Benchmark]
    trust: dict[Yardstick, float]
    foreign: frozenset[Yardstick]
    equate: dict[Yardstick, tuple[float, float]]
    linked: frozenset[Yardstick]
    family: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    slope: tuple[float, float, float] | None = None
    middle: float | None = None
    lowest: float | None = None
    classical: float | None = None
    own: dict[str, tuple[float, float]] = field(default_factory=dict)
    transfer: dict[str, Standing] = field(default_factory=dict)

    def quality(self, card: ModelCard) -> Quantity:
        """Give a model's expected quality between the task's poor (0) and excellent (1) published values."""
        there = self.transfer.get(card.id)
        if there is not None:
            return _quality(_Judgement(there.value, there.sd, "published", there.says))
        own = read(card, self.knowledge, self.marks)
        judged = self._own(own, amount(card.parameters)) if own else self._inherited(card)
        if judged is None:
            return Quantity.unknown("quality", "no model of this task has published results")
        if card.id in self.own:
            value, sd = self.own[card.id]
            judged = replace(judged, value=value, sd=sd)
        return _quality(judged)

    def qualities(self, cards: Sequence[ModelCard]) -> tuple[Floats, Flags]:
        """Give the expected quality of many models at once, and which of them have published results.

        :param cards: the models.
        :return: per model the value of `quality`, NaN where it is unknown, and whether its basis is published.
        """
        values = np.full(len(cards), math.nan)
        published = np.zeros(len(cards), dtype=bool)
        for place, card in enumerate(cards):
            there = self.transfer.get(card.id)
            if there is not None:
                values[place], published[place] = there.value, True
            elif card.id in self.own:
                values[place], published[place] = self.own[card.id][0], True
            else:
                own = read(card, self.knowledge, self.marks)
                judged = self._own(own, amount(card.parameters)) if own else self._inherited(card)
                if judged is not None:
                    values[place], published[place] = judged.value, bool(own)
        return np.clip(values, 0.0, 1.0), published

    def _all(self, table: Floats, parameters: Floats) -> tuple[Floats, Floats]:
        """Judge all models with results at once, as `_own` does one: values and their standard deviations.

        :param table: (models, yardsticks) readings; NaN where there is none.
        :param parameters: of the models; NaN is unknown.
        """
        lines = np.array([self.equate[mark] for mark in self.marks]).reshape(-1, 2)
        there = np.isfinite(table)
        values = np.where(there, lines[:, 0] + lines[:, 1] * table, 0.0)
        trust = there * np.array([self.trust[mark] for mark in self.marks])
        total, count = trust.sum(axis=1), there.sum(axis=1)
        value = (trust * values).sum(axis=1) / total
        at_home = trust[:, [mark not in self.foreign for mark in self.marks]].sum(axis=1) / total
        middle = values.sum(axis=1) / count
        around = (there * (values - middle[:, None]) ** 2).sum(axis=1) / count
        variance = OWN_SD**2 + FEW_SD**2 / count + self._far() ** 2 + (LANGUAGE_SD * (1 - at_home)) ** 2
        variance += np.where(count > 1, around / count, 0.0)
        pull = SHRINKAGE * trust[:, [self._apart(mark) for mark in self.marks]].sum(axis=1) / total
        usual = np.full(len(table), math.nan if self.middle is None else self.middle)
        if self.slope is not None:
            sized = np.isfinite(parameters)
            usual[sized] = self.slope[0] + self.slope[1] * np.log10(parameters[sized])
        away = np.where(np.isfinite(usual), usual - value, 0.0)
        share = pull / (total + pull)
        found: Floats = value + share * away
        return found, np.sqrt(variance + (share * away) ** 2)

    def _own(self, own: Mapping[Yardstick, Reading], parameters: float | None) -> _Judgement:
        total = math.fsum(self.trust[mark] for mark in own)
        values = {mark: self._read(mark, raw) for mark, (raw, _) in own.items()}
        value = math.fsum(self.trust[mark] * values[mark] for mark in own) / total
        variance = OWN_SD**2 + FEW_SD**2 / len(own) + self._far() ** 2
        at_home = math.fsum(self.trust[mark] for mark in own if mark not in self.foreign) / total
        variance += (LANGUAGE_SD * (1 - at_home)) ** 2
        if len(own) > 1:
            variance += spread([values[mark] for mark in sorted(values)]) ** 2 / len(own)
        best = max(own, key=lambda mark: (self.trust[mark], mark))
        says = f"{self.marks[best].name}, {own[best][1]}"
        says += f" and {len(own) - 1} more" if len(own) > 1 else ""
        says += "" if at_home > 0.5 else "; measured in another language or domain than yours"
        apart = math.fsum(self.trust[mark] for mark in own if self._apart(mark)) / total
        usual = self._usual(parameters)
        if apart > 0 and usual is not None:
            pull = SHRINKAGE * apart
            variance += (pull / (total + pull) * (value - usual[0])) ** 2
            value = (total * value + pull * usual[0]) / (total + pull)
            foreign = at_home <= 0.5
            why = "that says little of yours" if foreign else "few models share this yardstick"
            says += f"; drawn towards models of its size, as {why}"
        return _Judgement(value, math.sqrt(variance), "published", says)

    def _apart(self, mark: Yardstick) -> bool:
        return mark in self.foreign or mark not in self.linked

    def _usual(self, parameters: float | None) -> tuple[float, float] | None:
        """Say what models of a size usually reach, and how much that varies; None if nobody is known."""
        if self.slope is not None and parameters:
            intercept, slope, residual = self.slope
            return intercept + slope * math.log10(parameters), residual
        return None if self.middle is None else (self.middle, 0.15)

    def _inherited(self, card: ModelCard) -> _Judgement | None:
        parameters = amount(card.parameters)
        usual = self._usual(parameters)
        if usual is None or self.lowest is None:
            return None
        value, residual = usual
        whose = (
            "what models of its size usually reach"
            if self.slope and parameters
            else "the median of all models"
        )
        source = f"no results of its own: {whose}, discounted"
        if card.kind == "classical" and self.task.modality not in ORDERLY:
            value, residual = self.classical if self.classical is not None else self.lowest, INHERITED_SD
            source = "no results of its own: learning without pretraining is placed with its kind, or below the weakest"
        elif card.family in self.family:
            above, residual, level = self.family[card.family]
            value = value + above if parameters else level
            at = "at its size" if parameters else "in the median"
            source = f"no results of its own: what the family {card.family} reaches {at}, discounted"
        sd = math.sqrt(INHERITED_SD**2 + residual**2 + self._far() ** 2)
        return _Judgement(value - INHERITED_DISCOUNT, sd, "estimated", source)

    def _read(self, mark: Yardstick, raw: float) -> float:
        intercept, slope = self.equate[mark]
        return intercept + slope * raw

    def _far(self) -> float:
        return 0.0 if self.brief.data.domain in (None, "general") else DOMAIN_SD


def prior_for(task: Task, knowledge: Knowledge, brief: Brief) -> Prior:
    """Put a task's yardsticks on one scale and predict the brief's data set from its transfer results.

    The reference is the most trusted yardstick; each other one is equated to it linearly (means and spreads
    made equal) over the models that have both, if there are at least five.

    :param task: the task.
    :param knowledge: published results; every card of the task counts.
    :param brief: what the data are like, their languages and domain.
    :return: the prior, ready to judge cards.
    """
    transferred = {name for one in knowledge.datasets if task.id in one.tasks for name in one.names}
    marks = {(mark.id, mark.metric): mark for mark in task.benchmarks if mark.id not in transferred}
    trust, foreign = trusted(tuple(marks.values()), brief)
    columns = columns_for(knowledge, task.id)
    cards = columns.cards
    asked = ("readings", *((mark.id, mark.metric, mark.low, mark.high) for mark in marks.values()))
    there: Readings = columns.remembered(asked, lambda: readings(cards, knowledge, marks))
    models, table = there
    lines = equate(table, trust)
    linked = frozenset(mark for mark, line in lines.items() if line is not None)
    onto = {mark: line or (0.0, 1.0) for mark, line in lines.items()}
    bare = Prior(task, brief, knowledge, marks, trust, foreign, onto, linked)
    by_id = {card.id: card for card in cards}
    sizes = np.array([amount(by_id[model].parameters) or math.nan for model in models], dtype=np.float64)
    alone = bare._all(table, np.full(len(models), math.nan))[0] if models else np.empty(0)
    apart = np.clip(alone, 0.0, 1.0)
    on_scale = np.isfinite(table[:, [mark in linked for mark in marks]]).any(axis=1) & np.isfinite(sizes)
    points = list(zip(np.log10(sizes[on_scale]).tolist(), apart[on_scale].tolist(), strict=True))
    bare = replace(bare, slope=_line(points), middle=_median(apart.tolist()))
    values, doubts = bare._all(table, sizes) if models else (np.empty(0), np.empty(0))
    own = dict(zip(models, zip(values.tolist(), doubts.tolist(), strict=True), strict=True))
    found = standings(
        cards, task, knowledge, brief, dict(zip(models, np.clip(values, 0.0, 1.0).tolist(), strict=True))
    )
    if not own:
        placed = [one.value for one in found.values()]
        return replace(bare, transfer=found, middle=_median(placed), lowest=min(placed, default=None))
    families: dict[str, list[tuple[float, float]]] = {}
    classical: list[float] = []
    for model, value, size in zip(models, apart.tolist(), sizes.tolist(), strict=True):
        usual = bare._usual(None if math.isnan(size) else size)
        if usual is not None:
            families.setdefault(by_id[model].family, []).append((value - usual[0], value))
        if by_id[model].kind == "classical":
            classical.append(value)
    return replace(
        bare,
        family={
            name: (
                statistics.median(above for above, _ in members),
                spread([above for above, _ in members]) if len(members) > 2 else INHERITED_SD,
                statistics.median(level for _, level in members),
            )
            for name, members in families.items()
        },
        lowest=float(apart.min()),
        classical=_median(classical),
        own=own,
        transfer=found,
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
    wide = max(spread(values) if values else 0.0, 0.02)
    found: dict[str, tuple[float, float]] = {}
    for model, quality in judged.items():
        if quality.value is None or quality.low is None or quality.high is None:
            found[model] = (0.0, 1.5)
        else:
            sd = max(quality.high - quality.low, 0.02) / (2 * Z90)
            found[model] = ((quality.value - centre) / wide, sd / wide)
    return found


def _quality(judged: _Judgement) -> Quantity:
    value, sd = judged.value, judged.sd
    clipped = min(max(value, 0.0), 1.0)
    return Quantity(
        value=clipped,
        low=min(max(value - Z90 * sd, 0.0), clipped),
        high=max(min(value + Z90 * sd, 1.0), clipped),
        unit="quality",
        basis=judged.basis,
        source=judged.source,
    )


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Fit quality over log10(parameters); None with fewer than 8 points or no spread in size."""
    if len(points) < 8:
        return None
    sizes, values = [size for size, _ in points], [value for _, value in points]
    if max(sizes) - min(sizes) < 0.3:
        return None
    fit = statistics.linear_regression(sizes, values)
    residuals = [value - fit.intercept - fit.slope * size for size, value in points]
    return fit.intercept, fit.slope, spread(residuals)
