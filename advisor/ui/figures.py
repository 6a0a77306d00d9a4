"""Charts on a page: the question as a heading, the drawing below, its words for those who do not see it."""

from typing import Any

import streamlit as st

from advisor.charts import Figure

__all__ = ["show"]


def show(figure: Figure, key: str, select: bool = False) -> Any:
    """Show a figure.

    :param figure: the chart with its question and its description.
    :param key: makes the chart keep its state.
    :param select: rerun the page when a point is chosen.
    :return: what was chosen, where `select` is set.
    """
    return st.altair_chart(
        figure.chart,
        key=key,
        width="stretch",
        on_select="rerun" if select else "ignore",
    )
