"""What the selection benchmark measures: the truth table, and what cheap evidence says in how many seconds."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import truth

from advisor.probe.head import fit_head
from advisor.probe.transfer import transferability

FOLDS = 4
FEWEST = 10
Scores = dict[str, float]


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one model on one set and seed."""

    load: float
    embed: float
    tune: float

    @property
    def whole(self) -> float:
        """What fine-tuning takes, with all that comes before it."""
        return self.load + self.embed + self.tune


@dataclass(frozen=True)
class Run:
    """One set and seed of the truth table: accuracy after full fine-tuning, and by the linear probe, per model."""

    set: str
    seed: int
    kind: str
    train: int
    accuracy: Scores
    probe: Scores
    costs: Mapping[str, Cost]

    @property
    def seconds(self) -> float:
        """What fine-tuning every model took."""
        return sum(cost.whole for cost in self.costs.values())


def read_truth(path: Path) -> list[Run]:
    """Read the truth table."""
    rows: dict[tuple[str, int], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["set"], int(row["seed"])), []).append(row)
    return [
        Run(
            set=name,
            seed=seed,
            kind=found[0]["kind"],
            train=int(found[0]["train"]),
            accuracy={row["model"]: float(row["accuracy"]) for row in found},
            probe={row["model"]: float(row["probe_accuracy"]) for row in found},
            costs={
                row["model"]: Cost(
                    float(row["load_s"]), float(row["embed_s"]), float(row["fit_s"]) + float(row["tune_s"])
                )
                for row in found
            },
        )
        for (name, seed), found in rows.items()
    ]


def complete(runs: Sequence[Run]) -> list[Run]:
    """Keep the runs that hold every model of their kind."""
    every = {"image": truth.IMAGE_MODELS, "text": truth.TEXT_MODELS}
    return [run for run in runs if set(every[run.kind]) <= set(run.accuracy)]


def linear_probe(features: np.ndarray, labels: np.ndarray) -> float:
    """Cross-validated accuracy of a logistic regression; C is chosen once, by examples of all folds."""
    from sklearn.model_selection import KFold

    k = int(labels.max()) + 1
    strength = fit_head(features, labels, k, seed=0).strength
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    right = 0
    for learnt, judged in folds.split(features):
        head = fit_head(features[learnt], labels[learnt], k, seed=0, strength=strength)
        right += int((head.probabilities(features[judged]).argmax(axis=1) == labels[judged]).sum())
    return right / len(labels)


def scored(name: str) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda features, labels: transferability(features, labels)[name]


CHEAP: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "linear probe": linear_probe, "kNN": scored("knn_accuracy"), "LogME": scored("logme"), "H-score": scored("h_score"),
}  # fmt: skip


def features_of(folder: Path, run: Run, model: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the frozen features of the training examples, in the order in which they were drawn."""
    with np.load(
        folder / f"{run.set}-{run.seed}-{model.replace('/', '~')}.npz", allow_pickle=False
    ) as stored:
        return stored["train"], stored["train_truth"]


@cache
def importing() -> float:
    """CPU seconds of importing what every method needs and what no model was charged for; the least of three.

    What timm and transformers take is in the load of the model that came first in a slice of `truth.py`.
    """
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-c", "import torch, sklearn.linear_model"], check=True)
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))
    return min(seconds)


def afforded(run: Run, share: float) -> tuple[list[str], int]:
    """Say which models can be embedded in a share of the seconds, and on how many training examples each.

    The dearest models are left out until ten examples can be had of every other.
    """
    models = sorted(run.costs, key=lambda model: run.costs[model].load + run.costs[model].embed)
    while models:
        room = share * run.seconds - importing() - sum(run.costs[model].load for model in models)
        examples = int(room / sum(run.costs[model].embed for model in models) * run.train)
        if examples >= FEWEST:
            return models, min(examples, run.train)
        models = models[:-1]
    return [], 0


def cheap(run: Run, share: float, folder: Path, method: str) -> tuple[Scores, float]:
    """Score the models by a cheap method within a share of the seconds of fine-tuning all of them.

    :return: model → score for those that could be afforded, and the CPU seconds that it took.
    """
    models, examples = afforded(run, share)
    found: Scores = {}
    spent = importing() if models else 0.0
    for model in models:
        features, labels = features_of(folder, run, model)
        since = time.process_time()
        chosen = np.unique(labels[:examples], return_inverse=True)[1]
        if chosen.max() > 0:
            found[model] = CHEAP[method](features[:examples], chosen)
        spent += time.process_time() - since
        spent += run.costs[model].load + run.costs[model].embed * examples / run.train
    return found, spent
