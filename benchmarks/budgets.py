"""Does a probe keep its budget, and fill every field of the contract?

Two image sets (as folder and as zip) and two text sets (one Chinese), each at several budgets, offline with what
lies on this machine. Models of `ADVISOR_MODELS` take part. Exits with 1 on any breach.

    python benchmarks/budgets.py --data FOLDER [--budgets 60,120,300] [--sets flowers5,trec6]
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

IMAGES, TEXTS = ("flowers5", "rice_leaf_disease3"), ("trec6", "chnsenticorp_hotel")
CHINESE = ("chnsenticorp_hotel",)
OVER, OUTSIDE_S = 1.1, 20.0
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall")
RESULT = (
    "model", "kind", "revision", "status", "because", "strategy", "hyperparameters", "metrics", "per_class",
    "confusion", "curve", "transferability", "latency_ms", "peak_memory_mb", "size_mb", "seconds",
)  # fmt: skip
TOP = ("schema", "brief", "brief_filled", "recommendation", "dataset", "probe", "decision")
ADVICE = ("brief", "considered", "beyond_limit", "shortlist", "near_misses", "dropped")
DATASET = ("sha256", "examples", "classes", "splits", "findings")
PROBE = ("budget_s", "elapsed_s", "seed", "machine", "versions", "results")
DECISION = ("winner", "tied_with", "p_best", "ranking", "because", "next_steps", "expected")
CANDIDATE = ("model", "rank", "score", "parts", "estimates", "adaptation", "because")


def absent(found: dict[str, Any], names: tuple[str, ...], where: str) -> Iterator[str]:
    """Name the keys that are not there."""
    yield from (f"{where} has no {name}" for name in names if name not in found)


def breaches(report: dict[str, Any]) -> Iterator[str]:
    """Hold report.json against the contract."""
    yield from absent(report, TOP, "report")
    advice, probe, decision = report["recommendation"], report["probe"], report["decision"]
    yield from absent(advice, ADVICE, "recommendation")
    yield from absent(report["dataset"], DATASET, "dataset")
    yield from absent(probe, PROBE, "probe")
    yield from absent(decision, DECISION, "decision")
    for candidate in advice["shortlist"]:
        yield from absent(candidate, CANDIDATE, candidate["model"])
        total = math.fsum(part["contribution"] for part in candidate["parts"])
        if abs(total - candidate["score"]) > 1e-9:
            yield f"{candidate['model']}: the parts sum to {total}, the score is {candidate['score']}"
    lists = [len(advice[name]) for name in ("shortlist", "beyond_limit", "near_misses", "dropped")]
    if sum(lists) != advice["considered"]:
        yield f"{advice['considered']} considered, but the lists hold {lists}"
    if not any(result["kind"] == "baseline" and result["status"] == "ok" for result in probe["results"]):
        yield "no baseline finished"
    good = {result["model"] for result in probe["results"] if result["status"] == "ok"}
    for result in probe["results"]:
        names = RESULT if result["status"] == "ok" else tuple(name for name in RESULT if name != "metrics")
        yield from absent(result, names, result["model"])
        yield from _result_breaches(result, report["dataset"])
    if decision["winner"] not in good:
        yield f"the winner {decision['winner']} has no result"
    if (
        set(decision["p_best"]) != good
        or set(decision["ranking"]) != good
        or set(decision["expected"]) != good
    ):
        yield "p_best, ranking or expected leave out a model"
    if abs(sum(decision["p_best"].values()) - 1) > 1e-6:
        yield f"p_best sums to {sum(decision['p_best'].values())}"
    if not decision["because"] or not decision["next_steps"]:
        yield "the decision has no reason or no next step"


def _result_breaches(result: dict[str, Any], dataset: dict[str, Any]) -> Iterator[str]:
    model = result["model"]
    if not result["because"]:
        yield f"{model} does not say why"
    if result["status"] != "ok":
        if result["status"] == "failed":
            yield f"{model} failed: {result['because']}"
        if result.get("metrics"):
            yield f"{model} is {result['status']} and has metrics"
        return
    yield from absent(result["metrics"], METRICS, model)
    for name, metric in result["metrics"].items():
        if not 0 <= metric["low"] <= metric["value"] <= metric["high"] <= 1:
            yield f"{model}: {name} is {metric}"
    filled = ("revision", "strategy", "latency_ms", "curve", "per_class", "size_mb", "seconds")
    yield from (f"{model}: {name} is empty" for name in filled if not result[name])
    yield from (f"{model}: {name} is unknown" for name in ("peak_memory_mb",) if result[name] is None)
    if result["kind"] != "baseline" and not result["transferability"]:
        yield f"{model}: transferability is empty"
    if not set(result["per_class"]) <= set(dataset["classes"]):
        yield f"{model}: per_class names classes that do not exist"


def english_only(model: str) -> bool:
    """Say whether a card names languages and Chinese is not among them."""
    from advisor.knowledge import load_knowledge
    from advisor.weights import local_cards

    languages = load_knowledge().with_models(local_cards()).model(model).input.languages
    return bool(languages) and not any(tag.split("-")[0] in ("zh", "mul") for tag in languages or ())


def run(origin: Path, task: str, budget: float, out: Path) -> tuple[dict[str, Any], float]:
    """Probe once.

    :return: report.json, and the seconds that passed outside the worker.
    """
    from advisor import Brief
    from advisor.jobs import run_probe

    since = time.monotonic()
    run_probe(Brief(task=task), origin, out, budget_s=budget, offline=True)
    outside = time.monotonic() - since
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return report, outside - report["probe"]["elapsed_s"]


def describe(report: dict[str, Any], out: Path) -> str:
    """What was used, and how far each model came."""
    used = json.loads((out / "examples.json").read_text(encoding="utf-8"))
    sizes = f"first {used['first']}, train/select/report " + "/".join(
        str(len(used[name])) for name in ("train", "select", "report")
    )
    lines = [f"    {sizes} of {used['total']}"]
    metric = report["brief"]["metric"]
    for model in report["decision"]["ranking"]:
        result = next(one for one in report["probe"]["results"] if one["model"] == model)
        rungs: dict[str, str] = {}
        for point in result["curve"]:
            rungs[point["rung"]] = f"{point['rung']} {point['metric']['value']:.3f}"
        p, judged = report["decision"]["p_best"][model], result["metrics"][metric]["value"]
        climbed = ", ".join(rungs.values())
        lines.append(f"    {model:52} p {p:.2f}  judged {judged:.3f}  {result['seconds']:5.1f} s  {climbed}")
    for result in report["probe"]["results"]:
        if result["status"] != "ok":
            lines.append(f"    {result['model']:52} {result['status']}: {result['because']}")
    return "\n".join(lines)


def zipped(folder: Path, to: Path) -> Path:
    """Put a folder of images into a zip."""
    path = to / f"{folder.name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--budgets", default="60,120,300")
    parser.add_argument("--sets", default=",".join(IMAGES + TEXTS))
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    asked = options.sets.split(",")
    columns = "{:28}{:>7}{:>9}{:>9}  {:44}{:>6}  {}"
    print(columns.format("set", "budget", "elapsed", "outside", "winner", "p", "first of the shortlist"))
    faults = 0
    with tempfile.TemporaryDirectory() as temporary:
        place = options.keep or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        for budget in map(float, options.budgets.split(",")):
            for origin, task in origins(Path(options.data) / "datasets", asked, Path(temporary)):
                out = place / f"{origin.parent.name if task.startswith('text') else origin.name}-{budget:g}"
                report, outside = run(origin, task, budget, out)
                elapsed, decision = report["probe"]["elapsed_s"], report["decision"]
                leader = report["recommendation"]["shortlist"][0]["model"]
                p = decision["p_best"].get(decision["winner"], 0.0)
                print(columns.format(out.name, f"{budget:g}", f"{elapsed:.1f}", f"{outside:.1f}",
                                     decision["winner"], f"{p:.2f}", leader))  # fmt: skip
                print(describe(report, out), flush=True)
                found = list(breaches(report))
                if elapsed > OVER * budget:
                    found.append(f"{elapsed:.1f} s for a budget of {budget:g} s")
                if outside > OUTSIDE_S:
                    found.append(f"{outside:.1f} s outside the worker, {OUTSIDE_S:g} s are allowed")
                if any(name in out.name for name in CHINESE) and english_only(leader):
                    found.append(f"{leader} reads English only and leads for Chinese")
                for fault in found:
                    print(f"    BREACH: {fault}", flush=True)
                faults += len(found)
    print(f"{faults} breaches" if faults else "no breach")
    return 1 if faults else 0


def origins(datasets: Path, asked: list[str], temporary: Path) -> Iterator[tuple[Path, str]]:
    """Give each asked set with its task; images as folder and as zip."""
    for name in asked:
        if (datasets / name / "data.csv").exists():
            yield datasets / name / "data.csv", "text-classification"
        else:
            yield datasets / name, "image-classification"
            yield zipped(datasets / name, temporary), "image-classification"


if __name__ == "__main__":
    sys.exit(main())
