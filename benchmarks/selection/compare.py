"""Who finds the best model in the same seconds: the product, one cheap method, a leaderboard, size, or chance?

Truth is truth.csv, what the product chose ours.csv; the cheap methods are computed here from the frozen features that
truth.py kept, on as many examples as the seconds allow. A choice made on one seed's examples is judged by the accuracy
after full fine-tuning, averaged over the seeds. The noise floor is the regret of choosing by one seed of full
fine-tuning, judged by the others.

    python benchmarks/selection/compare.py --features FOLDER [--shares 0.02,0.05,0.1,0.25] [--chart FILE.svg]

"All others pooled" is the mean over all other methods at their share of the seconds, fine-tuning left out.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import slices
import truth
from evidence import CHEAP, Run, Scores, cheap, complete, read_truth
from ours import OURS
from ranker import RANKER
from scipy.stats import weightedtau

HERE = Path(__file__).parent
TIES = 500
DRAWS = 4000
YARDSTICK = {"image": ("imagenet-1k", "top1"), "text": ("mteb-eng-v2-classification", "accuracy")}
TASK = {"image": "image-classification", "text": "text-classification"}
Row = tuple[float, float, float, float]
Found = dict[str, dict[tuple[str, int], Row]]
FLOOR = "one seed of fine-tuning everything"
POOLED = "all others pooled"
TABLEAU = (
    "#4c78a8", "#f58518", "#e45756", "#72b7b2", "#54a24b", "#eeca3b", "#b279a2", "#9d755d", "#ff9da6", "#7fc97f",
)  # fmt: skip


def final(runs: Sequence[Run], name: str, but: int | None = None) -> Scores:
    """Average the accuracy after fine-tuning over the seeds of a set, but for one."""
    seeds = [run.accuracy for run in runs if run.set == name and run.seed != but]
    return {model: float(np.mean([seed[model] for seed in seeds])) for model in seeds[0]} if seeds else {}


def judged(guess: Scores, accuracy: Scores, seconds: float) -> Row:
    """Judge a ranking: regret of the first and of the best of three, in points, weighted tau, share of the seconds.

    Models without a score rank last; ties are broken at random, and the mean is taken.
    """
    models = sorted(accuracy)
    values = np.array([accuracy[model] for model in models])
    lowest = min(guess.values(), default=0.0) - 1
    scores = np.array([guess.get(model, lowest) for model in models])
    rng = np.random.default_rng(0)
    first, three = [], []
    for _ in range(TIES if len(set(scores.tolist())) < len(scores) else 1):
        order = np.lexsort((rng.random(len(scores)), -scores))
        first.append(values.max() - values[order[0]])
        three.append(values.max() - values[order[:3]].max())
    tau = float(weightedtau(scores, values).statistic) if len(set(scores.tolist())) > 1 else 0.0
    return 100 * float(np.mean(first)), 100 * float(np.mean(three)), tau, seconds


def known(kind: str, models: Sequence[str]) -> dict[str, Scores]:
    """Say what is known without looking at the data: yardstick, size, and the prior that `recommend` ranks by."""
    from advisor import Brief
    from advisor.knowledge import load_knowledge
    from advisor.prior import standing
    from advisor.weights import local_cards

    knowledge = load_knowledge().with_models(local_cards())
    cards = [knowledge.model(model) for model in models]
    mark: Scores = {}
    for model in models:
        for row in knowledge.results_of(model):
            if (row.benchmark, row.metric) == YARDSTICK[kind]:
                mark[model] = row.value
    task = TASK[kind]
    placed = standing(cards, knowledge.task(task), knowledge, Brief(task=task))
    return {
        {"image": "ImageNet order", "text": "MTEB order"}[kind]: mark,
        "parameter count": {card.id: card.parameters.value for card in cards if card.parameters},
        "prior": {model: place[0] for model, place in placed.items()},
        "random": {},
    }


def ranked(row: Mapping[str, str]) -> tuple[Scores, float]:
    """Read what the product ranked, and in which seconds."""
    return {model: -float(place) for place, model in enumerate(row["ranking"].split())}, float(
        row["elapsed_s"]
    )


def scored(row: Mapping[str, str]) -> tuple[Scores, float]:
    """Read how transformer-ranker scored the encoders, and in which seconds."""
    return json.loads(row["scores"]), float(row["seconds"])


def compare(runs: Sequence[Run], share: float, folder: Path, ours: Path, ranker: Path) -> Found:
    """Judge every method on every run at one share of the seconds."""
    from advisor.joining import join

    found: Found = {}
    asked, theirs = slices.by_share(ours, ranked), slices.by_share(ranker, scored)
    for run in runs:
        accuracy, key = final(runs, run.set), (run.set, run.seed)
        guesses = {name: (guess, 0.0) for name, guess in known(run.kind, sorted(run.accuracy)).items()}
        guesses = {
            ("yardstick order" if " order" in name else name): guess for name, guess in guesses.items()
        }
        for method in CHEAP:
            guesses[method] = cheap(run, share, folder, method)
        logme, spent = guesses["LogME"]
        guesses["prior + LogME"] = (join({"prior": guesses["prior"][0], "logme": logme}), spent)
        if (run.set, run.seed, share) in asked:
            guesses["ours"] = asked[run.set, run.seed, share]
        if (run.set, run.seed, share) in theirs:
            guesses["transformer-ranker"] = theirs[run.set, run.seed, share]
        for name, (guess, seconds) in guesses.items():
            found.setdefault(name, {})[key] = judged(guess, accuracy, seconds / run.seconds)
        others = final(runs, run.set, but=run.seed)
        if others:
            found.setdefault(FLOOR, {})[key] = judged(run.accuracy, others, 1.0)
    rivals = [of for name, of in found.items() if name not in ("ours", FLOOR)]
    for key in found.get("ours", {}):
        rows = [of[key] for of in rivals if key in of]
        first, three, tau, seconds = np.mean(rows, axis=0)
        found.setdefault(POOLED, {})[key] = (float(first), float(three), float(tau), float(seconds))
    return found


def interval(differences: dict[tuple[str, int], float]) -> tuple[float, float]:
    """Give the 95 % interval of a mean over runs, whose sets are resampled."""
    sets = sorted({name for name, _ in differences})
    parts = [[value for (name, _), value in differences.items() if name == one] for one in sets]
    draws = np.random.default_rng(0).integers(len(sets), size=(DRAWS, len(sets)))
    means = [np.mean([value for place in draw for value in parts[place]]) for draw in draws]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def draw(points: list[dict[str, object]], path: Path) -> None:
    """Draw the mean regret of each method over its share of the seconds."""
    import altair as alt
    import pandas as pd

    frame = pd.DataFrame(points)
    names = ["ours", FLOOR, *sorted(set(frame["method"]) - {"ours", FLOOR})]
    colours = ["#000000", "#888888", *TABLEAU]
    mine, floor = alt.datum.method == "ours", alt.datum.method == FLOOR
    shown = alt.Chart(frame).encode(
        x=alt.X(
            "share:Q", title="seconds, % of fine-tuning everything", scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(values=sorted(set(frame["share"])), format="~g"),
        ),
        y=alt.Y("regret:Q", title="mean regret of the first choice, points"),
        color=alt.Color(
            "method:N", title=None, sort=names, scale=alt.Scale(domain=names, range=colours[: len(names)])
        ),
        strokeWidth=alt.condition(mine, alt.value(4), alt.value(1.5)),
        strokeDash=alt.condition(floor, alt.value([6, 4]), alt.value([1, 0])),
    )  # fmt: skip
    lines = shown.mark_line(point=True).properties(width=300, height=260)
    lines.facet(column=alt.Column("kind:N", title=None)).save(path)


def show(found: Found, keys: set[tuple[str, int]], title: str) -> None:
    """Print one table, best first."""
    print(
        f"\n{title}\n\n| method | regret@1 | regret@3 | wtau | seconds, % of all | behind ours (95 %) | runs |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = {name: {key: row for key, row in of.items() if key in keys} for name, of in found.items()}
    mine = rows.get("ours", {})
    for name, of in sorted(
        rows.items(), key=lambda item: np.mean([row[0] for row in item[1].values()] or [99])
    ):
        if not of:
            continue
        first, three, tau, seconds = np.mean(list(of.values()), axis=0)
        both = {key: of[key][0] - mine[key][0] for key in of if key in mine}
        behind = ""
        if both and name != "ours":
            low, high = interval(both)
            behind = f"{np.mean(list(both.values())):+.2f} ({low:+.2f} to {high:+.2f})"
        print(
            f"| {name} | {first:.2f} | {three:.2f} | {tau:.2f} | {100 * seconds:.1f} | {behind} | {len(of)} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", type=Path, required=True, help="what truth.py --features kept")
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--shares", default="0.02,0.05,0.1,0.25")
    parser.add_argument("--truth", type=Path, default=truth.TRUTH)
    parser.add_argument("--ours", type=Path, default=OURS)
    parser.add_argument("--ranker", type=Path, default=RANKER)
    parser.add_argument("--chart", type=Path, help="where to draw regret over seconds")
    options = parser.parse_args()
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
    runs = complete(read_truth(options.truth))
    if not runs:
        parser.error(f"{options.truth} holds no set and seed with every model")
    below = [
        f"{model} on {run.set}, seed {run.seed}: {100 * (run.probe[model] - run.accuracy[model]):.1f} points"
        for run in runs
        for model in run.accuracy
        if run.accuracy[model] < run.probe[model] - 0.01
    ]
    gains = [100 * (run.accuracy[model] - run.probe[model]) for run in runs for model in run.accuracy]
    print(f"{len(runs)} runs; fine-tuning gained {np.mean(gains):.1f} points on the probe in the mean;")
    print(f"{len(below)} of {len(gains)} ended more than a point below it: {'; '.join(below) or 'none'}")
    warnings.filterwarnings("ignore", "The number of unique classes is greater")
    points: list[dict[str, object]] = []
    for share in map(float, options.shares.split(",")):
        found = compare(runs, share, options.features, options.ours, options.ranker)
        for kind in ("image", "text"):
            keys = {(run.set, run.seed) for run in runs if run.kind == kind}
            if keys:
                show(found, keys, f"## {kind}s at {100 * share:g} % of the seconds of fine-tuning everything")
                points += [
                    {"kind": f"{kind}s", "method": name, "share": 100 * share, "regret": float(np.mean(mine))}
                    for name, of in found.items()
                    if name != "random"
                    and len(mine := [row[0] for key, row in of.items() if key in keys]) == len(keys)
                ]
    if options.chart:
        draw(points, options.chart)
    return 0


if __name__ == "__main__":
    sys.exit(main())
