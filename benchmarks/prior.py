"""Does the prior rank models well on a data set that nobody has tried yet? Leave one data set out, ask `recommend`.

For every column of every table of published transfer results a knowledge folder is written that holds the table's
other columns as result rows, and the left-out data set only as the brief's traits. The ranking of `recommend`, with
accuracy as the only priority, is compared with the truth.
"""

import argparse
import csv
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.stats import weightedtau

from advisor import Brief, recommend
from advisor.brief import Priorities
from advisor.knowledge import DataSet, Knowledge, default_folder, load_knowledge

HERE = Path(__file__).parent
FACTS = yaml.safe_load((HERE / "prior_facts.yaml").read_text(encoding="utf-8"))
ACCURACY = {name: 5 if name == "accuracy" else 0 for name in Priorities.model_fields}
SCHEDULES = ("all", "domain", "none")
DRAWS = 2000


@dataclass(frozen=True)
class Table:
    """A table of published transfer results.

    :ivar values: models × data sets.
    :ivar margin: what the prior must gain on the mean rank; above it (0) where `strictly`.
    :ivar regret: most that the best of the three first may lose, in the table's unit; None binds nothing.
    """

    name: str
    task: str
    values: pd.DataFrame
    margin: float
    strictly: bool = False
    regret: float | None = None


def tables(folder: Path) -> Iterator[Table]:
    """Read the tables that are there."""
    images, texts = "image-classification", "text-classification"
    listed = (
        ("SFDA supervised", "sfda_supervised_*.csv", images, 0.02, False, 0.1),
        ("EMMS ViT", "emms_vit_*.csv", images, 0.02, False, 0.1),
        ("SFDA self-supervised", "sfda_selfsupervised_*.csv", images, 0.02, False, 0.1),
        ("LogME / Model Spider", "logme_modelspider_*.csv", images, 0.02, False, 0.1),
        ("TransferGraph", "transfergraph_*.csv", images, 0.0, True, None),
        ("SHiFT vision", "shift_vision_*.csv", images, 0.0, True, None),
        ("SHiFT text", "shift_text_*.csv", texts, 0.0, True, None),
        ("6 text bases", "text_base_models_*.csv", texts, 0.0, False, None),
        ("MTEB", "mteb_english_classification.csv", texts, 0.0, False, None),
    )
    about = (
        "architectures pretrain_dataset input_shape #labels n_parameters memory_usage_mb max_tokens embed_dim"
    )
    for name, pattern, task, margin, strictly, regret in listed:
        for path in sorted(folder.glob(pattern)):
            frame = pd.read_csv(path)
            if list(frame.columns[:2]) == ["dataset", "model"]:
                frame = frame.pivot(index="model", columns="dataset", values=frame.columns[2])
            else:
                frame = frame.set_index(frame.columns[0])
                frame = frame.drop(
                    columns=[*about.split(), "license", "open_weights", "release_date"], errors="ignore"
                )
            frame = frame.dropna(axis=1, thresh=3).astype(float)
            yield Table(name, task, frame, margin, strictly, regret)


def left_out(table: Table, column: str, told: str, folder: Path, features: bool) -> tuple[Knowledge, Brief]:
    """Write the knowledge folder without a column, and the brief that describes it."""
    there = table.values[table.values[column].notna()]
    others = there.drop(columns=column)
    (folder / "models").mkdir(parents=True, exist_ok=True)
    (folder / "results").mkdir(exist_ok=True)
    write(folder / "tasks.yaml", [one for one in shipped("tasks.yaml") if one["id"] == table.task])
    write(folder / "prior.yaml", shipped("prior.yaml"))
    write(folder / "devices.yaml", [])
    write(folder / "sources.yaml", [{"id": "table", "title": table.name, "date": "2026-01-01"}])
    cards, rows, sets = [], [], []
    for model in others.index:
        facts = FACTS["models"].get(model, {}) if features else {}
        card = {
            "id": model, "name": model, "tasks": [table.task], "licence": {"id": "unknown", "class": "unknown"},
            "where": [{"kind": "local", "ref": model}],
        }  # fmt: skip
        if "parameters" in facts:
            card["parameters"] = {"value": facts["parameters"] * 1e6, "unit": "parameters", "source": "table"}
        if "top1" in facts:
            rows.append((model, "imagenet-1k", "top1", facts["top1"], "table"))
        cards.append(card)
    for name in others:
        traits = data_set(name)
        sets.append(described(name, table.task, traits))
        rows += [
            (model, name, "result", value, "table") for model, value in others[name].items() if value == value
        ]
    write(folder / "models" / "table.yaml", {"family": table.name, "models": cards})
    write(folder / "datasets.yaml", sets)
    with (folder / "results" / "transfer.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("model", "benchmark", "metric", "value", "source"))
        writer.writerows(rows)
    content = {"task": table.task, "priorities": ACCURACY, "data": asked(data_set(column), told)}
    return load_knowledge(folder), Brief.parse(content)


@cache
def shipped(name: str) -> list[dict[str, object]]:
    """Read a list of the shipped knowledge."""
    return list(yaml.safe_load((default_folder() / name).read_text(encoding="utf-8")))


def data_set(column: str) -> DataSet | None:
    """Find which data set a column is; None where nobody described it."""
    id = FACTS["columns"].get(re.sub(r"[^a-z0-9]", "", column.lower()))
    return next((DataSet.model_validate(one) for one in shipped("datasets.yaml") if one["id"] == id), None)


def described(name: str, task: str, traits: DataSet | None) -> dict[str, object]:
    """Describe a column as an entry of datasets.yaml, by the traits that are known of it."""
    more = {} if traits is None else traits.model_dump(mode="json", exclude_none=True)
    keep = ("domain", "classes", "examples", "resolution", "tokens", "languages")
    return {"id": name, "name": name, "tasks": [task], **{key: more[key] for key in keep if key in more}}


def asked(traits: DataSet | None, told: str) -> dict[str, object]:
    """Describe a column as the `data` of a brief: by all its traits, its domain alone, or not at all."""
    if traits is None or told == "none":
        return {}
    names = ("domain",) if told == "domain" else ("domain", "classes", "examples", "resolution", "tokens")
    return {name: value for name in names if (value := getattr(traits, name)) is not None}


def write(path: Path, content: object) -> None:
    """Write a YAML file; JSON is YAML too, and quick to write."""
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def ours(table: Table, column: str, told: str, features: bool) -> pd.Series:
    """Predict a left-out column: each model's score by `recommend`."""
    with tempfile.TemporaryDirectory() as folder:
        knowledge, brief = left_out(table, column, told, Path(folder), features)
        advice = recommend(brief, knowledge, limit=10**6, measured={})
    found = {one.model: one.score for one in advice.shortlist}
    if len(found) != advice.considered:
        sys.exit(
            f"{table.name}, {column}: {advice.considered - len(found)} models are missing from the shortlist"
        )
    return pd.Series(found)


def judged(predicted: pd.Series, truth: pd.Series) -> tuple[float, float, float]:
    """Judge a prediction: weighted tau, and what the first and the best of the first three lose."""
    both = truth.dropna()
    guess = np.round(predicted.reindex(both.index).fillna(predicted.min()).to_numpy(dtype=float), 12)
    order = np.argsort(-guess, kind="stable")
    best, values = both.max(), both.to_numpy()
    return (
        float(weightedtau(guess, values).statistic),
        best - values[order[0]],
        best - values[order[:3]].max(),
    )


def mean_rank(table: Table, column: str) -> pd.Series:
    """Predict a column by the models' mean rank on the others."""
    return table.values.drop(columns=column).rank().mean(axis=1)


def interval(differences: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Give the 95 % interval of a mean over data sets, which are resampled."""
    draws = np.random.default_rng(seed).choice(differences, (DRAWS, len(differences)))
    low, high = np.quantile(draws.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def check(table: Table, told: str, features: bool = True) -> bool:
    """Print a table's figures and say whether they keep the promise."""
    columns = list(table.values)
    rows = {"mean rank on the others": [judged(mean_rank(table, one), table.values[one]) for one in columns]}
    for fact in ("top1", "parameters"):
        known = {model: FACTS["models"].get(model, {}).get(fact) for model in table.values.index}
        values = pd.Series(known, dtype=float)
        if values.notna().all() and values.nunique() > 1:
            rows[{"top1": "ImageNet top-1"}.get(fact, fact)] = [
                judged(values, table.values[one]) for one in columns
            ]
    rows["ours"] = [judged(ours(table, one, told, features), table.values[one]) for one in columns]
    for name, found in rows.items():
        tau, first, third = np.mean(found, axis=0)
        print(f"| {table.name} | {name} | {tau:.3f} | {first:.2f} / {third:.2f} |")
    mine, base = (np.array([one[0] for one in rows[name]]) for name in ("ours", "mean rank on the others"))
    low, high = interval(mine - base)
    gain = float(np.mean(mine - base))
    simple = [
        np.mean([one[0] for one in rows[name]]) for name in ("ImageNet top-1", "parameters") if name in rows
    ]
    regret = float(np.mean([one[2] for one in rows["ours"]]))
    kept = (gain > 0 if table.strictly else gain >= table.margin - 5e-4) and np.mean(mine) >= max(
        simple, default=-1.0
    )
    kept = kept and (table.regret is None or regret <= table.regret + 1e-9)
    print(
        f"| | gain | {gain:+.3f} ({low:+.3f} to {high:+.3f}) | {'kept' if kept else 'BROKEN'} |", flush=True
    )
    return bool(kept)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"), help="folder of the tables"
    )
    parser.add_argument(
        "--told", choices=SCHEDULES, default="all", help="what the brief tells of the data set"
    )
    parser.add_argument("--only", default="", help="only tables whose name holds this")
    parser.add_argument(
        "--no-features", action="store_true", help="cards without ImageNet top-1 and parameters"
    )
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("name the folder of the tables with --data or ADVISOR_BENCH_DATA")
    print("| table | predictor | wtau | regret@1 / @3 |\n| --- | --- | --- | --- |")
    chosen = [one for one in tables(Path(given.data)) if given.only.lower() in one.name.lower()]
    return 0 if all([check(one, given.told, not given.no_features) for one in chosen]) else 1


if __name__ == "__main__":
    sys.exit(main())
