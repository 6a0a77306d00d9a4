"""Audio encoders: mteb's metadata and the means of published MAEB scores → families of cards and results.

`python -m advisor.importers.maeb META AVERAGES --knowledge DIR` makes a card for every open audio model with a known
licence, size and score that a line of `DIR/audio-lines.yaml` claims. Cards in other files keep what they say, and get
their results. The same tables give the same files.
"""

import argparse
import datetime as dt
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.importers.tables import card_ids, exact, read_table, read_yaml, write_files
from advisor.importers.terms import languages, licence
from advisor.importers.write import csv_text, yaml_text

__all__ = ["card", "main", "refresh", "results"]

PREFIX, RESULTS = "audio-features-", "results/maeb.csv"
SCORES, META = "maeb-results-2026-08", "mteb-2.26.24"
MIB_IN_MB = "1.048576"
PARTS = {
    ("MAEB(v1, audio-only)", "avg_AudioClassification"): ("maeb-classification", "accuracy", "linear probe"),
    ("MAEB(v1)", "avg_AudioZeroshotClassification"): ("maeb-zero-shot", "accuracy", "zero-shot"),
}
Row = Mapping[str, str]
Line = Mapping[str, Any]


def results(averages: Iterable[Row]) -> list[dict[str, Any]]:
    """List the MAEB means as shares of one.

    :param averages: rows of model and benchmark, in per cent; a part is blank unless all its tasks are there.
    :return: rows of a result table.
    """
    found: list[dict[str, Any]] = []
    for row in averages:
        for (benchmark, column), (mark, metric, how) in PARTS.items():
            if row["benchmark"] == benchmark and row.get(column):
                result: dict[str, Any] = {"model": row["model"], "benchmark": mark, "metric": metric}
                result |= {"value": exact(row[column], "0.01"), "source": SCORES}
                found.append(result | {"protocol": f"{how}, recomputed mean"})
    return found


def card(meta: Row, line: Line) -> dict[str, Any]:
    """Make a model card from a model's metadata.

    :param meta: the model's row of mteb's metadata.
    :param line: the line that claims it: sampling rate, module names, words, a licence that overrides.
    :return: the card's keys; what the table does not state is left out.
    """
    tongues = languages(meta["languages"])
    words = line["words"]
    stated = {
        "id": meta["name"],
        "name": meta["name"].split("/")[-1],
        "released": dt.date.fromisoformat(meta["release_date"]) if meta["release_date"] else None,
        "revision": meta["revision"] if len(meta["revision"]) == 40 else None,
        "licence": line.get("licence") or licence(meta["license"], META),
        "where": [{"kind": "huggingface", "ref": meta["name"]}],
        "input": {"sampling_rate": line["sampling_rate"], "languages": list(tongues) if tongues else None},
        "parameters": {"value": int(meta["n_parameters"]), "unit": "parameters", "source": META},
        "size_mb": {"value": exact(meta["memory_usage_mb"], MIB_IN_MB), "unit": "MB", "source": META},
        "embedding_dim": int(meta["embed_dim"]) if meta["embed_dim"].isdigit() else None,
        "trained_on": sorted(meta["training_datasets"].split("|")) if meta["training_datasets"] else None,
        "good_for": {"en": f"{words['en'][0].upper()}{words['en'][1:]}.", "zh": f"{words['zh']}。"},
    }
    return {key: value for key, value in stated.items() if value is not None}


def refresh(
    metas: Iterable[Row], averages: Iterable[Row], lines: Sequence[Line], others: Iterable[str]
) -> dict[str, str]:
    """Write the families' cards and the results anew.

    :param metas: mteb's model metadata.
    :param averages: the means of scores, one row per model and benchmark.
    :param lines: the lines of models; the first that matches an id claims it.
    :param others: ids of cards in other files: they get results, but no card.
    :return: name below the knowledge folder → text.
    """
    others = set(others)
    scores: dict[str, list[dict[str, Any]]] = {}
    for result in results(averages):
        scores.setdefault(result["model"], []).append(result)
    families: dict[str, list[dict[str, Any]]] = {}
    titles = {line["slug"]: line for line in lines}
    for meta in sorted(metas, key=lambda row: row["name"].lower()):
        line = next(
            (line for line in lines if any(re.fullmatch(p, meta["name"]) for p in line["match"])), None
        )
        if line and _counts(meta, line) and meta["name"] in scores and meta["name"] not in others:
            families.setdefault(line["slug"], []).append(card(meta, line))
    known = others | {item["id"] for cards in families.values() for item in cards}
    files = {f"models/{PREFIX}{slug}.yaml": _family(titles[slug], cards) for slug, cards in families.items()}
    return files | {RESULTS: csv_text(row for name in sorted(known & scores.keys()) for row in scores[name])}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the families in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.maeb", description=__doc__)
    parser.add_argument("meta", type=Path, help="table of mteb's model metadata")
    parser.add_argument("averages", type=Path, help="table of means, one row per model and benchmark")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    options = parser.parse_args(arguments)
    models = options.knowledge / "models"
    own = sorted(models.glob(f"{PREFIX}*.yaml"))
    try:
        files = refresh(
            read_table(options.meta),
            read_table(options.averages),
            read_yaml(options.knowledge / "audio-lines.yaml"),
            card_ids(path for path in sorted(models.glob("*.yaml")) if path not in own),
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files, own)
    return 0


def _counts(meta: Row, line: Line) -> bool:
    known = "licence" in line or licence(meta["license"], META)["class"] != "unknown"
    return known and meta["open_weights"] == "True" and bool(meta["n_parameters"] and meta["memory_usage_mb"])


def _family(line: Line, cards: Sequence[Mapping[str, Any]]) -> str:
    defaults = {
        "tasks": ["audio-classification"],
        "authors": line["authors"],
        "architecture": line["architecture"],
        "library": "transformers",
        "frameworks": ["pytorch"],
        "tuning": ["frozen", "head", "lora", "full"] if line.get("lora") else ["frozen", "head", "full"],
        "lora_targets": line.get("lora"),
        "explain": ["occlusion", "nearest-neighbours"],
        "cited": {"released": META, "trained_on": META},
        "weaknesses": {
            "en": "Features only: a classifier of your own must be trained on them.",
            "zh": "仅提供特征：需自行训练分类器。",
        },
    }
    own = [{key: value for key, value in item.items() if defaults.get(key) != value} for item in cards]
    return yaml_text(f"{line['family']}", defaults, own)


if __name__ == "__main__":
    sys.exit(main())
