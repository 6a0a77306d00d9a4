"""A script reads the same examples, classes and pixels from the data as the report was made of."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from advisor.dataset import read
from advisor.dataset.images import ImageReader
from advisor.dataset.reading import MISSING
from advisor.export import Training, script


def data_of(loader: Any, task: str, data: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a script up to where it has read its data."""
    columns = ("text", "label") if task == "text-classification" else ()
    model = f"baseline/{'tfidf' if columns else 'colour-edges'}-logreg"
    one = Training(
        model=model, task=task, loader=loader, strategy="from-scratch", metric="accuracy", seed=0, columns=columns
    )  # fmt: skip
    source, found, _ = script(one).partition('\nprint(f"{len(targets)} examples')
    assert found
    patch.setattr(sys, "argv", ["train.py", str(data)])
    scope: dict[str, Any] = {}
    exec(compile(source, "train.py", "exec"), scope)
    return scope


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


TREES = {
    "plain": ["cat/{}.png", "dog/{}.png"],
    "wrapped": ["all/photos/cat/{}.png", "all/photos/dog/{}.png"],
    "nested": ["cat/2023/{}.png", "cat/2024/{}.png", "dog/2023/{}.png"],
    "divided": ["train/cat/{}.png", "train/dog/{}.png", "test/cat/{}.png", "test/dog/{}.png"],
    "one division": ["train/cat/{}.png", "train/dog/{}.png"],
    "wrapped and divided": [
        "set/train/cat/{}.png",
        "set/train/dog/{}.png",
        "set/val/cat/{}.png",
        "set/val/dog/{}.png",
    ],
    "with strays": ["cat/{}.png", "dog/{}.png", "{}.png", ".cache/cat/{}.png", "__MACOSX/cat/{}.png"],
}


@pytest.mark.parametrize("tree", TREES)
def test_the_same_images_in_the_same_classes(
    tree: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    for number, pattern in enumerate(TREES[tree]):
        for index in range(4):
            picture(data / pattern.format(index), 10 * number + index)
    (data / TREES[tree][0].format("broken")).write_bytes(b"no image")
    held = read(data, task="image-classification")
    scope = data_of("classical", "image-classification", data, monkeypatch)
    mine = {
        str(path.relative_to(data)): scope["labels"][target]
        for path, target in zip(scope["paths"], scope["targets"], strict=True)
    }
    assert mine == dict(zip(held.contents, held.labels, strict=True))


def test_an_empty_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="no image below"):
        data_of("classical", "image-classification", tmp_path, monkeypatch)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_the_same_pixels(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "dog"):
        for seed in range(3):
            picture(tmp_path / "data" / name / f"{seed}.png", seed + 5 * (name == "cat"))
    draw = np.random.default_rng(3)
    if mode == "I;16":
        image = Image.fromarray(draw.integers(0, 65536, (9, 7), dtype=np.uint16))
    else:
        image = Image.fromarray(draw.integers(0, 256, (9, 7, 4), dtype=np.uint8), "RGBA").convert(mode)
    path = tmp_path / "data" / "cat" / ("one.tif" if mode == "CMYK" else "one.png")
    image.save(path)
    scope = data_of("classical", "image-classification", tmp_path / "data", monkeypatch)
    expected = ImageReader(tmp_path / "data")(f"cat/{path.name}")
    np.testing.assert_array_equal(np.asarray(scope["read_image"](path)), np.asarray(expected))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_the_same_texts_whatever_they_are_called(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        (f"text {number}, of some length; {name}", name)
        for name in ("None", "NA", "n/a", "7")
        for number in range(4)
    ]
    rows += [("", "NA"), ("lost", ""), ("null", "NA")]
    path = tmp_path / f"table{suffix}"
    if suffix in (".csv", ".tsv"):
        with path.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, delimiter="," if suffix == ".csv" else "\t")
            table.writerows([("text", "label"), *rows])
    elif suffix == ".jsonl":
        lines = (json.dumps({"text": text, "label": label}) for text, label in rows)
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        frame = pd.DataFrame(rows, columns=["text", "label"])
        (frame.to_parquet if suffix == ".parquet" else frame.to_excel)(path, index=False)
    held = read(path, task="text-classification")
    scope = data_of("classical", "text-classification", path, monkeypatch)
    mine = dict(
        zip(scope["frame"]["text"], (scope["labels"][target] for target in scope["targets"]), strict=True)
    )
    assert mine == dict(zip(held.contents, held.labels, strict=True))
    assert set(scope["missing"]) == MISSING
