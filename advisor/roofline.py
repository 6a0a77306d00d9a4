"""How fast a device does the work: a roofline with efficiencies taken from published benchmark tables."""

from dataclasses import dataclass

from advisor.hardware import THIS_MACHINE
from advisor.knowledge import Device, Modality
from advisor.workload import Workload

__all__ = ["Efficiency", "Roof", "effective_tflops", "efficiency", "preprocessing_ms", "roofline_ms"]


@dataclass(frozen=True)
class Roof:
    """Milliseconds of one batch with their 90 % interval.

    :ivar overhead: the part of the passes' overhead in the value.
    :ivar compute: the part of computing and reading the weights.
    :ivar prepare: the part of preprocessing.
    """

    value: float
    low: float
    high: float
    overhead: float
    compute: float
    prepare: float


@dataclass(frozen=True)
class Efficiency:
    """What a kind of device makes of its peaks.

    :ivar fp32: share of the fp32 peak reached.
    :ivar fp16: share of the dense fp16 tensor peak reached.
    :ivar int8: share of the dense int8 peak reached in float work; only where no other peak is known.
    :ivar spread: factors (low, high) on the time of the computing.
    :ivar overhead_ms: per forward pass, as (value, low, high).
    """

    fp32: float
    fp16: float
    int8: float
    spread: tuple[float, float]
    overhead_ms: tuple[float, float, float]


MEASURED_CPU = Efficiency(0.62, 0.0, 0.05, (0.6, 2.0), (8.0, 2.0, 20.0))
CPU = Efficiency(0.195, 0.0, 0.05, (0.6, 2.2), (3.4, 1.0, 9.0))
GPU = Efficiency(0.45, 0.13, 0.05, (0.45, 4.2), (6.0, 1.5, 20.0))
BOARD = Efficiency(0.30, 0.10, 0.04, (0.3, 2.5), (5.0, 1.5, 15.0))
PHONE = Efficiency(0.20, 0.10, 0.04, (0.3, 4.0), (2.0, 0.5, 8.0))
EFFICIENCY = {"cpu": CPU, "gpu": GPU, "board": BOARD, "phone": PHONE, "npu": PHONE}
"""CPU: a fit of 1440 batch-1 float32 timings on an i7-12700H (timm results, PyTorch 2.4, compiled) gives ms =
3.82 × GFLOPs + 3.36, log-residual sd 0.27; that is 0.195 of its 1.344 TFLOPS; the interval is doubled for
the step to other processors and to uncompiled code. GPU: achieved over dense fp16 tensor peak in timm's
mixed-precision tables, models above 0.3 GMACs: RTX 4090 median 0.104 (5 % 0.025, 95 % 0.29), RTX 3090
median 0.171; 0.45 of the fp32 peak reproduces the same medians. Boards: ncnn's table for a Raspberry Pi 5
lies between 0.37 (MobileNetV2) and 1.2 (ResNet-50, Winograd) of the fp32 peak; PyTorch reaches less. The
overhead of GPUs is the launch of 100 to 300 kernels at about 0.02 to 0.05 ms. This machine's own peak is
that of a timed matrix product: nine architectures run uncompiled by PyTorch on two cores took about 0.62 of
it plus 8 ms."""

CORE_TFLOPS = 0.048
PREPROCESSING_MS = {
    "image": 4.0, "multimodal": 5.0, "video": 40.0, "text": 0.6, "audio": 8.0, "tabular": 0.3,
    "time-series": 0.3,
}  # fmt: skip
"""Decoding and resizing one 500 × 375 JPEG, or tokenising one paragraph, on one desktop core."""
SLOW_CORE = {"board": 3.0, "phone": 1.5, "npu": 1.5}
TAIL = 1.15
"""From the median to the 95th percentile of repeated requests."""


def efficiency(device: Device) -> Efficiency:
    """Say what a device makes of its peaks."""
    return MEASURED_CPU if device.id == THIS_MACHINE and device.kind == "cpu" else EFFICIENCY[device.kind]


def effective_tflops(device: Device) -> float | None:
    """Give the TFLOPS that a device reaches in practice, or None if no peak of it is known."""
    kind = efficiency(device)
    peaks = device.tflops
    reached = max(peaks.get("fp32", 0.0) * kind.fp32, peaks.get("fp16", 0.0) * kind.fp16)
    if not reached:
        reached = peaks.get("int8", 0.0) * kind.int8
    if not reached and device.kind == "cpu" and device.cores:
        reached = device.cores * CORE_TFLOPS * kind.fp32
    return reached or None


def preprocessing_ms(device: Device, modality: Modality) -> float:
    """Give the time of preparing one input."""
    return PREPROCESSING_MS[modality] * SLOW_CORE.get(device.kind, 1.0)


def roofline_ms(work: Workload, device: Device, batch: int = 1) -> Roof | None:
    """Estimate the 95th percentile of the time for one batch: preprocessing and forward pass.

    The slower of computing and reading the weights counts (Williams, Waterman and Patterson 2009,
    "Roofline"), plus an overhead per pass; a generating model makes one more pass for each new token.

    :param work: what one answer needs.
    :param device: where.
    :param batch: answers at once.
    :return: milliseconds, or None where the work or the device's speed is unknown.
    """
    tflops = effective_tflops(device)
    if tflops is None or work.flops is None:
        return None
    kind = efficiency(device)
    reading = (work.weight_mb or 0.0) / device.bandwidth_gb_s if device.bandwidth_gb_s else 0.0
    compute = batch * work.flops / tflops / 1e9
    step = max(batch * work.step_flops / tflops / 1e9, reading * 1.3)
    value, low, high = kind.overhead_ms
    prepare = batch * preprocessing_ms(device, work.modality)
    passes = 1 + work.steps
    faster, slower = kind.spread[0] * work.spread[0], kind.spread[1] * work.spread[1]
    working = max(compute, reading) + work.steps * step
    return Roof(
        value=TAIL * (value * passes + working + prepare),
        low=low * passes
        + max(compute * faster, reading * 0.8)
        + work.steps * step * kind.spread[0]
        + prepare * 0.5,
        high=TAIL
        * (high * passes + max(compute, reading) * slower + work.steps * step * kind.spread[1] + prepare * 2),
        overhead=TAIL * value * passes,
        compute=TAIL * working,
        prepare=TAIL * prepare,
    )
