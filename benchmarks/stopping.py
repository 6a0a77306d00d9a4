"""When should a tuning be stopped? By the log loss of what was kept aside, by its wrong answers, or not at all?

Each model is tuned in full twice on 300 examples of a set, with an eighth of them kept aside and with none, and never
stopped. After each pass what was kept aside and up to 400 examples that nothing has seen are answered; from these
figures each rule's choice of a pass is read off. One row per pass is appended to the CSV as soon as a tuning is done;
what is there is not done again.

    python benchmarks/stopping.py --data FOLDER [--cases MODEL:SET,...] [--csv FILE]
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "selection"))

import slices
import truth

RESULTS = Path(__file__).parent / "results" / "stopping.csv"
CASES = (
    "paraphrase-MiniLM-L3-v2:trec6,paraphrase-MiniLM-L3-v2:sst2,"
    "mobilenetv1_100.coral_in1k:flowers5,mobilenetv2_100.keras_in1k_160:grocery16"
)
EXAMPLES, JUDGED = 300, 400
FIELDS = (
    "model",
    "set",
    "held",
    "pass",
    "held_loss",
    "held_wrong",
    "held_answers",
    "probe_accuracy",
    "accuracy",
)
Row = dict[str, Any]


def tuned(model: str, name: str, data: Any, kept_aside: bool) -> Iterator[Row]:
    """Tune a model in full, and say after each pass how it answers."""
    from advisor.dataset import ImageReader
    from advisor.knowledge import load_knowledge
    from advisor.probe import tune as tuning
    from advisor.probe.backbone import load_backbone
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed
    from advisor.probe.head import fit_head
    from advisor.probe.plan import stratified_order
    from advisor.probe.recipes import recipe_for
    from advisor.probe.stopping import Stopping, hold_out
    from advisor.weights import local_cards, locate

    index = {label: place for place, label in enumerate(sorted(set(data.labels)))}
    every = np.array([index[label] for label in data.labels], dtype=np.int64)
    order = stratified_order(range(len(every)), list(data.labels), 0)
    count = min(EXAMPLES, 3 * len(every) // 5)
    parts = [np.array(order[:count]), np.array(order[count : count + JUDGED])]
    learnt, judged = ([data.contents[i] for i in part] for part in parts)
    answers, asked = (every[part] for part in parts)
    images = data.task == "image-classification"
    reader: Any = ImageReader(data.origin) if images else None
    clock = Clock(None, time.monotonic(), lambda: False, time.monotonic)
    knowledge = load_knowledge().with_models(local_cards())
    backbone = load_backbone(locate(knowledge.model(model), knowledge, offline=True), reader)
    features = embed(backbone, learnt, clock)
    probe = fit_head(features, answers, len(index), seed=0)
    head = tuning.TunedHead(fit_head(features, answers, len(index), seed=0, strength=probe.strength / 100))
    before = accuracy(probe.probabilities(embed(backbone, judged, clock)), asked)
    rows: list[Row] = []

    class Watched(Stopping):
        """Notes how each pass answers, and stops nothing."""

        def after_pass(self, last: bool) -> bool:
            wrong, loss = self._judge()
            rows.append(
                {
                    "model": model, "set": name, "held": len(wrong), "pass": len(rows) + 1, "held_loss": round(loss, 4),
                    "held_wrong": int(wrong.sum()), "held_answers": "".join("x" if one else "." for one in wrong),
                    "probe_accuracy": before,
                    "accuracy": accuracy(head.probabilities(embed(backbone, judged, clock)), asked),
                }
            )  # fmt: skip
            return False

        def go_back(self) -> None:
            """Whatever the last pass left stays."""

    recipe = recipe_for(data.task, "full", count, False)
    aside = hold_out(answers, 0) if kept_aside else np.zeros(0, dtype=np.int64)
    with mock.patch.object(tuning, "Stopping", Watched):
        tuning.tune(backbone, head, learnt, answers, recipe, clock, seed=0, held=aside)
    if not kept_aside:
        end = accuracy(head.probabilities(embed(backbone, judged, clock)), asked)
        rows.append(
            {"model": model, "set": name, "held": 0, "pass": recipe.epochs} | dict.fromkeys(FIELDS[4:7], "")
        )
        rows[-1] |= {"probe_accuracy": before, "accuracy": end}
    yield from rows


def accuracy(shares: np.ndarray, truths: np.ndarray) -> float:
    return float((shares.argmax(axis=1) == truths).mean())


def by_loss(rows: list[dict[str, str]]) -> tuple[int, int]:
    """The pass that stays and the last one made, if two passes without a lower loss are the end."""
    best = 0
    for place, row in enumerate(rows):
        if float(row["held_loss"]) < float(rows[best]["held_loss"]):
            best = place
        if place - best >= 2:
            return best + 1, place + 1
    return best + 1, len(rows)


def by_answers(rows: list[dict[str, str]]) -> tuple[int, int]:
    """The same by the rule of the product."""
    import torch

    from advisor.probe.stopping import Stopping

    waiting = iter(rows)

    def judge() -> tuple[np.ndarray, float]:
        row = next(waiting)
        return np.array([mark == "x" for mark in row["held_answers"]]), float(row["held_loss"])

    stopping = Stopping([torch.nn.Parameter(torch.zeros(1))], judge)
    made = next(
        (place for place in range(1, len(rows) + 1) if stopping.after_pass(last=place == len(rows))),
        len(rows),
    )
    stopping.go_back()
    return stopping.kept, made


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--csv", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    print("| model | set | probe | by the log loss | by the answers | last pass | none kept aside |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for model, name in (case.split(":") for case in options.cases.split(",")):
        data = truth.read_set(options.data / "datasets", name)
        for kept_aside in (True, False):
            there = [row for row in slices.read(options.csv) if (row["model"], row["set"]) == (model, name)]
            if not any((row["held"] != "0") == kept_aside for row in there):
                for row in tuned(model, name, data, kept_aside):
                    slices.append(options.csv, FIELDS, row)
        there = [row for row in slices.read(options.csv) if (row["model"], row["set"]) == (model, name)]
        watched = [row for row in there if row["held"] != "0"]
        (whole,) = (row for row in there if row["held"] == "0")
        told = []
        for kept, made in (by_loss(watched), by_answers(watched)):
            told.append(f"{100 * float(watched[kept - 1]['accuracy']):.1f} (pass {kept} of {made})")
        ends = (100 * float(row["accuracy"]) for row in (watched[-1], whole))
        probe = 100 * float(whole["probe_accuracy"])
        print(
            f"| {model} | {name} | {probe:.1f} | {' | '.join(told)} | {' | '.join(f'{end:.1f}' for end in ends)} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
