"""spaCy's pipelines that name people, places and products: their table of metadata → one family of cards and results.

`python -m advisor.importers.spacy TABLE --knowledge DIR` makes a card for every pipeline with a measured NER score and
writes `models/spacy.yaml` and `results/spacy.csv`. Cards in other files keep what they say, and get their results. The
same table gives the same files.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.importers.tables import card_ids, exact, read_table, write_files
from advisor.importers.terms import licence
from advisor.importers.write import csv_text, yaml_text

__all__ = ["card", "main", "refresh", "result"]

CARDS, RESULTS = "models/spacy.yaml", "results/spacy.csv"
SOURCE = "spacy-models-3.8"
NAMES = {
    "ca": ("Catalan", "加泰罗尼亚文"),
    "da": ("Danish", "丹麦文"),
    "de": ("German", "德文"),
    "el": ("Greek", "希腊文"),
    "en": ("English", "英文"),
    "es": ("Spanish", "西班牙文"),
    "fi": ("Finnish", "芬兰文"),
    "fr": ("French", "法文"),
    "hr": ("Croatian", "克罗地亚文"),
    "it": ("Italian", "意大利文"),
    "ja": ("Japanese", "日文"),
    "ko": ("Korean", "韩文"),
    "lt": ("Lithuanian", "立陶宛文"),
    "mk": ("Macedonian", "马其顿文"),
    "nb": ("Norwegian", "挪威文"),
    "nl": ("Dutch", "荷兰文"),
    "pl": ("Polish", "波兰文"),
    "pt": ("Portuguese", "葡萄牙文"),
    "ro": ("Romanian", "罗马尼亚文"),
    "ru": ("Russian", "俄文"),
    "sl": ("Slovenian", "斯洛文尼亚文"),
    "sv": ("Swedish", "瑞典文"),
    "uk": ("Ukrainian", "乌克兰文"),
    "zh": ("Chinese", "中文"),
}
MANY = ("several languages", "多种语言")
OWN_TEST = {"en": "ontonotes5", "zh": "ontonotes5-zh", "xx": "wikiner"}
KINDS = {
    "sm": ("small and fast on any CPU", "体量小，任何 CPU 上都很快"),
    "md": ("with word vectors, still fast on a CPU", "带词向量，CPU 上依然很快"),
    "lg": ("with many word vectors, for rarer words", "带大量词向量，能处理较少见的词"),
    "trf": ("the most exact of its line, best on a GPU", "同系列中最准确，宜用 GPU"),
}


def card(row: Mapping[str, str], source: str = SOURCE) -> dict[str, Any]:
    """Make a model card from a pipeline's row.

    :param row: the pipeline's metadata.
    :param source: the id of the table's source.
    :return: the card's keys.
    """
    size, unit = row["size"].split()
    kind = row["name"].rsplit("_", 1)[1]
    language = None if row["lang"] == "xx" else row["lang"]
    en, zh = NAMES.get(language or "", MANY)
    words, chinese = KINDS[kind]
    labels = row["ner_labels"].split("|")
    return {
        "id": f"spacy/{row['name']}",
        "name": f"spaCy {row['name']} {row['version']}",
        "licence": licence(row["license"], source),
        "where": [{"kind": "huggingface", "ref": f"spacy/{row['name']}"}],
        "input": {"languages": [language or "mul"]},
        "size_mb": {"value": exact(size, {"MB": "1", "GB": "1000"}[unit]), "unit": "MB", "source": source},
        "trained_on": row["sources"].split("; ") if row["sources"] else None,
        "good_for": {
            "en": f"Names in {en} text ({len(labels)} kinds), {words}.",
            "zh": f"识别{zh}文本中的 {len(labels)} 类名称；{chinese}。",
        },
    }


def result(row: Mapping[str, str], source: str = SOURCE) -> dict[str, Any] | None:
    """Read a pipeline's NER score, a share of one.

    :param row: the pipeline's metadata.
    :param source: the id of the table's source.
    :return: a row of a result table; None if it names nothing.
    """
    if not row["ents_f"]:
        return None
    mark = OWN_TEST.get(row["lang"], "spacy-ner")
    protocol = "the pipeline's own test split" if mark == "spacy-ner" else "spaCy's split"
    return {"model": f"spacy/{row['name']}", "benchmark": mark, "metric": "f1"} | {
        "value": exact(row["ents_f"]),
        "source": source,
        "protocol": protocol,
    }


def refresh(rows: Iterable[Mapping[str, str]], others: Iterable[str]) -> dict[str, str]:
    """Write the family's cards and results anew.

    :param rows: the pipelines' table.
    :param others: ids of cards in other files: they get results, but no card.
    :return: name below the knowledge folder → text.
    """
    others = set(others)
    chosen = sorted((row for row in rows if row["ents_f"]), key=lambda row: row["name"])
    defaults = {
        "tasks": ["token-classification"],
        "architecture": "spaCy pipeline",
        "authors": "Explosion",
        "library": "other",
        "frameworks": ["other"],
        "tuning": ["zero-shot", "full"],
        "explain": ["occlusion"],
        "maintained": {"value": "active", "source": SOURCE},
        "documentation": {"value": "extensive", "source": SOURCE},
        "cited": {"input": SOURCE, "trained_on": SOURCE, "tasks": SOURCE},
        "weaknesses": {
            "en": "Knows only the kinds of names it was trained on; other domains need examples of their own.",
            "zh": "只认识训练过的名称类别；其他领域需自备样例。",
        },
    }
    cards = [made for row in chosen if (made := card(row))["id"] not in others]
    results = [found for row in chosen if (found := result(row))]
    return {CARDS: yaml_text("spaCy pipelines", defaults, cards), RESULTS: csv_text(results)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the family in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.spacy", description=__doc__)
    parser.add_argument("table", type=Path, help="table of the pipelines' metadata (CSV)")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    options = parser.parse_args(arguments)
    own = options.knowledge / CARDS
    paths = sorted((options.knowledge / "models").glob("*.yaml"))
    try:
        files = refresh(read_table(options.table), card_ids(path for path in paths if path != own))
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
