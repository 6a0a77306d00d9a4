"""Probe: the plan before it starts, the race while it runs, the comparison when it is over."""

from pathlib import Path

import streamlit as st

from advisor.brief import Brief
from advisor.errors import AdvisorError
from advisor.ui import cards, frame, look, race, results, session, state

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
            knowledge=session.knowledge_folder(),
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


st.title("Probe")
draft = state.draft()
brief, _ = state.effective_brief()

if draft.run is None or not Path(draft.run).is_dir():
    if brief is None:
        frame.waits_for("The probe waits for a task: say what the model should do.", "need")
    task = session.knowledge().task(brief.task)
    if not task.probeable:
        frame.waits_for(
            f"{task.name.en} cannot be tried here yet; the advice on the shortlist is all there is for it.",
            "shortlist",
        )
    source = draft.data
    if source is None or source.profile is None:
        frame.waits_for("The probe waits for your data: models are compared on them.", "data")
    if source.profile.task != brief.task:
        frame.waits_for(
            f"The data are for {session.task_name(source.profile.task).lower()}, the need asks for "
            f"{task.name.en.lower()}. Change one of them.",
            "need",
        )
    found = session.advice(brief)
    chosen = session.to_try(brief, found)

    st.markdown(
        "Each model learns from a part of your data for a short while. The weak ones stop early, so that the "
        "time goes to the strong ones."
    )
    left, right = st.columns([1.4, 1], gap="large")
    with left:
        st.header("The plan", anchor=False)
        st.markdown(
            "1. **Baselines** that need no pretrained model: they show whether a deep model is worth it."
        )
        st.markdown("2. **Every model, frozen,** with a small classifier on its features.")
        st.markdown("3. **The best ones, tuned briefly,** then longer while the time lasts.")
        race.plan(brief, found, chosen, source.profile)
        st.page_link(frame.page("shortlist"), label="Choose other models", icon=":material/tune:")
    with right, st.container(border=True):
        st.subheader("How long may it take?", anchor=False)
        st.session_state.setdefault("probe.budget", 300)
        st.select_slider(
            "Time budget",
            BUDGETS,
            key="probe.budget",
            format_func=look.duration,
            label_visibility="collapsed",
            persist_state="session",
        )
        race.buys(st.session_state["probe.budget"], len(chosen))
        cards.downloads(chosen, brief.constraints.offline)
        st.button(
            "Start",
            type="primary",
            on_click=start,
            args=(state.stated_brief() or brief, source, chosen),
            icon=":material/play_arrow:",
            width="stretch",
        )
        if complaint := st.session_state.pop("probe.complaint", None):
            st.error(session.safe(complaint))
    st.stop()

from advisor.jobs import read_run  # noqa: E402

run = Path(draft.run)
running = read_run(run).state in ("queued", "running")


@st.fragment(run_every=0.5 if running else None)
def live() -> None:
    """Show how far the run is; when it ends, the whole page follows."""
    view = read_run(run)
    race.show(view)
    if view.state in ("queued", "running"):
        st.button("Cancel", on_click=stop, args=(run,), icon=":material/stop_circle:")
        st.caption("What has been reached is kept. You may close this page; the run goes on.")
    elif running:
        st.rerun()


live()
view = read_run(run)
if not running:
    with st.container(horizontal=True, gap="small"):
        if view.state in ("interrupted", "cancelled"):
            st.button("Go on with this run", on_click=carry_on, args=(run,), icon=":material/resume:")
        st.button("Plan another probe", on_click=put_away, type="tertiary")
    if complaint := st.session_state.pop("probe.complaint", None):
        st.error(session.safe(complaint))
    if view.report is not None:
        results.comparison(view.report, run)
        st.page_link(frame.page("decision"), label="See the decision", icon=":material/arrow_forward:")
