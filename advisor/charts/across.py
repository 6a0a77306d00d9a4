"""Several data sets: what one model for all of them costs on each."""

from typing import Any

import altair as alt

from advisor.across import Across
from advisor.charts.style import INK, PALETTE, SHAPES, WIDTH, Figure, base, figure, names_axis, note
from advisor.labels import distinct, model_labels

__all__ = ["regrets"]

ROW = 16


def regrets(found: Across, limit: int = 10) -> Figure:
    """Show how far each model lies below the best of every set.

    :param found: the comparison.
    :param limit: the most models to draw, best first; baselines but the best one are left out where there are more.
    :return: a row per model with a point and its 95 % interval for each set; what was not measured says so.
    """
    question = "What would one model for all sets cost on each of them?"
    ranked = [row for row in found.models if any(stand.regret for stand in row.stands)]
    if not ranked:
        return note(question, "No model was measured, so nothing can be compared.")
    shown = ranked
    if len(ranked) > limit:
        best = next((row for row in ranked if row.kind == "baseline"), None)
        shown = [row for row in ranked if row.kind != "baseline" or row is best][:limit]
    labels = model_labels(row.model for row in shown)
    sets = distinct((one.name for one in found.sets), 30)
    domain = list(sets.values())
    cells = [
        (row, one.name, stand) for row in shown for one, stand in zip(found.sets, row.stands, strict=True)
    ]
    rows = [
        {
            "model": row.model,
            "label": labels[row.model],
            "set": sets[name],
            "value": 100 * stand.regret.value,
            "low": 100 * stand.regret.low,
            "high": 100 * stand.regret.high,
        }
        for row, name, stand in cells
        if stand.regret
    ]
    unknown: list[dict[str, Any]] = [
        {"label": labels[row.model], "set": sets[name], "value": 0, "text": WORDS[stand.status]}
        for row, name, stand in cells
        if not stand.regret
    ]
    order = [labels[row.model] for row in shown]
    y = alt.Y("label:N", title=None, sort=order, axis=names_axis(order))
    offset = alt.YOffset("set:N", sort=domain, scale=alt.Scale(domain=domain, paddingOuter=0.4))
    x = alt.X("value:Q", title="Points below the best of the set", scale=alt.Scale(domainMin=0))
    legend = alt.Legend(orient="bottom", columns=4)
    colour = alt.Color(
        "set:N",
        title=None,
        sort=domain,
        scale=alt.Scale(domain=domain, range=[PALETTE[i % len(PALETTE)] for i in range(len(domain))]),
        legend=legend,
    )
    shape = alt.Shape(
        "set:N",
        title=None,
        sort=domain,
        scale=alt.Scale(domain=domain, range=[SHAPES[i % len(SHAPES)] for i in range(len(domain))]),
    )
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("set:N", title="Data"),
        alt.Tooltip("value:Q", title="Points below the best", format=".1f"),
        alt.Tooltip("low:Q", title="at least", format=".1f"),
        alt.Tooltip("high:Q", title="at most", format=".1f"),
    ]
    data = base(rows)
    layers = [
        data.mark_rule(strokeWidth=1.5, opacity=0.5).encode(
            x=alt.X("low:Q"), x2="high:Q", y=y, yOffset=offset, color=colour
        ),
        data.mark_point(filled=True, size=70, opacity=1).encode(
            x=x, y=y, yOffset=offset, color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    if unknown:
        marks = base(unknown).mark_text(align="left", dx=4, color=INK, fontStyle="italic")
        layers.append(marks.encode(x=x, y=y, yOffset=offset, text="text:N"))
    chart = alt.layer(*layers).properties(
        width=WIDTH - 140, height=alt.Step(ROW * len(domain), **{"for": "position"})
    )
    told = "; ".join(
        f"{label} {', '.join(f'{own:.1f} ({name})' for own, name in known)}"
        for label in order
        if (known := [(row["value"], row["set"]) for row in rows if row["label"] == label])
    )
    words = f"Points below the best of each set: {told}."
    if unknown:
        lacks = {label: [row["set"] for row in unknown if row["label"] == label] for label in order}
        missing = "; ".join(f"{label} ({', '.join(names)})" for label, names in lacks.items() if names)
        words += f" Not measured: {missing}."
    hidden = len(ranked) - len(shown)
    subtitle = "By the examples that each run chose by; bars: 95 % interval"
    subtitle += f"; {hidden} further models not drawn" if hidden else ""
    return figure(chart, question, words, subtitle)


WORDS = {"ok": "", "stopped": "not reached", "failed": "failed", "not probed": "not probed"}
