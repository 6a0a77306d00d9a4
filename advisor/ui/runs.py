"""Runs: everything ever tried on this machine, to open, compare or delete."""

from pathlib import Path

import streamlit as st

from advisor import charts
from advisor.jobs import RunEntry, delete_run, read_run, runs
from advisor.ui import frame, look, results, session, state

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


def row(entry: RunEntry) -> None:
    """Show one run."""
    path = Path(entry.path)
    colour, word = STATES.get(entry.state, ("gray", entry.state))
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium"):
        st.badge(word, color=colour)
        st.markdown(f"**{session.safe(path.name)}**", width="content")
        st.caption(
            f"{session.safe(session.task_name(entry.task) if entry.task else '')} · "
            f"{entry.started.replace('T', ' ')[:16]} · {look.megabytes(entry.size_mb)}",
            width="content",
        )
        if entry.winner:
            st.markdown(f":gray[Winner] {session.safe(session.model_name(entry.winner))}", width="content")
        st.button("Open", key=f"open {path}", on_click=open_run, args=(path,))
        with st.popover("Delete", disabled=entry.state in ("queued", "running")):
            st.markdown("Delete this run with all it measured? This cannot be undone.")
            st.button("Delete it", key=f"delete {path}", on_click=delete, args=(path,), type="primary")


st.title("Runs")
if st.session_state.pop("runs.opened", None):
    st.switch_page(frame.page("probe"))
known = runs()
if not known:
    frame.waits_for("Nothing was tried yet. A run begins on the probe page.", "probe")
for entry in known:
    row(entry)

finished = [str(entry.path) for entry in known if entry.winner]
if len(finished) >= 2:
    st.header("Compare two", anchor=False)
    left, right = st.columns(2, gap="large")
    for column, place in ((left, 0), (right, 1)):
        with column:
            picked = st.selectbox(
                "Run",
                finished,
                index=place,
                format_func=lambda path: Path(path).name,
                key=f"runs.compare {place}",
            )
            report = read_run(Path(picked)).report
            if report is not None:
                data = report.dataset
                st.caption(
                    f"{charts.metric_name(report.brief.metric)} · budget {look.duration(report.probe.budget_s)}"
                    + (f" · {data.name}, {data.examples} examples" if data else "")
                )
                st.dataframe(
                    [
                        {key: line[key] for key in ("Model", "Result", "at least", "at most", "p95, ms")}
                        for line in results.standing(report)
                    ],
                    hide_index=True,
                    alt="Results of a run",
                    column_config={
                        name: st.column_config.NumberColumn(format="%.1f")
                        for name in ("Result", "at least", "at most", "p95, ms")
                    },
                )
