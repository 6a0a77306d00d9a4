"""Calibration of class probabilities: reliability diagram, expected calibration error and temperature scaling."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.confidence import Bin, Confidence, Reliability
from advisor.measurement import Metric
from advisor.metrics import wilson

__all__ = ["confidence", "fit_temperature", "reliability", "scaled"]

BINS = 15
METHOD = f"{BINS} equal-width bins of the top class's probability (Guo et al. 2017)"
FLOOR = 1e-12
DRAWS = 1000
FEWEST_ERRORS = 2
HOTTEST = 20.0
Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


def reliability(truth: Indices, probabilities: Floats, seed: int = 0) -> Reliability:
    """Hold stated probabilities against what came true.

    The expected calibration error is that of Guo et al. 2017 (On Calibration of Modern Neural Networks). What a
    perfectly calibrated model shows on as many examples is drawn by consistency resampling (Broecker & Smith 2007).

    :param truth: (n,) class indices, n ≥ 1.
    :param probabilities: (n, k), rows adding up to 1.
    """
    n = len(truth)
    stated = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    place = np.clip(np.ceil(stated * BINS).astype(np.int64) - 1, 0, BINS - 1)
    member = (place[:, None] == np.arange(BINS)).astype(np.float64)
    drawn = np.random.default_rng(seed).random((DRAWS, n)) < stated
    by_chance = np.abs((drawn - stated) @ member).sum(axis=1) / n
    bins = []
    for number in np.unique(place).tolist():
        inside = place == number
        count, hits = int(inside.sum()), float(right[inside].sum())
        low, high = wilson(hits, count)
        share = Metric(value=hits / count, low=low, high=high, n=count)
        mean = float(stated[inside].mean())
        bins.append(Bin(low=number / BINS, high=(number + 1) / BINS, mean=mean, right=share))
    given = probabilities[np.arange(n), truth].astype(np.float64)
    return Reliability(
        method=METHOD,
        n=n,
        ece=float(np.abs((right - stated) @ member).sum() / n),
        by_chance=float(np.quantile(by_chance, 0.95)),
        surplus=float(stated.mean() - right.mean()),
        log_loss=float(-np.log(np.maximum(given, FLOOR)).mean()),
        bins=tuple(bins),
    )


def scaled(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """Divide the logits by a temperature: above 1 the probabilities become more alike.

    :param probabilities: (n, k); their logarithms are the logits up to a constant.
    :return: (n, k).
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), FLOOR)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(truth: Indices, probabilities: Floats) -> float:
    """Find the temperature with the least log loss (Guo et al. 2017), between 1/20 and 20; 1 where none is better.

    :param truth: (n,) class indices.
    :param probabilities: (n, k) of examples that the model had not learnt from.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logits = np.log(np.maximum(probabilities.astype(np.float64), FLOOR))
    own = logits[np.arange(len(truth)), truth]

    def loss(exponent: float) -> float:
        cold = np.exp(-exponent)
        return float((logsumexp(cold * logits, axis=1) - cold * own).mean())

    span = float(np.log(HOTTEST))
    found = minimize_scalar(loss, bounds=(-span, span), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def confidence(
    truth: Indices,
    probabilities: Floats,
    known_truth: Indices,
    known: Floats,
    *,
    crossed: bool,
    seed: int = 0,
) -> Confidence:
    """Measure calibration before and after temperature scaling.

    :param truth: (n,) class indices of the report split.
    :param probabilities: (n, k) of the report split; the temperature is judged by them and never fitted on them.
    :param known_truth: (m,) class indices to fit on.
    :param known: (m, k) probabilities to fit on.
    :param crossed: `known` comes from cross-validation; otherwise from the select split.
    """
    before = reliability(truth, probabilities, seed)
    errors = int(np.sum(known.argmax(axis=1) != known_truth)) if len(known_truth) else 0
    if errors < FEWEST_ERRORS:
        because = (
            f"{errors} of {len(known_truth)} answers to fit it on are wrong, and it takes {FEWEST_ERRORS}"
        )
        return Confidence(before=before, because=because)
    temperature = fit_temperature(known_truth, known)
    return Confidence(
        before=before,
        temperature=temperature,
        after=reliability(truth, scaled(probabilities, temperature), seed),
        fitted_on="cross-validation" if crossed else "select",
        fitted_examples=len(known_truth),
    )
