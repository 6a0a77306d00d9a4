"""Choose the coefficients of the prior by leaving one data set out, on all tables of transfer results together.

Settings are drawn at random around those in use, which are the first. The one that keeps most promises of
`prior.py`, and among these gains most on the mean rank, is chosen. How much of that is luck shows the nested figure:
each table judged by the setting that gains most on the other tables.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import prior as bench

from advisor.brief import Brief
from advisor.knowledge import Coefficient, Knowledge, default_folder
from advisor.prior import prior_for

CHOICES = {
    "domain": (0.3, 0.5, 0.7), "classes": (0.0, 0.05, 0.1), "examples": (0.05, 0.1), "resolution": (0.3, 0.4, 0.6),
    "strength": (0.6, 0.8, 0.95), "own": (0.3, 0.45, 0.6), "models": (10.0, 20.0), "noise": (0.05, 0.1, 0.2),
}  # fmt: skip
Case = tuple[Knowledge, Brief, pd.Series]
Setting = dict[str, float]


def cases(table: bench.Table) -> list[Case]:
    """Make the knowledge and the brief of each left-out column, with its truth."""
    made = []
    for column in table.values:
        with tempfile.TemporaryDirectory() as folder:
            made.append((*bench.left_out(table, column, "all", Path(folder), True), table.values[column]))
    return made


def tau(made: list[Case], setting: Setting) -> float:
    """Judge a setting on a table by the prior that `recommend` ranks by."""
    coefficients = tuple(Coefficient(id=id, value=value, says="") for id, value in setting.items())
    found = []
    for knowledge, brief, truth in made:
        known = knowledge.model_copy(update={"coefficients": coefficients})
        cards = known.for_task(brief.task)
        values, _ = prior_for(known.task(brief.task), known, brief).qualities(cards)
        found.append(bench.judged(pd.Series(values, [card.id for card in cards]), truth)[0])
    return float(np.mean(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"), help="folder of the tables"
    )
    parser.add_argument("--draws", type=int, default=40, help="settings to try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--write", action="store_true", help="write the chosen ones into knowledge/prior.yaml"
    )
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the tables with --data or ADVISOR_BENCH_DATA")
    tables = list(bench.tables(Path(given.data)))
    used = {str(one["id"]): float(str(one["value"])) for one in bench.shipped("prior.yaml")}
    rng = random.Random(given.seed)
    settings = [used] + [
        {**used, **{name: rng.choice(values) for name, values in CHOICES.items()}}
        for _ in range(given.draws - 1)
    ]
    gains = np.empty((len(settings), len(tables)))
    for place, table in enumerate(tables):
        made = cases(table)
        base = np.mean(
            [bench.judged(bench.mean_rank(table, one), table.values[one])[0] for one in table.values]
        )
        gains[:, place] = [tau(made, setting) - base for setting in settings]
    kept = (gains >= np.array([table.margin for table in tables]) - 5e-4).sum(axis=1)
    best = max(range(len(settings)), key=lambda one: (kept[one], gains[one].mean()))
    print("| table | gain of the chosen | gain of the one chosen on the other tables |\n| --- | --- | --- |")
    for place, table in enumerate(tables):
        others = np.delete(gains, place, axis=1).mean(axis=1)
        print(f"| {table.name} | {gains[best, place]:+.3f} | {gains[int(others.argmax()), place]:+.3f} |")
    print(f"| mean | {gains[best].mean():+.3f} | median setting {np.median(gains.mean(axis=1)):+.3f} |")
    chosen = settings[best]
    print(", ".join(f"{name} {value:g}" for name, value in chosen.items()))
    if given.write:
        path = default_folder() / "prior.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        for name, value in chosen.items():
            lines = [
                f"- {{id: {name}, value: {value:g}, {line.split(', ', 2)[2]}"
                if line.startswith(f"- {{id: {name},")
                else line
                for line in lines
            ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
