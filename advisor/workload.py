"""How much work one answer of a model is: operations, bytes of weights, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from advisor.architectures import architecture_class
from advisor.knowledge import Fact, Modality, ModelCard

__all__ = [
    "LARGE",
    "LEAST_ACTIVE",
    "NEW_TOKENS",
    "WRITES_FROM",
    "Shape",
    "Workload",
    "amount",
    "is_classical",
    "is_large",
    "layers_of",
    "modality_of",
    "scale_of",
    "shape_of",
    "size_of",
    "workload",
]

LARGE = 3e8
"""Parameters from which a model is tuned with more care."""
WRITES_FROM = 1e7
"""Active parameters from which a model is taken to write its answer token by token."""
LEAST_ACTIVE = 0.1
"""The share of the active parameters that computes, whatever the embedding is said to hold."""
DEFAULT_TOKENS = 128
NEW_TOKENS = 64
"""Tokens that a generating model writes per answer, unless said otherwise."""

WORDS_OF_ANSWER = 8
"""Tokens of a model that answers questions about pictures and does nothing else: a word or a few."""
GENERATIVE = frozenset({
    "text-generation", "summarisation", "translation", "code-generation", "image-captioning",
    "visual-question-answering",
})  # fmt: skip
DRAWING = frozenset({"text-to-image", "image-generation"})
DRAWING_STEPS = 30
LATENT_POSITIONS = 1024
AUDIO_POSITIONS = 500
SHARED_LAYERS = {"albert-base": 12, "albert-large": 24, "albert-xlarge": 24, "albert-xxlarge": 12}
"""Layers that share one set of weights (Lan et al. 2019, arXiv:1909.11942): each works that often."""

CONV_FLOPS_PER_PARAMETER = 347.0
"""Median FLOPs per parameter at 224 × 224 of 993 checkpoints in timm's result tables (5 % 97, 95 % 590)."""

SCALE = {
    "gflop": 1e9, "gflops": 1e9, "mflop": 1e6, "tflop": 1e12, "gmac": 2e9, "gmacs": 2e9, "mmac": 2e6,
    "macs": 2.0,
    "m": 1e6, "k": 1e3, "b": 1e9, "million": 1e6, "billion": 1e9, "gb": 1e3, "kb": 1e-3,
}  # fmt: skip


@dataclass(frozen=True)
class Workload:
    """The work of one answer.

    :ivar flops: operations of the one pass (2 × multiply-adds); None if unknown.
    :ivar spread: factors (low, high) within which the true FLOPs lie.
    :ivar weight_mb: weights as they lie in memory; None if unknown.
    :ivar step_flops: operations per generated token; 0 where nothing is generated token by token.
    :ivar steps: generated tokens.
    :ivar method: how the FLOPs are known.
    :ivar klass: what kind of network it is (see `advisor.architectures`).
    :ivar activations: numbers that convolutions and matrix products put out in the one pass; None if unknown.
    :ivar parameters: all of them, also those that an answer does not touch; None if unknown.
    """

    flops: float | None
    spread: tuple[float, float]
    weight_mb: float | None
    modality: Modality
    step_flops: float = 0.0
    steps: int = 0
    method: str = ""
    klass: str = "other"
    activations: float | None = None
    parameters: float | None = None


@dataclass(frozen=True)
class Shape:
    """What the work of one answer owes to a model's words, and not to its numbers.

    :ivar klass: what kind of network it is.
    :ivar steps: generated tokens, if the model is large enough to write.
    :ivar per_parameter: operations of the one pass for each active parameter, where no FLOPs are published.
    :ivar spread: factors (low, high) within which the true FLOPs then lie.
    :ivar method: how they are then known.
    """

    klass: str
    steps: int
    per_parameter: float
    spread: tuple[float, float]
    method: str


def amount(fact: Fact | None) -> float | None:
    """Give a fact's value in its base unit: FLOPs, a count, or 10^6 bytes."""
    if fact is None:
        return None
    return fact.value * scale_of(fact.unit)


@cache
def scale_of(unit: str) -> float:
    """Give how many base units a unit is; 1 where it is one, or unknown."""
    return SCALE.get(unit.strip().lower(), 1.0)


def is_classical(card: ModelCard) -> bool:
    """Tell whether a model has no weights that were learnt beforehand."""
    return card.kind in ("classical", "baseline")


def is_large(card: ModelCard) -> bool:
    """Tell whether a model is one of the large ones."""
    return (amount(card.parameters) or 0.0) >= LARGE


def layers_of(id: str) -> int:
    """Say how often each weight of a model works in one pass."""
    return next((layers for name, layers in SHARED_LAYERS.items() if name in id), 1) if "albert" in id else 1


def size_of(card: ModelCard) -> tuple[float, float, float, bool] | None:
    """Give the size of the weight files in MB as (value, low, high, published); None if unknown."""
    size = amount(card.size_mb)
    if size is not None:
        return size, size, size, True
    parameters = amount(card.parameters)
    if parameters is None:
        return None
    value = parameters * (2 if parameters >= 1e9 else 4) / 1e6
    return value, parameters * 2 / 1e6 * 0.98, parameters * 4 / 1e6 * 1.1, False


def modality_of(card: ModelCard, modalities: Mapping[str, Modality], task: str | None = None) -> Modality:
    """Say what goes into a model.

    :param card: the model.
    :param modalities: task id → modality.
    :param task: what it is used for; the card's first task if None or not one of its own.
    """
    return modalities.get(task if task in card.tasks else card.tasks[0], "text")


def workload(card: ModelCard, modality: Modality, tokens: int | None = None) -> Workload:
    """Say how much work one answer is (of many models at once: `advisor.bulk.Works`).

    :param card: the model.
    :param modality: of the task that it is used for.
    :param tokens: length of a typical text; 128 if None.
    :return: the work; `flops` is None when neither FLOPs nor parameters are known.
    """
    parameters, flops = amount(card.parameters), amount(card.flops)
    weight_mb = _weights_in_memory(card, parameters)
    if is_classical(card):
        return Workload(
            1e6, (0.1, 10.0), weight_mb or 1.0, modality, method="a classical method: about 1 MFLOP"
        )
    shape = shape_of(card, modality, tokens)
    active = amount(card.active_parameters) or parameters
    if active is not None:
        active = max(active - (amount(card.embedding_parameters) or 0.0), active * LEAST_ACTIVE)
        active *= layers_of(card.id)
    elif flops is None:
        return Workload(None, (1.0, 1.0), weight_mb, modality, klass=shape.klass)
    spread, method = (1.0, 1.0), "published FLOPs"
    if flops is None and active is not None:
        flops, spread, method = shape.per_parameter * active, shape.spread, shape.method
    steps = shape.steps if active and active > WRITES_FROM else 0
    return Workload(
        flops, spread, weight_mb, modality, 2 * active if steps and active else 0.0, steps, method, shape.klass,
        amount(card.activations), parameters,
    )  # fmt: skip


def shape_of(card: ModelCard, modality: Modality, tokens: int | None = None) -> Shape:
    """Say what a model's words tell of the work of one answer.

    Where no FLOPs are published: 2 × active non-embedding parameters × positions for transformers over
    sequences (Kaplan et al. 2020, arXiv:2001.08361), and the median FLOPs per parameter of ImageNet models,
    with the square of the resolution, for pictures.

    :param card: the model; its id tells the kind of network where it names no architecture.
    :param modality: of the task that it is used for.
    :param tokens: length of a typical text; 128 if None.
    """
    klass = architecture_class(card.architecture or card.id.rpartition("/")[2], card.family, modality)
    if (card.architecture or "").startswith("static"):
        klass = "lookup"
    steps = NEW_TOKENS if GENERATIVE.intersection(card.tasks) else 0
    if "text-classification" in card.tasks or "sentence-embedding" in card.tasks:
        steps = 0
    if steps and set(card.tasks) == {"visual-question-answering"}:
        steps = WORDS_OF_ANSWER
    if DRAWING.intersection(card.tasks):
        each, spread = 2.0 * LATENT_POSITIONS * DRAWING_STEPS, (0.05, 4.0)
        method = f"FLOPs ≈ 2 × parameters × {LATENT_POSITIONS} positions × {DRAWING_STEPS} steps"
    elif modality == "text":
        length = min(tokens or DEFAULT_TOKENS, card.input.tokens or 10**9)
        each, spread = 2.0 * length, (0.8, 1.3)
        method = f"FLOPs ≈ 2 × non-embedding parameters × {length} tokens"
    elif modality == "audio":
        each, spread = 2.0 * AUDIO_POSITIONS, (0.3, 3.0)
        method = f"FLOPs ≈ 2 × parameters × {AUDIO_POSITIONS} positions (10 s)"
    elif modality in ("tabular", "time-series"):
        each, spread = 2.0 * 64, (0.1, 10.0)
        method = "FLOPs ≈ 2 × parameters × 64 positions"
    else:
        side = card.input.resolution or 224
        each, spread = CONV_FLOPS_PER_PARAMETER * (side / 224) ** 2, (0.28, 1.7)
        method = f"FLOPs ≈ 347 × parameters at 224 pixels, scaled to {side}"
    return Shape(klass, steps, each, spread, method)


def _weights_in_memory(card: ModelCard, parameters: float | None) -> float | None:
    """Weights load as float32 below 10^9 parameters (half is slow on a CPU), else as distributed."""
    size = amount(card.size_mb)
    if parameters is None:
        return size
    return parameters * 4 / 1e6 if parameters < 1e9 else (size or parameters * 2 / 1e6)
