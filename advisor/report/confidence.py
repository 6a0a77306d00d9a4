"""The part about the chosen model's probabilities: do they come true, and how well do they set classes apart."""

from advisor.charts import precision_recall, reliability_diagram, roc
from advisor.confidence import Confidence, Reliability, Separation
from advisor.report.document import Block, Cell, Row, Section, Shown, Table, Text
from advisor.report.numbers import count, percent
from advisor.result import ModelResult, Report

__all__ = ["confidence_section", "confidence_words"]

NOTABLE = 0.01
HARDEST = 20
FITTED = {
    "cross-validation": "cross-validated predictions",
    "select": "predictions of the select split",
}


def confidence_section(report: Report) -> Section:
    """Say how far the probabilities of the winner can be trusted; of the first in the ranking where none won."""
    rows = {row.model: row for row in report.probe.results if row.confidence or row.separation}
    order = [report.decision.winner, *report.decision.ranking]
    row = next((rows[model] for model in order if model in rows), None)
    title = "How far its probabilities can be trusted"
    if row is None:
        return Section("confidence", title, ())
    blocks: list[Block] = list(confidence_words(row))
    if row.confidence:
        blocks.insert(1, Shown(reliability_diagram(row)))
        blocks.append(_calibration(row.confidence))
    if row.separation:
        blocks += _apart(row)
    return Section("confidence", title, tuple(blocks))


def confidence_words(row: ModelResult) -> tuple[Text, ...]:
    """Say the same in sentences, for one model; nothing where it was not measured."""
    said = []
    if row.confidence:
        before = row.confidence.before
        said.append(Text(_stated(row.model, before), "Calibration."))
        said.append(Text(_verdict(before)))
        said.append(Text(_temperature(row.confidence)))
    if row.separation:
        said.append(Text(_areas(row.separation), "Telling classes apart."))
    return tuple(said)


def _stated(model: str, found: Reliability) -> str:
    mean = sum(one.mean * one.right.n for one in found.bins) / found.n
    return (
        f"The answers of {model} to the report split have a mean probability of {percent(mean)}, and "
        f"{percent(mean - found.surplus)} of them are right (n = {found.n}). Expected calibration error "
        f"{percent(found.ece)}, by {found.method}; probabilities that are exactly right stay below "
        f"{percent(found.by_chance)} in 95 of 100 cases."
    )


def _verdict(found: Reliability) -> str:
    points = 100 * abs(found.surplus)
    if found.ece <= found.by_chance:
        return "So nothing speaks against taking its probabilities at their word."
    if found.surplus >= NOTABLE:
        return f"So it is too sure of itself, by {points:.1f} points on average."
    if found.surplus <= -NOTABLE:
        return f"So it is right more often than it says, by {points:.1f} points on average."
    return "So some of its probabilities are too high and others too low."


def _temperature(found: Confidence) -> str:
    if found.temperature is None or found.after is None or found.fitted_on is None:
        return f"No temperature was fitted: {found.because}."
    by, n, kind = found.temperature, found.fitted_examples, FITTED[found.fitted_on]
    error = percent(found.after.ece)
    if found.after.log_loss < found.before.log_loss:
        return f"Dividing its logits by {by:.2f}, fitted on {n} {kind}, makes the error {error}; no answer changes."
    return (
        f"Dividing its logits by {by:.2f}, fitted on {n} {kind}, does not help: the error becomes {error} and the log "
        "loss grows."
    )


def _areas(found: Separation) -> str:
    area, precision, base = found.roc_auc, found.average_precision, found.prevalence
    if found.positive is not None:
        return (
            f"Area under the ROC curve {area.value:.3f} ({area.low:.3f}–{area.high:.3f}) for the class "
            f"{found.positive!r}; average precision {precision:.3f}; guessing has {base:.3f}."
        )
    return (
        f"Each of {len(found.per_class)} classes against all others: mean area under the ROC curve {area.value:.3f} "
        f"({area.low:.3f}–{area.high:.3f}); mean average precision {precision:.3f}; guessing has {base:.3f}."
    )


def _calibration(found: Confidence) -> Table:
    columns = (
        ("Probabilities", False),
        ("Calibration error", True),
        ("Too sure by", True),
        ("Log loss", True),
    )
    rows = [_row("as they are", found.before)]
    if found.after and found.temperature is not None:
        rows.append(_row(f"logits divided by {found.temperature:.2f}", found.after))
    return Table("Calibration on the report split", columns, tuple(rows))


def _row(name: str, found: Reliability) -> Row:
    cells = (
        Cell(name),
        Cell(percent(found.ece), "measured", hint=f"n = {found.n}"),
        Cell(f"{100 * found.surplus:+.1f} points", "measured"),
        Cell(f"{found.log_loss:.3f}", "measured"),
    )
    return Row(cells)


def _apart(row: ModelResult) -> list[Block]:
    found = row.separation
    assert found is not None
    if found.positive is not None:
        return [Shown(roc(row)), Shown(precision_recall(row))]
    order = sorted(found.per_class.items(), key=lambda item: item[1].roc_auc)
    shown = order[:HARDEST]
    label = "Classes against all others, hardest first"
    label += f" ({len(shown)} of {len(order)})" if len(order) > len(shown) else ""
    columns = (("Class", False), ("Area under ROC", True), ("Average precision", True), ("n", True))
    rows = tuple(
        Row(
            (
                Cell(name, own=True),
                Cell(f"{one.roc_auc:.3f}", "measured"),
                Cell(f"{one.average_precision:.3f}", "measured"),
                Cell(count(one.n)),
            )
        )
        for name, one in shown
    )
    return [Table(label, columns, rows)]
