"""Brief and knowledge to a reasoned shortlist."""

from collections.abc import Mapping, Sequence
from functools import partial

from advisor.adapt import adapt, adaptation_minutes
from advisor.brief import Brief
from advisor.costs import monthly_cost
from advisor.counterfactual import near_miss, ratio
from advisor.errors import InputError
from advisor.estimate import estimate
from advisor.hardware import THIS_MACHINE, device, home
from advisor.knowledge import Device, Knowledge, ModelCard, Task, load_knowledge
from advisor.languages import english_name, has_language, primary
from advisor.measured import Measured, read_measured
from advisor.prior import prior_for
from advisor.recommendation import Adaptation, Candidate, Dropped, Estimates, Failed, NearMiss, Recommendation
from advisor.rules import NAMES, Loadable, check, excluded, misses
from advisor.score import Judged, Scored, score

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
    judge = _Judge(brief, known, loadable, measured)
    pool: list[Judged] = []
    missed: list[tuple[float, NearMiss]] = []
    dropped: list[Dropped] = []
    cards = _considered(brief, known, models)
    for card in cards:
        out = excluded(card, brief, judge.loadable)
        if out:
            dropped.append(Dropped(model=card.id, because=out))
            continue
        estimates, adaptation = judge.needs(card)
        failed = check(card, brief, judge.device, estimates)
        if not failed:
            pool.append(Judged(card, judge.prior.quality(card), estimates, adaptation))
            continue
        miss = near_miss(card, failed, judge.others, partial(judge.misses_on, card, estimates))
        if miss:
            missed.append((ratio(failed), miss))
        else:
            dropped.append(Dropped(model=card.id, because=_too_far(failed)))
    ranked = score(pool, brief, judge.task.modality)
    return Recommendation(
        brief=brief,
        considered=len(cards),
        shortlist=tuple(
            _candidate(one, rank, brief, judge.device) for rank, one in enumerate(ranked[:limit], 1)
        ),
        beyond_limit=tuple(one.judged.card.id for one in ranked[limit:]),
        near_misses=tuple(miss for _, miss in sorted(missed, key=lambda pair: (pair[0], pair[1].model))),
        dropped=tuple(sorted(dropped, key=lambda one: one.model)),
        notes=_notes(brief, judge, ranked, len(cards)),
    )


class _Judge:
    """What holds for every model of one brief: the task, the devices, the prior."""

    def __init__(
        self,
        brief: Brief,
        knowledge: Knowledge,
        loadable: Loadable | None,
        measured: Mapping[str, Measured] | None,
    ) -> None:
        self.brief = brief
        self.knowledge = knowledge
        self.task: Task = knowledge.task(brief.task)
        self.device: Device = device(brief.constraints.device, knowledge)
        self.train_device: Device = device(brief.constraints.train_device, knowledge)
        self.prior = prior_for(self.task, knowledge, brief)
        self.loadable: Loadable = loadable or self._starter
        self.measured = read_measured(home()) if measured is None else measured
        if self.device.id != THIS_MACHINE:
            self.measured = {}
        others = [other for other in knowledge.devices if other.id != self.device.id]
        self.others = sorted(others, key=_price)

    def _starter(self, card: ModelCard) -> bool:
        return self.knowledge.starter(card.id) is not None

    def needs(self, card: ModelCard) -> tuple[Estimates, Adaptation]:
        """Estimate what a model needs here, and how to adapt it."""
        data = self.brief.data
        here = estimate(
            card, self.device, self.knowledge, tokens=data.tokens, task=self.task.id, measured=self.measured
        )
        adaptation = adapt(
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
        return estimates, adaptation

    def misses_on(self, card: ModelCard, own: Estimates, other: Device) -> tuple[Failed, ...]:
        """Say what a model would miss on another device."""
        there = estimate(card, other, self.knowledge, tokens=self.brief.data.tokens, task=self.task.id)
        moved = own.model_copy(
            update={
                "latency_ms": there.latency_ms,
                "throughput_per_s": there.throughput_per_s,
                "memory_mb": there.memory_mb,
                "monthly_cost_usd": monthly_cost(card, other, self.brief, there.latency_ms.value),
            }
        )
        return misses(card, self.brief, other, moved)


def _considered(brief: Brief, knowledge: Knowledge, models: Sequence[str] | None) -> list[ModelCard]:
    if models is None:
        return sorted(knowledge.for_task(brief.task), key=lambda card: card.id)
    return [knowledge.model(id) for id in sorted(set(models))]


def _price(other: Device) -> tuple[bool, float, str]:
    return other.usd_per_hour is None, other.usd_per_hour or 0.0, other.id


def _too_far(failed: Sequence[Failed]) -> str:
    said = []
    for miss in failed:
        noun, unit = NAMES.get(miss.constraint, (miss.constraint, ""))
        least = "at least" if miss.constraint == "throughput_per_s" else "at most"
        if isinstance(miss.value, int | float) and isinstance(miss.limit, int | float):
            said.append(f"{noun}: {miss.value:.4g} {unit}, asked is {least} {miss.limit:.4g}")
        elif miss.value is None:
            said.append(f"{noun}: unknown, asked is {least} {miss.limit}")
        else:
            said.append(f"{noun}: {miss.value}, asked is {miss.limit}")
    return "; ".join(said)


def _candidate(one: Scored, rank: int, brief: Brief, on: Device) -> Candidate:
    judged = one.judged
    return Candidate(
        model=judged.card.id,
        rank=rank,
        score=one.score,
        parts=one.parts,
        quality=judged.quality,
        estimates=judged.estimates,
        adaptation=judged.adaptation,
        because=_because(one, brief, on),
    )


def _because(one: Scored, brief: Brief, on: Device) -> tuple[str, ...]:
    judged = one.judged
    said: list[str] = []
    quality = judged.quality
    if quality.value is None:
        said.append("Nobody has published how well it does this; only a test can tell.")
    else:
        grade = next(word for least, word in GRADES if quality.value >= least)
        how = (
            "Published results"
            if quality.basis == "published"
            else "Models like it (it has no results of its own)"
        )
        said.append(
            f"{how} are {grade}: {100 * quality.value:.0f} points between a poor 0 and an excellent 100."
        )
    latency, most = judged.estimates.latency_ms, brief.constraints.latency_ms
    if latency.value is not None:
        against = f", within your {most:g} ms" if most else ""
        said.append(
            f"One answer takes about {_duration(latency.value)} on {on.name}{against} ({latency.basis})."
        )
    if judged.card.good_for:
        said.append(f"Good for: {judged.card.good_for.en}")
    strategy = judged.adaptation
    said.append(f"{STRATEGY_WORDS[strategy.strategy]}: {strategy.because}.")
    if judged.card.licence.trap:
        said.append(f"Mind its licence ({judged.card.licence.id}): {judged.card.licence.trap}")
    if judged.card.superseded_by:
        said.append(f"There is a newer one: {judged.card.superseded_by}.")
    return tuple(said)


def _duration(ms: float) -> str:
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.2g} s" if ms < 100_000 else f"{ms / 60_000:.0f} min"


GRADES = ((0.85, "excellent"), (0.7, "very good"), (0.5, "good"), (0.3, "fair"), (0.0, "modest"))
STRATEGY_WORDS = {
    "zero-shot": "Use it as it is",
    "prompt": "Steer it by good instructions",
    "frozen": "Keep it frozen and train a small classifier on top",
    "head": "Train its last layer",
    "last-block": "Train its last block",
    "lora": "Train small added matrices (LoRA)",
    "full": "Train all of it",
    "from-scratch": "Train it on your data alone",
}


def _notes(brief: Brief, judge: _Judge, ranked: Sequence[Scored], considered: int) -> tuple[str, ...]:
    notes: list[str] = []
    languages = brief.data.languages
    speaks = has_language(judge.task.id, judge.task.modality)
    if speaks and not languages:
        notes.append(
            "The language is open and taken to be English: say it (data.languages), it changes the ranking."
        )
    if speaks and languages and brief.constraints.offline and primary(languages[0]) != "en":
        names = english_name(languages[0])
        notes.append(
            f"The offline starter set is thin for {names}: {len(ranked)} of {considered} models qualify"
            " without a download; with one allowed there are stronger ones."
        )
    if all(getattr(brief.priorities, name) == 0 for name in type(brief.priorities).model_fields):
        notes.append("Every priority is 0: all criteria count the same.")
    if brief.data.examples is None and judge.task.probeable:
        notes.append("The number of examples is open: say it or add data, it decides how much to tune.")
    if ranked and all(one.judged.estimates.latency_ms.value is None for one in ranked):
        notes.append(f"The speed of {judge.device.name} is unknown, so no latency could be estimated.")
    guessed = [one for one in ranked if one.judged.quality.basis != "published"]
    if ranked and len(guessed) == len(ranked):
        notes.append(
            "None of these models has published results for this task: the ranking is weak, probe it."
        )
    return tuple(notes)
