"""Last layer or the mean over all layers: which ranks text encoders better, and which does the probe learn more from?

For the samples of `selection/truth.py` (200 training examples, seed 0, texts cut to 64 tokens) the features of both
kinds come from one pass. Per set, LogME and the cross-validated accuracy of a linear probe on either kind, and on the
kind that the probe chooses, are held against full fine-tuning in `selection/truth.csv`.

    python benchmarks/layers.py --data FOLDER --models FOLDER --features FOLDER [--sets trec6,sst2]

Features are kept in the folder `--features` as SET-MODEL.npz, so the work can be cut into slices.
"""

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "selection"))
SETS = "trec6,sst2,sms_spam,ag_news_test,reuters_r8"
SCORES = ("logme", "logme_layers", "probe_last", "probe_mean", "probe_chosen")


def features(place: Path, data: Any, rows: Sequence[int], truth: Any, model: str) -> tuple[Any, Any]:
    """Give features (n, 2, d) and class indices, computed where they are not kept."""
    if place.exists():
        with np.load(place) as kept:
            return kept["values"], kept["truth"]
    from advisor.knowledge import load_knowledge
    from advisor.probe.backbone import TextBackbone, load_backbone
    from advisor.probe.clock import Clock
    from advisor.probe.features import embed
    from advisor.weights import local_cards, locate

    knowledge = load_knowledge().with_models(local_cards())
    backbone = load_backbone(locate(knowledge.model(model), knowledge, offline=True), lambda content: None)  # type: ignore[arg-type,return-value]
    assert isinstance(backbone, TextBackbone)
    backbone.max_tokens = min(64, backbone.max_tokens)
    clock = Clock(None, 0.0, lambda: False)
    values = embed(backbone, [data.contents[i] for i in rows], clock, every=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez(place, values=values, truth=truth)
    return values, truth


def scores(values: Any, truth: Any) -> tuple[dict[str, float], str]:
    """Score one encoder on its training examples; the chosen probe chooses its layers anew in each fold."""
    from sklearn.model_selection import StratifiedKFold

    from advisor.probe.choice import choose_layers
    from advisor.probe.features import of_layers
    from advisor.probe.head import fit_head
    from advisor.probe.transfer import transferability

    more: dict[str, Any] = {"seed": 0, "balanced": False, "check": lambda: None}
    found = transferability(of_layers(values, "last"), truth, None, of_layers(values, "mean"))
    right = {name: np.zeros(len(truth)) for name in ("last", "mean", "chosen")}
    for learn, hold in StratifiedKFold(3, shuffle=True, random_state=0).split(values, truth):
        for name in right:
            kind: Any = (
                choose_layers(values[learn], truth[learn], **more).layers if name == "chosen" else name
            )
            head = fit_head(of_layers(values[learn], kind), truth[learn], int(truth.max()) + 1, seed=0)
            named = head.probabilities(of_layers(values[hold], kind)).argmax(axis=1)
            right[name][hold] = named == truth[hold]
    probes = {f"probe_{name}": float(one.mean()) for name, one in right.items()}
    return {**found, **probes}, choose_layers(values, truth, **more).layers


def main() -> int:
    """Score what there are features or time for, and print one table."""
    import truth as real
    from scipy.stats import weightedtau

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--models", type=Path, default=os.environ.get("ADVISOR_MODELS"))
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--sets", default=SETS)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER, or ADVISOR_BENCH_DATA, names the folder with the data sets")
    if options.models is not None:
        os.environ["ADVISOR_MODELS"] = str(options.models)
    with (HERE / "selection" / "truth.csv").open(encoding="utf-8") as stream:
        reached = {
            (row["set"], row["model"]): float(row["accuracy"])
            for row in csv.DictReader(stream)
            if row["seed"] == "0"
        }
    taus: dict[str, list[float]] = {name: [] for name in SCORES}
    regrets: dict[str, list[float]] = {name: [] for name in SCORES}
    for name in options.sets.split(","):
        data = real.read_set(options.data, name)
        rows, _ = real.draw(data.labels, data.groups, 0)
        index = {label: i for i, label in enumerate(data.classes)}
        labels = np.array([index[data.labels[i]] for i in rows], dtype=np.int64)
        found = []
        for model in real.TEXT_MODELS:
            place = options.features / f"{name}-{model.replace('/', '~')}.npz"
            one, layers = scores(*features(place, data, rows, labels, model))
            found.append(one)
            told = "  ".join(f"{score} {one[score]:.3f}" for score in SCORES)
            print(f"{name:14} {model:42} truth {reached[name, model]:.3f}  {told}  {layers}", flush=True)
        final = np.array([reached[name, model] for model in real.TEXT_MODELS])
        for score in SCORES:
            given = np.array([one[score] for one in found])
            taus[score].append(float(weightedtau(final, given).statistic))
            regrets[score].append(float(final.max() - final[given.argmax()]))
    print(f"{'score':14} {'weighted tau':>12} {'regret@1 (points)':>18}   over {len(taus['logme'])} sets")
    for score in SCORES:
        print(f"{score:14} {np.mean(taus[score]):12.3f} {100 * np.mean(regrets[score]):18.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
