"""Nearest class prototypes: the classifier that still works with a handful of examples per class."""

import numpy as np
from numpy.typing import NDArray

from advisor.probe.head import FLOOR, Head

__all__ = ["fit_prototypes"]

SHARPNESS = tuple(2.0**power for power in range(-6, 5))
Floats = NDArray[np.float64]


def fit_prototypes(features: NDArray[np.floating], truth: NDArray[np.int64], classes: int) -> Head:
    """Let each class's mean stand for it; the nearer an example, the likelier the class (Snell et al. 2017).

    Squared distances to fixed points differ by a linear map, so the result is a `Head` like any other. How sharply
    the probability falls with the distance is chosen by the likelihood of each example under the means of the
    others (leave one out); its `strength` is that sharpness, in units of the mean squared distance of an example
    to its own class.

    :param features: (n, d).
    :param truth: (n,) class indices; at least two different.
    :param classes: k; classes without an example get a probability near 0.
    """
    values = features.astype(np.float64)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.maximum(spread, max(FLOOR * float(np.median(spread)), 1e-8))
    scaled = (values - centre) / spread
    present, place = np.unique(truth, return_inverse=True)
    counts = np.bincount(place)
    means = np.stack([scaled[place == index].mean(axis=0) for index in range(len(present))])
    apart = _distances(scaled, means)
    own = apart[np.arange(len(place)), place]
    several = counts[place] > 1
    scale = float(own[several].mean()) if several.any() else float(apart.mean())
    sharpness = _sharpest(apart, place, counts, scale) if several.any() else 1.0
    factor = sharpness / max(scale, 1e-12)
    weight = np.zeros((classes, values.shape[1]))
    near = -factor * (means**2).sum(axis=1)
    bias = np.full(classes, near.min() - 1e3)
    weight[present], bias[present] = 2 * factor * means, near
    return Head(centre=centre, spread=spread, weight=weight, bias=bias, strength=sharpness)


def _distances(values: Floats, means: Floats) -> Floats:
    """Squared distances, (n, k)."""
    squares = (values**2).sum(axis=1)[:, None] + (means**2).sum(axis=1) - 2 * values @ means.T
    return np.asarray(np.maximum(squares, 0.0))


def _sharpest(apart: Floats, place: NDArray[np.int64], counts: NDArray[np.int64], scale: float) -> float:
    """The sharpness under which the examples are likeliest, each left out of its own class's mean.

    Without itself a class's mean is farther away by (n / (n − 1))².
    """
    rows = np.flatnonzero(counts[place] > 1)
    held = apart[rows].copy()
    own = place[rows]
    size = counts[own].astype(np.float64)
    held[np.arange(len(rows)), own] *= (size / (size - 1)) ** 2
    losses = []
    for sharpness in SHARPNESS:
        logits = -sharpness * held / max(scale, 1e-12)
        logits -= logits.max(axis=1, keepdims=True)
        likely = logits[np.arange(len(rows)), own] - np.log(np.exp(logits).sum(axis=1))
        losses.append(-float(likely.mean()))
    return SHARPNESS[int(np.argmin(losses))]
