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


class _Sorted:
    """The examples by falling score, equal scores in one group.

    :param positive: (n,) whether an example is of the class.
    :param scores: (n,) how probable the class is said to be.
    """

    def __init__(self, positive: NDArray[np.bool_], scores: Floats) -> None:
        self.order = np.argsort(-scores, kind="stable")
        self.positive = positive[self.order].astype(np.float64)
        falls = np.diff(scores[self.order]) != 0
        self.starts = np.flatnonzero(np.concatenate([[True], falls]))

    def placements(self) -> NDArray[np.float64]:
        """The share of the other side that each example is on the right side of, ties half, (n,) in the given order."""
        hits = np.add.reduceat(self.positive, self.starts)
        false = np.add.reduceat(1 - self.positive, self.starts)
        below = (false.sum() - np.cumsum(false) + 0.5 * false) / false.sum()
        above = (np.cumsum(hits) - 0.5 * hits) / hits.sum()
        group = np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(self.order)))
        result = np.empty(len(self.order))
        result[self.order] = np.where(self.positive > 0, below[group], above[group])
        return result

    def counts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True and false positives at each threshold, the highest first."""
        return (
            np.cumsum(np.add.reduceat(self.positive, self.starts)),
            np.cumsum(np.add.reduceat(1 - self.positive, self.starts)),
        )

    def average_precision(self) -> float:
        """Precision at each threshold, weighted by what recall it adds."""
        hits, false = self.counts()
        steps = np.diff(hits, prepend=0.0) / hits[-1]
        return float((steps * hits / (hits + false)).sum())

    def roc(self) -> tuple[Point, ...]:
        """False and true positive rate, from (0, 0) to (1, 1)."""
        hits, false = self.counts()
        return ((0.0, 0.0), *_few(false / false[-1], hits / hits[-1]))

    def precision_recall(self) -> tuple[Point, ...]:
        """Recall and precision, from the highest threshold on."""
        hits, false = self.counts()
        return _few(hits / hits[-1], hits / (hits + false))


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
    n = len(truth)
    present = [int(index) for index in np.unique(truth)]
    if len(present) < 2:
        return None
    positive = _positive(labels, counts, metric) if len(labels) == 2 else None
    looked = present if positive is None else [list(labels).index(positive)]
    shares, pull, per_class, whole = [], np.zeros(n), {}, {}
    for index in looked:
        own = truth == index
        whole[index] = ordered = _Sorted(own, probabilities[:, index])
        placed = ordered.placements()
        area = float(placed[own].mean())
        pull += (placed - area) / np.where(own, own.mean(), 1 - own.mean()) / len(looked)
        shares.append(float(own.mean()))
        per_class[labels[index]] = ClassSeparation(
            roc_auc=area, average_precision=ordered.average_precision(), n=int(own.sum())
        )
    value = float(np.mean([one.roc_auc for one in per_class.values()]))
    low, high = _interval(value, float(pull.std() / np.sqrt(n)), n)
    first = whole[looked[0]]
    return Separation(
        positive=positive,
        roc_auc=Metric(value=value, low=min(low, value), high=max(high, value), n=n),
        average_precision=float(np.mean([one.average_precision for one in per_class.values()])),
        prevalence=float(np.mean(shares)),
        per_class=per_class,
        roc=first.roc() if positive is not None else (),
        precision_recall=first.precision_recall() if positive is not None else (),
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
