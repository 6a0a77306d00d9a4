"""Where each model's true score may lie before its predictions are looked at: published standing and LogME."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from advisor.result import ModelResult

__all__ = ["chances", "place"]

AGREEMENT = 0.65
"""Of a published standing with how models end on other data: about the mean weighted tau over the eight tables of
`benchmarks/prior.py`."""
HINT = 0.75
"""Of LogME with how models end: 0.65 on the five data sets of `benchmarks/selection/tables.py`; of the real runs
beside it the regret on images is least above 0.8, and the log loss below 0.75."""
SPREAD = (0.02, 0.15)
VAGUE = 0.5
UNTOLD = 1.5
FREEDOM = 4.0
NORMAL = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""
FEWEST, MOST = 3, 3.0
DRAWS = 4000
Floats = NDArray[np.float64]


def place(
    results: Sequence[ModelResult],
    measured: Floats,
    standing: Mapping[str, tuple[float, float]],
    logme: Mapping[str, Mapping[int, float]] | None = None,
) -> tuple[Floats, Floats]:
    """Place m models on the metric's scale before the evidence.

    Pretrained models share the median and the spread of what this probe measured of them; the spread is that of the
    middle ones, so that a single bad model does not make the good ones look alike. A published standing of one spread
    moves a model by `AGREEMENT` spreads and makes it that much less uncertain; a model without one stands at the
    median. LogME, where it was computed on the same examples, is a second reading of how it will end once tuned. A
    model that lies far from its place is the less bound by it, as under Student's t with 4 degrees of freedom (one step
    of Lange et al. 1989). The common level is left free, and a baseline may be anywhere.

    :param results: the measured models, then others that were not reached.
    :param measured: the scores of the former.
    :param standing: model → (mean, sd) in units of the spread.
    :param logme: model → number of examples → LogME on them.
    :return: (m,) means and (m, m) covariance.
    """
    pretrained = np.array([result.kind != "baseline" for result in results])
    means = np.full(len(results), float(measured.mean()))
    variances = np.full(len(results), VAGUE**2)
    if pretrained.any():
        shown = measured[pretrained[: len(measured)]]
        level = float(np.median(shown)) if len(shown) else float(measured.mean())
        spread = float(np.clip(_spread(shown), *SPREAD))
        hints = _hints(logme or {})
        for i in np.flatnonzero(pretrained).tolist():
            z, doubt = standing.get(results[i].model, (0.0, UNTOLD))
            mean, variance = _joined(z, doubt, hints.get(results[i].model))
            means[i], variances[i] = level + spread * mean, spread**2 * variance
            if i < len(measured):
                far = (measured[i] - means[i]) ** 2 / variances[i]
                variances[i] *= (FREEDOM + far) / (FREEDOM + 1)
    level_is_free = pretrained * VAGUE
    return means, np.diag(variances) + np.outer(level_is_free, level_is_free)


def chances(models: Sequence[str], standing: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Say how likely each of some pretrained models is the best before anything is measured.

    :param standing: model → (mean, sd) in units of the spread.
    """
    read = [_joined(*standing.get(model, (0.0, UNTOLD)), None) for model in models]
    means, variances = np.array(read).reshape(-1, 2).T
    draws = np.random.default_rng(0).normal(means, np.sqrt(variances), size=(DRAWS, len(models)))
    wins = np.bincount(draws.argmax(axis=1), minlength=len(models)) if models else np.zeros(0)
    return {model: float(count) / DRAWS for model, count in zip(models, wins, strict=True)}


def _joined(z: float, doubt: float, hint: float | None) -> tuple[float, float]:
    """Join a standing and a hint, in spreads: mean and variance of the true one."""
    mean, variance = AGREEMENT * z, 1 - AGREEMENT**2 + (AGREEMENT * doubt) ** 2
    if hint is None:
        return mean, variance
    noise = HINT**-2 - 1
    share = variance / (variance + noise)
    return mean + share * (hint - mean), (1 - share) * variance


def _hints(logme: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Read LogME in spreads around its median.

    It grows with the examples: a reading on more, or fewer, than most models have is moved by what the models with both
    readings differ in the median. Each model counts by its reading on most examples.
    """
    sizes = Counter(n for read in logme.values() for n in read)
    if not sizes:
        return {}
    usual = max(sizes, key=lambda n: (sizes[n], n))
    shared = {
        n: [read[n] - read[usual] for read in logme.values() if n in read and usual in read] for n in sizes
    }
    level = {n: float(np.median(differences)) for n, differences in shared.items() if differences}
    alike = {}
    for model, read in logme.items():
        if common := read.keys() & level.keys():
            alike[model] = read[max(common)] - level[max(common)]
    values = np.array(list(alike.values()))
    spread = _spread(values)
    if len(alike) < FEWEST or spread == 0:
        return {}
    scaled = np.clip((values - np.median(values)) / spread, -MOST, MOST)
    return dict(zip(alike, map(float, scaled), strict=True))


def _spread(values: Floats) -> float:
    """Standard deviation by the median absolute deviation; 0 for none."""
    return NORMAL * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0
