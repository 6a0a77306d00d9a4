"""Prior and evidence become one ranking, with a probability for each model of being the best.

The select split is resampled for all models at once (Bayesian bootstrap, Rubin 1981), so that models judged on
the same examples are compared pair by pair. Before the evidence each pretrained model's true score lies around
the probe's average, shifted by its published standing; a Gaussian update joins the two. Baselines have no prior.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.curve import Curve, slope
from advisor.metrics import weighted_scores
from advisor.recommendation import Recommendation
from advisor.result import Decision, Evidence, Expected, ModelResult, ProbeResult

__all__ = ["decide"]

DRAWS = 4000
AGREEMENT = 0.5
SURE = 0.9
SPREAD = (0.02, 0.15)
VAGUE = 0.5
UNTOLD = 1.5
METRIC_NAMES = {"macro_f1": "macro-F1"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Posterior:
    models: tuple[str, ...]
    draws: Floats

    def interval(self, model: str) -> tuple[float, float, float]:
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
        difference = self.draws[:, self.models.index(one)] - self.draws[:, self.models.index(other)]
        return float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))


def decide(probe: ProbeResult, recommendation: Recommendation, *, seed: int = 0) -> Decision:
    """Choose a model from what was measured on the select split and what was known before.

    :param probe: the results with their evidence; the report split is not looked at.
    :param recommendation: the advice, with the brief's metric and limits and each model's adaptation.
    :param seed: of the resampling.
    :return: the decision; its winner is None if no model finished a rung or none keeps a measured limit.
    """
    evidence = probe.evidence
    ok = [result for result in probe.results if result.status == "ok"]
    if evidence is None or not ok:
        return Decision(
            winner=None,
            because="No model finished its first rung, so nothing can be said about your data.",
            next_steps=("Run again with a larger budget or fewer models.",),
        )
    metric = recommendation.brief.metric
    posterior = _posterior(evidence, metric, ok, seed)
    results = {result.model: result for result in ok}
    broken = {
        model: reasons for model in results if (reasons := _broken_limits(results[model], recommendation))
    }
    kept = [model for model in results if model not in broken]
    p_best = posterior.p_best(kept or list(results))
    size = {model: results[model].size_mb or 0.0 for model in results}
    ranking = sorted(
        results,
        key=lambda model: (
            model in broken,
            -p_best[model],
            -posterior.interval(model)[0],
            size[model],
            model,
        ),
    )
    winner = ranking[0] if ranking[0] not in broken else None
    tied = tuple(
        model
        for model in ranking[1:]
        if winner and model not in broken and posterior.ahead(winner, model) < SURE
    )
    return Decision(
        winner=winner,
        tied_with=tied,
        p_best=p_best,
        ranking=tuple(ranking),
        because=_because(winner, tied, posterior, p_best, results, broken, metric, evidence),
        next_steps=_next_steps(winner, tied, posterior, probe, evidence, results),
        expected={
            model: _expected(model, posterior, results[model], evidence, recommendation) for model in ranking
        },
        risks=_risks(winner, results, evidence),
    )


def _posterior(evidence: Evidence, metric: str, results: Sequence[ModelResult], seed: int) -> _Posterior:
    rng = np.random.default_rng(seed)
    models = [result.model for result in results]
    n, m = len(evidence.truth), len(models)
    weights = rng.exponential(size=(DRAWS, n))
    predictions = [evidence.predictions[model] for model in models]
    sampled = np.stack(
        [
            weighted_scores(metric, evidence.truth, predicted, evidence.labels, weights)
            for predicted in predictions
        ],
        axis=1,
    )
    measured = np.array(
        [weighted_scores(metric, evidence.truth, p, evidence.labels, np.ones((1, n)))[0] for p in predictions]
    )
    noise = (
        np.cov(sampled, rowvar=False).reshape(m, m) + np.eye(m) * _one_example(n) + _level_doubt(sampled, n)
    )
    centre, prior = _prior(results, measured, evidence.standing)
    gain = prior @ np.linalg.inv(prior + noise)
    mean = centre + gain @ (measured - centre)
    covariance = prior - gain @ prior
    draws = rng.multivariate_normal(mean, (covariance + covariance.T) / 2, size=DRAWS, method="eigh")
    return _Posterior(tuple(models), draws)


def _one_example(n: int) -> float:
    """Variance per model such that one more example between two models stays possible."""
    return 0.5 / (n + 1) ** 2


def _level_doubt(sampled: Floats, n: int) -> float:
    """Variance that all models share: near 0 and 1 resampling is too sure of the level (Agresti & Coull 1998)."""
    share = (sampled.mean(axis=0) * n + 2) / (n + 4)
    return float(max(0.0, np.mean(share * (1 - share) / (n + 4) - sampled.var(axis=0))))


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


def _broken_limits(result: ModelResult, recommendation: Recommendation) -> list[str]:
    limits = recommendation.brief.constraints
    broken = []
    if limits.device == "this-machine":
        latency = result.latency_ms.p95 if result.latency_ms else None
        if limits.latency_ms and latency and latency > limits.latency_ms:
            broken.append(f"answered in {latency:.0f} ms where {limits.latency_ms:.0f} ms are allowed")
        if (
            limits.throughput_per_s
            and result.throughput_per_s
            and result.throughput_per_s < limits.throughput_per_s
        ):
            broken.append(
                f"answered {result.throughput_per_s:.0f} requests a second "
                f"where {limits.throughput_per_s:.0f} are needed"
            )
    if limits.size_mb and result.size_mb and result.size_mb > limits.size_mb:
        broken.append(f"is {result.size_mb:.0f} MB where {limits.size_mb:.0f} MB are allowed")
    return broken


def _because(
    winner: str | None,
    tied: Sequence[str],
    posterior: _Posterior,
    p_best: Mapping[str, float],
    results: Mapping[str, ModelResult],
    broken: Mapping[str, list[str]],
    metric: str,
    evidence: Evidence,
) -> str:
    notes = [f"{model} {reasons[0]}." for model, reasons in broken.items()]
    if winner is None:
        return " ".join(["No probed model keeps the limits as measured here.", *notes])
    value, low, high = posterior.interval(winner)
    name = METRIC_NAMES.get(metric, metric.replace("_", " "))
    kept = [model for model in posterior.models if model not in broken]
    among = f"the {len(kept)} that keep your limits" if broken else f"{len(kept)}"
    sentences = [
        f"{winner} is the best of {among} with probability {p_best[winner]:.2f}: its expected "
        f"{name} on your data is {value:.3f} ({low:.3f} to {high:.3f}, {len(evidence.truth)} examples to choose by)."
    ]
    if tied:
        sentences.append(f"It cannot be told apart from {_listed(tied)}.")
    baselines = [model for model in kept if results[model].kind == "baseline"]
    pretrained = [model for model in kept if results[model].kind != "baseline"]
    best_baseline = max(baselines, key=lambda model: posterior.interval(model)[0], default=None)
    if results[winner].kind == "baseline" and pretrained:
        rival = max(pretrained, key=lambda model: posterior.interval(model)[0])
        sentences.append(_saving(winner, rival, posterior, results))
    elif results[winner].kind == "baseline" and broken:
        sentences.append("No pretrained model keeps your limits.")
    elif best_baseline and best_baseline not in tied:
        gain = value - posterior.interval(best_baseline)[0]
        sentences.append(f"It beats the best baseline, {best_baseline}, by {100 * gain:.1f} points.")
    elif best_baseline:
        sentences.append(
            f"The cheap baseline {best_baseline} may be enough: {_cost(results[best_baseline])}."
        )
    return " ".join(sentences + notes)


def _saving(winner: str, rival: str, posterior: _Posterior, results: Mapping[str, ModelResult]) -> str:
    difference = 100 * (posterior.interval(winner)[0] - posterior.interval(rival)[0])
    return (
        f"A deep model is not worth it here: the best pretrained one, {rival}, is expected {difference:.1f} points "
        f"lower and costs {_cost(results[rival])}, against {_cost(results[winner])}."
    )


def _cost(result: ModelResult) -> str:
    latency = f"{result.latency_ms.p95:.1f} ms a request" if result.latency_ms else "an unknown latency"
    size = f"{result.size_mb:.1f} MB" if result.size_mb is not None else "an unknown size"
    return f"{latency} and {size}"


def _listed(models: Sequence[str]) -> str:
    return models[0] if len(models) == 1 else f"{', '.join(models[:-1])} and {models[-1]}"


def _next_steps(
    winner: str | None,
    tied: Sequence[str],
    posterior: _Posterior,
    probe: ProbeResult,
    evidence: Evidence,
    results: Mapping[str, ModelResult],
) -> tuple[str, ...]:
    steps = []
    n = len(evidence.truth)
    if winner and tied:
        light = min([winner, *tied], key=lambda model: (results[model].size_mb or 0.0, model))
        if light != winner:
            steps.append(
                f"If size or speed matters, take {light}: it cannot be told apart and is the smallest."
            )
        _, low, high = posterior.interval(winner)
        steps.append(
            f"Label more examples to break the tie: with {4 * n} to choose by instead of {n} the interval shrinks "
            f"from about ±{50 * (high - low):.1f} to ±{25 * (high - low):.1f} points."
        )
    if winner and (rise := _still_rising(results[winner])):
        steps.append(
            f"More training data should help: from half of the examples to all of them, {winner} rose by "
            f"{100 * rise:.1f} points."
        )
    waiting = [result.model for result in probe.results if result.status == "stopped"]
    if waiting:
        steps.append(
            f"Run again with more than {probe.budget_s:.0f} s: {_listed(waiting)} did not finish a rung."
        )
    failed = [result.model for result in probe.results if result.status == "failed"]
    if failed:
        steps.append(f"See why {_listed(failed)} failed; a failure says nothing about quality.")
    if winner is None:
        steps.append("Loosen the limit, choose a stronger device, or probe smaller and faster models.")
    if winner and not steps:
        steps.append(f"Fine-tune {winner} on all of your data, then watch its errors on new examples.")
    return tuple(steps)


def _still_rising(result: ModelResult) -> float | None:
    points = [point for point in result.curve if point.rung in ("linear-probe", "fit")]
    if len(points) < 2:
        return None
    rise = points[-1].metric.value - points[-2].metric.value
    return rise if rise >= 0.01 else None


def _expected(
    model: str, posterior: _Posterior, result: ModelResult, evidence: Evidence, recommendation: Recommendation
) -> Expected:
    """Extrapolate the error as a power of the number of examples, a slope between 0 and 0.5 from the curve.

    The lower end grants no growth, the upper end the steepest one (Hestness et al. 2017 see slopes up to 0.5).
    """
    value, low, high = posterior.interval(model)
    growth = max(1.0, evidence.available / max(1, evidence.learnt[model]))
    reached = 1 - (1 - value) * growth ** -_slope(result)
    best = max(reached, 1 - (1 - high) * growth**-0.5)
    chosen = {candidate.model: candidate.adaptation.strategy for candidate in recommendation.shortlist}
    strategy = "from-scratch" if result.kind == "baseline" else chosen.get(model, result.strategy or "full")
    return Expected(
        metric=recommendation.brief.metric,
        value=float(np.clip(reached, low, best)),
        low=low,
        high=float(best),
        strategy=strategy,
    )


def _slope(result: ModelResult) -> float:
    points = [p for p in result.curve if p.rung in ("linear-probe", "linear-probe-all", "fit")]
    return slope(Curve(tuple(p.examples for p in points), tuple(1 - p.metric.value for p in points)))


def _risks(winner: str | None, results: Mapping[str, ModelResult], evidence: Evidence) -> tuple[str, ...]:
    risks = []
    if len(evidence.truth) < 100:
        risks.append(
            f"Only {len(evidence.truth)} examples to choose by: a difference of a few points is chance."
        )
    fewest = np.bincount(evidence.truth, minlength=len(evidence.labels))
    rare = [label for label, count in zip(evidence.labels, fewest, strict=True) if count < 5]
    if rare:
        shown = ", ".join(repr(label) for label in rare[:3])
        risks.append(f"{len(rare)} classes have fewer than 5 examples to choose by, among them {shown}.")
    if winner and results[winner].licence is None and results[winner].kind != "baseline":
        risks.append(f"The licence of {winner} is not known here: read it before you ship.")
    return tuple(risks)
