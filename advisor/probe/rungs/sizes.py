"""Learning curves: on how many examples a probe or a baseline is fitted on the way to all of them."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["learnable", "learning_sizes"]

FRACTIONS = (0.25, 0.5, 1.0)


def learning_sizes(available: int, classes: int) -> list[int]:
    """Give growing numbers of examples, the last of them all."""
    fewest = min(available, max(2 * classes, 10))
    return sorted({max(fewest, round(available * fraction)) for fraction in FRACTIONS} | {available})


def learnable(truth: NDArray[np.int64]) -> bool:
    """Say whether there are two classes to tell apart."""
    return len(np.unique(truth)) >= 2
