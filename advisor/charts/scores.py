"""Why a model scores what it scores: parts that visibly add up."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from advisor.charts.style import (
    BLUE,
    GREY,
    INK,
    PALETTE,
    VERMILION,
    WIDTH,
    Figure,
    base,
    figure,
    names_axis,
    note,
)
from advisor.labels import model_labels
from advisor.recommendation import Candidate

__all__ = ["CRITERIA", "score_parts", "score_stack"]

CRITERIA = {
    "accuracy": "Accuracy",
    "latency": "Latency",
    "memory": "Memory",
    "training_cost": "Training cost",
    "cost": "Running cost",
    "maturity": "Maturity",
    "explainability": "Explainability",
}


def score_parts(candidate: Candidate) -> Figure:
    """Show how the parts of one score add up.

    :param candidate: a model of the shortlist.
    :return: a waterfall from 0 through each criterion's contribution to the score.
    """
    question = f"What makes up the score of {model_labels([candidate.model])[candidate.model]}?"
    parts = [part for part in candidate.parts if part.weight > 0]
    if not parts:
        return note(question, "No criterion has a weight, so there is no score to explain.")
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for part in sorted(parts, key=lambda part: -part.contribution):
        rows.append(
            {
                "criterion": CRITERIA[part.criterion],
                "from": reached,
                "to": reached + part.contribution,
                "possible": reached + part.weight,
                "text": f"{part.contribution:.3f} of {part.weight:.3f}",
                "because": part.because,
                "value": part.value,
                "weight": part.weight,
                "kind": "part",
            }
        )
        reached += part.contribution
    rows.append(
        {
            "criterion": "Score",
            "from": 0.0,
            "to": reached,
            "possible": reached,
            "text": f"{reached:.3f}",
            "because": "the sum of the parts",
            "value": None,
            "weight": 1.0,
            "kind": "score",
        }
    )
    y = alt.Y(
        "criterion:N",
        title=None,
        sort=[row["criterion"] for row in rows],
        axis=names_axis([row["criterion"] for row in rows]),
    )
    scale = alt.Scale(domain=[0, max(1.0, max(row["possible"] for row in rows)) + 0.2])
    axis = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    tooltip = [
        alt.Tooltip("criterion:N", title="Criterion"),
        alt.Tooltip("value:Q", title="Value", format=".3f"),
        alt.Tooltip("weight:Q", title="Weight", format=".3f"),
        alt.Tooltip("because:N", title="Because"),
    ]
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=["part", "score"], range=[BLUE, VERMILION]), legend=None
    )
    data = base(rows)
    chart = alt.layer(
        data.mark_bar(height=12, color=GREY, opacity=0.3).encode(
            x=alt.X("from:Q", title="Score", scale=scale, axis=axis), x2="possible:Q", y=y
        ),
        data.mark_bar(height=12).encode(x=alt.X("from:Q"), x2="to:Q", y=y, color=colour, tooltip=tooltip),
        data.mark_text(align="left", dx=6, color=INK).encode(x=alt.X("possible:Q"), y=y, text="text:N"),
    ).properties(width=WIDTH - 140, height=alt.Step(26))
    listing = " + ".join(f"{row['criterion']} {row['text'].split()[0]}" for row in rows[:-1])
    return figure(
        chart, question, f"{listing} = {reached:.3f}.", "Pale: what was possible for this criterion"
    )


def score_stack(shortlist: Sequence[Candidate], limit: int = 10) -> Figure:
    """Show what makes up the scores of the shortlist.

    :param shortlist: candidates, best first.
    :param limit: the most models to draw.
    :return: a stacked bar per model whose length is the score.
    """
    question = "What makes up the scores?"
    shown = list(shortlist)[:limit]
    if not shown:
        return note(question, "No model qualifies, so there are no scores.")
    labels = model_labels(row.model for row in shown)
    used = [
        c
        for c in CRITERIA
        if any(p.criterion == c and p.contribution > 0 for row in shown for p in row.parts)
    ]
    rows = [
        {
            "model": row.model,
            "label": labels[row.model],
            "criterion": CRITERIA[part.criterion],
            "contribution": part.contribution,
            "because": part.because,
            "order": used.index(part.criterion),
            "initial": CRITERIA[part.criterion] if part.contribution >= 0.09 else "",
        }
        for row in shown
        for part in row.parts
        if part.criterion in used
    ]
    totals = [{"label": labels[row.model], "score": row.score, "text": f"{row.score:.3f}"} for row in shown]
    y = alt.Y(
        "label:N",
        title=None,
        sort=[labels[row.model] for row in shown],
        axis=names_axis([labels[row.model] for row in shown]),
    )
    names = [CRITERIA[c] for c in used]
    x = alt.X(
        "contribution:Q",
        title="Score",
        stack="zero",
        scale=alt.Scale(domain=[0, max(0.6, *(r.score for r in shown)) * 1.1]),
    )
    colour = alt.Color(
        "criterion:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=names, range=PALETTE[: len(names)]),
        legend=alt.Legend(orient="bottom", columns=4),
    )
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("criterion:N", title="Criterion"),
        alt.Tooltip("contribution:Q", title="Contribution", format=".3f"),
        alt.Tooltip("because:N", title="Because"),
    ]
    chart = alt.layer(
        base(rows)
        .mark_bar(height=14, stroke="white", strokeWidth=0.6)
        .encode(x=x, y=y, color=colour, order="order:Q", tooltip=tooltip),
        base(totals).mark_text(align="left", dx=6, color=INK).encode(x=alt.X("score:Q"), y=y, text="text:N"),
    ).properties(width=WIDTH - 140, height=alt.Step(26))
    listing = "; ".join(f"{labels[row.model]} {row.score:.3f}" for row in shown)
    hidden = len(shortlist) - len(shown)
    subtitle = "Contributions in the legend's order add up to the score"
    return figure(
        chart,
        question,
        f"Scores: {listing}.",
        subtitle + (f"; {hidden} further models not drawn" if hidden else ""),
    )
