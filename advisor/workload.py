"""How much work one answer of a model is: operations, bytes of weights, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.architectures import architecture_class
from advisor.knowledge import Fact, Modality, ModelCard

__all__ = ["NEW_TOKENS", "Workload", "amount", "modality_of", "size_of", "workload"]

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


def amount(fact: Fact | None) -> float | None:
    """Give a fact's value in its base unit: FLOPs, a count, or 10^6 bytes."""
    if fact is None:
        return None
    return fact.value * SCALE.get(fact.unit.strip().lower(), 1.0)


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
    """Say how much work one answer is.

    Where no FLOPs are published: 2 × active non-embedding parameters × positions for transformers over
    sequences (Kaplan et al. 2020, arXiv:2001.08361), and the median FLOPs per parameter of ImageNet models,
    with the square of the resolution, for pictures.

    :param card: the model.
    :param modality: of the task that it is used for.
    :param tokens: length of a typical text; 128 if None.
    :return: the work; `flops` is None when neither FLOPs nor parameters are known.
    """
    parameters = amount(card.parameters)
    weight_mb = _weights_in_memory(card, parameters)
    klass = architecture_class(card.architecture or card.id.rpartition("/")[2], card.family, modality)
    if (card.architecture or "").startswith("static"):
        klass = "lookup"
    activations = amount(card.activations)
    if card.kind in ("classical", "baseline"):
        return Workload(
            1e6, (0.1, 10.0), weight_mb or 1.0, modality, method="a classical method: about 1 MFLOP"
        )
    active = amount(card.active_parameters) or parameters
    if active is not None:
        active = max(active - (amount(card.embedding_parameters) or 0.0), active * 0.1)
        active *= next((layers for name, layers in SHARED_LAYERS.items() if name in card.id), 1)
    length = min(tokens or DEFAULT_TOKENS, card.input.tokens or 10**9)
    steps = NEW_TOKENS if GENERATIVE.intersection(card.tasks) and active and active > 1e7 else 0
    if "text-classification" in card.tasks or "sentence-embedding" in card.tasks:
        steps = 0
    if steps and set(card.tasks) == {"visual-question-answering"}:
        steps = WORDS_OF_ANSWER
    step_flops = 2 * active if steps and active else 0.0
    published = amount(card.flops)
    if published is not None:
        return Workload(
            published, (1.0, 1.0), weight_mb, modality, step_flops, steps, "published FLOPs", klass,
            activations, parameters,
        )  # fmt: skip
    if active is None:
        return Workload(None, (1.0, 1.0), weight_mb, modality, klass=klass)
    if DRAWING.intersection(card.tasks):
        flops, spread = 2 * active * LATENT_POSITIONS * DRAWING_STEPS, (0.05, 4.0)
        method = f"FLOPs ≈ 2 × parameters × {LATENT_POSITIONS} positions × {DRAWING_STEPS} steps"
    elif modality == "text":
        flops, spread = 2 * active * length, (0.8, 1.3)
        method = f"FLOPs ≈ 2 × non-embedding parameters × {length} tokens"
    elif modality == "audio":
        flops, spread = 2 * active * AUDIO_POSITIONS, (0.3, 3.0)
        method = f"FLOPs ≈ 2 × parameters × {AUDIO_POSITIONS} positions (10 s)"
    elif modality in ("tabular", "time-series"):
        flops, spread = 2 * active * 64, (0.1, 10.0)
        method = "FLOPs ≈ 2 × parameters × 64 positions"
    else:
        side = card.input.resolution or 224
        flops, spread = CONV_FLOPS_PER_PARAMETER * active * (side / 224) ** 2, (0.28, 1.7)
        method = f"FLOPs ≈ 347 × parameters at 224 pixels, scaled to {side}"
    return Workload(
        flops, spread, weight_mb, modality, step_flops, steps, method, klass, activations, parameters
    )


def _weights_in_memory(card: ModelCard, parameters: float | None) -> float | None:
    """Weights load as float32 below 10^9 parameters (half is slow on a CPU), else as distributed."""
    size = amount(card.size_mb)
    if parameters is None:
        return size
    return parameters * 4 / 1e6 if parameters < 1e9 else (size or parameters * 2 / 1e6)
