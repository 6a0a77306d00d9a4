"""Decision: one sentence, how sure it is, what it costs, what would change it, and the report to take along."""

from functools import partial
from pathlib import Path

import streamlit as st

from advisor import charts
from advisor.language import Language
from advisor.result import Report
from advisor.ui import cards, figures, frame, look, looked, results, session, state
from advisor.ui.words import language, t


def everything(run: Path, lang: Language) -> bytes:
    """Put the model, what trains it on, and the report in every format into one zip."""
    from advisor.export import bundle_run

    return bundle_run(run, lang=lang)


def export(report: Report, format: str, lang: Language) -> bytes:
    """Render the report when its download is asked for, in a language that it is written in."""
    from advisor.report.render import LANGUAGES, render_bytes

    return render_bytes(report, format, lang if lang in LANGUAGES else "en")


st.title(t("Decision"))
draft = state.draft()
if draft.run is None or not Path(draft.run).is_dir():
    frame.waits_for(t("The decision waits for a probe: nothing has been measured yet."), "probe")
from advisor.jobs import read_run  # noqa: E402

view = read_run(Path(draft.run))
if view.report is None:
    if view.state in ("queued", "running"):
        frame.waits_for(
            t("The probe is still running. The decision follows when it ends or is cancelled."), "probe"
        )
    frame.waits_for(t("This run ended without a report ({state}).", state=t(view.state)), "probe")
report = view.report
decision = report.decision

from advisor.report import verdict  # noqa: E402

st.html(f'<div class="verdict">{look.plain(t(verdict(report)))}</div>')
if decision.because:
    st.markdown(session.safe(t(decision.because)))
if view.state != "done":
    st.caption(t("This run was ended early; the decision rests on what had been reached."))

with st.container(horizontal=True, gap="small"):
    for label, format, name, mime in (
        ("Report (HTML)", "html", "report.html", "text/html"),
        ("PDF", "pdf", "report.pdf", "application/pdf"),
        ("Markdown", "md", "report.md", "text/markdown"),
        ("JSON", "json", "report.json", "application/json"),
        ("Results (CSV)", "csv", "results.csv", "text/csv"),
    ):
        st.download_button(
            t(label),
            data=partial(export, report, format, language()),
            file_name=name,
            mime=mime,
            on_click="ignore",
            key=f"export {format}",
            type="primary" if format == "html" else "secondary",
            icon=":material/download:",
        )
    st.download_button(
        t("All as zip, with the model"),
        data=partial(everything, Path(draft.run), language()),
        file_name="model.zip",
        mime="application/zip",
        on_click="ignore",
        key="export zip",
        icon=":material/folder_zip:",
    )

figures.show(charts.p_best(decision), "p-best")
figures.show(
    charts.accuracy_latency(
        report.probe.results, report.brief.metric, report.brief.constraints.latency_ms, decision.winner
    ),
    "decision-trade-off",
    wide=True,
)

left, right = st.columns(2, gap="large")
with left:
    st.header(t("What would change this, and what to do next"), anchor=False)
    cards.bullets(decision.next_steps)
    if not decision.next_steps:
        st.caption(t("Nothing is left to do: use the winner."))
with right:
    st.header(t("Risks"), anchor=False)
    cards.bullets(decision.risks)
    if not decision.risks:
        st.caption(t("None was found."))

if decision.expected:
    st.header(t("What full tuning on all your data should reach"), anchor=False)
    rows = [
        {
            "Model": session.model_name(model),
            "Expected, %": 100 * expected.value,
            "at least": 100 * expected.low,
            "at most": 100 * expected.high,
            "How": t(cards.BRIEFLY.get(expected.strategy, expected.strategy)),
        }
        for model, expected in decision.expected.items()
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "Model": t("Model"),
            "Expected, %": number(t("Expected, %"), format="%.1f"),
            "at least": number(t("at least"), format="%.1f"),
            "at most": number(t("at most"), format="%.1f"),
            "How": t("How"),
        },
        alt=t("Expected results of full tuning"),
    )
    st.caption(
        t(
            "Extrapolated from the learning curves: at least = no gain from more data, "
            "at most = the steepest gain seen in practice."
        )
    )
best = next((result for result in report.probe.results if result.model == decision.winner), None)
if best is not None and best.errors:
    st.header(t("What the winner gets wrong"), anchor=False)
    st.caption(
        t("Each is shown with its true class and what the model took it for, the surest mistakes first.")
    )
    results.wrong(report, Path(draft.run), best)
looked.gallery(report)
with st.expander(t("All measurements"), on_change="rerun", key="decision.all") as everything_measured:
    pass
if everything_measured.open:
    with everything_measured:
        results.comparison(report, Path(draft.run))
