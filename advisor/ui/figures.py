"""Charts on a page: the question as a heading, the drawing below, its words for those who do not see it."""

import json
from typing import Any

import streamlit as st

from advisor.charts import Figure
from advisor.charts.spoken import in_language
from advisor.charts.style import INK, LINE
from advisor.ui.words import language

__all__ = ["show"]

INKS = {"light": ("#4A535B", "#A3ABB0"), "dark": ("#C2C9CE", "#59636B")}
"""Text and lines by theme."""


def show(figure: Figure, key: str, wide: bool = False) -> None:
    """Show a figure in the type and the language of the page.

    :param figure: the chart with its question and its description, in English or in that language.
    :param key: makes the chart keep its state.
    :param wide: it is full of names, so on a narrow screen it is moved sideways instead of squeezed.
    """
    shown = in_language(figure, language())
    spec = _inked(shown.chart.to_dict(validate=False))
    title = spec.pop("title", None)
    spec.pop("description", None)
    spec.get("config", {}).pop("font", None)
    spec.get("config", {})["axisY"] = {"labelFlush": False}
    spec.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
    st.subheader(shown.question, anchor=False)
    if isinstance(title, dict) and title.get("subtitle"):
        st.caption(title["subtitle"])
    place = st.container(key=f"wide {key}") if wide else st
    place.vega_lite_chart(spec=spec, key=key, width="stretch", alt=shown.alt)


def _inked(spec: dict[str, Any]) -> dict[str, Any]:
    """Give text and lines of a chart the contrast that the session's theme allows."""
    ink, line = INKS.get(st.context.theme.type or "", (INK, LINE))
    written = (
        json.dumps(spec, ensure_ascii=False).replace(f'"{INK}"', f'"{ink}"').replace(f'"{LINE}"', f'"{line}"')
    )
    inked: dict[str, Any] = json.loads(written)
    return inked
