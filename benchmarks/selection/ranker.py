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
from evidence import Run, afforded, complete, read_truth

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


def rank(run: Run, share: float, data: Any, python: Path) -> dict[str, Any]:
    """Let the package rank what a share of the seconds affords."""
    train, _ = truth.draw(data.labels, data.groups, run.seed)
    models, examples = afforded(run, share)
    where = folders(models)
    used = train[:examples]
    job = {
        "threads": 1,
        "models": list(where),
        "texts": [data.contents[i] for i in used],
        "labels": [data.labels[i] for i in used],
    }
    with tempfile.TemporaryDirectory(prefix="ranker-") as place:
        asked, script = Path(place) / "job.json", Path(place) / "rank.py"
        asked.write_text(json.dumps(job), encoding="utf-8")
        script.write_text(SCRIPT, encoding="utf-8")
        done = subprocess.run([python, script, asked], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    scores = {where[name]: value for name, value in found["scores"].items()}
    return {
        "set": run.set, "seed": run.seed, "share": share, "examples": examples,
        "seconds": round(found["seconds"], 1), "scores": json.dumps(scores),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--python", type=Path, required=True, help="of the environment with the package")
    parser.add_argument("--shares", default="0.02,0.05,0.1,0.25")
    parser.add_argument("--truth", type=Path, default=truth.TRUTH)
    parser.add_argument("--out", type=Path, default=RANKER)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
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
