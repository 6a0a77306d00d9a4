"""Several runs side by side: the same models on several data sets."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from advisor.across import Across, across
from advisor.charts.across import regrets
from advisor.errors import AdvisorError
from advisor.jobs import read_probed
from advisor.report.across import render_across, stability_words, standing
from advisor.ui import cards, figures, frame, session
from advisor.ui.words import language, t

__all__ = ["compare"]


def compare(runs: Sequence[Path]) -> None:
    """Show how the models of some runs fare on each of their data sets, and which to choose for all.

    :param runs: two or more finished runs of one task that are judged by one metric.
    """
    try:
        found = _found(tuple(map(str, runs)), tuple((run / "report.json").stat().st_mtime_ns for run in runs))
    except (AdvisorError, OSError) as error:
        told = error if isinstance(error, AdvisorError) else AdvisorError(str(error))
        frame.complain(told, t("These runs cannot be compared"))
        return
    st.markdown(f"**{session.safe(t(found.because[0]))}**")
    cards.bullets((*found.because[1:], *stability_words(found), *found.notes))
    heads, *rows = standing(found, language())
    named = [(session.model_name(model), *cells) for model, *cells in rows]
    st.dataframe(
        [dict(zip(heads, row, strict=True)) for row in named],
        hide_index=True,
        alt=t("The models on every set"),
        key="across",
    )
    st.caption(
        t("In brackets: the place among the models of that set. Points below the best, with 95 % intervals.")
    )
    figures.show(regrets(found), "regrets", wide=True)
    if found.next_steps:
        st.subheader(t("Next steps"), anchor=False)
        cards.bullets(found.next_steps)
    st.download_button(
        t("This comparison (HTML)"),
        data=partial(render_across, found, "comparison.html", language()),
        file_name="comparison.html",
        mime="text/html",
        on_click="ignore",
        key="across html",
        icon=":material/download:",
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _found(runs: tuple[str, ...], changed: tuple[int, ...]) -> Across:
    return across(read_probed(runs))
