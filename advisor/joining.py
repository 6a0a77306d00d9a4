"""Prior and cheap scores become one standing, before anything is tuned: what each adds, and no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TRUST", "Case", "Trust", "join", "learn"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trust:
    """How well readings of models tell how they end, and how much the readings repeat each other.

    :ivar agreement: reading → its correlation with the outcome.
    :ivar mutual: two readings, in alphabetical order → their correlation with each other.
    :ivar doubt: reading → variance by which its agreement changes from data set to data set.
    """

    agreement: Mapping[str, float]
    mutual: Mapping[tuple[str, str], float]
    doubt: Mapping[str, float]


@dataclass(frozen=True)
class Case:
    """A data set whose outcome is known.

    :ivar readings: reading → model → value.
    :ivar outcome: model → score after fine-tuning.
    """

    readings: Mapping[str, Mapping[str, float]]
    outcome: Mapping[str, float]


TRUST = Trust(
    agreement={"prior": 0.84, "logme": 0.65},
    mutual={("logme", "prior"): 0.85},
    doubt={"prior": 0.13, "logme": 0.16},
)
"""Found by `learn` on data sets with published LogME scores and fine-tuning results (`benchmarks/selection`)."""


def join(readings: Mapping[str, Mapping[str, float]], trust: Trust = TRUST) -> dict[str, float]:
    """Give each model's standing by all readings together, in units of the spread between the models.

    Each reading is put on one scale over the models that have it; one that a model lacks counts as the mean. The
    weights lie halfway between equal ones and those of the best linear prediction of the outcome. In the latter a
    reading that says what another says already adds little, one whose agreement changes between data sets is trusted
    less, and none is turned round; but few data sets teach weights badly, and equal ones are hard to beat (Bates &
    Granger 1969; Dawes 1979; Diebold & Pauly 1990).

    :param readings: reading → model → value, larger is better; readings that `trust` does not know are left out.
    :param trust: learnt on other data sets.
    :return: model → weighted mean of its readings, for every model that has one.
    """
    names = [name for name in readings if name in trust.agreement and readings[name]]
    models = sorted({model for name in names for model in readings[name]})
    if not models:
        return {}
    table = np.stack([_scaled(readings[name], models) for name in names], axis=1)
    weights = _weights(names, trust)
    return dict(zip(models, (table @ weights).tolist(), strict=True))


def learn(cases: Sequence[Case]) -> Trust:
    """Learn from data sets with known outcomes how far to trust each reading; every case has the same readings.

    The doubt of a reading is the variance of its agreement between the cases and what chance adds with so few models.

    :param cases: at least two, of at least three models each.
    """
    names = sorted(cases[0].readings)
    agreements: dict[str, list[float]] = {name: [] for name in names}
    mutual: dict[tuple[str, str], list[float]] = {}
    for case in cases:
        models = sorted(case.outcome)
        truth = _scaled(case.outcome, models)
        scaled = {name: _scaled(case.readings[name], models) for name in names}
        for place, name in enumerate(names):
            agreements[name].append(float(np.mean(scaled[name] * truth)))
            for other in names[place + 1 :]:
                mutual.setdefault((name, other), []).append(float(np.mean(scaled[name] * scaled[other])))
    chance = float(np.mean([1 / (len(case.outcome) - 1) for case in cases]))
    return Trust(
        agreement={name: float(np.mean(found)) for name, found in agreements.items()},
        mutual={pair: float(np.mean(found)) for pair, found in mutual.items()},
        doubt={name: float(np.var(found, ddof=1)) + chance for name, found in agreements.items()},
    )


def _scaled(reading: Mapping[str, float], models: Sequence[str]) -> Floats:
    """Give (m,) values in units of their spread around their mean; 0 where there is none."""
    values = np.array([reading.get(model, np.nan) for model in models], dtype=np.float64)
    there = np.isfinite(values)
    spread = float(values[there].std()) if there.any() else 0.0
    if spread == 0:
        return np.zeros(len(models))
    return np.where(there, (values - values[there].mean()) / spread, 0.0)


def _weights(names: Sequence[str], trust: Trust) -> Floats:
    """Solve for the weights of the readings, none negative, and draw them halfway to equality; they add up to 1."""
    from scipy.optimize import nnls

    together = np.array(
        [[1 + trust.doubt[a] if a == b else trust.mutual[min(a, b), max(a, b)] for b in names] for a in names]
    )
    wanted = np.array([trust.agreement[name] for name in names])
    values, turn = np.linalg.eigh(together)
    root = np.sqrt(np.maximum(values, 1e-6))
    weights = np.asarray(nnls(root[:, None] * turn.T, (turn.T @ wanted) / root)[0], dtype=np.float64)
    equal = np.full(len(names), 1 / len(names))
    total = float(weights.sum())
    return (weights / total + equal) / 2 if total > 0 else equal
