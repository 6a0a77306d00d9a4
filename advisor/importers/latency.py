"""Published speeds on phones, boards and processors, from the tables of ncnn, Qualcomm AI Hub, OpenCV Zoo and Coral.

`python -m advisor.importers.latency FOLDER --knowledge DIR` rewrites `DIR/results/latency-edge.csv`, and from this
project's own timings, `DIR/timings-zen4.csv`, `DIR/results/latency-zen4.csv`. Which card and
which device a row means is said in `DIR/latency-names.yaml`; all other rows are left out. Of several timings of a
model on a device by one runtime the quickest number of threads for most models counts.
"""

import argparse
import csv
import re
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from advisor.errors import InputError
from advisor.importers.write import csv_text
from advisor.knowledge import ModelCard, load_knowledge

__all__ = ["import_latencies", "main", "own_timings"]

COLUMNS = ("model", "device", "ms", "batch", "precision", "runtime", "source", "date")
QAI_PRECISIONS = {"float": "fp16", "w8a8": "w8a8", "w8a16": "w8a16"}
YOLO_RUNTIMES = {
    "TensorRT FP16": ("tensorrt", "fp16", "orin-nano-yolov8"),
    "TensorRT INT8": ("tensorrt", "int8", "orin-nano-yolov8"),
}
OWN_DEVICE = "amd-epyc-zen4-1core"
Row = dict[str, Any]


def import_latencies(folder: Path, names: Mapping[str, Any], known: Collection[str]) -> list[Row]:
    """Read the tables.

    :param folder: holds ncnn_benchmark.csv, qai_hub_on_device_latency.csv, opencv_zoo_benchmark.csv and
        edge_measured_latency.csv; those that are missing are left out.
    :param names: the content of `latency-names.yaml`.
    :param known: ids of the cards.
    :return: rows of the speed table, sorted by model, device and runtime.
    :raises InputError: if none of the tables is there.
    """
    readers = {
        "ncnn_benchmark.csv": _ncnn, "qai_hub_on_device_latency.csv": _qai,
        "opencv_zoo_benchmark.csv": _opencv, "edge_measured_latency.csv": _edge,
    }  # fmt: skip
    there = {name: read for name, read in readers.items() if (folder / name).is_file()}
    if not there:
        raise InputError(f"The folder {folder} has no table of speeds", ", ".join(readers))
    cards = {
        table: {name: next((id for id in ids if id in known), "") for name, ids in one.items()}
        for table, one in names["models"].items()
    }
    found: dict[tuple[str, str, str, str], Row] = {}
    for name, read in there.items():
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            for row in read(list(csv.DictReader(stream)), cards, names["devices"]):
                key = (row["model"], row["device"], row["runtime"], row["precision"])
                if row["model"] and (key not in found or row["ms"] < found[key]["ms"]):
                    found[key] = row
    return [found[key] for key in sorted(found)]


def own_timings(rows: Iterable[Mapping[str, str]], cards: Iterable[ModelCard]) -> list[Row]:
    """Give this project's timings of architectures to the cards that have them at that resolution.

    :param rows: architecture, resolution and milliseconds.
    :param cards: all cards.
    :return: rows of the speed table.
    """
    timed = {(row["architecture"], int(row["resolution"])): float(row["ms"]) for row in rows}
    return [
        _row(card.id, OWN_DEVICE, ms, "fp32", "pytorch", "measured-2026-11")
        for card in cards
        if (ms := timed.get((card.architecture or "", card.input.resolution or 0)))
    ]


def _row(model: str, device: str, ms: float, precision: str, runtime: str, source: str) -> Row:
    plain = float(f"{ms:.7g}")
    return {
        "model": model, "device": device, "ms": plain, "batch": 1, "precision": precision,
        "runtime": runtime, "source": source,
    }  # fmt: skip


def _ncnn(
    rows: Sequence[Mapping[str, str]], cards: Mapping[str, Any], devices: Mapping[str, Any]
) -> Iterator[Row]:
    timed: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        device = next((id for part, id in devices["ncnn"].items() if part in row["device"]), None)
        if device and row["gpu_device"] == "-1":
            mine = timed[device, row["num_threads"]]
            mine[row["model"]] = min(float(row["min_ms"]), mine.get(row["model"], float("inf")))
    best: dict[str, tuple[float, dict[str, float]]] = {}
    for (device, _), mine in timed.items():
        middle = statistics.median(mine.values())
        if device not in best or middle < best[device][0]:
            best[device] = middle, mine
    for device, (_, mine) in best.items():
        for name, ms in mine.items():
            plain = re.sub(r"[_-]int8$", "", name)
            precision = "fp16" if plain == name else "int8"
            yield _row(cards["ncnn"].get(plain, ""), device, ms, precision, "ncnn", "ncnn-benchmark")


def _qai(
    rows: Sequence[Mapping[str, str]], cards: Mapping[str, Any], devices: Mapping[str, Any]
) -> Iterator[Row]:
    components = defaultdict(set)
    for row in rows:
        components[row["model"]].add(row["component"])
    for row in rows:
        device, precision = devices["qai"].get(row["device"]), QAI_PRECISIONS.get(row["precision"])
        alone = len(components[row["model"]]) == 1 and row["compute_unit"] == "NPU"
        if device and precision and alone and float(row["ms"] or 0) > 0:
            model = cards["qai"].get(row["model"], "")
            yield _row(model, device, float(row["ms"]), precision, "qualcomm-npu", "qai-hub-0.65")


def _opencv(
    rows: Sequence[Mapping[str, str]], cards: Mapping[str, Any], devices: Mapping[str, Any]
) -> Iterator[Row]:
    for row in rows:
        file = re.search(r"'(\w+?)(_int8)?\.onnx'", row["model"])
        device = devices["opencv"].get(row["device"])
        if file and device and row["unit"] == "CPU":
            precision = "int8" if file[2] else "fp32"
            model = cards["opencv"].get(file[1], "")
            yield _row(model, device, float(row["median_ms"]), precision, "opencv", "opencv-zoo-benchmark")


def _edge(
    rows: Sequence[Mapping[str, str]], cards: Mapping[str, Any], devices: Mapping[str, Any]
) -> Iterator[Row]:
    for row in rows:
        coral = devices["coral"].get(row["device"])
        if coral and row["runtime"] == "EdgeTPU int8":
            yield _row(
                cards["coral"].get(row["model"], ""), coral, float(row["ms"]), "int8", "edgetpu",
                "coral-benchmarks",
            )  # fmt: skip
        device = devices["yolo"].get(row["device"])
        if device and row["runtime"] in YOLO_RUNTIMES:
            runtime, precision, source = YOLO_RUNTIMES[row["runtime"]]
            yield _row(
                cards["yolo"].get(row["model"], ""), device, float(row["ms"]), precision, runtime, source
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite `results/latency-edge.csv` of a knowledge folder.

    :param arguments: the command line; that of the process if None.
    :raises InputError: if there is no table in the folder.
    """
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.latency", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="the tables of ncnn, AI Hub, OpenCV Zoo and Coral")
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"), help="the folder to rewrite")
    options = parser.parse_args(arguments)
    names = yaml.safe_load((options.knowledge / "latency-names.yaml").read_text(encoding="utf-8"))
    cards = load_knowledge(options.knowledge).models
    known = {card.id for card in cards}
    rows = import_latencies(options.folder, names, known)
    (options.knowledge / "results" / "latency-edge.csv").write_text(csv_text(rows, COLUMNS), encoding="utf-8")
    with (options.knowledge / "timings-zen4.csv").open(encoding="utf-8", newline="") as stream:
        own = own_timings(list(csv.DictReader(stream)), cards)
    (options.knowledge / "results" / "latency-zen4.csv").write_text(csv_text(own, COLUMNS), encoding="utf-8")


if __name__ == "__main__":
    main()
