"""CLIP-like models of OpenCLIP, from its tables of zero-shot classification and retrieval.

`python -m advisor.importers.openclip MULTIMODAL --knowledge DIR`, where MULTIMODAL is the folder of OpenCLIP's
tables, rewrites `models/openclip-*.yaml` and `results/openclip.csv`. The model is the one that OpenCLIP's registry
links to; where two variants share its weights, the one with the activation that they were trained with counts.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.importers.tables import exact, read_table
from advisor.importers.zoo import Zoo, ZooFamily, derived_size, find, read_zoo, taken, write_zoo

__all__ = ["hub_ids", "import_openclip", "main"]

Key = tuple[str, str]

SOURCE = "openclip-2026-06"
LEAST = 0.2
QUICK = "-quickgelu"
TRAINED_QUICK = re.compile(r"openai|metaclip|dfn|yfcc15m|cc12m")
SETS = {
    "ImageNet 1k": ("imagenet-1k", "zero-shot-top1"),
    "Average perf. on 38 datasets": ("openclip-38", "mean"),
}
RETRIEVAL = {
    "Flickr image retr. R@1": ("flickr30k", "image-recall1"),
    "Flickr text retr. R@1": ("flickr30k", "text-recall1"),
    "MSCOCO image retr. R@1": ("coco-retrieval", "image-recall1"),
    "MSCOCO text retr. R@1": ("coco-retrieval", "text-recall1"),
}
SAME_WEIGHTS = {
    "timm/vit_base_patch32_clip_224.openai": "openai/clip-vit-base-patch32",
    "timm/vit_base_patch16_clip_224.openai": "openai/clip-vit-base-patch16",
    "timm/vit_large_patch14_clip_224.openai": "openai/clip-vit-large-patch14",
    "timm/ViT-B-16-SigLIP": "google/siglip-base-patch16-224",
    "timm/ViT-SO400M-14-SigLIP-384": "google/siglip-so400m-patch14-384",
    "timm/ViT-B-16-SigLIP-i18n-256": "google/siglip-base-patch16-256-multilingual",
}
DATA = {
    "datacomp1b|datacomp_xl": "datacomp-1b",
    "datacomp|commonpool": "commonpool",
    "laion2b": "laion-2b",
    "laion400m": "laion-400m",
    "laion5b": "laion-5b",
    "laion_aesthetic": "laion-aesthetic",
    "merged2b": "merged-2b",
    "openai": "wit-400m",
    "metaclip": "metaclip",
    "dfn": "dfn",
    "webli": "webli",
    "yfcc15m": "yfcc-15m",
    "cc12m": "cc-12m",
}


def hub_ids(registry: Sequence[Mapping[str, str]], names: Sequence[Key]) -> dict[Key, str]:
    """Find the hub id of each row of the results.

    :param registry: OpenCLIP's registry: arch, tag, hf_hub.
    :param names: (model, pretrained) of the results.
    :return: row → hub id; a row whose weights another row stands for, or that names other weights, is left out.
    """
    known = {(row["arch"], row["tag"]): row["hf_hub"].strip("/") for row in registry}
    found: dict[str, Key] = {}
    for model, tag in names:
        id = known.get((model, tag)) or known.get((model.removesuffix(QUICK), tag))
        if not id or _other_epoch(id, tag):
            continue
        wanted = model.endswith(QUICK) == bool(TRAINED_QUICK.search(tag) or _quick_pair(model, tag))
        if id not in found or wanted:
            found[id] = (model, tag)
    return {key: id for id, key in found.items()}


def _other_epoch(id: str, tag: str) -> bool:
    stated, asked = re.search(r"_e(\d\d)$", id), re.search(r"_e(\d\d)$", tag)
    return bool(stated and asked and stated[1] != asked[1])


def _quick_pair(model: str, tag: str) -> bool:
    return tag.startswith("laion400m") and model.startswith("ViT-B-32")


def import_openclip(
    folder: Path, licences: Mapping[str, Mapping[str, Any]], families: Sequence[ZooFamily], handmade: set[str]
) -> Zoo:
    """Turn OpenCLIP's tables into cards and results.

    :param folder: the folder of OpenCLIP's tables.
    :param licences: hub id → licence where a table states it; else the family's holds.
    :param families: the zoo's families, matched against the hub id.
    :param handmade: ids that have a card in another file; these are left alone.
    :return: cards of all models that a family fits and that see more than a fifth of ImageNet right.
    """
    rows = {(row["name"], row["pretrained"]): row for row in read_table(folder / "openclip_results.csv")}
    found = {
        (row["name"], row["pretrained"]): row for row in read_table(folder / "openclip_retrieval_results.csv")
    }
    profile = {row["model"]: row for row in read_table(folder / "model_profile.csv")}
    cards: list[tuple[ZooFamily, Mapping[str, Any]]] = []
    results: list[dict[str, Any]] = []
    for key, id in sorted(
        hub_ids(read_table(folder / "openclip_pretrained_registry.csv"), list(rows)).items()
    ):
        row, family, shape = rows[key], find(id, families), profile.get(key[0])
        if SAME_WEIGHTS.get(id, id) in handmade or family is None or shape is None:
            continue
        if float(row["ImageNet 1k"]) < LEAST:
            continue
        cards.append((family, _card(id, key, row, shape, licences.get(id))))
        for table, marks in ((row, SETS), (found.get(key, {}), RETRIEVAL)):
            results += [
                {"model": id, "benchmark": mark[0], "metric": mark[1], "value": exact(table[column])}
                | {"source": SOURCE, "protocol": f"OpenCLIP {key[0]} {key[1]}"}
                for column, mark in marks.items()
                if table.get(column)
            ]
    return Zoo("openclip", cards, results)


def _card(
    id: str, key: Key, row: Mapping[str, str], shape: Mapping[str, str], licence: Mapping[str, Any] | None
) -> dict[str, Any]:
    parameters = int(exact(row["params (M)"], "1000000"))
    model, tag = key
    kin = {"webli": 64}
    return {
        "id": id,
        "name": f"{model.removesuffix(QUICK)} ({tag})",
        "architecture": model,
        "licence": licence,
        "where": [{"kind": "huggingface", "ref": id}],
        "input": {"resolution": int(shape["image_size"]), "tokens": kin.get(tag, 77)}
        | ({"languages": ["mul"]} if re.search("xlm|nllb|i18n", model) else {"languages": ["en"]}),
        "parameters": {"value": parameters, "unit": "parameters", "source": SOURCE},
        "size_mb": derived_size(parameters),
        "flops": {
            "value": int(exact(row["FLOPs (B)"], "1000000000")),
            "unit": "FLOP",
            "source": SOURCE,
            "protocol": "one image and one text, as published",
        },
        "embedding_dim": int(shape["embed_dim"]) if shape.get("embed_dim") else None,
        "trained_on": next(([name] for pattern, name in DATA.items() if re.search(pattern, tag)), None),
    }


def _licences(configs: Path) -> dict[str, dict[str, Any]]:
    if not configs.is_file():
        return {}
    stated = {
        "mit": ("MIT", "permissive"),
        "apache-2.0": ("Apache-2.0", "permissive"),
        "cc-by-nc-4.0": ("CC-BY-NC-4.0", "non-commercial"),
    }
    trap = {"trap": "The weights may not be used commercially, although the code may."}
    return {
        row["hf_hub_id"]: {"id": stated[row["license"]][0], "class": stated[row["license"]][1]}
        | (trap if "-nc-" in row["license"] else {})
        | {"source": "timm-1.0.31"}
        for row in read_table(configs)
        if row["license"] in stated
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite OpenCLIP's share of a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.openclip", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of OpenCLIP's tables")
    parser.add_argument("--configs", type=Path, help="timm's pretrained configurations, for their licences")
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"), help="the folder to rewrite")
    options = parser.parse_args(arguments)
    try:
        zoo = import_openclip(
            options.folder,
            _licences(options.configs) if options.configs else {},
            read_zoo(options.knowledge, "openclip"),
            taken(options.knowledge, "openclip"),
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_zoo(options.knowledge, zoo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
