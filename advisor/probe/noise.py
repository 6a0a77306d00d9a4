"""Labels that look wrong, by confident learning over a linear probe that never saw the example it judges."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.probe.head import fit_head

__all__ = ["FEWEST", "deal_folds", "label_issues", "likely_labels", "out_of_fold"]

FOLDS = 5
FEWEST = 5

Indices = NDArray[np.int64]
Probabilities = NDArray[np.float32]


def deal_folds(truth: Indices, seed: int, folds: int = FOLDS) -> Indices:
    """Deal the examples of each class to folds in turn, so that every fold holds about its share of each class.

    :param truth: (n,) class indices.
    :return: (n,) numbers of folds.
    """
    dealt = np.empty(len(truth), dtype=np.int64)
    start = 0
    for label in np.unique(truth):
        members = np.random.default_rng((seed, int(label))).permutation(np.flatnonzero(truth == label))
        dealt[members] = (start + np.arange(len(members))) % folds
        start += len(members)
    return dealt


def out_of_fold(
    features: NDArray[Any],
    truth: Indices,
    classes: int,
    *,
    seed: int,
    folds: int = FOLDS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Probabilities:
    """Judge every example by a linear probe that was fitted on the other folds.

    How strongly the probe is regularised is chosen in the first fold and kept.

    :param features: (n, d).
    :param truth: (n,) class indices of at least two classes.
    :param classes: k.
    :param progress: told how many folds are done, before each and at the end; it may raise to stop.
    :return: (n, k) probabilities.
    """
    fold = deal_folds(truth, seed, folds)
    result = np.zeros((len(truth), classes), dtype=np.float32)
    strength: float | None = None
    for number in range(folds):
        progress(number, folds)
        left_out = fold == number
        if not left_out.any():
            continue
        head = fit_head(features[~left_out], truth[~left_out], classes, seed=seed, strength=strength)
        strength = head.strength
        result[left_out] = head.probabilities(features[left_out])
    progress(folds, folds)
    return result


def label_issues(truth: Indices, probabilities: Probabilities) -> tuple[Indices, NDArray[np.float64]]:
    """Find labels that look wrong (confident learning, Northcutt et al. 2021), with the library cleanlab.

    Each class's usual confidence is its own threshold, so that an unsure model or a hard class does not make
    every example suspicious. Classes with fewer than `FEWEST` examples are not judged.

    :param truth: (n,) class indices as given.
    :param probabilities: (n, k) of models that did not see the example.
    :return: indices of the suspicious examples, worst first, and the quality (0–1, low is bad) of all n labels;
        NaN where a label was not judged.
    """
    from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]
    from cleanlab.rank import get_label_quality_scores  # type: ignore[import-untyped]

    counts = np.bincount(truth, minlength=probabilities.shape[1])
    often = np.flatnonzero(counts >= FEWEST)
    quality = np.full(len(truth), np.nan)
    if len(often) < 2:
        return np.zeros(0, dtype=np.int64), quality
    judged = np.flatnonzero(np.isin(truth, often))
    shares = np.clip(probabilities[np.ix_(judged, often)].astype(np.float64), 1e-9, None)
    shares /= shares.sum(axis=1, keepdims=True)
    given = np.searchsorted(often, truth[judged])
    wrong = find_label_issues(given, shares, filter_by="both", n_jobs=1)
    quality[judged] = get_label_quality_scores(given, shares, method="self_confidence")
    suspects = judged[np.flatnonzero(wrong)]
    return suspects[np.argsort(quality[suspects], kind="stable")], quality


def likely_labels(probabilities: Probabilities, truth: Indices) -> Indices:
    """Give each example's most probable class other than its own, (n,)."""
    others = probabilities.copy()
    others[np.arange(len(truth)), truth] = -1.0
    return np.asarray(others.argmax(axis=1), dtype=np.int64)
