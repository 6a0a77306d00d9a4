"""Models: the whole knowledge base to search, filter and compare; each number with its source."""

import streamlit as st

from advisor.ui import cards, look, session
from advisor.ui.browse import KINDS, Facets, find, spoken, yardstick
from advisor.ui.compare import compare
from advisor.ui.words import at_once, in_both, t, tongue

SIDE_BY_SIDE = 4

st.title(t("Models"))
knowledge = session.knowledge()
families = len({card.family for card in knowledge.models})
st.markdown(
    t(
        "{n} models in {families} families for {tasks} tasks. Tick up to four to see them side by side; each value "
        "opens to its source, date and protocol.",
        n=look.number(len(knowledge.models)),
        families=look.number(families),
        tasks=look.number(len(knowledge.tasks)),
    )
)

tasks = {task.id: in_both(task.name) for task in knowledge.tasks}
languages = spoken(knowledge)
HERE = {"memory": "Weights fit its memory", "local": "Already downloaded"}

words = st.text_input(
    t("Search"), key="models.search", placeholder=t("Name, family or author"), persist_state="session"
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    task = st.selectbox(
        t("Task"),
        [None, *tasks],
        format_func=at_once(lambda id: tasks[id] if id else t("All"), [None, *tasks]),
        key="models.task",
        persist_state="session",
        width=230,
    )
    licence = st.selectbox(
        t("Licence"),
        [None, *look.LICENCE],
        format_func=at_once(lambda klass: t(klass.capitalize() if klass else "All"), [None, *look.LICENCE]),
        key="models.licence",
        persist_state="session",
        width=150,
    )
    largest = st.selectbox(
        t("Download up to"),
        [None, 10, 50, 100, 500, 2000],
        format_func=at_once(
            lambda mb: look.megabytes(mb) if mb else t("Any size"), [None, 10, 50, 100, 500, 2000]
        ),
        key="models.size",
        persist_state="session",
        width=140,
    )
    language = st.selectbox(
        t("Language"),
        [None, *languages],
        format_func=at_once(lambda tag: tongue(tag) if tag else t("Any"), [None, *languages]),
        key="models.language",
        persist_state="session",
        width=150,
    )
    here = st.selectbox(
        t("This machine"),
        [None, *HERE],
        format_func=at_once(lambda choice: t(HERE[choice] if choice else "Any"), [None, *HERE]),
        key="models.here",
        persist_state="session",
        width=190,
    )
    kind = st.selectbox(
        t("Kind"),
        [None, *KINDS],
        format_func=at_once(lambda name: t(KINDS[name] if name else "All"), [None, *KINDS]),
        key="models.kind",
        persist_state="session",
        width=170,
    )
    order = st.selectbox(
        t("Order"),
        ["Family", "Best published result", "Newest first", "Smallest first"],
        format_func=at_once(t, ["Family", "Best published result", "Newest first", "Smallest first"]),
        key="models.order",
        persist_state="session",
        width=190,
    )
    current = st.toggle(t("Hide superseded"), key="models.current", persist_state="session")

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
    st.caption(t("No model fits. Take away a filter."))
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
note = t("{n} fit.", n=look.number(len(found)))
if order == "Best published result" and not task:
    note += " " + t("Choose a task to order by a published result.")
st.caption(note)
event = st.dataframe(
    table,
    hide_index=True,
    key="models.table",
    on_select="rerun",
    selection_mode="multi-row",
    height=min(38 + 35 * len(found), 460),
    alt=t("Models of the knowledge base"),
    placeholder="–",
    column_config={
        "Name": st.column_config.TextColumn(t("Name"), width="medium"),
        "Does": st.column_config.TextColumn(t("Does"), width="medium"),
        "Parameters, M": st.column_config.NumberColumn(t("Parameters, M"), format="localized"),
        "Size, MB": st.column_config.NumberColumn(t("Size, MB"), format="localized"),
        "Family": t("Family"),
        "Licence": t("Licence"),
        "Released": t("Released"),
    },
)
ticked = [found[i] for i in event.selection.rows if i < len(found)]
if len(ticked) > SIDE_BY_SIDE:
    st.caption(t("Four at most stand side by side; the first four are shown."))
if ticked:
    beside = ticked[:SIDE_BY_SIDE]
    st.html(compare(beside, knowledge))
    with st.expander(t("Where to get them")):
        for card in beside:
            st.markdown(f"**{session.safe(card.name)}**")
            cards.where(card)
            if card.superseded_by:
                newer = session.safe(session.model_name(card.superseded_by))
                st.markdown(t("Newer: {model}", model=newer))
