"""How well probabilities set classes apart whatever the threshold: areas under ROC and precision-recall curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.confidence import ClassSeparation, Point, Separation
from advisor.measurement import Metric
from advisor.metrics import parse_metric, wilson

__all__ = ["separation"]

Z95 = 1.959964
SHOWN_POINTS = 100
Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


def _placements(positive: NDArray[np.bool_], scores: Floats) -> NDArray[np.float64]:
    """The share of the other side that each example is on the right side of, ties half, (n,)."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    inside = np.empty(len(scores))
    inside[positive], inside[~positive] = rankdata(scores[positive]), rankdata(scores[~positive])
    below = ranks - inside
    return np.asarray(np.where(positive, below / (~positive).sum(), 1 - below / positive.sum()))


def _few(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Point, ...]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), SHOWN_POINTS)).round().astype(np.int64))
    return tuple((float(x[i]), float(y[i])) for i in kept)


def separation(
    truth: Indices,
    probabilities: Floats,
    labels: Sequence[str],
    counts: Mapping[str, int],
    metric: str = "accuracy",
) -> Separation | None:
    """Measure the areas under the curves on the report split.

    With two classes the positive one is that of `recall:CLASS` and `precision:CLASS`, else the rarer one in the data.
    With more, each class is held against all others and the mean over those that occur is given.

    :param truth: (n,) class indices.
    :param probabilities: (n, k).
    :param counts: label → examples in all of the data.
    :return: None where fewer than two classes occur.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

    n = len(truth)
    present = [int(index) for index in np.unique(truth)]
    if len(present) < 2:
        return None
    positive = _positive(labels, counts, metric) if len(labels) == 2 else None
    looked = present if positive is None else [list(labels).index(positive)]
    shares, pull, per_class = [], np.zeros(n), {}
    for index in looked:
        own, scores = truth == index, probabilities[:, index]
        placed = _placements(own, scores)
        area = float(placed[own].mean())
        pull += (placed - area) / np.where(own, own.mean(), 1 - own.mean()) / len(looked)
        shares.append(float(own.mean()))
        per_class[labels[index]] = ClassSeparation(
            roc_auc=area, average_precision=float(average_precision_score(own, scores)), n=int(own.sum())
        )
    value = float(np.mean([one.roc_auc for one in per_class.values()]))
    low, high = _interval(value, float(pull.std() / np.sqrt(n)), n)
    roc: tuple[Point, ...] = ()
    curve: tuple[Point, ...] = ()
    if positive is not None:
        own, scores = truth == looked[0], probabilities[:, looked[0]]
        false, true, _ = roc_curve(own, scores, drop_intermediate=False)
        roc = ((0.0, 0.0), *_few(false[1:], true[1:]))
        precision, recall, _ = precision_recall_curve(own, scores)
        curve = _few(recall[-2::-1], precision[-2::-1])
    return Separation(
        positive=positive,
        roc_auc=Metric(value=value, low=min(low, value), high=max(high, value), n=n),
        average_precision=float(np.mean([one.average_precision for one in per_class.values()])),
        prevalence=float(np.mean(shares)),
        per_class=per_class,
        roc=roc,
        precision_recall=curve,
    )


def _interval(area: float, error: float, n: int) -> tuple[float, float]:
    """Bound an area by its standard error (DeLong et al. 1988) on the logit scale; a share of n where there is none."""
    if not (error > 0 and 0 < area < 1):
        return wilson(area * n, n)
    logit, half = np.log(area / (1 - area)), Z95 * error / (area * (1 - area))
    return float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))


def _positive(labels: Sequence[str], counts: Mapping[str, int], metric: str) -> str:
    _, chosen = parse_metric(metric)
    return (
        chosen
        if chosen is not None and chosen in labels
        else min(labels, key=lambda label: (counts.get(label, 0), label))
    )
