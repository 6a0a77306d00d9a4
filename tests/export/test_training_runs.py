"""What a script learns by, and what it reports: on tiny models, run as they are."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixture import LITE0, make_report

from advisor.export import Training, plan_training, script
from advisor.export.script import predict_script
from advisor.export.training import AUGMENT
from advisor.export.usage import trained_usage
from advisor.export.write import known_models
from advisor.jobs.folder import RunFolder
from advisor.knowledge import load_knowledge
from advisor.report import read_report
from advisor.result import CurvePoint, Expected, Exported, LatencyMeasured, NamedMetric, Report

TEXT = "I want my money back please refund the card"


def outcome(
    source: str, data: Path, out: Path, patch: pytest.MonkeyPatch, read: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a script in this process.

    :return: the JSON of its last line, and its names.
    """
    patch.setattr(sys, "argv", ["train.py", str(data), "--out", str(out)])
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "train.py", "exec"), scope)
    return json.loads(read.readouterr().out.strip().splitlines()[-1]), scope


def planned(run: RunFolder, model: str) -> Training:
    return plan_training(read_report(run.path), known_models(None), model=model)


def source_of(run: RunFolder, model: str) -> str:
    return script(planned(run, model))


def shown(lines: list[str]) -> str:
    """What stands in a fenced block."""
    assert lines[0].startswith("```") and lines[-1] == "```"
    return "\n".join(lines[1:-1])


def run_here(source: str, path: Path) -> None:
    exec(compile(source, str(path), "exec"), {"__name__": "__main__", "__file__": str(path)})


@pytest.mark.parametrize(
    ("model", "data"), [("tiny/bert", "tickets.csv"), ("baseline/tfidf-logreg", "tickets.csv")]
)
def test_every_text_is_judged_once_by_what_has_not_seen_it(
    text_run: RunFolder,
    shop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: str,
    data: str,
) -> None:
    if model == "tiny/bert":
        pytest.importorskip("accelerate", reason="the Trainer of transformers needs it")
    result, scope = outcome(
        source_of(text_run, model), shop / data, tmp_path / "trained", monkeypatch, capsys
    )
    assert result["n"] == len(scope["targets"]) and min(scope["predicted"]) >= 0
    assert result["value"] == pytest.approx(np.mean(scope["predicted"] == scope["targets"]))
    expected = read_report(text_run.path).decision.expected[model]
    assert result["metric"] == expected.metric
    assert result["expected"] == {"low": expected.low, "high": expected.high}
    assert json.loads((tmp_path / "trained" / "labels.json").read_text()) == scope["labels"]
    assert not (tmp_path / "trained" / "checkpoints").exists()
    monkeypatch.chdir(tmp_path)
    if model == "tiny/bert":
        code = shown(trained_usage(planned(text_run, model))).replace("A text to sort", TEXT)
        assert "\nprint(labels" in code
        run_here(code, tmp_path / "use.py")
        label, share = capsys.readouterr().out.strip().rsplit(" ", 1)
        scope["frame"].loc[0, "text"] = TEXT
        assert label == scope["labels"][int(scope["predict"](scope["model"], np.array([0]))[0])]
    else:
        made = Exported(model=model, revision=None, form="skops", latency_ms=LatencyMeasured(p50=1, p95=2))
        assert shown(trained_usage(planned(text_run, model))).startswith("cp predict.py trained/")
        monkeypatch.setattr(sys, "argv", ["predict.py", TEXT])
        run_here(predict_script(planned(text_run, model), made), tmp_path / "trained" / "predict.py")
        answer = json.loads(capsys.readouterr().out)
        label, share = answer["label"], answer["probability"]
        assert label == scope["labels"][int(scope["model"].predict([TEXT])[0])]
    assert 1 / len(scope["labels"]) <= float(share) <= 1


def test_with_many_examples_one_fifth_judges_and_twice_gives_the_same(
    image_run: RunFolder,
    shop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = source_of(image_run, "tiny/a")
    assert source.count("len(targets) >= 1000") == 1
    few = source.replace("len(targets) >= 1000", "len(targets) >= 10")
    first, scope = outcome(few, shop / "pictures", tmp_path / "one", monkeypatch, capsys)
    again, other = outcome(few, shop / "pictures", tmp_path / "trained", monkeypatch, capsys)
    assert first["n"] == scope["test"].size == pytest.approx(len(scope["targets"]) / 5, abs=2)
    assert scope["learn"].size + scope["test"].size == len(scope["targets"]), "the judged model is kept"
    assert first == again and scope["predicted"].tolist() == other["predicted"].tolist()
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "trained"))
    assert one == two
    monkeypatch.chdir(tmp_path)
    shutil.copy(scope["paths"][scope["test"][0]], tmp_path / "photo.jpg")
    run_here(shown(trained_usage(planned(image_run, "tiny/a"))), tmp_path / "use.py")
    label, _ = capsys.readouterr().out.strip().rsplit(" ", 1)
    assert label == scope["labels"][int(scope["predicted"][scope["test"][0]])]


def test_every_way_of_tuning_texts_runs(
    text_run: RunFolder,
    shop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("accelerate", reason="the Trainer of transformers needs it")
    pytest.importorskip("peft", reason="LoRA needs it")
    plan = planned(text_run, "tiny/bert")
    for strategy in ("head", "lora", "full"):
        one = replace(plan, strategy=strategy, checked=True, epochs=2, body_rate=1e-3, word_dropout=True)  # type: ignore[arg-type]
        source = script(one).replace("len(targets) >= 1000", "len(targets) >= 10")
        result, scope = outcome(source, shop / "tickets.csv", tmp_path / strategy, monkeypatch, capsys)
        assert result["strategy"] == strategy and result["n"] == scope["test"].size
        assert not (tmp_path / strategy / "checkpoints").exists()


def test_every_way_of_tuning_images_runs(
    image_run: RunFolder,
    shop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = planned(image_run, "tiny/a")
    for strategy, augmentation in (("head", ()), ("full", tuple(AUGMENT.values()))):
        one = replace(plan, strategy=strategy, checked=True, epochs=2, augmentation=augmentation)  # type: ignore[arg-type]
        source = script(one).replace("len(targets) >= 1000", "len(targets) >= 10")
        result, scope = outcome(source, shop / "pictures", tmp_path / strategy, monkeypatch, capsys)
        assert result["strategy"] == strategy and result["n"] == scope["test"].size


def climbed(*points: tuple[str, int, float], strategy: str, **settings: Any) -> Report:
    """A report whose EfficientNet-Lite0 climbed these rungs: name, epochs, accuracy."""
    report = make_report()
    curve = tuple(
        CurvePoint(
            rung=rung, examples=300, epochs=epochs, seconds=1.0,
            metric=NamedMetric(name="accuracy", value=value, low=value - 0.05, high=value + 0.05),
        )
        for rung, epochs, value in points
    )  # fmt: skip
    rows = tuple(
        row.model_copy(update={"curve": curve, "strategy": strategy, "hyperparameters": settings})
        if row.model == LITE0
        else row
        for row in report.probe.results
    )
    stated = Expected(
        metric="accuracy",
        value=0.8,
        low=0.7,
        high=0.9,
        strategy="full" if strategy == "full" else "last-block",
    )
    return report.model_copy(
        update={
            "probe": report.probe.model_copy(update={"results": rows}),
            "decision": report.decision.model_copy(update={"expected": {LITE0: stated}}),
        }
    )


TUNED = {"learning_rate": 3e-4, "head_learning_rate": 1e-4, "epochs": 8}


def test_a_tuning_that_went_on_is_repeated_as_a_whole() -> None:
    probe, block = ("linear-probe", 1, 0.7), ("last-block", 4, 0.8)
    known = load_knowledge()
    longer = plan_training(
        climbed(probe, block, ("longer", 8, 0.85), strategy="last-block", **TUNED), known, model=LITE0
    )
    assert longer.epochs == 12 and not longer.checked and longer.augmentation == ()
    once = plan_training(
        climbed(probe, block, ("longer", 8, 0.75), strategy="last-block", **TUNED), known, model=LITE0
    )
    assert once.epochs == 4 and once.body_rate == 3e-4


def test_a_tuning_of_all_layers_is_repeated_with_its_rates() -> None:
    rates = {
        "learning_rate": 1e-4,
        "head_learning_rate": 1e-3,
        "layer_decay": 0.85,
        "weight_decay": 0.05,
        "epochs": 6,
    }
    points = (("linear-probe", 1, 0.7), ("last-block", 4, 0.8), ("full", 6, 0.9))
    one = plan_training(climbed(*points, strategy="full", **rates), load_knowledge(), model=LITE0)
    assert (one.strategy, one.epochs, one.checked) == ("full", 6, False)
    assert (one.body_rate, one.head_rate, one.layer_decay, one.weight_decay) == (1e-4, 1e-3, 0.85, 0.05)
    assert "LAYER_DECAY = 0.85\n" in script(one)
    other = plan_training(climbed(*points[:2], strategy="last-block", **TUNED), load_knowledge(), model=LITE0)
    assert (other.layer_decay, other.weight_decay) == (1.0, 0.01)


def test_a_tuning_that_was_in_vain_is_not_repeated_and_the_script_says_why() -> None:
    points = (("linear-probe", 1, 0.8), ("last-block", 4, 0.75))
    report = climbed(*points, strategy="frozen", head="logistic regression", C=0.1)
    assert report.dataset is not None
    one = plan_training(report, load_knowledge(), model=LITE0)
    assert one.strategy == "frozen" and not one.checked
    assert "75.0\u202f% then and 80.0\u202f% without" in script(one)
    many = report.dataset.model_copy(update={"examples": 5000})
    more = plan_training(report.model_copy(update={"dataset": many}), load_knowledge(), model=LITE0)
    assert more.strategy == "last-block" and more.checked and not more.note
    untried = climbed(points[0], strategy="frozen", head="logistic regression", C=0.1)
    assert plan_training(untried, load_knowledge(), model=LITE0).strategy == "last-block"


@pytest.mark.parametrize("weight", [None, "balanced"])
def test_the_classes_are_weighed_as_the_probe_chose(weight: str | None) -> None:
    points = (("linear-probe", 1, 0.8), ("last-block", 4, 0.75))
    settings = {"head": "logistic regression", "C": 0.1, **({"class_weight": weight} if weight else {})}
    one = plan_training(climbed(*points, strategy="frozen", **settings), load_knowledge(), model=LITE0)
    assert one.balanced == (weight == "balanced")
