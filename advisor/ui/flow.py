"""The flow of ranks: where each model stood, where it stands, and a line between."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import altair as alt

from advisor.charts import Figure, note
from advisor.charts.style import BLUE, GREY, INK, VERMILION, base, figure
from advisor.ui.words import t
from advisor.whatif import Move

__all__ = ["rank_flow"]

PLACES = 10
SIDES = (0, 1)
WIDEST = alt.ExprRef("width / 3.1 - 12")
"""The room of a name beside the lines, whatever the width of the page."""


def rank_flow(moves: Sequence[Move], name: Callable[[str], str]) -> Figure:
    """Draw how models moved between two rankings.

    :param moves: the moves.
    :param name: gives a model's name.
    :return: one line per model from its place before to its place after; what lies beyond the tenth place, or does
        not qualify, begins or ends below a line. In the session's language.
    """
    question = t("Which models moved?")
    moved = [move for move in moves if move.before != move.after]
    if not moved:
        return note(question, t("No model has moved: the ranking is the one that you began with."))
    rows: list[dict[str, Any]] = []
    names = {move.model: name(move.model) for move in moves}
    for move in moves:
        before, after = _shown(move.before), _shown(move.after)
        kind = "same" if move.before == move.after else "up" if after < before else "down"
        for side, place, own in zip(SIDES, (before, after), (move.before, move.after), strict=True):
            rows.append(
                {
                    "model": names[move.model],
                    "side": side,
                    "place": place,
                    "kind": kind,
                    "label": _label(own, names[move.model]),
                    "was": _word(move.before),
                    "is": _word(move.after),
                }
            )
    said = "; ".join(
        t(
            "{model}: {before} → {after}",
            model=names[move.model],
            before=_word(move.before),
            after=_word(move.after),
        )
        for move in moved
    )
    drawn = _drawing(t("Model"), t("Before"), t("Now")).copy(deep=False)
    drawn.datasets = {"moves": rows}
    return figure(
        drawn,
        question,
        t("Places before and now: {moves}.", moves=said),
        t(
            "Solid: up or unmoved. Dashed: down. Below the tenth place: further down the list, or not qualified"
        ),
    )


@lru_cache(maxsize=4)
def _drawing(model: str, before: str, now: str) -> alt.LayerChart:
    """Lay out the chart without its rows, so that the browser only exchanges these when ranks move again."""
    x = alt.X("side:Q", scale=alt.Scale(domain=[-1.05, 2.05]), axis=None)
    y = alt.Y("place:Q", scale=alt.Scale(domain=[PLACES + 1.4, 0], nice=False), axis=None)
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=["up", "down", "same"], range=[BLUE, VERMILION, GREY]), legend=None
    )
    dash = alt.StrokeDash(
        "kind:N", scale=alt.Scale(domain=["up", "down", "same"], range=[[1, 0], [5, 3], [1, 0]]), legend=None
    )
    tooltip = [
        alt.Tooltip("model:N", title=model),
        alt.Tooltip("was:N", title=before),
        alt.Tooltip("is:N", title=now),
    ]
    data = alt.Chart(alt.NamedData("moves"))
    heads = base([{"side": 0, "word": before}, {"side": 1, "word": now}])
    label = alt.Text("label:N")
    layers = [
        data.mark_line(strokeWidth=1.8).encode(
            x=x, y=y, color=colour, strokeDash=dash, detail=alt.Detail("model:N")
        ),
        data.mark_point(filled=True, size=46, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip),
        data.transform_filter(f"datum.side == 0 && datum.place <= {PLACES}")
        .mark_text(align="right", dx=-9, color=INK, limit=WIDEST)
        .encode(x=x, y=y, text=label),
        data.transform_filter(f"datum.side == 1 && datum.place <= {PLACES}")
        .mark_text(align="left", dx=9, color=INK, limit=WIDEST)
        .encode(x=x, y=y, text=label),
        heads.mark_text(color=INK, fontWeight=600, dy=-2).encode(
            x=x, y=alt.value(4), text=alt.Text("word:N")
        ),
    ]
    return alt.layer(*layers, width="container", height=30 * (PLACES + 1))


def _shown(place: int | None) -> float:
    return PLACES + 1 if place is None or place > PLACES else place


def _word(place: int | None) -> str:
    return t("not qualified") if place is None else str(place)


def _label(place: int | None, name: str) -> str:
    return f"{place}  {name}"
