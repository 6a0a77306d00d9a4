"""Model cards, ImageNet results and speeds of timm checkpoints, from the tables that timm publishes.

`python -m advisor.importers.timm TABLE --knowledge DIR` rewrites `models/timm-*.yaml`,
`results/imagenet.csv` and `results/latency-timm.csv`. Cards for the names in `DIR/timm.txt` are made here; a
checkpoint that has a hand-written card (any other file in `DIR/models/`) keeps that card and gets only its
results and speeds. Families and what the curator says of them stand in `DIR/timm-families.yaml`; what only timm's
code knows (feature widths, stages, attention layers) in `DIR/timm-layers.csv`. The same input always gives the same
bytes.
"""

import argparse
import csv
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from advisor.errors import InputError, nearest
from advisor.importers.timm_families import TimmFamily, family_of, read_families
from advisor.importers.timm_words import praise
from advisor.importers.write import csv_text, yaml_text

__all__ = ["Imported", "import_timm", "main", "timm_card"]

SOURCE = "timm-results-2026-08"
CONFIGS = "timm-1.0.31"
SIZE_SOURCE = "derived-fp32-size"
BYTES_PER_PARAMETER = 4
DOCUMENTATION = "timm-docs"
EXPLAIN = {True: "attention-rollout-paper", False: "pytorch-grad-cam"}
SETS = {
    "top1": "imagenet-1k",
    "real_top1": "imagenet-real",
    "v2_top1": "imagenet-v2",
    "r_top1": "imagenet-r",
    "a_top1": "imagenet-a",
    "sketch_top1": "imagenet-sketch",
}
SPEEDS = {
    "benchmark-infer-fp32-nchw-pt240-cpu-i7_12700h-dynamo.csv": ("intel-i7-12700h", "fp32", "pytorch-dynamo"),
    "benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv": ("rtx-3090", "amp", "pytorch"),
    "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv": ("rtx-4090", "amp", "pytorch"),
    "benchmark-infer-amp-nchw-pt240-cu124-rtx4090-dynamo.csv": ("rtx-4090", "amp", "pytorch-dynamo"),
    "benchmark-infer-amp-nchw-pt291-cu130-5090.csv": ("rtx-5090", "amp", "pytorch"),
    "benchmark-infer-amp-nchw-pt291-cu130-5090-dynamo.csv": ("rtx-5090", "amp", "pytorch-dynamo"),
    "benchmark-infer-amp-nchw-pt291-cu130-pro6000maxq.csv": ("rtx-pro-6000-maxq", "amp", "pytorch"),
    "benchmark-infer-amp-nchw-pt291-cu130-pro6000maxq-dynamo.csv": (
        "rtx-pro-6000-maxq",
        "amp",
        "pytorch-dynamo",
    ),
}
LATENCY_COLUMNS = ("model", "device", "ms", "batch", "precision", "runtime", "source", "date")
PERMISSIVE = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-4.0": "CC-BY-4.0",
}
NON_COMMERCIAL = {"cc-by-nc-4.0": "CC-BY-NC-4.0"}
TRAINING = {
    r"in1k": "imagenet-1k",
    r"in12k": "imagenet-12k",
    r"in21k|in22k|ssld|swag_ft_in22k": "imagenet-21k",
    r"laion2b": "laion-2b",
    r"openai": "wit-400m",
    r"webli": "webli",
    r"ig1b|swag|wsl": "instagram",
    r"yfcc100m": "yfcc-100m",
    r"_ns_|^ns_": "jft-300m",
    r"m38m": "merged-38m",
    r"lvd142m": "lvd-142m",
    r"lvd1689m": "lvd-1689m",
}  # fmt: skip


@dataclass(frozen=True)
class Imported:
    """What the tables give: file name below the knowledge folder → its whole text."""

    files: Mapping[str, str]


def import_timm(
    table: Path,
    wanted: Sequence[str],
    handmade: Sequence[str],
    families: Sequence[TimmFamily],
    layers: Mapping[str, Mapping[str, str]],
) -> Imported:
    """Turn timm's published tables into knowledge.

    :param table: the merged table (one row per checkpoint and image size); `timm_pretrained_cfgs.csv` and
        timm's `benchmark-infer-*.csv` are read from beside it where they are.
    :param wanted: checkpoint names (`arch.tag`) that shall have a card.
    :param handmade: checkpoint names whose card exists; only their results and speeds are taken.
    :param families: the families, the first that fits an architecture wins.
    :param layers: architecture → its row of `timm-layers.csv`.
    :return: the files.
    :raises InputError: if the table lacks a wanted checkpoint, naming the nearest, or knows no hub id for it, or no
        family fits it.
    """
    rows = _native(_read(table))
    for name in (*wanted, *handmade):
        if name not in rows:
            raise InputError(
                f"{table.name} has no checkpoint {name!r}", "an `arch.tag` of it", nearest(name, rows)
            )
        if not rows[name]["hf_hub_id"]:
            raise InputError(
                f"{table.name}: {name!r} has no hub id", fix="Take it off the list of wanted names."
            )
    configs = {row["model"]: row for row in _read(table.with_name("timm_pretrained_cfgs.csv"), optional=True)}
    members: dict[TimmFamily, list[str]] = {}
    for name in sorted(set(wanted) - set(handmade)):
        members.setdefault(family_of(name.partition(".")[0], families), []).append(name)
    files: dict[str, str] = {}
    for family, names in sorted(members.items(), key=lambda item: item[0].slug):
        cards = [
            timm_card(rows[name], configs.get(name, {}), family, layers.get(name.partition(".")[0], {}))
            for name in names
        ]
        files[f"models/timm-{family.slug}.yaml"] = yaml_text(family.title, _defaults(family), cards)
    chosen = sorted({*wanted, *handmade})
    files["results/imagenet.csv"] = csv_text(_results(rows[name] for name in chosen))
    files["results/latency-timm.csv"] = csv_text(_latencies(table.parent, rows, chosen), LATENCY_COLUMNS)
    return Imported(files)


def timm_card(
    row: Mapping[str, str], config: Mapping[str, str], family: TimmFamily, layers: Mapping[str, str]
) -> dict[str, Any]:
    """Make the plain card of one checkpoint at its native image size.

    :param row: its row of the merged table.
    :param config: its row of the pretrained configurations; empty if there is none.
    :param family: its family.
    :param layers: its architecture's row of `timm-layers.csv`; empty if there is none.
    :return: the card's keys and values, in the order in which they shall stand.
    """
    architecture, _, tag = row["model"].partition(".")
    parameters = float(row["params_m"].replace(",", "")) * 1e6
    side = int(row["img_size"])
    card: dict[str, Any] = {
        "id": row["hf_hub_id"],
        "name": f"{architecture} ({tag})" if tag else architecture,
        "architecture": architecture,
        "released": _released(config.get("paper_ids", "")),
        "licence": _licence(row["license"]),
        "where": [{"kind": "huggingface", "ref": row["hf_hub_id"]}, {"kind": "timm", "ref": row["model"]}],
        "input": {"resolution": side},
        "parameters": {"value": round(parameters), "unit": "parameters", "source": SOURCE},
        "size_mb": {
            "value": round(parameters * BYTES_PER_PARAMETER / 1e6, 2),
            "unit": "MB",
            "source": SIZE_SOURCE,
        },
    }
    if row["gmacs"]:
        flops = round(2 * float(row["gmacs"].replace(",", "")) * 1e9)
        card["flops"] = {"value": flops, "unit": "FLOP", "source": SOURCE, "protocol": "2 x multiply-adds"}
    if row.get("macts"):
        count = round(float(row["macts"].replace(",", "")) * 1e6)
        card["activations"] = {"value": count, "unit": "activations", "source": SOURCE}
    if layers.get("embedding_dim"):
        card["embedding_dim"] = int(layers["embedding_dim"])
    if layers.get("freeze_at"):
        card["freeze_at"] = layers["freeze_at"].split()
    if layers.get("lora_targets"):
        card["tuning"] = ["frozen", "head", "last-block", "lora", "full"]
        card["lora_targets"] = layers["lora_targets"].split()
    card["trained_on"] = [name for pattern, name in TRAINING.items() if re.search(pattern, tag)] or None
    cpu_ms, drawings = row.get("cpu_i7_12700h_ms"), row.get("sketch_top1")
    card["good_for"] = praise(
        family.good_for,
        tag,
        parameters,
        side,
        float(cpu_ms) if cpu_ms else None,
        float(drawings) / 100 if drawings else None,
    )
    return card


def _defaults(family: TimmFamily) -> dict[str, Any]:
    return {
        "tasks": ["image-classification", "image-embedding"],
        "library": "timm",
        "authors": family.authors,
        "released": _released(f"arXiv:{family.paper}"),
        "exports": ["onnx", "torchscript"],
        "tuning": ["frozen", "head", "last-block", "full"],
        "explain": ["attention-rollout", "occlusion"] if family.rollout else ["grad-cam", "occlusion"],
        "maintained": {"value": "active", "source": SOURCE},
        "documentation": {"value": "extensive", "source": DOCUMENTATION},
        "cited": {
            "architecture": CONFIGS,
            "released": CONFIGS,
            "tasks": CONFIGS,
            "input": CONFIGS,
            "freeze_at": CONFIGS,
            "lora_targets": CONFIGS,
            "exports": DOCUMENTATION,
            "explain": EXPLAIN[family.rollout],
        },
        "weaknesses": family.weaknesses,
    }


def _read(path: Path, optional: bool = False) -> list[dict[str, str]]:
    if optional and not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The table {path} cannot be read: {error}", "a UTF-8 CSV file of timm's results"
        ) from None


def _native(rows: Iterable[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Keep each checkpoint at its smallest size, which is the one it was made for."""
    native: dict[str, dict[str, str]] = {}
    for row in rows:
        known = native.get(row["model"])
        if known is None or int(row["img_size"]) < int(known["img_size"]):
            native[row["model"]] = row
    return native


def _licence(id: str) -> dict[str, str]:
    if id in PERMISSIVE:
        return {"id": PERMISSIVE[id], "class": "permissive", "source": CONFIGS}
    if id in NON_COMMERCIAL:
        return {
            "id": NON_COMMERCIAL[id],
            "class": "non-commercial",
            "trap": "The weights may not be used commercially, although the code may.",
            "source": CONFIGS,
        }
    if id in ("", "unknown"):
        return {"id": "unknown", "class": "unknown"}
    return {
        "id": id,
        "class": "custom",
        "trap": "The maker's own licence: read it before use.",
        "source": CONFIGS,
    }


def _released(papers: str) -> dt.date | None:
    found = re.search(r"arXiv:(\d\d)(\d\d)\.\d+", papers)
    return dt.date(2000 + int(found[1]), int(found[2]), 1) if found else None


def _results(rows: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "model": row["hf_hub_id"],
            "benchmark": benchmark,
            "metric": "top1",
            "value": float(f"{float(row[column]) / 100:.6g}"),
            "source": SOURCE,
            "protocol": f"{row['img_size']} px",
        }
        for row in rows
        for column, benchmark in SETS.items()
        if row[column]
    ]


def _latencies(
    folder: Path, rows: Mapping[str, Mapping[str, str]], chosen: Sequence[str]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file, (device, precision, runtime) in SPEEDS.items():
        speeds = {(row["model"], row["infer_img_size"]): row for row in _read(folder / file, optional=True)}
        for name in chosen:
            row = rows[name]
            speed = speeds.get((name.partition(".")[0], row["img_size"]))
            if speed is None:
                continue
            batch = int(speed["infer_batch_size"])
            found.append(
                {
                    "model": row["hf_hub_id"],
                    "device": device,
                    "ms": float(f"{1000 * batch / float(speed['infer_samples_per_sec']):.6g}"),
                    "batch": batch,
                    "precision": precision,
                    "runtime": runtime,
                    "source": SOURCE,
                }
            )
    return found


def _handmade(knowledge: Path, known: Sequence[str]) -> list[str]:
    names: list[str] = []
    for path in sorted((knowledge / "models").glob("*.yaml")):
        if not path.name.startswith("timm-"):
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            names += [card["id"].removeprefix("timm/") for card in content.get("models", ())]
    return sorted(set(names) & set(known))


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite timm's share of a knowledge folder.

    :param arguments: the command line; that of the process if None.
    :raises InputError: if a file cannot be read or a wanted checkpoint is not in the table.
    """
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.timm", description=main.__doc__)
    parser.add_argument("table", type=Path, help="timm_merged.csv; timm's own tables may lie beside it")
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"), help="the folder to rewrite")
    options = parser.parse_args(arguments)
    wanted = [
        line.strip()
        for line in (options.knowledge / "timm.txt").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    handmade = _handmade(options.knowledge, [row["model"] for row in _read(options.table)])
    families = read_families(options.knowledge / "timm-families.yaml")
    known = _read(options.knowledge / "timm-layers.csv", optional=True)
    layers = {row["architecture"]: row for row in known}
    files = import_timm(options.table, wanted, handmade, families, layers).files
    for stale in (options.knowledge / "models").glob("timm-*.yaml"):
        if f"models/{stale.name}" not in files:
            stale.unlink()
    for name, text in files.items():
        path = options.knowledge / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
