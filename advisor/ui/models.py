"""Models: the whole knowledge base to search, filter and compare; each number with its source."""

import streamlit as st

from advisor.knowledge import ModelCard
from advisor.ui import cards, look, session

st.title("Models")
knowledge = session.knowledge()
st.markdown(
    f"{len(knowledge.models)} models for {len(knowledge.tasks)} tasks. Choose up to four to see them side by side."
)

tasks = {task.id: task.name.en for task in knowledge.tasks}
with st.container(horizontal=True, vertical_alignment="bottom"):
    words = st.text_input(
        "Search", key="models.search", placeholder="name, family, author", persist_state="session"
    )
    task = st.selectbox(
        "Task",
        [None, *tasks],
        format_func=lambda id: tasks[id] if id else "All",
        key="models.task",
        persist_state="session",
    )
    licence = st.selectbox(
        "Licence",
        [None, *look.LICENCE],
        format_func=lambda klass: klass.capitalize() if klass else "All",
        key="models.licence",
        persist_state="session",
    )
    largest = st.selectbox(
        "Download up to",
        [None, 10, 50, 100, 500, 2000],
        format_func=lambda mb: look.megabytes(mb) if mb else "Any size",
        key="models.size",
        persist_state="session",
    )
    order = st.selectbox(
        "Order", ["Family", "Newest first", "Smallest first"], key="models.order", persist_state="session"
    )


def matches(card: ModelCard) -> bool:
    """Say whether a card fits the search and the facets."""
    text = " ".join((card.id, card.name, card.family, card.authors or "")).lower()
    if not all(word in text for word in (words or "").lower().split()):
        return False
    if task and task not in card.tasks:
        return False
    if licence and card.licence.klass != licence:
        return False
    return not largest or (card.size_mb is not None and card.size_mb.value <= largest)


found = [card for card in knowledge.models if card.kind != "baseline" and matches(card)]
if order == "Newest first":
    found.sort(key=lambda card: str(card.released or ""), reverse=True)
elif order == "Smallest first":
    found.sort(key=lambda card: card.size_mb.value if card.size_mb else float("inf"))

rows = [
    {
        "Name": card.name,
        "Family": card.family,
        "Does": ", ".join(tasks.get(id, id) for id in card.tasks),
        "Licence": card.licence.id,
        "Parameters, M": card.parameters.value / 1e6 if card.parameters else None,
        "Size, MB": card.size_mb.value if card.size_mb else None,
        "Released": card.released,
        "Superseded": session.model_name(card.superseded_by) if card.superseded_by else "",
    }
    for card in found
]
if not found:
    st.caption("No model fits. Take away a filter.")
    st.stop()
st.caption(f"{len(found)} fit. Tick rows to compare.")
event = st.dataframe(
    rows,
    hide_index=True,
    key="models.table",
    on_select="rerun",
    selection_mode="multi-row",
    height=min(38 + 35 * len(rows), 460),
    alt="Models of the knowledge base",
    placeholder="–",
    column_config={
        "Parameters, M": st.column_config.NumberColumn(format="%.1f"),
        "Size, MB": st.column_config.NumberColumn(format="%.1f"),
    },
)
ticked = [found[i] for i in event.selection.rows if i < len(found)]
if len(ticked) > 4:
    st.caption("Four at most stand side by side; the first four are shown.")
if ticked:
    for column, card in zip(st.columns(len(ticked[:4]), gap="large"), ticked[:4], strict=True):
        with column:
            st.subheader(session.safe(card.name), anchor=False)
            st.caption(session.safe(card.id))
            cards.licence_badge(card)
            if card.superseded_by:
                st.markdown(f"Newer: {session.safe(session.model_name(card.superseded_by))}")
            if card.good_for:
                st.markdown(session.safe(card.good_for.en))
            if card.weaknesses:
                st.markdown(f":gray[Weak at: {session.safe(card.weaknesses.en)}]")
            cards.facts(card)
            st.markdown("**Where to get it**")
            cards.where(card)
