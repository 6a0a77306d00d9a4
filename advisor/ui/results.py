"""What a probe measured: comparison, class by class, mistakes, promises against measurements."""

from pathlib import Path
from typing import Any

import streamlit as st

from advisor import charts
from advisor.report.confidence import confidence_words
from advisor.result import ModelResult, Report
from advisor.ui import cards, figures, look, preview, session
from advisor.ui.words import t

__all__ = ["comparison", "standing", "wrong"]

ERROR = {
    "id": "Where",
    "truth": "Truth",
    "predicted": "Predicted",
    "text": "Text",
    "probability": "Sure of it",
}
STATUS = {"ok": "measured", "stopped": "not reached", "failed": "failed"}


def standing(report: Report) -> list[dict[str, Any]]:
    """Tabulate all results, best first by the decision, the unmeasured ones last.

    :param report: a report.
    :return: one row per result, with plain values.
    """
    ranking, p_best = report.decision.ranking, report.decision.p_best
    place = {model: i for i, model in enumerate(ranking)}
    rows = []
    for result in sorted(report.probe.results, key=lambda r: place.get(r.model, len(place))):
        measured = charts.measured_metric(result, report.brief.metric)
        rows.append(
            {
                "Model": session.model_name(result.model),
                "Result": 100 * measured.value if measured else None,
                "at least": 100 * measured.low if measured else None,
                "at most": 100 * measured.high if measured else None,
                "Best": 100 * p_best[result.model] if result.model in p_best else None,
                "How": t(cards.BRIEFLY.get(result.strategy or "", result.strategy or "")),
                "p50, ms": result.latency_ms.p50 if result.latency_ms else None,
                "p95, ms": result.latency_ms.p95 if result.latency_ms else None,
                "Memory, MB": result.peak_memory_mb,
                "Size, MB": result.size_mb,
                "Time, s": result.seconds,
                "Status": t(STATUS[result.status]),
                "Because": t(result.because),
            }
        )
    return rows


def comparison(report: Report, run: Path) -> None:
    """Show everything measured in a run.

    :param report: its report.
    :param run: its folder, which knows where the examples lie.
    """
    results = report.probe.results
    measured = [result for result in results if result.status == "ok"]
    metric = t(charts.metric_name(report.brief.metric))
    st.header(t("How they compare"), anchor=False)
    number = st.column_config.NumberColumn
    config: dict[str, Any] = {
        "Result": number(f"{metric}, %", format="%.1f", help=t("On examples that nothing had seen")),
        "at least": number(t("at least"), format="%.1f", help=t("95 % interval")),
        "at most": number(t("at most"), format="%.1f", help=t("95 % interval")),
        "Best": number(t("Best, %"), format="%.0f", help=t("Probability of being the best")),
        "p50, ms": number(t("p50, ms"), format="%.1f", help=t("Half of all answers are faster")),
        "p95, ms": number(t("p95, ms"), format="%.1f", help=t("95 of 100 answers are faster")),
        "Memory, MB": number(t("Memory, MB"), format="%.0f"),
        "Size, MB": number(t("Size, MB"), format="%.1f"),
        "Time, s": number(t("Time, s"), format="%.1f"),
        "Model": t("Model"),
        "How": t("How"),
        "Status": t("Status"),
        "Because": t("Because"),
    }
    st.dataframe(
        standing(report),
        hide_index=True,
        column_config=config,
        alt=t("All results"),
        key="comparison",
        placeholder="–",
    )
    if not measured:
        st.caption(t("No model was measured."))
        return
    winner, limit = report.decision.winner, report.brief.constraints.latency_ms
    shortlist = report.recommendation.shortlist
    figures.show(
        charts.accuracy_latency(results, report.brief.metric, limit, winner), "accuracy-latency", wide=True
    )
    figures.show(charts.learning_curves(results, winner), "curves")
    figures.show(charts.class_heatmap(results), "classes", wide=True)
    mistakes(report, run, measured)
    st.header(t("Promised and measured"), anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        figures.show(
            charts.latency_check(shortlist, results, report.brief.constraints.device), "latency-check"
        )
    with right:
        figures.show(charts.prior_measured(shortlist, results, report.brief.metric), "prior-check")


def mistakes(report: Report, run: Path, measured: list[ModelResult]) -> None:
    """Show what one model mistakes for what, with the examples."""
    st.header(t("Mistakes"), anchor=False)
    names = [result.model for result in measured]
    best = report.decision.winner if report.decision.winner in names else names[0]
    shown = st.selectbox(
        t("Model"), names, index=names.index(best), format_func=session.model_name, key="mistakes.model"
    )
    result = next(result for result in measured if result.model == shown)
    left, right = st.columns([1.4, 1], gap="large")
    with left:
        figures.show(charts.confusion_matrix(result), f"confusion {shown}")
    with right:
        if not result.errors:
            st.caption(t("No mistake is on record for this model."))
        else:
            count = len(result.errors)
            st.caption(
                t("One example that it got wrong")
                if count == 1
                else t("{n} examples that it got wrong", n=str(count))
            )
            wrong(report, run, result)
    if result.confidence:
        trust(result)
    settings = ", ".join(f"{name} {value}" for name, value in result.hyperparameters.items())
    st.html(
        f'<div class="fact faint">{look.plain(result.model)} · {look.plain(result.revision or t("no revision"))} · '
        f"{look.plain(settings)}</div>"
    )


def trust(result: ModelResult) -> None:
    """Show how far a model's probabilities can be trusted, and with two classes what a threshold trades."""
    left, right = st.columns([1.4, 1], gap="large")
    with left:
        figures.show(charts.reliability_diagram(result), f"reliability {result.model}")
    with right:
        for words in confidence_words(result):
            st.caption(session.safe(t(words.text)))
    if result.separation and result.separation.positive is not None:
        left, right = st.columns(2, gap="large")
        with left:
            figures.show(charts.roc(result), f"roc {result.model}")
        with right:
            figures.show(charts.precision_recall(result), f"precision-recall {result.model}")


def wrong(report: Report, run: Path, result: ModelResult) -> None:
    """Show examples that a model got wrong: pictures where they still lie there, rows otherwise."""
    if report.dataset is not None and report.dataset.task == "image-classification":
        shown = [
            (picture, t("{truth} taken for {guess}", truth=error["truth"], guess=error["predicted"]))
            for error in result.errors[:12]
            if (picture := preview.picture(run, str(error["id"])))
        ]
        if shown:
            with st.grid("auto", min_column_width=96, gap="small"):
                for picture, says in shown:
                    st.image(picture, caption=session.safe(says), alt=says)
            return
    st.dataframe(
        [dict(error) for error in result.errors],
        hide_index=True,
        alt=t("Examples it got wrong"),
        column_config={name: t(title) for name, title in ERROR.items()},
    )
