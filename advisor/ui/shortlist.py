"""Shortlist: the ranked models, why they stand where they stand, and which of them to try on real data."""

from collections import defaultdict

import streamlit as st

from advisor.closest import closest_words
from advisor.recommendation import Candidate
from advisor.ui import cards, frame, look, questions, session, state, suppose
from advisor.ui.words import in_both, t

MOST_REASONS = 40


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
    card = knowledge.model(candidate.model)
    with st.container(border=True, key=f"row {candidate.rank}"):
        latency = candidate.estimates.latency_ms
        st.html(
            f'<div class="row"><div><div><span class="big">{candidate.rank}</span>{cards.moved(gained)} &ensp;'
            f"<b>{look.plain(card.name)}</b> &ensp;{cards.licence_mark(card)}</div>"
            f'<div class="fact">{look.plain(t(candidate.because[0]) if candidate.because else "")}</div>'
            f'<div class="fact faint">{look.plain(card.family)} · {look.plain(card.id)} · '
            f"{look.megabytes(candidate.estimates.size_mb.value)}</div></div>"
            f'<div><div class="fact faint">{t("Expected quality")}</div>'
            f'<div class="big">{look.quantity(candidate.quality)}</div>{look.basis(candidate.quality)}</div>'
            f'<div><div class="fact faint">{t("One answer takes")}</div>'
            f"{look.interval_bar(latency, limit, top)}"
            f'<div class="fact">{look.quantity(latency)}</div>{look.basis(latency)}</div></div>'
        )
        choice, more = st.columns([1, 1.6], vertical_alignment="center")
        if card.id in best:
            st.session_state[f"pick {card.id}"] = card.id in chosen
            choice.checkbox(t("Try it on my data"), key=f"pick {card.id}", on_change=select, args=(card.id,))
        elif task.probeable:
            choice.caption(t("Not loadable here"), help=t(session.availability(card.id, offline).because))
        details = more.expander(
            t("Why, how to adapt it, where to get it"),
            key=f"open {card.id}",
            on_change="rerun",
            type="compact",
        )
        if details.open:
            cards.candidate(candidate, card)


st.title(t("Shortlist"))
brief, filled = state.effective_brief()
if brief is None:
    frame.waits_for(t("The shortlist waits for a task: choose what the model should do."), "need")
knowledge = session.knowledge()
task = knowledge.task(brief.task)
offline = brief.constraints.offline
found = session.advice(brief)
origin = suppose.pinned(brief)
before = session.advice(origin)
gained = suppose.gained(before, found)
best, here = session.shortlisted(brief, found), session.already_here(brief, found)
chosen = session.to_try(brief, found)

left = len(found.shortlist) + len(found.beyond_limit)
st.markdown(
    t(
        "{n} of {all} models for *{task}* meet your need; the best {shown} are shown."
        if found.beyond_limit
        else "{n} of {all} models for *{task}* meet your need.",
        n=look.number(left),
        all=look.number(found.considered),
        task=session.safe(in_both(task.name).lower()),
        shown=str(len(found.shortlist)),
    )
)
for note in found.notes:
    st.caption(session.safe(t(note)))

drawn = st.container()
main, side = st.columns([2.9, 1], gap="large")
with side:
    st.subheader(t("What matters"), anchor=False)
    for criterion in questions.CRITERIA:
        questions.ask_priority(criterion, "shortlist")
    st.subheader(t("What must hold"), anchor=False)
    for name in questions.LIMITS:
        if name != "monthly_cost_usd" or brief.constraints.requests_per_month:
            questions.ask_limit(name, "shortlist")
with main:
    if not found.shortlist:
        with st.container(border=True):
            way_out = (
                "The near misses below say what would have to give."
                if found.near_misses
                else "None even comes near: the reasons stand below."
            )
            st.markdown(f"**{t('No model meets everything you asked for.')}** {t(way_out)}")
            if nearest := closest_words(found):
                st.markdown(session.safe(t(nearest)))
            st.page_link(frame.page("need"), label=t("Change the need"), icon=":material/arrow_back:")
    else:
        limit = brief.constraints.latency_ms
        highest = [c.estimates.latency_ms.high or c.estimates.latency_ms.value or 0 for c in found.shortlist]
        top = max([*highest, (limit or 0) * 1.15])
        moved = st.container()
        for candidate in found.shortlist:
            row(candidate, gained.get(candidate.model), top, limit)

    if found.near_misses:
        st.header(t("Near misses"), anchor=False)
        misses = []
        for miss in found.near_misses[:12]:
            name, change = session.model_name(miss.model), miss.admitted_if.removeprefix("admitted if ")
            misses.append(
                f'<p class="fact"><b>{look.plain(name)}</b> <span class="faint">{t("admitted if")}</span> '
                f"{look.plain(t(change))}</p>"
            )
        st.html("".join(misses))
        if len(found.near_misses) > 12:
            st.caption(t("and {n} more", n=look.number(len(found.near_misses) - 12)))
    if found.dropped:
        others = st.expander(
            t("Not considered ({n})", n=look.number(len(found.dropped))),
            key="shortlist.dropped",
            on_change="rerun",
        )
        if others.open:
            reasons: dict[str, list[str]] = defaultdict(list)
            for drop in found.dropped:
                reasons[drop.because].append(session.model_name(drop.model))
            ordered = sorted(reasons.items(), key=lambda item: -len(item[1]))
            for because, models in ordered[:MOST_REASONS]:
                others.html(
                    f'<div class="fact"><b>{look.plain(t(because))}</b> ({len(models)})<br>'
                    f'<span class="faint">{look.plain(", ".join(models[:40]))}</span></div>'
                )
            if len(ordered) > MOST_REASONS:
                others.caption(t("and {n} more reasons", n=look.number(len(ordered) - MOST_REASONS)))

with side:
    st.subheader(t("To be tried"), anchor=False)
    if not task.probeable:
        st.caption(
            t(
                "For this task the advice ends here: only image and text classification can be tried on your data."
            )
        )
    else:
        cards.downloads(chosen, brief.constraints.offline)
        if here:
            st.caption(t("Further down the list, but already on this machine:"))
            for id in here:
                st.session_state[f"pick {id}"] = id in chosen
                st.checkbox(session.model_name(id), key=f"pick {id}", on_change=select, args=(id,))
        st.page_link(
            frame.page("probe" if state.draft().data else "data"),
            label=t("Plan the probe" if state.draft().data else "Next: your data"),
            icon=":material/arrow_forward:",
        )

if found.shortlist:
    if origin != brief:
        with moved:
            suppose.flowed(before, found)
    with drawn:
        cards.trade_off(found)

st.header(t("What if?"), anchor=False)
what = st.expander(t("What does each limit cost?"), key="shortlist.costs", on_change="rerun")
if what.open:
    with what:
        suppose.costs(brief)
how = st.expander(t("What must change for another model to win?"), key="shortlist.win", on_change="rerun")
if how.open:
    with how:
        suppose.winning(brief, found)
