"""How long the work takes by a formula: a roofline whose coefficients were learnt from published speeds.

A *regime* is a way of running models of which tables exist: one runtime and precision on one kind of device. Its
coefficients stand in `knowledge/speed.yaml`; `python -m advisor.importers.speed` fits them to the rows of
`knowledge/results/latency*.csv`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from advisor.errors import KnowledgeError
from advisor.knowledge import Device, Latency, Modality, default_folder
from advisor.workload import Workload

__all__ = [
    "LOOKUP",
    "PEAK_SHARE",
    "READING",
    "USUAL_ACTIVATIONS",
    "USUAL_BANDWIDTH",
    "Regime",
    "activations_of",
    "base_ms",
    "default_regime",
    "load_regimes",
    "peak_tflops",
    "preprocessing_ms",
    "regime_of",
    "speed_of",
    "usual_activations",
]

PREPROCESSING_MS = {
    "image": 4.0, "multimodal": 5.0, "video": 40.0, "text": 0.6, "audio": 8.0, "tabular": 0.3,
    "time-series": 0.3,
}  # fmt: skip
"""Decoding and resizing one 500 × 375 JPEG, or tokenising one paragraph, on one desktop core."""
SLOW_CORE = {"board": 3.0, "phone": 1.5, "npu": 1.5}
CORE_GFLOPS = 48.0
"""One core of a machine of which only the number of cores is known: 3 GHz, half the width of AVX2."""
READING = 0.75
"""Share of the bandwidth reached when a decoder reads its weights for each token: llama.cpp's half-precision
Llama 3 8B on RTX 3090 and 4090, A100 and H100 lies between 0.6 and 0.87."""
USUAL_BANDWIDTH = {"gpu": 400.0, "cpu": 40.0, "phone": 51.0, "board": 17.0, "npu": 17.0}
"""GB/s where a device's own is unknown: that of common memory for its kind."""
LAUNCH_POWER = 4.0
PEAK_SHARE = 0.8
"""Share of a device's best peak in floats that no whole network passes: ncnn's VGG-16 on a Raspberry Pi 5 reaches
0.79 of it. It bounds what small networks were extrapolated to."""
LOOKUP = "lookup"
"""The kind of models that only look vectors up: nothing is computed, read or started."""
USUAL_ACTIVATIONS = 2.5
"""Millions for 10^9 multiply-adds, where nothing is known of a kind of network."""


@dataclass(frozen=True)
class Regime:
    """One way of running models, and what was learnt of it.

    :ivar gmac: milliseconds for 10^9 multiply-adds on a device of speed 1.
    :ivar activation: milliseconds for 10^6 numbers put out on the way.
    :ivar weight: milliseconds for reading 10^6 parameters, once a batch.
    :ivar start: milliseconds for every pass.
    :ivar launch: milliseconds that a pass takes at least, however small (the launching of kernels).
    :ivar peak: what a device's speed is read from: `core`, `fp32`, `fp16` or `int8`.
    :ivar exponents: of the peak (in units of 100 GFLOPS a core, or of 10 TFLOPS) and of the number of cores.
    :ivar memory: `bandwidth` if putting out and reading go by it (units of 1000 GB/s), else `compute`.
    :ivar classes: factor on the time by kind of network.
    :ivar typical: milliseconds of the median model at speed 1, for models of which nothing is known.
    :ivar cell, model, device: standard deviations of the logarithm: of one timing, and of what a model and a
        device differ by from the formula.
    """

    id: str
    gmac: float
    activation: float
    weight: float = 0.0
    start: float = 0.0
    launch: float = 0.0
    peak: str = "core"
    exponents: tuple[float, float] = (1.0, 0.5)
    memory: str = "compute"
    constant: float = 0.0
    classes: Mapping[str, float] = field(default_factory=dict)
    typical: float = 10.0
    cell: float = 0.15
    model: float = 0.25
    device: float = 0.4


def load_regimes(path: Path | None = None) -> Mapping[str, Regime]:
    """Read the learnt coefficients.

    :param path: `speed.yaml`; that of the shipped knowledge if None.
    :return: regime id → regime.
    :raises KnowledgeError: if the file is missing or not of this form.
    """
    return _load(path)[0] if path else _shipped()[0]


def activations_of(work: Workload) -> float | None:
    """Give the activations of one pass, or what networks of the kind usually have for their multiply-adds."""
    if work.activations is not None or work.flops is None:
        return work.activations
    level, power = usual_activations(work.klass)
    return float(level * (work.flops / 2e9) ** power * 1e6)


def usual_activations(klass: str) -> tuple[float, float]:
    """Give the activations, in millions for 10^9 multiply-adds, of a kind of network, and the power of these."""
    return _shipped()[1].get(klass, (USUAL_ACTIVATIONS, 1.0))


@lru_cache(maxsize=1)
def _shipped() -> tuple[dict[str, Regime], dict[str, tuple[float, float]]]:
    return _load(default_folder() / "speed.yaml")


@lru_cache(maxsize=4)
def _load(path: Path) -> tuple[dict[str, Regime], dict[str, tuple[float, float]]]:
    try:
        quick = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=quick)
        regimes = {
            id: Regime(id=id, **{**raw, "exponents": tuple(raw["exponents"])})
            for id, raw in content["regimes"].items()
        }
        return regimes, {klass: (one[0], one[1]) for klass, one in content["activations"].items()}
    except (OSError, yaml.YAMLError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise KnowledgeError(
            f"The learnt speeds {path} cannot be read: {error}. Fit them anew:"
            " python -m advisor.importers.speed --knowledge knowledge"
        ) from None


def regime_of(row: Latency, kind: str) -> str:
    """Name the regime of a published speed.

    :param row: the published speed.
    :param kind: of its device.
    """
    runtime, precision = row.runtime.lower(), row.precision.lower()
    if runtime.startswith(("pytorch", "torchscript")):
        compiled = "-compiled" if kind == "gpu" and "dynamo" in runtime else ""
        return f"pytorch-{kind}{compiled}{'-int8' if precision == 'int8' else ''}"
    if runtime.endswith("-npu"):
        return f"npu-{'float' if precision in ('float', 'fp16', 'fp32') else precision}"
    return runtime if precision in ("float", "fp16", "fp32") else f"{runtime}-{precision}"


def default_regime(device: Device) -> str:
    """Name the regime in which a device usually runs models."""
    if device.kind == "gpu":
        return "pytorch-gpu"
    if device.kind == "cpu":
        return "pytorch-cpu"
    if device.kind == "npu":
        return "edgetpu-int8" if device.chip == "edge-tpu" else "npu-float"
    if device.kind == "board" and device.tflops.get("fp32") and not _own_cores(device):
        return "tensorrt"
    neural = "int8" in device.tflops if device.kind == "phone" else not device.cores
    return "npu-float" if neural or not device.cores else "ncnn"


def speed_of(device: Device, regime: Regime) -> float | None:
    """Give a device's speed in a regime by its peaks; None where they are unknown."""
    if regime.peak == "core":
        core = _core_gflops(device)
        if core is None:
            return None
        cores = device.cores or 1
        return float((core / 100) ** regime.exponents[0] * cores ** regime.exponents[1])
    peaks = device.tflops
    found = peaks.get(regime.peak)  # type: ignore[call-overload]
    if found is None and regime.peak != "fp32":
        found = peaks.get("fp16") if regime.peak == "int8" else peaks.get("fp32")
    if found is None and regime.peak == "fp32" and "fp16" in peaks:
        found = peaks["fp16"] / 4
    return float((found / 10) ** regime.exponents[0]) if found else None


def _own_cores(device: Device) -> bool:
    """Tell whether a board's peak is that of its processor cores, and not of a graphics unit beside them."""
    peak = device.tflops.get("fp16", device.tflops.get("fp32", 0.0))
    return bool(
        device.cores and (not device.core_gflops or peak <= 1.3e-3 * device.core_gflops * device.cores)
    )


def _core_gflops(device: Device) -> float | None:
    if device.core_gflops:
        return device.core_gflops
    peak = device.tflops.get("fp32") if device.kind in ("cpu", "board") else None
    if peak:
        return 1000 * peak / (device.cores or 1)
    return CORE_GFLOPS if device.cores else None


def peak_tflops(device: Device) -> float | None:
    """Give the most that a device can compute in floats, by its stated peaks; None if none is known."""
    stated = [value for name, value in device.tflops.items() if name != "int8"]
    core = (_core_gflops(device) or 0.0) * (device.cores or 1) / 1000
    return max([*stated, core]) or None if stated or core else None


def base_ms(work: Workload, device: Device, regime: Regime, batch: int = 1) -> float | None:
    """Say how long one batch takes by the formula, the forward pass alone.

    The time of computing grows with the multiply-adds, that of memory with the numbers put out and the weights
    read (after Williams, Waterman and Patterson 2009, "Roofline"); they are added, for layers alternate between the
    two. A generating model makes one more pass for each new token.

    :param work: what one answer needs.
    :param device: where.
    :param regime: how.
    :param batch: answers at once.
    :return: milliseconds; None where the device's speed is unknown, and the typical time where the work is.
    """
    speed = speed_of(device, regime)
    if speed is None:
        return None
    if work.flops is None:
        return batch * math.exp(regime.constant) * regime.typical / speed
    memory = speed
    if regime.memory == "bandwidth":
        memory = device.bandwidth_gb_s / 1000 if device.bandwidth_gb_s else speed / 8
    weights = min((work.weight_mb or 0.0) / 4, (work.parameters or 1e12) / 1e6)
    start, peak = regime.start, peak_tflops(device)
    if work.klass == LOOKUP:
        weights, start = 0.0, 0.0
    factor = math.exp(regime.constant) * regime.classes.get(work.klass, 1.0)
    numbers = (activations_of(work) or 0.0) / 1e6

    def one_pass(flops: float, outputs: float, read: float) -> float:
        computing = batch * flops / 2e9 * regime.gmac / speed
        moving = (batch * outputs * regime.activation + read * regime.weight) / memory
        least = batch * flops / 1e9 / (PEAK_SHARE * peak) if peak else 0.0
        return max((computing + moving + start / speed) * factor, least)

    first = _at_least(one_pass(work.flops, numbers, weights), regime.launch)
    if not work.steps:
        return first
    bandwidth = device.bandwidth_gb_s or USUAL_BANDWIDTH[device.kind]
    reading = (work.weight_mb or 0.0) / (bandwidth * READING)
    step = one_pass(work.step_flops, numbers * work.step_flops / work.flops, 0.0)
    return first + work.steps * _at_least(max(step, reading), regime.launch)


def _at_least(ms: float, launch: float) -> float:
    """Join the time of computing with the least time of a pass, smoothly: the larger one counts."""
    return float((ms**LAUNCH_POWER + launch**LAUNCH_POWER) ** (1 / LAUNCH_POWER))


def preprocessing_ms(device: Device, modality: Modality) -> float:
    """Give the time of preparing one input."""
    return PREPROCESSING_MS[modality] * SLOW_CORE.get(device.kind, 1.0)
