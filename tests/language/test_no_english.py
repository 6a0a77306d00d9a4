"""No sentence of ours is left in English: those in the code, in advice, in decisions, in reports and in complaints."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_fixture import FLOWERS, make_report, metric
from sentences_in_code import sentences
from spoken_walk import english_left, untranslated
from test_decide import advice, judge, result, right_share
from trust_fixture import trusted

import advisor
from advisor.brief import Brief
from advisor.checks import (
    Check,
    Checks,
    Compressed,
    Compression,
    Control,
    Damaged,
    LabelNoise,
    Robustness,
    Suspect,
)
from advisor.dataset.types import Finding
from advisor.knowledge import load_knowledge
from advisor.language import missing, translate
from advisor.recommend import recommend
from advisor.recommendation import Recommendation
from advisor.report import render
from advisor.report.compose import compose
from advisor.report.document import Bullets, Document, Shown, Table, Text
from advisor.report.plain import verdict
from advisor.result import Decision, Report

ROOT = Path(advisor.__file__).parent
SILENT = (
    "ui", "importers", "language", "export", "upkeep.py", "refresh.py", "hub_listing.py", "card_edit.py",
    "cli", "knowledge/checking.py", "knowledge/reading.py", "knowledge/cards.py",
    "probe/timm_layers.py", "probe/calibrate.py", "dataset/columns.py", "dataset/language.py", "quantity.py",
)  # fmt: skip
"""Modules whose texts are for those who keep the knowledge base, are no sentences, or are walked by others."""
PARTS = Path(__file__).with_name("parts_of_sentences.txt")
"""Pieces that only ever stand inside of a sentence; the whole sentences are walked below."""
CHOICES: dict[str, dict[str, list[Any]]] = {
    "data": {
        "examples": [0, 10, 60, 300, 5000, 100_000], "classes": [2, 5, 50], "tokens": [20, 600, 9000],
        "domain": ["general", "medical", "documents", "satellite"], "resolution": [32, 224, 900],
        "imbalance": [1.5, 8, 40], "unlabelled": [5000], "languages": [["en"], ["zh"], ["de", "fr"], ["th"]],
    },
    "constraints": {
        "train_minutes": [1, 30], "latency_ms": [1, 20, 500], "throughput_per_s": [5, 1000], "memory_mb": [50, 1000],
        "size_mb": [5, 100], "licence": ["commercial", "permissive"], "privacy": ["local"], "offline": [True],
        "monthly_cost_usd": [1, 200], "requests_per_month": [1000, 1e6], "framework": ["pytorch", "onnx"],
    },
}  # fmt: skip


def test_every_sentence_in_the_code_has_a_translation() -> None:
    files = [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(SILENT)
    ]
    parts = set(PARTS.read_text(encoding="utf-8").splitlines())
    found = [one for one in sentences(files) if one.text.strip() not in parts]
    assert len(found) > 500
    lost = [
        f"{one.place}: {one.text}"
        for one in found
        if all(missing(text, "zh") or english_left(translate(text, "zh")) for text in one.filled)
    ]
    assert not lost, "add them to advisor/language/zh_CN.po (pieces: parts_of_sentences.txt)"


def asked(draw: random.Random, tasks: list[str], devices: list[str]) -> Brief:
    content: dict[str, Any] = {"task": draw.choice(tasks), "data": {}, "constraints": {}}
    for part, keys in CHOICES.items():
        chance = 0.5 if part == "data" else 0.3
        content[part] = {key: draw.choice(values) for key, values in keys.items() if draw.random() < chance}
    for key in ("device", "train_device"):
        if draw.random() < 0.6:
            content["constraints"][key] = draw.choice(devices)
    return Brief.parse(content)


def said(found: Recommendation) -> Iterator[str]:
    for one in found.shortlist:
        yield from (*one.because, *(part.because for part in one.parts), one.quality.source)
        yield from (getattr(one.estimates, name).source for name in type(one.estimates).model_fields)
        plan = one.adaptation
        yield from (plan.because, *plan.augmentation, *plan.compression, *plan.advice)
    yield from (near.admitted_if for near in found.near_misses)
    yield from (dropped.because for dropped in found.dropped)
    yield from found.notes


def test_advice_on_many_needs() -> None:
    known, draw = load_knowledge(), random.Random(20261121)
    tasks = [task.id for task in known.tasks]
    devices = [device.id for device in known.devices]
    texts = {text for _ in range(15) for text in said(recommend(asked(draw, tasks, devices), known)) if text}
    assert len(texts) > 200
    assert untranslated(texts) == {}


def test_names_of_tasks_and_yardsticks_and_traps() -> None:
    known = load_knowledge()
    texts = {task.name.en for task in known.tasks} | {task.says.en for task in known.tasks}
    texts = {f"Good for: {text}" for text in texts}
    texts |= {f"{mark.name}, a-source" for task in known.tasks for mark in task.benchmarks}
    texts |= {card.licence.trap for card in known.models if card.licence.trap}
    texts |= {f"Good for: {card.good_for.en}" for card in known.models[::12] if card.good_for}
    assert untranslated(texts) == {}


def decisions() -> Iterator[Decision]:
    net, other, base = "x/net", "x/other", "baseline/tfidf-logreg"
    rows = [
        result(net, latency_ms=None, size_mb=None, licence=None),
        result(other, status="failed", because="out of memory", curve=()),
        result("x/late", status="stopped", because="the run ended early", curve=()),
    ]
    for name in ("accuracy", "macro_f1", "balanced_accuracy"):
        for shares in ((0.9, 0.6, 0.3), (0.7, 0.7, 0.7), (0.3, 0.5, 0.9), (0.5, 0.5, 0.9), (0.72, 0.3, 0.75)):
            for n in (20, 300):
                predictions = {
                    model: right_share(n, share, seed)
                    for seed, (model, share) in enumerate(zip((net, other, base), shares, strict=True))
                }
                yield judge(predictions, recommendation=advice(name))
                yield judge(predictions, rows=rows, recommendation=advice(name))
                famous = {net: (0.0, 0.2), other: (-1.0, 0.2), "x/late": (3.0, 0.2)}
                yield judge(predictions, rows=rows, recommendation=advice(name), standing=famous)
                yield judge(predictions, recommendation=advice(name, latency_ms=15.0, throughput_per_s=500.0))
                yield judge(predictions, recommendation=advice(name, size_mb=1.0))


def test_decisions_of_all_kinds() -> None:
    made = list(decisions())
    texts = {text for one in made for text in (one.because, *one.next_steps, *one.risks)}
    assert len(texts) > 60
    assert any("still lies behind" in text for text in texts)
    assert any("was not reached" in text for text in texts)
    assert untranslated(texts, names=("x/net", "x/other", "x/late")) == {}
    assert {text: left for text in texts if (left := missing(text, "zh"))} == {}


def checks(model: str) -> Checks:
    half, most = metric(0.5), metric(0.8)
    noise = LabelNoise(
        model=model,
        method="confident learning on its frozen features, cross-validated",
        checked=90,
        found=30,
        suspects=(
            Suspect(id="row 3", given="full", likely="high", given_probability=0.1, likely_probability=0.8),
        ),
    )
    nowhere = "neither FP16 nor bfloat16 runs on this machine"
    forms = (
        Compressed(form="int8", what="dynamic INT8: 90 % of the weights, all in linear layers, in 8 bits", metric=half,
                   before=most, size_mb=4.0, size_before_mb=16.0),
        Compressed(form="half", what="FP16: weights and arithmetic in 16 bits", because=nowhere),
    )  # fmt: skip
    kinds = (
        Damaged(kind="darker", what="40 % less light", metric=half, before=most),
        Damaged(
            kind="typos",
            what="one letter in twenty wrong, missing, doubled or swapped",
            metric=half,
            before=most,
        ),
    )
    control = Control(
        model=model, examples=90, seconds=20.0, pretrained_seconds=30.0, metric=half, pretrained=most, gain=0.3,
        low=0.1, high=0.5, negative_transfer=("x/net",),
    )  # fmt: skip
    undone = Check(name="label-noise", status="skipped", because="only 7 examples have features of x/net")
    return Checks(
        rows=(undone,),
        label_noise=noise,
        compression=Compression(model=model, rung="last-block", forms=forms),
        robustness=Robustness(model=model, rung="longer", kinds=kinds),
        control=control,
    )


OWN = ("a, b c d e", "very long class")


def real_report() -> Report:
    """A report whose sentences are those that the core makes."""
    whole = make_report()
    need = {
        "task": whole.brief.task,
        "data": {"examples": 60, "classes": 5},
        "constraints": {"latency_ms": 30.0},
    }
    found = recommend(Brief.parse(need), load_knowledge(), limit=4)
    model, other = whole.decision.ranking[:2]
    decision = judge({model: right_share(100, 0.8), other: right_share(100, 0.78, 1)})
    told = {"because": decision.because, "next_steps": decision.next_steps, "risks": decision.risks}
    reasons = {"ok": "the time budget ended its climb", "failed": "out of memory"}
    rows = tuple(
        row.model_copy(update={"because": reasons.get(row.status, "not begun: the run ended early")})
        for row in whole.probe.results
    )
    rows = (trusted(rows[0], FLOWERS), *rows[1:])
    assert whole.dataset is not None
    findings = (
        Finding(
            kind="small-class",
            severity="high",
            detail="2 classes with a single example left out: a, b c d e.",
        ),
        Finding(
            kind="language",
            severity="info",
            detail="Read as UTF-16.",
            examples=("row 3", "row 5 (very long class)"),
        ),
    )
    return whole.model_copy(
        update={
            "recommendation": found.model_copy(update={"brief": whole.brief}),
            "decision": whole.decision.model_copy(update=told),
            "probe": whole.probe.model_copy(update={"results": rows}),
            "dataset": whole.dataset.model_copy(update={"findings": findings}),
            "checks": checks(model),
        }
    )


def reports() -> Iterator[Report]:
    whole = real_report()
    yield whole
    ranking = whole.decision.ranking
    for p_best in ({}, {ranking[0]: 0.999}, dict.fromkeys(ranking, 1 / len(ranking))):
        for tied in ((), ranking[1:2], ranking[1:3], ranking[1:]):
            for winner in (*ranking[:1], *(model for model in ranking if model.startswith("baseline/"))):
                order = (winner, *(model for model in ranking if model != winner))
                changes = {"winner": winner, "tied_with": tied, "p_best": p_best, "ranking": order}
                yield whole.model_copy(update={"decision": whole.decision.model_copy(update=changes)})
    because = "No model finished its first rung, so nothing can be said about your data."
    changes = {"winner": None, "tied_with": (), "ranking": (), "p_best": {}, "because": because}
    nobody = whole.decision.model_copy(update=changes)
    failed = tuple(
        row.model_copy(update={"status": "failed", "because": "out of memory", "metrics": None})
        for row in whole.probe.results
    )
    for rows in ((), failed, whole.probe.results):
        for cancelled in (False, True):
            probe = whole.probe.model_copy(update={"results": rows, "cancelled": cancelled})
            yield whole.model_copy(update={"probe": probe, "decision": nobody})
    yield whole.model_copy(update={"dataset": None})


def test_verdicts_of_all_kinds() -> None:
    texts = {verdict(one) for one in reports()}
    assert len(texts) > 12
    assert untranslated(texts) == {}
    assert {text: left for text in texts if (left := missing(text, "zh"))} == {}


def written(document: Document) -> Iterator[str]:
    """Give every text of a report but those that are the user's."""
    cover = document.cover
    yield from (document.title, document.footer, cover.kicker, cover.verdict)
    yield from (name for name, _ in cover.facts)
    for cell in (cell for _, cell in cover.facts):
        yield from (cell.text, cell.note, cell.hint)
    for section in (*cover.sections, *document.sections):
        yield section.title
        for block in section.blocks:
            if isinstance(block, Text):
                yield from (block.lead, block.text)
            elif isinstance(block, Bullets):
                yield from block.items
            elif isinstance(block, Shown):
                yield from (block.figure.question, block.figure.alt)
            elif isinstance(block, Table):
                yield from (block.label, *(title for title, _ in block.columns))
                for row in block.rows:
                    yield row.rest
                    for cell in row.cells:
                        yield from (cell.hint,) if cell.own else (cell.text, cell.note, cell.hint)


def test_every_text_of_the_report_is_known() -> None:
    texts = set(written(compose(real_report())))
    assert len(texts) > 150
    left = {text: lost for text in texts if (lost := missing(text, "zh"))}
    assert {text for text in left if OWN[1] not in text} == set()


@pytest.mark.parametrize(
    ("classes", "n", "hotter"),
    [(FLOWERS, 300, 0.5), (FLOWERS, 300, 1.01), (("no", "yes"), 300, 2.0), (("no", "yes"), 4, 1.0)],
)
def test_every_text_about_probabilities_is_known(classes: tuple[str, ...], n: int, hotter: float) -> None:
    whole = real_report()
    rows = (trusted(whole.probe.results[0], classes, n, hotter), *whole.probe.results[1:])
    made = whole.model_copy(update={"probe": whole.probe.model_copy(update={"results": rows})})
    texts = set(written(compose(made)))
    left = {text: lost for text in texts if (lost := missing(text, "zh"))}
    assert {text for text in left if OWN[1] not in text} == set()


@pytest.fixture(scope="module")
def page() -> str:
    return render(real_report(), "html", "zh")


def test_the_whole_report() -> None:
    nothing = list(reports())[-2]
    lines = {line for one in (real_report(), nothing) for line in render(one, "md", "zh").splitlines()}
    assert {line: left for line in lines if (left := english_left(line, OWN))} == {}


def test_the_page_says_that_it_is_chinese_and_leaves_the_users_words(page: str) -> None:
    assert '<html lang="zh-Hans">' in page
    assert all(name in page for name in FLOWERS)
    assert OWN[0] in page and OWN[1] in page


def test_the_pages_charts_and_hints(page: str) -> None:
    shown = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    texts = re.findall(r"(?:>|title=\"|aria-label=\")([^<>\"]*[A-Za-z]{3,}[^<>\"]*)", shown)
    assert len(texts) > 100
    assert {text: left for text in texts if (left := english_left(text, OWN))} == {}
    for word in ("Score", "Truth", "Predicted", "recommended", "baseline", "expected", "measured"):
        assert f">{word}<" not in shown, "a title, an entry of a legend or a note of a chart"


@pytest.mark.parametrize("format", ["json", "csv"])
def test_what_machines_read_is_the_same_in_every_language(format: str) -> None:
    assert render(make_report(), format, "zh") == render(make_report(), format, "en")
