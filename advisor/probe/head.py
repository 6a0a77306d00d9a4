"""A logistic regression over features: the head of every linear probe and of the classical baselines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRID", "Head", "fit_head", "single_threaded"]

GRID = (0.001, 0.01, 0.1, 1.0)
FOLDS = 3
FLOOR = 0.1
NEVER = 20.0
UNSURE = 0.01
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Head:
    """A linear classifier of d standardised features into k classes.

    :ivar centre: (d,) subtracted from the features.
    :ivar spread: (d,) divides them.
    :ivar weight: (k, d).
    :ivar bias: (k,).
    :ivar strength: the inverse regularisation C that was chosen.
    """

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    strength: float

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Softmax over the classes, (n, d) → (n, k)."""
        scaled = (features.astype(np.float64) - self.centre) / self.spread
        logits = scaled @ self.weight.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        scores = np.exp(logits)
        return np.asarray(scores / scores.sum(axis=1, keepdims=True), dtype=np.float32)


def fit_head(
    features: NDArray[Any],
    truth: NDArray[np.int64],
    classes: int,
    *,
    seed: int,
    strength: float | None = None,
    balanced: bool = False,
) -> Head:
    """Fit a multinomial logistic regression over standardised features.

    The standard deviation of a feature counts for at least a tenth of the median one, so that features that
    are nearly dead on these data get no huge weight. C is chosen from `GRID` by stratified cross-validation
    of the log loss within the training examples, unless given. With fewer examples than features the fit runs
    in the span of the examples: the L2 penalty is invariant under rotation, so the solution is the same.

    :param features: (n, d).
    :param truth: (n,) class indices; at least two different.
    :param classes: k; classes without an example get a probability near 0.
    :param balanced: weight the classes inversely to their frequency.
    """
    with single_threaded():
        return _fit(
            features.astype(np.float64), truth, classes, seed, strength, "balanced" if balanced else None
        )


def _fit(
    values: NDArray[np.float64],
    truth: NDArray[np.int64],
    classes: int,
    seed: int,
    strength: float | None,
    weighting: str | None,
) -> Head:
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.maximum(spread, max(FLOOR * float(np.median(spread)), 1e-8))
    scaled = (values - centre) / spread
    basis = None
    if scaled.shape[0] < scaled.shape[1]:
        _, _, basis = np.linalg.svd(scaled, full_matrices=False)
        scaled = scaled @ basis.T
    chosen = strength if strength is not None else _choose_strength(scaled, truth, seed, weighting)
    model = _regression(chosen, weighting).fit(scaled, truth)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    if basis is not None:
        coefficients = coefficients @ basis
    weight = np.zeros((classes, values.shape[1]))
    bias = np.full(classes, intercepts.mean() - NEVER)
    weight[model.classes_], bias[model.classes_] = coefficients, intercepts
    return Head(centre=centre, spread=spread, weight=weight, bias=bias, strength=chosen)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep linear algebra on one thread: small problems gain nothing from more, and a busy machine loses."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


def _regression(strength: float, weighting: str | None) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=1000, tol=TOLERANCE, class_weight=weighting)


def _choose_strength(
    scaled: NDArray[Any], truth: NDArray[np.int64], seed: int, weighting: str | None
) -> float:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold

    often = np.bincount(truth)[truth] >= FOLDS
    scaled, truth = scaled[often], truth[often]
    labels = np.unique(truth)
    if len(labels) < 2:
        return UNSURE
    splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(scaled, truth))
    losses = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in GRID:
            fits = (_regression(strength, weighting).fit(scaled[a], truth[a]) for a, _ in splits)
            parts = [
                log_loss(truth[b], fit.predict_proba(scaled[b]), labels=labels)
                for fit, (_, b) in zip(fits, splits, strict=True)
            ]
            losses.append(float(np.mean(parts)))
    return GRID[int(np.argmin(losses))]
