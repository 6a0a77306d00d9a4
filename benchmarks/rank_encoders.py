"""Who ranks text encoders sooner, and better: the first rungs of a probe, or the package transformer-ranker?

    python benchmarks/rank_encoders.py --data FOLDER --models FOLDER --python PYTHON [--sets trec6,sst2] [--csv FILE]

Both get the examples that `selection/truth.py` learnt from with seed 0 and run by turns of a few seconds on all cores;
the ranking is judged by the accuracy after full fine-tuning, in the mean over the seeds of `selection/truth.csv`. A
probe's seconds are those of its process until every encoder has finished its first rung, and of the decision.
`--python` names the Python of an environment with the package. Exits with 1 where the probe is slower or agrees less,
in the mean over the sets.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from by_hand import probing, threads
from scipy.stats import weightedtau
from turns import Program, in_turns

from advisor import Brief, decide
from advisor.jobs.finish import collect
from advisor.jobs.prepare import prepare
from advisor.jobs.records import Plan
from advisor.jobs.request import ProbeRequest

sys.path.insert(0, str(Path(__file__).parent / "selection"))
import ranker
import truth
from compare import final
from evidence import Run, Scores, complete, read_truth
from ours import ACCURACY, lay_down

TASK = "text-classification"


def side_by_side(run: Run, data: Path, python: Path, place: Path) -> tuple[list[float], list[Scores]]:
    """Let both rank the encoders of one set.

    :return: the seconds of each, the probe's first, and what each gives a model.
    """
    texts = truth.read_set(data, run.set)
    learnt, _ = truth.draw(texts.labels, texts.groups, run.seed)
    command, where = ranker.laid(python, place, texts, learnt, list(run.accuracy), threads())
    told = place / "scores.json"
    plan = Plan.model_validate({"models": {model: ("linear-probe",) for model in run.accuracy}, "checks": ()})
    brief, table = Brief(task=TASK, priorities=ACCURACY), lay_down(texts, learnt, place)
    probe = prepare(
        ProbeRequest(
            brief, table, place / "run", budget_s=3600, models=tuple(run.accuracy), plan=plan, offline=True
        )
    )
    home = {"ADVISOR_HOME": f"{place}/home"}
    spent = in_turns(
        Program(probing(probe), place / "log", home, lambda: all(map(probe.rungs, run.accuracy))),
        Program(command, told),
    )
    since = time.monotonic()
    ranking = decide(collect(probe), probe.advice(), seed=run.seed).ranking
    spent[0] += time.monotonic() - since
    _, theirs = ranker.read(told.read_text(), where)
    ours = {model: -float(ranking.index(model)) for model in run.accuracy}
    return spent, [ours, theirs]


def agreement(scores: Scores, accuracy: Scores) -> float:
    """Weighted tau of scores with the accuracy after fine-tuning."""
    return float(weightedtau([scores[model] for model in accuracy], list(accuracy.values())).statistic)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", help="some of those of truth.csv; all if left out")
    parser.add_argument("--csv", type=Path)
    options = ranker.parsed(parser)
    runs = complete(read_truth(truth.TRUTH))
    chosen = options.sets.split(",") if options.sets else {run.set for run in runs}
    rows = []
    for run in runs:
        if run.kind != "text" or run.seed != 0 or run.set not in chosen:
            continue
        with tempfile.TemporaryDirectory(prefix="encoders-") as place:
            os.environ["ADVISOR_HOME"] = f"{place}/home"
            spent, found = side_by_side(run, options.data, options.python, Path(place))
        taus = [agreement(scores, final(runs, run.set)) for scores in found]
        rows.append((run.set, *spent, spent[0] / spent[1], *taus))
        print("{:16}{:8.1f}{:8.1f}{:8.2f}{:8.2f}{:8.2f}".format(*rows[-1]), flush=True)
    ours, theirs, _, mine, other = np.mean([row[1:] for row in rows], axis=0)
    print(f"{'mean':16}{ours:8.1f}{theirs:8.1f}{ours / theirs:8.2f}{mine:8.2f}{other:8.2f}")
    if options.csv:
        with options.csv.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("set", "advisor_s", "ranker_s", "ratio", "advisor_tau", "ranker_tau"))
            writer.writerows(rows)
    return 0 if ours <= theirs and mine >= other else 1


if __name__ == "__main__":
    sys.exit(main())
