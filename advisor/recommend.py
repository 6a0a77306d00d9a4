"""Brief and knowledge to a reasoned shortlist."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from advisor.adapt import LIGHTEST_FIRST, adapt, adaptation_minutes, plan, planned_alike
from advisor.brief import Brief
from advisor.columns import Columns, Flags, Floats, Rows, Texts, columns_for
from advisor.costs import monthly_cost
from advisor.counterfactual import near_miss
from advisor.errors import InputError
from advisor.estimate import estimate
from advisor.hardware import THIS_MACHINE, device, home
from advisor.knowledge import Device, Knowledge, ModelCard, Task, load_knowledge
from advisor.limits import (
    Missed,
    admitting_devices,
    close_calls,
    failed_by,
    least_far,
    missed_limits,
    nearest,
    said,
)
from advisor.measured import Measured, read_measured
from advisor.needs import Needs, needs_on, training_minutes
from advisor.prior import Prior, prior_for
from advisor.ranking import rank
from advisor.recommendation import Adaptation, Candidate, Dropped, Estimates, NearMiss, Recommendation
from advisor.rules import Loadable, excluded, excluded_alike
from advisor.score import Judged, scored
from advisor.sentences import notes, reasons

__all__ = ["recommend"]


def recommend(
    brief: Brief,
    knowledge: Knowledge | None = None,
    *,
    models: Sequence[str] | None = None,
    limit: int = 10,
    loadable: Loadable | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> Recommendation:
    """Recommend models for a brief.

    All models are judged at once, as arrays; words, intervals and settings are made for those that are shown.

    :param brief: the need.
    :param knowledge: the knowledge base; the shipped one if None.
    :param models: consider only these; all of the task if None.
    :param limit: length of the shortlist.
    :param loadable: whether a model's weights are on this machine, asked for an offline brief; the starter
        models are taken to be if None.
    :param measured: figures of earlier probes; what this machine keeps of them if None.
    :return: shortlist, near misses and dropped models; the shortlist is empty if nothing qualifies.
    :raises InputError: if the task, a model or a device is unknown; names the nearest.
    """
    known = load_knowledge() if knowledge is None else knowledge
    if limit < 0:
        raise InputError(f"The limit is {limit}", "0 or more")
    with _uncollected():
        return _advise(_Judge(brief, known, models, loadable, measured), brief, limit)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Make many small objects, none of which refers back, without the collector walking over all cards meanwhile."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _advise(judge: "_Judge", brief: Brief, limit: int) -> Recommendation:
    columns, dropped = judge.columns, judge.excluded()
    rows = np.flatnonzero(dropped == "")
    needs, minutes = judge.needs(rows), judge.minutes(rows)
    missed = missed_limits(columns, rows, brief, judge.device, needs, minutes)
    failing = np.zeros(len(rows), dtype=bool)
    for one in missed:
        failing |= one.flags
    near = judge.near_misses(rows, minutes, missed)
    named = [columns.row_of(miss.model) for miss in near]
    far = np.flatnonzero(failing & ~np.isin(rows, np.array(named, dtype=np.intp)))
    dropped[rows[far]] = said(missed, far)
    least = least_far(missed, far)
    told = {} if least is None else {int(rows[least]): failed_by(missed, least)}
    keeps = ~failing
    pool = rows[keeps]
    quality, published = judge.quality(pool)
    order, floors = rank(
        columns, pool, quality, needs.only(keeps), minutes[keeps], brief, judge.task.modality
    )
    shown = [
        scored(judge.judged(columns.cards[row]), floors, brief, judge.task.modality) for row in order[:limit]
    ]
    return Recommendation(
        brief=brief,
        considered=len(columns),
        shortlist=tuple(
            Candidate(
                model=one.judged.card.id,
                rank=place,
                score=one.score,
                parts=one.parts,
                quality=one.judged.quality,
                estimates=one.judged.estimates,
                adaptation=one.judged.adaptation,
                because=reasons(one, brief, judge.device),
            )
            for place, one in enumerate(shown, 1)
        ),
        beyond_limit=tuple(columns.ids[order[limit:]]),
        near_misses=tuple(near),
        dropped=tuple(
            Dropped(model=columns.ids[row], because=dropped[row], failed=told.get(row, ()))
            for row in np.flatnonzero(dropped != "").tolist()
        ),
        notes=notes(
            brief, judge.task, judge.device, len(columns), len(pool),
            timed=not bool(np.isnan(needs.latency_ms[keeps]).all()), published=bool(published.any()),
        ),
    )  # fmt: skip


class _Judge:
    """What holds for every model of one brief: the task, the devices, the prior."""

    def __init__(
        self,
        brief: Brief,
        knowledge: Knowledge,
        models: Sequence[str] | None,
        loadable: Loadable | None,
        measured: Mapping[str, Measured] | None,
    ) -> None:
        self.brief = brief
        self.knowledge = knowledge
        self.task: Task = knowledge.task(brief.task)
        self.device: Device = device(brief.constraints.device, knowledge)
        self.train_device: Device = device(brief.constraints.train_device, knowledge)
        self.columns: Columns = columns_for(knowledge, brief.task, models)
        self.prior: Prior = self.columns.remembered(
            ("prior", brief.task, brief.data.model_dump_json()),
            lambda: prior_for(self.task, knowledge, brief),
        )
        starters = {starter.model for starter in knowledge.starters}
        self.loadable: Loadable = loadable or (lambda card: card.id in starters)
        self.measured = read_measured(home()) if measured is None else measured
        if self.device.id != THIS_MACHINE:
            self.measured = {}
        others = [other for other in knowledge.devices if other.id != self.device.id]
        self.others = sorted(others, key=_price)

    def excluded(self) -> Texts:
        """Say for each card why it is out of the question; empty if it is not."""
        kinds = self.columns.kinds("excluded", excluded_alike)

        def because(here: bool) -> Texts:
            said = [excluded(card, self.brief, lambda _: here) for card in kinds.examples]
            return np.array(said, dtype=object)[kinds.codes]

        found = because(True)
        if self.brief.constraints.offline:
            away = because(False)
            for row in np.flatnonzero(found != away).tolist():
                found[row] = found[row] if self.loadable(self.columns.cards[row]) else away[row]
        return found

    def needs(self, rows: Rows) -> Needs:
        """Estimate what cards need on the brief's device."""
        return needs_on(self.device, self.columns, rows, self.brief, self.knowledge, self.task, self.measured)

    def minutes(self, rows: Rows) -> Floats:
        """Estimate the training time of each card by the strategy that it would be given."""
        kinds = self.columns.kinds("planned", planned_alike)
        codes, limit = kinds.codes[rows], self.brief.constraints.train_minutes
        found = np.full(len(rows), np.nan)
        ladders = [plan(card, self.brief)[0] for card in kinds.examples]
        waiting = np.ones(len(rows), dtype=bool)
        for step in reversed(LIGHTEST_FIRST):
            offers = np.array([step in ladder for ladder in ladders], dtype=bool)[codes]
            asked = np.flatnonzero(waiting & offers)
            if not len(asked):
                continue
            takes = training_minutes(
                step, self.train_device, self.columns, rows[asked], self.brief, self.knowledge, self.task
            )
            found[asked] = takes
            waiting[asked] = False if limit is None else takes > limit
        return found

    def near_misses(self, rows: Rows, minutes: Floats, missed: Sequence[Missed]) -> list[NearMiss]:
        """Make the near misses, the closest first."""
        calls, ratio = close_calls(missed, len(rows))
        places = np.flatnonzero(calls)

        def misses_on(other: Device, some: Rows) -> list[Missed]:
            there = needs_on(other, self.columns, rows[some], self.brief, self.knowledge, self.task)
            return missed_limits(self.columns, rows[some], self.brief, other, there, minutes[some])

        elsewhere = admitting_devices(missed, places, self.others, misses_on)
        found = (
            near_miss(self.columns.cards[rows[place]], failed_by(missed, place), elsewhere.get(place))
            for place in nearest(missed, places, ratio, elsewhere)
        )
        return [miss for miss in found if miss]

    def quality(self, rows: Rows) -> tuple[Floats, Flags]:
        """Give the expected quality of cards, and which of them have published results."""
        asked = ("quality", self.brief.task, self.brief.data.model_dump_json())
        values, published = self.columns.remembered(asked, lambda: self.prior.qualities(self.columns.cards))
        return values[rows], published[rows]

    def judged(self, card: ModelCard) -> Judged:
        """Say all that is expected of a model that is shown."""
        data = self.brief.data
        here = estimate(
            card, self.device, self.knowledge, tokens=data.tokens, task=self.task.id, measured=self.measured
        )
        adaptation: Adaptation = adapt(
            card, self.brief, self.train_device, self.task.modality,
            latency_ms=here.latency_ms.value, size_mb=here.size_mb.value,
        )  # fmt: skip
        estimates = Estimates(
            latency_ms=here.latency_ms,
            throughput_per_s=here.throughput_per_s,
            memory_mb=here.memory_mb,
            size_mb=here.size_mb,
            train_minutes=adaptation_minutes(
                card, self.brief, self.train_device, self.task.modality, adaptation.strategy
            ),
            monthly_cost_usd=monthly_cost(card, self.device, self.brief, here.latency_ms.value),
        )
        return Judged(card, self.prior.quality(card), estimates, adaptation)


def _price(other: Device) -> tuple[bool, float, str]:
    return other.usd_per_hour is None, other.usd_per_hour or 0.0, other.id
