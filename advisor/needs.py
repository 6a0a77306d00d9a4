"""What the cards of a task need on a device and in training, as arrays."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from advisor.adapt import EPOCHS
from advisor.brief import Brief
from advisor.bulk import Works, base_ms, inference_mb, minutes, monthly_usd
from advisor.columns import Columns, Flags, Floats, Rows
from advisor.costs import monthly_cost, train_minutes
from advisor.estimate import Estimator
from advisor.hardware import THIS_MACHINE
from advisor.knowledge import Device, Knowledge, Modality, ModelCard, Strategy, Task
from advisor.measured import Measured
from advisor.roofline import default_regime, load_regimes, preprocessing_ms
from advisor.scaling import TWIN, Effects, effects_of
from advisor.workload import is_classical, modality_of

__all__ = ["Needs", "needs_on", "training_minutes"]


@dataclass(frozen=True)
class Needs:
    """Values of the estimates of some cards; NaN is unknown. Intervals and words are made for what is shown.

    :ivar latency_ms: of one answer.
    :ivar memory_mb: for loading and one answer.
    :ivar size_mb: of the weight files.
    :ivar monthly_cost_usd: of the brief's requests.
    """

    latency_ms: Floats
    memory_mb: Floats
    size_mb: Floats
    monthly_cost_usd: Floats

    def only(self, flags: Flags) -> "Needs":
        """Give the needs of the flagged cards alone."""
        return Needs(
            self.latency_ms[flags], self.memory_mb[flags], self.size_mb[flags], self.monthly_cost_usd[flags]
        )

    @property
    def throughput_per_s(self) -> Floats:
        """Answers per second, one after another."""
        return 1000.0 / self.latency_ms


def needs_on(
    device: Device, columns: Columns, rows: Rows, brief: Brief, knowledge: Knowledge, task: Task,
    measured: Mapping[str, Measured] | None = None,
) -> Needs:  # fmt: skip
    """Estimate what some cards need on a device.

    :param device: where they would run.
    :param columns: the cards.
    :param rows: which of them; all of the task.
    :param brief: length of texts and requests.
    :param knowledge: published speeds.
    :param task: the task.
    :param measured: figures of earlier probes on this machine.
    :return: their needs, in the order of the rows.
    """
    works = _works(columns, brief, knowledge, task).only(rows)
    hosted, here = columns.hosted[rows], device.id == THIS_MACHINE
    latency = _latency(device, columns, rows, works, knowledge, task, brief.data.tokens)
    memory = inference_mb(works, columns.line("classical", is_classical)[rows] > 0, device, brief.data.tokens)
    if measured and here:
        for place, row in enumerate(rows.tolist()):
            own = measured.get(columns.cards[row].id)
            if own:
                latency[place] = own.p95_ms
                memory[place] = memory[place] if own.memory_mb is None else own.memory_mb
    latency[hosted] = memory[hosted] = works.size_mb[hosted] = np.nan
    cost = monthly_usd(device, brief.constraints.requests_per_month, latency)
    for place in np.flatnonzero(hosted).tolist():
        price = monthly_cost(columns.cards[rows[place]], device, brief).value
        cost[place] = np.nan if price is None else price
    return Needs(latency, memory, works.size_mb, cost)


def training_minutes(
    strategy: Strategy, device: Device, columns: Columns, rows: Rows, brief: Brief, knowledge: Knowledge, task: Task
) -> Floats:  # fmt: skip
    """Estimate the minutes that a strategy takes on the user's data, for some cards."""
    data, epochs = brief.data, EPOCHS.get(strategy)
    if strategy in ("zero-shot", "prompt"):
        return np.zeros(len(rows))
    works = _works(columns, brief, knowledge, task).only(rows)
    usual = default_regime(device)
    regime = load_regimes()[usual if usual.startswith("pytorch") else "pytorch-cpu"]
    pace = dict(device.pace) if device.id == THIS_MACHINE else {}
    found = minutes(works, device, strategy, data.examples, epochs, task.modality, regime, pace)
    classical = np.flatnonzero(columns.line("classical", is_classical)[rows] > 0)
    if len(classical):
        one = columns.cards[rows[classical[0]]]
        value = train_minutes(one, device, strategy, data.examples, epochs, modality=task.modality).value
        found[classical] = np.nan if value is None else value
    found[columns.hosted[rows]] = np.nan
    return found


def _works(columns: Columns, brief: Brief, knowledge: Knowledge, task: Task) -> Works:
    tokens = brief.data.tokens if task.modality == "text" else None
    modalities = {one.id: one.modality for one in knowledge.tasks}

    def used_for(card: ModelCard) -> Modality:
        return modality_of(card, modalities, task.id)

    works: Works = columns.remembered(("works", task.id, tokens), lambda: Works.of(columns, used_for, tokens))
    return works


def _latency(
    device: Device, columns: Columns, rows: Rows, works: Works, knowledge: Knowledge, task: Task, tokens: int | None
) -> Floats:  # fmt: skip
    """Join the formula with what the tables say beyond it (see `advisor.estimate.Estimator`)."""
    regime = load_regimes()[default_regime(device)]
    effects = effects_of(knowledge, regime)
    shift, timed = columns.remembered(("effects", regime.id), lambda: _shifts(columns, effects))
    ms = base_ms(works, device, regime) * np.exp(shift[rows] + _device_shift(device, effects))
    for row, rest in _peculiar(device, columns, effects).items():
        ms[rows == row] *= math.exp(TWIN * rest)
    ms[np.isnan(works.flops) & ~timed[rows]] = np.nan
    if device.id == THIS_MACHINE:
        prepare = device.prepare_ms.get(task.modality, preprocessing_ms(device, task.modality))
        ms = (ms * works.by_class(dict(device.pace), device.pace.get("all", 1.0)) + prepare) * device.tail
    published = columns.remembered(("published", device.id), lambda: _published(device, columns, knowledge))
    own: Floats = published[rows]
    return np.where(np.isnan(own), ms, own)


def _shifts(columns: Columns, effects: Effects) -> tuple[Floats, Flags]:
    """Give what each model differs by from the formula, and whether anybody timed it."""
    shifts, timed = np.zeros(len(columns)), np.zeros(len(columns), dtype=bool)
    for model, (shift, _, count, _) in effects.models.items():
        row = columns.row_of(model)
        if row is not None:
            shifts[row], timed[row] = shift, count > 0
    return shifts, timed


def _device_shift(device: Device, effects: Effects) -> float:
    of_device = effects.devices.get(device.id)
    return of_device[0] if of_device else effects.chips.get(device.chip or device.id, (0.0, 0))[0]


def _peculiar(device: Device, columns: Columns, effects: Effects) -> dict[int, float]:
    """Give the rest of each model's timings on another device of the same chip."""
    chip = device.chip or device.id
    if device.id in effects.devices or chip not in effects.chips:
        return {}
    found = {
        columns.row_of(model): rest for (model, other), rest in effects.peculiar.items() if other == chip
    }
    return {row: rest for row, rest in found.items() if row is not None}


def _published(device: Device, columns: Columns, knowledge: Knowledge) -> Floats:
    """Give the speed that was published for exactly this model and device, one answer at a time."""
    found = np.full(len(columns), np.nan)
    estimator = Estimator(device, knowledge)
    for model in {row.model for row in knowledge.latencies if row.device == device.id and row.batch == 1}:
        row = columns.row_of(model)
        if row is not None and (ms := estimator.figures(columns.cards[row]).latency_ms) is not None:
            found[row] = ms
    return found
