"""Runs: everything ever tried on this machine, to open, compare or delete."""

from pathlib import Path

import streamlit as st

from advisor import charts
from advisor.jobs import RunEntry, delete_run, kept, read_run, runs
from advisor.result import Report
from advisor.ui import across, frame, look, results, session, state
from advisor.ui.owner import owner
from advisor.ui.words import t

STATES: dict[str, tuple[look.Colour, str]] = {
    "queued": ("gray", "waiting"),
    "running": ("primary", "running"),
    "done": ("green", "done"),
    "cancelled": ("orange", "cancelled"),
    "failed": ("red", "failed"),
    "interrupted": ("orange", "interrupted"),
}


def delete(run: Path) -> None:
    """Delete a run, and forget it if it is the current one."""
    delete_run(run)
    if state.draft().run == str(run):
        state.change(run=None)


def open_run(run: Path) -> None:
    """Make a run the current one."""
    state.change(run=str(run))
    st.session_state["runs.opened"] = str(run)


def again(run: Path) -> None:
    """Plan a probe of the same need and the same models on other data."""
    view = read_run(run)
    if view.report is not None:
        answers = state.flatten(view.report.brief)
        own = {key: value for key, value in answers.items() if key not in view.report.brief_filled}
        state.change(answers=own, chosen=view.models, data=None, run=None)
        st.session_state["runs.again"] = True


def row(entry: RunEntry) -> None:
    """Show one run."""
    path = Path(entry.path)
    colour, word = STATES.get(entry.state, ("gray", entry.state))
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium"):
        st.badge(t(word), color=colour)
        st.markdown(f"**{session.safe(path.name)}**", width="content")
        st.caption(
            f"{session.safe(session.task_name(entry.task) if entry.task else '')} · "
            f"{look.moment(entry.started)} · {look.megabytes(entry.size_mb)}",
            width="content",
        )
        if entry.winner:
            st.markdown(
                f":gray[{t('Winner')}] {session.safe(session.model_name(entry.winner))}", width="content"
            )
        st.button(t("Open"), key=f"open {path}", on_click=open_run, args=(path,))
        if entry.winner:
            st.button(
                t("Same models, other data"),
                key=f"again {path}",
                on_click=again,
                args=(path,),
                type="tertiary",
            )
        with st.popover(t("Delete"), disabled=entry.state in ("queued", "running")):
            st.markdown(t("Delete this run with all it measured? This cannot be undone."))
            st.button(t("Delete it"), key=f"delete {path}", on_click=delete, args=(path,), type="primary")


def summary(report: Report) -> None:
    """Say in a few lines what a run asked and found."""
    data, decision = report.dataset, report.decision
    asked = [t(charts.metric_name(report.brief.metric))]
    asked.append(t("budget {time}", time=look.duration(report.probe.budget_s)))
    if data:
        asked.append(t("{data}, {n} examples", data=data.name, n=look.number(data.examples)))
    st.caption(session.safe(" · ".join(asked)))
    if decision.winner:
        sure = look.percent(decision.p_best.get(decision.winner, 0.0))
        st.markdown(
            t(
                "**{model}** wins, {sure} sure",
                model=session.safe(session.model_name(decision.winner)),
                sure=sure,
            )
        )


def beside(first: Report, second: Report) -> None:
    """Set the results of two runs side by side, model by model; a difference only where both measured alike."""
    sides = [{str(line["Model"]): line for line in results.standing(report)} for report in (first, second)]
    alike = first.brief.metric == second.brief.metric
    rows = []
    for model in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = (side.get(model, {}).get("Result") for side in sides)
        rows.append(
            {
                "model": model,
                "first": one,
                "second": other,
                "gain": other - one if alike and one is not None and other is not None else None,
                "first p95": sides[0].get(model, {}).get("p95, ms"),
                "second p95": sides[1].get(model, {}).get("p95, ms"),
            }
        )
    titles = {
        "first": t("First run, %"),
        "second": t("Second run, %"),
        "gain": t("Second − first, points"),
        "first p95": t("First run, p95 in ms"),
        "second p95": t("Second run, p95 in ms"),
    }
    st.dataframe(
        rows,
        hide_index=True,
        alt=t("Results of two runs side by side"),
        placeholder="–",
        column_config={"model": t("Model")}
        | {
            name: st.column_config.NumberColumn(title, format="%+.1f" if name == "gain" else "%.1f")
            for name, title in titles.items()
        },
    )
    if not alike:
        st.caption(t("The two runs judge by different measures, so their results are not subtracted."))


st.title(t("Runs"))
if st.session_state.pop("runs.opened", None):
    st.switch_page(frame.page("probe"))
if st.session_state.pop("runs.again", None):
    st.switch_page(frame.page("data"))
known = runs(owner())
if not known:
    frame.waits_for(t("Nothing was tried yet. A run begins on the probe page."), "probe")
for entry in known:
    row(entry)
room = kept()
st.caption(
    t(
        "Runs and uploads kept by this app take {used} of at most {limit}; beyond that the oldest that have ended are "
        "deleted when a new one starts.",
        used=look.megabytes(room.runs_mb + room.uploads_mb),
        limit=look.megabytes(room.limit_mb),
    )
)

finished = [str(entry.path) for entry in known if entry.winner]
if len(finished) >= 2:
    st.header(t("Compare runs"), anchor=False)
    picked = st.multiselect(
        t("Two or more runs"),
        finished,
        default=finished[:2],
        format_func=lambda path: Path(path).name,
        key="runs.compare",
        placeholder=t("Choose runs"),
    )
    chosen = [(Path(path), report) for path in picked if (report := read_run(Path(path)).report)]
    if chosen:
        with st.grid(3, min_column_width=220):
            for path, report in chosen:
                with st.container():
                    st.markdown(f"**{session.safe(path.name)}**")
                    summary(report)
    reports = [report for _, report in chosen]
    alike = len({(report.brief.task, report.brief.metric) for report in reports}) == 1
    data = {report.dataset.sha256 if report.dataset else str(path) for path, report in chosen}
    if len(chosen) == 2 and (not alike or len(data) == 1):
        beside(*reports)
    elif len(chosen) >= 2:
        across.compare([path for path, _ in chosen])
