"""The exported folder answers as the probe did, in its own layout, in ONNX, and through its own predict.py."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from advisor.errors import AdvisorError, InputError
from advisor.export import bundle_run, export_run, write_view
from advisor.jobs.folder import RunFolder
from advisor.probe.export import export_model, main
from advisor.report import read_report, render
from advisor.result import Exported

TEXTS = ("my parcel is late and the courier does not arrive", "I want my money back please refund the card")


def best_of(run: RunFolder, model: str) -> tuple[int, str]:
    best = max(run.rungs(model), key=lambda r: (r.curve[-1].metric.value, -r.position))
    return best.position, best.rung


def answers(folder: Path, *inputs: str) -> list[dict[str, object]]:
    """What predict.py prints, with nothing of ours on its path."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "predict.py", *inputs],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=clean,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def stored(run: RunFolder, model: str, count: int) -> tuple[list[str], np.ndarray]:
    position, rung = best_of(run, model)
    record = next(r for r in run.rungs(model) if (r.position, r.rung) == (position, rung))
    examples = run.examples()
    return [examples.contents[i] for i in examples.select[:count]], run.probabilities(record, "select")[
        :count
    ]


def test_a_run_keeps_what_its_rungs_have_learnt(text_run: RunFolder) -> None:
    for record in text_run.rungs("tiny/bert"):
        held = load_file(text_run.learnt_path("tiny/bert", record.position, record.rung))
        heads = {"head.centre", "head.spread", "head.weight", "head.bias"}
        assert heads <= set(held)
        assert (set(held) == heads) == (record.rung == "linear-probe")


def test_texts_as_a_folder(text_run: RunFolder, tmp_path: Path) -> None:
    made = export_run(text_run.path, tmp_path / "out", model="tiny/bert")
    assert made.form == "sentence-transformers" and made.onnx is not None
    assert made.onnx.max_difference <= 1e-4 and made.onnx.latency_ms.p50 > 0
    contents, shares = stored(text_run, "tiny/bert", 4)
    found = answers(tmp_path / "out", *contents)
    labels = text_run.examples().labels
    for answer, row in zip(found, shares, strict=True):
        assert answer["label"] == labels[row.argmax()]
        assert answer["probability"] == pytest.approx(float(row.max()), abs=1e-3)
    front = yaml.safe_load((tmp_path / "out" / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert front["base_model"] == "tiny/bert" and front["pipeline_tag"] == "text-classification"
    report = tmp_path / "out" / "report"
    assert {p.name for p in report.iterdir()} == {
        "report.html", "report.pdf", "report.md", "report.json", "results.csv",
    }  # fmt: skip
    assert read_report(text_run.path).exported == made
    assert "ONNX" in render(read_report(text_run.path), "md")


def test_images_as_a_folder(image_run: RunFolder, tmp_path: Path) -> None:
    import timm

    made = export_run(image_run.path, tmp_path / "out", model="tiny/a")
    assert made.form == "timm" and made.plain_preprocessing and made.onnx is not None
    assert made.onnx.max_difference <= 1e-4
    contents, shares = stored(image_run, "tiny/a", 3)
    root = Path(image_run.examples().origin)
    found = answers(tmp_path / "out", *(str(root / name) for name in contents))
    for answer, row in zip(found, shares, strict=True):
        assert answer["probability"] == pytest.approx(float(row.max()), abs=5e-3)
    model = timm.create_model(f"local-dir:{tmp_path / 'out'}", pretrained=True)
    assert model.pretrained_cfg["label_names"] == list(image_run.examples().labels)
    note = (tmp_path / "out" / "DEPLOY.md").read_text(encoding="utf-8")
    assert "ONNX Runtime" in note and "When to ask for advice again" in note


@pytest.mark.parametrize("kind", ["majority", "tfidf-logreg", "tfidf-forest"])
def test_text_baselines(text_run: RunFolder, tmp_path: Path, kind: str) -> None:
    made = export_model(text_run, f"baseline/{kind}", tmp_path)
    assert made.form == "skops" and made.onnx is None
    assert not any(path.suffix in (".pkl", ".joblib", ".pickle") for path in tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["colour-edges-logreg", "colour-edges-forest"])
def test_image_baselines(image_run: RunFolder, tmp_path: Path, kind: str) -> None:
    assert export_model(image_run, f"baseline/{kind}", tmp_path).form == "skops"


def test_a_baseline_predicts_alone(image_run: RunFolder, tmp_path: Path) -> None:
    export_run(image_run.path, tmp_path / "out", model="baseline/colour-edges-forest")
    contents, shares = stored(image_run, "baseline/colour-edges-forest", 1)
    (answer,) = answers(tmp_path / "out", str(Path(image_run.examples().origin) / contents[0]))
    assert answer["probability"] == pytest.approx(float(shares[0].max()), abs=1e-4)


def test_the_child_prints_what_it_made(
    text_run: RunFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(text_run.path), "tiny/bert", str(tmp_path)]) == 0
    printed = capfd.readouterr().out.strip().splitlines()[-1]
    assert Exported.model_validate_json(printed).model == "tiny/bert"
    assert main([str(text_run.path), "nobody/knows", str(tmp_path)]) == 2
    assert "finished no rung" in capfd.readouterr().err


def test_a_head_that_was_changed_is_noticed(text_run: RunFolder, tmp_path: Path) -> None:
    path = text_run.learnt_path("tiny/bert", *best_of(text_run, "tiny/bert"))
    before = path.read_bytes()
    try:
        held = load_file(path)
        held["head.bias"] = held["head.bias"] + np.arange(held["head.bias"].size, dtype=np.float32)
        save_file(held, path)
        with pytest.raises(AdvisorError, match="does not answer as the probe did"):
            export_model(text_run, "tiny/bert", tmp_path)
        path.unlink()
        with pytest.raises(InputError, match="keeps no head"):
            export_model(text_run, "tiny/bert", tmp_path)
    finally:
        path.write_bytes(before)


def test_what_cannot_be_exported_is_said(text_run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(InputError, match="not empty"):
        export_run(text_run.path, tmp_path / "full")
    with pytest.raises(InputError, match="no run's folder"):
        export_run(tmp_path / "absent", tmp_path / "out")
    with pytest.raises(InputError, match="not measured"):
        export_run(text_run.path, tmp_path / "out", model="nobody/knows")


def test_a_script_has_its_requirements_beside_it(text_run: RunFolder, tmp_path: Path) -> None:
    written = write_view(text_run.path, "py", tmp_path / "train.py", model="tiny/bert")
    assert written == (tmp_path / "train.py", tmp_path / "requirements.txt")
    assert re.search(r"^torch==", (tmp_path / "requirements.txt").read_text(), re.MULTILINE)
    write_view(text_run.path, "ipynb", tmp_path / "train.ipynb", model="tiny/bert")
    assert str(text_run.spec().data) in (tmp_path / "train.ipynb").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_view(text_run.path, "py", tmp_path / "no" / "train.py", model="tiny/bert")
    with pytest.raises(InputError, match="Unknown report format 'ipny'"):
        write_view(text_run.path, "ipny", tmp_path / "x")


def test_everything_as_one_zip(text_run: RunFolder) -> None:
    names = set(zipfile.ZipFile(io.BytesIO(bundle_run(text_run.path))).namelist())
    assert {"train.py", "predict.py", "README.md", "DEPLOY.md", "report/report.pdf"} <= names


def english_words(text: str) -> list[str]:
    return re.findall(r"(?<![\w/.-])[a-z]{3,} [a-z]{3,}(?![\w/.-])", text)


def test_without_a_model_the_zip_says_why(text_run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(text_run.report_path.read_bytes())
    packed = zipfile.ZipFile(io.BytesIO(bundle_run(tmp_path, lang="zh")))
    assert not english_words(packed.read("no-model.txt").decode())
    assert packed.read("report/report.md").decode().startswith("# 模型选型报告")
    assert "report/report.html" in packed.namelist()
    assert "train.py" in packed.namelist()
