"""A text encoder whose last layer is destroyed: the probe reads the mean over its layers, and all that follows does."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tiny_models import bert_model, ticket_table

from advisor.brief import Brief
from advisor.export import export_run, plan_training, script
from advisor.export.usage import trained_usage
from advisor.export.write import known_models
from advisor.jobs.checks import read_check
from advisor.jobs.finish import finish
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe.after.control import check_control
from advisor.probe.after.distilling import distil
from advisor.probe.after.subject import Subject, answer
from advisor.probe.backbone import TextBackbone
from advisor.probe.compress import compress
from advisor.probe.plan import BASELINES
from advisor.probe.rungs import known_features
from advisor.probe.rungs import rung as rungs
from advisor.probe.worker import Worker
from advisor.report import read_report
from advisor.result import Exported

MODEL = "tiny/flat"
SIZES = {"train": 120, "select": 30, "report": 30}


def flat_model(folder: Path) -> None:
    """A BERT whose last layer gives the same for every text: its norm weighs nothing."""
    from safetensors.torch import load_file as load
    from safetensors.torch import save_file as save

    file = bert_model(folder, seed=6, model_id=MODEL) / "model.safetensors"
    tensors = load(file)
    (name,) = [one for one in tensors if one.endswith("layer.1.output.LayerNorm.weight")]
    tensors[name] = torch.zeros_like(tensors[name])
    save(tensors, file, metadata={"format": "pt"})


def probed(shop: Path, out: str, climbed: list[str]) -> RunFolder:
    plan = Plan.model_validate({"examples": SIZES, "models": {MODEL: climbed}})
    task = Brief(task="text-classification")
    folder = prepare(ProbeRequest(task, shop / "tickets.csv", shop / out, plan=plan, offline=True))
    Worker(folder, time.monotonic(), lambda: False).run()
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("flat")
    flat_model(folder / "models" / "flat")
    ticket_table(folder / "tickets.csv", 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(folder / "home"))
        patch.setenv("HF_HOME", str(folder / "hf"))
        patch.setenv("ADVISOR_MODELS", str(folder / "models"))
        patch.setitem(BASELINES, "text-classification", ("baseline/majority",))
        yield folder


@pytest.fixture(autouse=True)
def own_home(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(shop / "home"))


@pytest.fixture(scope="module")
def run(shop: Path) -> RunFolder:
    folder = probed(shop, "run", ["linear-probe"])
    finish(folder)
    folder.set_state("done")
    return folder


@pytest.fixture(scope="module")
def exported(run: RunFolder, shop: Path) -> tuple[Path, Exported]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(shop / "home"))
        return shop / "out", export_run(run.path, shop / "out", model=MODEL)


@pytest.fixture
def subject(run: RunFolder) -> Subject:
    worker = Worker(run, time.monotonic(), lambda: False)
    worker.prepare()
    return Subject(worker.setting, run.rungs(MODEL)[0], worker.locate)


def test_the_record_says_so_and_the_scores_tell_both(run: RunFolder) -> None:
    record = run.rungs(MODEL)[0]
    assert record.hyperparameters["layers"] == "mean"
    assert record.note.startswith("It reads the mean over its layers")
    assert record.transferability["logme_layers"] > record.transferability["logme"] + 0.05
    assert record.curve[-1].metric.value > 0.6, "the last layer alone would name one class in three"


def test_what_answers_later_answers_as_the_probe_did(run: RunFolder, subject: Subject) -> None:
    backbone, head = subject.bring_back()
    assert isinstance(backbone, TextBackbone) and backbone.layers == subject.layers == "mean"
    examples = run.examples()
    contents = [examples.contents[i] for i in examples.select]
    stored = run.probabilities(subject.rung, "select")
    assert np.allclose(answer(backbone, head)(contents), stored, atol=1e-4)
    smaller = compress(backbone, "int8", contents)
    assert np.allclose(answer(smaller, head)(contents), stored, atol=0.15)


def test_known_features_are_those_of_the_chosen_layers(run: RunFolder, subject: Subject) -> None:
    places = run.examples().select[:20]
    weights = subject.locate(MODEL)
    chosen, mean, last = (
        np.stack(list(known_features(subject.setting, weights, places, *asked).values()))
        for asked in ((), ("mean",), ("last",))
    )
    assert np.array_equal(chosen, mean)
    assert np.allclose(last, last[0], atol=1e-4) and not np.allclose(mean, mean[0], atol=1e-2)


def test_control_and_pupil_read_the_same_layers(
    run: RunFolder, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor.probe.after import control, distilling

    seen: list[Any] = []
    plain = control.train_from_scratch

    def short(backbone: Any, *given: Any, **more: Any) -> Any:
        seen.append(backbone.layers)
        return plain(backbone, *given[:4], 0.01, **more)

    monkeypatch.setattr(control, "train_from_scratch", short)
    check_control(subject)
    kept = read_check(run, "control")
    assert kept is not None and kept.status == "done" and seen == ["mean"]
    monkeypatch.setattr(distilling, "pupil_of", lambda own: own)
    monkeypatch.setattr(distilling, "PASSES", 1)
    form, head = distil(subject, *subject.bring_back())
    assert isinstance(form.origin, TextBackbone) and form.origin.layers == "mean"
    examples = run.examples()
    contents = [examples.contents[i] for i in examples.select]
    stored = run.probabilities(subject.rung, "select").argmax(axis=1)
    assert (np.asarray(answer(form, head)(contents)).argmax(axis=1) == stored).mean() > 0.6


def test_a_second_probe_computes_nothing_and_tuning_starts_from_the_last_layer(
    run: RunFolder, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rungs, "embed", lambda *args, **more: pytest.fail("everything is known"))
        again = probed(shop, "again", ["linear-probe"])
    first, second = run.rungs(MODEL)[0], again.rungs(MODEL)[0]
    assert (first.curve[-1].metric, first.hyperparameters["layers"], first.transferability) == (
        second.curve[-1].metric, second.hyperparameters["layers"], second.transferability,
    )  # fmt: skip
    tuned = probed(shop, "tuned", ["linear-probe", "last-block"])
    record = tuned.rungs(MODEL)[-1]
    assert record.rung == "last-block" and "layers" not in record.hyperparameters
    worker = Worker(tuned, time.monotonic(), lambda: False)
    worker.prepare()
    backbone, head = Subject(worker.setting, record, worker.locate).bring_back()
    assert isinstance(backbone, TextBackbone) and backbone.layers == "last"
    contents = worker.setting.contents(worker.setting.examples.select)
    assert np.allclose(answer(backbone, head)(contents), tuned.probabilities(record, "select"), atol=1e-4)


def test_the_exported_folder_answers_as_the_probe_did(exported: tuple[Path, Exported]) -> None:
    """The export itself holds PyTorch against the stored predictions, and ONNX against PyTorch."""
    out, made = exported
    assert made.onnx is not None and made.onnx.max_difference <= 1e-4 and made.onnx.checked >= 20
    layout = json.loads((out / "modules.json").read_text())
    assert [one["type"].rpartition(".")[2] for one in layout] == [
        "Transformer", "WeightedLayerPooling", "Pooling", "Dense",
    ]  # fmt: skip
    weighed = load_file(out / "1_WeightedLayerPooling" / "model.safetensors")
    assert weighed["layer_weights"].tolist() == [1.0, 1.0]


def test_sentence_transformers_reads_the_exported_folder(
    run: RunFolder, exported: tuple[Path, Exported]
) -> None:
    library = pytest.importorskip("sentence_transformers", reason="it is what reads this layout")
    examples = run.examples()
    contents = [examples.contents[i] for i in examples.select[:12]]
    logits = library.SentenceTransformer(str(exported[0]), device="cpu").encode(contents)
    shares = torch.from_numpy(logits).softmax(dim=1).numpy()
    assert np.allclose(shares, run.probabilities(run.rungs(MODEL)[0], "select")[:12], atol=1e-3)


def test_the_training_script_takes_the_same_features(
    run: RunFolder, subject: Subject, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    report = read_report(run.path)
    frozen = report.decision.expected[MODEL].model_copy(update={"strategy": "frozen"})
    decision = report.decision.model_copy(update={"expected": {MODEL: frozen}})
    plan = plan_training(report.model_copy(update={"decision": decision}), known_models(None), model=MODEL)
    assert (plan.strategy, plan.layers) == ("frozen", "mean")
    monkeypatch.setattr(
        sys, "argv", ["train.py", str(shop / "tickets.csv"), "--out", str(tmp_path / "trained")]
    )
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(script(plan), "train.py", "exec"), scope)
    examples = run.examples()
    rows = dict(zip(scope["frame"]["text"], scope["features"], strict=True))
    places = examples.select[:20]
    own = known_features(subject.setting, subject.locate(MODEL), places)
    found = np.stack([rows[examples.contents[place]] for place in places])
    assert np.allclose(found, np.stack([own[place] for place in places]), atol=1e-4)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    text = examples.contents[places[0]]
    use = "\n".join(trained_usage(plan)[1:-1]).replace("A text to sort", text)
    exec(compile(use, "use.py", "exec"), {"__name__": "__main__"})
    label, _ = capsys.readouterr().out.strip().rsplit(" ", 1)
    place = scope["frame"]["text"].tolist().index(text)
    assert label == scope["labels"][int(scope["predict"](scope["model"], np.array([place]))[0])]
