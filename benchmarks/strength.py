"""Do a thousand examples choose the same regularisation of a linear probe as all of them?

The features of each set of texts are computed once, with one encoder; 500 examples or more are kept aside. C is chosen
by cross-validation over all the others, and over 1,000 and 600 of them; then a head is fitted on all with each.

    python benchmarks/strength.py --data FOLDER [--sets trec6,sst2] [--model ID] [--csv FILE]

Exits with 1 where the head by 1,000 examples is right more than half a point less often than the head by all.
"""

import argparse
import csv
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SETS = ("trec6", "sst2", "ag_news_test", "reuters_r8", "sms_spam")
MODEL = "paraphrase-MiniLM-L3-v2"
MOST, ASIDE = 3500, 500
PARTS = (1000, 600)
WITHIN = 0.005


def measure(data: Path, name: str, body: Any) -> list[dict[str, Any]]:
    """Choose C by all and by fewer examples of one set."""
    from few_shot import read_texts

    from advisor.probe import head
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed

    labels, texts = read_texts(data / "datasets" / name / "data.csv")
    order = np.random.default_rng(0).permutation(len(texts))
    learnt, judged = np.split(order, [min(MOST, len(order) - ASIDE)])
    used = np.concatenate([learnt, judged[:2000]])
    features = embed(body, [texts[i] for i in used], Clock(None, 0.0, lambda: False))
    truth = np.unique([labels[i] for i in used], return_inverse=True)[1]
    n, k = len(learnt), int(truth.max()) + 1
    rows = []
    for part in (n, *PARTS):
        head.MOST_COMPARED = part
        since = time.process_time()
        fitted = head.fit_head(features[:n], truth[:n], k, seed=0)
        seconds = time.process_time() - since
        right = float((fitted.probabilities(features[n:]).argmax(axis=1) == truth[n:]).mean())
        rows.append({
            "set": name, "learnt": n, "compared": part, "C": fitted.strength, "judged": len(truth) - n,
            "accuracy": round(right, 4), "cpu_s": round(seconds, 2),
        })  # fmt: skip
    return rows


def main() -> int:
    from speed import weights_of

    from advisor.probe.backbone import load_backbone

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder that holds datasets/ with --data or ADVISOR_BENCH_DATA")
    body = load_backbone(weights_of(given.model), lambda content: None)  # type: ignore[arg-type,return-value]
    rows = []
    for name in given.sets.split(","):
        rows += measure(Path(given.data), name, body)
        for row in rows[-1 - len(PARTS) :]:
            print(row, flush=True)
    if given.csv:
        with given.csv.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    every, fewer = (np.array([row["accuracy"] for row in rows[at :: 1 + len(PARTS)]]) for at in range(2))
    return 0 if (fewer >= every - WITHIN).all() else 1


if __name__ == "__main__":
    sys.exit(main())
