"""LogME: how probable the labels are under a Bayesian linear model of the features (You et al. 2021)."""

import numpy as np

from advisor.probe.spectrum import Spectrum

__all__ = ["logme"]

ROUNDS = 2000
STILL = 1e-7
BOUNDS = (1e-12, 1e12)


def logme(spectrum: Spectrum) -> float:
    """Give the log evidence per example, averaged over the classes, each against all others.

    A class's 0/1 labels y are y = F w + noise with w ~ N(0, 1/α) and noise ~ N(0, 1/β). α and β are those of the
    largest evidence, by the fixed point α = γ / |m|², β = (n − γ) / |F m − y|² (MacKay 1992), for all classes at
    once. Only their ratio t = α / β is followed: given it, the best β is known, and the evidence is

        n/2 (ln β − ln 2π − 1) − ½ Σ ln(1 + σ/t),  β = n / (|F m − y|² + t |m|²).

    :param spectrum: of the features as they are, not centred.
    :return: larger is better; to be compared between models on the same examples only.
    """
    n = float(spectrum.counts.sum())
    power = spectrum.power[None, :]
    squared = spectrum.sums**2
    inside = np.divide(squared, power)
    outside = np.maximum(spectrum.counts - inside.sum(axis=1), 0.0)
    unit = float(power.mean()) if power.size else 1.0
    low, high = BOUNDS[0] * unit, BOUNDS[1] * unit
    ratio = np.full(len(spectrum.counts), min(max(1.0, low), high))
    for _ in range(ROUNDS if power.size else 0):
        weight, error = _fit(ratio[:, None], power, squared, inside, outside)
        used = (power / (ratio[:, None] + power)).sum(axis=1)
        new = used / np.maximum(weight, np.finfo(float).tiny) * error / (n - used)
        new = np.clip(new, low, high)
        moved = float(np.abs(np.log(new / ratio)).max())
        ratio = new
        if moved < STILL:
            break
    weight, error = _fit(ratio[:, None], power, squared, inside, outside)
    left = np.maximum(error + ratio * weight, np.finfo(float).tiny)
    spread = np.log1p(power / ratio[:, None]).sum(axis=1)
    evidence = n / 2 * (np.log(n / left) - np.log(2 * np.pi) - 1) - spread / 2
    return float(np.mean(evidence) / n)


def _fit(
    ratio: np.ndarray, power: np.ndarray, squared: np.ndarray, inside: np.ndarray, outside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give |m|² and |F m − y|² of the posterior mean m, each (k,)."""
    weight = (squared / (ratio + power) ** 2).sum(axis=1)
    error = (inside * (ratio / (ratio + power)) ** 2).sum(axis=1) + outside
    return weight, error
