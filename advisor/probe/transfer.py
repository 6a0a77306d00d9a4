"""Cheap scores of how well features suit labels, without training: hints beside the linear probe."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["transferability"]

MOST = 2000


def transferability(features: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, float]:
    """Score features for a classification.

    :param features: (n, d).
    :param truth: (n,) class indices. Of more than `MOST` examples the first are taken: comparing all with all
        grows as n².
    :return: `h_score`, with a shrunk covariance (Bao et al. 2019; Ibrahim et al. 2022, Ledoit-Wolf), at most
        classes − 1; `knn_accuracy`, leave-one-out over the 5 nearest by cosine; and `n`, `d`, without which
        neither can be read.
    """
    features, truth = features[:MOST], np.unique(truth[:MOST], return_inverse=True)[1]
    return {
        "h_score": _h_score(features, truth),
        "knn_accuracy": _knn(features, truth),
        "n": float(features.shape[0]),
        "d": float(features.shape[1]),
    }


def _h_score(features: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    from sklearn.covariance import ledoit_wolf_shrinkage

    centred = features.astype(np.float64) - features.mean(axis=0)
    n, d = centred.shape
    shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    scale = float((centred**2).sum() / (n * d))
    if scale == 0:
        return 0.0
    classes, counts = np.unique(truth, return_counts=True)
    means = np.stack([centred[truth == label].mean(axis=0) for label in classes])
    between = means * np.sqrt(counts / n)[:, None]
    _, values, right = np.linalg.svd(centred / np.sqrt(n), full_matrices=False)
    rotated = between @ right.T
    ridge = shrinkage * scale
    inside = (rotated**2 / ((1 - shrinkage) * values**2 + ridge + 1e-12)).sum()
    return float((1 - shrinkage) * inside)


def _knn(features: NDArray[np.float32], truth: NDArray[np.int64], neighbours: int = 5) -> float:
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    closeness = unit @ unit.T
    np.fill_diagonal(closeness, -np.inf)
    nearest = np.argsort(-closeness, axis=1, kind="stable")[:, : min(neighbours, len(truth) - 1)]
    votes = np.zeros((len(truth), int(truth.max()) + 1), dtype=np.int16)
    np.add.at(votes, (np.arange(len(truth))[:, None], truth[nearest]), 1)
    return float((votes.argmax(axis=1) == truth).mean())
