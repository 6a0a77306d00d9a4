"""Learn how fast kinds of networks run on kinds of devices from the published speeds in the knowledge base.

`python -m advisor.importers.speed --knowledge DIR` rewrites `DIR/speed.yaml`: for every regime (a runtime and a
precision on a kind of device) the milliseconds for 10^9 multiply-adds, 10^6 activations and 10^6 weights on a
device of speed 1, how a device's speed follows from its peak and its cores, factors for kinds of networks, and how
far all that errs. `--without ID,ID` leaves devices out, to test it on them.
"""

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from advisor.knowledge import Device, Knowledge, Latency, load_knowledge
from advisor.roofline import USUAL_ACTIVATIONS, Regime, regime_of, speed_of
from advisor.workload import Workload, modality_of, workload

__all__ = ["fit_activations", "fit_speeds", "main", "speeds_text"]

Floats = NDArray[np.float64]

SHAPES = {
    "pytorch-gpu": Regime("", 0, 0, peak="fp32", memory="bandwidth", exponents=(1.0, 0.0), launch=6.0),
    "pytorch-gpu-compiled": Regime("", 0, 0, peak="fp32", memory="bandwidth", exponents=(1.0, 0.0), launch=2.0),
    "tensorrt": Regime("", 0, 0, peak="fp32", memory="bandwidth", exponents=(1.0, 0.0), launch=0.8),
    "pytorch-cpu": Regime("", 0, 0, exponents=(1.0, 0.45)),
    "ncnn": Regime("", 0, 0, exponents=(0.8, 0.6)),
    "ncnn-int8": Regime("", 0, 0, exponents=(0.8, 0.6)),
    "opencv": Regime("", 0, 0, exponents=(0.8, 0.6)),
    "opencv-int8": Regime("", 0, 0, exponents=(0.8, 0.6)),
    "tflite-cpu": Regime("", 0, 0, exponents=(0.8, 0.6)),
    "npu-float": Regime("", 0, 0, peak="int8", exponents=(0.8, 0.0), launch=0.2),
    "npu-w8a8": Regime("", 0, 0, peak="int8", exponents=(0.8, 0.0), launch=0.15),
    "npu-w8a16": Regime("", 0, 0, peak="int8", exponents=(0.8, 0.0), launch=0.15),
    "edgetpu-int8": Regime("", 0, 0, peak="int8", exponents=(1.0, 0.0), launch=1.5),
}  # fmt: skip
"""What stands fast before fitting. Launches: 100 to 300 kernels of 0.02 to 0.05 ms on a GPU; the smallest published
times elsewhere. The exponents are where few devices tell them otherwise: the number of cores counts as in ncnn's
table, where 16 cores are 3 to 5 times as fast as one."""
SURE = {"exponents": 6.0, "classes": 12.0}
"""How many devices, and how many rows, a prior guess of an exponent or a class factor is worth."""
LARGE_BATCH, READ_MS = 32, 0.004
"""Tables of large batches say nothing of what a pass costs whatever its size; 10^6 weights are then taken to be read
once in four bytes each at 1000 GB/s."""
ROUNDS = 6
FEWEST = 4
USED = 1.645
FEW_DEVICES = 0.22
"""Of what a few devices differ by from the formula, as much is left when a model is scaled from all of them to a new
one: four GPUs left out in turn then lie within their intervals about as often as they should."""


@dataclass(frozen=True)
class Row:
    """One published speed with what the formula needs."""

    device: Device
    work: Workload
    model: str
    batch: int
    ms: float


def fit_speeds(knowledge: Knowledge, without: Collection[str] = ()) -> dict[str, Regime]:
    """Fit every regime of which there are rows.

    :param knowledge: cards, devices and published speeds.
    :param without: ids of devices whose rows are not used.
    :return: regime id → regime; those without enough rows take over the coefficients of the nearest kind.
    """
    rows = _rows(knowledge, without)
    found: dict[str, Regime] = {}
    for id, shape in SHAPES.items():
        mine = rows.get(id, [])
        if len({row.model for row in mine}) >= FEWEST:
            found[id] = _fit(replace(shape, id=id), mine, found)
        else:
            found[id] = _borrowed(replace(shape, id=id), found)
    return found


def fit_activations(knowledge: Knowledge) -> dict[str, tuple[float, float]]:
    """Fit 10^6 activations = level × (10^9 multiply-adds)^power by kind of network.

    :return: kind → (level, power).
    """
    modalities = {task.id: task.modality for task in knowledge.tasks}
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for card in knowledge.models:
        if card.activations and card.flops:
            klass = workload(card, modality_of(card, modalities)).klass
            points[klass].append((math.log(card.flops.value / 2e9), math.log(card.activations.value / 1e6)))
    found: dict[str, tuple[float, float]] = {}
    for klass, pairs in sorted(points.items()):
        if len(pairs) >= FEWEST:
            work, numbers = np.array(pairs).T
            power, level = np.polyfit(work, numbers, 1)
            found[klass] = (math.exp(level), min(float(power), 1.2))
    if "attention" in found:
        found["sequence"] = (found["attention"][0] * 0.6, 1.0)
    return found


def speeds_text(regimes: Mapping[str, Regime], activations: Mapping[str, tuple[float, float]]) -> str:
    """Write the coefficients as YAML with three significant digits."""
    content: dict[str, Any] = {"regimes": {}, "activations": {}}
    for id, regime in regimes.items():
        plain = {key: _round(value) for key, value in asdict(regime).items() if key != "id"}
        content["regimes"][id] = plain
    content["activations"] = {klass: [_round(one) for one in pair] for klass, pair in activations.items()}
    head = (
        "# Made by `python -m advisor.importers.speed` from results/latency*.csv; what the keys mean stands in\n"
        "# advisor/roofline.py. Milliseconds are for a device of speed 1: 100 GFLOPS in one core, or 10 TFLOPS.\n"
    )
    return head + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=110)


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.3g}")
    if isinstance(value, tuple):
        return [_round(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _round(one) for key, one in value.items()}
    return value


def _rows(knowledge: Knowledge, without: Collection[str]) -> dict[str, list[Row]]:
    modalities = {task.id: task.modality for task in knowledge.tasks}
    devices = {device.id: device for device in knowledge.devices}
    activations = fit_activations(knowledge)
    timed = {row.model for row in knowledge.latencies}
    works = {
        card.id: workload(card, modality_of(card, modalities))
        for card in knowledge.models
        if card.id in timed
    }
    found: dict[str, list[Row]] = defaultdict(list)
    for row in knowledge.latencies:
        work = works.get(row.model)
        if row.device in without or row.device not in devices or work is None or work.flops is None:
            continue
        if work.steps:
            continue
        if work.activations is None:
            level, power = activations.get(work.klass, (USUAL_ACTIVATIONS, 1.0))
            work = replace(work, activations=level * (work.flops / 2e9) ** power * 1e6)
        found[_regime(row, devices)].append(Row(devices[row.device], work, row.model, row.batch, row.ms))
    return found


def _regime(row: Latency, devices: Mapping[str, Device]) -> str:
    return regime_of(row, devices[row.device].kind)


def _fit(shape: Regime, rows: Sequence[Row], known: Mapping[str, Regime]) -> Regime:
    from scipy.optimize import nnls

    regime = shape
    names = list(dict.fromkeys(row.device.id for row in rows))
    device_of = np.array([names.index(row.device.id) for row in rows])
    times = np.array([row.ms for row in rows])
    shifts: Floats = np.zeros(len(names))
    factors = np.ones(len(rows))
    fixed = np.zeros(4)
    free = np.ones(4, dtype=bool)
    if regime.memory == "bandwidth" and np.median([row.batch for row in rows]) >= LARGE_BATCH:
        fixed[2], free[2:] = READ_MS, False
    for _ in range(ROUNDS):
        parts = _parts(rows, regime)
        scale = np.exp(shifts[device_of]) * factors
        relative = parts * (scale / times)[:, None]
        coefficients = fixed.copy()
        coefficients[free], _ = nnls(relative[:, free], np.ones(len(rows)) - relative @ fixed)
        formula = parts @ coefficients * scale
        rest = np.log(times / np.maximum(formula, 1e-9))
        shifts = shifts + np.array([np.median(rest[device_of == i]) for i in range(len(names))])
        rest = rest - np.array([np.median(rest[device_of == i]) for i in range(len(names))])[device_of]
        factors = factors * np.exp(_shrunk([row.work.klass for row in rows], rest))
        level = float(np.mean(shifts))
        shifts = shifts - level
        coefficients = np.where(free, coefficients * math.exp(level), fixed)
        regime, shifts = _with_exponents(regime, rows, names, shifts)
    classes = {
        klass: float(np.median(factors[[row.work.klass == klass for row in rows]]))
        for klass in sorted({row.work.klass for row in rows})
    }
    fitted = replace(
        regime, gmac=float(coefficients[0]), activation=float(coefficients[1]),
        weight=float(coefficients[2]), start=float(coefficients[3]), classes=classes,
    )  # fmt: skip
    rest = np.log(times / np.maximum(_parts(rows, fitted) @ coefficients * factors, 1e-9))
    return _spreads(fitted, rows, rest, device_of, known)


def _parts(rows: Sequence[Row], regime: Regime) -> Floats:
    """Give for each row what gmac, activation, weight and start are multiplied by."""
    found = []
    for row in rows:
        speed = speed_of(row.device, regime) or 1.0
        memory = speed
        if regime.memory == "bandwidth" and row.device.bandwidth_gb_s:
            memory = row.device.bandwidth_gb_s / 1000
        work = row.work
        weights = (work.weight_mb or 0.0) / 4
        numbers = (work.activations or 0.0) / 1e6
        assert work.flops is not None
        found.append(
            (row.batch * work.flops / 2e9 / speed, row.batch * numbers / memory, weights / memory, 1 / speed)
        )
    return np.array(found)


def _shrunk(klasses: Sequence[str], rest: Floats) -> Floats:
    counts = Counter(klasses)
    means = {
        klass: float(np.median(rest[[one == klass for one in klasses]])) * count / (count + SURE["classes"])
        for klass, count in counts.items()
    }
    return np.array([means[klass] for klass in klasses])


def _with_exponents(
    regime: Regime, rows: Sequence[Row], names: Sequence[str], shifts: Floats
) -> tuple[Regime, Floats]:
    """Move what the devices differ by into the exponents of peak and cores, as far as enough devices speak."""
    devices = {row.device.id: row.device for row in rows}
    if regime.memory == "bandwidth" or len(names) < 2 * FEWEST:
        return regime, shifts
    unit = replace(regime, exponents=(1.0, 0.0))
    peaks = np.array([math.log(speed_of(devices[name], unit) or 1.0) for name in names])
    counts = regime.peak == "core"
    cores = np.array([math.log(devices[name].cores or 1) if counts else 0.0 for name in names])
    known = np.array([speed_of(devices[name], unit) is not None for name in names])
    columns = np.column_stack([np.ones(len(names)), peaks, cores])[known]
    weight = np.ones(int(known.sum()))
    change = np.zeros(3)
    for _ in range(20):
        penalty = np.diag([1e-6, SURE["exponents"] * 0.1, SURE["exponents"] * 0.1])
        scaled = columns * weight[:, None]
        change = np.linalg.solve(scaled.T @ columns + penalty, scaled.T @ shifts[known])
        weight = 1 / np.maximum(np.abs(shifts[known] - columns @ change), 0.2)
        weight = weight / weight.max()
    first = min(max(regime.exponents[0] - change[1], 0.3), 1.3)
    second = min(max(regime.exponents[1] - change[2], 0.0), 1.0) if counts else 0.0
    moved = replace(regime, exponents=(float(first), float(second)))
    lost = change[0] + (regime.exponents[0] - first) * peaks + (regime.exponents[1] - second) * cores
    left = np.where(known, shifts - lost, shifts)
    return moved, left


def _spreads(
    regime: Regime,
    rows: Sequence[Row],
    rest: Floats,
    device_of: NDArray[np.intp],
    known: Mapping[str, Regime],
) -> Regime:
    """Measure how far models, devices and single timings lie from the formula, robustly."""
    models = list(dict.fromkeys(row.model for row in rows))
    model_of = np.array([models.index(row.model) for row in rows])
    of_device = np.zeros(device_of.max() + 1)
    of_model = np.zeros(len(models))
    for _ in range(10):
        of_device = _means(device_of, rest - of_model[model_of], len(of_device))
        of_model = _means(model_of, rest - of_device[device_of], len(of_model))
    level = float(np.median(of_device))
    cell = rest - of_model[model_of] - of_device[device_of]
    freedom = max(len(rows) - len(models) - len(of_device), 1) / len(rows)
    many = len(of_device)
    near = known.get("ncnn", regime)
    spread = near.device * 0.6
    if many >= 2 * FEWEST:
        spread = _width(of_device - level)
    elif many >= 3:
        spread = float(np.std(of_device, ddof=1)) * FEW_DEVICES
    return replace(
        regime,
        constant=level,
        typical=float(
            np.median([row.ms * (speed_of(row.device, regime) or 1.0) / row.batch for row in rows])
        ),
        cell=max(_width(cell) / math.sqrt(max(freedom, 0.25)), 0.05),
        model=max(_width(of_model), 0.08),
        device=max(spread, 0.08),
    )


def _means(groups: NDArray[np.intp], values: Floats, size: int) -> Floats:
    return np.bincount(groups, values, size) / np.maximum(np.bincount(groups, minlength=size), 1)


def _width(values: Floats) -> float:
    """Give the standard deviation that a normal distribution with the same 90 % interval has."""
    return float(np.quantile(np.abs(values), 0.9)) / USED


def _borrowed(shape: Regime, known: Mapping[str, Regime]) -> Regime:
    parents = {
        "pytorch-gpu-compiled": "pytorch-gpu", "tensorrt": "pytorch-gpu-compiled", "ncnn-int8": "ncnn",
        "opencv": "ncnn", "opencv-int8": "opencv", "tflite-cpu": "ncnn", "npu-w8a8": "npu-float",
        "npu-w8a16": "npu-w8a8", "edgetpu-int8": "npu-w8a8",
    }  # fmt: skip
    parent = known.get(parents.get(shape.id, ""))
    if parent is None:
        return replace(shape, gmac=20.0, activation=2.0, device=0.8, model=0.4)
    return replace(parent, id=shape.id, peak=shape.peak, memory=shape.memory, launch=shape.launch, device=0.7)


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite `speed.yaml` of a knowledge folder.

    :param arguments: the command line; that of the process if None.
    """
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.speed", description=main.__doc__)
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"), help="the folder to rewrite")
    parser.add_argument("--without", default="", help="devices to leave out, separated by commas")
    options = parser.parse_args(arguments)
    knowledge = load_knowledge(options.knowledge)
    left_out: Iterable[str] = filter(None, options.without.split(","))
    text = speeds_text(fit_speeds(knowledge, set(left_out)), fit_activations(knowledge))
    (options.knowledge / "speed.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
