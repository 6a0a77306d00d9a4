"""How much memory a model takes: for loading and one answer, and for being trained."""

import math

from advisor.knowledge import Device, ModelCard, Strategy
from advisor.quantity import Quantity
from advisor.roofline import activations_of
from advisor.workload import NEW_TOKENS, Workload

__all__ = ["BYTES", "cache_mb", "inference_mb", "inference_memory", "training_memory"]

BYTES = {"fp32": 4.0, "fp16": 2.0, "bf16": 2.0, "int8": 1.06, "int4": 0.56}
"""Bytes of one weight, the scales of quantised blocks included."""
CACHE_KB = 113.0
"""Keys and values of one token in half precision for 8 × 10^9 parameters (Llama 3.1 8B: 131, 70B: 328, Qwen2.5 7B:
57 by their published dimensions); it grows about with the root of the parameters."""
PROCESS_MB = {"gpu": 20.0, "cpu": 30.0, "attention": 26.0, "mlp": 26.0, "sequence": 17.0}
HELD = 1.9
LIGHT_HELD = 0.85
LIGHT = ("attention", "mlp", "sequence")
"""Working memory of the runtime, and bytes held at once for each number that is put out on the way; less where a
network consists of matrix products alone. Read off 17 timm networks and 5 text encoders on a CPU."""
SPREAD = 0.1
CLASSICAL_MB = 10.0
STORED = 2.2
"""Numbers kept for the way back for each that a convolution or matrix product puts out (norms, activations)."""
STATES = {
    "full": 4.0, "from-scratch": 4.0, "lora": 1.06, "last-block": 1.3, "head": 1.0, "frozen": 1.0,
    "zero-shot": 1.0, "prompt": 1.0,
}  # fmt: skip
"""Weights, gradients and the optimiser's two averages (Kingma & Ba 2015), for each weight in the model."""
KEPT = {
    "full": 1.0, "from-scratch": 1.0, "lora": 0.8, "last-block": 0.15, "head": 0.0, "frozen": 0.0,
    "zero-shot": 0.0, "prompt": 0.0,
}  # fmt: skip
"""Share of the numbers that must be kept for the way back."""


def cache_mb(parameters: float, tokens: int, batch: int = 1) -> float:
    """Give the size of a decoder's cache of keys and values in half precision.

    :param parameters: active ones.
    :param tokens: of the text and the answer together.
    :param batch: answers at once.
    :return: 10^6 bytes.
    """
    return CACHE_KB * math.sqrt(parameters / 8e9) * tokens * batch / 1e3


def inference_memory(
    card: ModelCard, work: Workload, device: Device, batch: int = 1, tokens: int | None = None,
    precision: str | None = None,
) -> Quantity:  # fmt: skip
    """Estimate the additional memory for loading a model and answering one batch.

    All parameters of a mixture of experts are loaded, although few are active.

    :param card: the model.
    :param work: what one answer needs.
    :param device: where; on a GPU its own memory.
    :param batch: answers at once.
    :param tokens: of a typical text; 128 if None.
    :param precision: of the weights, a key of `BYTES`; as they are usually loaded if None.
    :return: 10^6 bytes.
    """
    if work.weight_mb is None:
        return Quantity.unknown("MB", "neither its parameters nor its size are known")
    if card.kind in ("classical", "baseline"):
        value = work.weight_mb + CLASSICAL_MB
        return Quantity(
            value=value, low=1.0, high=value * 8, unit="MB", basis="estimated", source="a classical method"
        )
    weights, rest = _parts(work, device, batch, tokens, precision)
    value = weights + rest
    return Quantity(
        value=value,
        low=weights * (1 - SPREAD) + rest * 0.4,
        high=max(value * (1 + SPREAD), weights * (1 + SPREAD) + rest * 1.8)
        + (300.0 if device.kind == "gpu" else 0.0),
        unit="MB",
        basis="estimated",
        source=f"weights{f' in {precision}' if precision else ' as loaded'}"
        f"{' + keys and values of the text' if work.steps else ''} + outputs of one batch + working memory of the"
        " runtime; reading a file may take the weights' size once more for a moment",
    )


def inference_mb(
    card: ModelCard, work: Workload, device: Device, batch: int = 1, tokens: int | None = None
) -> float | None:
    """Give the value of `inference_memory` alone."""
    if work.weight_mb is None:
        return None
    if card.kind in ("classical", "baseline"):
        return work.weight_mb + CLASSICAL_MB
    weights, rest = _parts(work, device, batch, tokens, None)
    return weights + rest


def _parts(
    work: Workload, device: Device, batch: int, tokens: int | None, precision: str | None
) -> tuple[float, float]:
    """Give the memory of the weights and that of all else."""
    weights = work.weight_mb or 0.0
    if precision is not None and work.parameters:
        weights = work.parameters * BYTES[precision] / 1e6
    numbers = (activations_of(work) or 0.0) / 1e6
    held = batch * (LIGHT_HELD if work.klass in LIGHT else HELD) * numbers / (1.0 + numbers / 400.0)
    rest = PROCESS_MB["gpu"] if device.kind == "gpu" else PROCESS_MB.get(work.klass, PROCESS_MB["cpu"])
    if work.steps:
        rest += cache_mb(work.step_flops / 2, (tokens or 128) + NEW_TOKENS, batch)
    return weights, rest + held


def training_memory(
    card: ModelCard, work: Workload, device: Device, strategy: Strategy, batch: int = 16
) -> Quantity:
    """Estimate the additional memory for training a model on a device.

    :param card: the model.
    :param work: what one answer needs.
    :param device: where.
    :param strategy: what is trained.
    :param batch: examples at once.
    :return: 10^6 bytes.
    """
    answer = inference_memory(card, work, device, batch)
    if answer.value is None or work.weight_mb is None or card.kind in ("classical", "baseline"):
        return answer
    kept = KEPT[strategy] * STORED * 4 * batch * (activations_of(work) or 0.0) / 1e6
    more = (STATES[strategy] - 1.0) * work.weight_mb + kept
    value = answer.value + more
    return Quantity(
        value=value,
        low=(answer.low or 0.0) + more * 0.6,
        high=(answer.high or value) + more * 1.6,
        unit="MB",
        basis="estimated",
        source=f"weights, gradients and optimiser ({strategy}) + outputs of {batch} examples",
    )
