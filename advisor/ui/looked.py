"""Where the model looked, as a gallery: pictures beside themselves with the map over them, texts with words marked."""

import base64
from html import escape

import streamlit as st

from advisor.report.document import Look
from advisor.report.looked import looks
from advisor.result import Report
from advisor.ui import look as looking
from advisor.ui import session
from advisor.ui.words import t

__all__ = ["gallery", "marked"]


def gallery(report: Report) -> None:
    """Show where the model looked in some examples, or why nobody looked."""
    found = report.checks.saliency if report.checks else None
    if found is None or not found.examples:
        why = (
            next((row.because for row in report.checks.rows if row.name == "saliency"), "")
            if report.checks
            else ""
        )
        if why:
            st.header(t("Where the model looked"), anchor=False)
            st.caption(session.safe(t(why)))
        return
    st.header(t("Where the model looked"), anchor=False)
    model = session.safe(session.model_name(found.model))
    st.caption(
        t(
            "{model}: what raised the score of its answer, in examples that nothing had learnt from.",
            model=model,
        )
    )
    shown = looks(found)
    if any(one.pieces for one in shown):
        st.caption(
            t("Underlined words spoke for the answer, dotted ones against it; the stronger, the darker.")
        )
        for one in shown:
            st.html(marked(one))
        return
    st.caption(t("Left what it was fed, right where it looked; the line goes around the hottest part."))
    with st.grid("auto", min_column_width=260, gap="medium"):
        for one in shown:
            with st.container():
                st.html(marked(one))


def marked(one: Look) -> str:
    """Write an example as HTML; everything of the user's is escaped.

    :param one: the example, what is said of it in English.
    """
    said = [(t(name), cell.text if cell.own else t(cell.text)) for name, cell in one.facts]
    alt = escape("; ".join(f"{name}: {text}" for name, text in said))
    parts = []
    if one.seen and one.marked:
        pair = [_picture(one.seen, ""), _picture(one.marked, alt)]
        parts.append(f'<div class="pair">{"".join(pair)}</div>')
    if one.pieces:
        words = (_word(piece.text, piece.level) + escape(piece.gap) for piece in one.pieces)
        parts.append(f'<p class="words">{"".join(words)}</p>')
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{looking.plain(text)}</dd></div>" for name, text in said
    )
    parts.append(f'<div class="faint">{escape(one.id)}</div><dl>{facts}</dl>')
    return f'<div class="looked{" wrong" if one.wrong else ""}">{"".join(parts)}</div>'


def _picture(content: str, alt: str) -> str:
    safe = base64.b64encode(base64.b64decode(content)).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{safe}" alt="{alt}">'


def _word(text: str, level: int) -> str:
    if not level:
        return escape(text)
    return f'<b class="{"for" if level > 0 else "against"} w{abs(level)}">{escape(text)}</b>'
