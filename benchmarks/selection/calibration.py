"""Among decisions that say 80 %, are about 80 % right? Subsamples of the sets whose outcome truth.py knows.

Every draw takes some training examples of a set and seed, and a random handful of the models, as what a user might
have; the linear probes are cross-validated and scored as a first rung does, on the frozen features that truth.py kept,
and the public `decide` chooses. It is right if its winner ended best after full fine-tuning, in the mean over seeds;
of several that share that place each counts its part. Later rungs are not climbed: the decision speaks of what it
expects of tuning.

    python benchmarks/selection/calibration.py --models FOLDER --features FOLDER --work FILE [--draws 20]
                                               [--csv FILE] [--fit]

One data set is left out at a time: `advisor.doubt` is fitted on the others and used for its decisions. The draws are
kept in the file of `--work`, which goes on where it stopped. Exits with 1 when the promise is broken.
"""

import argparse
import csv
import json
import os
import re
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import truth
from compare import TASK, final
from evidence import Run, complete, features_of, read_truth
from numpy.typing import NDArray

SHARES = (0.3, 0.5, 0.75, 1.0)
BINS = 10
MOST_ECE = 0.08
FEWEST = 300
GRID = tuple(product((1.0,), (0.5, 1.0, 2.0, 4.0, 8.0), (1.0, 1.5, 2.0, 3.0)))
FIELDS = ("set", "seed", "draw", "examples", "models", "winner", "p_best", "right", "regret")
Floats = NDArray[np.float64]
Draw = dict[str, Any]


def draw(run: Run, number: int, folder: Path) -> Draw | None:
    """Let one user probe; None where no class has enough examples."""
    from advisor.probe.head import fit_head, out_of_fold
    from advisor.probe.transfer import transferability

    rng = np.random.default_rng((crc32(run.set.encode()), run.seed, number))
    models = sorted(run.accuracy)
    chosen = sorted(rng.permutation(models)[: int(rng.integers(2, len(models) + 1))].tolist())
    size = round(float(rng.choice(SHARES)) * run.train)
    pick = rng.permutation(run.train)[:size]
    select = size // 4
    found: dict[str, Any] = {}
    labels: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    for model in chosen:
        features, every = features_of(folder, run, model)
        labels = np.unique(every[pick], return_inverse=True)[1].astype(np.int64)
        values, k = features[pick], int(labels.max()) + 1
        learnt = size - select
        if len(np.unique(labels[:learnt])) < k or np.bincount(labels).min() < 2:
            return None
        head = fit_head(values[:learnt], labels[:learnt], k, seed=0)
        cross = out_of_fold(values, labels, k, seed=0, strength=head.strength)
        found[model] = {
            "select": head.probabilities(values[learnt:]).argmax(axis=1).tolist(),
            "cross": None if cross is None else cross.argmax(axis=1).tolist(),
            "logme": transferability(values, labels)["logme"],
        }
    return {
        "set": run.set, "seed": run.seed, "draw": number, "kind": run.kind, "learnt": size - select,
        "truth": labels.tolist(), "models": found,
    }  # fmt: skip


def gather(runs: Sequence[Run], draws: int, folder: Path, work: Path) -> list[Draw]:
    """Draw what is missing, and read all."""
    lines = work.read_text(encoding="utf-8").splitlines() if work.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(row["set"], row["seed"], row["draw"]) for row in rows}
    with work.open("a", encoding="utf-8") as out:
        for number, run in product(range(draws), runs):
            if (run.set, run.seed, number) in done:
                continue
            row = draw(run, number, folder) or {"set": run.set, "seed": run.seed, "draw": number}
            out.write(json.dumps(row) + "\n")
            out.flush()
            rows.append(row)
    known = {(run.set, run.seed) for run in runs}
    return [row for row in rows if "models" in row and (row["set"], row["seed"]) in known]


def standings() -> dict[str, dict[str, tuple[float, float]]]:
    """Place all models of each kind as the advisor does before a probe; those with published results only."""
    from advisor import Brief
    from advisor.knowledge import load_knowledge
    from advisor.prior import standing
    from advisor.weights import local_cards

    knowledge = load_knowledge().with_models(local_cards())
    found = {}
    for kind, models in (("image", truth.IMAGE_MODELS), ("text", truth.TEXT_MODELS)):
        cards = [knowledge.model(model) for model in models]
        places = standing(cards, knowledge.task(TASK[kind]), knowledge, Brief(task=TASK[kind]))
        found[kind] = {model: place for model, place in places.items() if knowledge.results_of(model)}
    return found


def probe_of(row: Draw, places: dict[str, tuple[float, float]]) -> Any:
    """What the decision may see of a draw."""
    from advisor.result import Evidence, ModelResult, ProbeResult

    models = row["models"]
    cross = {m: np.asarray(one["cross"], dtype=np.int64) for m, one in models.items() if one["cross"]}
    everything = np.asarray(row["truth"], dtype=np.int64)
    evidence = Evidence(
        labels=tuple(map(str, range(int(everything.max()) + 1))),
        truth=everything[row["learnt"] :],
        predictions={m: np.asarray(one["select"], dtype=np.int64) for m, one in models.items()},
        standing={m: places[m] for m in models if m in places},
        learnt=dict.fromkeys(models, row["learnt"]),
        available=len(everything),
        cross_truth=everything if cross else everything[:0],
        cross=cross,
        first_best=frozenset(cross),
        modality=row["kind"],
        logme={m: {len(everything): one["logme"]} for m, one in models.items()},
    )
    results = tuple(ModelResult(model=m, kind="weights", status="ok") for m in models)
    return ProbeResult(
        budget_s=300, elapsed_s=0, seed=0, machine={}, versions={}, results=results, evidence=evidence
    )  # fmt: skip


def right(row: Draw, ends: dict[str, float]) -> dict[str, float]:
    """Give each model its part of the place of the best."""
    best = max(ends[model] for model in row["models"])
    top = [model for model in row["models"] if ends[model] > best - 1e-9]
    return {model: (1 / len(top) if model in top else 0.0) for model in row["models"]}


def losses(rows: Sequence[Draw], probes: Sequence[Any], ends: dict[str, dict[str, float]]) -> Floats:
    """Score every doubt of the grid on every draw: the log loss of the truly best model, (draws, doubts)."""
    from advisor.doubt import Doubt
    from advisor.posterior import join, measure

    table = np.zeros((len(rows), len(GRID)))
    for at, (row, probe) in enumerate(zip(rows, probes, strict=True)):
        measured = measure(probe.evidence, "accuracy", probe.results, 0)
        best = right(row, ends[row["set"]])
        for column, values in enumerate(GRID):
            p = join(measured, 0, Doubt(*values), 1000).p_best(measured.models)
            table[at, column] = -sum(best[m] * np.log(max(p[m], 1e-3)) for m in measured.models)
    return table


def fitted(rows: Sequence[Draw], table: Floats, without: str | None = None) -> Any:
    """Choose the doubt with the least loss, averaged over data sets."""
    from advisor.doubt import Doubt

    of = np.array([row["set"] for row in rows])
    means = [table[of == name].mean(axis=0) for name in sorted(set(of)) if name != without]
    return Doubt(*GRID[int(np.mean(means, axis=0).argmin())])


def alone(row: Draw, places: dict[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    """What one figure alone says of each model of a draw, on the same examples as the decision."""
    everything = np.asarray(row["truth"])
    select = everything[row["learnt"] :]
    right_of = {
        m: np.asarray(one["cross"]) == everything if one["cross"] else np.asarray(one["select"]) == select
        for m, one in row["models"].items()
    }
    return {
        "LogME": {m: one["logme"] for m, one in row["models"].items()},
        "linear probe": {m: float(was.mean()) for m, was in right_of.items()},
        "prior": {m: places.get(m, (0.0, 0.0))[0] for m in row["models"]},
    }


def beside(
    rows: Sequence[Draw],
    ours: Sequence[float],
    ends: dict[str, dict[str, float]],
    places: dict[str, dict[str, tuple[float, float]]],
) -> None:
    """Print the mean regret of the decision beside that of each figure alone; every set counts the same."""
    found: dict[str, dict[str, list[float]]] = {}
    for row, gap in zip(rows, ours, strict=True):
        of = ends[row["set"]]
        best = max(of[model] for model in row["models"])
        gaps = {"decision": gap}
        for name, scores in alone(row, places[row["kind"]]).items():
            gaps[name] = best - of[max(scores, key=lambda m: (scores[m], m))]
        for name, value in gaps.items():
            found.setdefault(f"{row['kind']}s, {name}", {}).setdefault(row["set"], []).append(100 * value)
    for name, of_set in sorted(found.items()):
        print(
            f"    mean regret on the same examples, {name}: {np.mean([np.mean(v) for v in of_set.values()]):.2f}"
        )


def calibration_error(said: Floats, was: Floats) -> float:
    """Mean distance of what was said from what was, over bins of equally many decisions."""
    order = np.argsort(said, kind="stable")
    parts = [one for one in np.array_split(order, BINS) if len(one)]
    return float(sum(len(one) * abs(said[one].mean() - was[one].mean()) for one in parts) / len(said))


def resampled(rows: Sequence[Draw], said: Floats, was: Floats) -> tuple[float, float]:
    """95 % of the calibration error when whole data sets are drawn again."""
    rng = np.random.default_rng(0)
    names = sorted({row["set"] for row in rows})
    at = {name: np.flatnonzero([row["set"] == name for row in rows]) for name in names}
    errors = []
    for _ in range(300):
        chosen = np.concatenate([at[name] for name in rng.choice(names, len(names))])
        errors.append(calibration_error(said[chosen], was[chosen]))
    low, high = np.quantile(errors, (0.025, 0.975))
    return float(low), float(high)


def judge(rows: Sequence[Draw], ends: dict[str, dict[str, float]], table: Path | None, fit: bool) -> int:
    """Print and write how often what was said is right."""
    from advisor import decide
    from advisor.brief import Brief
    from advisor.doubt import DOUBT
    from advisor.recommendation import Recommendation

    places = standings()
    probes = [probe_of(row, places[row["kind"]]) for row in rows]
    loss = losses(rows, probes, ends)
    names = sorted({row["set"] for row in rows})
    without = {name: fitted(rows, loss, name) for name in names}
    error = 1.0
    for way in ("as shipped", "as fitted without the set"):
        lines = []
        for row, probe in zip(rows, probes, strict=True):
            doubt = DOUBT if way == "as shipped" else without[row["set"]]
            brief = Brief(task=TASK[row["kind"]])
            found = decide(probe, Recommendation(brief=brief, considered=0, shortlist=()), doubt=doubt)
            assert found.winner
            of = ends[row["set"]]
            gap = max(of[model] for model in row["models"]) - of[found.winner]
            lines.append(
                (row["set"], row["seed"], row["draw"], len(row["truth"]), len(row["models"]), found.winner,
                 found.p_best[found.winner], right(row, of)[found.winner], gap)
            )  # fmt: skip
        said, was = (np.array([line[place] for line in lines], dtype=np.float64) for place in (6, 7))
        error = calibration_error(said, was)
        low, high = resampled(rows, said, was)
        gaps = 100 * float(np.mean([line[8] for line in lines]))
        print(
            f"{way}: {len(lines)} decisions of {len(names)} sets say {said.mean():.3f}, right {was.mean():.3f}, "
            f"calibration error {error:.3f} ({low:.3f} to {high:.3f}), mean regret {gaps:.2f} points"
        )
        for kind in ("image", "text"):
            of_kind = np.array([row["kind"] == kind for row in rows])
            if of_kind.any():
                print(f"    {kind}s: say {said[of_kind].mean():.3f}, right {was[of_kind].mean():.3f}")
    order = np.argsort(said, kind="stable")
    for one in np.array_split(order, BINS):
        print(f"    says {said[one].mean():.3f}  right {was[one].mean():.3f}  of {len(one)}")
    beside(rows, [line[8] for line in lines], ends, places)
    whole = fitted(rows, loss)
    print(
        "left out:", ", ".join(f"{name} {doubt.learning}/{doubt.tuning}" for name, doubt in without.items())
    )
    print(f"fitted on all sets: {whole}; shipped: {DOUBT}")
    if table:
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(FIELDS)
            writer.writerows((*line[:6], *(f"{value:.4f}" for value in line[6:])) for line in lines)
    if fit:
        write_doubt(whole)
    kept = error <= MOST_ECE and len(rows) >= FEWEST
    print("the promise is kept" if kept else "BROKEN")
    return 0 if kept else 1


def write_doubt(found: Any) -> None:
    """Put the fitted values where the decision reads them."""
    from advisor import doubt

    path = Path(doubt.__file__)
    line = f"DOUBT = {found!r}"
    text = re.sub(r"^DOUBT = .*$", line, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", type=Path, required=True, help="what truth.py --features kept")
    parser.add_argument("--work", type=Path, required=True, help="file to keep the draws in")
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--truth", type=Path, default=truth.TRUTH)
    parser.add_argument("--draws", type=int, default=20, help="of each set and seed")
    parser.add_argument("--csv", type=Path, help="where to write one line for each decision")
    parser.add_argument("--fit", action="store_true", help="write the fitted values into advisor/doubt.py")
    options = parser.parse_args()
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
    runs = complete(read_truth(options.truth))
    rows = gather(runs, options.draws, options.features, options.work)
    ends = {run.set: final(runs, run.set) for run in runs}
    return judge(rows, ends, options.csv, options.fit)


if __name__ == "__main__":
    sys.exit(main())
