"""Which head a linear probe gets: plain or weighted classes, or prototypes, as the select split says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.metrics import weighted_scores
from advisor.probe.head import Head, fit_head
from advisor.probe.prototypes import fit_prototypes

__all__ = ["FEW", "UNEVEN", "Chosen", "choose_head"]

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
    def note(self) -> str:
        """What was tried and how it went, as a sentence; empty where there was one kind only."""
        if len(self.tried) < 2:
            return ""
        others = ", ".join(f"{name} {value:.3f}" for name, value in self.tried.items() if name != self.name)
        return f"Its head is {self.name} ({self.tried[self.name]:.3f} on the select split); tried beside it: {others}."


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
