"""How well a model should do, judged by published results before the user's data speak.

Two kinds of results are read. Yardsticks (`tasks.yaml`) are put on one scale with each other. Results after transfer to
named data sets (`datasets.yaml`) predict the user's data set from those that are like it (see `advisor.transfer`).
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from advisor.brief import Brief
from advisor.columns import Columns, Flags, Floats, Kinds, Rows, columns_for
from advisor.equating import (
    Reading,
    Readings,
    Results,
    Yardstick,
    equate,
    read,
    readings,
    results_of_all,
    spread,
    trusted,
)
from advisor.knowledge import Benchmark, Knowledge, ModelCard, Task
from advisor.quantity import Basis, Quantity
from advisor.transferred import Standing, standings
from advisor.workload import amount

__all__ = ["Prior", "prior_for", "standing"]

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
    :ivar columns: the task's cards.
    :ivar results: their published results.
    :ivar values: quality by yardsticks of each of these cards; NaN where it has no results on them.
    :ivar doubts: the standard deviations of these.
    :ivar transfer: what transfer results say of the models that have any.
    """

    task: Task
    brief: Brief
    columns: Columns
    results: Results
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
    values: Floats = field(default_factory=lambda: np.empty(0))
    doubts: Floats = field(default_factory=lambda: np.empty(0))
    transfer: dict[str, Standing] = field(default_factory=dict)

    def quality(self, card: ModelCard) -> Quantity:
        """Give a model's expected quality between the task's poor (0) and excellent (1) published values.

        :return: `published`, of exactly this model; or `estimated` with a wide interval from its family or size; or
            `unknown`.
        """
        there = self.transfer.get(card.id)
        if there is not None:
            return _quality(_Judgement(there.value, there.sd, "published", there.says))
        row = self.columns.row_of(card.id)
        own = {} if row is None else read(row, self.results, self.marks)
        judged = self._own(own, amount(card.parameters)) if own else self._inherited(card)
        if judged is None:
            return Quantity.unknown("quality", "no model of this task has published results")
        if own:
            judged = replace(judged, value=float(self.values[row]), sd=float(self.doubts[row]))
        return _quality(judged)

    def qualities(self, cards: Sequence[ModelCard]) -> tuple[Floats, Flags]:
        """Give the expected quality of many models at once, and which of them have published results.

        :param cards: the models.
        :return: per model the value of `quality`, NaN where it is unknown, and whether its basis is published.
        """
        everyone, measured = self._everyone()
        if cards is self.columns.cards:
            return everyone, measured
        values, published = np.full(len(cards), math.nan), np.zeros(len(cards), dtype=bool)
        for place, card in enumerate(cards):
            row = self.columns.row_of(card.id)
            if row is not None:
                values[place], published[place] = everyone[row], measured[row]
            else:
                quality = self.quality(card)
                values[place] = math.nan if quality.value is None else quality.value
                published[place] = quality.basis == "published"
        return values, published

    def _everyone(self) -> tuple[Floats, Flags]:
        """Give the expected quality of all of the task's cards, and which of them have published results."""
        values, published = self._without(self.columns), np.isfinite(self.values)
        values[published] = self.values[published]
        for model, there in self.transfer.items():
            row = self.columns.row_of(model)
            values[row], published[row] = there.value, True
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
        usual = self._usual_of(parameters)
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

    def _usual_of(self, parameters: Floats) -> Floats:
        """Say what models of each size usually reach, as `_usual` does for one; NaN is unknown."""
        usual = np.full(len(parameters), math.nan if self.middle is None else self.middle)
        if self.slope is not None:
            sized = parameters > 0
            usual[sized] = self.slope[0] + self.slope[1] * np.log10(parameters[sized])
        return usual

    def _without(self, columns: Columns) -> Floats:
        """Judge all cards as if they had no results, as `_inherited` does for one; NaN is unknown."""
        if self.lowest is None:
            return np.full(len(columns), math.nan)
        parameters, families = columns.amounts("parameters"), columns.kinds("family", _family)
        value = self._usual_of(parameters)
        unknown = math.nan, math.nan, math.nan
        above = families.each(lambda card: self.family.get(card.family, unknown)[0])
        level = families.each(lambda card: self.family.get(card.family, unknown)[2])
        of_family = np.where(parameters > 0, value + above, level)
        value = np.where(np.isnan(above), value, of_family)
        if self.task.modality not in ORDERLY:
            unlearnt = columns.line("unlearnt", _unlearnt) > 0
            value[unlearnt] = self.lowest if self.classical is None else self.classical
        return value - INHERITED_DISCOUNT

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
    asked = ("readings", *((mark.id, mark.metric, mark.low, mark.high) for mark in marks.values()))
    there: Readings = columns.remembered(asked, lambda: readings(columns, knowledge, marks))
    rows, table = there
    lines = equate(table, trust)
    linked = frozenset(mark for mark, line in lines.items() if line is not None)
    onto = {mark: line or (0.0, 1.0) for mark, line in lines.items()}
    bare = Prior(
        task, brief, columns, results_of_all(columns, knowledge), marks, trust, foreign, onto, linked
    )
    values, doubts = np.full((2, len(columns)), math.nan)
    apart, sizes = np.empty(0), columns.amounts("parameters")[rows]
    if len(rows):
        apart = np.clip(bare._all(table, np.full(len(rows), math.nan))[0], 0.0, 1.0)
        sized = np.isfinite(table[:, [mark in linked for mark in marks]]).any(axis=1) & (sizes > 0)
        bare = replace(
            bare, slope=_line(np.log10(sizes[sized]), apart[sized]), middle=float(np.median(apart))
        )
        values[rows], doubts[rows] = bare._all(table, sizes)
    found = standings(columns, task, knowledge, brief, np.clip(values, 0.0, 1.0))
    bare = replace(bare, values=values, doubts=doubts, transfer=found)
    if not len(rows):
        placed = [one.value for one in found.values()]
        return replace(
            bare, middle=statistics.median(placed) if placed else None, lowest=min(placed, default=None)
        )
    unlearnt = apart[columns.line("unlearnt", _unlearnt)[rows] > 0]
    return replace(
        bare,
        family=_families(columns.kinds("family", _family), rows, apart - bare._usual_of(sizes), apart),
        lowest=float(apart.min()),
        classical=float(np.median(unlearnt)) if len(unlearnt) else None,
    )


def _families(
    kinds: Kinds, rows: Rows, above: Floats, level: Floats
) -> dict[str, tuple[float, float, float]]:
    """Say where each family stands by its members with results (see `Prior.family`).

    :param kinds: all cards by family.
    :param rows: of the members.
    :param above: how far each of them lies above others of its size.
    :param level: their qualities.
    """
    order = np.argsort(kinds.codes[rows], kind="stable")
    codes = kinds.codes[rows][order]
    found = {}
    for members in np.split(order, np.flatnonzero(np.diff(codes)) + 1):
        wide = float(above[members].std()) if len(members) > 2 else INHERITED_SD
        name = kinds.examples[kinds.codes[rows[members[0]]]].family
        found[name] = float(np.median(above[members])), wide, float(np.median(level[members]))
    return found


def _family(card: ModelCard) -> str:
    return card.family


def _unlearnt(card: ModelCard) -> bool:
    return card.kind == "classical"


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


def _line(sizes: Floats, values: Floats) -> tuple[float, float, float] | None:
    """Fit quality over log10(parameters); None with fewer than 8 points or no spread in size."""
    if len(sizes) < 8 or np.ptp(sizes) < 0.3:
        return None
    away = sizes - sizes.mean()
    slope = float(away @ values / (away @ away))
    intercept = float(values.mean()) - slope * float(sizes.mean())
    return intercept, slope, float((values - intercept - slope * sizes).std())
