"""Speech recognisers: the tables of the Open ASR Leaderboard → families of cards and results.

`python -m advisor.importers.asr FOLDER --knowledge DIR` reads `en_shortform.csv`, `en_longform.csv` and
`multilingual.csv` and makes a card for every open model with a stated size that a line of `DIR/asr-lines.yaml` claims.
Cards in other files keep what they say, and get their results. The same tables give the same files.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.importers.tables import card_ids, exact, read_table, read_yaml, write_files
from advisor.importers.write import csv_text, yaml_text

__all__ = ["card", "main", "refresh", "results"]

PREFIX, RESULTS = "asr-", "results/asr.csv"
SOURCE, SIZE = "open-asr-leaderboard", "derived-bf16-size"
RATE = 16000
MARKS = {
    "en_shortform.csv": {
        "Avg. WER": ("open-asr", "8 English sets"),
        "LS Clean WER": ("librispeech", "test-clean, leaderboard normaliser"),
        "LS Other WER": ("librispeech-other", "test-other, leaderboard normaliser"),
        "AMI WER": ("ami", "meetings, leaderboard normaliser"),
        "Earnings22 WER": ("earnings22", "earnings calls, leaderboard normaliser"),
    },
    "en_longform.csv": {"Avg (without CORAAL)": ("open-asr-long", "earnings21, earnings22 and tedlium")},
    "multilingual.csv": {"Avg": ("open-asr-multilingual", "de, fr, it, es, pt on 3 corpora")},
}
Row = Mapping[str, str]


def results(tables: Mapping[str, Iterable[Row]]) -> list[dict[str, Any]]:
    """List the word error rates as shares of one.

    :param tables: file name → rows, in per cent; blank where a set was not run.
    :return: rows of a result table.
    """
    found: list[dict[str, Any]] = []
    for name, rows in tables.items():
        for row in rows:
            for column, (mark, protocol) in MARKS[name].items():
                if row[column]:
                    result = {"model": _id(row), "benchmark": mark, "metric": "wer", "source": SOURCE}
                    found.append({**result, "value": exact(row[column], "0.01"), "protocol": protocol})
    return found


def card(id: str, line: Mapping[str, Any], billions: str) -> dict[str, Any]:
    """Make a model card from a claimed model.

    :param id: the hub id.
    :param line: the line that claims it: licence, languages, module names, words.
    :param billions: its stated size in 10^9 parameters.
    :return: the card's keys.
    """
    count = exact(billions, "1000000000")
    words = line["words"]
    weak = count < 2e8
    stated = {
        "id": id,
        "name": id.split("/")[-1],
        "architecture": line["architecture"],
        "released": line.get("released"),
        "licence": line["licence"],
        "where": [{"kind": "huggingface", "ref": id}],
        "input": {"sampling_rate": RATE, "languages": line["languages"]},
        "parameters": {"value": count, "unit": "parameters", "source": SOURCE, "protocol": "rounded"},
        "size_mb": {"value": count * 2 / 1e6, "unit": "MB", "source": SIZE},
        "lora_targets": line.get("lora"),
        "good_for": {"en": f"{words['en'][0].upper()}{words['en'][1:]}.", "zh": f"{words['zh']}。"},
        "weaknesses": {
            "en": "Many errors in noise and far from the microphone."
            if weak
            else "Slow without a GPU; check names and numbers.",
            "zh": "嘈杂或远场录音错误较多。" if weak else "没有 GPU 时较慢；人名与数字需核对。",
        },
    }
    return {key: value for key, value in stated.items() if value is not None}


def refresh(
    tables: Mapping[str, Sequence[Row]], lines: Sequence[Mapping[str, Any]], others: Iterable[str]
) -> dict[str, str]:
    """Write the families' cards and the results anew.

    :param tables: file name → rows.
    :param lines: the lines of models; the first that matches an id claims it.
    :param others: ids of cards in other files: they get results, but no card.
    :return: name below the knowledge folder → text.
    """
    others = set(others)
    sizes: dict[str, str] = {}
    for rows in tables.values():
        for row in rows:
            stated = row["Model size (B)"]
            if stated and float(stated) > 0:
                sizes.setdefault(_id(row), stated)
    families: dict[str, list[dict[str, Any]]] = {}
    titles = {line["slug"]: line for line in lines}
    for id in sorted(sizes.keys() - others, key=str.lower):
        line = next((line for line in lines if any(re.fullmatch(p, id) for p in line["match"])), None)
        if line is not None:
            families.setdefault(line["slug"], []).append(card(id, line, sizes[id]))
    known = others | {card["id"] for cards in families.values() for card in cards}
    files = {f"models/{PREFIX}{slug}.yaml": _family(titles[slug], cards) for slug, cards in families.items()}
    return files | {RESULTS: csv_text(row for row in results(tables) if row["model"] in known)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the families in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.asr", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the leaderboard's tables")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    options = parser.parse_args(arguments)
    models = options.knowledge / "models"
    own = sorted(models.glob(f"{PREFIX}*.yaml"))
    try:
        files = refresh(
            {name: read_table(options.folder / name) for name in MARKS},
            read_yaml(options.knowledge / "asr-lines.yaml"),
            card_ids(path for path in sorted(models.glob("*.yaml")) if path not in own),
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files, own)
    return 0


def _id(row: Row) -> str:
    return row.get("model") or row["model_id"]


def _family(line: Mapping[str, Any], cards: Sequence[Mapping[str, Any]]) -> str:
    defaults = {
        "tasks": ["speech-recognition"],
        "authors": line["authors"],
        "library": "other",
        "tuning": ["zero-shot", "lora", "full"] if line.get("lora") else ["zero-shot", "full"],
        "cited": {"tasks": SOURCE},
    }
    for key in ("architecture", "licence"):
        if all(card[key] == cards[0][key] for card in cards):
            defaults[key] = cards[0][key]
    own = [{key: value for key, value in card.items() if defaults.get(key) != value} for card in cards]
    return yaml_text(line["family"], defaults, own)


if __name__ == "__main__":
    sys.exit(main())
