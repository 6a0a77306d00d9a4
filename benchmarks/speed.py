"""Is the probe as fast as a script written by hand, and faster the second time?

    python benchmarks/speed.py --data FOLDER [--parts extraction,overhead,second] [--budget 300] [--csv FILE]

extraction: `embed` against a plain loop with the same model, batch and threads, in turn, on images and texts.
overhead:   a probe of all models on the examples that the budget affords, one of them tuned, against `bare.py`, which
            imports, decodes, runs forward and backward and fits the same heads for the same models, examples and
            passes. Both run by turns of a few seconds.
second:     seconds to the first ranking of all models, in a new run on the same data, against the first time.

Every ratio comes from one run on one machine; put nothing beside it. Exits with 1 when a promise is broken.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import bare
import numpy as np
from by_hand import (
    IMAGES,
    TEXTS,
    by_hand,
    models_here,
    prepared,
    probing,
    threads,
    weights_of,
    worked,
)
from turns import Program, in_turns, surroundings

from advisor.jobs.records import Plan

PROMISES = {"extraction": 0.95, "overhead": 1.08, "second": 10.0}
ROUNDS = 6
TUNED = {IMAGES: "last-block", TEXTS: "lora"}
Row = tuple[str, str, float, float, float, bool]


# ---------------------------------------------------------------- extraction


def extraction(data: Path) -> Iterator[Row]:
    """Take turns, so that whatever else the machine does falls on both; the ratio is the median over the turns."""
    import torch

    from advisor.dataset import ImageReader
    from advisor.probe.backbone import load_backbone
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed

    torch.set_num_threads(threads())
    for name, task, most in ((IMAGES, "image-classification", 300), (TEXTS, "text-classification", 480)):
        folder = prepared(data, name, Path(tempfile.mkdtemp()) / "run", models_here(task)[:1], 3600)
        examples = folder.examples()
        contents = list(examples.contents[:most])
        reader = ImageReader(Path(examples.origin)) if name == IMAGES else lambda content: None
        for model in models_here(task)[:3]:
            weights = weights_of(model)
            backbone = load_backbone(weights, reader)
            load = bare.images if name == IMAGES else bare.texts
            _, features = load({"origin": examples.origin}, {"folder": str(weights.folder)})
            ours, plain = [], []
            for turn in range(ROUNDS + 1):
                since = time.monotonic()
                embed(backbone, contents, Clock(None, 0.0, lambda: False), every=True)
                between = time.monotonic()
                bare.embed(features, contents, batch=backbone.batch_size)
                if turn:
                    ours.append(between - since)
                    plain.append(time.monotonic() - between)
            one, other = (len(contents) / float(np.median(spent)) for spent in (ours, plain))
            ratio = float(np.median(np.divide(plain, ours)))
            yield "extraction", f"{name} {model}", one, other, ratio, ratio >= PROMISES["extraction"]


# ---------------------------------------------------------------- overhead


def overhead(data: Path, budget: float) -> Iterator[Row]:
    for name, task in ((IMAGES, "image-classification"), (TEXTS, "text-classification")):
        models, tuned = models_here(task), TUNED[name]
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            sizes = prepared(data, name, place / "sizes", models, budget).examples()
            learnt = {"train": sizes.first, "select": len(sizes.select), "report": len(sizes.report)}
            rungs = {model: ("linear-probe", tuned)[: 1 + (model == models[0])] for model in models}
            plan = Plan.model_validate({"examples": learnt, "models": rungs, "checks": ()})
            before, now = (
                prepared(data, name, place / part, models, budget, plan) for part in ("one", "two")
            )
            worked(before, {"ADVISOR_HOME": f"{place}/first"})
            job, scrap = place / "job.json", place / "told"
            ours, plain = in_turns(
                Program(probing(now), scrap, {"ADVISOR_HOME": f"{place}/second"}),
                Program(by_hand(before, job), scrap),
            )
            what = f"{name}, first rungs of a budget of {budget:g} s, and {tuned}"
            yield "overhead", what, ours, plain, ours / plain, ours / plain <= PROMISES["overhead"]


# ---------------------------------------------------------------- the second time


def first_ranking(folder: Any) -> float:
    """Seconds until every model had finished its first rung."""
    return max(
        event["at"]
        for event in folder.events()
        if event.get("kind") == "rung-done" and event["rung"] == "linear-probe"
    )


def second(data: Path, budget: float) -> Iterator[Row]:
    for name, task in ((IMAGES, "image-classification"), (TEXTS, "text-classification")):
        with tempfile.TemporaryDirectory() as place:
            models = models_here(task)
            laid = prepared(data, name, Path(place) / "sizes", models, budget).examples()
            sizes = {"train": laid.first, "select": len(laid.select), "report": len(laid.report)}
            plan = Plan.model_validate(
                {"examples": sizes, "models": {model: ("linear-probe",) for model in models}}
            )
            times = []
            for turn in ("one", "two"):
                folder = prepared(data, name, Path(place) / turn, models, budget, plan)
                worked(folder, {"ADVISOR_HOME": f"{place}/home"})
                times.append(first_ranking(folder))
            ratio = times[0] / times[1]
            yield (
                "second",
                f"{name}, first rungs of a budget of {budget:g} s",
                times[1],
                times[0],
                ratio,
                ratio >= 10,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--parts", default="extraction,overhead,second")
    parser.add_argument("--budget", type=float, default=300)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    os.environ.update(surroundings())
    data, asked = Path(options.data), options.parts.split(",")
    parts: dict[str, Any] = {
        "extraction": lambda: extraction(data),
        "overhead": lambda: overhead(data, options.budget),
        "second": lambda: second(data, options.budget),
    }
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, {"ADVISOR_HOME": home}):
        for part in asked:
            for row in parts[part]():
                rows.append(row)
                mark = "" if row[-1] else "   BROKEN"
                print(f"{row[0]:12}{row[1]:70}{row[2]:10.2f}{row[3]:10.2f}{row[4]:8.3f}{mark}", flush=True)
    if options.csv:
        with options.csv.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("part", "case", "advisor", "other", "ratio", "kept"))
            writer.writerows(rows)
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
