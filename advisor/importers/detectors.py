"""Detectors and their kin (segmentation, pose, boxes at any angle), from the tables of their makers' READMEs.

`python -m advisor.importers.detectors detectors_normalised.csv --knowledge DIR` rewrites
`models/detectors-*.yaml`, `results/detectors.csv` and `results/latency-detectors.csv`. A row that another project
measured again under a protocol of its own is left out, except for that project's own models.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advisor.importers.tables import exact
from advisor.importers.zoo import Zoo, ZooFamily, derived_size, find, refresh_zoo

__all__ = ["hub_id", "import_detectors", "main"]

SOURCES = {
    "PyPI ultralytics 8.3": "ultralytics-8.3",
    "PyPI ultralytics 8.4": "ultralytics-8.4",
    "THU-MIG/yolov10 (ultralytics fork) docs/en/models/yolov8": "yolov8-docs",
    "THU-MIG/yolov10 (ultralytics fork) docs/en/models/yolov5": "yolov5u-docs",
    "THU-MIG/yolov10 README": "yolov10-readme",
    "ultralytics/yolov5": "yolov5-readme",
    "sunsmarterjie/yolov12": "yolov12-readme",
    "lyuwenyu/RT-DETR": "rtdetr-readme",
    "Peterande/D-FINE": "dfine-readme",
    "roboflow/rf-detr": "rfdetr-benchmarks",
    "facebookresearch/sam2": "sam2-readme",
}
TASKS = {
    "detection": "object-detection",
    "instance-segmentation": "instance-segmentation",
    "classification": "image-classification",
    "pose": "pose-estimation",
    "obb": "oriented-object-detection",
    "semantic-segmentation": "semantic-segmentation",
    "promptable-segmentation": "promptable-segmentation",
}
MARKS = {
    "mAP val 50-95": ("coco-val2017", "map"),
    "mAP box 50-95": ("coco-val2017", "map"),
    "mAP mask 50-95": ("coco-val2017", "mask-map"),
    "mAP pose 50-95": ("coco-keypoints", "map"),
    "mAP test 50": ("dota-v1", "map50"),
    "mAP test 50-95": ("dota-v1", "map"),
    "mIoU val": ("cityscapes", "miou"),
    "acc top1": ("imagenet-1k", "top1"),
    "Acc. top-1": ("imagenet-1k", "top1"),
    "SA-V test J&F": ("sa-v-test", "jf"),
    "MOSE val J&F": ("mose-val", "jf"),
    "COCO AP 50:95 (rf-detr protocol)": ("coco-val2017", "map"),
    "RF100-VL AP 50:95": ("rf100-vl", "map"),
}
SPEEDS = {
    "Speed T4 TensorRT10 (ms)": ("nvidia-t4", "fp16", "tensorrt"),
    "T4 TensorRT10 (ms)": ("nvidia-t4", "fp16", "tensorrt"),
    "T4 TensorRT FP16 (ms)": ("nvidia-t4", "fp16", "tensorrt"),
    "T4 TensorRT FP16 (ms) = 1000/FPS": ("nvidia-t4", "fp16", "tensorrt"),
    "T4 TensorRT FP16 (ms, rf-detr protocol)": ("nvidia-t4", "fp16", "tensorrt"),
    "T4 TensorRT FP16 end-to-end latency (ms)": ("nvidia-t4", "fp16", "tensorrt"),
    "Speed RTX3090 PyTorch (ms)": ("rtx-3090", "fp16", "pytorch"),
    "Speed V100 b1 (ms)": ("nvidia-v100", "fp16", "pytorch"),
}
WORDS = {"N": "nano", "T": "tiny", "S": "small", "M": "medium", "L": "large", "X": "xlarge", "XL": "xlarge"}
WORDS |= {"2XL": "2xlarge", "B": "base"}
IDS: dict[str, str] = {
    r"(YOLO(?:v8|11|26)\w?[\w-]*|yolov5\w+|YOLOv5\w[\w-]*)$": "ultralytics/{0}",
    r"YOLOv10-(\w)$": "jameslahm/yolov10{0}",
    r"YOLO12(\w) \(v1\.0\)$": "sunsmarterjie/yolov12{0}",
    r"YOLO12(\w) \(turbo\)$": "sunsmarterjie/yolov12{0}-turbo",
    r"YOLOv12(\w-\w+)$": "sunsmarterjie/yolov12{0}",
    r"rtdetr_(r18vd|r34vd|r50vd|r101vd)$": "PekingU/rtdetr_{0}",
    r"rtdetr_r?(18vd|50vd|101vd) \[COCO\+Objects365 pretrain\]$": "PekingU/rtdetr_r{0}_coco_o365",
    r"(rtdetr_(?:r50vd_m|regnet|dla34)|rtdetrv2_hgnetv2_\w)$": "lyuwenyu/{0}",
    r"RT-DETRv2-S$": "PekingU/rtdetr_v2_r18vd",
    r"RT-DETRv2-M \*$": "PekingU/rtdetr_v2_r34vd",
    r"RT-DETRv2-M$": "lyuwenyu/rtdetrv2_r50vd_m",
    r"RT-DETRv2-L$": "PekingU/rtdetr_v2_r50vd",
    r"RT-DETRv2-X$": "PekingU/rtdetr_v2_r101vd",
    r"D-FINE-(\w)$": "ustc-community/dfine-{1}-coco",
    r"D-FINE-(L) \[Objects365 pretrain\]$": "ustc-community/dfine-{1}-obj2coco-e25",
    r"D-FINE-(\w) \[Objects365 pretrain\]$": "ustc-community/dfine-{1}-obj2coco",
    r"RF-DETR-(\w+)$": "roboflow/rf-detr-{1}",
    r"RF-DETR-Seg-(\w+)$": "roboflow/rf-detr-seg-{1}",
    r"LW-DETR-(\w)$": "Atten4Vis/lw-detr-{1}",
    r"sam2(\.1)?_hiera_(\w+)$": "facebook/sam2{0}-hiera-{2}",
}
HUBS = ("PekingU", "ustc-community", "facebook", "jameslahm")
ULTRALYTICS = {
    "id": "AGPL-3.0",
    "class": "copyleft",
    "trap": "AGPL: a product or network service that contains it must publish its source, or a paid licence from the "
    "maker is needed.",
}
PLATFORM = {
    "id": "PML-1.0",
    "class": "custom",
    "trap": "Roboflow's platform licence: commercial use needs a plan with the maker.",
}
SMALL_INPUT, LARGE_INPUT = "640", "1280"


def hub_id(model: str) -> str | None:
    """Translate a table's name of a model to the id of its card; None if it is another project's re-measurement."""
    for pattern, form in IDS.items():
        if found := re.match(pattern, model):
            parts = [group or "" for group in found.groups()]
            first = parts[0] if parts else ""
            last = parts[-1].replace("_", "-") if parts else ""
            lower = first if "vd" in model or "rtdetr" in model else first.lower()
            return form.format(lower, WORDS.get(first, ""), last)
    return None


def import_detectors(
    rows: Iterable[Mapping[str, str]], families: Sequence[ZooFamily], handmade: set[str]
) -> Zoo:
    """Turn the makers' tables into cards, results and speeds.

    :param rows: the table, one row per model and benchmark.
    :param families: the zoo's families.
    :param handmade: ids that have a card in another file; these are left alone.
    :return: a card for each model whose name, family, size and result are known.
    """
    cards: dict[str, tuple[ZooFamily, Mapping[str, Any]]] = {}
    results: list[dict[str, Any]] = []
    latencies: list[dict[str, Any]] = []
    for row in rows:
        id, family = hub_id(row["model"]), find(row["model"], families)
        source = next((id for start, id in SOURCES.items() if row["source"].startswith(start)), None)
        own = "rf-detr protocol" not in row["metric"] or row["model"].startswith(("RF-DETR", "LW-DETR"))
        if not (id and family and source and own and row["params_m"]) or id in handmade:
            continue
        if id not in cards:
            cards[id] = family, _card(id, row, source)
        results += _results(id, row, source)
        if row["gpu_ms"] and (speed := SPEEDS.get(row["gpu_col"])):
            device, precision, runtime = speed
            latencies.append(
                {"model": id, "device": device, "ms": exact(row["gpu_ms"]), "batch": 1}
                | {"precision": precision, "runtime": runtime, "source": source}
            )
    return Zoo("detectors", list(cards.values()), results, latencies)


def _side(row: Mapping[str, str]) -> int:
    stated = row["input_size"].partition(".")[0]
    return int(stated or (LARGE_INPUT if row["model"].endswith("6") else SMALL_INPUT))


def _card(id: str, row: Mapping[str, str], source: str) -> dict[str, Any]:
    parameters = int(exact(row["params_m"], "1000000"))
    licences = {"AGPL-3.0": ULTRALYTICS, "PML-1.0": PLATFORM}
    plain = {"id": row["licence"], "class": "permissive"}
    task = TASKS[row["task"]]
    hub = [{"kind": "huggingface", "ref": id}] if id.split("/")[0] in HUBS else None
    data = {"obb": "dota-v1", "semantic-segmentation": "cityscapes", "classification": "imagenet-1k"}
    seen = [data.get(row["task"], "sa-v" if task == "promptable-segmentation" else "coco-2017")]
    if row["dataset"].startswith("Open Images"):
        seen = ["open-images-v7"]
    if "Objects365" in row["model"] or row["model"].startswith(("RF-DETR", "LW-DETR")):
        seen.append("objects365")
    card: dict[str, Any] = {
        "id": id,
        "name": row["model"],
        "tasks": [task, "object-detection"] if task == "instance-segmentation" else [task],
        "architecture": row["model"].partition(" ")[0].lower(),
        "licence": licences.get(row["licence"], plain) | {"source": source},
        "where": hub,
        "input": {"resolution": _side(row)},
        "parameters": {"value": parameters, "unit": "parameters", "source": source},
        "size_mb": derived_size(parameters),
        "trained_on": seen,
    }
    if row["flops_b"]:
        card["flops"] = {"value": int(exact(row["flops_b"], "1000000000")), "unit": "FLOP", "source": source}
    return card


def _results(id: str, row: Mapping[str, str], source: str) -> Iterable[dict[str, Any]]:
    for metric, value in ((row["metric"], row["value"]), (row["metric2"], row["value2"])):
        plain = metric.removesuffix("(e2e)")
        mark = MARKS.get(plain)
        if mark is None or not value:
            continue
        benchmark, name = mark
        if row["dataset"].startswith("Open Images"):
            benchmark = "open-images-v7"
        if row["task"] == "instance-segmentation" and "rf-detr protocol" in metric:
            name = "mask-map"
        how = "RF-DETR protocol" if "rf-detr" in metric else f"{_side(row)} px"
        yield {
            "model": id,
            "benchmark": benchmark,
            "metric": name,
            "value": exact(value, "0.01"),
            "source": source,
            "protocol": f"{how}, end to end" if metric != plain else how,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the detectors' share of a knowledge folder; returns the exit code."""
    return refresh_zoo(
        "detectors",
        __doc__,
        "the makers' tables, one row per model and benchmark",
        import_detectors,
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
