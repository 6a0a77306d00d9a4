"""Metrics of a classifier (0–1) with 95 % intervals, from class indices."""

import re
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.result import ClassScore, Confusion, Metric

__all__ = [
    "class_scores",
    "confusion",
    "evaluate",
    "evaluate_all",
    "parse_metric",
    "weighted_scores",
    "wilson",
]

Indices = NDArray[np.int64]
Weights = NDArray[np.float64]
RESAMPLES = 1000


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Bound a share by the score interval (Wilson 1927), which keeps its coverage for few examples.

    :param successes: how many of n.
    :param n: the number of trials; 0 gives the whole range.
    :return: low and high.
    """
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, float(min(centre - half, p))), min(1.0, float(max(centre + half, p)))


def parse_metric(metric: str) -> tuple[str, str | None]:
    """Split `recall:CLASS` into the metric and its class; other metrics have no class."""
    found = re.fullmatch(r"(recall|precision):(.+)", metric, re.DOTALL)
    return (found[1], found[2]) if found else (metric, None)


def weighted_scores(
    metric: str, truth: Indices, predicted: Indices, labels: Sequence[str], weights: Weights
) -> NDArray[np.float64]:
    """Compute one metric under many weightings of the examples at once.

    :param metric: accuracy, balanced_accuracy, macro_f1, precision, recall (both macro), recall:CLASS or
        precision:CLASS.
    :param truth: (n,) class indices.
    :param predicted: (n,) class indices.
    :param labels: the class names; classes that occur neither in truth nor in predictions do not count, and
        for balanced accuracy those that do not occur in truth (both as scikit-learn has it).
    :param weights: (draws, n) non-negative weights.
    :return: (draws,) values in 0–1.
    """
    name, chosen = parse_metric(metric)
    right = (truth == predicted).astype(float)
    if name == "accuracy":
        return np.asarray(weights @ right / weights.sum(axis=1))
    present = np.unique(np.concatenate([truth, predicted]))
    support, called = _per_class(weights, truth, present), _per_class(weights, predicted, present)
    hits = _per_class(weights * right, truth, present)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.where(support > 0, hits / support, np.nan)
        precision = np.where(called > 0, hits / called, np.where(support > 0, 0.0, np.nan))
        f1 = np.where(support + called > 0, 2 * hits / (support + called), np.nan)
    if chosen is not None:
        column = np.flatnonzero(present == list(labels).index(chosen))
        table = recall if name == "recall" else precision
        return np.nan_to_num(table[:, column[0]]) if len(column) else np.zeros(len(weights))
    called_only = np.where(np.isnan(recall) & (called > 0), 0.0, recall)
    table = {"balanced_accuracy": recall, "recall": called_only, "precision": precision, "macro_f1": f1}[name]
    defined = ~np.isnan(table)
    return np.asarray(np.nansum(table, axis=1) / np.maximum(defined.sum(axis=1), 1))


def _per_class(weights: Weights, classes: Indices, present: Indices) -> NDArray[np.float64]:
    """Add up the weights of each class's examples, (draws, n) → (draws, classes present)."""
    order = np.argsort(classes, kind="stable")
    found, starts = np.unique(classes[order], return_index=True)
    sums = np.zeros((len(weights), len(present)))
    if len(found):
        sums[:, np.searchsorted(present, found)] = np.add.reduceat(weights[:, order], starts, axis=1)
    return sums


def evaluate(metric: str, truth: Indices, predicted: Indices, labels: Sequence[str], seed: int = 0) -> Metric:
    """Measure one metric with its 95 % interval.

    Accuracy and one class's recall or precision are shares: Wilson's interval. The averages over classes are
    resampled (Bayesian bootstrap, Rubin 1981), or Wilson's interval of as many examples where every resample
    agrees.

    :param truth: (n,) class indices, n ≥ 1.
    :param predicted: (n,) class indices.
    :return: value, low, high and n (the class's own n for recall:CLASS and precision:CLASS).
    """
    n = len(truth)
    value = float(weighted_scores(metric, truth, predicted, labels, np.ones((1, n)))[0])
    name, chosen = parse_metric(metric)
    if chosen is not None:
        index = list(labels).index(chosen)
        own = int(np.sum((truth if name == "recall" else predicted) == index))
        low, high = wilson(value * own, own)
        return Metric(value=value, low=low, high=high, n=own)
    low, high = wilson(value * n, n)
    if name != "accuracy":
        draws = np.random.default_rng(seed).exponential(size=(RESAMPLES, n))
        spread = weighted_scores(metric, truth, predicted, labels, draws)
        low, high = (float(bound) for bound in np.quantile(spread, (0.025, 0.975)))
        if np.ptp(spread) == 0:
            low, high = wilson(value * n, n)
    return Metric(value=value, low=min(low, value), high=max(high, value), n=n)


def evaluate_all(
    truth: Indices, predicted: Indices, labels: Sequence[str], metric: str, seed: int = 0
) -> dict[str, Metric]:
    """Measure accuracy, balanced accuracy, macro-F1, precision, recall and the brief's own metric."""
    names = ["accuracy", "balanced_accuracy", "macro_f1", "precision", "recall"]
    return {name: evaluate(name, truth, predicted, labels, seed) for name in dict.fromkeys([*names, metric])}


def confusion(truth: Indices, predicted: Indices, labels: Sequence[str]) -> Confusion:
    """Count truth (rows) against prediction (columns)."""
    k = len(labels)
    counts: NDArray[Any] = np.bincount(truth * k + predicted, minlength=k * k).reshape(k, k)
    return Confusion(labels=tuple(labels), matrix=tuple(tuple(int(cell) for cell in row) for row in counts))


def class_scores(truth: Indices, predicted: Indices, labels: Sequence[str]) -> dict[str, ClassScore]:
    """Score each class that occurs in the truth or in the predictions."""
    k = len(labels)
    support, called = np.bincount(truth, minlength=k), np.bincount(predicted, minlength=k)
    hits = np.bincount(truth[truth == predicted], minlength=k)
    return {
        label: ClassScore(
            precision=float(hits[i] / called[i]) if called[i] else 0.0,
            recall=float(hits[i] / support[i]) if support[i] else 0.0,
            f1=float(2 * hits[i] / (support[i] + called[i])),
            n=int(support[i]),
        )
        for i, label in enumerate(labels)
        if support[i] + called[i] > 0
    }
