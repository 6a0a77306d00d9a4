"""A run of the probe, and the same work as `bare.py` is told to do it by hand."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from turns import surroundings

HERE = Path(__file__).parent
IMAGES, TEXTS = "flowers5", "trec6"


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


def probing(folder: Any) -> list[str]:
    """Give the command that works a run off."""
    return [sys.executable, "-m", "advisor.probe.worker", str(folder.path)]


def worked(folder: Any, environ: Mapping[str, str] | None = None) -> float:
    """Run the worker of a run to its end; its seconds, imports included."""
    begun = time.monotonic()
    subprocess.run(probing(folder), check=True, env=surroundings(environ))
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


def by_hand(folder: Any, place: Path, only: str | None = None) -> list[str]:
    """Write down what a run did, and give the command that does it again by hand.

    :param only: the one model whose work is meant, without the baselines.
    """
    place.write_text(json.dumps(job_of(folder, only)), encoding="utf-8")
    return [sys.executable, str(HERE / "bare.py"), str(place)]


def job_of(folder: Any, only: str | None) -> dict[str, Any]:
    """Describe for `bare.py` what a run did: the passes that were made, those among them that were taken back."""
    examples, spec = folder.examples(), folder.spec()
    models = [
        {"folder": str(weights_of(model).folder), "rungs": rungs_of(folder, model)}
        for model in ([only] if only else spec.chosen)
    ]
    return {
        "task": examples.task, "origin": examples.origin, "contents": examples.contents, "truth": examples.truth,
        "train": examples.train, "judged": [*examples.select, *examples.report], "models": models,
        "baselines": [] if only else baselines_of(folder), "threads": threads(),
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
