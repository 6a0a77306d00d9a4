"""Image embedding models: tables of MIEB scores and of mteb's metadata → families of cards and their results.

`python -m advisor.importers.mieb AVERAGES META --knowledge DIR` rewrites `models/mieb-*.yaml` and
`results/mieb.csv`. Models with a card elsewhere get only their results.
"""

import argparse
import datetime as dt
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.importers.tables import exact, read_table
from advisor.importers.terms import languages, licence
from advisor.importers.zoo import Zoo, ZooFamily, find, read_zoo, taken, write_zoo

__all__ = ["import_mieb", "main"]

SCORES = "mieb-2026-08"
META = "mteb-2.26.24"
BENCHMARK = "MIEB(eng)"
MIB_TO_MB = 2**20 / 10**6
MARKS = {
    "avg_ImageClassification": ("mieb-eng-classification", "accuracy", "image-embedding"),
    "avg_ZeroShotClassification": ("mieb-eng-zero-shot", "accuracy", "zero-shot-image-classification"),
    "avg_DocumentUnderstanding": ("mieb-eng-documents", "ndcg5", "document-retrieval"),
    "avg_Any2AnyRetrieval": ("mieb-eng-retrieval", "ndcg10", "image-text-retrieval"),
}


def import_mieb(
    averages: Iterable[Mapping[str, str]],
    metas: Iterable[Mapping[str, str]],
    families: Sequence[ZooFamily],
    handmade: set[str],
) -> Zoo:
    """Turn MIEB's scores into cards and results.

    :param averages: one row per benchmark and model, in per cent; blank where a task of the type is missing.
    :param metas: mteb's model metadata.
    :param families: the zoo's families, matched against the hub id.
    :param handmade: ids that have a card in another file: they get results, but no card.
    :return: cards of the models that a family fits.
    """
    details = {row["name"]: row for row in metas}
    cards: list[tuple[ZooFamily, Mapping[str, Any]]] = []
    results: list[dict[str, Any]] = []
    for row in averages:
        meta, family = details.get(row["model"]), find(row["model"], families)
        if row["benchmark"] != BENCHMARK or meta is None or "image" not in meta["modalities"]:
            continue
        found = list(_results(row))
        known = row["model"] in handmade
        if found and (known or family):
            results += found
            if family and not known:
                cards.append((family, _card(meta, row)))
    return Zoo("mieb", cards, results)


def _results(row: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    marks = {column: mark[:2] for column, mark in MARKS.items()}
    if row["complete"] == "1":
        marks["mean_tasktype"] = ("mieb-eng", "mean_tasktype")
    for column, (benchmark, metric) in marks.items():
        if row[column]:
            yield {
                "model": row["model"],
                "benchmark": benchmark,
                "metric": metric,
                "value": exact(row[column], "0.01"),
                "source": SCORES,
            }


def _card(meta: Mapping[str, str], row: Mapping[str, str]) -> dict[str, Any]:
    id = meta["name"]
    tongues = languages(meta["languages"])
    size = float(meta["memory_usage_mb"]) * MIB_TO_MB if meta["memory_usage_mb"] else None
    parameters = int(float(meta["n_parameters"])) if meta["n_parameters"] else 0
    side = re.search(r"(?:patch\d+|[BL])-(\d{3})\b", id)
    return {
        "id": id,
        "name": id.split("/")[-1],
        "tasks": [task for column, (_, _, task) in MARKS.items() if row[column]],
        "released": dt.date.fromisoformat(meta["release_date"]) if meta["release_date"] else None,
        "revision": meta["revision"] if len(meta["revision"]) == 40 else None,
        "licence": licence(meta["license"], META) if meta["license"] else None,
        "where": [{"kind": "huggingface", "ref": id}],
        "input": {
            "resolution": int(side[1]) if side else None,
            "tokens": int(float(meta["max_tokens"])) if meta["max_tokens"] not in ("", "inf") else None,
            "languages": list(tongues) if tongues else None,
        },
        "parameters": {"value": parameters, "unit": "parameters", "source": META} if parameters else None,
        "size_mb": {"value": round(size, 1), "unit": "MB", "source": META} if size else None,
        "embedding_dim": int(meta["embed_dim"]) if meta["embed_dim"].isdigit() else None,
        "trained_on": sorted(meta["training_datasets"].split("|")) if meta["training_datasets"] else None,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite MIEB's share of a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.mieb", description=__doc__)
    parser.add_argument("averages", type=Path, help="table of MIEB averages")
    parser.add_argument("meta", type=Path, help="table of mteb's model metadata")
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"), help="the folder to rewrite")
    options = parser.parse_args(arguments)
    try:
        families, known = read_zoo(options.knowledge, "mieb"), taken(options.knowledge, "mieb")
        zoo = import_mieb(read_table(options.averages), read_table(options.meta), families, known)
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_zoo(options.knowledge, zoo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
