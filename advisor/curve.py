"""Learning curves: what a model will reach with more examples, and who can still become the best."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Curve", "extrapolate", "slope", "still_open"]

UNTOLD = 0.1
STEEPEST = 0.5
FLOOR = 0.005
DOUBT = 0.02
SURE = 1.645


@dataclass(frozen=True)
class Curve:
    """How the error, or the loss, of one model fell with the number of examples that it learnt from.

    :ivar sizes: examples, ascending.
    :ivar errors: what was measured with them; an error of nothing counts as `FLOOR`.
    """

    sizes: tuple[float, ...]
    errors: tuple[float, ...]


def slope(curve: Curve) -> float:
    """Fit the error as a power of the number of examples, e ∝ n^-slope (Hestness et al. 2017).

    Curves bend, so a point weighs as much as it has examples: the last doubling counts most.

    :return: between 0 and `STEEPEST`; `UNTOLD` where fewer than two sizes were measured.
    """
    sizes = np.asarray(curve.sizes, dtype=np.float64)
    if len(sizes) < 2 or np.ptp(sizes) == 0:
        return UNTOLD
    errors = np.log(np.maximum(curve.errors, FLOOR))
    fitted = np.polyfit(np.log(sizes), errors, 1, w=np.sqrt(sizes / sizes.max()))[0]
    return float(np.clip(-fitted, 0.0, STEEPEST))


def extrapolate(curve: Curve, at: float) -> float:
    """Give the error to expect after `at` examples; never more than the last one measured."""
    growth = max(1.0, at / curve.sizes[-1])
    return max(curve.errors[-1], FLOOR) * float(growth ** -slope(curve))


def still_open(curves: Mapping[str, Curve], at: float, doubt: float = DOUBT) -> tuple[str, ...]:
    """List the models that may still be the best after `at` examples; to go on with the others is in vain.

    A model is given up when its extrapolated error lies above the lowest one by more than `SURE` standard
    deviations of what the slopes are uncertain by. The error itself is taken as measured: where it is of few
    examples, add models that cannot be told apart by it.

    :param doubt: standard deviation of a slope's error. On 30 language models tuned on two tasks (Lin et al.
        2024) it was between 0.01 and 0.03, the less the longer the curve.
    :return: in the order of `curves`; the best by extrapolation is always among them.
    """
    ends = {model: math.log(extrapolate(curve, at)) for model, curve in curves.items()}
    left = {model: math.log(max(1.0, at / curve.sizes[-1])) for model, curve in curves.items()}
    best = min(ends, key=lambda model: ends[model], default=None)
    return tuple(
        model
        for model in curves
        if best is not None
        and (model == best or ends[model] - ends[best] < SURE * doubt * math.hypot(left[model], left[best]))
    )
