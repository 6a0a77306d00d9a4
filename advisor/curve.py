"""Learning curves: what a model will reach with more examples."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Curve", "extrapolate", "slope"]

UNTOLD = 0.1
STEEPEST = 0.5
FLOOR = 0.005


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
