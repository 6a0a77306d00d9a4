"""What full fine-tuning is expected to add to what a probe has measured of each model.

Fine-tuning multiplies the error of a linear probe by a factor. Its logarithm is partly shared by all models of a data
set, partly a model's own; the usual values are those of the fine-tunings in `benchmarks/selection`. What tuning brought
to some models of a run corrects what is expected of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PART", "Climbed", "Prospects", "foresee"]

Floats = NDArray[np.float64]
PART = {"last-block": 0.4, "longer": 0.5, "few-shot": 0.4, "lora": 0.7, "full": 1.0, "search": 1.0}
"""The part of full fine-tuning's effect that a rung has, on the scale of the logarithm: assumed, but for `full`."""


@dataclass(frozen=True)
class Factor:
    """Log of the error after full fine-tuning over that of the linear probe.

    :ivar mean: over data sets.
    :ivar between: standard deviation from data set to data set.
    :ivar within: standard deviation from model to model on one data set.
    """

    mean: float
    between: float
    within: float


USUAL = {"image": Factor(-0.25, 0.3, 0.1), "text": Factor(-0.5, 0.35, 0.15)}


@dataclass(frozen=True)
class Climbed:
    """What one model has reached.

    :ivar probe: the score of its linear probe, within 0–1; None where that is unknown.
    :ivar best: the score of its best rung on the same examples.
    :ivar part: the part of full fine-tuning that it has climbed, 0–1.
    :ivar tunable: whether its body can be tuned at all.
    """

    probe: float | None
    best: float
    part: float
    tunable: bool


@dataclass(frozen=True)
class Prospects:
    """What full fine-tuning may still do to the errors of m models.

    :ivar shared: what the data set's models share, with `within` as the spread around it.
    :ivar left: (m,) the part of full fine-tuning that each has before it; 0 where it cannot be tuned.
    """

    shared: Factor
    left: Floats

    def tuned(self, draws: Floats, seed: int, doubt: float = 1.0) -> Floats:
        """Turn draws of scores as they are, (draws, m), into draws of scores after full fine-tuning.

        :param doubt: factor on the spread from model to model.
        """
        rng = np.random.default_rng((seed, 2))
        common = rng.normal(self.shared.mean, self.shared.between, size=(len(draws), 1))
        own = rng.normal(0.0, doubt * self.shared.within, size=draws.shape)
        error = 1.0 - np.minimum(draws, 1.0)
        return np.asarray(np.where(self.left > 0, 1.0 - error * np.exp(self.left * (common + own)), draws))


def foresee(models: Sequence[Climbed], examples: int, modality: str) -> Prospects:
    """Say what full fine-tuning may still bring, by what tuning has brought to the models of this run so far.

    :param models: what each has reached.
    :param examples: how many `probe` and `best` were measured on.
    :param modality: of the task, `image` or `text`.
    """
    left = np.array([1.0 - one.part if one.tunable else 0.0 for one in models])
    return Prospects(_shared(models, examples, USUAL[modality]), left)


def _shared(models: Sequence[Climbed], examples: int, usual: Factor) -> Factor:
    precision, weighted = usual.between**-2, usual.mean * usual.between**-2
    least = 0.5 / max(examples, 1)
    for one in models:
        if one.part <= 0 or one.probe is None:
            continue
        before, after = max(1 - one.probe, least), max(1 - one.best, least)
        chance = (1 / before + 1 / after) / max(examples, 1)
        doubt = usual.within**2 + chance / one.part**2
        precision += 1 / doubt
        weighted += float(np.log(after / before)) / one.part / doubt
    return Factor(weighted / precision, precision**-0.5, usual.within)
