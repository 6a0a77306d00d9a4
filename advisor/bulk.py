"""The formulas of the estimates over arrays: what `estimate`, `train_minutes` and `monthly_cost` say of many cards.

Intervals and words are left to those. NaN is unknown.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from advisor.columns import Columns, Floats, Rows
from advisor.costs import FULL_PASSES, HOURS, PASSES, RETURN_MS, TRAINING_BATCH, USD_PER_KWH
from advisor.knowledge import Device, Modality, ModelCard, Strategy
from advisor.memory import CACHE_KB, CLASSICAL_MB, HELD, LIGHT, LIGHT_HELD, PROCESS_MB
from advisor.roofline import (
    LAUNCH_POWER,
    LOOKUP,
    PEAK_SHARE,
    READING,
    USUAL_BANDWIDTH,
    Regime,
    peak_tflops,
    preprocessing_ms,
    speed_of,
    usual_activations,
)
from advisor.workload import LEAST_ACTIVE, NEW_TOKENS, WRITES_FROM, Shape, is_classical, layers_of, shape_of

__all__ = ["Works", "base_ms", "inference_mb", "minutes", "monthly_usd"]


@dataclass(frozen=True)
class Works:
    """The work of one answer of many models (see `advisor.workload.Workload`); NaN is unknown.

    :ivar size_mb: of the weight files.
    :ivar classes: the kinds of networks that occur.
    :ivar klass: the place of each model's kind in that list.
    :ivar numbers: 10^6 numbers that are put out on the way; 0 where unknown.
    """

    flops: Floats
    weight_mb: Floats
    size_mb: Floats
    step_flops: Floats
    steps: Floats
    parameters: Floats
    numbers: Floats
    klass: Rows
    classes: tuple[str, ...]

    @classmethod
    def of(cls, columns: Columns, modality: Callable[[ModelCard], Modality], tokens: int | None) -> "Works":
        """Say how much work one answer of each card is, as `advisor.workload.workload` does for one.

        :param columns: the cards.
        :param modality: that a card is used for.
        :param tokens: length of a typical text; 128 if None.
        """
        alike = columns.alike
        classes: dict[str, int] = {}

        def numbered(shape: Shape) -> int:
            return classes.setdefault(shape.klass, len(classes))

        shapes = [shape_of(card, modality(card), tokens) for card in alike.examples]
        klass = np.array([numbered(shape) for shape in shapes], dtype=np.intp)[alike.codes]
        for place in np.flatnonzero(columns.line("unnamed", lambda card: card.architecture is None)):
            card = columns.cards[place]
            klass[place] = numbered(shape_of(card, modality(card), tokens))
        classical = columns.line("classical", is_classical) > 0
        klass[classical] = classes.setdefault("other", len(classes))

        size, parameters = columns.amounts("size_mb"), columns.amounts("parameters")
        half = parameters * 2 / 1e6
        weight_mb = np.where(parameters < 1e9, 2 * half, np.where(np.isnan(size), half, size))
        weight_mb = np.where(classical & np.isnan(weight_mb), 1.0, weight_mb)
        size_mb = np.where(np.isnan(size), np.where(parameters < 1e9, 2 * half, half), size)
        size_mb = np.where(classical & np.isnan(size_mb), 1.0, size_mb)

        active = columns.amounts("active_parameters")
        active = np.where(np.isnan(active), parameters, active)
        embedding = np.nan_to_num(columns.amounts("embedding_parameters"))
        active = np.maximum(active - embedding, active * LEAST_ACTIVE)
        active *= np.array(list(map(layers_of, columns.ids)))
        each, steps = np.array([(shape.per_parameter, shape.steps) for shape in shapes]).reshape(-1, 2).T
        flops = columns.amounts("flops")
        flops = np.where(classical, 1e6, np.where(np.isnan(flops), each[alike.codes] * active, flops))
        steps = np.where((active > WRITES_FROM) & ~classical, steps[alike.codes], 0.0)

        level, power = np.array([usual_activations(name) for name in classes]).reshape(-1, 2).T
        numbers = columns.amounts("activations") / 1e6
        unsaid = np.isnan(numbers) | classical
        numbers = np.where(unsaid, level[klass] * (flops / 2e9) ** power[klass], numbers)
        numbers = np.where(np.isnan(flops), 0.0, numbers)
        return cls(
            flops, weight_mb, size_mb, np.where(steps > 0, 2 * active, 0.0), steps,
            np.where(classical, np.nan, parameters), numbers, klass, tuple(classes),
        )  # fmt: skip

    def only(self, rows: Rows) -> "Works":
        """Give the works of some rows."""
        own = ("flops", "weight_mb", "size_mb", "step_flops", "steps", "parameters", "numbers", "klass")
        return replace(self, **{name: getattr(self, name)[rows] for name in own})

    def by_class(self, factor: "dict[str, float] | None", default: float = 1.0) -> Floats:
        """Give each model the factor of its kind."""
        factors = [(factor or {}).get(klass, default) for klass in self.classes]
        return np.array(factors, dtype=np.float64)[self.klass]


def base_ms(works: Works, device: Device, regime: Regime, batch: int = 1) -> Floats:
    """Say how long one batch of each model takes by the formula (see `advisor.roofline.base_ms`)."""
    speed = speed_of(device, regime)
    if speed is None:
        return np.full(len(works.flops), np.nan)
    memory = speed
    if regime.memory == "bandwidth":
        memory = device.bandwidth_gb_s / 1000 if device.bandwidth_gb_s else speed / 8
    weight_mb, peak = np.nan_to_num(works.weight_mb), peak_tflops(device)
    weights = np.minimum(weight_mb / 4, np.nan_to_num(works.parameters, nan=1e12) / 1e6)
    starts = works.by_class({LOOKUP: 0.0})
    weights, nothing = weights * starts, np.zeros(len(weights))
    factor = math.exp(regime.constant) * works.by_class(dict(regime.classes))

    def one_pass(flops: Floats, outputs: Floats, read: Floats) -> Floats:
        computing = batch * flops / 2e9 * regime.gmac / speed
        moving = (batch * outputs * regime.activation + read * regime.weight) / memory
        least = batch * flops / 1e9 / (PEAK_SHARE * peak) if peak else 0.0
        total: Floats = np.maximum((computing + moving + starts * regime.start / speed) * factor, least)
        return total

    found = _at_least(one_pass(works.flops, works.numbers, weights), regime.launch)
    writes = np.flatnonzero(works.steps > 0)
    if len(writes):
        reading = weight_mb / ((device.bandwidth_gb_s or USUAL_BANDWIDTH[device.kind]) * READING)
        step = one_pass(works.step_flops, works.numbers * works.step_flops / works.flops, nothing)
        step = _at_least(np.maximum(step, reading), regime.launch)
        found[writes] += (works.steps * step)[writes]
    typical = batch * math.exp(regime.constant) * regime.typical / speed
    return np.where(np.isnan(works.flops), typical, found)


def inference_mb(
    works: Works, classical: npt.NDArray[np.bool_], device: Device, tokens: int | None
) -> Floats:
    """Say how much memory loading and one answer of each model take (see `advisor.memory.inference_memory`)."""
    light = works.by_class(dict.fromkeys(LIGHT, 1.0), 0.0) > 0
    held = np.where(light, LIGHT_HELD, HELD) * works.numbers / (1.0 + works.numbers / 400.0)
    process = works.by_class(PROCESS_MB, PROCESS_MB["cpu"])
    rest = (PROCESS_MB["gpu"] if device.kind == "gpu" else process) + held
    cache = CACHE_KB * np.sqrt(works.step_flops / 2 / 8e9) * ((tokens or 128) + NEW_TOKENS) / 1e3
    rest = rest + np.where(works.steps > 0, cache, 0.0)
    return works.weight_mb + np.where(classical, CLASSICAL_MB, rest)


def minutes(
    works: Works, device: Device, strategy: Strategy, examples: int | None, epochs: int | None,
    modality: Modality, regime: Regime, pace: dict[str, float],
) -> Floats:  # fmt: skip
    """Say how long fitting each network takes (see `advisor.costs.train_minutes`).

    :param works: of the networks.
    :param device: where they are trained.
    :param strategy: what is trained.
    :param examples: labelled ones; 1000 if None.
    :param epochs: passes over them.
    :param modality: of the task.
    :param regime: in which they are trained.
    :param pace: of a calibrated machine; empty elsewhere.
    """
    count, batch = 1000 if examples is None else examples, TRAINING_BATCH.get(device.kind, 16)
    once = replace(works, steps=np.zeros(len(works.steps)))
    each = base_ms(once, device, regime, batch) / batch * works.by_class(pace, pace.get("all", 1.0))
    backward = PASSES[strategy]
    full = works.by_class({klass: one / PASSES["full"] for klass, one in FULL_PASSES.items()})
    passes = 1.0 + (10 if epochs is None else epochs) * (backward * full if backward > 1 else backward)
    prepare = device.prepare_ms.get(modality, preprocessing_ms(device, modality))
    found = (count * passes * each + count * (prepare + RETURN_MS * passes) + 5000) / 60_000
    return np.where(np.isnan(works.flops), np.nan, found)


def monthly_usd(device: Device, requests: float | None, latency_ms: Floats) -> Floats:
    """Say what a month costs on a device of one's own or rented (see `advisor.costs.monthly_cost`)."""
    busy_hours = (requests or 0.0) * np.nan_to_num(latency_ms) / 3.6e6
    machines = np.maximum(1.0, np.ceil(busy_hours / (HOURS * 0.7)))
    if device.usd_per_hour is not None:
        return machines * (device.usd_per_hour * HOURS)
    return machines * ((device.power_w or 0.0) / 1000 * HOURS * USD_PER_KWH)


def _at_least(ms: Floats, launch: float) -> Floats:
    found: Floats = (ms**LAUNCH_POWER + launch**LAUNCH_POWER) ** (1 / LAUNCH_POWER)
    return found
