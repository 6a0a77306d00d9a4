"""Quality against latency: what was measured, and what the shortlist promises."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from advisor.charts.metric import measured_metric, metric_name
from advisor.charts.place import place
from advisor.charts.style import BLUE, GREY, INK, VERMILION, WIDTH, Figure, base, figure, note, ticks
from advisor.labels import model_labels
from advisor.recommendation import Candidate
from advisor.result import ModelResult

__all__ = ["accuracy_latency", "pareto", "quality_latency"]

HEIGHT = 320
GUESS = "baseline/majority"
ROLES = ("recommended", "on the front", "beaten in both", "baseline")
ROLE_COLOURS = (VERMILION, BLUE, GREY, INK)
ROLE_SHAPES = ("diamond", "circle", "triangle-down", "square")


class _Point(NamedTuple):
    model: str
    latency: float
    latency_low: float
    latency_high: float
    quality: float
    quality_low: float
    quality_high: float
    baseline: bool


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Find the points that no other beats in both coordinates.

    :param points: (cost, quality) pairs; less cost and more quality are better.
    :return: indices of the front, cheapest first; of equal points all are kept.
    """
    front: list[int] = []
    best = -math.inf
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        cost, quality = points[index]
        if quality > best or (front and points[front[-1]] == (cost, quality)):
            front.append(index)
            best = max(best, quality)
    return front


def accuracy_latency(
    results: Sequence[ModelResult], metric: str, latency_limit: float | None = None, winner: str | None = None
) -> Figure:
    """Show which models are accurate and fast, as measured.

    :param results: rows of a probe; those without the metric or a latency are left out and said so.
    :param metric: the brief's metric.
    :param latency_limit: the brief's limit in milliseconds, drawn as a line.
    :param winner: the recommended model.
    :return: a scatter with 95 % intervals (latency: median to 95th percentile) and the Pareto front.
    """
    measurable = [
        row for row in results if row.latency_ms and row.latency_ms.p95 > 0 and measured_metric(row, metric)
    ]
    guess = next((row for row in measurable if row.model == GUESS), None) if len(measurable) > 1 else None
    points = [
        _Point(
            row.model,
            row.latency_ms.p95,
            min(row.latency_ms.p50, row.latency_ms.p95),
            row.latency_ms.p95,
            measured.value,
            measured.low,
            measured.high,
            row.kind == "baseline",
        )
        for row in measurable
        if row is not guess and row.latency_ms and (measured := measured_metric(row, metric))
    ]
    question = "Which models are accurate and fast?"
    if not points:
        return note(question, "No model was measured, so there is nothing to compare yet.")
    left_out = len(results) - len(measurable)
    found = measured_metric(guess, metric) if guess else None
    floor = found.value if found else None
    subtitle = "Measured here; bars: 95 % interval, and median to 95th percentile of latency"
    subtitle += f"; {left_out} without a measurement" if left_out else ""
    return _scatter(points, question, subtitle, metric_name(metric), latency_limit, winner, floor)


def quality_latency(
    shortlist: Sequence[Candidate],
    latency_limit: float | None = None,
    winner: str | None = None,
    select: bool = False,
) -> Figure:
    """Show which models of the shortlist promise quality at little latency.

    :param shortlist: candidates; those whose quality or latency is unknown are left out and said so.
    :param latency_limit: the brief's limit in milliseconds, drawn as a line.
    :param winner: a model to mark.
    :param select: add the point selection `picked` over the field `model`, for the app.
    :return: a scatter with 90 % intervals and the Pareto front.
    """
    points = []
    for row in shortlist:
        quality, latency = row.quality, row.estimates.latency_ms
        if quality.value is None or latency.value is None or latency.value <= 0:
            continue
        points.append(
            _Point(
                row.model,
                latency.value,
                _or(latency.low, latency.value),
                _or(latency.high, latency.value),
                quality.value,
                _or(quality.low, quality.value),
                _or(quality.high, quality.value),
                False,
            )
        )
    question = "Which models promise quality at little latency?"
    if not points:
        return note(question, "Neither quality nor latency of these models is known well enough to draw.")
    left_out = len(shortlist) - len(points)
    subtitle = "Expected before your data spoke; bars: 90 % interval"
    subtitle += f"; {left_out} with unknown values not drawn" if left_out else ""
    return _scatter(
        points, question, subtitle, "Expected quality", latency_limit, winner, None, "expected", select
    )


def _or(bound: float | None, value: float) -> float:
    return value if bound is None else bound


def _scatter(
    points: list[_Point],
    question: str,
    subtitle: str,
    quality_title: str,
    limit: float | None,
    winner: str | None,
    floor: float | None,
    word: str = "measured",
    select: bool = False,
) -> Figure:
    front = pareto([(p.latency, p.quality) for p in points])
    labels = model_labels(p.model for p in points)
    x_domain, y_domain = _domains(points, limit, floor)
    names = [labels[p.model] for p in points]
    places = _place(points, names, x_domain, y_domain, limit)
    rows = []
    for index, point in enumerate(points):
        role = (
            ROLES[0]
            if point.model == winner
            else ROLES[3]
            if point.baseline
            else ROLES[1 if index in front else 2]
        )
        rows.append(
            {
                **point._asdict(),
                "latency_low": max(point.latency_low, x_domain[0]),
                "role": role,
                "label": labels[point.model],
                "label_x": places[index][0],
                "label_y": places[index][1],
            }
        )
    x = alt.X(
        "latency:Q",
        title="Latency of one request, ms (95th percentile)" if word == "measured" else "Latency, ms",
        scale=alt.Scale(type="log", domain=x_domain, nice=False),
        axis=alt.Axis(values=ticks(x_domain), format="~g"),
    )
    y = alt.Y(
        "quality:Q",
        title=quality_title,
        scale=alt.Scale(domain=y_domain, nice=False, zero=False),
        axis=alt.Axis(format=".0%", tickCount=6),
    )
    shown = [role for role in ROLES if any(row["role"] == role for row in rows)]
    pick = [ROLES.index(role) for role in shown]
    colour = alt.Color(
        "role:N",
        title=None,
        scale=alt.Scale(domain=shown, range=[ROLE_COLOURS[i] for i in pick]),
        legend=alt.Legend(orient="top"),
    )
    shape = alt.Shape(
        "role:N", title=None, scale=alt.Scale(domain=shown, range=[ROLE_SHAPES[i] for i in pick])
    )
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("quality:Q", title=quality_title, format=".1%"),
        alt.Tooltip("quality_low:Q", title="at least", format=".1%"),
        alt.Tooltip("quality_high:Q", title="at most", format=".1%"),
        alt.Tooltip("latency:Q", title="Latency, ms", format=".3~g"),
    ]
    data = base(rows)
    stairs = _stairs([points[i] for i in front], x_domain)
    marks = data.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, y=y, color=colour, shape=shape, tooltip=tooltip
    )
    if select:
        marks = marks.add_params(alt.selection_point(name="picked", fields=["model"]))
    layers = [
        base(stairs)
        .mark_line(color=BLUE, opacity=0.45, strokeDash=[2, 3], strokeWidth=1.5)
        .encode(x=x, y=y, order=alt.Order("order:Q")),
        data.mark_rule(strokeWidth=1.4, opacity=0.55).encode(
            x=x, y=alt.Y("quality_low:Q"), y2=alt.Y2("quality_high:Q"), color=colour
        ),
        data.mark_rule(strokeWidth=1.4, opacity=0.55).encode(
            x=alt.X("latency_low:Q"), x2=alt.X2("latency_high:Q"), y=y, color=colour
        ),
        marks,
        data.mark_text(align="left", baseline="middle", color=INK).encode(
            x=alt.X("label_x:Q"), y=alt.Y("label_y:Q"), text=alt.Text("label:N")
        ),
    ]
    if limit is not None:
        layers += _limit_line(limit, y_domain)
    if floor is not None:
        layers += _floor_line(floor, x_domain)
    on_front = ", ".join(labels[points[i].model] for i in front)
    listing = "; ".join(f"{labels[p.model]} {p.quality:.0%} at {p.latency:.3g} ms" for p in points[:12])
    text = f"{quality_title} against latency, {word}, of {len(points)} models: {listing}. "
    text += f"On the Pareto front: {on_front}."
    if limit is not None:
        late = [labels[p.model] for p in points if p.latency > limit]
        text += f" Over the limit of {limit:g} ms: {', '.join(late) or 'none'}."
    return figure(alt.layer(*layers, width=WIDTH, height=HEIGHT), question, text, subtitle)


def _limit_line(limit: float, y_domain: list[float]) -> list[alt.Chart]:
    data = base([{"limit": limit, "text": f"your limit {limit:g} ms", "bottom": y_domain[0]}])
    line = data.mark_rule(color=VERMILION, strokeDash=[6, 4], strokeWidth=1.5).encode(x=alt.X("limit:Q"))
    text = data.mark_text(align="right", baseline="bottom", dx=-4, dy=-4, color=INK, fontStyle="italic")
    return [line, text.encode(x=alt.X("limit:Q"), y=alt.Y("bottom:Q"), text=alt.Text("text:N"))]


def _floor_line(floor: float, x_domain: list[float]) -> list[alt.Chart]:
    text = f"always the most frequent class: {floor:.0%}"
    data = base([{"floor": floor, "text": text, "left": x_domain[0]}])
    line = data.mark_rule(color=GREY, strokeDash=[1, 3], strokeWidth=1.5).encode(y=alt.Y("floor:Q"))
    words = data.mark_text(align="left", baseline="bottom", dx=4, dy=-4, color=INK, fontStyle="italic")
    return [line, words.encode(x=alt.X("left:Q"), y=alt.Y("floor:Q"), text=alt.Text("text:N"))]


def _domains(
    points: list[_Point], limit: float | None, floor: float | None
) -> tuple[list[float], list[float]]:
    fastest = min(max(p.latency_low, p.latency / 10) for p in points)
    slowest = max([p.latency_high for p in points] + ([limit] if limit else []))
    x = [max(fastest, slowest / 1e5) / 1.4, slowest * 1.5]
    low, high = min(p.quality_low for p in points), max(p.quality_high for p in points)
    low = low if floor is None else min(low, floor)
    pad = max(0.02, (high - low) * 0.08)
    return x, [max(0.0, low - pad), min(1.0, high + pad) if high < 1 else 1.0]


def _stairs(front: list[_Point], x_domain: list[float]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, point in enumerate(front):
        if index:
            rows.append({"latency": point.latency, "quality": front[index - 1].quality})
        rows.append({"latency": point.latency, "quality": point.quality})
    rows.append({"latency": x_domain[1], "quality": front[-1].quality})
    return [{**row, "order": index} for index, row in enumerate(rows)]


def _place(
    points: list[_Point],
    names: list[str],
    x_domain: list[float],
    y_domain: list[float],
    limit: float | None,
) -> list[tuple[float, float]]:
    span_x, span_y = math.log(x_domain[1] / x_domain[0]), y_domain[1] - y_domain[0]

    def across(value: float) -> float:
        return math.log(value / x_domain[0]) / span_x * WIDTH

    pixels = [(across(p.latency), (y_domain[1] - p.quality) / span_y * HEIGHT) for p in points]
    line = None if limit is None else across(limit)
    return [
        (x_domain[0] * math.exp(x / WIDTH * span_x), y_domain[1] - y / HEIGHT * span_y)
        for x, y in place(pixels, names, WIDTH, HEIGHT, line)
    ]
