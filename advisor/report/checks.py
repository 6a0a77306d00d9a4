"""The part about what was looked at after the climb: suspicious labels, compression, and what pretraining gave."""

from advisor.charts import metric_name
from advisor.checks import Check, Compressed, Compression, Control, Damaged, LabelNoise, Robustness
from advisor.measurement import Metric
from advisor.report.document import Block, Bullets, Cell, Row, Section, Table, Text
from advisor.report.numbers import interval, milliseconds, percent, seconds, size
from advisor.result import Report

__all__ = ["checks_section"]

NAMES = {
    "label-noise": "Labels",
    "saliency": "Where the model looked",
    "compression": "Compression",
    "robustness": "Damaged inputs",
    "control": "What pretraining gave",
}
SHOWN = 20


def checks_section(report: Report) -> Section:
    """Say what was found after the climb, and why a check was not done."""
    checks = report.checks
    title = "Labels, compression, damage, pretraining"
    if checks is None:
        return Section("checks", title, ())
    blocks: list[Block] = []
    if checks.label_noise:
        blocks += _labels(checks.label_noise)
    if checks.control:
        blocks += _control(checks.control, report.brief.metric)
    if checks.compression:
        blocks += _compression(checks.compression, report.brief.metric)
    if checks.robustness:
        blocks += _robustness(checks.robustness, report.brief.metric)
    undone = tuple(_undone(row) for row in checks.rows if row.status != "done")
    if undone:
        blocks.append(Bullets(undone))
    return Section("checks", title, tuple(blocks))


def _undone(row: Check) -> str:
    return f"{NAMES[row.name]}: {row.status}, {row.because or 'no reason was given'}."


def _labels(noise: LabelNoise) -> list[Block]:
    if not noise.found:
        return [
            Text(f"None of {noise.checked} labels looks wrong to {noise.model} ({noise.method}).", "Labels.")
        ]
    text = (
        f"{noise.found} of {noise.checked} look wrong to {noise.model}, which had not seen them ({noise.method}). "
        "Nothing was left out because of it: look at them, worst first, and mend what is wrong."
    )
    columns: tuple[tuple[str, bool], ...] = (
        ("Example", False),
        ("Given", False),
        ("Likely", False),
        ("Chance, likely", True),
        ("Chance, given", True),
    )
    texts = any(one.text for one in noise.suspects)
    rows = tuple(
        Row(
            (
                Cell(one.id, own=not texts),
                Cell(one.given, own=True),
                Cell(one.likely, own=True),
                Cell(percent(one.likely_probability, 0), "measured"),
                Cell(percent(one.given_probability, 0), "measured"),
                *((Cell((one.text or "")[:120], own=True),) if texts else ()),
            )
        )
        for one in noise.suspects[:SHOWN]
    )
    columns += (("Text", False),) if texts else ()
    more = noise.found - len(rows)
    label = "Labels that look wrong" + (f" ({len(rows)} of {noise.found})" if more > 0 else "")
    return [Text(text, "Labels."), Table(label, columns, rows)]


def _control(control: Control, metric: str) -> list[Block]:
    name = metric_name(metric).lower()
    text = (
        f"{control.model} reached {name} {interval(control.pretrained)}; the same architecture from random weights, "
        f"trained on the same {control.examples} examples for {seconds(control.seconds)} (the pretrained one learnt "
        f"for {seconds(control.pretrained_seconds)}), {interval(control.metric)}. Pretraining bought "
        f"{100 * control.gain:+.1f} points ({100 * control.low:+.1f} to {100 * control.high:+.1f})."
    )
    blocks: list[Block] = [Text(text, "What pretraining gave.")]
    if control.negative_transfer:
        names = ", ".join(control.negative_transfer)
        blocks.append(Text(f"{names} ended below the network from random weights.", "Negative transfer."))
    return blocks


def _compression(compression: Compression, metric: str) -> list[Block]:
    columns = (
        ("Form", False),
        (metric_name(metric), True),
        ("as it is", True),
        ("Latency p50", True),
        ("as it is", True),
        ("Weights", True),
        ("as they are", True),
        ("Deflated", True),
        ("as they are", True),
    )
    rows = tuple(_form(form) for form in compression.forms)
    text = (
        f"{compression.model} ({compression.rung}) beside its compressed forms: the same examples of the report split, "
        "single requests to both in turn on this machine, the body's weights and the head as one file."
    )
    return [Text(text, "Compression."), Table("What compression costs and saves", columns, rows)]


def _form(form: Compressed) -> Row:
    if form.metric is None or form.before is None:
        return Row((Cell(form.what),), form.because or "no figures")
    after, before = form.latency_ms, form.latency_before_ms
    cells = (
        Cell(form.what),
        _score(form.metric),
        Cell(percent(form.before.value), "measured"),
        Cell(milliseconds(after.p50 if after else None), "measured"),
        Cell(milliseconds(before.p50 if before else None), "measured"),
        Cell(size(form.size_mb), "measured"),
        Cell(size(form.size_before_mb), "measured"),
        _known(form.packed_mb),
        _known(form.packed_before_mb),
    )
    return Row(cells)


def _robustness(robustness: Robustness, metric: str) -> list[Block]:
    columns = (("Damage", False), (metric_name(metric), True), ("as they are", True), ("Difference", True))
    rows = tuple(_damaged(kind) for kind in robustness.kinds)
    text = f"{robustness.model} on examples of the report split that were lightly damaged, and on the same ones whole."
    return [Text(text, "Damaged inputs."), Table("What light damage costs", columns, rows)]


def _damaged(kind: Damaged) -> Row:
    if kind.metric is None or kind.before is None:
        return Row((Cell(kind.what),), kind.because or "no figures")
    points = 100 * (kind.metric.value - kind.before.value)
    cells = (
        Cell(kind.what),
        _score(kind.metric),
        Cell(percent(kind.before.value), "measured"),
        Cell(f"{points:+.1f} points", "measured"),
    )
    return Row(cells)


def _score(metric: Metric) -> Cell:
    note = f"{100 * metric.low:.1f}–{100 * metric.high:.1f}"
    return Cell(percent(metric.value), "measured", note, f"n = {metric.n}")


def _known(value: float | None) -> Cell:
    return Cell("–", hint="not measured") if value is None else Cell(size(value), "measured")
