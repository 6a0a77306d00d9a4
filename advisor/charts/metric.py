"""Which measured number stands for the metric that the brief asked for."""

import math

from advisor.result import Metric, ModelResult

__all__ = ["measured_metric", "metric_name"]

NAMES = {"accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "macro_f1": "Macro F1"}
Z95 = 1.959964


def metric_name(metric: str) -> str:
    """Name a brief's metric in words: `recall:cat` becomes `Recall of cat`."""
    kind, _, label = metric.partition(":")
    return (
        f"{kind.capitalize()} of {label}"
        if label
        else NAMES.get(metric, metric.replace("_", " ").capitalize())
    )


def _wilson(value: float, n: int) -> tuple[float, float]:
    """Find the 95 % interval of a share over n cases (Wilson 1927)."""
    if n <= 0:
        return 0.0, 1.0
    centre = (value + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(value * (1 - value) / n + Z95**2 / (4 * n**2))
    return max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))


def measured_metric(result: ModelResult, metric: str) -> Metric | None:
    """Find the brief's metric among what was measured on the report split.

    :param result: one model's result.
    :param metric: the brief's metric, `recall:CLASS` and `precision:CLASS` included.
    :return: the metric, or None where it was not measured.
    """
    kind, _, label = metric.partition(":")
    if not label:
        return (result.metrics or {}).get(metric)
    scores = result.per_class.get(label)
    if result.status != "ok" or scores is None:
        return None
    value, n = (scores.recall, scores.n) if kind == "recall" else (scores.precision, 0)
    confusion = result.confusion
    if kind == "precision" and confusion is not None and label in confusion.labels:
        column = confusion.labels.index(label)
        n = sum(row[column] for row in confusion.matrix)
    low, high = _wilson(value, n)
    return Metric(value=value, low=low, high=high, n=n)
