"""Charts on a page: the question as a heading, the drawing below, its words for those who do not see it."""

import altair as alt
import streamlit as st

from advisor.charts import Figure

__all__ = ["show"]


def show(figure: Figure, key: str) -> None:
    """Show a figure in the type of the page.

    :param figure: the chart with its question and its description.
    :param key: makes the chart keep its state.
    """
    chart = figure.chart.copy(deep=True)
    subtitle = getattr(chart.title, "subtitle", alt.Undefined)
    chart.title = alt.Undefined
    chart.config.font = alt.Undefined
    st.subheader(figure.question, anchor=False)
    if isinstance(subtitle, str) and subtitle:
        st.caption(subtitle)
    st.altair_chart(chart, key=key, width="stretch")
