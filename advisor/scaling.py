"""What published speeds say beyond the formula: which models and which devices are slower or faster than it.

Every published speed of a regime is a cell of a table of models × devices. The logarithm of its ratio to the formula
is taken as a sum of what the model differs by, what the device differs by, and noise; both are shrunk towards
nothing as far as few rows speak (best linear unbiased prediction in a crossed random-effects model, Henderson
1975). So a model that was timed on other devices is scaled from them, and a device on which other models were
timed from those.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from advisor.knowledge import Device, Knowledge, Latency
from advisor.roofline import Regime, base_ms, regime_of
from advisor.workload import modality_of, workload

__all__ = ["Cell", "Effects", "effects_of"]

ROUNDS = 12
UNKNOWN_WORK = 1.2
CHIP = 0.12
"""Standard deviations of the logarithm: of a model whose work is unknown; of devices with the same chip."""
TWIN = 0.85
"""How much of a timing's peculiarity the same model shows on a device with the same chip."""


class Cell(NamedTuple):
    """What to add to the logarithm of the formula's time, with its variance and where it comes from."""

    shift: float
    variance: float
    model_rows: int
    device_rows: int
    example: Latency | None


@dataclass(frozen=True)
class Effects:
    """What the rows of one regime say.

    :ivar models: model → (shift, variance, rows, one of its rows).
    :ivar devices: device → (shift, variance, rows).
    :ivar chips: chip → (shift, rows) over its devices.
    :ivar peculiar: (model, chip) → rest of its timings.
    """

    regime: Regime
    models: Mapping[str, tuple[float, float, int, Latency]]
    devices: Mapping[str, tuple[float, float, int]]
    chips: Mapping[str, tuple[float, int]]
    peculiar: Mapping[tuple[str, str], float]

    def cell(self, model: str, device: Device, known_work: bool) -> Cell:
        """Say what is known of a model on a device."""
        spread = self.regime.model if known_work else UNKNOWN_WORK
        of_model = self.models.get(model)
        shift, variance, rows = (of_model[0], of_model[1], of_model[2]) if of_model else (0.0, spread**2, 0)
        of_device = self.devices.get(device.id)
        chip = device.chip or device.id
        noise = self.regime.cell**2
        if of_device:
            shift, variance = shift + of_device[0], variance + of_device[1]
        elif chip in self.chips:
            shift, variance = shift + self.chips[chip][0], variance + CHIP**2
            rest = self.peculiar.get((model, chip))
            if rest is not None:
                shift += TWIN * rest
                noise *= 1 - TWIN**2
        else:
            variance += self.regime.device**2
        device_rows = of_device[2] if of_device else self.chips.get(chip, (0.0, 0))[1]
        return Cell(shift, variance + noise, rows, device_rows, of_model[3] if of_model else None)


_CACHE: dict[tuple[int, int, str, int], tuple[object, object, object, Effects]] = {}
REMEMBERED = 64


def effects_of(knowledge: Knowledge, regime: Regime) -> Effects:
    """Give the effects in a regime; worked out once for the same tables.

    :param knowledge: cards, devices and published speeds.
    :param regime: the formula.
    :return: what the rows of the regime say beyond it.
    """
    rows, devices = knowledge.latencies, knowledge.devices
    key = (id(rows), id(devices), regime.id, id(regime))
    found = _CACHE.get(key)
    if found is None:
        if len(_CACHE) >= REMEMBERED:
            _CACHE.pop(next(iter(_CACHE)))
        found = _CACHE[key] = (rows, devices, regime, _work_out(knowledge, regime))
    return found[3]


def _work_out(knowledge: Knowledge, regime: Regime) -> Effects:
    devices = {device.id: device for device in knowledge.devices}
    mine = [
        row
        for row in knowledge.latencies
        if row.device in devices and regime_of(row, devices[row.device].kind) == regime.id
    ]
    timed = {row.model for row in mine}
    modalities = {task.id: task.modality for task in knowledge.tasks}
    works = {
        card.id: workload(card, modality_of(card, modalities))
        for card in knowledge.models
        if card.id in timed
    }
    found: list[tuple[Latency, float, bool]] = []
    for row in mine:
        work = works.get(row.model)
        base = base_ms(work, devices[row.device], regime, row.batch) if work else None
        if work and base:
            found.append((row, math.log(row.ms / base), work.flops is not None))
    return _crossed(regime, found, {key: one.chip or key for key, one in devices.items()})


def _crossed(
    regime: Regime, rows: Sequence[tuple[Latency, float, bool]], chips: Mapping[str, str]
) -> Effects:
    if not rows:
        return Effects(regime, {}, {}, {}, {})
    models = {name: i for i, name in enumerate(dict.fromkeys(row.model for row, _, _ in rows))}
    devices = {name: i for i, name in enumerate(dict.fromkeys(row.device for row, _, _ in rows))}
    of_model = np.array([models[row.model] for row, _, _ in rows])
    of_device = np.array([devices[row.device] for row, _, _ in rows])
    rest = np.array([shift for _, shift, _ in rows])
    known = np.ones(len(models), dtype=bool)
    known[of_model] = [sure for _, _, sure in rows]
    noise = regime.cell**2
    model_counts, device_counts = np.bincount(of_model), np.bincount(of_device)
    model_prior = np.where(known, regime.model**2, UNKNOWN_WORK**2)
    model_shift, device_shift = np.zeros(len(models)), np.zeros(len(devices))
    weights = np.where(known[of_model], 1.0, 0.05)
    device_weight = np.bincount(of_device, weights)
    for _ in range(ROUNDS):
        left = np.bincount(of_device, weights * (rest - model_shift[of_model]))
        device_shift = left / (device_weight + noise / regime.device**2)
        left = np.bincount(of_model, rest - device_shift[of_device])
        model_shift = left / (model_counts + noise / model_prior)
    model_variance = noise / (model_counts + noise / model_prior)
    device_variance = noise / (device_counts + noise / regime.device**2) + 0.05**2
    rest = rest - model_shift[of_model] - device_shift[of_device]
    by_chip: dict[str, list[int]] = defaultdict(list)
    for name, i in devices.items():
        by_chip[chips[name]].append(i)
    peculiar: dict[tuple[str, str], list[float]] = defaultdict(list)
    examples: dict[str, Latency] = {}
    for (row, _, _), one in zip(rows, rest, strict=True):
        peculiar[row.model, chips[row.device]].append(float(one))
        examples.setdefault(row.model, row)
    return Effects(
        regime,
        {
            name: (float(model_shift[i]), float(model_variance[i]), int(model_counts[i]), examples[name])
            for name, i in models.items()
        },
        {
            name: (float(device_shift[i]), float(device_variance[i]), int(device_counts[i]))
            for name, i in devices.items()
        },
        {
            chip: (float(np.mean(device_shift[ones])), int(device_counts[ones].sum()))
            for chip, ones in by_chip.items()
        },
        {key: sum(ones) / len(ones) for key, ones in peculiar.items()},
    )
