"""Are planted label noise and planted duplicates found?

Labels: in each real set a tenth of the labels is changed to another class at random, several times over. The
examples are ranked as the advisor ranks them (suspects first, worst first), and precision is read where half of the
planted labels are found. Labels that are wrong in the published set count as false alarms.

Duplicates: copies of examples are planted, exact and changed (images: encoded anew, resized; texts: white space,
case, punctuation, width). Each must be in its original's group, and so on its side of the split; what is joined
among the originals is counted too.

Exits with 1 where less than two sets reach 70 % precision at 50 % recall, or a planted duplicate is missed.

    python benchmarks/noise.py --data FOLDER [--sets flowers5,trec6] [--seeds 3] [--json FILE]
"""

import argparse
import csv
import io
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

IMAGES = ("flowers5", "grocery16")
TEXTS = ("trec6", "chnsenticorp_hotel")
MODELS = {
    "flowers5": "timm/tf_efficientnet_lite0.in1k",
    "grocery16": "timm/tf_efficientnet_lite0.in1k",
    "trec6": "sentence-transformers/all-MiniLM-L6-v2",
    "chnsenticorp_hotel": "google/universal-sentence-encoder-multilingual-3",
}
SHARE, RECALL, PRECISION = 0.1, 0.5, 0.7
MOST = 1500
PLANTED = 60


def features(name: str, folder: Path, most: int) -> tuple[Any, np.ndarray]:
    """Read a set and embed it, or a stratified part of it.

    :return: the class index of each example, and (n, d) features.
    """
    from advisor.dataset import ImageReader, read
    from advisor.knowledge import load_knowledge
    from advisor.probe.backbone import load_backbone
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed
    from advisor.probe.plan import stratified_order
    from advisor.weights import local_cards, locate

    images = name in IMAGES
    origin = folder / name if images else folder / name / "data.csv"
    dataset = read(origin, task="image-classification" if images else "text-classification")
    chosen = list(range(len(dataset)))
    if len(chosen) > most:
        chosen = list(stratified_order(chosen, dataset.labels, 0)[:most])
    knowledge = load_knowledge().with_models(local_cards())
    weights = locate(knowledge.model(MODELS[name]), knowledge, offline=True)
    opener = ImageReader(origin) if images else (lambda content: None)
    clock = Clock(None, time.monotonic(), lambda: False, time.monotonic)
    rows = embed(load_backbone(weights, opener), [dataset.contents[i] for i in chosen], clock)  # type: ignore[arg-type]
    place = {label: number for number, label in enumerate(dataset.classes)}
    return np.asarray([place[dataset.labels[i]] for i in chosen]), rows


def plant(truth: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Change a tenth of the labels to another class.

    :return: the labels, and which were changed.
    """
    draw = np.random.default_rng(seed)
    wrong = np.zeros(len(truth), dtype=bool)
    wrong[draw.choice(len(truth), round(SHARE * len(truth)), replace=False)] = True
    shifted = (truth + draw.integers(1, classes, len(truth))) % classes
    return np.where(wrong, shifted, truth), wrong


def labels_found(truth: np.ndarray, rows: np.ndarray, seed: int) -> dict[str, float]:
    """Plant noise once and see how well it is found."""
    from advisor.probe.noise import label_issues, out_of_fold

    classes = int(truth.max()) + 1
    given, wrong = plant(truth, classes, seed)
    since = time.monotonic()
    probabilities = out_of_fold(rows, given, classes, seed=seed)
    suspects, quality = label_issues(given, probabilities)
    seconds = time.monotonic() - since
    order = np.argsort(np.nan_to_num(quality, nan=2.0), kind="stable")
    ranked = np.concatenate([suspects, order[~np.isin(order, suspects)]])
    hits = np.cumsum(wrong[ranked])
    at = int(np.searchsorted(hits, RECALL * wrong.sum()))
    return {
        "planted": float(wrong.sum()),
        "precision_at_half": float(hits[at] / (at + 1)),
        "listed": float(len(suspects)),
        "precision_of_list": float(wrong[suspects].mean()) if len(suspects) else 0.0,
        "recall_of_list": float(wrong[suspects].sum() / wrong.sum()),
        "accuracy_out_of_fold": float((probabilities.argmax(axis=1) == truth).mean()),
        "seconds": seconds,
    }


def image_variants(content: bytes) -> dict[str, tuple[str, bytes]]:
    """Encode an image anew in several ways."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    half = image.resize((max(16, image.width // 2), max(16, image.height // 2)), Image.Resampling.LANCZOS)
    larger = image.resize((image.width * 3 // 2, image.height * 3 // 2), Image.Resampling.BICUBIC)
    return {
        "exact": (".jpg", content),
        "jpeg-85": (".jpg", _encoded(image, "JPEG", quality=85)),
        "jpeg-50": (".jpg", _encoded(image, "JPEG", quality=50)),
        "png": (".png", _encoded(image, "PNG")),
        "webp": (".webp", _encoded(image, "WEBP", quality=80)),
        "half": (".jpg", _encoded(half, "JPEG", quality=90)),
        "larger": (".jpg", _encoded(larger, "JPEG", quality=90)),
    }


def _encoded(image: Image.Image, form: str, **more: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **more)
    return stream.getvalue()


def text_variants(text: str) -> dict[str, str]:
    """Write a text anew in several ways that a reader would call the same."""
    punctuated = text.rstrip(" .!?。！？") + "..."
    spaced = "  ".join(text.split(" ")) + " \t"
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    bare = "".join(c for c in text if c not in ".,!?;:'\"()，。！？；：、“”‘’（）")
    return {
        "exact": text,
        "white space": spaced,
        "case": text.upper() if text.lower() == text else text.lower(),
        "punctuation at the end": punctuated,
        "without punctuation": bare,
        "width": wide,
    }


def duplicates_found(name: str, folder: Path, seed: int) -> dict[str, Any]:
    """Plant duplicates in one set; count those that are in their original's group and on its side of the split."""
    from advisor.dataset import read, split

    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        if name in IMAGES:
            origin, planted = _plant_images(folder / name, Path(place), draw)
            task = "image-classification"
        else:
            origin, planted = _plant_texts(folder / name / "data.csv", Path(place), draw)
            task = "text-classification"
        dataset = read(origin, task=task)
        splits = split(dataset, seed=seed)
    at = {id: index for index, id in enumerate(dataset.ids)}
    side = {index: part for part in ("train", "select", "report") for index in getattr(splits, part)}
    counts: dict[str, list[int]] = {}
    copies = set()
    for kind, own, copy in planted:
        tally = counts.setdefault(kind, [0, 0])
        tally[1] += 1
        if own in at and copy in at:
            copies.add(at[copy])
            same = dataset.groups[at[own]] == dataset.groups[at[copy]]
            tally[0] += same and side[at[own]] == side[at[copy]]
    originals = [index for index in range(len(dataset)) if index not in copies]
    joined = len(originals) - len({dataset.groups[index] for index in originals})
    return {
        "found": {kind: f"{hit} of {total}" for kind, (hit, total) in counts.items()},
        "missed": sum(total - hit for hit, total in counts.values()),
        "originals": len(originals),
        "originals_joined": joined,
    }


def _plant_images(source: Path, place: Path, draw: random.Random) -> tuple[Path, list[tuple[str, str, str]]]:
    files = sorted(path for path in source.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    root = place / "set"
    for path in files:
        target = root / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.resolve())
    planted = []
    for number, path in enumerate(draw.sample(files, min(PLANTED, len(files)))):
        for kind, (suffix, content) in image_variants(path.read_bytes()).items():
            name = f"copy-{number:03d}-{kind}{suffix}"
            (root / path.parent.name / name).write_bytes(content)
            planted.append((kind, f"{path.parent.name}/{path.name}", f"{path.parent.name}/{name}"))
    return root, planted


def _plant_texts(source: Path, place: Path, draw: random.Random) -> tuple[Path, list[tuple[str, str, str]]]:
    with source.open(encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    usable = [i for i, (text, label) in enumerate(rows) if len(text.strip()) > 8 and label.strip()]
    lines, planted = list(rows), []
    for i in draw.sample(usable, min(PLANTED, len(usable))):
        for kind, text in text_variants(rows[i][0]).items():
            lines.append((text, rows[i][1]))
            planted.append((kind, i, len(lines) - 1))
    path = place / "set.csv"
    number, at = 2, {}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "label"))
        for index, line in enumerate(lines):
            writer.writerow(line)
            at[index] = f"row {number}"
            number += 1 + line[0].count("\n")
    return path, [(kind, at[own], at[copy]) for kind, own, copy in planted]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--sets", default=",".join((*IMAGES, *TEXTS)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=MOST, help="examples of a set that are embedded")
    parser.add_argument("--only", choices=("labels", "duplicates"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.data is None:
        parser.error("give --data FOLDER or set ADVISOR_BENCH_DATA")
    outcome: dict[str, Any] = {}
    good, missed = 0, 0
    for name in given.sets.split(","):
        found = outcome.setdefault(name, {})
        if given.only != "duplicates":
            truth, rows = features(name, Path(given.data), given.most)
            runs = [labels_found(truth, rows, seed) for seed in range(given.seeds)]
            found["labels"] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
            found["labels"]["examples"] = len(truth)
            found["labels"]["worst_precision_at_half"] = min(run["precision_at_half"] for run in runs)
            good += found["labels"]["precision_at_half"] >= PRECISION
            print(name, "labels", json.dumps(found["labels"]), flush=True)
        if given.only != "labels":
            found["duplicates"] = duplicates_found(name, Path(given.data), 0)
            missed += found["duplicates"]["missed"]
            print(name, "duplicates", json.dumps(found["duplicates"]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(outcome, indent=1), encoding="utf-8")
    enough = given.only == "duplicates" or good >= min(2, len(outcome))
    return 0 if enough and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
