"""Whether a model's probabilities come true, and how well they set two classes apart."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from advisor.charts.style import BLUE, INK, VERMILION, Figure, base, figure, note
from advisor.confidence import Point, Reliability
from advisor.labels import model_labels
from advisor.result import ModelResult

__all__ = ["precision_recall", "reliability_diagram", "roc"]

AS_IT_IS, SCALED = "as it is", "after temperature scaling"
SIDE = 300


def reliability_diagram(result: ModelResult) -> Figure:
    """Show how often an answer is right that is given with some probability.

    :param result: one model's result.
    :return: a point per bin with its 95 % interval, before and after temperature scaling, and the diagonal.
    """
    question = "When it says 80 %, is it right 80 times in 100?"
    trust = result.confidence
    if trust is None:
        return note(question, "This model was not measured, so nothing is known of its probabilities.")
    rows = _bins(trust.before, AS_IT_IS)
    kinds = [AS_IT_IS]
    if trust.after:
        rows += _bins(trust.after, SCALED)
        kinds.append(SCALED)
    full = alt.Scale(domain=[0, 1])
    share = alt.Axis(format=".0%", tickCount=6)
    x = alt.X("mean:Q", title="Mean probability of its answers", scale=full, axis=share)
    y = alt.Y("right:Q", title="Share that is right", scale=full, axis=share)
    colour = alt.Color(
        "kind:N",
        title=None,
        sort=kinds,
        scale=alt.Scale(domain=kinds, range=[BLUE, VERMILION][: len(kinds)]),
        legend=alt.Legend(orient="bottom", symbolStrokeWidth=0) if len(kinds) > 1 else None,
    )
    shape = alt.Shape(
        "kind:N",
        title=None,
        sort=kinds,
        scale=alt.Scale(domain=kinds, range=["circle", "diamond"][: len(kinds)]),
    )
    tooltip = [
        alt.Tooltip("kind:N", title="Probabilities"),
        alt.Tooltip("mean:Q", title="Mean probability", format=".1%"),
        alt.Tooltip("right:Q", title="Right", format=".1%"),
        alt.Tooltip("low:Q", title="at least", format=".1%"),
        alt.Tooltip("high:Q", title="at most", format=".1%"),
        alt.Tooltip("n:Q", title="Examples"),
    ]
    data = base(rows)
    chart = alt.layer(
        _diagonal(x, y),
        data.mark_rule(strokeWidth=1.5, opacity=0.5).encode(
            x=x, y=alt.Y("low:Q", title="Share that is right"), y2="high:Q", color=colour
        ),
        data.mark_point(filled=True, size=70, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
    ).properties(width=SIDE + 60, height=SIDE)
    text = f"Expected calibration error {100 * trust.before.ece:.1f} points."
    if trust.after:
        text += f" After temperature scaling {100 * trust.after.ece:.1f} points."
    name = model_labels([result.model])[result.model]
    subtitle = f"{name}; on the line every probability is right; bars: 95 % interval"
    return figure(chart, question, text, subtitle)


def _bins(found: Reliability, kind: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind,
            "mean": one.mean,
            "right": one.right.value,
            "low": one.right.low,
            "high": one.right.high,
            "n": one.right.n,
        }
        for one in found.bins
    ]


def _diagonal(x: alt.X, y: alt.Y) -> alt.Chart:
    ends = base([{x.shorthand.split(":")[0]: end, y.shorthand.split(":")[0]: end} for end in (0.0, 1.0)])
    return ends.mark_line(color=INK, strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y)


def roc(result: ModelResult) -> Figure:
    """Show what finding more of the positive class costs in false alarms, whatever the threshold.

    :param result: one model's result on two classes.
    :return: the receiver operating characteristic, with the line of guessing.
    """
    question = "What do more hits cost in false alarms?"
    apart = result.separation
    if apart is None or apart.positive is None:
        return note(question, "Only two classes have such a curve.")
    x = alt.X("false:Q", title="False alarms among the others", axis=alt.Axis(format=".0%", tickCount=6))
    y = alt.Y("found:Q", title="Found of the positive class", axis=alt.Axis(format=".0%", tickCount=6))
    chart = alt.layer(_diagonal(x, y), _line(apart.roc, x, y)).properties(width=SIDE, height=SIDE)
    text = f"Area under the curve {apart.roc_auc.value:.3f}; guessing has 0.5."
    return figure(chart, question, text, f"Positive class: {apart.positive}")


def precision_recall(result: ModelResult) -> Figure:
    """Show how many alarms are right when more of the positive class is found, whatever the threshold.

    :param result: one model's result on two classes.
    :return: precision over recall, with the line of guessing.
    """
    question = "How many alarms are right when more is found?"
    apart = result.separation
    if apart is None or apart.positive is None:
        return note(question, "Only two classes have such a curve.")
    full = alt.Scale(domain=[0, 1])
    share = alt.Axis(format=".0%", tickCount=6)
    x = alt.X("found:Q", title="Found of the positive class", scale=full, axis=share)
    y = alt.Y("right:Q", title="Share of alarms that are right", scale=full, axis=share)
    level = base([{"found": end, "right": apart.prevalence} for end in (0.0, 1.0)])
    chart = alt.layer(
        level.mark_line(color=INK, strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y),
        _line(apart.precision_recall, x, y),
    ).properties(width=SIDE, height=SIDE)
    text = f"Average precision {apart.average_precision:.3f}; guessing has {apart.prevalence:.3f}."
    return figure(chart, question, text, f"Positive class: {apart.positive}")


def _line(points: Sequence[Point], x: alt.X, y: alt.Y) -> alt.Chart:
    across, up = (channel.shorthand.split(":")[0] for channel in (x, y))
    rows = [{across: one, up: other, "order": place} for place, (one, other) in enumerate(points)]
    return (
        base(rows)
        .mark_line(color=BLUE, strokeWidth=2, interpolate="linear")
        .encode(x=x, y=y, order="order:Q")
    )
