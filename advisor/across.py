"""The same models on several data sets: how each fares on every one, and which to choose for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from advisor.broken import broken_limits
from advisor.errors import InputError
from advisor.naming import listed
from advisor.posterior import Posterior, posterior
from advisor.quantity import Frozen
from advisor.result import Evidence, LatencyMeasured, Metric, ModelResult, Report
from advisor.stability import Interval, Stability, stability

__all__ = ["Across", "Compared", "Overall", "Probed", "SetSummary", "Stand", "across"]

PAYS = 0.01
"""So much better must a model of its own surely be on one set to be worth a second model."""
MACHINE = ("name", "kind", "cores", "system")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probed:
    """A finished run.

    :ivar name: what its data are called; different for each run that is compared.
    :ivar run: its folder.
    """

    name: str
    run: str
    report: Report
    evidence: Evidence


class SetSummary(Frozen):
    """One of the data sets, and the run on it; `judged` counts the examples of the report split."""

    name: str
    run: str
    sha256: str
    examples: int
    classes: int
    judged: int
    budget_s: float
    winner: str | None


class Stand(Frozen):
    """How one model fares on one set; `not probed` is unknown and not zero.

    :ivar metric: on the report split.
    :ivar rank: its place among the models that were measured on this set, in the order of the run's decision.
    :ivar regret: how far its score lies below that of the best model of this set, by what the run chose by.
    :ivar broken: the measured limits that it breaks.
    """

    status: Literal["ok", "stopped", "failed", "not probed"]
    because: str = ""
    metric: Metric | None = None
    rank: int | None = None
    p_best: float | None = None
    regret: Interval | None = None
    latency_ms: LatencyMeasured | None = None
    broken: tuple[str, ...] = ()


class Overall(Frozen):
    """What one model for all sets costs, on the metric's scale.

    :ivar mean_regret: how far it lies below the best model of each set, on average over the sets.
    :ivar worst_regret: the same on the set where it lies furthest below.
    :ivar worst_on: where that is expected to be.
    :ivar p_best: the probability that no other model measured on all sets is better on average.
    """

    mean_regret: Interval
    worst_regret: Interval
    worst_on: str
    p_best: float


class Compared(Frozen):
    """One model over all sets, in their order; `overall` is None where it cannot be chosen for all."""

    model: str
    kind: Literal["weights", "api", "classical", "baseline"]
    stands: tuple[Stand, ...]
    overall: Overall | None = None


class Across(Frozen):
    """Models × sets, best first, and what follows from it.

    :ivar choice: the model with the least expected regret on average; None if none was measured on all sets.
    :ivar tied_with: models that it does not beat with at least 90 %.
    :ivar safest: the model with the least expected regret on its worst set.
    """

    version: int = Field(default=1, alias="schema", serialization_alias="schema")
    task: str
    metric: str
    sets: tuple[SetSummary, ...]
    models: tuple[Compared, ...]
    stability: Stability
    choice: str | None
    tied_with: tuple[str, ...] = ()
    safest: str | None = None
    because: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


def across(sets: Sequence[Probed], *, seed: int = 0) -> Across:
    """Compare finished runs of one task on several data sets.

    Each set counts alike. The choice rests on what each run chose by; its report split is shown and not chosen by.

    :param sets: two or more runs with the same task and metric.
    :param seed: of the resampling.
    :return: the models on every set, how stable their order is, and which to choose for all.
    :raises InputError: if there are fewer than two, or they were judged by different things.
    """
    _check(sets)
    metric = sets[0].report.brief.metric
    measured = [{r.model: r for r in one.report.probe.results if r.status == "ok"} for one in sets]
    found = [
        posterior(one.evidence, metric, list(ok.values()), seed + place)
        for place, (one, ok) in enumerate(zip(sets, measured, strict=True))
    ]
    broken = [
        {model: tuple(broken_limits(row, one.report.brief)) for model, row in ok.items()}
        for one, ok in zip(sets, measured, strict=True)
    ]
    regrets = [_regrets(belief, rules) for belief, rules in zip(found, broken, strict=True)]
    everywhere = [model for model in measured[0] if all(model in ok for ok in measured)]
    eligible = [model for model in everywhere if not any(rules[model] for rules in broken)]
    overall, pooled = _overall(eligible, regrets, [one.name for one in sets])
    order = sorted(eligible, key=lambda model: overall[model].mean_regret.value)
    choice = order[0] if order else None
    names = dict.fromkeys(row.model for one in sets for row in one.report.probe.results)
    rows = [
        Compared(
            model=model,
            kind=_kind(model, sets),
            stands=tuple(
                _stand(model, one, regret.get(model), rules.get(model, ()))
                for one, regret, rules in zip(sets, regrets, broken, strict=True)
            ),
            overall=overall.get(model),
        )
        for model in names
    ]
    rows.sort(key=lambda row: order.index(row.model) if row.model in order else len(order) + _place(row))
    pretrained = [model for model in everywhere if _kind(model, sets) != "baseline"]
    return Across(
        schema=1,
        task=sets[0].report.brief.task,
        metric=metric,
        sets=tuple(map(_summary, sets)),
        models=tuple(rows),
        stability=stability(found, pretrained, seed),
        choice=choice,
        tied_with=pooled.tied(choice, order[1:]) if choice else (),
        safest=min(order, key=lambda model: overall[model].worst_regret.value, default=None),
        because=_because(choice, order, pooled, overall, rows, sets, found),
        notes=_notes(sets),
        next_steps=_next_steps(rows, sets),
    )


def _check(sets: Sequence[Probed]) -> None:
    if len(sets) < 2:
        raise InputError(f"{len(sets)} run cannot be compared", "two or more finished runs")
    for different, values in (
        ("The runs have different tasks", [one.report.brief.task for one in sets]),
        ("The runs have different metrics", [one.report.brief.metric for one in sets]),
    ):
        if len(set(values)) > 1:
            raise InputError(
                f"{different}: {', '.join(dict.fromkeys(values))}",
                "runs of one task that are judged by one metric",
                "Probe again with the same brief.",
            )
    for one in sets:
        if not any(row.status == "ok" for row in one.report.probe.results):
            raise InputError(f"No model was measured in {one.run}", "runs with at least one finished rung")


def _kind(model: str, sets: Sequence[Probed]) -> Literal["weights", "api", "classical", "baseline"]:
    return next(row.kind for one in sets for row in one.report.probe.results if row.model == model)


def _regrets(belief: Posterior, broken: dict[str, tuple[str, ...]]) -> dict[str, Floats]:
    """Draw how far each model lies below the best that keeps the limits of its set, (draws,) each."""
    kept = [model for model in belief.models if not broken[model]] or list(belief.models)
    best = belief.draws[:, [belief.models.index(model) for model in kept]].max(axis=1)
    columns = zip(belief.models, belief.draws.T, strict=True)
    return {model: np.maximum(0, best - column) for model, column in columns}


def _overall(
    eligible: Sequence[str], regrets: Sequence[dict[str, Floats]], names: Sequence[str]
) -> tuple[dict[str, Overall], Posterior]:
    every = {model: np.stack([regret[model] for regret in regrets]) for model in eligible}
    means = [draws.mean(axis=0) for draws in every.values()]
    pooled = Posterior(tuple(eligible), -np.stack(means, axis=1) if means else np.zeros((1, 0)))
    p_best = pooled.p_best(eligible) if eligible else {}
    return {
        model: Overall(
            mean_regret=Interval.of(draws.mean(axis=0)),
            worst_regret=Interval.of(draws.max(axis=0)),
            worst_on=names[int(draws.mean(axis=1).argmax())],
            p_best=p_best[model],
        )
        for model, draws in every.items()
    }, pooled


def _stand(model: str, one: Probed, regret: Floats | None, broken: tuple[str, ...]) -> Stand:
    from advisor.charts.metric import measured_metric

    report = one.report
    row: ModelResult | None = next((r for r in report.probe.results if r.model == model), None)
    if row is None:
        return Stand(status="not probed")
    if row.status != "ok" or regret is None:
        return Stand(status=row.status, because=row.because)
    ranking = report.decision.ranking
    return Stand(
        status="ok",
        because=row.because,
        metric=measured_metric(row, report.brief.metric),
        rank=ranking.index(model) + 1 if model in ranking else None,
        p_best=report.decision.p_best.get(model),
        regret=Interval.of(regret),
        latency_ms=row.latency_ms,
        broken=broken,
    )


def _place(row: Compared) -> float:
    return min((stand.rank for stand in row.stands if stand.rank is not None), default=len(row.stands) * 1e6)


def _summary(one: Probed) -> SetSummary:
    report = one.report
    judged = max((m.n for r in report.probe.results for m in (r.metrics or {}).values()), default=0)
    return SetSummary(
        name=one.name,
        run=one.run,
        sha256=report.dataset.sha256 if report.dataset else "",
        examples=report.dataset.examples if report.dataset else 0,
        classes=len(report.dataset.classes) if report.dataset else 0,
        judged=judged,
        budget_s=report.probe.budget_s,
        winner=report.decision.winner,
    )


def _because(
    choice: str | None,
    order: Sequence[str],
    pooled: Posterior,
    overall: dict[str, Overall],
    rows: Sequence[Compared],
    sets: Sequence[Probed],
    found: Sequence[Posterior],
) -> tuple[str, ...]:
    if choice is None:
        return (
            f"No model was measured on all {len(sets)} sets and keeps the limits on each, so none can be chosen for "
            "all of them.",
        )
    cost = overall[choice]
    mean, low, high = _points(cost.mean_regret)
    worst, least, most = _points(cost.worst_regret)
    said = [
        f"Use {choice} for all {len(sets)} sets: of the {len(order)} models measured on each it is the best on average "
        f"with probability {cost.p_best:.2f}.",
        f"Against the best model of each set it is expected to lose {mean:.1f} ({low:.1f} to {high:.1f}) points on "
        f"average, and {worst:.1f} ({least:.1f} to {most:.1f}) on its worst set, {cost.worst_on}.",
    ]
    tied = pooled.tied(choice, [model for model in order if model != choice])
    if tied:
        said.append(f"It cannot be told apart from {listed(tied)}.")
    safest = min(order, key=lambda model: overall[model].worst_regret.value)
    if safest != choice:
        worst, least, most = _points(overall[safest].worst_regret)
        said.append(
            f"Where no set may suffer, take {safest}: on its worst set it loses {worst:.1f} "
            f"({least:.1f} to {most:.1f}) points."
        )
    chosen = next(row for row in rows if row.model == choice)
    for one, belief in zip(sets, found, strict=True):
        winner = one.report.decision.winner
        if winner is None or winner not in belief.models:
            continue
        own, shared = (belief.draws[:, belief.models.index(model)] for model in (winner, choice))
        gain = Interval.of(own - shared)
        if gain.low > PAYS:
            value, low, high = _points(gain)
            said.append(
                f"On {one.name} a model of its own pays: {winner} is better by {value:.1f} "
                f"({low:.1f} to {high:.1f}) points."
            )
    if all(row.kind == "baseline" for row in rows if row.overall):
        said.append("No pretrained model was measured on all of them.")
    elif chosen.kind == "baseline":
        said.append("It is a baseline: no deep model is needed on average.")
    return tuple(said)


def _points(share: Interval) -> tuple[float, float, float]:
    return 100 * share.value, 100 * share.low, 100 * share.high


def _notes(sets: Sequence[Probed]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    notes = []
    for one in sets:
        sha = one.report.dataset.sha256 if one.report.dataset else one.run
        if sha in seen:
            notes.append(
                f"{seen[sha]} and {one.name} are the same examples: they say how well a probe repeats itself, "
                "not how a model fares on other data."
            )
        seen.setdefault(sha, one.name)
    machines = {tuple(one.report.probe.machine.get(key) for key in MACHINE) for one in sets}
    if len(machines) > 1:
        notes.append("The runs were made on different machines, so their latencies cannot be compared.")
    return tuple(notes)


def _next_steps(rows: Sequence[Compared], sets: Sequence[Probed]) -> tuple[str, ...]:
    steps = []
    for row in rows:
        won = [one.name for one in sets if one.report.decision.winner == row.model]
        lacks = [one.name for one, stand in zip(sets, row.stands, strict=True) if stand.status != "ok"]
        if won and lacks:
            steps.append(
                f"Probe {row.model} on {listed(lacks)} too: it is the winner on {listed(won)} and unknown there."
            )
    return tuple(steps)
