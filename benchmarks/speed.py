"""Is the probe as fast as a script written by hand, and faster the second time?

    python benchmarks/speed.py --data FOLDER [--parts extraction,overhead,second,ranker] [--budget 300]
                               [--ranker PYTHON] [--csv FILE]

extraction: `embed` against a plain loop with the same model, batch and threads, in turn, on images and texts.
overhead:   a probe with the budget, less the checks after it, against `bare.py`, which imports, decodes, runs forward
            and backward and fits the same heads for the same models, examples and passes.
second:     seconds to the first ranking of all models, in a new run on the same data, against the first time.
ranker:     seconds to rank the same encoders on the same texts, and how well the ranking agrees with fine-tuning,
            against the package transformer-ranker in an environment of its own (`--ranker` names its Python).

Every ratio comes from one run on one machine; put nothing beside it. Exits with 1 when a promise is broken.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

HERE = Path(__file__).parent
IMAGES, TEXTS = "flowers5", "trec6"
PROMISES = {"extraction": 0.95, "overhead": 1.08, "second": 10.0, "ranker": 1.0}
ROUNDS = 4
Row = tuple[str, str, float, float, float, bool]


def prepared(
    data: Path, name: str, out: Path, models: Sequence[str] | None, budget: float, plan: Any = None
) -> Any:
    """Lay out a probe of one of the sets."""
    from advisor import Brief
    from advisor.jobs.prepare import prepare
    from advisor.jobs.request import ProbeRequest

    folder = data / "datasets" / name
    table = folder / "data.csv"
    brief = Brief(task="text-classification" if table.exists() else "image-classification")
    origin = table if table.exists() else folder
    return prepare(ProbeRequest(brief, origin, out, budget_s=budget, models=models, plan=plan, offline=True))


def worked(folder: Any, environ: dict[str, str] | None = None) -> float:
    """Run the worker of a run to its end; its seconds, imports included."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "advisor.probe.worker", str(folder.path)]
    settings = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        **os.environ,
        **(environ or {}),
    }
    subprocess.run(command, check=True, env=settings)
    return time.monotonic() - begun


def threads() -> int:
    import psutil

    return max(1, psutil.cpu_count(logical=True) or 1)


def weights_of(model: str) -> Any:
    from advisor.knowledge import load_knowledge
    from advisor.weights import local_cards, locate

    knowledge = load_knowledge().with_models(local_cards())
    return locate(knowledge.model(model), knowledge, offline=True)


def models_here(task: str) -> list[str]:
    """What can be probed here without a download and can be loaded by a plain line of timm or transformers."""
    from advisor.knowledge import load_knowledge
    from advisor.weights import availability, local_cards

    knowledge = load_knowledge().with_models(local_cards())
    plain = ("timm", "transformers", "sentence-transformers")
    cards = [card for card in knowledge.models if task in card.tasks and card.library in plain]
    here = [card.id for card in cards if availability(card, knowledge, offline=True).download_mb == 0]
    return [model for model in here if (weights_of(model).folder / "config.json").exists()]


# ---------------------------------------------------------------- extraction


def extraction(data: Path) -> Iterator[Row]:
    """Take turns, so that whatever else the machine does falls on both."""
    import torch

    from advisor.dataset import ImageReader
    from advisor.probe.backbone import load_backbone
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed

    sys.path.insert(0, str(HERE))
    import bare

    torch.set_num_threads(threads())
    for name, task, most in ((IMAGES, "image-classification", 96), (TEXTS, "text-classification", 480)):
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
                bare.embed(features, contents)
                if turn:
                    ours.append(between - since)
                    plain.append(time.monotonic() - between)
            one, other = len(contents) / float(np.median(ours)), len(contents) / float(np.median(plain))
            yield (
                "extraction",
                f"{name} {model}",
                one,
                other,
                one / other,
                one / other >= PROMISES["extraction"],
            )


# ---------------------------------------------------------------- overhead


def job_of(folder: Any) -> dict[str, Any]:
    """Describe for `bare.py` what a run did: the passes that were made, those among them that were taken back."""
    examples, spec = folder.examples(), folder.spec()
    models = [
        {"folder": str(weights_of(model).folder), "rungs": rungs_of(folder, model)} for model in spec.chosen
    ]
    return {
        "task": examples.task, "origin": examples.origin, "contents": examples.contents, "truth": examples.truth,
        "train": examples.train, "judged": [*examples.select, *examples.report], "models": models,
        "baselines": baselines_of(folder), "threads": threads(),
    }  # fmt: skip


def baselines_of(folder: Any) -> list[dict[str, Any]]:
    """Those on words with the sizes that they were fitted at; those on images are left out of the work by hand."""
    return [
        {"sizes": [point.examples for point in record.curve], "trees": record.hyperparameters.get("trees", 0)}
        for model in ("baseline/tfidf-logreg", "baseline/tfidf-forest")
        for record in folder.rungs(model)
    ]


def rungs_of(folder: Any, model: str) -> list[dict[str, Any]]:
    from safetensors import safe_open

    from advisor.probe.augment import MOST_TRIED

    rungs = list[dict[str, Any]]()
    for record in folder.rungs(model):
        sizes, kept = [point.examples for point in record.curve], record.hyperparameters
        rung: dict[str, Any] = {
            "examples": max(sizes),
            "sizes": sizes,
            "epochs": None,
            "every": "layers" in kept,
        }
        if not record.rung.startswith("linear-probe"):
            with safe_open(folder.learnt_path(model, record.position, record.rung), "np") as learnt:
                tuned = [name.removeprefix("body.") for name in learnt.keys() if name.startswith("body.")]  # noqa: SIM118
            tried = all("tuned" not in earlier for earlier in rungs) and "augmentation" in kept
            rung |= {
                "tuned": tuned,
                "epochs": max(1, kept.get("passes_made", record.curve[-1].epochs))
                + kept.get("trials", 0) * kept.get("trial_passes", 0),
                "held": kept.get("held_out", 0),
                "views": min(MOST_TRIED, max(sizes)) if tried else 0,
                "adapters": adapters_of(kept),
            }
        rungs.append(rung)
    return rungs


def adapters_of(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Describe the adapters that a rung learnt, as peft wants to be told; None for a rung without."""
    if "rank" not in settings:
        return None
    return {
        "r": settings["rank"], "lora_alpha": settings["alpha"], "lora_dropout": settings["lora_dropout"],
        "target_modules": settings["targets"].split(),
    }  # fmt: skip


def checked_s(folder: Any) -> float:
    """Seconds from the first check after the last rung to the end: no script by hand makes those."""
    from advisor.checks import CHECKS

    events = folder.events()
    begun = [event["at"] for event in events if event["kind"] == "rung" and event["rung"] in CHECKS]
    return float(events[-1]["at"] - min(begun)) if begun else 0.0


def bare_run(folder: Any) -> dict[str, float]:
    """Do a run's work again by hand."""
    path = folder.path / "bare.json"
    path.write_text(json.dumps(job_of(folder)), encoding="utf-8")
    settings = {"OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false", **os.environ}
    done = subprocess.run(
        [sys.executable, str(HERE / "bare.py"), str(path)], check=True, capture_output=True, env=settings
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def overhead(data: Path, budget: float) -> Iterator[Row]:
    for name, task in ((IMAGES, "image-classification"), (TEXTS, "text-classification")):
        with tempfile.TemporaryDirectory() as place:
            with patch.dict(os.environ, {"ADVISOR_HOME": f"{place}/home"}):
                folder = prepared(data, name, Path(place) / "run", models_here(task), budget)
                ours = worked(folder) - checked_s(folder)
            plain = bare_run(folder)["seconds"]
            yield (
                "overhead",
                f"{name}, budget {budget:g} s",
                ours,
                plain,
                ours / plain,
                ours / plain <= PROMISES["overhead"],
            )


# ---------------------------------------------------------------- the second time


def first_ranking(folder: Any) -> float:
    """Seconds until every model had finished its first rung."""
    return max(
        event["at"]
        for event in folder.events()
        if event.get("kind") == "rung-done" and event["rung"] == "linear-probe"
    )


def second(data: Path, budget: float) -> Iterator[Row]:
    from advisor.jobs.records import Plan

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


# ---------------------------------------------------------------- transformer-ranker

RANKER = """
import json, sys, time
begun = time.monotonic()
job = json.loads(open(sys.argv[1]).read())
import torch
torch.set_num_threads(job["threads"])
from datasets import Dataset
from transformer_ranker import TransformerRanker
data = Dataset.from_dict({"text": job["texts"], "label": job["labels"]})
ranker = TransformerRanker(data, text_column="text", label_column="label")
result = ranker.run(job["models"], batch_size=32, device="cpu")
print(json.dumps({"seconds": time.monotonic() - begun, "scores": result.scores}))
"""


def ranker(data: Path, python: str, most: int) -> Iterator[Row]:
    """Rank the encoders that are here, and the first layers of them, by both."""
    from scipy.stats import weightedtau

    from advisor.jobs.records import Plan

    with tempfile.TemporaryDirectory() as place:
        shelf = Path(place) / "models"
        models = shortened(shelf)
        environ = {"ADVISOR_HOME": f"{place}/home", "ADVISOR_MODELS": str(shelf)}
        os.environ.update(environ)
        sizes = {"train": most, "select": most // 4, "report": most // 4}
        rungs = {model: ("linear-probe",) for model in models}
        plan = Plan.model_validate({"examples": sizes, "models": rungs})
        folder = prepared(data, TEXTS, Path(place) / "run", list(models), 3600, plan)
        worked(folder, environ)
        ours = first_ranking(folder)
        examples = folder.examples()
        used = [*examples.train, *examples.select]
        job = {
            "threads": threads(), "models": [str(path) for path in models.values()],
            "texts": [examples.contents[i] for i in used],
            "labels": [examples.labels[examples.truth[i]] for i in used],
        }  # fmt: skip
        asked, script = Path(place) / "job.json", Path(place) / "ranker.py"
        asked.write_text(json.dumps(job), encoding="utf-8")
        script.write_text(RANKER, encoding="utf-8")
        done = subprocess.run([python, str(script), str(asked)], check=True, capture_output=True)
        theirs = json.loads(done.stdout.splitlines()[-1])
        truth = tuned_truth(data, models, environ, Path(place), most)
        names = list(models)
        by_path = {str(path): model for model, path in models.items()}
        scores = {by_path[name]: value for name, value in theirs["scores"].items()}
        selected = {model: folder.rungs(model)[0].curve[-1].metric.value for model in names}
        agree = [
            float(weightedtau([scores[m] for m in names], [truth[m] for m in names])[0])
            for scores in (selected, scores)
        ]
    better = agree[0] >= agree[1]
    seconds = theirs["seconds"]
    yield "ranker", f"{len(names)} encoders, seconds", ours, seconds, ours / seconds, ours <= seconds
    yield (
        "ranker",
        f"{len(names)} encoders, weighted tau with fine-tuning",
        *agree,
        agree[0] - agree[1],
        better,
    )


def shortened(shelf: Path) -> dict[str, Path]:
    """Save the encoders that are here with their first layers only, as models of their own: id → folder."""
    from transformers import AutoModel, AutoTokenizer

    found = {}
    for model in models_here("text-classification"):
        whole = weights_of(model).folder
        deep = AutoModel.from_pretrained(whole).config.num_hidden_layers
        for layers in range(1, deep + 1):
            body = AutoModel.from_pretrained(whole)
            body.encoder.layer = body.encoder.layer[:layers]
            body.config.num_hidden_layers = layers
            name = f"{model.split('/')[-1]}-{layers}-of-{deep}"
            body.save_pretrained(shelf / name)
            AutoTokenizer.from_pretrained(whole).save_pretrained(shelf / name)
            config = json.loads((shelf / name / "config.json").read_text(encoding="utf-8"))
            (shelf / name / "config.json").write_text(
                json.dumps({**config, "model_id": name}), encoding="utf-8"
            )
            found[name] = shelf / name
    return found


def tuned_truth(
    data: Path, models: dict[str, Path], environ: dict[str, str], place: Path, most: int
) -> dict[str, float]:
    """Fine-tune every encoder on the same examples and judge it on many others."""
    from advisor.jobs.records import Plan

    sizes = {"train": most, "select": most // 4, "report": 1000}
    plan = Plan.model_validate(
        {"examples": sizes, "models": {m: ("linear-probe", "last-block") for m in models}}
    )
    folder = prepared(data, TEXTS, place / "truth", list(models), 3600, plan)
    worked(folder, environ)
    examples = folder.examples()
    truth = np.asarray([examples.truth[i] for i in examples.report])
    found = {}
    for model in models:
        tuned = [record for record in folder.rungs(model) if record.rung == "last-block"][-1]
        found[model] = float((folder.probabilities(tuned, "report").argmax(axis=1) == truth).mean())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--parts", default="extraction,overhead,second")
    parser.add_argument("--budget", type=float, default=300)
    parser.add_argument("--ranker", help="the Python of an environment with transformer-ranker")
    parser.add_argument("--texts", type=int, default=1000, help="texts that the encoders are ranked on")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    data, asked = Path(options.data), options.parts.split(",")
    parts: dict[str, Any] = {
        "extraction": lambda: extraction(data),
        "overhead": lambda: overhead(data, options.budget),
        "second": lambda: second(data, options.budget),
        "ranker": lambda: ranker(data, options.ranker, options.texts),
    }
    rows: list[Row] = []
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
