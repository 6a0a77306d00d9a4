"""MMPreTrain's model zoo: classifiers, self-supervised bodies, captions and answers on pictures.

`python -m advisor.importers.openmmlab mmpretrain_model_zoo.csv --knowledge DIR` rewrites `models/openmmlab-*.yaml`
and `results/openmmlab.csv`. Classifiers that the zoo took over from others are left out: their makers' own
checkpoints stand elsewhere in the base.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advisor.importers.tables import exact
from advisor.importers.zoo import Zoo, ZooFamily, derived_size, find, paper_month, refresh_zoo

__all__ = ["import_openmmlab", "main"]

SOURCE = "mmpretrain-1.2"
IMAGENET = ("Image Classification", "ImageNet-1k", "Top 1 Accuracy")
MARKS = {
    IMAGENET: ("imagenet-1k", "top1", "0.01"),
    ("Image Caption", "COCO", "CIDER"): ("coco-caption", "cider", "0.01"),
    ("Image Caption", "COCO", "BLEU-4"): ("coco-caption", "bleu4", "0.01"),
    ("Visual Question Answering", "VQAv2", "Accuracy"): ("vqav2", "accuracy", "0.01"),
    ("Visual Grounding", "RefCOCO", "Accuracy (testA)"): ("refcoco-test-a", "accuracy", "0.01"),
    ("Image-To-Text Retrieval", "COCO", "Recall@1"): ("coco-retrieval", "text-recall1", "0.01"),
    ("Text-To-Image Retrieval", "COCO", "Recall@1"): ("coco-retrieval", "image-recall1", "0.01"),
}
TASKS = {
    "Image Classification": ["image-classification", "image-embedding"],
    "Image Caption": ["image-captioning"],
    "Visual Question Answering": ["visual-question-answering"],
    "Visual Grounding": ["visual-grounding"],
    "Image-To-Text Retrieval": ["image-text-retrieval"],
    "Text-To-Image Retrieval": ["image-text-retrieval"],
}
SIDES = {
    r"blip2.*caption": 364,
    r"blip2.*(vqa|retrieval)": 364,
    r"blip.*vqa": 480,
    r"blip": 384,
    r"ofa.*refcoco": 512,
    r"ofa": 480,
    r"flamingo": 224,
}


def import_openmmlab(
    rows: Iterable[Mapping[str, str]], families: Sequence[ZooFamily], handmade: set[str]
) -> Zoo:
    """Turn the zoo's metafiles into cards and results.

    :param rows: the table, one row per model and metric.
    :param families: the zoo's families, matched against the model's name.
    :param handmade: ids that have a card in another file; these are left alone.
    :return: a card of each model that a family fits and that has parameters and a result.
    """
    models: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        models.setdefault(row["model"], []).append(row)
    cards: list[tuple[ZooFamily, Mapping[str, Any]]] = []
    results: list[dict[str, Any]] = []
    for name, measured in models.items():
        id, family, found = f"open-mmlab/{name}", find(name, families), list(_results(name, measured))
        borrowed = "3rdparty" in name and measured[0]["task"] == "Image Classification"
        if family is None or borrowed or not found or not measured[0]["params"] or id in handmade:
            continue
        cards.append((family, _card(id, name, measured[0])))
        results += found
    return Zoo("openmmlab", cards, results)


def _results(name: str, measured: Iterable[Mapping[str, str]]) -> Iterable[dict[str, Any]]:
    for row in measured:
        mark = MARKS.get((row["task"], row["dataset"], row["metric"]))
        if mark is not None and row["value"]:
            yield {
                "model": f"open-mmlab/{name}",
                "benchmark": mark[0],
                "metric": mark[1],
                "value": exact(row["value"], mark[2]),
                "source": SOURCE,
                "protocol": "zero-shot" if "zeroshot" in name else f"{_side(name)} px",
            }


def _card(id: str, name: str, row: Mapping[str, str]) -> dict[str, Any]:
    parameters = int(exact(row["params"]))
    card: dict[str, Any] = {
        "id": id,
        "name": name,
        "tasks": TASKS[row["task"]],
        "architecture": re.split(r"_|-pre", name)[0],
        "released": paper_month(row["paper"]),
        "where": [{"kind": "package", "ref": "pip install mmpretrain"}],
        "input": {"resolution": _side(name)},
        "parameters": {"value": parameters, "unit": "parameters", "source": SOURCE},
        "size_mb": derived_size(parameters),
        "trained_on": ["imagenet-1k"] if row["dataset"] == "ImageNet-1k" else ["coco-captions"],
    }
    if row["flops"]:
        card["flops"] = {"value": int(exact(row["flops"])) * 2, "unit": "FLOP", "source": SOURCE}
        card["flops"] |= {"protocol": "2 x multiply-adds"}
    return card


def _side(name: str) -> int:
    if stated := re.search(r"(\d{3})px", name):
        return int(stated[1])
    return next((side for pattern, side in SIDES.items() if re.match(pattern, name)), 224)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the zoo's share of a knowledge folder; returns the exit code."""
    return refresh_zoo(
        "openmmlab",
        __doc__,
        "MMPreTrain's metafiles, one row per model and metric",
        import_openmmlab,
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
