"""What the advice consists of: candidates with score parts that add up, near misses, and what was dropped."""

from typing import Literal

from advisor.brief import Brief
from advisor.knowledge import Strategy
from advisor.quantity import Frozen, Quantity

__all__ = [
    "Adaptation",
    "Candidate",
    "Criterion",
    "Dropped",
    "Estimates",
    "Failed",
    "NearMiss",
    "Part",
    "Recommendation",
]

Criterion = Literal["accuracy", "latency", "memory", "training_cost", "cost", "maturity", "explainability"]


class Part(Frozen):
    """One criterion's share of a score: contribution = weight × value, weights sum to 1, values are 0–1."""

    criterion: Criterion
    weight: float
    value: float
    contribution: float
    because: str


class Estimates(Frozen):
    """What a model is expected to need on the brief's device, and to train on its training device."""

    latency_ms: Quantity
    throughput_per_s: Quantity
    memory_mb: Quantity
    size_mb: Quantity
    train_minutes: Quantity
    monthly_cost_usd: Quantity


class Adaptation(Frozen):
    """How to fit a model to the user's data, and why so.

    `learning_rate` is a (low, high) range for the tuned layers; None where nothing is trained by gradient.
    """

    strategy: Strategy
    because: str
    learning_rate: tuple[float, float] | None = None
    epochs: int | None = None
    augmentation: tuple[str, ...] = ()
    class_weights: bool = False
    early_stopping: bool = False
    compression: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


class Candidate(Frozen):
    """A model of the shortlist. `quality` is the expected quality from published results, 0–1."""

    model: str
    rank: int
    score: float
    parts: tuple[Part, ...]
    quality: Quantity
    estimates: Estimates
    adaptation: Adaptation
    because: tuple[str, ...]


class Failed(Frozen):
    """A constraint that a model misses, with the limit and the model's own value; both printable."""

    constraint: str
    limit: float | str
    value: float | str | None


class NearMiss(Frozen):
    """A model that would be admitted if something named changed."""

    model: str
    failed: tuple[Failed, ...]
    admitted_if: str


class Dropped(Frozen):
    """A model that cannot do the job, with the reason.

    `failed` stands where it comes closest of all that miss a single number by too much for a near miss.
    """

    model: str
    because: str
    failed: tuple[Failed, ...] = ()


class Recommendation(Frozen):
    """The advice. Each considered model is in exactly one of the four lists.

    `beyond_limit` holds the ids that qualify but rank below the asked limit, best first.
    """

    brief: Brief
    considered: int
    shortlist: tuple[Candidate, ...]
    beyond_limit: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
