"""Where each model's true score may lie: the select split resampled, cross-validation, and what was known before.

The examples to choose by are resampled for all models at once (Bayesian bootstrap, Rubin 1981), so that models judged
on the same examples are compared pair by pair. Where a model's probe was cross-validated, the examples that it learnt
from are there to judge it by, too. `advisor.place` says where each model lies before the evidence; a Gaussian update
joins the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.doubt import DOUBT, Doubt
from advisor.metrics import weighted_scores
from advisor.place import place
from advisor.prospects import PART, Climbed, Prospects, foresee
from advisor.result import Evidence, ModelResult

__all__ = ["SURE", "Measured", "Posterior", "join", "measure", "posterior"]

DRAWS = 4000
SURE = 0.9
"""How probable it must be that one model is better than another to say so."""
UNSEEN = 1e4
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

    def tied(self, one: str, others: Sequence[str]) -> tuple[str, ...]:
        """Name the models that one cannot be told to beat."""
        return tuple(other for other in others if self.ahead(one, other) < SURE)

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
    :ivar prospects: what full fine-tuning may still bring; None for the models as they are.
    """

    models: tuple[str, ...]
    scores: Floats
    resampled: Floats
    fixed: Floats
    learning: Floats
    centre: Floats
    prior: Floats
    prospects: Prospects | None = None


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
    :param prospects: grant the models what full fine-tuning is expected to add to what they have reached.
    """
    return join(measure(evidence, metric, results, seed, prospects=prospects), seed, doubt)


def measure(
    evidence: Evidence,
    metric: str,
    results: Sequence[ModelResult],
    seed: int,
    *,
    prospects: bool = True,
    unreached: Sequence[ModelResult] = (),
) -> Measured:
    """Read what the evidence says of each model, and what was known before, whatever the doubt.

    :param results: the models that finished a rung.
    :param unreached: pretrained models that did not: only what was known before speaks of them, as their variance is as
        good as infinite.
    :param seed: of the resampling.
    :param prospects: grant the models what full fine-tuning is expected to add to what they have reached.
    """
    rng = np.random.default_rng(seed)
    models = tuple(result.model for result in results)
    m = len(models)
    weights = rng.exponential(size=(DRAWS, max(len(evidence.cross_truth), len(evidence.truth))))
    weights = np.concatenate([np.ones((1, weights.shape[1])), weights])
    drawn = np.stack([_scores(evidence, metric, model, weights) for model in models], axis=1)
    scores, sampled = drawn[0], drawn[1:]
    sizes = np.array([len(evidence.cross.get(model, evidence.truth)) for model in models], dtype=float)
    fixed = np.diag(_one_example(sizes)) + _level_doubt(sampled, sizes)
    centre, prior = place([*results, *unreached], scores, evidence.standing, evidence.logme)
    resampled = np.cov(sampled, rowvar=False).reshape(m, m)
    learning = _learning_unit(scores, evidence, models)
    missing = len(unreached)
    tuning = foresee(_climbed(evidence, metric, results, unreached), len(evidence.truth), evidence.modality)
    return Measured(
        models=(*models, *(result.model for result in unreached)),
        scores=np.concatenate([scores, centre[m:]]),
        resampled=np.pad(resampled, (0, missing)),
        fixed=np.pad(fixed, (0, missing)) + np.diag([0.0] * m + [UNSEEN] * missing),
        learning=np.pad(learning, (0, missing)),
        centre=centre,
        prior=prior,
        prospects=tuning if prospects else None,
    )


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
    tuning = measured.prospects
    return Posterior(measured.models, tuning.tuned(found, seed, doubt.tuning) if tuning else found)


def _scores(evidence: Evidence, metric: str, model: str, weights: Floats) -> Floats:
    """Score a model under many weightings of the examples.

    With cross-validation it is the score of the probe over all examples. Where the model has climbed on, it is the
    best rung's on those to choose by, less what these were lighter for its probe than all examples are; that counts as
    far as the two scores go up and down together from weighting to weighting (a regression estimator, Cochran 1977).

    :param weights: (draws, N), of which the last n belong to the select split; the first ones even.
    """
    n = len(evidence.truth)
    choosing = weights[:, -n:]
    best = weighted_scores(metric, evidence.truth, evidence.predictions[model], evidence.labels, choosing)
    if model not in evidence.cross:
        return best
    cross = evidence.cross[model]
    much = len(cross)
    truth = evidence.cross_truth[-much:]
    whole = weighted_scores(metric, truth, cross, evidence.labels, weights[:, -much:])
    if model in evidence.first_best:
        return whole
    there = weighted_scores(metric, evidence.truth, cross[-n:], evidence.labels, choosing)
    return best - _slope(there[1:], best[1:]) * (there - whole)


def _slope(given: Floats, asked: Floats) -> float:
    """How much of a change of one score another takes part in, within 0–1, from both in many draws."""
    variance = float(given.var())
    together = float(np.mean((given - given.mean()) * (asked - asked.mean())))
    return float(np.clip(together / variance, 0.0, 1.0)) if variance > 0 else 0.0


def _on_the_way(one: ModelResult) -> set[str]:
    """The rungs on the way to full tuning; `few-shot` lies beside it and counts only where it is what was kept."""
    rungs = {point.rung for point in one.curve}
    return rungs if one.strategy == "contrast" else rungs - {"few-shot"}


def _climbed(
    evidence: Evidence, metric: str, results: Sequence[ModelResult], unreached: Sequence[ModelResult]
) -> list[Climbed]:
    """Say how far each model has climbed, and what that brought it on the examples to choose by."""
    n = len(evidence.truth)
    even = np.ones((1, n))
    found = []
    for one in results:
        predicted = evidence.predictions[one.model]
        best = float(weighted_scores(metric, evidence.truth, predicted, evidence.labels, even)[0])
        probe = None
        if one.model in evidence.cross:
            crossed = evidence.cross[one.model][-n:]
            probe = float(weighted_scores(metric, evidence.truth, crossed, evidence.labels, even)[0])
        if one.model in evidence.first_best:
            best = probe if probe is not None else best
        found.append(
            Climbed(
                probe=probe,
                best=best,
                part=max((PART.get(rung, 0.0) for rung in _on_the_way(one)), default=0.0),
                tunable=one.kind == "weights" and one.model not in evidence.frozen,
            )
        )
    return found + [Climbed(None, 0.0, 0.0, one.model not in evidence.frozen) for one in unreached]


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
