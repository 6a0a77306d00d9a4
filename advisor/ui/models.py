"""Models: the whole knowledge base to search, filter and compare; each number with its source."""

import streamlit as st

from advisor.ui import cards, look, session
from advisor.ui.browse import KINDS, Facets, find, spoken, yardstick
from advisor.ui.compare import compare

SIDE_BY_SIDE = 4

st.title("Models")
knowledge = session.knowledge()
families = len({card.family for card in knowledge.models})
st.markdown(
    f"{len(knowledge.models)} models in {families} families for {len(knowledge.tasks)} tasks. Tick up to four to see "
    "them side by side; each value opens to its source, date and protocol."
)

tasks = {task.id: task.name.en for task in knowledge.tasks}
languages = spoken(knowledge)
HERE = {"memory": "Weights fit its memory", "local": "Already downloaded"}

words = st.text_input(
    "Search", key="models.search", placeholder="Name, family or author", persist_state="session"
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    task = st.selectbox(
        "Task",
        [None, *tasks],
        format_func=lambda id: tasks[id] if id else "All",
        key="models.task",
        persist_state="session",
        width=230,
    )
    licence = st.selectbox(
        "Licence",
        [None, *look.LICENCE],
        format_func=lambda klass: klass.capitalize() if klass else "All",
        key="models.licence",
        persist_state="session",
        width=150,
    )
    largest = st.selectbox(
        "Download up to",
        [None, 10, 50, 100, 500, 2000],
        format_func=lambda mb: look.megabytes(mb) if mb else "Any size",
        key="models.size",
        persist_state="session",
        width=140,
    )
    language = st.selectbox(
        "Language",
        [None, *languages],
        format_func=lambda tag: languages[tag] if tag else "Any",
        key="models.language",
        persist_state="session",
        width=150,
    )
    here = st.selectbox(
        "This machine",
        [None, *HERE],
        format_func=lambda choice: HERE[choice] if choice else "Any",
        key="models.here",
        persist_state="session",
        width=190,
    )
    kind = st.selectbox(
        "Kind",
        [None, *KINDS],
        format_func=lambda name: KINDS[name] if name else "All",
        key="models.kind",
        persist_state="session",
        width=170,
    )
    order = st.selectbox(
        "Order",
        ["Family", "Best published result", "Newest first", "Smallest first"],
        key="models.order",
        persist_state="session",
        width=190,
    )
    current = st.toggle("Hide superseded", key="models.current", persist_state="session")

asked = Facets(
    words=words or "",
    task=task,
    kind=kind,
    licence=licence,
    language=language,
    largest_mb=largest,
    memory_mb=session.memory_mb() if here == "memory" else None,
    current=current,
)
found = find(knowledge, asked)
if here == "local":
    from advisor.weights import availability

    found = [card for card in found if availability(card, knowledge, offline=True).loadable]
measured = yardstick(knowledge, task, found) if task else None
if order == "Family":
    found.sort(key=lambda card: (card.family.lower(), card.size_mb.value if card.size_mb else float("inf")))
elif order == "Newest first":
    found.sort(key=lambda card: str(card.released or ""), reverse=True)
elif order == "Smallest first":
    found.sort(key=lambda card: card.size_mb.value if card.size_mb else float("inf"))
elif order == "Best published result" and measured:
    mark, values = measured
    down = -1 if mark.high > mark.low else 1
    found.sort(key=lambda card: (card.id not in values, down * values.get(card.id, 0.0)))

if not found:
    st.caption("No model fits. Take away a filter.")
    st.stop()

table = {
    "Name": [card.name for card in found],
    "Family": [card.family for card in found],
    "Does": [", ".join(tasks.get(id, id) for id in card.tasks) for card in found],
    "Licence": [card.licence.id for card in found],
    "Parameters, M": [card.parameters.value / 1e6 if card.parameters else None for card in found],
    "Size, MB": [card.size_mb.value if card.size_mb else None for card in found],
    "Released": [card.released for card in found],
}
if measured:
    mark, values = measured
    table = {"Name": table.pop("Name"), mark.name: [values.get(card.id) for card in found], **table}
    del table["Does"]
note = f"{len(found)} fit."
if order == "Best published result" and not task:
    note += " Choose a task to order by a published result."
st.caption(note)
event = st.dataframe(
    table,
    hide_index=True,
    key="models.table",
    on_select="rerun",
    selection_mode="multi-row",
    height=min(38 + 35 * len(found), 460),
    alt="Models of the knowledge base",
    placeholder="–",
    column_config={
        "Name": st.column_config.TextColumn(width="medium"),
        "Does": st.column_config.TextColumn(width="medium"),
        "Parameters, M": st.column_config.NumberColumn(format="%.1f"),
        "Size, MB": st.column_config.NumberColumn(format="%.1f"),
    },
)
ticked = [found[i] for i in event.selection.rows if i < len(found)]
if len(ticked) > SIDE_BY_SIDE:
    st.caption("Four at most stand side by side; the first four are shown.")
if ticked:
    beside = ticked[:SIDE_BY_SIDE]
    st.html(compare(beside, knowledge))
    with st.expander("Where to get them"):
        for card in beside:
            st.markdown(f"**{session.safe(card.name)}**")
            cards.where(card)
            if card.superseded_by:
                st.markdown(f"Newer: {session.safe(session.model_name(card.superseded_by))}")
