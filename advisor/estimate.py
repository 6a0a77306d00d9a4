"""What a model needs on a device: latency, throughput, memory and size, each with how it is known."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from advisor.costs import energy_wh, monthly_cost, train_minutes
from advisor.hardware import THIS_MACHINE
from advisor.knowledge import Device, Knowledge, Latency, Modality, ModelCard
from advisor.measured import Measured
from advisor.memory import inference_mb, inference_memory, training_memory
from advisor.quantity import Frozen, Quantity
from advisor.roofline import (
    Regime,
    base_ms,
    default_regime,
    load_regimes,
    preprocessing_ms,
    regime_of,
    speed_of,
)
from advisor.scaling import Cell, effects_of
from advisor.workload import Workload, modality_of, size_of, workload

__all__ = [
    "Estimator",
    "Figures",
    "OnDevice",
    "energy_wh",
    "estimate",
    "monthly_cost",
    "train_minutes",
    "training_memory",
]

PRECISIONS = ("fp32", "float", "float32", "tf32", "amp", "fp16", "bf16", "amp_bf16", "w8a16", "int8")
HOSTED = "hosted: it runs on the provider's machines"
Z90 = 1.645
SMALL_BATCH, FULL_BATCH = 0.45, 64
"""On a GPU the tables are of large batches; a small one leaves it idle in part: more spread on the logarithm."""
PACED = 0.20
"""Standard deviation of the logarithm, between machines paced by small models of the same kind and the rest: that of
26 other models on a two-core Zen 4, timed by `benchmarks/estimates.py --here`."""


class OnDevice(Frozen):
    """What a model needs on one device for one batch."""

    latency_ms: Quantity
    throughput_per_s: Quantity
    memory_mb: Quantity
    size_mb: Quantity


class Figures(NamedTuple):
    """The values of the estimates alone; None is unknown."""

    latency_ms: float | None
    memory_mb: float | None
    size_mb: float | None


def estimate(
    card: ModelCard,
    device: Device,
    knowledge: Knowledge,
    *,
    batch: int = 1,
    tokens: int | None = None,
    task: str | None = None,
    measured: Mapping[str, Measured] | None = None,
    runtime: str | None = None,
    regimes: Mapping[str, Regime] | None = None,
) -> OnDevice:
    """Say what a model needs on a device.

    In order of trust: measured here; published for exactly this model and device; scaled from published
    figures of the model on other devices; estimated by a roofline with learnt efficiencies; unknown.

    :param card: the model.
    :param device: where it runs.
    :param knowledge: published speeds and tasks.
    :param batch: answers at once; `latency_ms` is for the whole batch.
    :param tokens: length of a typical text.
    :param task: what it is used for; the card's first task if None.
    :param measured: figures of earlier probes on this machine.
    :param runtime: the regime (see `advisor.roofline`) in which it runs; the device's usual one if None.
    :param regimes: learnt efficiencies; the shipped ones if None.
    :return: the four quantities.
    """
    estimator = Estimator(
        device, knowledge, batch=batch, tokens=tokens, task=task, measured=measured, runtime=runtime,
        regimes=regimes,
    )  # fmt: skip
    return estimator.needs(card)


class Estimator:
    """Estimates for many models on one device: what holds for the device is worked out once.

    The parameters are those of `estimate`.
    """

    def __init__(
        self,
        device: Device,
        knowledge: Knowledge,
        *,
        batch: int = 1,
        tokens: int | None = None,
        task: str | None = None,
        measured: Mapping[str, Measured] | None = None,
        runtime: str | None = None,
        regimes: Mapping[str, Regime] | None = None,
    ) -> None:
        known = load_regimes() if regimes is None else regimes
        self.device = device
        self.knowledge = knowledge
        self.batch = batch
        self.tokens = tokens
        self.task = task
        self.runtime = runtime
        self.regime = known[runtime or default_regime(device)]
        self.effects = effects_of(knowledge, self.regime)
        self.modalities = {one.id: one.modality for one in knowledge.tasks}
        self.here = device.id == THIS_MACHINE
        self.measured = (measured or {}) if self.here and batch == 1 else {}

    def needs(self, card: ModelCard) -> OnDevice:
        """Say what a model needs here, with intervals and reasons."""
        if card.kind == "api":
            return OnDevice(
                latency_ms=Quantity.unknown("ms", HOSTED),
                throughput_per_s=Quantity.unknown("1/s", HOSTED),
                memory_mb=Quantity.unknown("MB", HOSTED),
                size_mb=Quantity.unknown("MB", HOSTED),
            )
        work = self._work(card)
        earlier = self.measured.get(card.id)
        latency = _measured_latency(earlier) if earlier else self._latency(card, work)
        memory = inference_memory(card, work, self.device, self.batch, self.tokens)
        if earlier and earlier.memory_mb is not None:
            said = "measured on this machine by an earlier probe"
            memory = Quantity.exact(earlier.memory_mb, "MB", "measured", said)
        return OnDevice(
            latency_ms=latency,
            throughput_per_s=_throughput(latency, self.batch),
            memory_mb=memory,
            size_mb=_size(card),
        )

    def figures(self, card: ModelCard) -> Figures:
        """Give the values alone, several times as quick as `needs`."""
        if card.kind == "api":
            return Figures(None, None, None)
        earlier = self.measured.get(card.id)
        work = self._work(card)
        size = size_of(card)
        memory = earlier.memory_mb if earlier else None
        if memory is None:
            memory = inference_mb(card, work, self.device, self.batch, self.tokens)
        return Figures(
            earlier.p95_ms if earlier else self._ms(card, work),
            memory,
            size[0] if size else _size(card).value,
        )

    def _work(self, card: ModelCard) -> Workload:
        return workload(card, modality_of(card, self.modalities, self.task), self.tokens)

    def _published(self, card: ModelCard) -> Latency | None:
        known = self.knowledge.latencies_of(card.id)
        if not known:
            return None
        rows = [
            row
            for row in known
            if row.device == self.device.id
            and row.batch == self.batch
            and (self.runtime is None or regime_of(row, self.device.kind) == self.runtime)
        ]
        return min(rows, key=self._preference, default=None)

    def _preference(self, row: Latency) -> tuple[bool, int, bool, float, str]:
        other = regime_of(row, self.device.kind) != self.regime.id
        return other, _precision(row), row.runtime != "pytorch", row.ms, row.source

    def _ms(self, card: ModelCard, work: Workload) -> float | None:
        row = self._published(card)
        if row:
            return row.ms
        cell = self.effects.cell(card.id, self.device, work.flops is not None)
        return self._expected(work, cell)

    def _expected(self, work: Workload, cell: Cell) -> float | None:
        """Join the formula with what the tables say beyond it; here, with what was calibrated."""
        base = base_ms(work, self.device, self.regime, self.batch)
        if base is None or (work.flops is None and not cell.model_rows):
            return None
        ms = base * math.exp(cell.shift)
        if not self.here:
            return ms
        pace = self.device.pace.get(work.klass, self.device.pace.get("all", 1.0))
        return (ms * pace + self._prepare(work.modality)) * self.device.tail

    def _prepare(self, modality: Modality) -> float:
        return self.batch * self.device.prepare_ms.get(modality, preprocessing_ms(self.device, modality))

    def _latency(self, card: ModelCard, work: Workload) -> Quantity:
        row = self._published(card)
        if row:
            return self._as_published(row, work)
        cell = self.effects.cell(card.id, self.device, work.flops is not None)
        value = self._expected(work, cell)
        if value is None:
            missing = f"the speed of {self.device.name}"
            if speed_of(self.device, self.regime) is not None:
                missing = "its FLOPs and parameters"
            return Quantity.unknown("ms", f"neither published nor computable: {missing} are unknown")
        sd = math.sqrt(self._variance(work, cell))
        basis = "scaled" if cell.model_rows else "estimated"
        return Quantity(
            value=value,
            low=value * math.exp(-Z90 * sd),
            high=value * math.exp(Z90 * sd),
            unit="ms",
            basis=basis,
            source=self._says(work, cell),
        )

    def _variance(self, work: Workload, cell: Cell) -> float:
        variance = cell.variance
        if self.here and self.device.pace:
            variance += PACED**2 - (0 if cell.device_rows else self.regime.device**2)
        if work.spread[1] > work.spread[0]:
            variance += (math.log(work.spread[1] / work.spread[0]) / (2 * Z90)) ** 2
        if self.regime.memory == "bandwidth" and self.batch < FULL_BATCH and self.regime.id != "tensorrt":
            variance += (SMALL_BATCH * math.log(FULL_BATCH / self.batch) / math.log(FULL_BATCH)) ** 2
        return max(variance, 0.05**2)

    def _says(self, work: Workload, cell: Cell) -> str:
        said = []
        if cell.example:
            row = cell.example
            noun = "speed" if cell.model_rows == 1 else "speeds"
            where = self.knowledge.device(row.device).name
            said.append(
                f"scaled from {cell.model_rows} published {noun} of it, such as {row.ms:.4g} ms on {where}"
                f" ({row.source}, {row.runtime}, {row.precision}, batch {row.batch})"
            )
        method = work.method or "nothing but published speeds"
        said.append(f"roofline for {self.regime.id}: {method}")
        if self.here and self.device.pace:
            said.append("paced by small models timed on this machine; with preprocessing, 95th percentile")
        elif cell.device_rows:
            said.append(f"{cell.device_rows} published speeds of other models on {self.device.name}")
        elif not self.here:
            said.append(f"the peaks of {self.device.name}")
        return "; ".join(said)

    def _as_published(self, row: Latency, work: Workload) -> Quantity:
        slack = 2 * self.batch * preprocessing_ms(self.device, work.modality)
        says = f"{row.source} ({row.runtime}, {row.precision}, batch {row.batch}, forward pass)"
        return Quantity(
            value=row.ms,
            low=row.ms * 0.85,
            high=row.ms * 1.3 + slack,
            unit="ms",
            basis="published",
            source=says,
        )


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
