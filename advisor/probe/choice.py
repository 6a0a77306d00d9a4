"""Which head a linear probe gets: plain or weighted classes, or prototypes, as the select split says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.metrics import weighted_scores
from advisor.probe.head import FOLDS, Head, fit_head, out_of_fold
from advisor.probe.noise import deal_folds
from advisor.probe.prototypes import fit_prototypes

__all__ = ["Chosen", "choose_head"]

FEW = 16
UNEVEN = 3.0
PLAIN, WEIGHTED, PROTOTYPES = (
    "logistic regression",
    "logistic regression, classes weighted",
    "class prototypes",
)


@dataclass(frozen=True)
class Chosen:
    """A head, and what was tried beside it.

    :ivar name: what kind of head it is.
    :ivar tried: kind → the metric on the select split; empty where nothing else suited the data.
    """

    head: Head
    name: str
    tried: dict[str, float]

    @property
    def settings(self) -> dict[str, Any]:
        """What makes this head, by name; `C` only where there is a penalty."""
        if self.name == PROTOTYPES:
            return {"head": self.name, "sharpness": self.head.strength}
        weight = {"class_weight": "balanced"} if self.name == WEIGHTED else {}
        return {"head": PLAIN, "C": self.head.strength, **weight}

    @property
    def note(self) -> str:
        """What was tried and how it went, as a sentence; empty where there was one kind only."""
        if len(self.tried) < 2:
            return ""
        others = ", ".join(f"{name} {value:.3f}" for name, value in self.tried.items() if name != self.name)
        return f"Its head is {self.name} ({self.tried[self.name]:.3f} on the select split); tried beside it: {others}."

    def again(
        self,
        features: NDArray[np.floating],
        truth: NDArray[np.int64],
        classes: int,
        seed: int,
        check: Callable[[], None],
    ) -> Head:
        """Fit a head of the same kind and strength on other examples."""
        if self.name == PROTOTYPES:
            return fit_prototypes(features, truth, classes)
        more = {"strength": self.head.strength, "balanced": self.name == WEIGHTED}
        return fit_head(features, truth, classes, seed=seed, check=check, **more)  # type: ignore[arg-type]

    def crossed(
        self,
        features: NDArray[np.floating],
        truth: NDArray[np.int64],
        classes: int,
        seed: int,
        check: Callable[[], None],
    ) -> NDArray[np.float32] | None:
        """Predict each example by a head of the same kind that was fitted on the other folds.

        :return: (n, k) class probabilities; None where fewer than two classes can be in every fold.
        """
        if self.name != PROTOTYPES:
            more = {"strength": self.head.strength, "balanced": self.name == WEIGHTED}
            return out_of_fold(features, truth, classes, seed=seed, check=check, **more)  # type: ignore[arg-type]
        if np.sum(np.bincount(truth) >= FOLDS) < 2:
            return None
        fold = deal_folds(truth, seed, FOLDS)
        result = np.zeros((len(truth), classes), dtype=np.float32)
        for number in range(FOLDS):
            out = fold == number
            result[out] = fit_prototypes(features[~out], truth[~out], classes).probabilities(features[out])
        return result


def choose_head(
    features: NDArray[np.floating],
    truth: NDArray[np.int64],
    labels: Sequence[str],
    select: NDArray[np.floating],
    select_truth: NDArray[np.int64],
    *,
    metric: str,
    balanced: bool,
    seed: int,
    check: Callable[[], None],
) -> Chosen:
    """Fit the heads that suit the data and keep the one with the best metric on the select split.

    Weighted and plain classes are both tried where the largest class has `UNEVEN` times the examples of the
    smallest; prototypes where no class has more than `FEW` examples. The usual head stays unless another is better.

    :param features: (n, d) of the training examples.
    :param select: (m, d) of the select split, with its (m,) truth.
    :param balanced: the usual head weights the classes.
    :param check: called every few seconds of work; what it raises ends the fit.
    """
    k = len(labels)
    heads = {
        WEIGHTED if balanced else PLAIN: fit_head(
            features, truth, k, seed=seed, balanced=balanced, check=check
        )
    }
    counts = np.bincount(truth, minlength=k)
    counts = counts[counts > 0]
    if counts.max() >= UNEVEN * counts.min():
        other = fit_head(features, truth, k, seed=seed, balanced=not balanced, check=check)
        heads[PLAIN if balanced else WEIGHTED] = other
    if counts.max() <= FEW:
        heads[PROTOTYPES] = fit_prototypes(features, truth, k)
    if len(select_truth) == 0 or len(heads) == 1:
        name = next(iter(heads))
        return Chosen(heads[name], name, {})
    even = np.ones((1, len(select_truth)))
    tried = {}
    for name, head in heads.items():
        predicted = head.probabilities(select).argmax(axis=1).astype(np.int64)
        tried[name] = float(weighted_scores(metric, select_truth, predicted, labels, even)[0])
    best = max(tried, key=lambda name: tried[name])
    return Chosen(heads[best], best, tried)
