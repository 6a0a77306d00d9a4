"""Prior and evidence become one ranking, with a probability for each model of being the best."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from advisor.broken import broken_limits
from advisor.budget import budget_for, kept_for_looking
from advisor.curve import Curve, slope
from advisor.doubt import DOUBT, Doubt
from advisor.naming import listed
from advisor.posterior import Posterior, join, measure
from advisor.recommendation import Recommendation
from advisor.result import Decision, Evidence, Expected, ModelResult, ProbeResult

__all__ = ["decide"]

LIKELY = 0.5
FEWEST_ERRORS = 4
VISIBLE = 0.5
"""Points below which a difference is not worth a word."""
FAR = 4.0
"""So many times the examples may turn round what tuning gave."""
TUNED_BY = ("last-block", "lora", "full")
UNTUNED = ("linear-probe", "linear-probe-all", "fit")
METRIC_NAMES = {"macro_f1": "macro-F1"}


def decide(
    probe: ProbeResult, recommendation: Recommendation, *, seed: int = 0, doubt: Doubt = DOUBT
) -> Decision:
    """Choose a model from what was measured on the select split and what was known before.

    :param probe: the results with their evidence; the report split is not looked at.
    :param recommendation: the advice, with the brief's metric and limits and each model's adaptation.
    :param seed: of the resampling.
    :param doubt: how much less certain the evidence is than its resampling says; the fitted values if not given.
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
    waiting = [result for result in probe.results if result.status == "stopped" and result.kind != "baseline"]
    measured = measure(evidence, metric, ok, seed, unreached=waiting)
    found = join(measured, seed, doubt)
    results = {result.model: result for result in ok}
    broken = {
        model: reasons
        for model in results
        if (reasons := broken_limits(results[model], recommendation.brief))
    }
    kept = [model for model in results if model not in broken]
    shares = found.p_best(kept or list(results))
    p_best = {model: shares[model] for model in results}
    size = {model: results[model].size_mb or 0.0 for model in results}
    ranking = sorted(
        results,
        key=lambda model: (
            model in broken,
            -p_best[model],
            -found.interval(model)[0],
            size[model],
            model,
        ),
    )
    winner = ranking[0] if ranking[0] not in broken else None
    rest = [model for model in ranking[1:] if model not in broken]
    tied = found.tied(winner, rest) if winner else ()
    now = join(replace(measured, prospects=None), seed, doubt)
    alike = now.tied(winner, tied) if winner else ()
    because = _because(winner, tied, found, p_best, results, broken, metric, evidence)
    unreached = {one.model: found.ahead(one.model, winner) for one in waiting} if winner else {}
    return Decision(
        winner=winner,
        tied_with=tied,
        p_best=p_best,
        ranking=tuple(ranking),
        unreached=unreached,
        because=" ".join(filter(None, [because, _behind_now(winner, kept, found, now) if winner else None])),
        regret=found.regret(winner, kept) if winner else None,
        next_steps=_next_steps(winner, tied, alike, found, probe, evidence, results, unreached),
        expected={
            model: _expected(model, found, results[model], evidence, recommendation) for model in ranking
        },
        risks=_risks(winner, results, evidence),
    )


def _because(
    winner: str | None,
    tied: Sequence[str],
    found: Posterior,
    p_best: Mapping[str, float],
    results: Mapping[str, ModelResult],
    broken: Mapping[str, list[str]],
    metric: str,
    evidence: Evidence,
) -> str:
    notes = [f"{model} {reasons[0]}." for model, reasons in broken.items()]
    if winner is None:
        return " ".join(["No probed model keeps the limits as measured here.", *notes])
    value, low, high = found.interval(winner)
    name = METRIC_NAMES.get(metric, metric.replace("_", " "))
    kept = [model for model in results if model not in broken]
    among = f"the {len(kept)} that keep your limits" if broken else f"{len(kept)}"
    sentences = [
        f"{winner} is the best of {among} with probability {p_best[winner]:.2f}: its expected "
        f"{name} on your data is {value:.3f} ({low:.3f} to {high:.3f}, {len(evidence.truth)} examples to choose by)."
    ]
    if tied:
        lost = 100 * found.regret(winner, kept)
        sentences.append(
            f"It cannot be told apart from {listed(tied)}; choosing it now is expected to lose {lost:.1f} points "
            "against knowing the best."
        )
    baselines = [model for model in kept if results[model].kind == "baseline"]
    pretrained = [model for model in kept if results[model].kind != "baseline"]
    best_baseline = max(baselines, key=lambda model: found.interval(model)[0], default=None)
    if results[winner].kind == "baseline" and pretrained:
        rival = max(pretrained, key=lambda model: found.interval(model)[0])
        sentences.append(_saving(winner, rival, found, results))
    elif results[winner].kind == "baseline" and broken:
        sentences.append("No pretrained model keeps your limits.")
    elif results[winner].kind == "baseline":
        sentences.append("No pretrained model was measured, so what one would gain on your data is unknown.")
    elif best_baseline and best_baseline not in tied:
        gain = value - found.interval(best_baseline)[0]
        sentences.append(f"It beats the best baseline, {best_baseline}, by {100 * gain:.1f} points.")
    elif best_baseline:
        sentences.append(
            f"The cheap baseline {best_baseline} may be enough: {_cost(results[best_baseline])}."
        )
    return " ".join(sentences + notes)


def _behind_now(winner: str, kept: Sequence[str], found: Posterior, now: Posterior) -> str | None:
    """Say where the winner lies behind another model as probed, and wins by what tuning is expected to add."""
    leader = max(kept, key=lambda model: (now.interval(model)[0], model))
    own, best = now.interval(winner)[0], now.interval(leader)[0]
    gain = 100 * (found.interval(winner)[0] - own)
    if 100 * (best - own) < VISIBLE or gain < VISIBLE:
        return None
    return (
        f"As probed, {winner} still lies behind {leader} ({own:.3f} against {best:.3f}); fine-tuned in full it is "
        f"expected to gain {gain:.1f} points."
    )


def _saving(winner: str, rival: str, found: Posterior, results: Mapping[str, ModelResult]) -> str:
    difference = 100 * (found.interval(winner)[0] - found.interval(rival)[0])
    if abs(difference) < 0.05:
        return (
            f"The best pretrained model, {rival}, is expected to be as good and costs {_cost(results[rival])}, against "
            f"{_cost(results[winner])}."
        )
    if difference < 0:
        return (
            f"The best pretrained model, {rival}, is expected {-difference:.1f} points higher, not surely so, and "
            f"costs {_cost(results[rival])}, against {_cost(results[winner])}."
        )
    return (
        f"A deep model is not worth it here: the best pretrained one, {rival}, is expected {difference:.1f} points "
        f"lower and costs {_cost(results[rival])}, against {_cost(results[winner])}."
    )


def _cost(result: ModelResult) -> str:
    latency = f"{result.latency_ms.p95:.1f} ms a request" if result.latency_ms else "an unknown latency"
    size = f"{result.size_mb:.1f} MB" if result.size_mb is not None else "an unknown size"
    return f"{latency} and {size}"


def _next_steps(
    winner: str | None,
    tied: Sequence[str],
    alike: Sequence[str],
    found: Posterior,
    probe: ProbeResult,
    evidence: Evidence,
    results: Mapping[str, ModelResult],
    unreached: Mapping[str, float],
) -> tuple[str, ...]:
    """Say what to do next; a smaller model is offered where it is alike as probed, whatever tuning may add."""
    steps = []
    n = len(evidence.truth)
    if winner and (longer := _longer(probe)):
        steps.append(longer)
    if winner and tied:
        sizes = {model: mb for model in (winner, *alike) if (mb := results[model].size_mb) is not None}
        light = min(sizes, key=lambda model: (sizes[model], model), default=winner)
        if light != winner and winner in sizes:
            steps.append(
                f"If size or speed matters, take {light}: it cannot be told apart and is the smallest."
            )
        _, low, high = found.interval(winner)
        steps.append(
            f"Label more examples to break the tie: with {4 * n} to choose by instead of {n} the interval shrinks "
            f"from about ±{50 * (high - low):.1f} to ±{25 * (high - low):.1f} points."
        )
    if winner and (rise := _still_rising(results[winner])):
        steps.append(
            f"More training data should help: from half of the examples to all of them, {winner} rose by "
            f"{100 * rise:.1f} points."
        )
    if winner and (labels := _most_missed(winner, evidence)):
        steps.append(labels)
    waiting = [result.model for result in probe.results if result.status == "stopped"]
    if waiting:
        steps.append(
            f"Run again with more than {probe.budget_s:.0f} s: {listed(waiting)} did not finish a rung."
        )
    likely = max(unreached, key=lambda model: (unreached[model], model), default=None)
    if likely and unreached[likely] >= LIKELY:
        steps.append(
            f"{likely} was not reached, yet it is better than {winner} with probability {unreached[likely]:.2f}, "
            "by what is published of both."
        )
    failed = [result.model for result in probe.results if result.status == "failed"]
    if failed:
        steps.append(f"See why {listed(failed)} failed; a failure says nothing about quality.")
    if winner is None:
        steps.append("Loosen the limit, choose a stronger device, or probe smaller and faster models.")
    if winner and not steps:
        tunable = results[winner].kind == "weights" and winner not in evidence.frozen
        steps.append(
            f"Fine-tune {winner} on all of your data, then watch its errors on new examples."
            if tunable
            else f"Train {winner} on all of your data as it was probed, then watch its errors on new examples."
        )
    return tuple(steps)


def _longer(probe: ProbeResult) -> str | None:
    """Say what a longer budget would buy: the rung that had no time and promises most for its seconds."""
    waiting = [
        (row.waits.gain / more, more, row.model, row.waits)
        for row in probe.results
        if row.waits and (more := max(1.0, row.waits.seconds - row.waits.left))
    ]
    if not waiting:
        return None
    _, more, model, waits = max(waiting, key=lambda one: one[:3])
    enough = budget_for(probe.budget_s - kept_for_looking(probe.budget_s) + more)
    more, budget = enough - probe.budget_s, 10 * ceil(enough / 10)
    return (
        f"Give it about {more:.0f} s more, a budget of {budget} s: {waits.rung} of {model} had no time and is expected "
        f"to raise the best score by {100 * waits.gain:.1f} points."
    )


def _most_missed(winner: str, evidence: Evidence) -> str | None:
    """Name the class whose examples are wrong most often, where more of them should help."""
    crossed = winner in evidence.cross and winner in evidence.first_best
    truth = evidence.cross_truth[-len(evidence.cross[winner]) :] if crossed else evidence.truth
    wrong = truth != (evidence.cross[winner] if crossed else evidence.predictions[winner])
    errors = np.bincount(truth[wrong], minlength=len(evidence.labels))
    counts = np.bincount(truth, minlength=len(evidence.labels))
    worst = int(errors.argmax())
    share, missed = errors[worst] / max(1, errors.sum()), errors[worst] / max(1, counts[worst])
    if errors[worst] < FEWEST_ERRORS or missed < 1.5 * errors.sum() / len(truth):
        return None
    more = max(10, round(evidence.available * counts[worst] / len(truth), -1))
    return (
        f"Label about {more:.0f} more examples of {evidence.labels[worst]!r}: {missed:.0%} of them are taken for "
        f"something else, {share:.0%} of all errors of {winner}."
    )


def _still_rising(result: ModelResult) -> float | None:
    points = [point for point in result.curve if point.rung in ("linear-probe", "fit")]
    if len(points) < 2:
        return None
    rise = points[-1].metric.value - points[-2].metric.value
    return rise if rise >= 0.01 else None


def _expected(
    model: str, found: Posterior, result: ModelResult, evidence: Evidence, recommendation: Recommendation
) -> Expected:
    """Extrapolate the error as a power of the number of examples, a slope between 0 and 0.5 from the curve.

    The lower end grants no growth, the upper end the steepest one (Hestness et al. 2017 see slopes up to 0.5).
    The strategy is the one that won where tuning did; else the recommended one, but frozen features where tuning lost
    on not much fewer examples.
    """
    value, low, high = found.interval(model)
    growth = max(1.0, evidence.available / max(1, evidence.learnt[model]))
    lost = growth <= FAR and result.strategy == "frozen" and any(p.rung not in UNTUNED for p in result.curve)
    reached = 1 - (1 - value) * growth ** -_slope(result)
    best = max(reached, 1 - (1 - high) * growth**-0.5)
    chosen = {candidate.model: candidate.adaptation.strategy for candidate in recommendation.shortlist}
    won = result.strategy if result.strategy in TUNED_BY else None
    strategy = "frozen" if lost else won or chosen.get(model, result.strategy or "full")
    strategy = "from-scratch" if result.kind == "baseline" else strategy
    return Expected(
        metric=recommendation.brief.metric,
        value=float(np.clip(reached, low, best)),
        low=low,
        high=float(best),
        strategy=strategy,
    )


def _slope(result: ModelResult) -> float:
    points = [p for p in result.curve if p.rung in UNTUNED]
    return slope(Curve(tuple(p.examples for p in points), tuple(1 - p.metric.value for p in points)))


def _risks(winner: str | None, results: Mapping[str, ModelResult], evidence: Evidence) -> tuple[str, ...]:
    risks = []
    if len(evidence.truth) < 100:
        risks.append(
            f"Only {len(evidence.truth)} examples to choose by: a difference of a few points is chance."
        )
    fewest = np.bincount(evidence.truth, minlength=len(evidence.labels))
    rare = [label for label, count in zip(evidence.labels, fewest, strict=True) if count < 5]
    if len(rare) == 1:
        risks.append(f"One class, {rare[0]!r}, has fewer than 5 examples to choose by.")
    elif rare:
        shown = ", ".join(repr(label) for label in rare[:3])
        risks.append(f"{len(rare)} classes have fewer than 5 examples to choose by, among them {shown}.")
    if winner and results[winner].licence is None and results[winner].kind != "baseline":
        risks.append(f"The licence of {winner} is not known here: read it before you ship.")
    return tuple(risks)
