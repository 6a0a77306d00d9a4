"""Cheap scores of how well features suit labels, without training: hints beside the linear probe."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.probe.h_score import h_score
from advisor.probe.head import single_threaded
from advisor.probe.logme import logme
from advisor.probe.source_head import SourceHead, leep, nce
from advisor.probe.spectrum import class_spectrum

__all__ = ["transferability"]

MOST = 2000
NEIGHBOURS = 5
Floats = NDArray[np.float64]


def transferability(
    features: NDArray[Any],
    truth: NDArray[np.int64],
    source: SourceHead | None = None,
    layers: NDArray[Any] | None = None,
) -> dict[str, float]:
    """Score features for a classification; neither the names of the classes nor a rotation change a score.

    :param features: (n, d).
    :param truth: (n,) class indices. Of more than `MOST` examples the first are taken: comparing all with all
        grows as n².
    :param source: the classifier of the pretraining, where it is at hand.
    :param layers: (n, d) the mean over all layers, of a body that has it.
    :return: `logme` (You et al. 2021); `h_score`, with a shrunk covariance (Bao et al. 2019; Ibrahim et al. 2022,
        Ledoit-Wolf), at most classes − 1; `knn_accuracy`, leave-one-out over the 5 nearest by cosine; `leep`
        (Nguyen et al. 2020) and `nce` (Tran et al. 2019) only with `source`; `logme_layers`, LogME of the mean over
        the layers (Garbas et al. 2024), only with `layers`; and `n`, `d`, without which none of them can be read.
    """
    values = features[:MOST].astype(np.float64)
    truth = np.unique(truth[:MOST], return_inverse=True)[1]
    with single_threaded():
        scores = {
            "logme": logme(class_spectrum(values, truth)),
            "h_score": _shrunk(values, truth),
            "knn_accuracy": _knn(values, truth),
        }
        if layers is not None:
            scores["logme_layers"] = logme(class_spectrum(layers[:MOST].astype(np.float64), truth))
    if source is not None:
        guesses = source.probabilities(values)
        scores |= {"leep": leep(guesses, truth), "nce": nce(guesses, truth)}
    return scores | {"n": float(values.shape[0]), "d": float(values.shape[1])}


def _shrunk(values: Floats, truth: NDArray[np.int64]) -> float:
    from sklearn.covariance import ledoit_wolf_shrinkage

    centred = values - values.mean(axis=0)
    if not (centred**2).sum() > 1e-24 * (values**2).sum():
        return 0.0
    shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    return h_score(class_spectrum(centred, truth), values.shape[1], shrinkage)


def _knn(values: Floats, truth: NDArray[np.int64]) -> float:
    """Among classes with equally many votes the one with the nearer neighbours wins, whatever it is called."""
    unit = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    closeness = unit @ unit.T
    np.fill_diagonal(closeness, -np.inf)
    many = min(NEIGHBOURS, len(truth) - 1)
    nearest = np.argsort(-closeness, axis=1, kind="stable")[:, :many]
    votes = np.zeros((len(truth), int(truth.max()) + 1))
    np.add.at(votes, (np.arange(len(truth))[:, None], truth[nearest]), 1 + 0.5 ** np.arange(2, many + 2))
    return float((votes.argmax(axis=1) == truth).mean())
