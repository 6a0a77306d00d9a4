"""Charts on a page: the question as a heading, the drawing below, its words for those who do not see it."""

import streamlit as st

from advisor.charts import Figure
from advisor.charts.spoken import in_language
from advisor.ui.words import language

__all__ = ["show"]


def show(figure: Figure, key: str) -> None:
    """Show a figure in the type and the language of the page.

    :param figure: the chart with its question and its description, in English or in that language.
    :param key: makes the chart keep its state.
    """
    shown = in_language(figure, language())
    spec = shown.chart.to_dict(validate=False)
    title = spec.pop("title", None)
    spec.pop("description", None)
    spec.get("config", {}).pop("font", None)
    st.subheader(shown.question, anchor=False)
    if isinstance(title, dict) and title.get("subtitle"):
        st.caption(title["subtitle"])
    st.vega_lite_chart(spec=spec, key=key, width="stretch", alt=shown.alt)
