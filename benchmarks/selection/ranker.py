"""How does the package transformer-ranker rank the text encoders, in the same share of the seconds?

It runs with its defaults (H-score on the mean of all layers) in an environment of its own, on as many of the training
examples as the seconds afford, with one thread. One row per data set, seed and share is appended to ranker.csv; what is
there is not done again.

    python benchmarks/selection/ranker.py --data FOLDER --models FOLDER --python PYTHON [--shares 0.1,0.25]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import slices
import truth
from evidence import Run, Scores, afforded, complete, read_truth

HERE = Path(__file__).parent
RANKER = HERE / "ranker.csv"
FIELDS = ("set", "seed", "share", "examples", "seconds", "scores")
SCRIPT = """
import json, sys, time
job = json.loads(open(sys.argv[1]).read())
import torch
torch.set_num_threads(job["threads"])
from datasets import Dataset
from transformer_ranker import TransformerRanker
data = Dataset.from_dict({"text": job["texts"], "label": job["labels"]})
ranker = TransformerRanker(data, text_column="text", label_column="label")
result = ranker.run(job["models"], batch_size=32, device="cpu")
print(json.dumps({"seconds": time.process_time(), "scores": result.scores}))
"""


def folders(models: list[str]) -> dict[str, str]:
    """Find the weights: folder → model."""
    from advisor.knowledge import load_knowledge
    from advisor.weights import local_cards, locate

    knowledge = load_knowledge().with_models(local_cards())
    return {str(locate(knowledge.model(one), knowledge, offline=True).folder): one for one in models}


def laid(
    python: Path, place: Path, data: Any, learnt: list[int], models: list[str], threads: int
) -> tuple[list[str], dict[str, str]]:
    """Lay out what the package is to rank.

    :return: the command that does it, and which folder is which model.
    """
    where = folders(models)
    job = {
        "threads": threads,
        "models": list(where),
        "texts": [data.contents[i] for i in learnt],
        "labels": [data.labels[i] for i in learnt],
    }
    asked, script = place / "job.json", place / "rank.py"
    asked.write_text(json.dumps(job), encoding="utf-8")
    script.write_text(SCRIPT, encoding="utf-8")
    return [str(python), str(script), str(asked)], where


def read(printed: str, where: dict[str, str]) -> tuple[float, Scores]:
    """Read the seconds of the processor, and the score of each model, from what the command printed."""
    found = json.loads(printed.splitlines()[-1])
    return found["seconds"], {where[name]: value for name, value in found["scores"].items()}


def rank(run: Run, share: float, data: Any, python: Path) -> dict[str, Any]:
    """Let the package rank what a share of the seconds affords."""
    train, _ = truth.draw(data.labels, data.groups, run.seed)
    models, examples = afforded(run, share)
    with tempfile.TemporaryDirectory(prefix="ranker-") as place:
        command, where = laid(python, Path(place), data, train[:examples], models, threads=1)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, scores = read(done.stdout, where)
    return {
        "set": run.set, "seed": run.seed, "share": share, "examples": examples,
        "seconds": round(seconds, 1), "scores": json.dumps(scores),
    }  # fmt: skip


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Ask for data, models and the package's Python, besides what the parser knows; the models are set."""
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--python", type=Path, required=True, help="of the environment with the package")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
    return options


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shares", default="0.02,0.05,0.1,0.25")
    parser.add_argument("--truth", type=Path, default=truth.TRUTH)
    parser.add_argument("--out", type=Path, default=RANKER)
    options = parsed(parser)
    done = slices.by_share(options.out)
    for run in complete(read_truth(options.truth)):
        for share in map(float, options.shares.split(",")):
            if run.kind != "text" or (run.set, run.seed, share) in done or not afforded(run, share)[0]:
                continue
            row = rank(run, share, truth.read_set(options.data, run.set), options.python)
            slices.append(options.out, FIELDS, row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
