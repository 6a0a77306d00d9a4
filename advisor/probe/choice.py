"""What a linear probe is made of: of which layers its features are, by training examples, and which head it gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.metrics import weighted_scores
from advisor.probe.backbone import LAYERS, Layers
from advisor.probe.features import of_layers
from advisor.probe.head import (
    FOLDS,
    MOST_COMPARED,
    Head,
    HeldOut,
    fit_head,
    held_out,
    out_of_fold,
)
from advisor.probe.noise import deal_folds
from advisor.probe.prototypes import fit_prototypes

__all__ = ["Chosen", "Layering", "choose_head", "choose_layers"]

FEW = 16
UNEVEN = 3.0
SURE = 1.645
PLAIN, WEIGHTED, PROTOTYPES = (
    "logistic regression",
    "logistic regression, classes weighted",
    "class prototypes",
)


@dataclass(frozen=True)
class Layering:
    """Of which layers a body's features are taken, and why.

    :ivar losses: mean log loss of training examples left out, from the last layer and from the mean over all.
    :ivar strength: the inverse regularisation C that was found on the way; None where nothing could be compared.
    """

    layers: Layers
    losses: tuple[float, float]
    strength: float | None


@dataclass(frozen=True)
class Chosen:
    """A head, and what was tried beside it.

    :ivar name: what kind of head it is.
    :ivar tried: kind → the metric on the select split; empty where nothing else suited the data.
    :ivar layering: None for a body without layers to choose from.
    """

    head: Head
    name: str
    tried: dict[str, float]
    layering: Layering | None = None

    @property
    def layers(self) -> Layers:
        """Whose features the head is fitted on."""
        return self.layering.layers if self.layering else "last"

    @property
    def settings(self) -> dict[str, Any]:
        """What makes this head, by name; `C` only where there is a penalty."""
        layers = {"layers": self.layers} if self.layering else {}
        if self.name == PROTOTYPES:
            return {"head": self.name, "sharpness": self.head.strength, **layers}
        weight = {"class_weight": "balanced"} if self.name == WEIGHTED else {}
        return {"head": PLAIN, "C": self.head.strength, **weight, **layers}

    @property
    def note(self) -> str:
        """What was tried and how it went, in sentences; empty where the usual was the only kind."""
        told = []
        if self.layering and self.layers == "mean":
            last, mean = self.layering.losses
            told.append(
                f"It reads the mean over its layers: training examples left out have a log loss of {mean:.3f} then, "
                f"and of {last:.3f} from the last layer."
            )
        if len(self.tried) > 1:
            others = ", ".join(
                f"{name} {value:.3f}" for name, value in self.tried.items() if name != self.name
            )
            told.append(
                f"Its head is {self.name} ({self.tried[self.name]:.3f} on the select split); tried beside it: {others}."
            )
        return " ".join(told)

    def again(
        self,
        features: NDArray[np.floating],
        truth: NDArray[np.int64],
        classes: int,
        seed: int,
        check: Callable[[], None],
    ) -> Head:
        """Fit a head of the same kind and strength on other examples, (n, d) or all layers of (n, 2, d)."""
        features = of_layers(features, self.layers)
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

        :param features: (n, d), or all layers as (n, 2, d).
        :return: (n, k) class probabilities; None where fewer than two classes can be in every fold.
        """
        features = of_layers(features, self.layers)
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


def choose_layers(
    features: NDArray[np.floating],
    truth: NDArray[np.int64],
    *,
    balanced: bool,
    seed: int,
    check: Callable[[], None],
) -> Layering:
    """Choose between the last layer and the mean over all by cross-validation over training examples alone.

    The mean is taken where the log loss of the examples left out is lower by more than chance: by more than `SURE`
    standard errors of the paired differences.

    :param features: (n, 2, d) in the order of `LAYERS`; of more than `MOST_COMPARED` examples the first are compared.
    :param balanced: the heads weight the classes, and so do the losses.
    """
    part = min(len(features), MOST_COMPARED)
    found: list[HeldOut] = [
        held_out(of_layers(features[:part], layers), truth[:part], seed=seed, balanced=balanced, check=check)
        for layers in LAYERS
    ]
    known = ~np.isnan(found[0].losses)
    if known.sum() < 2:
        return Layering("last", (np.nan, np.nan), None)
    weight = 1.0 / np.bincount(truth[:part])[truth[:part]][known] if balanced else np.ones(int(known.sum()))
    last, mean = (one.losses[known] * weight / weight.mean() for one in found)
    saved = last - mean
    surely = saved.mean() > SURE * saved.std(ddof=1) / len(saved) ** 0.5
    layers: Layers = "mean" if surely else "last"
    strength = found[LAYERS.index(layers)].strength
    return Layering(layers, (float(last.mean()), float(mean.mean())), strength)


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
    Where the features come from all layers, the training examples choose among them first.

    :param features: (n, d) of the training examples, or (n, 2, d) in the order of `LAYERS`.
    :param select: those of the m examples of the select split, with their (m,) truth.
    :param balanced: the usual head weights the classes.
    :param check: called every few seconds of work; what it raises ends the fit.
    """
    k = len(labels)
    layering, strength = None, None
    if features.ndim == 3:
        layering = choose_layers(features, truth, balanced=balanced, seed=seed, check=check)
        strength = layering.strength
        features, select = of_layers(features, layering.layers), of_layers(select, layering.layers)
    heads = {
        WEIGHTED if balanced else PLAIN: fit_head(
            features, truth, k, seed=seed, strength=strength, balanced=balanced, check=check
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
        return Chosen(heads[name], name, {}, layering)
    even = np.ones((1, len(select_truth)))
    tried = {}
    for name, head in heads.items():
        predicted = head.probabilities(select).argmax(axis=1).astype(np.int64)
        tried[name] = float(weighted_scores(metric, select_truth, predicted, labels, even)[0])
    best = max(tried, key=lambda name: tried[name])
    return Chosen(heads[best], best, tried, layering)
