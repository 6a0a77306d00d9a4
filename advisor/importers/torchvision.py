"""Torchvision's pretrained weights, from the metadata that torchvision itself keeps of them.

`python -m advisor.importers.torchvision torchvision_weights.csv --knowledge DIR` rewrites
`models/torchvision-*.yaml` and `results/torchvision.csv`.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from advisor.importers.tables import exact
from advisor.importers.zoo import Zoo, ZooFamily, find, refresh_zoo

__all__ = ["import_torchvision", "main"]

SOURCE = "torchvision-0.28"
MIB = Decimal(2**20) / 10**6
TASKS = {
    "classification": ["image-classification", "image-embedding"],
    "quantized_classification": ["image-classification"],
    "detection": ["object-detection"],
    "segmentation": ["semantic-segmentation"],
    "video": ["video-classification"],
    "optical_flow": ["optical-flow"],
}
MARKS = {
    ("ImageNet-1K", "acc@1"): ("imagenet-1k", "top1", "0.01"),
    ("COCO-val2017", "box_map"): ("coco-val2017", "map", "0.01"),
    ("COCO-val2017", "mask_map"): ("coco-val2017", "mask-map", "0.01"),
    ("COCO-val2017", "kp_map"): ("coco-keypoints", "map", "0.01"),
    ("COCO-val2017-VOC-labels", "miou"): ("coco-voc-labels", "miou", "0.01"),
    ("Kinetics-400", "acc@1"): ("kinetics-400", "top1", "0.01"),
    ("Sintel-Train-Cleanpass", "epe"): ("sintel-clean", "epe", "1"),
    ("Sintel-Train-Finalpass", "epe"): ("sintel-final", "epe", "1"),
}
SIDES = {
    "detection": 800,
    "segmentation": 520,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 320,
    "ssd300_vgg16": 300,
    "ssdlite320_mobilenet_v3_large": 320,
    "efficientnet_b1": 240,
    "efficientnet_b2": 288,
    "efficientnet_b3": 300,
    "efficientnet_b4": 380,
    "efficientnet_b5": 456,
    "efficientnet_b6": 528,
    "efficientnet_b7": 600,
    "efficientnet_v2_s": 384,
    "efficientnet_v2_m": 480,
    "efficientnet_v2_l": 480,
    "inception_v3": 299,
    "quantized_inception_v3": 299,
    "swin_v2_t": 256,
    "swin_v2_s": 256,
    "swin_v2_b": 256,
    "mc3_18": 112,
    "r3d_18": 112,
    "r2plus1d_18": 112,
    "optical_flow": 520,
}
SWAG_SIDES = {"vit_h_14": 518, "vit_l_16": 512}
CALLS = {
    "detection": "detection.",
    "segmentation": "segmentation.",
    "video": "video.",
    "optical_flow": "optical_flow.",
}
DATA = {
    "IMAGENET22K": ["imagenet-21k", "kinetics-400"],
    "KINETICS400": ["kinetics-400"],
    "SWAG": ["instagram", "imagenet-1k"],
    "IMAGENET1K": ["imagenet-1k"],
    "COCO": ["coco-2017"],
    "C_T": ["flying-chairs", "flying-things-3d"],
}
PERMISSIVE = {"id": "BSD-3-Clause", "class": "permissive", "source": SOURCE}
SWAG = {
    "id": "CC-BY-NC-4.0",
    "class": "non-commercial",
    "trap": "The code is BSD, but these SWAG weights may not be used commercially.",
    "code": "BSD-3-Clause",
    "source": SOURCE,
}


def import_torchvision(
    rows: Iterable[Mapping[str, str]], families: Sequence[ZooFamily], handmade: set[str]
) -> Zoo:
    """Turn torchvision's weights into cards and results.

    :param rows: the table, one row per weights and metric.
    :param families: the zoo's families.
    :param handmade: ids that have a card in another file; these weights are left alone.
    :return: cards of all weights that a family fits and that have a result.
    """
    weights: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        weights.setdefault((row["model"], row["weights"]), []).append(row)
    cards: list[tuple[ZooFamily, Mapping[str, Any]]] = []
    results: list[dict[str, Any]] = []
    for (model, name), measured in weights.items():
        family = find(model, families)
        id = f"torchvision/{model}" if _lasting(measured[0]) else f"torchvision/{model}.{name}"
        if family is None or {id, f"torchvision/{model}"} & handmade:
            continue
        found = _results(id, name, measured)
        if found:
            cards.append((family, _card(id, measured)))
            results += found
    return Zoo("torchvision", cards, results)


def _lasting(row: Mapping[str, str]) -> bool:
    return row["is_default"] == "1" and row["task"] in ("detection", "segmentation")


def _card(id: str, measured: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    row = measured[0]
    model, name, task = row["model"], row["weights"], row["task"]
    quantised = model.removeprefix("quantized_")
    module = "quantization." if quantised != model else CALLS.get(task, "")
    extra = {row["metric"] for row in measured}
    tasks = ["instance-segmentation", "object-detection"] if "mask_map" in extra else TASKS[task]
    return {
        "id": id,
        "name": f"{quantised} ({name})",
        "tasks": ["pose-estimation"] if "kp_map" in extra else tasks,
        "architecture": quantised,
        "licence": SWAG if row["license"] else PERMISSIVE,
        "where": [
            {"kind": "torchvision", "ref": f"torchvision.models.{module}{quantised}(weights='{name}')"},
        ],
        "input": {"resolution": _side(row)},
        "parameters": {"value": int(row["num_params"]), "unit": "parameters", "source": SOURCE},
        "size_mb": {
            "value": float(round(Decimal(row["file_size_mb"]) * MIB, 3)),
            "unit": "MB",
            "source": SOURCE,
            "protocol": "published in units of 2^20 bytes",
        },
        "flops": {
            "value": int(exact(row["gflops"], "1000000000")) * 2,
            "unit": "FLOP",
            "source": SOURCE,
            "protocol": "2 x multiply-adds",
        },
        "trained_on": next((sets for key, sets in DATA.items() if key in name), None),
    }


def _side(row: Mapping[str, str]) -> int:
    model = row["model"]
    if "SWAG_E2E" in row["weights"]:
        return SWAG_SIDES.get(model, 384)
    return SIDES.get(model, SIDES.get(row["task"], 224))


def _results(id: str, weights: str, measured: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {"model": id, "benchmark": mark[0], "metric": mark[1], "value": exact(row["value"], mark[2])}
        | {"source": SOURCE, "protocol": weights}
        for row in measured
        if (mark := MARKS.get((row["dataset"], row["metric"]))) is not None and row["value"].lower() != "nan"
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite torchvision's share of a knowledge folder; returns the exit code."""
    return refresh_zoo(
        "torchvision", __doc__, "torchvision's weights, one row per metric", import_torchvision, arguments
    )


if __name__ == "__main__":
    sys.exit(main())
