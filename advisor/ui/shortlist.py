"""Shortlist: the ranked models, why they stand where they stand, and which of them to try on real data."""

from collections import defaultdict

import streamlit as st

from advisor.recommendation import Candidate, Recommendation
from advisor.ui import cards, frame, look, questions, session, state


def moves(found: Recommendation) -> dict[str, int]:
    """Say by how many places each model moved since the last change of the ranking.

    :param found: the present advice.
    :return: model → places gained (positive) or lost (negative).
    """
    order = [candidate.model for candidate in found.shortlist]
    seen = st.session_state.get("shortlist.order")
    if seen != order:
        st.session_state["shortlist.before"] = seen or order
        st.session_state["shortlist.order"] = order
    before = {model: place for place, model in enumerate(st.session_state["shortlist.before"])}
    return {model: before[model] - place for place, model in enumerate(order) if model in before}


def select(model: str) -> None:
    """Add a model to those to be probed, or take it away."""
    picked = list(chosen)
    if st.session_state[f"pick {model}"]:
        picked.append(model)
    else:
        picked.remove(model)
    state.change(chosen=tuple(id for id in best + here if id in picked))


def row(candidate: Candidate, gained: int | None, top: float, limit: float | None) -> None:
    """Show one candidate as a row, and the details below once it is opened."""
    card = session.knowledge().model(candidate.model)
    with st.container(border=True, key=f"row {candidate.rank}"):
        left, quality, speed = st.columns([2.3, 0.9, 1.1], gap="medium")
        with left:
            st.html(
                f'<div><span class="big">{candidate.rank}</span>{cards.moved(gained)} &ensp;'
                f"<b>{look.plain(card.name)}</b> &ensp;{cards.licence_mark(card)}</div>"
                f'<div class="fact">{look.plain(candidate.because[0] if candidate.because else "")}</div>'
                f'<div class="fact faint">{look.plain(card.family)} · {look.plain(card.id)} · '
                f"{look.megabytes(candidate.estimates.size_mb.value)}</div>"
            )
        with quality:
            st.html(
                '<div class="fact faint">Expected quality</div>'
                f'<div class="big">{look.quantity(candidate.quality)}</div>{look.basis(candidate.quality)}'
            )
        with speed:
            latency = candidate.estimates.latency_ms
            st.html(
                '<div class="fact faint">One answer takes</div>'
                f"{look.interval_bar(latency, limit, top)}"
                f'<div class="fact">{look.quantity(latency)}</div>{look.basis(latency)}'
            )
        choice, more = st.columns([1, 1.6], vertical_alignment="center")
        if card.id in best:
            st.session_state[f"pick {card.id}"] = card.id in chosen
            choice.checkbox("Try it on my data", key=f"pick {card.id}", on_change=select, args=(card.id,))
        elif task.probeable:
            choice.caption("Not loadable here", help=session.availability(card.id, offline).because)
        details = more.expander(
            "Why, how to adapt it, where to get it", key=f"open {card.id}", on_change="rerun", type="compact"
        )
        if details.open:
            cards.candidate(candidate, card)


st.title("Shortlist")
brief, filled = state.effective_brief()
if brief is None:
    frame.waits_for("The shortlist waits for a task: choose what the model should do.", "need")
knowledge = session.knowledge()
task = knowledge.task(brief.task)
offline = brief.constraints.offline
found = session.advice(brief)
gained = moves(found)
best, here = session.shortlisted(brief, found), session.already_here(brief, found)
chosen = session.to_try(brief, found)

left = len(found.shortlist) + len(found.beyond_limit)
st.markdown(
    f"{left} of {found.considered} models for *{session.safe(task.name.en.lower())}* meet your need"
    + (f"; the best {len(found.shortlist)} are shown." if found.beyond_limit else ".")
)
for note in found.notes:
    st.caption(session.safe(note))

if found.shortlist:
    cards.trade_off(found)
main, side = st.columns([2.9, 1], gap="large")
with side:
    st.subheader("What matters", anchor=False)
    for criterion in questions.CRITERIA:
        questions.ask_priority(criterion, "shortlist")
with main:
    if not found.shortlist:
        with st.container(border=True):
            way_out = (
                "The near misses below say what would have to give."
                if found.near_misses
                else "None even comes near: the reasons stand below."
            )
            st.markdown(f"**No model meets everything you asked for.** {way_out}")
            st.page_link(frame.page("need"), label="Change the need", icon=":material/arrow_back:")
    else:
        limit = brief.constraints.latency_ms
        highest = [c.estimates.latency_ms.high or c.estimates.latency_ms.value or 0 for c in found.shortlist]
        top = max([*highest, (limit or 0) * 1.15])
        for candidate in found.shortlist:
            row(candidate, gained.get(candidate.model), top, limit)

    if found.near_misses:
        st.header("Near misses", anchor=False)
        for miss in found.near_misses[:12]:
            name, change = session.model_name(miss.model), miss.admitted_if.removeprefix("admitted if ")
            st.html(
                f'<div class="fact"><b>{look.plain(name)}</b> <span class="faint">admitted if</span> '
                f"{look.plain(change)}</div>"
            )
        if len(found.near_misses) > 12:
            st.caption(f"and {len(found.near_misses) - 12} more")
    if found.dropped:
        with st.expander(f"Not considered ({len(found.dropped)})"):
            reasons: dict[str, list[str]] = defaultdict(list)
            for drop in found.dropped:
                reasons[drop.because].append(session.model_name(drop.model))
            for because, models in sorted(reasons.items(), key=lambda item: -len(item[1])):
                st.html(
                    f'<div class="fact"><b>{look.plain(because)}</b> ({len(models)})<br>'
                    f'<span class="faint">{look.plain(", ".join(models[:40]))}</span></div>'
                )

with side:
    st.subheader("To be tried", anchor=False)
    if not task.probeable:
        st.caption(
            "For this task the advice ends here: only image and text classification can be tried on your data."
        )
    else:
        cards.downloads(chosen, brief.constraints.offline)
        if here:
            st.caption("Further down the list, but already on this machine:")
            for id in here:
                st.session_state[f"pick {id}"] = id in chosen
                st.checkbox(session.model_name(id), key=f"pick {id}", on_change=select, args=(id,))
        st.page_link(
            frame.page("probe" if state.draft().data else "data"),
            label="Plan the probe" if state.draft().data else "Next: your data",
            icon=":material/arrow_forward:",
        )
