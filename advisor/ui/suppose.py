"""What if: how the ranks flow, what each limit costs, and what would have to change for a model to win."""

from functools import partial

import streamlit as st

from advisor import whatif
from advisor.brief import Brief
from advisor.recommendation import Recommendation
from advisor.ui import flow, look, questions, session, state
from advisor.ui.words import t

__all__ = ["costs", "flowed", "gained", "pinned", "winning"]

LIMITS = questions.LIMIT_NAMES
MOST = 400


def pinned(brief: Brief) -> Brief:
    """Give the need that ranks are compared with: as it was when the page was opened, or the last one kept.

    :param brief: the present need.
    :return: the need to compare with; the present one where another task was chosen meanwhile.
    """
    kept = st.session_state.get("shortlist.pinned")
    if kept is None or Brief.model_validate(kept).task != brief.task:
        st.session_state["shortlist.pinned"] = kept = brief.model_dump()
        st.session_state["shortlist.answers"] = state.draft().answers
    return Brief.model_validate(kept)


def gained(before: Recommendation, after: Recommendation) -> dict[str, int]:
    """Say how many places each model of a shortlist gained (positive) or lost; one that had none is left out."""
    return {
        move.model: move.before - move.after
        for move in whatif.rank_moves(before, after)
        if move.before and move.after
    }


def flowed(before: Recommendation, after: Recommendation) -> None:
    """Show how the ranks moved since the need was kept, with the ways back and on."""
    from advisor.ui import figures

    figures.show(flow.rank_flow(whatif.rank_moves(before, after), session.model_name), "rank-flow")
    with st.container(horizontal=True, gap="small"):
        st.button(t("Back to where I began"), on_click=_back, icon=":material/undo:", key="shortlist.back")
        st.button(
            t("Compare with this from now on"),
            on_click=_pin,
            icon=":material/push_pin:",
            key="shortlist.pin",
            type="tertiary",
        )


def costs(brief: Brief) -> None:
    """Tabulate what each limit costs: how many models it keeps out, and what would stand first without it."""
    found = session.limit_costs(brief)
    if not found:
        st.caption(t("No limit is set, so none costs anything."))
        return
    head = "".join(
        f'<th scope="col"{kind}>{t(title)}</th>'
        for title, kind in (("Limit", ""), ("Models it keeps out", ' class="r"'), ("First without it", ""))
    )
    rows = []
    for cost in found:
        names = ", ".join(session.model_name(id) for id in cost.drops[:5])
        first = (
            t("the same")
            if cost.first == cost.first_without
            else session.model_name(cost.first_without or "")
        )
        rows.append(
            f'<tr><th scope="row">{look.plain(limit_words(cost.key, cost.limit))}</th>'
            f'<td class="r">{look.number(len(cost.drops))}</td><td>{look.plain(first if cost.drops else t("the same"))}'
            f'<div class="fact faint">{look.plain(names)}{" …" if len(cost.drops) > 5 else ""}</div></td></tr>'
        )
    st.html(
        f'<div class="scroll"><table class="race costs"><thead><tr>{head}</tr></thead>{"".join(rows)}</table></div>'
    )


def winning(brief: Brief, found: Recommendation) -> None:
    """Ask for a model, and say what would have to change for it to stand first."""
    ranked = [*(candidate.model for candidate in found.shortlist), *found.beyond_limit]
    others = [*ranked[1:], *(miss.model for miss in found.near_misses)][:MOST]
    if not others:
        st.caption(t("No other model comes near."))
        return
    model = st.selectbox(
        t("Model that should win"),
        others,
        index=None,
        format_func=session.model_name,
        placeholder=t("Choose a model"),
        key="shortlist.winning",
    )
    if model is None:
        return
    with st.spinner(t("Looking for the smallest change …")):
        told = session.ways_to_win(model, brief)
    name = session.safe(session.model_name(model))
    if told.barred:
        st.markdown(t("No limit or priority helps: {reason}", reason=session.safe(t(told.barred))))
        return
    if told.rank:
        st.caption(t("{model} stands at place {n} now.", model=name, n=look.number(told.rank)))
    else:
        needed = "; ".join(change_words(change) for change in told.admitted)
        st.caption(t("{model} qualifies only if: {changes}.", model=name, changes=needed))
        if told.rank_admitted and told.rank_admitted > 1:
            st.caption(t("It would stand at place {n} then.", n=look.number(told.rank_admitted)))
    if not told.ways:
        st.markdown(t("No single priority or limit puts it first: others are better in most of what counts."))
    for place, way in enumerate(told.ways):
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium"):
            st.markdown("; ".join(change_words(change) for change in way.changes), width="stretch")
            st.button(t("Try it"), key=f"shortlist.way {place}", on_click=partial(_take, way))


def limit_words(key: str, value: whatif.Value) -> str:
    """Say a limit of the need in words."""
    name = key.removeprefix("constraints.")
    if name in LIMITS:
        says, unit = LIMITS[name]
        if value is None:
            return t("{limit}: no limit", limit=t(says))
        return t("{limit}: {value} {unit}", limit=t(says), value=look.number(float(value)), unit=t(unit))
    words = questions.CHOICES.get(key, {})
    if name in questions.YES_NO:
        return t(questions.YES_NO[name][bool(value)])
    shown = t(words.get(str(value), str(value))) if value is not None else t("any")
    return t("{limit}: {value}", limit=t(questions.TITLES.get(name, name)), value=shown)


def change_words(change: whatif.Change) -> str:
    """Say a change of one answer in words, safe for Markdown."""
    if change.key.startswith("priorities."):
        criterion = t(questions.CRITERIA[change.key.removeprefix("priorities.")])
        return t(
            "priority of “{criterion}” {before} → **{after}**",
            criterion=criterion,
            before=f"{change.before:g}",
            after=f"{change.after:g}",
        )
    before = session.safe(limit_words(change.key, change.before))
    after = session.safe(limit_words(change.key, change.after))
    return f"{before} → **{after}**" if change.before is not None else f"**{after}**"


def _take(way: whatif.Way) -> None:
    answers = dict(state.draft().answers)
    for change in way.changes:
        answers.pop(change.key, None)
        if change.after is not None:
            value = change.after
            whole = change.key.startswith("priorities.") and isinstance(value, float) and value.is_integer()
            answers[change.key] = int(value) if whole else value
    state.change(answers=answers)


def _back() -> None:
    state.change(answers=st.session_state["shortlist.answers"])


def _pin() -> None:
    st.session_state.pop("shortlist.pinned", None)
