"""What the probe saw: learning curves, the chance of being best, and promises held against measurements."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from advisor.charts.metric import measured_metric, metric_name
from advisor.charts.style import (
    BLUE,
    GREY,
    INK,
    PALETTE,
    SHAPES,
    WIDTH,
    Figure,
    base,
    figure,
    names_axis,
    note,
    ticks,
)
from advisor.labels import distinct, model_labels
from advisor.quantity import Quantity
from advisor.recommendation import Candidate
from advisor.result import Decision, ModelResult

__all__ = ["latency_check", "learning_curves", "p_best", "prior_measured"]

ROW = 30


def learning_curves(results: Sequence[ModelResult], winner: str | None = None, limit: int = 7) -> Figure:
    """Show what more training brought to each model, on the select split.

    :param results: rows of a probe; those without a finished rung are left out.
    :param winner: always among the models shown.
    :param limit: the most models to draw; those with the best last rung are kept.
    :return: a line per model over its rungs, with 95 % intervals.
    """
    question = "What did more training bring?"
    drawn = [row for row in results if row.curve]
    if not drawn:
        return note(question, "No rung was finished, so there is no curve yet.")
    baselines = [row for row in drawn if row.kind == "baseline"]
    floor = max(baselines, key=lambda row: row.curve[-1].metric.value, default=None)
    if len(drawn) > len(baselines):
        drawn = [row for row in drawn if row.kind != "baseline"]
    else:
        floor = None
    drawn.sort(key=lambda row: (row.model != winner, -row.curve[-1].metric.value))
    hidden = len(drawn) - limit
    drawn = drawn[:limit]
    labels = model_labels(row.model for row in drawn)
    most = max(drawn, key=lambda row: len(row.curve))
    rungs = list(dict.fromkeys(p.rung for row in [most, *drawn] for p in row.curve))
    names = distinct(rungs, 26)
    steps = sorted(
        {(p.rung, p.examples) for row in drawn for p in row.curve},
        key=lambda step: (rungs.index(step[0]), step[1]),
    )
    axis = {step: f"{names[step[0]]}\n{step[1]} examples" for step in steps}
    name = metric_name(drawn[0].curve[0].metric.name)
    rows = [
        {
            "model": row.model,
            "label": labels[row.model],
            "rung": axis[p.rung, p.examples],
            "examples": p.examples,
            "epochs": p.epochs,
            "seconds": p.seconds,
            "value": p.metric.value,
            "low": p.metric.low,
            "high": p.metric.high,
        }
        for row in drawn
        for p in row.curve
    ]
    domain = [labels[row.model] for row in drawn]
    x = alt.X(
        "rung:O",
        title=None,
        sort=list(axis.values()),
        axis=alt.Axis(labelAngle=0, labelLimit=WIDTH // len(axis), labelExpr="split(datum.label, '\\n')"),
    )
    offset = alt.XOffset("label:N", sort=domain, scale=alt.Scale(paddingOuter=0.3))
    y = alt.Y("value:Q", title=name, scale=alt.Scale(zero=False), axis=alt.Axis(format=".0%", tickCount=6))
    colour = alt.Color(
        "label:N",
        title=None,
        sort=domain,
        scale=alt.Scale(domain=domain, range=PALETTE[: len(domain)]),
        legend=alt.Legend(orient="bottom", columns=3, symbolStrokeWidth=0),
    )
    shape = alt.Shape(
        "label:N", title=None, sort=domain, scale=alt.Scale(domain=domain, range=SHAPES[: len(domain)])
    )
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("rung:N", title="Rung"),
        alt.Tooltip("value:Q", title=name, format=".1%"),
        alt.Tooltip("low:Q", title="at least", format=".1%"),
        alt.Tooltip("high:Q", title="at most", format=".1%"),
        alt.Tooltip("examples:Q", title="Examples"),
        alt.Tooltip("epochs:Q", title="Epochs"),
        alt.Tooltip("seconds:Q", title="Seconds", format=".1f"),
    ]
    data = base(rows)
    layers = [
        data.mark_line(strokeWidth=1.5, opacity=0.7).encode(x=x, xOffset=offset, y=y, color=colour),
        data.mark_rule(strokeWidth=1.5, opacity=0.5).encode(
            x=x, xOffset=offset, y=alt.Y("low:Q"), y2="high:Q", color=colour
        ),
        data.mark_point(filled=True, size=75, opacity=1).encode(
            x=x, xOffset=offset, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    if floor:
        last = floor.curve[-1].metric.value
        tag = f"best baseline, {model_labels([floor.model])[floor.model]}: {last:.0%}"
        mark = base([{"value": last, "text": tag}])
        layers.append(mark.mark_rule(color=INK, strokeDash=[4, 3]).encode(y="value:Q"))
        text = mark.mark_text(align="left", baseline="bottom", dx=4, dy=-4, color=INK, fontStyle="italic")
        layers.append(text.encode(x=alt.value(0), y="value:Q", text="text:N"))
    chart = alt.layer(*layers).properties(width=WIDTH, height=280)
    ends = "; ".join(
        f"{labels[r.model]} from {r.curve[0].metric.value:.0%} to {r.curve[-1].metric.value:.0%}"
        if len(r.curve) > 1
        else f"{labels[r.model]} {r.curve[0].metric.value:.0%}"
        for r in drawn
    )
    subtitle = "Examples held back for choosing; bars: 95 % interval"
    subtitle += f"; {hidden} further models not drawn" if hidden > 0 else ""
    return figure(chart, question, f"{name} after each rung: {ends}.", subtitle)


def p_best(decision: Decision, limit: int = 12) -> Figure:
    """Show how sure the choice is.

    :param decision: the decision; every model that was measured has a probability.
    :param limit: the most models to draw, likeliest first.
    :return: a bar per model.
    """
    question = "How likely is each model to be the best?"
    if not decision.p_best:
        return note(question, "No model was measured, so none can be called the best.")
    order = sorted(decision.p_best, key=lambda model: -decision.p_best[model])
    labels = model_labels(order)
    shown = order[:limit]
    rows = []
    for model in shown:
        share = decision.p_best[model]
        role = (
            "recommended"
            if model == decision.winner
            else "cannot be told apart"
            if model in decision.tied_with
            else "other"
        )
        word = "< 1 %" if share < 0.005 else "> 99 %" if share > 0.995 else f"{share:.0%}".replace("%", " %")
        text = word if role == "other" else f"{word} · {role}"
        rows.append({"model": model, "label": labels[model], "p": share, "text": text, "role": role})
    y = alt.Y("label:N", title=None, sort=[labels[m] for m in shown], axis=names_axis(labels.values()))
    x = alt.X("p:Q", title=None, scale=alt.Scale(domain=[0, 1.25]), axis=None)
    roles = ["recommended", "cannot be told apart", "other"]
    colour = alt.Color("role:N", scale=alt.Scale(domain=roles, range=[BLUE, PALETTE[5], GREY]), legend=None)
    tooltip = [alt.Tooltip("model:N", title="Model"), alt.Tooltip("p:Q", title="P(best)", format=".1%")]
    data = base(rows)
    chart = alt.layer(
        data.mark_bar(height=14, cornerRadiusEnd=2).encode(x=x, y=y, color=colour, tooltip=tooltip),
        data.mark_text(align="left", dx=6, color=INK).encode(x=x, y=y, text="text:N"),
    ).properties(width=WIDTH - 140, height=alt.Step(ROW - 4))
    text = (
        "Probability of being the best: "
        + ", ".join(f"{labels[m]} {decision.p_best[m]:.0%}" for m in shown)
        + "."
    )
    subtitle = f"{len(order) - limit} less likely models not drawn" if len(order) > limit else ""
    return figure(chart, question, text, subtitle)


def latency_check(
    shortlist: Sequence[Candidate], results: Sequence[ModelResult], device: str = "this-machine"
) -> Figure:
    """Hold the estimated latency of each model against the measured one.

    :param shortlist: candidates with their estimates for the brief's device.
    :param results: rows of a probe on this machine.
    :param device: the brief's device; if it is another one, the subtitle says so.
    :return: per model the estimate with its interval and the measured 95th percentile.
    """
    measured = {row.model: row.latency_ms.p95 for row in results if row.latency_ms and row.latency_ms.p95 > 0}
    estimated = {row.model: row.estimates.latency_ms for row in shortlist}
    same = device == "this-machine"
    subtitle = (
        "95th percentile of one request"
        if same
        else f"Estimates are for {device}, measurements are from this machine"
    )
    return _promise(
        "How good were the latency estimates?",
        estimated,
        measured,
        "Latency, ms",
        subtitle,
        "log",
        "~g",
    )


def prior_measured(shortlist: Sequence[Candidate], results: Sequence[ModelResult], metric: str) -> Figure:
    """Hold the quality expected from published results against what was measured on the user's data.

    :param shortlist: candidates with their expected quality, 0–1.
    :param results: rows of a probe.
    :param metric: the brief's metric.
    :return: per model the expectation with its interval and the measured metric.
    """
    measured = {row.model: found.value for row in results if (found := measured_metric(row, metric))}
    expected = {row.model: row.quality for row in shortlist}
    return _promise(
        "Did the published results foretell these?",
        expected,
        measured,
        f"Expected quality, and {metric_name(metric)}",
        "The order can be compared; the scales need not agree",
        "linear",
        ".0%",
    )


def _promise(
    question: str,
    promised: dict[str, Quantity],
    measured: dict[str, float],
    title: str,
    subtitle: str,
    scale: str,
    style: str,
) -> Figure:
    both = [
        m
        for m, q in promised.items()
        if m in measured and q.value is not None and (scale != "log" or q.value > 0)
    ]
    if not both:
        return note(question, "No model has both an estimate and a measurement.")
    both.sort(key=lambda model: measured[model])
    labels = model_labels(both)
    rows: list[dict[str, Any]] = []
    for model in both:
        quantity = promised[model]
        value = quantity.value if quantity.value is not None else 0.0
        low = value if quantity.low is None else quantity.low
        rows.append(
            {
                "model": model,
                "label": labels[model],
                "estimate": value,
                "low": max(low, value / 100) if scale == "log" else low,
                "high": value if quantity.high is None else quantity.high,
                "measured": measured[model],
                "basis": quantity.basis,
            }
        )
    y = alt.Y("label:N", title=None, sort=[labels[m] for m in both], axis=names_axis(labels.values()))
    ends = [min(min(r["low"], r["measured"]) for r in rows), max(max(r["high"], r["measured"]) for r in rows)]
    if scale == "log":
        ends, axis = [ends[0] / 1.3, ends[1] * 1.3], alt.Axis(format=style, values=ticks(ends))
    else:
        ends, axis = [max(0.0, ends[0] - 0.02), min(1.0, ends[1] + 0.02)], alt.Axis(format=style, tickCount=6)
    kinds = ["expected", "measured"]
    marks = [
        {**row, "what": what, "x": row[field]}
        for row in rows
        for what, field in zip(kinds, ("estimate", "measured"), strict=True)
    ]
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("estimate:Q", title="Expected", format=".3~g"),
        alt.Tooltip("low:Q", title="at least", format=".3~g"),
        alt.Tooltip("high:Q", title="at most", format=".3~g"),
        alt.Tooltip("basis:N", title="Basis"),
        alt.Tooltip("measured:Q", title="Measured", format=".3~g"),
    ]
    span = alt.X("low:Q", title=title, scale=alt.Scale(type=scale, domain=ends, nice=False), axis=axis)
    legend = alt.Legend(orient="top")
    colour = alt.Color("what:N", title=None, scale=alt.Scale(domain=kinds, range=[GREY, BLUE]), legend=legend)
    shape = alt.Shape("what:N", title=None, scale=alt.Scale(domain=kinds, range=["diamond", "circle"]))
    bar = base(rows).mark_bar(height=8, opacity=0.35, color=GREY, cornerRadius=4)
    point = base(marks).mark_point(filled=True, size=90, opacity=1)
    chart = alt.layer(
        bar.encode(x=span, x2="high:Q", y=y, tooltip=tooltip),
        point.encode(x=alt.X("x:Q"), y=y, tooltip=tooltip, color=colour, shape=shape),
    ).properties(width=WIDTH - 140, height=alt.Step(ROW))
    listing = "; ".join(
        f"{labels[r['model']]} {r['estimate']:.3g} expected, {r['measured']:.3g} measured" for r in rows
    )
    return figure(chart, question, f"{title}: {listing}.", subtitle)
