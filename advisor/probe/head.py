"""A logistic regression over features: the head of every linear probe and of the classical baselines."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "GRID",
    "MOST_COMPARED",
    "Head",
    "HeldOut",
    "fit_head",
    "held_out",
    "out_of_fold",
    "single_threaded",
]

GRID = (0.001, 0.01, 0.1, 1.0)
FOLDS = 3
MOST_COMPARED = 1000
"""Examples that the strengths are compared on: on five sets of texts, up to 3,500 of them chose no other."""
FLOOR = 0.1
NEVER = 20.0
UNSURE = 0.01
TOLERANCE, ROUGHLY = 1e-5, 1e-4
"""Of the fits that stay, and of those that only tell one strength from another, in single precision."""
ITERATIONS = 1000
BREATH = 5e9
Check = Callable[[], None]


def _go_on() -> None:
    return


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


@dataclass(frozen=True)
class HeldOut:
    """How a logistic regression explains examples that it was not fitted on.

    :ivar strength: the inverse regularisation C that explains them best.
    :ivar losses: (n,) log loss of each example at that C; NaN for those of classes too rare to be in every fold.
    """

    strength: float
    losses: NDArray[np.float64]


def fit_head(
    features: NDArray[Any],
    truth: NDArray[np.int64],
    classes: int,
    *,
    seed: int,
    strength: float | None = None,
    balanced: bool = False,
    check: Check = _go_on,
) -> Head:
    """Fit a multinomial logistic regression over standardised features.

    The standard deviation of a feature counts for at least a tenth of the median one, so that features that
    are nearly dead on these data get no huge weight. C is chosen from `GRID` by stratified cross-validation
    of the log loss within at most `MOST_COMPARED` training examples drawn at random, from the strongest
    penalty on until the loss rises, unless given.
    With fewer examples than features the fit runs in the span of the examples: the L2 penalty is invariant under
    rotation, so the solution is the same.

    :param features: (n, d).
    :param truth: (n,) class indices; at least two different.
    :param classes: k; classes without an example get a probability near 0.
    :param balanced: weight the classes inversely to their frequency.
    :param check: called every few seconds of work; what it raises ends the fit.
    """
    weighting = "balanced" if balanced else None
    with single_threaded():
        return _fit(features.astype(np.float64), truth, classes, seed, strength, weighting, check)


def held_out(
    features: NDArray[Any],
    truth: NDArray[np.int64],
    *,
    seed: int,
    balanced: bool = False,
    check: Check = _go_on,
) -> HeldOut:
    """Choose C as `fit_head` does, and tell how well each example was explained then.

    :param features: (n, d).
    :param truth: (n,) class indices.
    """
    with single_threaded():
        scaled = _standardised(features.astype(np.float64))[2]
        return _choose_strength(scaled, truth, seed, "balanced" if balanced else None, check)


def out_of_fold(
    features: NDArray[Any],
    truth: NDArray[np.int64],
    classes: int,
    *,
    seed: int,
    strength: float,
    balanced: bool = False,
    check: Check = _go_on,
) -> NDArray[np.float32] | None:
    """Predict each example by a head that was fitted on the other folds.

    :param features: (n, d).
    :param truth: (n,) class indices.
    :param strength: the inverse regularisation C of every fold.
    :return: (n, k) class probabilities; None where fewer than two classes can be in every fold.
    """
    from sklearn.model_selection import StratifiedKFold

    if np.sum(np.bincount(truth) >= FOLDS) < 2:
        return None
    result = np.zeros((len(features), classes), dtype=np.float32)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # a class with fewer examples than folds is in some of them only
        splits = list(folds.split(features, truth))
    for learn, hold in splits:
        more = {"strength": strength, "balanced": balanced, "check": check}
        head = fit_head(features[learn], truth[learn], classes, seed=seed, **more)  # type: ignore[arg-type]
        result[hold] = head.probabilities(features[hold])
    return result


def _fit(
    values: NDArray[np.float64],
    truth: NDArray[np.int64],
    classes: int,
    seed: int,
    strength: float | None,
    weighting: str | None,
    check: Check,
) -> Head:
    centre, spread, scaled, basis = _standardised(values)
    part = np.sort(np.random.default_rng(seed).permutation(len(truth))[:MOST_COMPARED])
    chosen = (
        strength
        if strength is not None
        else _choose_strength(scaled[part], truth[part], seed, weighting, check).strength
    )
    model = _fitted(_regression(chosen, weighting), scaled, truth, check)
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


def _standardised(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Centre and scale features; fewer examples than features are turned into their own span.

    :return: centre and spread (d,), the scaled features, and the span's basis where there is one.
    """
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.maximum(spread, max(FLOOR * float(np.median(spread)), 1e-8))
    scaled = (values - centre) / spread
    if scaled.shape[0] >= scaled.shape[1]:
        return centre, spread, scaled, None
    basis = np.linalg.svd(scaled, full_matrices=False)[2]
    return centre, spread, scaled @ basis.T, basis


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep linear algebra on one thread: small problems gain nothing from more, and a busy machine loses."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


def _regression(strength: float, weighting: str | None, tolerance: float = TOLERANCE) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, tol=tolerance, class_weight=weighting, warm_start=True)


def _fitted(model: Any, scaled: NDArray[Any], truth: NDArray[np.int64], check: Check) -> Any:
    """Fit on from where the model stands, asking between stretches of about a second whether to go on."""
    from sklearn.exceptions import ConvergenceWarning

    work = 3.0 * scaled.size * len(np.unique(truth))
    stretch = int(np.clip(BREATH / work, 20, ITERATIONS))
    done = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        while done < ITERATIONS:
            check()
            model.max_iter = stretch
            model.fit(scaled, truth)
            used = int(np.max(model.n_iter_))
            done += used
            if used < stretch:
                break
    return model


def _choose_strength(
    scaled: NDArray[Any], truth: NDArray[np.int64], seed: int, weighting: str | None, check: Check
) -> HeldOut:
    """Try the strengths in rising order, each fold going on from the strength before, until the loss rises."""
    from sklearn.model_selection import StratifiedKFold

    known = np.full(len(truth), np.nan)
    often = np.bincount(truth)[truth] >= FOLDS
    scaled, truth = scaled[often].astype(np.float32), truth[often]
    labels = np.unique(truth)
    if len(labels) < 2:
        return HeldOut(UNSURE, known)
    splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(scaled, truth))
    models = [_regression(GRID[0], weighting, ROUGHLY) for _ in splits]
    best, least = GRID[0], np.inf
    losses = np.zeros(len(truth))
    for strength in GRID:
        for model, (learn, hold) in zip(models, splits, strict=True):
            model.C = strength
            _fitted(model, scaled[learn], truth[learn], check)
            shares = model.predict_proba(scaled[hold])
            right = shares[np.arange(len(hold)), np.searchsorted(model.classes_, truth[hold])]
            losses[hold] = -np.log(np.maximum(right, np.finfo(right.dtype).eps))
        loss = float(np.mean([losses[hold].mean() for _, hold in splits]))
        if loss >= least:
            break
        best, least = strength, loss
        known[often] = losses
    return HeldOut(best, known)
