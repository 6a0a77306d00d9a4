"""What a model needs on a device: latency, throughput, memory and size, each with how it is known."""

import math
from collections.abc import Mapping

from advisor.costs import monthly_cost, train_minutes
from advisor.hardware import THIS_MACHINE
from advisor.knowledge import Device, Knowledge, Latency, Modality, ModelCard
from advisor.measured import Measured
from advisor.quantity import Frozen, Quantity
from advisor.roofline import effective_tflops, preprocessing_ms, roofline_ms
from advisor.workload import Workload, size_of, workload

__all__ = ["OnDevice", "estimate", "estimate_latency", "monthly_cost", "train_minutes"]

PRECISIONS = ("fp32", "float", "float32", "tf32", "amp", "fp16", "bf16", "amp_bf16", "w8a16", "int8")
HOSTED = "hosted: it runs on the provider's machines"
SCALED_SPREAD = (0.6, 1.8)
LEAST_COMPUTING = 0.3


class OnDevice(Frozen):
    """What a model needs on one device for one batch."""

    latency_ms: Quantity
    throughput_per_s: Quantity
    memory_mb: Quantity
    size_mb: Quantity


def estimate(
    card: ModelCard,
    device: Device,
    knowledge: Knowledge,
    *,
    batch: int = 1,
    tokens: int | None = None,
    task: str | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> OnDevice:
    """Say what a model needs on a device.

    In order of trust: measured here; published for exactly this model and device; scaled from a published
    figure on another device of the same kind; estimated by a roofline; unknown.

    :param card: the model.
    :param device: where it runs.
    :param knowledge: published speeds and tasks.
    :param batch: answers at once; `latency_ms` is for the whole batch.
    :param tokens: length of a typical text.
    :param task: what it is used for; the card's first task if None.
    :param measured: figures of earlier probes on this machine.
    :return: the four quantities.
    """
    if card.kind == "api":
        return OnDevice(
            latency_ms=Quantity.unknown("ms", HOSTED),
            throughput_per_s=Quantity.unknown("1/s", HOSTED),
            memory_mb=Quantity.unknown("MB", HOSTED),
            size_mb=Quantity.unknown("MB", HOSTED),
        )
    work = workload(card, _modality(card, knowledge, task), tokens)
    here = (measured or {}).get(card.id) if device.id == THIS_MACHINE and batch == 1 else None
    latency = _measured_latency(here) if here else estimate_latency(card, device, knowledge, work, batch)
    return OnDevice(
        latency_ms=latency,
        throughput_per_s=_throughput(latency, batch),
        memory_mb=_memory(card, work, device, batch, here),
        size_mb=_size(card),
    )


def estimate_latency(
    card: ModelCard, device: Device, knowledge: Knowledge, work: Workload, batch: int = 1
) -> Quantity:
    """Give the time of one batch from published figures or, where there are none, from the roofline."""
    rows = knowledge.latencies_of(card.id)
    exact = [row for row in rows if row.device == device.id and row.batch == batch]
    if exact:
        return _published(min(exact, key=_preference), work, device, batch)
    roof = roofline_ms(work, device, batch)
    kin = _kin(rows, device, knowledge)
    if kin:
        scaled = _scaled(kin[0], kin[1], device, work, batch)
        if scaled:
            return scaled
    if roof is None:
        missing = "its FLOPs and parameters" if work.flops is None else f"the speed of {device.name}"
        return Quantity.unknown("ms", f"neither published nor computable: {missing} are unknown")
    return Quantity(
        value=roof.value,
        low=roof.low,
        high=roof.high,
        unit="ms",
        basis="estimated",
        source=f"roofline: {work.method}; {effective_tflops(device):.3g} effective TFLOPS",
    )


def _modality(card: ModelCard, knowledge: Knowledge, task: str | None) -> Modality:
    wanted = task if task in card.tasks else card.tasks[0]
    return next((known.modality for known in knowledge.tasks if known.id == wanted), "text")


def _measured_latency(here: Measured) -> Quantity:
    return Quantity(
        value=here.p95_ms,
        low=here.p50_ms,
        high=here.p95_ms * 1.25,
        unit="ms",
        basis="measured",
        source="measured on this machine by an earlier probe",
    )


def _precision(row: Latency) -> int:
    name = row.precision.lower()
    return PRECISIONS.index(name) if name in PRECISIONS else len(PRECISIONS)


def _preference(row: Latency) -> tuple[int, bool, float, str]:
    return _precision(row), row.runtime != "pytorch", row.ms, row.source


def _says(row: Latency) -> str:
    return f"{row.source} ({row.runtime}, {row.precision}, batch {row.batch}, forward pass)"


def _published(row: Latency, work: Workload, device: Device, batch: int) -> Quantity:
    slack = 2 * batch * preprocessing_ms(device, work.modality)
    return Quantity(
        value=row.ms,
        low=row.ms * 0.85,
        high=row.ms * 1.3 + slack,
        unit="ms",
        basis="published",
        source=_says(row),
    )


def _kin(rows: tuple[Latency, ...], device: Device, knowledge: Knowledge) -> tuple[Latency, Device] | None:
    """Find the published figure whose device is most like the wanted one: same kind, nearest in speed."""
    target = effective_tflops(device)
    if target is None or not rows:
        return None
    devices = {known.id: known for known in knowledge.devices}
    best: tuple[tuple[float, int, float, str], Latency, Device] | None = None
    for row in rows:
        other = device if row.device == device.id else devices.get(row.device)
        if other is None or other.kind != device.kind:
            continue
        speed = effective_tflops(other)
        if speed is None:
            continue
        key = (abs(math.log(speed / target)) + 0.3 * _precision(row), row.batch, row.ms, row.source)
        if best is None or key < best[0]:
            best = key, row, other
    return (best[1], best[2]) if best else None


def _scaled(row: Latency, other: Device, device: Device, work: Workload, batch: int) -> Quantity | None:
    """Scale a published figure by the ratio of the rooflines, or of effective speeds without FLOPs."""
    there, here = roofline_ms(work, other, row.batch), roofline_ms(work, device, batch)
    if there and here and there.compute > 0:
        computing = max(row.ms - there.overhead, LEAST_COMPUTING * row.ms)
        value = here.overhead + here.prepare + computing * here.compute / there.compute
    else:
        fast, slow = effective_tflops(other), effective_tflops(device)
        if not fast or not slow:
            return None
        value = row.ms * fast / slow * batch / row.batch
    widen = 1 + 0.15 * abs(math.log(value / row.ms * row.batch / batch))
    return Quantity(
        value=value,
        low=value * SCALED_SPREAD[0] / widen,
        high=value * SCALED_SPREAD[1] * widen,
        unit="ms",
        basis="scaled",
        source=f"{row.ms:.4g} ms on {other.name}, {_says(row)}, scaled by the ratio of effective speeds",
    )


def _throughput(latency: Quantity, batch: int) -> Quantity:
    if latency.value is None:
        return Quantity.unknown("1/s", latency.source)
    return Quantity(
        value=1000 * batch / latency.value,
        low=1000 * batch / latency.high if latency.high else None,
        high=1000 * batch / latency.low if latency.low else None,
        unit="1/s",
        basis=latency.basis,
        source=f"one batch of {batch} after another: {latency.source}",
    )


def _memory(card: ModelCard, work: Workload, device: Device, batch: int, here: Measured | None) -> Quantity:
    if here and here.memory_mb is not None:
        return Quantity.exact(
            here.memory_mb, "MB", "measured", "measured on this machine by an earlier probe"
        )
    if work.weight_mb is None:
        return Quantity.unknown("MB", "neither its parameters nor its size are known")
    half = device.kind == "gpu" and card.kind == "weights"
    activations = batch * max(10.0, 5.0 * ((work.flops or 0.0) / 1e9) ** 0.5)
    runtime = 300.0 if device.kind == "gpu" else 20.0
    if card.kind in ("classical", "baseline"):
        activations, runtime = 5.0, 5.0
    value = work.weight_mb + activations + runtime
    return Quantity(
        value=value,
        low=work.weight_mb * (0.5 if half else 0.9) + activations * 0.3,
        high=work.weight_mb * 2.0 + activations * 4 + runtime * 2,
        unit="MB",
        basis="estimated",
        source="weights as loaded + activations of one batch + working memory of the runtime",
    )


def _size(card: ModelCard) -> Quantity:
    size = size_of(card)
    if size is None:
        if card.kind in ("classical", "baseline"):
            return Quantity(
                value=1.0, low=0.01, high=100.0, unit="MB", basis="estimated", source="trained on your data"
            )
        return Quantity.unknown("MB", "neither its size nor its parameters are known")
    value, low, high, published = size
    source = card.size_mb.source if card.size_mb else "parameters × bytes per parameter"
    basis = "published" if published else "estimated"
    return Quantity(value=value, low=low, high=high, unit="MB", basis=basis, source=source)
