"""Does joining the prior with cheap scores rank models better than either, and does a learning curve tell who wins?

Three questions on published tables, whose figures are read from a folder and not kept here:

1. Does this harness find the rank correlations that are stated for the stored scores and the tables?
2. The prior, asked through `recommend` with the data set left out, joined with the stored LogME by `advisor.joining`,
   whose weights are learnt on the other data sets: does it beat every single score, and the mean rank on the other
   data sets with LogME added?
3. From an eighth of the data, extrapolated by `advisor.curve`, with models given up on the way by `still_open`: does it
   find better models than taking the lowest loss on that eighth, and at what share of its examples? (The worker itself
   stops by expected improvement, `advisor.probe.allocate`, for which these tables lack the predictions.)

    python benchmarks/selection/tables.py --data FOLDER
"""

import argparse
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import pearsonr, spearmanr, weightedtau

sys.path.insert(0, str(Path(__file__).parent.parent))
import prior as bench

from advisor.curve import Curve, extrapolate
from advisor.joining import Case, Trust, join, learn

SCORES = "modelspider_baseline_scores.csv"
TABLE = "LogME / Model Spider"
STATED = {"LogME": 0.756, "H-Score": 0.778, "NCE": 0.753, "LEEP": 0.561, "NLEEP": 0.737}
STATED_RANK, STATED_JOINED = 0.759, 0.799
RANKS = {
    "SFDA supervised": {"mean rank": 0.766, "top1": 0.625, "parameters": 0.541},
    "SFDA self-supervised": {"mean rank": 0.774}, "EMMS ViT": {"mean rank": 0.758},
    TABLE: {"mean rank": 0.627, "top1": 0.713, "parameters": 0.715}, "TransferGraph": {"mean rank": 0.571},
    "SHiFT vision": {"mean rank": 0.282}, "SHiFT text": {"mean rank": 0.566}, "6 text bases": {"mean rank": 0.806},
}  # fmt: skip
REGRETS = {
    "SFDA supervised": (0.12, 0.03), "SFDA self-supervised": (0.12, 0.10), "EMMS ViT": (0.26, 0.0),
    TABLE: (0.56, 0.0), "6 text bases": (0.05, 0.01),
}  # fmt: skip
FILLED = ("TransferGraph",)
"""Tables whose stated figure is met only with the column's median in the place of missing results."""
SLACK = 0.005
DOUBT, SURE = 0.02, 1.645
DRAWS = 10000
Frames = Mapping[str, pd.DataFrame]
Taus = dict[str, list[float]]


def tau(predicted: pd.Series, truth: pd.Series) -> float:
    """Weighted Kendall tau of a prediction; what differs by rounding only is equal."""
    guess = np.round(predicted.reindex(truth.index).to_numpy(dtype=float), 12)
    return float(weightedtau(guess, truth.to_numpy(dtype=float)).statistic)


def scaled(values: pd.Series) -> pd.Series:
    return (values - values.mean()) / values.std(ddof=0)


def stored(folder: Path, models: pd.Index) -> dict[str, pd.DataFrame]:
    """Read the stored scores: score → models × data sets."""
    frame = pd.read_csv(folder / SCORES)
    return {
        name: frame.pivot(index="Model", columns="Dataset", values=name).reindex(models)
        for name in frame.columns[2:]
    }


def without(table: bench.Table, column: str) -> bench.Table:
    return bench.Table(table.name, table.task, table.values.drop(columns=column), table.margin)


def case(table: bench.Table, column: str, scores: Frames, names: Sequence[str]) -> Case:
    """Make what is known before tuning of a left-out data set, with its outcome."""
    prior = bench.ours(table, column, "all", True)
    readings = {"prior": dict(prior)} | {name.lower(): dict(scores[name][column]) for name in names}
    return Case(readings, dict(table.values[column]))


def trusted(
    table: bench.Table, column: str, columns: Sequence[str], scores: Frames, names: Sequence[str]
) -> Trust:
    """Learn the weights on the other data sets; their priors do not see the left-out one either."""
    rest = without(table, column)
    return learn([case(rest, other, scores, names) for other in columns if other != column])


def compare_scores(table: bench.Table, scores: Frames) -> Taus:
    """Judge every single score and every way to join, data set by data set."""
    truth, columns = table.values, sorted(next(iter(scores.values())))
    found: Taus = {name: [tau(frame[one], truth[one]) for one in columns] for name, frame in scores.items()}
    ranks = {one: bench.mean_rank(table, one) for one in columns}
    found["mean rank on the others"] = [tau(ranks[one], truth[one]) for one in columns]
    found["mean rank on the others + LogME"] = [
        tau(scaled(ranks[one]) + scaled(scores["LogME"][one]), truth[one]) for one in columns
    ]
    found["prior"] = [
        tau(pd.Series(case(table, one, scores, ()).readings["prior"]), truth[one]) for one in columns
    ]
    for label, names in (("LogME", ("LogME",)), ("LogME, H, NCE, LEEP", ("LogME", "H-Score", "NCE", "LEEP"))):
        found[f"prior + {label}"] = [
            tau(
                pd.Series(
                    join(
                        case(table, one, scores, names).readings, trusted(table, one, columns, scores, names)
                    )
                ),
                truth[one],
            )
            for one in columns
        ]
    return found


def check_scores(folder: Path) -> bool:
    """Print the rank correlations, ours beside those that are stated."""
    table = next(one for one in bench.tables(folder) if one.name == TABLE)
    scores = stored(folder, table.values.index)
    found = compare_scores(table, scores)
    stated = {
        **STATED,
        "mean rank on the others": STATED_RANK,
        "mean rank on the others + LogME": STATED_JOINED,
    }
    ours = np.array(found["prior + LogME"])
    print("| predictor | stated | wtau here | ours is better by (95 %) |\n| --- | --- | --- | --- |")
    kept = True
    for name, values in found.items():
        mean, ahead = float(np.mean(values)), ours - np.array(values)
        low, high = bench.interval(ahead)
        told = f"{stated[name]:.3f}" if name in stated else "–"
        print(f"| {name} | {told} | {mean:.3f} | {ahead.mean():+.3f} ({low:+.3f} to {high:+.3f}) |")
        kept = kept and (name not in stated or abs(mean - stated[name]) <= SLACK)
        kept = kept and (name.startswith("prior +") or ahead.mean() > 0)
    low, high = bench.interval(ours)
    print(f"| | | ours {ours.mean():.3f} ({low:.3f} to {high:.3f}) | {'kept' if kept else 'BROKEN'} |\n")
    whole = learn([case(table, one, scores, ("LogME",)) for one in sorted(scores["LogME"])])
    print(f"learnt on all of them: {whole}\n")
    return kept


def check_ranks(folder: Path) -> bool:
    """Find the stated rank correlations and regrets of whole tables again."""
    print("| table | predictor | stated | wtau here | stated regret@1 / @3 | here |")
    print("| --- | --- | --- | --- | --- | --- |")
    kept = True
    for table in bench.tables(folder):
        values = table.values
        if table.name in FILLED:
            values = values.fillna(values.median())
        filled = bench.Table(table.name, table.task, values, table.margin)
        for name, stated in RANKS.get(table.name, {}).items():
            found = []
            for one in table.values:
                facts = {
                    model: bench.FACTS["models"].get(model, {}).get(name) for model in table.values.index
                }
                guess = bench.mean_rank(filled, one) if name == "mean rank" else pd.Series(facts, dtype=float)
                found.append(bench.judged(guess, filled.values[one]))
            wtau, first, third = np.mean(found, axis=0)
            told, here = "–", "–"
            if name == "mean rank" and table.name in REGRETS:
                told = "{:.2f} / {:.2f}".format(*REGRETS[table.name])
                here = f"{first:.2f} / {third:.2f}"
            print(f"| {table.name} | {name} | {stated:.3f} | {wtau:.3f} | {told} | {here} |")
            kept = kept and abs(wtau - stated) <= SLACK and told == here
    print()
    return kept


def curves(path: Path) -> tuple[list[Curve], np.ndarray]:
    """Read the losses of a scaling table: a curve for each model, and the loss after all data."""
    frame = pd.read_csv(path)
    columns = [name for name in frame.columns if name.isdigit() and int(name) > 0]
    sizes = tuple(float(name) for name in columns)
    losses = frame[columns].to_numpy(dtype=float)
    return [Curve(sizes, tuple(row)) for row in losses], losses[:, -1]


def cut(curve: Curve, points: int) -> Curve:
    return Curve(curve.sizes[:points], curve.errors[:points])


def still_open(curves: Mapping[str, Curve], at: float) -> tuple[str, ...]:
    """List the models that may still be the best after `at` examples; to go on with the others is in vain.

    A model is given up when its extrapolated error lies above the lowest one by more than `SURE` standard
    deviations of what the slopes are uncertain by. The error itself is taken as measured: where it is of few
    examples, add models that cannot be told apart by it.

    `DOUBT` is the standard deviation of a slope's error: on 30 language models tuned on two tasks (Lin et al. 2024)
    it was between 0.01 and 0.03, the less the longer the curve.

    :return: in the order of `curves`; the best by extrapolation is always among them.
    """
    ends = {model: math.log(extrapolate(curve, at)) for model, curve in curves.items()}
    left = {model: math.log(max(1.0, at / curve.sizes[-1])) for model, curve in curves.items()}
    best = min(ends, key=lambda model: ends[model], default=None)
    return tuple(
        model
        for model in curves
        if best is not None
        and (model == best or ends[model] - ends[best] < SURE * DOUBT * math.hypot(left[model], left[best]))
    )


def climb(every: Sequence[Curve], points: int, at: float) -> tuple[int, float, int]:
    """Train on more and more, as far as an eighth, giving up on the way whom `still_open` leaves out.

    :return: the choice, the examples seen in all, and how many models went to the end.
    """
    alive = {str(place): curve for place, curve in enumerate(every)}
    seen = 0.0
    for point in range(1, points + 1):
        seen += every[0].sizes[point - 1] * len(alive)
        if 2 < point < points:
            open_ones = still_open({name: cut(curve, point) for name, curve in alive.items()}, at)
            alive = {name: alive[name] for name in open_ones}
    best = min(alive, key=lambda name: extrapolate(cut(alive[name], points), at))
    return int(best), seen, len(alive)


def check_curves(path: Path) -> bool:
    """Print what an eighth of the data tells."""
    every, truth = curves(path)
    at = every[0].sizes[-1]
    points = sum(size <= at / 8 for size in every[0].sizes)
    guesses = {
        "lowest loss on an eighth": np.array([curve.errors[points - 1] for curve in every]),
        "extrapolated from an eighth": np.array([extrapolate(cut(curve, points), at) for curve in every]),
    }
    regrets, ranks = {}, {}
    whole = every[0].sizes[points - 1] * len(every)
    paid = {
        "lowest loss on an eighth": 1.0,
        "extrapolated from an eighth": sum(every[0].sizes[:points]) * len(every) / whole,
    }
    for name, guess in guesses.items():
        regrets[name] = float(truth[guess.argmin()] - truth.min())
        ranks[name] = float(spearmanr(guess, truth).statistic)
        print(
            f"| {path.stem} | {name} | {ranks[name]:.3f} / {pearsonr(guess, truth).statistic:.3f} "
            f"| {regrets[name]:.3f} | {paid[name]:.2f} |"
        )
    chosen, seen, last = climb(every, points, at)
    regret = float(truth[chosen] - truth.min())
    name = f"the same, stopping on the way ({last} of {len(every)} to the end)"
    print(f"| {path.stem} | {name} | – | {regret:.3f} | {seen / whole:.2f} |")
    base, ours = guesses
    return ranks[ours] > ranks[base] and max(regrets[ours], regret) < regrets[base] and seen < whole


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("name the folder of the tables with --data or ADVISOR_BENCH_DATA")
    folder = Path(given.data)
    ranked = check_ranks(folder)
    kept = check_scores(folder) and ranked
    print("| table | predictor | Spearman / Pearson | regret | examples seen / baseline's |")
    print("| --- | --- | --- | --- | --- |")
    results = [check_curves(path) for path in sorted((folder / "finetune_scaling_law").glob("*.csv"))]
    return 0 if kept and results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
