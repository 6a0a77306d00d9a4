"""Device-ready models of Qualcomm AI Hub (depth, pose, segmentation, super-resolution …), from its manifests.

`python -m advisor.importers.qaihub qai_hub_model_manifests.csv --knowledge DIR` rewrites `models/qaihub-*.yaml` and
`results/qaihub.csv`. Sizes are those of the float32 builds.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from advisor.importers.tables import exact
from advisor.importers.zoo import Zoo, ZooFamily, find, paper_month, refresh_zoo

__all__ = ["import_qaihub", "main", "megabytes"]

SOURCE = "qai-hub-0.65"
MARKS = {
    ("nyuv2", "δ1"): ("nyu-depth-v2", "delta1", "0.01"),
    ("cocobody", "mAP"): ("coco-keypoints", "map", "0.01"),
    ("cocowholebody", "mAP"): ("coco-wholebody", "map", "0.01"),
    ("cityscapes", "mIOU"): ("cityscapes", "miou", "0.01"),
    ("pascal_voc", "mIOU"): ("pascal-voc", "miou", "0.01"),
    ("carvana", "mIOU"): ("carvana", "miou", "0.01"),
    ("human_matting", "mIOU"): ("portrait-matting", "miou", "0.01"),
    ("eg1800", "mIOU"): ("eg1800", "miou", "0.01"),
    ("semantic_kitti", "mIOU"): ("semantic-kitti", "miou", "0.01"),
    ("coco", "mAP"): ("coco-val2017", "map", "0.01"),
    ("coco91class", "mAP"): ("coco-val2017", "map", "0.01"),
    ("coco", "AR@1000"): ("coco-everything", "recall1000", "0.01"),
    ("kinetics400", "%"): ("kinetics-400", "top1", "0.01"),
    ("set14", "dB"): ("set14", "psnr", "1"),
    ("bsd300", "dB"): ("bsd300", "psnr", "1"),
    ("bsd100", "dB"): ("bsd100", "psnr", "1"),
    ("imagenet", "%"): ("imagenet-1k", "top1", "0.01"),
}
LICENCES = {
    "apache-2.0": ("Apache-2.0", "permissive"),
    "mit": ("MIT", "permissive"),
    "bsd-3-clause": ("BSD-3-Clause", "permissive"),
    "cc-by-4.0": ("CC-BY-4.0", "permissive"),
    "gpl-3.0": ("GPL-3.0", "copyleft"),
    "agpl-3.0": ("AGPL-3.0", "copyleft"),
}
BINARY = {"KB": Decimal(2**10), "MB": Decimal(2**20), "M": Decimal(2**20), "GB": Decimal(2**30)}
COUNTS = {"K": "1000", "M": "1000000", "B": "1000000000"}


def megabytes(text: str) -> float | None:
    """Read a size as the manifests state it, in binary units.

    :param text: as in `94.3 MB`.
    :return: 10^6 bytes; None if there is no size.
    """
    found = re.fullmatch(r"([\d.]+) ?(KB|MB|M|GB)", text.strip())
    return float(round(Decimal(found[1]) * BINARY[found[2]] / 10**6, 3)) if found else None


def import_qaihub(
    rows: Iterable[Mapping[str, str]], families: Sequence[ZooFamily], handmade: set[str]
) -> Zoo:
    """Turn the manifests into cards and results.

    :param rows: the table, one row per model.
    :param families: the zoo's families, matched against the manifest's id; their defaults name the tasks.
    :param handmade: ids that have a card in another file; these are left alone.
    :return: a card of each model that a family fits.
    """
    cards: list[tuple[ZooFamily, Mapping[str, Any]]] = []
    results: list[dict[str, Any]] = []
    for row in rows:
        id, family = f"qualcomm-ai-hub/{row['id']}", find(row["id"], families)
        if family is None or id in handmade:
            continue
        cards.append((family, _card(id, row)))
        mark = MARKS.get((row["benchmark_dataset"], row["benchmark_unit"]))
        if mark is not None and row["benchmark_value"]:
            results.append(
                {"model": id, "benchmark": mark[0], "metric": mark[1]}
                | {"value": exact(row["benchmark_value"], mark[2]), "source": SOURCE}
                | {"protocol": "device build"}
            )
    return Zoo("qaihub", cards, results)


def _card(id: str, row: Mapping[str, str]) -> dict[str, Any]:
    details: dict[str, str] = _details(row["technical_details"])
    size = megabytes(details.get("Model size (float)", ""))
    name, klass = LICENCES.get(row["license_type"], (row["license_type"], "custom"))
    return {
        "id": id,
        "name": row["name"],
        "architecture": details.get("Model checkpoint"),
        "released": paper_month(row["paper"]),
        "licence": {"id": name, "class": klass, "source": SOURCE} | _trap(klass),
        "where": [{"kind": "package", "ref": "pip install qai-hub-models"}],
        "input": {"resolution": _side(details.get("Input resolution", ""))},
        "parameters": _count(row["params"]),
        "size_mb": {"value": size, "unit": "MB", "source": SOURCE, "protocol": "published in binary units"}
        if size
        else None,
    }


def _details(text: str) -> dict[str, str]:
    """Read the details; a text that was cut off gives what can still be read."""
    try:
        return {str(key): str(value) for key, value in json.loads(text or "{}").items()}
    except ValueError:
        return dict(re.findall(r'"([^"]+)": "([^"]*)"', text))


def _trap(klass: str) -> dict[str, str]:
    traps = {
        "copyleft": "A product that contains it must publish its own source under the same terms.",
        "custom": "The owner's own terms: read them before use.",
    }
    return {"trap": traps[klass]} if klass in traps else {}


def _side(text: str) -> int | None:
    sides = [int(number) for number in re.findall(r"\d+", text) if int(number) >= 32]
    return max(sides) if sides else None


def _count(text: str) -> dict[str, Any] | None:
    found = re.fullmatch(r"([\d.]+)([KMB])", text)
    if not found:
        return None
    return {"value": int(exact(found[1], COUNTS[found[2]])), "unit": "parameters", "source": SOURCE}


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the hub's share of a knowledge folder; returns the exit code."""
    return refresh_zoo("qaihub", __doc__, "the manifests, one row per model", import_qaihub, arguments)


if __name__ == "__main__":
    sys.exit(main())
