"""How good is each model in the end? Full fine-tuning on a sample of each data set, judged on all that remains.

This is the truth that the selection benchmark holds advice and probes against. It shares the readers and the weights
with the product, not the tuning: all layers learn, from the head of the linear probe on, with layer-wise rates, a
warm-up, label smoothing, dropout, weight decay and batch norm as it was pretrained. Images are learnt from and judged
at the checkpoint's own size; texts are cut to 64 tokens. One row per data set, seed and model is appended to the table
as soon as it is known, so the work can be cut into slices; what is there is not done again. All models of a set and
seed come before the next set, texts and images in turn.

    python benchmarks/selection/truth.py --data FOLDER --models FOLDER [--minutes 60] [--sets flowers5,sst2]

FOLDER of `--data` holds the data sets; that of `--models` models in hub layout beside the starter models.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import slices

HERE = Path(__file__).parent
TRUTH = HERE / "truth.csv"
FIELDS = (
    "set", "seed", "model", "kind", "train", "judged", "probe_accuracy", "accuracy", "epochs", "steps",
    "load_s", "embed_s", "fit_s", "tune_s",
)  # fmt: skip
IMAGE_SETS = ("flowers5", "rice_leaf_disease3", "grocery16", "ants_bees", "digits", "blood_cells3")
TEXT_SETS = ("trec6", "sst2", "clinc150_small", "sms_spam", "ag_news_test", "reuters_r8")
IMAGE_MODELS = (
    "timm/tf_efficientnet_lite0.in1k", "timm/tf_efficientnet_lite1.in1k", "timm/tf_efficientnet_lite2.in1k",
    "mobilenetv1_100.coral_in1k", "mobilenetv2_100.coral_in1k", "mobilenetv2_100.coral_inat_insects",
    "mobilenetv2_100.keras_in1k_160", "efficientnet_b0.drawn_photo",
)  # fmt: skip
TEXT_MODELS = (
    "sentence-transformers/all-MiniLM-L6-v2", "paraphrase-MiniLM-L3-v2", "sre-embedding-model",
    "sentence-transformers/all-mpnet-base-v2",
)  # fmt: skip
AS_THEY_ARE = ("digits",)
"""Sets that are learnt from without random crops and mirroring: a mirrored or cut digit is another one, or none."""
MOST_TRAIN = 200
MOST_JUDGED = 600
SEEDS = (0, 1)
BATCH = 16
TOKENS = 64


@dataclass(frozen=True)
class Recipe:
    """How a model is fine-tuned in full; the rate falls by `decay` from each layer to the one below."""

    epochs: int
    rate: float
    decay: float
    head_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: float = 0.1
    smoothing: float = 0.1
    dropout: float = 0.2


RECIPES = {"image": Recipe(6, 1e-4, 0.85), "text": Recipe(8, 1e-4, 0.85)}


def draw(labels: Sequence[str], groups: Sequence[int], seed: int) -> tuple[list[int], list[int]]:
    """Draw the training examples, class by class; duplicates of them are not judged.

    :return: indices to learn from, at most three in five, and `MOST_TRAIN` or four for each class if that is more; and
        all others, at most `MOST_JUDGED`.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    size = min(max(MOST_TRAIN, 4 * len(set(labels))), 3 * len(labels) // 5)
    splitter = StratifiedShuffleSplit(n_splits=1, train_size=size, random_state=seed)
    targets = np.array(list(labels), dtype=object)
    train, rest = next(splitter.split(np.zeros(len(labels)), targets))
    taken = {groups[i] for i in train}
    judged = [int(i) for i in rest if groups[i] not in taken]
    random.Random(0).shuffle(judged)
    return [int(i) for i in train], judged[:MOST_JUDGED]


def depths(module: Any) -> dict[str, int]:
    """Give each parameter the number of its layer, counted from the input."""
    matcher = getattr(module, "group_matcher", None)
    if matcher is not None:
        from timm.models import group_parameters

        groups = group_parameters(module, matcher(coarse=True))
        return {name: depth for depth, key in enumerate(sorted(groups)) for name in groups[key]}
    found = {name: re.search(r"layers?\.(\d+)\.", name) for name, _ in module.named_parameters()}
    return {name: int(match[1]) + 1 if match else 0 for name, match in found.items()}


def images(
    transform: Callable[[Any], Any], backbone: Any, contents: Sequence[str], learning: bool
) -> Callable[[Sequence[int]], Any]:
    """Give batches of images; those to learn from are cropped and mirrored at random."""
    import torch
    from timm.data import create_transform

    size = transform.transforms[-1]
    crop = next(
        step for step in transform.transforms if hasattr(step, "size") and "Crop" in type(step).__name__
    )
    loud = create_transform(
        crop.size[0], is_training=True, scale=(0.5, 1.0), ratio=(0.85, 1.18), color_jitter=0.2,
        mean=tuple(float(v) for v in size.mean), std=tuple(float(v) for v in size.std), interpolation="bicubic",
    )  # fmt: skip
    change = loud if learning else transform

    def batch(chosen: Sequence[int]) -> Any:
        found = torch.stack([change(backbone.open_image(contents[i])) for i in chosen])
        return found.contiguous(memory_format=torch.channels_last)

    return batch


def fine_tune(
    backbone: Any, head: Any, batch: Callable[[Sequence[int]], Any], truth: Any, recipe: Recipe, seed: int
) -> int:
    """Tune all layers and the head in place; batch norm keeps the statistics of its pretraining.

    :return: the steps taken.
    """
    import torch

    torch.manual_seed(seed)
    random.seed(seed)
    order = np.random.default_rng(seed)
    layer = depths(backbone.module)
    top = max(layer.values())
    groups = [
        {"params": [value], "peak": recipe.rate * recipe.decay ** (top - layer[name])}
        for name, value in backbone.module.named_parameters()
    ]
    for group in groups:
        group["params"][0].requires_grad_(True)
    groups.append({"params": list(head.linear.parameters()), "peak": recipe.head_rate})
    optimiser = torch.optim.AdamW(groups, lr=0.0, weight_decay=recipe.weight_decay)
    weights = [p for group in groups for p in group["params"]]
    steps = recipe.epochs * (len(truth) // BATCH)
    step = 0
    for _ in range(recipe.epochs):
        shuffled = order.permutation(len(truth))
        for at in range(0, len(truth) - BATCH + 1, BATCH):
            chosen = shuffled[at : at + BATCH]
            rising = max(1, round(steps * recipe.warm_up))
            share = (
                (step + 1) / rising
                if step < rising
                else 0.5 * (1 + np.cos(np.pi * (step - rising) / (steps - rising)))
            )
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * share
            optimiser.zero_grad()
            logits = head(backbone.forward(batch(chosen)), recipe.dropout)
            target = torch.from_numpy(truth[chosen])
            torch.nn.functional.cross_entropy(logits, target, label_smoothing=recipe.smoothing).backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            step += 1
    return step


def embed(backbone: Any, batch: Callable[[Sequence[int]], Any], contents: Sequence[str]) -> Any:
    """Give the features of n examples: (n, d) float32. Texts of about one length share a batch."""
    import torch

    order = sorted(range(len(contents)), key=lambda i: -len(contents[i]))
    with torch.inference_mode():
        parts = [backbone.forward(batch(order[at : at + 32])) for at in range(0, len(order), 32)]
    return torch.cat(parts).numpy()[np.argsort(order)]


class Stopwatch:
    """CPU seconds of this process, lap by lap."""

    def __init__(self) -> None:
        self.since = time.process_time()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End a lap."""
        now = time.process_time()
        self.laps[name] = round(now - self.since, 3)
        self.since = now


def one(data: Any, name: str, model: str, seed: int, recipe: Recipe, keep: Path | None) -> dict[str, Any]:
    """Fine-tune one model on one sample of one set, and judge it; frozen features are kept in the folder `keep`.

    Embedding, fitting the head and tuning are timed on the training examples, each without judging.
    """
    import torch

    from advisor.dataset import ImageReader
    from advisor.knowledge import load_knowledge
    from advisor.probe.backbone import load_backbone
    from advisor.probe.head import fit_head
    from advisor.probe.tune import TunedHead
    from advisor.weights import local_cards, locate

    torch.set_num_threads(1)
    kind = "image" if data.task == "image-classification" else "text"
    knowledge = load_knowledge().with_models(local_cards())
    train, judged = draw(data.labels, data.groups, seed)
    index = {label: i for i, label in enumerate(data.classes)}
    truth = np.array([index[label] for label in data.labels], dtype=np.int64)
    reader = ImageReader(data.origin) if kind == "image" else None
    began = time.process_time()
    backbone = load_backbone(locate(knowledge.model(model), knowledge, offline=True), reader)
    loaded = time.process_time() - began
    if kind == "text":
        backbone.max_tokens = min(TOKENS, backbone.max_tokens)
    texts = {
        which: [data.contents[i] for i in rows] for which, rows in (("train", train), ("judged", judged))
    }

    def batches(which: str, learning: bool) -> Callable[[Sequence[int]], Any]:
        if kind == "image":
            return images(backbone.transform, backbone, texts[which], learning and name not in AS_THEY_ARE)
        return lambda chosen: backbone.prepare([texts[which][i] for i in chosen])

    clock = Stopwatch()
    features = embed(backbone, batches("train", False), texts["train"])
    clock.lap("embed")
    start = fit_head(features, truth[train], len(data.classes), seed=seed)
    clock.lap("fit")
    others = embed(backbone, batches("judged", False), texts["judged"])
    before = TunedHead(start).probabilities(others).argmax(axis=1)
    clock.lap("judge")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        place = keep / f"{name}-{seed}-{model.replace('/', '~')}.npz"
        np.savez(place, train=features, judged=others, train_truth=truth[train], judged_truth=truth[judged])
    soft = fit_head(features, truth[train], len(data.classes), seed=seed, strength=start.strength / 100)
    head = TunedHead(soft)
    steps = fine_tune(backbone, head, batches("train", True), truth[train], recipe, seed)
    clock.lap("tune")
    after = head.probabilities(embed(backbone, batches("judged", False), texts["judged"])).argmax(axis=1)
    return {
        "set": name, "seed": seed, "model": model, "kind": kind, "train": len(train), "judged": len(judged),
        "probe_accuracy": float((before == truth[judged]).mean()), "accuracy": float((after == truth[judged]).mean()),
        "epochs": recipe.epochs, "steps": steps, "load_s": round(loaded, 2), "embed_s": clock.laps["embed"],
        "fit_s": clock.laps["fit"], "tune_s": clock.laps["tune"],
    }  # fmt: skip


def known(path: Path) -> set[tuple[str, int, str]]:
    """Say what needs no work any more."""
    return {(row["set"], int(row["seed"]), row["model"]) for row in slices.read(path)}


def wanted(sets: Sequence[str], seeds: Sequence[int]) -> Iterator[tuple[str, int, str]]:
    """List what the table shall hold: all models of a set and seed, then a set of the other kind."""
    kinds = [[name for name in sets if (name in IMAGE_SETS) == image] for image in (False, True)]
    for pair in zip_longest(*kinds):
        for seed in seeds:
            for name in filter(None, pair):
                for model in IMAGE_MODELS if name in IMAGE_SETS else TEXT_MODELS:
                    yield name, seed, model


def read_set(folder: Path, name: str) -> Any:
    """Read one data set; the digits come with scikit-learn."""
    from advisor.dataset import read

    if name == "digits":
        from advisor.samples import sample

        return read(sample("images", Path(tempfile.mkdtemp(prefix="digits-"))))
    inner = folder / name
    return read(inner / "data.csv" if (inner / "data.csv").exists() else inner)


def main() -> int:
    """Work for as long as was asked, and append what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--sets", default=",".join(IMAGE_SETS + TEXT_SETS))
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--only", default="", help="models, separated by commas")
    parser.add_argument("--out", type=Path, default=TRUTH)
    parser.add_argument("--features", type=Path, help="folder to keep frozen features in, for compare.py")
    for name, kind in (("rate", float), ("epochs", int), ("decay", float)):
        parser.add_argument(f"--{name}", type=kind, help="another recipe, to try")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
    until = time.monotonic() + 60 * options.minutes
    done, sets = known(options.out), {}
    only = set(filter(None, options.only.split(",")))
    for name, seed, model in wanted(
        options.sets.split(","), [int(seed) for seed in options.seeds.split(",")]
    ):
        if (name, seed, model) in done or (only and model not in only):
            continue
        if time.monotonic() > until:
            print("time is up; run again to go on")
            return 0
        data = sets.setdefault(name, read_set(options.data, name))
        asked = RECIPES["image" if data.task == "image-classification" else "text"]
        changes = {key: getattr(options, key) for key in ("rate", "epochs", "decay") if getattr(options, key)}
        row = one(data, name, model, seed, Recipe(**(vars(asked) | changes)), options.features)
        slices.append(options.out, FIELDS, row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
