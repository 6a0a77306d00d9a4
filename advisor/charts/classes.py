"""Classes: how many examples each has, how well each is recognised, and which are mistaken for which."""

from collections.abc import Sequence
from typing import Literal

import altair as alt

from advisor.charts.style import BLUE, INK, WIDTH, Figure, base, colour_at, contrast, figure, names_axis, note
from advisor.labels import distinct, model_labels, room
from advisor.result import Confusion, ModelResult

__all__ = ["class_balance", "class_heatmap", "confusion_matrix"]


def class_balance(counts: dict[str, int], limit: int = 24) -> Figure:
    """Show how many examples each class has.

    :param counts: class → examples.
    :param limit: the most classes to draw; of more, the largest and the smallest are kept.
    :return: a bar per class, largest first.
    """
    question = "How many examples has each class?"
    if not counts:
        return note(question, "The data hold no classes.")
    order = sorted(counts, key=lambda name: -counts[name])
    shown = order if len(order) <= limit else order[: limit // 2] + order[-(limit - limit // 2) :]
    labels = distinct(shown, 28)
    rows = [{"class": name, "label": labels[name], "n": counts[name]} for name in shown]
    y = alt.Y("label:N", title=None, sort=list(labels.values()), axis=names_axis(list(labels.values())))
    x = alt.X("n:Q", axis=None, scale=alt.Scale(domain=[0, max(max(counts.values()), 1) * 1.1]))
    data = base(rows)
    tooltip = [alt.Tooltip("class:N", title="Class"), alt.Tooltip("n:Q", title="Examples")]
    chart = alt.layer(
        data.mark_bar(height=11, color=BLUE, cornerRadiusEnd=2).encode(x=x, y=y, tooltip=tooltip),
        data.mark_text(align="left", dx=6, color=INK).encode(x=x, y=y, text="n:Q"),
    ).properties(width=WIDTH - 180, height=alt.Step(20))
    hidden = len(order) - len(shown)
    subtitle = (
        f"The {limit // 2} largest and the {limit - limit // 2} smallest of {len(order)} classes"
        if hidden
        else ""
    )
    text = f"{len(order)} classes, from {counts[order[0]]} ({order[0]}) to {counts[order[-1]]} ({order[-1]})."
    return figure(chart, question, text, subtitle)


def class_heatmap(
    results: Sequence[ModelResult],
    measure: Literal["recall", "precision", "f1"] = "recall",
    limit: int = 30,
    models: int = 8,
) -> Figure:
    """Show which classes each model recognises.

    :param results: rows of a probe, best first; those that were not measured are left out.
    :param measure: what a cell shows, on the report split.
    :param limit: the most classes to draw; of more, the hardest are kept.
    :param models: the most models to draw.
    :return: a cell per class (row) and model (column).
    """
    question = "Which classes does each model recognise?"
    drawn = [row for row in results if row.per_class][:models]
    if not drawn:
        return note(question, "No model was measured, so nothing is known of the classes.")
    classes = list(dict.fromkeys(name for row in drawn for name in row.per_class))
    values = {(r.model, name): float(getattr(s, measure)) for r in drawn for name, s in r.per_class.items()}
    if len(classes) > limit:
        hard = {name: min(values.get((r.model, name), 1.0) for r in drawn[:3]) for name in classes}
        kept = set(sorted(classes, key=lambda name: hard[name])[:limit])
        shown = [name for name in classes if name in kept]
    else:
        shown = classes
    class_of, model_of = distinct(shown, 28), model_labels((row.model for row in drawn), 22)
    rows = []
    for row in drawn:
        for name in shown:
            score = row.per_class.get(name)
            value = values.get((row.model, name))
            cell = "#00000000" if value is None else colour_at(value)
            rows.append(
                {
                    "model": row.model,
                    "column": model_of[row.model],
                    "class": name,
                    "row": class_of[name],
                    "value": value,
                    "n": score.n if score else 0,
                    "fill": cell,
                    "ink": INK if value is None else contrast(cell),
                    "text": "–" if value is None else f"{100 * value:.0f}",
                }
            )
    step = max(44, min(92, 560 // len(drawn)))
    x = alt.X(
        "column:N",
        title=None,
        sort=list(model_of.values()),
        axis=alt.Axis(
            orient="top",
            labelAngle=-25 if max(map(room, ([v] for v in model_of.values()))) > step else 0,
            labelLimit=170,
            ticks=False,
            domain=False,
        ),
    )
    y = alt.Y("row:N", title=None, sort=list(class_of.values()), axis=names_axis(list(class_of.values())))
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("class:N", title="Class"),
        alt.Tooltip("value:Q", title=measure.capitalize(), format=".1%"),
        alt.Tooltip("n:Q", title="Examples"),
    ]
    data = base(rows)
    chart = alt.layer(
        data.mark_rect(cornerRadius=2).encode(
            x=x, y=y, color=alt.Color("fill:N", scale=None), tooltip=tooltip
        ),
        data.mark_text().encode(x=x, y=y, text="text:N", color=alt.Color("ink:N", scale=None)),
    ).properties(width=alt.Step(step), height=alt.Step(22))
    first = drawn[0]
    worst = sorted((values.get((first.model, name), 1.0), name) for name in shown)[:3]
    listing = ", ".join(f"{name} {value:.0%}" for value, name in worst)
    text = f"{measure.capitalize()} of {len(shown)} classes by {len(drawn)} models. "
    text += f"Hardest for {model_of[first.model]}: {listing}."
    subtitle = f"{measure.capitalize()} in per cent on examples that no choice was made by"
    subtitle += f"; the {len(shown)} hardest of {len(classes)} classes" if len(shown) < len(classes) else ""
    return figure(chart, question, text, subtitle)


def confusion_matrix(result: ModelResult, limit: int = 16) -> Figure:
    """Show what one model mistakes for what.

    :param result: one model's result.
    :param limit: the most classes to draw; of more, those in the largest confusions are kept.
    :return: a cell per (truth, prediction) with its count, shaded by the share of the truth.
    """
    question = "What is mistaken for what?"
    confusion = result.confusion
    if confusion is None or not confusion.labels:
        return note(question, "This model was not measured, so its mistakes are not known.")
    kept = _top(confusion, limit)
    labels = distinct((confusion.labels[i] for i in kept), 20)
    rows = []
    for i in kept:
        total = sum(confusion.matrix[i])
        for j in kept:
            count = confusion.matrix[i][j]
            share = count / total if total else 0.0
            cell = colour_at(share) if count else "#00000000"
            rows.append(
                {
                    "truth": confusion.labels[i],
                    "predicted": confusion.labels[j],
                    "row": labels[confusion.labels[i]],
                    "column": labels[confusion.labels[j]],
                    "n": count,
                    "of": total,
                    "share": share,
                    "fill": cell,
                    "ink": contrast(cell) if count else INK,
                    "text": str(count) if count else ("·" if i == j else ""),
                }
            )
    step = max(26, min(44, 460 // len(kept)))
    order = list(labels.values())
    x = alt.X(
        "column:N",
        title="Predicted",
        sort=order,
        axis=alt.Axis(
            orient="top", labelAngle=-45 if len(kept) > 4 else 0, labelLimit=130, ticks=False, domain=False
        ),
    )
    y = alt.Y("row:N", title="Truth", sort=order, axis=names_axis(order))
    tooltip = [
        alt.Tooltip("truth:N", title="Truth"),
        alt.Tooltip("predicted:N", title="Predicted"),
        alt.Tooltip("n:Q", title="Examples"),
        alt.Tooltip("of:Q", title="of"),
        alt.Tooltip("share:Q", title="Share", format=".1%"),
    ]
    data = base(rows)
    chart = alt.layer(
        data.mark_rect(cornerRadius=2, stroke=INK, strokeOpacity=0.25, strokeWidth=0.5).encode(
            x=x, y=y, color=alt.Color("fill:N", scale=None), tooltip=tooltip
        ),
        data.mark_text().encode(x=x, y=y, text="text:N", color=alt.Color("ink:N", scale=None)),
    ).properties(width=alt.Step(step), height=alt.Step(min(step, 28)))
    pairs = sorted(
        (
            (confusion.matrix[i][j], confusion.labels[i], confusion.labels[j])
            for i in kept
            for j in kept
            if i != j and confusion.matrix[i][j]
        ),
        reverse=True,
    )[:3]
    total = sum(map(sum, confusion.matrix))
    right = sum(row[i] for i, row in enumerate(confusion.matrix))
    listing = "; ".join(f"{truth} taken for {other} {n}×" for n, truth, other in pairs) or "none"
    few = (
        f"; the {len(kept)} most confused of {len(confusion.labels)} classes"
        if len(kept) < len(confusion.labels)
        else ""
    )
    subtitle = f"{model_labels([result.model])[result.model]}; shade: share of the truth{few}"
    return figure(chart, question, f"{right} of {total} right. Most frequent mistakes: {listing}.", subtitle)


def _top(confusion: Confusion, limit: int) -> list[int]:
    size = len(confusion.labels)
    if size <= limit:
        return list(range(size))
    wrong = sorted(
        ((n, i, j) for i, row in enumerate(confusion.matrix) for j, n in enumerate(row) if i != j and n),
        key=lambda item: -item[0],
    )
    kept: dict[int, None] = {}
    for _, i, j in wrong:
        if len(kept.keys() | {i, j}) > limit:
            break
        kept |= {i: None, j: None}
    for index in range(size):
        if len(kept) >= limit:
            break
        kept.setdefault(index)
    return sorted(kept)
