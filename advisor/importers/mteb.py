"""Text embedding models: mteb's metadata and the means of published MTEB scores → families of cards and results.

`python -m advisor.importers.mteb META AVERAGES --knowledge DIR` makes a card for every open text model with a known
licence, size, input and at least one complete mean, sorted into the families of `DIR/embedding-lines.yaml`. Cards
that stand in other files keep what they say, and get their results. The same tables give the same files, so a
refresh is a diff to review.
"""

import argparse
import datetime as dt
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import DataError, InputError
from advisor.importers.tables import card_ids, exact, read_table, read_yaml, write_files
from advisor.importers.terms import languages, licence
from advisor.importers.write import csv_text, yaml_text

__all__ = ["card", "main", "refresh", "results"]

Row = Mapping[str, str]
Line = Mapping[str, Any]

RESULTS = "results/mteb.csv"
PREFIX = "embeddings-"
MIB_IN_MB = "1.048576"
ALL_BUT_TWO = 129
MARKS = {
    "MTEB(eng, v1)": "mteb-eng-v1",
    "MTEB(eng, v2)": "mteb-eng-v2",
    "MTEB(cmn, v1)": "mteb-cmn",
    "MTEB(Multilingual, v2)": "mteb-multilingual",
    "MTEB(deu, v1)": "mteb-deu",
    "MTEB(fra, v1)": "mteb-fra",
    "MTEB(jpn, v1)": "mteb-jpn",
    "MTEB(kor, v1)": "mteb-kor",
    "MTEB(rus, v1)": "mteb-rus",
    "MTEB(Indic, v1)": "mteb-indic",
    "MTEB(Code, v1)": "mteb-code",
    "MTEB(Law, v1)": "mteb-law",
    "MTEB(Medical, v1)": "mteb-medical",
}
PARTS = {
    "avg_Classification": ("classification", "accuracy"),
    "avg_Retrieval": ("retrieval", "ndcg10"),
    "avg_Reranking": ("reranking", "map"),
    "avg_STS": ("sts", "spearman"),
}
ONE_PART = ("mteb-code", "mteb-law")
NO_YARDSTICK = {("mteb-deu", "reranking"), ("mteb-fra", "reranking"), ("mteb-jpn", "reranking")} | {
    (mark, part)
    for mark in ("mteb-kor", "mteb-rus", "mteb-indic", "mteb-medical", "mteb-multilingual")
    for part in ("reranking", "sts")
}
TASKS = {
    "dense": ("text-classification", "sentence-embedding", "text-retrieval"),
    "late-interaction": ("text-retrieval", "reranking"),
    "sparse": ("text-retrieval",),
    "cross-encoder": ("reranking",),
}
PROTOCOL = "recomputed mean of the published task scores"


def card(meta: Row, line: Line, source: str, known: Iterable[str] = ()) -> dict[str, Any]:
    """Make a model card from a model's metadata.

    :param meta: the model's row of mteb's metadata.
    :param line: the family that it belongs to: authors, module names for LoRA, words.
    :param source: the id of the metadata's source.
    :param known: ids of cards that a successor may be among.
    :return: the card's keys; what the table does not state is left out.
    """
    tongues = languages(meta["languages"])
    parameters = _count(meta["n_parameters"], source)
    size = meta["memory_usage_mb"]
    frameworks = meta["framework"].split("|")
    static = "NumPy" in frameworks and not {"PyTorch", "Transformers"} & set(frameworks)
    active = _routed(meta)
    successor = meta["superseded_by"]
    released = meta["release_date"]
    tokens = _tokens(meta["max_tokens"])
    trained_on = sorted(meta["training_datasets"].split("|")) if meta["training_datasets"] else None
    said = {
        "released": released,
        "input": tokens or tongues,
        "trained_on": trained_on,
        "frameworks": meta["framework"],
    }
    stated = {
        "id": meta["name"],
        "name": meta["name"].split("/")[-1],
        "tasks": list(TASKS.get(meta["model_type"], TASKS["dense"])),
        "released": dt.date.fromisoformat(released) if released else None,
        "revision": meta["revision"] if len(meta["revision"]) == 40 else None,
        "library": "sentence-transformers" if static else "transformers",
        "licence": licence(meta["license"], source),
        "where": [{"kind": "huggingface", "ref": meta["name"]}],
        "frameworks": ["pytorch", "onnx"] if "ONNX" in frameworks else ["pytorch"],
        "exports": ["onnx"] if "ONNX" in frameworks else None,
        "input": {"tokens": tokens, "languages": list(tongues) if tongues else None},
        "parameters": parameters,
        "active_parameters": _count(str(active), source) if active else None,
        "embedding_parameters": _count(meta["n_embedding_parameters"], source),
        "size_mb": {"value": exact(size, MIB_IN_MB), "unit": "MB", "source": source}
        if size and _holds(size, parameters)
        else _derived_size(parameters),
        "embedding_dim": max(map(int, meta["embed_dim"].split("|"))) if meta["embed_dim"] else None,
        "trained_on": trained_on,
        "superseded_by": successor if successor in set(known) - {meta["name"]} else None,
        "tuning": ["frozen", "head"] if static else None,
        "lora_targets": [] if static else None,
        "freeze_at": [] if static else None,
        "cited": {key: source for key, value in said.items() if value},
        "good_for": _praise(line, tongues, tokens, parameters),
        "weaknesses": _blame(tongues, parameters["value"] if parameters else None),
    }
    return {key: value for key, value in stated.items() if value is not None}


def results(averages: Iterable[Row], source: str) -> list[dict[str, Any]]:
    """List the MTEB means as shares of one.

    :param averages: rows of model and benchmark, in per cent; a part is blank unless all its tasks are there.
    :param source: the id of the scores' source.
    :return: rows of a result table.
    """
    found: list[dict[str, Any]] = []
    for row in averages:
        mark = MARKS.get(row["benchmark"])
        if mark is None:
            continue
        base = {"model": row["model"], "source": source, "protocol": PROTOCOL}
        count = int(row["n_tasks"])
        if row["complete"] == "1":
            found.append(
                base | {"benchmark": mark, "metric": "mean_task", "value": exact(row["mean_task"], "0.01")}
            )
        elif mark == "mteb-multilingual" and count >= ALL_BUT_TWO:
            found.append(
                base
                | {"benchmark": mark, "metric": "mean_task", "value": exact(row["mean_task"], "0.01")}
                | {"protocol": f"{PROTOCOL}, {count} tasks"}
            )
        for column, (part, metric) in PARTS.items():
            if row.get(column) and mark not in ONE_PART and (mark, part) not in NO_YARDSTICK:
                value = exact(row[column], "0.01")
                found.append(base | {"benchmark": f"{mark}-{part}", "metric": metric, "value": value})
    return [row for row in found if row["value"] >= 0]


def refresh(
    metas: Iterable[Row],
    averages: Iterable[Row],
    lines: Sequence[Line],
    others: Iterable[str],
    scores_source: str = "mteb-results-2026-08",
    meta_source: str = "mteb-2.26.24",
) -> dict[str, str]:
    """Write the families' cards and the results anew.

    :param metas: mteb's model metadata.
    :param averages: the means of scores, one row per model and benchmark.
    :param lines: the families, the first that matches an id wins: `slug`, `family`, `match`, words and modules.
    :param others: ids of cards in other files: they get results, but no card.
    :param scores_source: id of the scores' source.
    :param meta_source: id of the metadata's source.
    :return: name below the knowledge folder → text.
    :raises DataError: if a model belongs to no family.
    """
    others = set(others)
    scores: dict[str, list[dict[str, Any]]] = {}
    for result in results(averages, scores_source):
        scores.setdefault(result["model"], []).append(result)
    chosen = [row for row in metas if row["name"] not in others and _counts(row) and row["name"] in scores]
    known = {row["name"] for row in chosen} | others
    families: dict[str, list[dict[str, Any]]] = {}
    heads = {line["slug"]: line for line in lines}
    for row in sorted(chosen, key=lambda row: row["name"].lower()):
        line = next((line for line in lines if _matches(line, row)), None)
        if line is None:
            raise DataError(
                f"{row['name']} belongs to no family", "ids that a `match` of embedding-lines.yaml covers"
            )
        families.setdefault(line["slug"], []).append(card(row, line, meta_source, known))
    files = {
        f"models/{PREFIX}{slug}.yaml": _family(heads[slug], cards, meta_source)
        for slug, cards in families.items()
    }
    listed = [row for name in sorted(known & scores.keys()) for row in scores[name]]
    return files | {RESULTS: csv_text(listed)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the families in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.mteb", description=__doc__)
    parser.add_argument("meta", type=Path, help="table of mteb's model metadata")
    parser.add_argument("averages", type=Path, help="table of means, one row per model and benchmark")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    parser.add_argument("--scores-source", default="mteb-results-2026-08")
    parser.add_argument("--meta-source", default="mteb-2.26.24")
    options = parser.parse_args(arguments)
    models = options.knowledge / "models"
    own = sorted(models.glob(f"{PREFIX}*.yaml"))
    others = card_ids(path for path in sorted(models.glob("*.yaml")) if path not in own)
    try:
        files = refresh(
            read_table(options.meta),
            read_table(options.averages),
            read_yaml(options.knowledge / "embedding-lines.yaml"),
            others,
            options.scores_source,
            options.meta_source,
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files, own)
    return 0


def _family(line: Line, cards: Sequence[Mapping[str, Any]], source: str) -> str:
    modules = line.get("lora")
    defaults = {
        "authors": line.get("authors"),
        "architecture": line.get("architecture"),
        "library": "transformers",
        "tuning": ["frozen", "head", "last-block", "lora", "full"],
        "lora_targets": modules,
        "freeze_at": line.get("freeze"),
        "explain": ["occlusion", "nearest-neighbours"],
    }
    own = [{key: value for key, value in item.items() if defaults.get(key) != value} for item in cards]
    return yaml_text(line["family"], defaults, own)


def _matches(line: Line, row: Row) -> bool:
    tongues = languages(row["languages"]) or ()
    if line.get("languages") and not set(tongues) <= set(line["languages"]):
        return False
    if line.get("type") and line["type"] != row["model_type"]:
        return False
    if line.get("base") and not re.search(line["base"], row["adapted_from"]):
        return False
    return any(re.fullmatch(pattern, row["name"]) for pattern in line.get("match", [".*"]))


def _counts(row: Row) -> bool:
    open_text = row["modalities"] == "text" and row["open_weights"] == "True"
    known = licence(row["license"], "")["class"] != "unknown"
    return open_text and known and bool(row["memory_usage_mb"] or row["n_parameters"])


def _count(value: str, source: str) -> dict[str, Any] | None:
    return {"value": int(value), "unit": "parameters", "source": source} if value and int(value) > 0 else None


def _routed(meta: Row) -> int | None:
    """Read how many parameters one text passes through; the table leaves the token table out of that count."""
    total, active, table = (
        int(meta[name] or 0) for name in ("n_parameters", "n_active_parameters", "n_embedding_parameters")
    )
    return active + table if 0 < active < total - table else None


def _holds(size: str, parameters: Mapping[str, Any] | None) -> bool:
    """Say whether a stated size can hold the parameters: rounded to nothing or taken from another model it cannot."""
    mb = exact(size, MIB_IN_MB)
    return mb > 0 if parameters is None else 0.05 <= mb * 1e6 / parameters["value"] <= 16.5


def _derived_size(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if parameters is None:
        return None
    width, source = (2, "derived-bf16-size") if parameters["value"] >= 1e9 else (4, "derived-fp32-size")
    return {"value": parameters["value"] * width / 1e6, "unit": "MB", "source": source}


def _tokens(limit: str) -> int | None:
    """Read the longest text; a static model has no limit, which is not a number of tokens."""
    return int(float(limit)) if limit and math.isfinite(float(limit)) and float(limit) >= 1 else None


def _praise(
    line: Line, tongues: tuple[str, ...] | None, tokens: int | None, parameters: Mapping[str, Any] | None
) -> dict[str, str]:
    en, zh = _scope(tongues)
    if tokens and tokens >= 2048:
        en, zh = f"{en}, long ones too", f"{zh}（含长文本）"
    small = parameters is not None and parameters["value"] < 5e7
    tail = (", light enough for any CPU", "，体量小，任何 CPU 均可运行") if small else ("", "")
    words = line["words"]
    return {"en": f"{en}: {words['en']}{tail[0]}.", "zh": f"{zh}：{words['zh']}{tail[1]}。"}


def _scope(tongues: tuple[str, ...] | None) -> tuple[str, str]:
    count = len(tongues or ())
    if tongues is None or count == 0:
        return "Texts and code", "文本与代码"
    if count > 2:
        return f"Texts in {count} languages", f"{count} 种语言的文本"
    if count == 2 and "zh" in tongues and "en" in tongues:
        return "Chinese and English texts", "中英文文本"
    names = [NAMES.get(tongue, (tongue, tongue)) for tongue in tongues]
    return (
        " and ".join(name[0] for name in names) + " texts",
        "与".join(name[1] for name in names) + "文本",
    )


NAMES = {
    "en": ("English", "英文"),
    "zh": ("Chinese", "中文"),
    "ja": ("Japanese", "日文"),
    "ko": ("Korean", "韩文"),
    "ru": ("Russian", "俄文"),
    "de": ("German", "德文"),
    "fr": ("French", "法文"),
    "pl": ("Polish", "波兰文"),
    "ar": ("Arabic", "阿拉伯文"),
    "hi": ("Hindi", "印地文"),
    "pt": ("Portuguese", "葡萄牙文"),
    "es": ("Spanish", "西班牙文"),
    "vi": ("Vietnamese", "越南文"),
}


def _blame(tongues: tuple[str, ...] | None, parameters: float | None) -> dict[str, str] | None:
    if parameters is not None and parameters > 1e9:
        return {
            "en": "Heavy: without a GPU it is too slow for most uses.",
            "zh": "体量大：没有 GPU 时对多数用途来说太慢。",
        }
    if tongues == ("en",):
        return {"en": "English only.", "zh": "仅支持英文。"}
    if tongues == ("zh",):
        return {"en": "Chinese only.", "zh": "仅支持中文。"}
    return None


if __name__ == "__main__":
    sys.exit(main())
