"""The H-score with a shrunk covariance: how much of the features' spread tells the classes apart."""

import numpy as np

from advisor.probe.spectrum import Spectrum

__all__ = ["h_score"]


def h_score(spectrum: Spectrum, dimensions: int, shrinkage: float) -> float:
    """Give (1 − λ) · trace(C⁻¹ B) with C = (1 − λ) · covariance + λ · mean variance (Ibrahim et al. 2022).

    B is the covariance of the class means (Bao et al. 2019).

    :param spectrum: of the centred features.
    :param dimensions: d.
    :param shrinkage: λ between 0 and 1, as Ledoit & Wolf (2004) choose it.
    :return: between 0 and classes − 1; 0 for constant features.
    """
    n = float(spectrum.counts.sum())
    variance = float(spectrum.power.sum()) / (n * dimensions)
    if variance == 0:
        return 0.0
    between = (spectrum.sums**2 / (n * spectrum.counts[:, None])).sum(axis=0)
    shrunk = (1 - shrinkage) * spectrum.power / n + shrinkage * variance
    return float((1 - shrinkage) * np.sum(between / shrunk))
