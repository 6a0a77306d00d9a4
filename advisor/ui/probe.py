"""Probe: the plan before it starts, the race while it runs, the comparison when it is over."""

from pathlib import Path

import streamlit as st

from advisor.brief import Brief
from advisor.errors import AdvisorError
from advisor.ui import cards, frame, look, race, results, session, state
from advisor.ui.owner import owner
from advisor.ui.words import at_once, in_both, t

BUDGETS = (30, 60, 120, 300, 600, 1200, 1800, 3600)


def start(brief: Brief, source: state.DataSource, chosen: tuple[str, ...]) -> None:
    """Start a run in a folder of its own and point the draft to it."""
    from advisor.jobs import start_probe

    try:
        run = start_probe(
            brief,
            Path(source.path),
            session.new_run_folder(source.name),
            budget_s=float(st.session_state["probe.budget"]),
            picked=chosen,
            offline=brief.constraints.offline,
            text=source.text,
            label=source.label,
            unlabelled=Path(source.unlabelled) if source.unlabelled else None,
            knowledge=session.knowledge_folder(),
            owner=owner() or "",
        )
    except AdvisorError as error:
        st.session_state["probe.complaint"] = str(error)
    else:
        state.change(run=str(run))


def stop(run: Path) -> None:
    """Ask the run to stop; what was reached is kept."""
    from advisor.jobs import cancel

    cancel(run)


def carry_on(run: Path) -> None:
    """Go on with an interrupted or cancelled run."""
    from advisor.jobs import resume

    try:
        resume(run)
    except AdvisorError as error:
        st.session_state["probe.complaint"] = str(error)


def put_away() -> None:
    """Leave this run among the past ones and plan another."""
    state.change(run=None)


st.title(t("Probe"))
draft = state.draft()
brief, _ = state.effective_brief()

if draft.run is None or not Path(draft.run).is_dir():
    if brief is None:
        frame.waits_for(t("The probe waits for a task: say what the model should do."), "need")
    task = session.knowledge().task(brief.task)
    if not task.probeable:
        frame.waits_for(
            t(
                "{task} cannot be tried here yet; the advice on the shortlist is all there is for it.",
                task=in_both(task.name),
            ),
            "shortlist",
        )
    source = draft.data
    if source is None or source.profile is None:
        frame.waits_for(t("The probe waits for your data: models are compared on them."), "data")
    if source.profile.task != brief.task:
        frame.waits_for(
            t(
                "The data are for {found}, the need asks for {asked}. Change one of them.",
                found=session.task_name(source.profile.task).lower(),
                asked=in_both(task.name).lower(),
            ),
            "need",
        )
    found = session.advice(brief)
    chosen = session.to_try(brief, found)

    st.markdown(
        t(
            "Each model learns from a part of your data for a short while. The weak ones stop early, so that the "
            "time goes to the strong ones."
        )
    )
    left, right = st.columns([1.4, 1], gap="large")
    with left:
        st.header(t("The plan"), anchor=False)
        steps = (
            "**Every model, frozen,** with a small classifier on its features.",
            "**Baselines** that need no pretrained model: they show whether a deep model is worth it.",
            "**The best ones, tuned briefly,** then longer while the time lasts.",
        )
        st.markdown("\n".join(f"{place}. {t(step)}" for place, step in enumerate(steps, 1)))
        race.plan(brief, found, chosen, source.profile)
        st.page_link(frame.page("shortlist"), label=t("Choose other models"), icon=":material/tune:")
    with right, st.container(border=True):
        st.subheader(t("How long may it take?"), anchor=False)
        st.session_state.setdefault("probe.budget", 300)
        st.select_slider(
            t("Time budget"),
            BUDGETS,
            key="probe.budget",
            format_func=at_once(look.duration, BUDGETS),
            label_visibility="collapsed",
            persist_state="session",
        )
        race.buys(st.session_state["probe.budget"], len(chosen))
        cards.downloads(chosen, brief.constraints.offline)
        st.button(
            t("Start"),
            type="primary",
            on_click=start,
            args=(state.stated_brief() or brief, source, chosen),
            icon=":material/play_arrow:",
            width="stretch",
        )
        if complaint := st.session_state.pop("probe.complaint", None):
            st.error(session.safe(t(complaint)))
    st.stop()

from advisor.jobs import read_run  # noqa: E402

run = Path(draft.run)
begun_as = read_run(run).state
running = begun_as in ("queued", "running")


@st.fragment(run_every=0.5 if running else None)
def live() -> None:
    """Show how far the run is; when it begins or ends, the whole page follows."""
    view = read_run(run)
    if view.state != begun_as:
        st.rerun()
    race.show(view)
    if view.state in ("queued", "running"):
        st.button(t("Cancel"), on_click=stop, args=(run,), icon=":material/stop_circle:")
        st.caption(t("What has been reached is kept. You may close this page; the run goes on."))


live()
view = read_run(run)
if not running:
    with st.container(horizontal=True, gap="small"):
        if view.state in ("interrupted", "cancelled"):
            st.button(t("Go on with this run"), on_click=carry_on, args=(run,), icon=":material/resume:")
        st.button(t("Plan another probe"), on_click=put_away, type="tertiary")
    if complaint := st.session_state.pop("probe.complaint", None):
        st.error(session.safe(t(complaint)))
    if view.report is not None:
        results.comparison(view.report, run)
        st.page_link(frame.page("decision"), label=t("See the decision"), icon=":material/arrow_forward:")
