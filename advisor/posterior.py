"""Where each model's true score may lie: the select split resampled, cross-validation, and what was published.

The examples to choose by are resampled for all models at once (Bayesian bootstrap, Rubin 1981), so that models judged
on the same examples are compared pair by pair. Where a model's probe was cross-validated, the examples that it learnt
from are there to judge it by, too. Before the evidence each pretrained model's true score lies around the probe's
average, shifted by its published standing; a Gaussian update joins the two. Baselines have no prior.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.doubt import DOUBT, Doubt
from advisor.metrics import weighted_scores
from advisor.result import Evidence, ModelResult

__all__ = ["Measured", "Posterior", "join", "measure", "posterior"]

DRAWS = 4000
AGREEMENT = 0.5
SPREAD = (0.02, 0.15)
VAGUE = 0.5
UNTOLD = 1.5
DEPTH = {"last-block": 1, "longer": 1, "lora": 2, "full": 2}
"""How deep a rung tunes: the last block, or all layers."""
LEAST_DOUBT = 0.005
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """Draws of the models' true scores.

    :ivar draws: (draws, m).
    """

    models: tuple[str, ...]
    draws: Floats

    def interval(self, model: str) -> tuple[float, float, float]:
        """Give mean, 2.5 % and 97.5 % of a model's score."""
        column = self.draws[:, self.models.index(model)]
        low, high = np.quantile(column, (0.025, 0.975))
        return float(np.clip(column.mean(), 0, 1)), float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))

    def p_best(self, among: Sequence[str]) -> dict[str, float]:
        """Share the draws between the models that may win; the others get 0."""
        draws = self.draws[:, [self.models.index(one) for one in among]]
        wins = draws == draws.max(axis=1, keepdims=True)
        shares = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
        return dict.fromkeys(self.models, 0.0) | dict(zip(among, map(float, shares), strict=True))

    def ahead(self, one: str, other: str) -> float:
        """Give the probability that one model is better than the other."""
        difference = self.draws[:, self.models.index(one)] - self.draws[:, self.models.index(other)]
        return float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))

    def regret(self, one: str, among: Sequence[str]) -> float:
        """Give how far one model's score lies below the best of some models on average."""
        best = self.draws[:, [self.models.index(other) for other in among]].max(axis=1)
        return float(np.maximum(0, best - self.draws[:, self.models.index(one)]).mean())


@dataclass(frozen=True)
class Measured:
    """What the evidence says of m models and what was known before.

    :ivar scores: (m,) on the metric's scale.
    :ivar resampled: (m, m) covariance that resampling the judged examples shows.
    :ivar fixed: (m, m) covariance that is there besides, whatever the doubt.
    :ivar learning: (m,) what one unit of doubt about the examples learnt from adds to the variances.
    :ivar centre: (m,) means before the evidence.
    :ivar prior: (m, m) covariance before the evidence.
    """

    models: tuple[str, ...]
    scores: Floats
    resampled: Floats
    fixed: Floats
    learning: Floats
    centre: Floats
    prior: Floats


def posterior(
    evidence: Evidence,
    metric: str,
    results: Sequence[ModelResult],
    seed: int,
    doubt: Doubt = DOUBT,
    *,
    prospects: bool = True,
) -> Posterior:
    """Join what was measured of each model with what was known before.

    :param results: the models that finished a rung.
    :param seed: of the resampling.
    :param doubt: how much less certain the evidence is than its resampling says.
    :param prospects: grant the models that were not tuned what tuning gave to those that were.
    """
    return join(measure(evidence, metric, results, seed, prospects=prospects), seed, doubt)


def measure(
    evidence: Evidence, metric: str, results: Sequence[ModelResult], seed: int, *, prospects: bool = True
) -> Measured:
    """Read what the evidence says of each model, and what was known before, whatever the doubt.

    :param results: the models that finished a rung.
    :param seed: of the resampling.
    :param prospects: grant the models that were not tuned what tuning gave to those that were.
    """
    rng = np.random.default_rng(seed)
    models = tuple(result.model for result in results)
    m, crossed = len(models), len(evidence.cross_truth)
    weights = rng.exponential(size=(DRAWS, max(crossed, len(evidence.truth))))
    sampled = np.stack([_scores(evidence, metric, model, weights) for model in models], axis=1)
    scores = np.array(
        [_scores(evidence, metric, model, np.ones((1, weights.shape[1])))[0] for model in models]
    )
    sizes = np.array(
        [crossed if model in evidence.cross else len(evidence.truth) for model in models], dtype=float
    )
    fixed = np.diag(_one_example(sizes)) + _level_doubt(sampled, sizes)
    centre, prior = _prior(results, scores, evidence.standing)
    if prospects:
        hope, unsure = _prospects(evidence, metric, results)
        scores, fixed = scores + hope, fixed + np.diag(unsure)
    resampled = np.cov(sampled, rowvar=False).reshape(m, m)
    return Measured(models, scores, resampled, fixed, _learning_unit(scores, evidence, models), centre, prior)


def join(measured: Measured, seed: int, doubt: Doubt = DOUBT, draws: int = DRAWS) -> Posterior:
    """Update what was known before by what was measured.

    :param seed: of the draws.
    :param doubt: how much less certain the evidence is than its resampling says.
    """
    noise = (
        doubt.resampling * measured.resampled + measured.fixed + np.diag(doubt.learning * measured.learning)
    )
    gain = measured.prior @ np.linalg.inv(measured.prior + noise)
    mean = measured.centre + gain @ (measured.scores - measured.centre)
    covariance = measured.prior - gain @ measured.prior
    rng = np.random.default_rng((seed, 1))
    found = rng.multivariate_normal(mean, (covariance + covariance.T) / 2, size=draws, method="eigh")
    return Posterior(measured.models, found)


def _scores(evidence: Evidence, metric: str, model: str, weights: Floats) -> Floats:
    """Score a model under many weightings of the examples.

    With cross-validation it is the score of the probe over all examples, and, where the model has climbed on, what it
    gained since on those to choose by: the two are alike enough that their difference is known well.

    :param weights: (draws, N), of which the last n belong to the select split.
    """
    n = len(evidence.truth)
    choosing = weights[:, -n:]
    best = weighted_scores(metric, evidence.truth, evidence.predictions[model], evidence.labels, choosing)
    if model not in evidence.cross:
        return best
    cross = evidence.cross[model]
    whole = weighted_scores(metric, evidence.cross_truth, cross, evidence.labels, weights)
    if model in evidence.first_best:
        return whole
    return whole + best - weighted_scores(metric, evidence.truth, cross[-n:], evidence.labels, choosing)


def _prospects(evidence: Evidence, metric: str, results: Sequence[ModelResult]) -> tuple[Floats, Floats]:
    """What tuning may still add to each model: nothing to one that was tuned as deeply as any or cannot be.

    :return: (m,) means and variances: the mean gain over the probe of those that were tuned most deeply, as if one more
        had gained nothing, less what a model has gained by lighter tuning; and as uncertain as it is large.
    """
    once = np.ones((1, max(len(evidence.cross_truth), len(evidence.truth))))
    n = len(evidence.truth)
    depth = {one.model: max((DEPTH.get(point.rung, 0) for point in one.curve), default=0) for one in results}
    gains = {}
    for model in evidence.cross.keys() & {model for model, deep in depth.items() if deep}:
        probe = weighted_scores(
            metric, evidence.truth, evidence.cross[model][-n:], evidence.labels, once[:, -n:]
        )
        best = weighted_scores(
            metric, evidence.truth, evidence.predictions[model], evidence.labels, once[:, -n:]
        )
        gains[model] = 0.0 if model in evidence.first_best else float(best[0] - probe[0])
    deepest = max((depth[model] for model in gains), default=0)
    most = [gain for model, gain in gains.items() if depth[model] == deepest]
    usual = sum(most) / (len(most) + 1)
    waits = [
        one.kind == "weights" and depth[one.model] < deepest and one.model not in evidence.frozen
        for one in results
    ]
    hope = np.array([max(0.0, usual - gains.get(one.model, 0.0)) for one in results])
    return np.where(waits, hope, 0.0), np.where(waits, np.maximum(hope, LEAST_DOUBT) ** 2, 0.0)


def _one_example(sizes: Floats) -> Floats:
    """Variance per model such that one more example between two models stays possible."""
    return 0.5 / (sizes + 1) ** 2


def _learning_unit(measured: Floats, evidence: Evidence, models: Sequence[str]) -> Floats:
    """What one unit of doubt adds to each model's variance: other, or more, examples would have taught it otherwise."""
    share = np.clip(measured, 0.02, 0.98)
    learnt = np.array([max(1, evidence.learnt[model]) for model in models], dtype=float)
    return np.asarray(share * (1 - share) / learnt)


def _level_doubt(sampled: Floats, sizes: Floats) -> float:
    """Variance that all models share: near 0 and 1 resampling is too sure of the level (Agresti & Coull 1998)."""
    share = (sampled.mean(axis=0) * sizes + 2) / (sizes + 4)
    return float(max(0.0, np.mean(share * (1 - share) / (sizes + 4) - sampled.var(axis=0))))


def _prior(
    results: Sequence[ModelResult], measured: Floats, standing: Mapping[str, tuple[float, float]]
) -> tuple[Floats, Floats]:
    """Place each model before the evidence: (m,) means and (m, m) covariance on the metric's scale.

    Pretrained models share the median and the spread of what this probe measured of them. A published standing
    of one spread moves a model by `AGREEMENT` spreads, about the rank correlation that such priors reach between
    data sets, and makes it that much less uncertain; a model without one stands at the median. The common level
    is left free, and a baseline may be anywhere.
    """
    pretrained = np.array([result.kind != "baseline" for result in results])
    means = np.full(len(results), float(measured.mean()))
    deviations = np.full(len(results), VAGUE)
    if pretrained.any():
        level = float(np.median(measured[pretrained]))
        spread = float(np.clip(measured[pretrained].std(), *SPREAD))
        for i in np.flatnonzero(pretrained).tolist():
            z, doubt = standing.get(results[i].model, (0.0, UNTOLD))
            means[i] = level + AGREEMENT * spread * z
            deviations[i] = spread * np.sqrt(1 - AGREEMENT**2 + (AGREEMENT * doubt) ** 2)
    level_is_free = pretrained * VAGUE
    return means, np.diag(deviations**2) + np.outer(level_is_free, level_is_free)
