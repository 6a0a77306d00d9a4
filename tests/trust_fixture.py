"""Calibration and areas under curves for a made-up result: answers that are too sure by a temperature of two."""

import numpy as np

from advisor.reliability import confidence, scaled
from advisor.result import ModelResult
from advisor.separation import separation

__all__ = ["trusted"]


def trusted(row: ModelResult, classes: tuple[str, ...], n: int = 300, hotter: float = 2.0) -> ModelResult:
    """Give a result what 2 n made-up answers say of its probabilities.

    :param hotter: what its logits ought to be divided by; below 1 it is too modest.
    """
    draw = np.random.default_rng(7)
    k = len(classes)
    stated = scaled(np.exp(draw.normal(scale=1.5, size=(2 * n, k))), 1.0)
    truth = np.minimum((stated.cumsum(axis=1) < draw.random((2 * n, 1))).sum(axis=1), k - 1).astype(np.int64)
    told = scaled(stated, 1 / hotter)
    return row.model_copy(
        update={
            "confidence": confidence(truth[:n], told[:n], truth[n:], told[n:], crossed=hotter > 1),
            "separation": separation(
                truth[:n], told[:n], classes, {name: i for i, name in enumerate(classes)}
            ),
        }
    )
