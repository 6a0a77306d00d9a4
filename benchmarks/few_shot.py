"""Does contrastive tuning help where there are at most 16 examples of each class?

From each set 8 or 16 examples per class are drawn to learn from, a third as many to choose by, and others to judge
by, which are the same for every method of a draw. Compared: logistic regression and class prototypes on frozen
features, the better of the two by the examples to choose by, and the same two heads on the features of a body that
was tuned by contrast (`advisor/probe/few_shot.py`). What a run would keep is the better of both by the examples to
choose by. Each draw is a line of the CSV as soon as it is known; what is there is not done again.

    python benchmarks/few_shot.py --data FOLDER [--sets trec6,sst2] [--model ID] [--per-class 8,16] [--seeds 2]
                                  [--rate 5e-5] [--visits 20] [--batch 32]
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SETS = ("trec6", "sst2", "ag_news_test")
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
RESULTS = Path(__file__).parent / "results" / "few_shot.csv"
JUDGED = 200
COLUMNS = (
    "model", "set", "per_class", "seed", "rate", "visits", "batch", "learnt", "select", "judged",
    "logistic", "prototypes", "probe", "contrast_logistic", "contrast_prototypes", "contrast", "kept",
    "probe_select", "contrast_select", "seconds",
)  # fmt: skip


def draw(truth: np.ndarray, per_class: int, seed: int, judged: int) -> tuple[list[int], list[int], list[int]]:
    """Draw positions to learn from, to choose by, and to judge by, the latter in equal parts of the classes."""
    rng = np.random.default_rng(seed)
    learn: list[int] = []
    select: list[int] = []
    judge: list[int] = []
    classes = np.unique(truth)
    for label in classes:
        place = rng.permutation(np.flatnonzero(truth == label)).tolist()
        third = max(1, round(per_class / 3))
        learn += place[:per_class]
        select += place[per_class : per_class + third]
        judge += place[per_class + third : per_class + third + judged // len(classes)]
    return learn, select, judge


def read_texts(path: Path) -> tuple[Sequence[str], Sequence[str]]:
    """Read the labels and texts of a table."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row["label"] for row in rows], [row["text"] for row in rows]


def read_images(path: Path) -> tuple[Sequence[str], Sequence[str]]:
    """Read the labels and paths of a folder of images."""
    from advisor.dataset import read

    examples = read(path)
    return examples.labels, examples.contents


def measure(path: Path, weights: Any, per_class: int, seed: int, judged: int, recipe: Any) -> dict[str, Any]:
    """Draw once, and give each method's share of right answers."""
    from advisor.dataset import ImageReader
    from advisor.probe.backbone import load_backbone
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed
    from advisor.probe.few_shot import contrast
    from advisor.probe.head import fit_head
    from advisor.probe.prototypes import fit_prototypes

    images = path.is_dir()
    found_labels, all_contents = read_images(path) if images else read_texts(path)
    place = {label: number for number, label in enumerate(sorted(set(found_labels)))}
    truth = np.asarray([place[label] for label in found_labels])
    parts = draw(truth, per_class, seed, judged)
    learnt, select, judging = (truth[part] for part in parts)
    contents = [[all_contents[i] for i in part] for part in parts]
    body = load_backbone(weights, ImageReader(path) if images else None)  # type: ignore[arg-type]
    clock = Clock(None, time.monotonic(), lambda: False, time.monotonic)
    found: dict[str, Any] = {"learnt": len(learnt), "select": len(select), "judged": len(judging)}
    best: dict[str, tuple[float, float]] = {}
    for prefix in ("", "contrast_"):
        if prefix:
            since = time.monotonic()
            contrast(body, contents[0], learnt, recipe, clock, seed=seed)
            found["seconds"] = round(time.monotonic() - since, 1)
        rows = embed(body, [text for part in contents for text in part], clock)
        ends = np.cumsum([len(part) for part in contents])
        features, chooses, judges = rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] :]
        heads = {
            f"{prefix}logistic": fit_head(features, learnt, len(place), seed=seed),
            f"{prefix}prototypes": fit_prototypes(features, learnt, len(place)),
        }
        found |= {kind: _right(head, judges, judging) for kind, head in heads.items()}
        chosen = max(heads.values(), key=lambda head: _right(head, chooses, select))
        kind = "contrast" if prefix else "probe"
        found[kind], found[f"{kind}_select"] = (
            _right(chosen, judges, judging),
            _right(chosen, chooses, select),
        )
        best[kind] = (found[f"{kind}_select"], found[kind])
    found["kept"] = best["contrast"][1] if best["contrast"][0] > best["probe"][0] else best["probe"][1]
    return found


def _right(head: Any, rows: np.ndarray, truth: np.ndarray) -> float:
    return round(float((head.probabilities(rows).argmax(axis=1) == truth).mean()), 4)


def known(path: Path) -> list[dict[str, str]]:
    """Read the draws that are done."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def is_of(row: dict[str, str], cell: dict[str, Any]) -> bool:
    """Say whether a line of the CSV is the draw of a cell."""
    return all(row[key] == str(value) for key, value in cell.items())


def main() -> int:
    from speed import weights_of

    from advisor.probe.few_shot import RECIPES, Contrast

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--per-class", default="8,16")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--judged", type=int, default=JUDGED)
    parser.add_argument("--rate", type=float, help="the product's for the kind of data if not given")
    parser.add_argument("--visits", type=int, help="likewise")
    parser.add_argument("--batch", type=int, help="likewise")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.data is None:
        parser.error("give --data FOLDER or set ADVISOR_BENCH_DATA")
    weights = weights_of(given.model)
    usual = RECIPES["image-classification" if weights.loader == "timm" else "text-classification"]
    recipe = Contrast(given.rate or usual.rate, given.visits or usual.visits, given.batch or usual.batch_size)
    cells = [
        {
            "model": given.model, "set": name, "per_class": per, "seed": seed,
            "rate": recipe.rate, "visits": recipe.visits, "batch": recipe.batch_size,
        }
        for seed in range(given.seeds)
        for name in given.sets.split(",")
        for per in map(int, given.per_class.split(","))
    ]  # fmt: skip
    for cell in cells:
        if any(is_of(row, cell) for row in known(given.out)):
            continue
        path = Path(given.data) / cell["set"]
        origin = path / "data.csv" if (path / "data.csv").exists() else path
        found = measure(origin, weights, cell["per_class"], cell["seed"], given.judged, recipe)
        new = not given.out.exists()
        with given.out.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow({**cell, **found})
        print({**cell, **found}, flush=True)
    rows = [row for row in known(given.out) if any(is_of(row, cell) for cell in cells)]
    for kind in ("logistic", "prototypes", "probe", "contrast", "kept"):
        print(f"{kind:10} {100 * np.mean([float(row[kind]) for row in rows]):.1f} % of {len(rows)} draws")
    kept, probe = (np.array([float(row[kind]) for row in rows]) for kind in ("kept", "probe"))
    return 0 if kept.mean() >= probe.mean() else 1


if __name__ == "__main__":
    sys.exit(main())
