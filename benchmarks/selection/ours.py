"""What does the product choose, on the examples that truth.py learnt from and in a share of its seconds?

For every data set and seed of truth.csv whose models are all done, the training examples are laid down as a user would
give them, and `run_probe` and `decide` are asked with a budget of a share of what fine-tuning every model took. One row
per data set, seed and share is appended to ours.csv; what is there is not done again.

    python benchmarks/selection/ours.py --data FOLDER --models FOLDER [--shares 0.1,0.25] [--minutes 60]
"""

import argparse
import csv
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import slices
import truth
from evidence import Run, complete, read_truth

HERE = Path(__file__).parent
OURS = HERE / "ours.csv"
ACCURACY = {"accuracy": 5, "latency": 0, "memory": 0, "training_cost": 0, "cost": 0, "maturity": 0}
FIELDS = (
    "set",
    "seed",
    "share",
    "budget_s",
    "elapsed_s",
    "winner",
    "reached",
    "p_best",
    "ranking",
    "because",
)


def lay_down(data: Any, train: list[int], folder: Path) -> Path:
    """Write the training examples as a folder of images or a table of texts."""
    if data.task == "image-classification":
        root = folder / "images"
        for i in train:
            place = root / data.labels[i] / Path(data.contents[i]).name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data.origin / data.contents[i], place)
        return root
    table = folder / "data.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((data.contents[i], data.labels[i]) for i in train)
    return table


def ranked(decision: Any, advice: Any, run: Run) -> list[str]:
    """Rank all models of the benchmark, reached or not.

    A model that was not reached stands before the winner if it is more likely than not to be better. What the decision
    does not speak of follows in the order of the advice.
    """
    places = {candidate.model: -1000.0 - candidate.rank for candidate in advice.shortlist}
    places |= {model: 1.0 - place for place, model in enumerate(decision.ranking, start=1)}
    places |= {model: share - 0.5 for model, share in decision.unreached.items()}
    return sorted(run.accuracy, key=lambda model: (-places.get(model, -2000.0), model))


def ask(run: Run, share: float, data: Any) -> dict[str, Any]:
    """Probe and decide within a share of the seconds that fine-tuning everything took; no features are known yet."""
    from advisor import Brief, decide, run_probe
    from advisor.jobs.folder import RunFolder

    train, _ = truth.draw(data.labels, data.groups, run.seed)
    budget = share * run.seconds
    with tempfile.TemporaryDirectory(prefix="selection-") as scratch:
        folder = Path(scratch)
        os.environ["ADVISOR_HOME"] = str(folder / "home")
        where = lay_down(data, train, folder)
        out = folder / "run"
        brief = Brief(task=data.task, priorities=ACCURACY)
        probe = run_probe(
            brief, where, out, budget_s=budget, models=tuple(run.accuracy), seed=run.seed, offline=True
        )
        advice = RunFolder(out).advice()
        decision = decide(probe, advice, seed=run.seed)
    models = ranked(decision, advice, run)
    reached = len(set(models) & set(decision.ranking))
    return {
        "set": run.set, "seed": run.seed, "share": share, "budget_s": round(budget, 1),
        "elapsed_s": round(probe.elapsed_s, 1), "winner": models[0], "reached": reached,
        "p_best": f"{decision.p_best.get(models[0], 0.0):.4f}", "ranking": " ".join(models),
        "because": decision.because,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--shares", default="0.1")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--truth", type=Path, default=truth.TRUTH)
    parser.add_argument("--out", type=Path, default=OURS)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
    until = time.monotonic() + 60 * options.minutes
    done = slices.by_share(options.out)
    for share in map(float, options.shares.split(",")):
        for run in complete(read_truth(options.truth)):
            if (run.set, run.seed, share) in done:
                continue
            if time.monotonic() + share * run.seconds > until:
                print("time is up; run again to go on")
                return 0
            row = ask(run, share, truth.read_set(options.data, run.set))
            slices.append(options.out, FIELDS, row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
