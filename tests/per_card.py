"""The advice by its definition, one card after another: what the arrays of `advisor.recommend` must agree with."""

import math
from collections.abc import Sequence

from advisor.adapt import adapt, adaptation_minutes
from advisor.brief import Brief
from advisor.costs import monthly_cost
from advisor.counterfactual import near_miss, ratio
from advisor.estimate import estimate
from advisor.hardware import device
from advisor.knowledge import Device, Knowledge, Modality, ModelCard
from advisor.limits import Missed, said
from advisor.prior import prior_for
from advisor.recommendation import Criterion, Estimates, Failed, NearMiss
from advisor.rules import DEVICE_BOUND, check, excluded, misses
from advisor.score import CRITERIA, Judged, Scored, scored

__all__ = ["advise", "quartiles", "score"]

HALF = dict.fromkeys(CRITERIA, 0.5)


def quartiles(pool: Sequence[Judged], brief: Brief, modality: Modality) -> dict[Criterion, float]:
    """The lower quartile of each criterion's known values; 0.5 if none is known."""
    found: dict[Criterion, float] = {}
    rows = [scored(one, HALF, brief, modality).values for one in pool]
    for place, name in enumerate(CRITERIA):
        known = sorted(row[place][2] for row in rows if "counted as the lower quartile" not in row[place][3])
        found[name] = known[(len(known) - 1) // 4] if known else 0.5
    return found


def score(pool: Sequence[Judged], brief: Brief, modality: Modality) -> list[Scored]:
    """Score a pool, best first."""
    floors = quartiles(pool, brief, modality)
    all_ = [scored(one, floors, brief, modality) for one in pool]
    return sorted(all_, key=lambda one: (-round(one.score, 12), one.judged.card.id))


def advise(
    brief: Brief, knowledge: Knowledge
) -> tuple[list[tuple[str, float]], list[NearMiss], dict[str, str]]:
    """The ranking with its scores, the near misses and the dropped with their reasons."""
    task = knowledge.task(brief.task)
    here, training = (
        device(one, knowledge) for one in (brief.constraints.device, brief.constraints.train_device)
    )
    prior = prior_for(task, knowledge, brief)
    others = [one for one in knowledge.devices if one.id != here.id]
    others.sort(key=lambda one: (one.usd_per_hour is None, one.usd_per_hour or 0.0, one.id))

    def needs(card: ModelCard, on: Device) -> tuple[Estimates, Judged]:
        there = estimate(card, on, knowledge, tokens=brief.data.tokens, task=task.id)
        adaptation = adapt(card, brief, training, task.modality)
        minutes = adaptation_minutes(card, brief, training, task.modality, adaptation.strategy)
        estimates = Estimates(
            **dict(there), train_minutes=minutes,
            monthly_cost_usd=monthly_cost(card, on, brief, there.latency_ms.value),
        )  # fmt: skip
        return estimates, Judged(card, prior.quality(card), estimates, adaptation)

    def elsewhere(card: ModelCard, failed: Sequence[Failed]) -> Device | None:
        kept = {miss.constraint for miss in failed} - DEVICE_BOUND
        return next(
            (on for on in others if {one.constraint for one in misses(card, brief, on, needs(card, on)[0])} <= kept),
            None,
        )  # fmt: skip

    pool: list[Judged] = []
    near: list[tuple[float, NearMiss]] = []
    dropped: dict[str, str] = {}
    for card in sorted(knowledge.for_task(brief.task), key=lambda card: card.id):
        because = excluded(card, brief, lambda card: knowledge.starter(card.id) is not None)
        if because:
            dropped[card.id] = because
            continue
        estimates, judged = needs(card, here)
        failed = check(card, brief, here, estimates)
        if not failed:
            pool.append(judged)
        elif miss := near_miss(card, failed, elsewhere(card, failed)):
            near.append((ratio(failed), miss))
        else:
            dropped[card.id] = "; ".join(_said(one) for one in failed)
    ranking = [(one.judged.card.id, one.score) for one in score(pool, brief, task.modality)]
    near.sort(key=lambda pair: (pair[0], pair[1].model))
    return ranking, [miss for _, miss in near], dropped


def _said(failed: Failed) -> str:
    """What one miss reads like in the reasons for dropping a model."""
    import numpy as np

    number = failed.value if isinstance(failed.value, float) else math.nan
    words = [failed.value] if isinstance(failed.value, str) else []
    one = Missed(failed.constraint, failed.limit, np.array([number]), np.array([True]), words)
    return said([one], np.array([0]))[0]
