"""The one sentence to decide by, the same for command line, app and report."""

import re

from advisor.closest import closest_words
from advisor.labels import model_labels, one_line
from advisor.naming import listed
from advisor.report.numbers import THIN, WORDS, chance, count, milliseconds, plural, size
from advisor.result import ModelResult, Report

__all__ = ["LATE", "advantages", "behind", "saves", "verdict"]

MAJORITY = "baseline/majority"
SURE = 0.5
SHARE = re.compile(r"(?<=\d) (?=%)")
LATE = "scored lower here but may still draw level once trained on all your data"


def verdict(report: Report) -> str:
    """Say in one or two sentences what to use and how sure that is.

    :param report: a whole report, also one of a probe that was cancelled or reached nothing.
    :return: plain text on one line.
    """
    winner = report.decision.winner
    text = _nothing(report) if winner is None else _choice(report, winner)
    more = (_catching_up(report), _none_fits(report), _cut_short(report))
    return SHARE.sub(THIN, one_line(" ".join(filter(None, (text, *more)))))


def _rows(report: Report) -> dict[str, ModelResult]:
    return {row.model: row for row in report.probe.results}


def _names(report: Report) -> dict[str, str]:
    ids = [row.model for row in report.probe.results] + [c.model for c in report.recommendation.shortlist]
    return model_labels([*ids, *report.decision.ranking], 60)


def _nothing(report: Report) -> str:
    rows = report.probe.results
    deep = [row for row in rows if row.kind != "baseline"]
    if report.probe.cancelled and not any(row.status == "failed" for row in rows):
        text = "No choice yet: the probe was cancelled before any model was measured."
    elif any(row.status == "ok" for row in rows):
        return f"No choice: {report.decision.because}"
    elif not rows:
        text = "No choice: nothing was probed."
    else:
        failed = next((row.because for row in deep or rows if row.because), "")
        text = f"No choice: {plural(len(rows), 'model')} tried, none could be measured."
        text += f" First reason: {failed.rstrip('.')}." if failed else ""
    if report.recommendation.shortlist:
        first = report.recommendation.shortlist[0].model
        text += f" By published results alone, unmeasured, {_names(report)[first]} comes first."
    elif not report.recommendation.considered:
        text += " No known model does this task."
    else:
        text += " No model meets what you asked for."
        text = f"{text} {closest_words(report.recommendation)}"
    return text


def _choice(report: Report, winner: str) -> str:
    decision, names, rows = report.decision, _names(report), _rows(report)
    measured = len(decision.ranking)
    p = decision.p_best.get(winner, 0.0)
    name = names[winner]
    best_of = f"the best of the {WORDS[measured] if measured < len(WORDS) else measured}"
    row = rows.get(winner)
    kind = ", a baseline without deep learning" if row is not None and row.kind == "baseline" else ""
    if winner == MAJORITY:
        head = (
            "Use none of these models yet: always naming the most frequent class did as well as any of them"
        )
    elif measured <= 1:
        return f"Use {name}, the only model that could be measured; there is nothing to compare it with."
    elif p < SURE and not decision.tied_with:
        head = f"Start with {name}{kind}, but with low confidence: {chance(p)} sure that it is {best_of}"
        return f"{head}{_saving(report, row)}."
    else:
        head = f"Use {name}{kind}"
    sure = "" if winner == MAJORITY else f"{chance(p)} sure that it is {best_of}"
    tied = _tied(report, winner)
    if p < SURE and winner != MAJORITY:
        sure = f"only {sure}"
    sentence = f"{head}. {sure[:1].upper()}{sure[1:]}" if sure else head
    return f"{sentence}{_saving(report, row)}{f'; {tied}' if tied else ''}."


def _none_fits(report: Report) -> str:
    """Name the nearest miss where a baseline was chosen because no pretrained model was there to be tried."""
    found = report.recommendation
    tried = any(row.kind != "baseline" for row in report.probe.results)
    if report.decision.winner is None or tried or found.shortlist or found.beyond_limit:
        return ""
    return f"No pretrained model meets what you asked for. {closest_words(found)}".strip()


def _saving(report: Report, row: ModelResult | None) -> str:
    text = saves(report)
    return f", and against the best pretrained model it saves {text}" if row and text else ""


def _tied(report: Report, winner: str) -> str:
    names, rows = _names(report), _rows(report)
    tied = [model for model in report.decision.tied_with if model not in (winner, *behind(report))]
    if not tied:
        return ""
    better = {
        model: advantages(rows[winner], rows[model]) for model in tied if winner in rows and model in rows
    }
    tied.sort(key=lambda model: not better.get(model))
    if len(tied) == 1:
        gain = better.get(tied[0], "")
        joint = ", " if " and " in gain else " and "
        return f"{names[tied[0]]} is practically equal{joint + gain if gain else ''}"
    few = tied[:3]
    rest = [plural(len(tied) - 3, "other")] if len(tied) > 3 else []
    extra = better.get(tied[0])
    offer = f" ({names[tied[0]]} is {extra})" if extra else ""
    return f"{listed([*(names[model] for model in few), *rest])} are practically equal{offer}"


def behind(report: Report) -> tuple[str, ...]:
    """Name the models that tie with the winner only by what training in full should add.

    What was measured of them lies below what was measured of the winner, each outside the other's interval, and what
    the decision expects of them lies above their own.
    """
    from advisor.charts.metric import measured_metric

    rows, metric = _rows(report), report.brief.metric
    winner = rows.get(report.decision.winner or "")
    best = measured_metric(winner, metric) if winner else None
    if best is None:
        return ()
    tied = [rows[model] for model in report.decision.tied_with if model in rows]
    hopes = report.decision.expected
    found = {
        row.model: measured_metric(row, metric)
        for row in tied
        if row.kind != "baseline" and row.model in hopes
    }
    return tuple(
        model
        for model, own in found.items()
        if own and own.value < best.low and own.high < min(best.value, hopes[model].value)
    )


def _catching_up(report: Report) -> str:
    late, names = behind(report), _names(report)
    return f"{listed([names[model] for model in late])} {LATE}." if late else ""


def advantages(winner: ModelResult, other: ModelResult) -> str:
    """Say what another model has over the winner in size and speed, if it is worth a word.

    :param winner: the recommended model's result.
    :param other: the other model's result.
    :return: such as `half the size`, `3.1 times as fast`; empty if there is nothing notable.
    """
    said = []
    if winner.size_mb and other.size_mb and (ratio := winner.size_mb / other.size_mb) >= 1.3:
        said.append(_smaller(ratio))
    if winner.latency_ms and other.latency_ms and other.latency_ms.p95 > 0:
        ratio = winner.latency_ms.p95 / other.latency_ms.p95
        if ratio >= 1.3:
            times = f"{ratio:.1f}" if ratio < 10 else count(int(float(f"{ratio:.2g}")))
            said.append("twice as fast" if 1.8 <= ratio <= 2.2 else f"{times} times as fast")
    return " and ".join(said)


def _smaller(ratio: float) -> str:
    for word, low, high in (("half", 1.8, 2.25), ("a third of", 2.75, 3.3), ("a quarter of", 3.7, 4.4)):
        if low <= ratio <= high:
            return f"{word} the size"
    return f"{100 * (1 - 1 / ratio):.0f} % smaller" if ratio < 10 else f"{count(round(ratio))} times smaller"


def saves(report: Report) -> str:
    """Say what a winning baseline saves against the best measured pretrained model.

    :param report: the report.
    :return: such as `18.4 MB and 21 ms per request`; empty if no baseline won or nothing is saved.
    """
    rows = _rows(report)
    winner = rows.get(report.decision.winner or "")
    deep = next((rows[m] for m in report.decision.ranking if m in rows and rows[m].kind != "baseline"), None)
    if winner is None or winner.kind != "baseline" or deep is None:
        return ""
    said = []
    if deep.size_mb and deep.size_mb > (winner.size_mb or 0):
        said.append(f"{size(deep.size_mb - (winner.size_mb or 0))} of weights")
    if deep.latency_ms and winner.latency_ms and deep.latency_ms.p95 > winner.latency_ms.p95:
        said.append(f"{milliseconds(deep.latency_ms.p95 - winner.latency_ms.p95)} per request")
    return " and ".join(said)


def _cut_short(report: Report) -> str:
    rows = report.probe.results
    if not rows or report.decision.winner is None:
        return ""
    measured = sum(row.status == "ok" for row in rows)
    stopped = sum(row.status == "stopped" for row in rows)
    if report.probe.cancelled:
        return f"The probe was cancelled early: {measured} of {len(rows)} models were measured."
    return f"Time ran out for {plural(stopped, 'model')}." if stopped else ""
