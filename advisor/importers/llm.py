"""Language models: leaderboard tables → families of cards and their results.

`python -m advisor.importers.llm --open-llm TABLE [--open-llm-more TABLE] --evalplus JSON --arena TABLE --specs TABLE
--knowledge DIR` makes a card for every model of the tables that a line of `DIR/llm-lines.yaml` claims and whose size
is known. The arena names models by titles, not by ids; `DIR/arena-names.yaml` says, title by title, which card is
meant. Cards in other files keep what they say, and get their results. The same tables give the same files.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import DataError, InputError
from advisor.importers.tables import card_ids, exact, read_table, read_yaml, write_files
from advisor.importers.write import csv_text, yaml_text

__all__ = ["arena_results", "card", "evalplus_results", "main", "open_llm_results", "refresh"]

Row = Mapping[str, str]
Line = Mapping[str, Any]

PREFIX = "llm-"
RESULTS = "results/llm-leaderboards.csv"
OPEN_LLM, EVALPLUS = "open-llm-leaderboard-2025-05", "evalplus-2024-12"
ARENA, SPECS = "lmarena-2025-08", "xinference-2026-08"
SIZES = {2: "derived-bf16-size", 1: "derived-fp8-size"}
MARKS = {
    "MMLU-PRO": "open-llm-mmlu-pro",
    "BBH": "open-llm-bbh",
    "MATH Lvl 5": "open-llm-math",
    "GPQA": "open-llm-gpqa",
}
PROTOCOL = "normalised so that chance is 0"
HUB = re.compile(r"https://huggingface\.co/([\w.-]+/[\w.-]+?)/?")
TUNING = ["zero-shot", "prompt", "lora", "full"]


def open_llm_results(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """List the scores of the Open LLM Leaderboard, version 2, as shares of one.

    :param rows: the table, best submission first; a model may be submitted in several precisions.
    :return: rows of a result table: of each model its first submission.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        for column, mark in MARKS.items():
            if row.get(column):
                result: dict[str, Any] = {"model": row["fullname"], "benchmark": mark, "metric": "accuracy"}
                result |= {"value": exact(row[column], "0.01"), "source": OPEN_LLM, "protocol": PROTOCOL}
                found.setdefault((row["fullname"], mark), result)
    return list(found.values())


def evalplus_results(document: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List EvalPlus' HumanEval and MBPP scores of models whose link is a hub page, as shares of one.

    :param document: title → link, size and pass@1 in per cent.
    :return: rows of a result table.
    """
    found: list[dict[str, Any]] = []
    for entry in document.values():
        link = HUB.fullmatch(entry["link"])
        for mark in ("humaneval", "mbpp"):
            value = entry["pass@1"].get(mark)
            if link and value is not None:
                result: dict[str, Any] = {"model": link[1], "benchmark": mark, "metric": "pass1"}
                result |= {"value": exact(str(value), "0.01"), "source": EVALPLUS}
                found.append(result | {"protocol": "EvalPlus, greedy decoding, base tests"})
    return found


def arena_results(rows: Iterable[Row], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """List arena scores of the models whose title a person has matched to a card.

    :param rows: the arena's table.
    :param names: title → card id.
    :return: rows of a result table; of a title that stands twice, the first.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        id = names.get(row["model"])
        if id is not None and id not in found:
            protocol = f"{row['votes']} votes, {row['95_pct_ci']}"
            found[id] = {"model": id, "benchmark": "lmarena", "metric": "elo"} | {
                "value": exact(row["arena_score"]),
                "source": ARENA,
                "protocol": protocol,
            }
    return list(found.values())


def card(id: str, line: Line, parameters: Mapping[str, Any], spec: Row | None) -> dict[str, Any]:
    """Make a model card from a claimed model.

    :param id: the hub id.
    :param line: the line that claims it: licence, length, languages, module names, words.
    :param parameters: the fact of its size.
    :param spec: its row of the table of specifications, where there is one; its context length then goes first.
    :return: the card's keys.
    """
    active = (spec or {}).get("activated_size_b")
    width = line.get("bytes", 2)
    stated = {
        "id": id,
        "name": id.split("/")[-1],
        "tasks": line.get("tasks", ["text-generation"]),
        "architecture": line.get("architecture"),
        "released": _released(id, line),
        "licence": line["licence"],
        "where": [{"kind": "huggingface", "ref": id}],
        "input": {
            "tokens": int(spec["context_length"]) if spec else line["tokens"],
            "languages": line["languages"],
        },
        "parameters": parameters,
        "active_parameters": {"value": _billions(active), "unit": "parameters", "source": SPECS}
        if active
        else None,
        "size_mb": {"value": parameters["value"] * width / 1e6, "unit": "MB", "source": SIZES[width]},
        "lora_targets": line.get("lora"),
        "cited": {"input": SPECS} if spec else None,
        "good_for": _words(line, parameters["value"]),
        "weaknesses": _weaknesses(id, line, parameters["value"]),
    }
    return {key: value for key, value in stated.items() if value is not None}


def refresh(
    open_llm: Sequence[Row],
    evalplus: Mapping[str, Mapping[str, Any]],
    arena: Sequence[Row],
    specs: Iterable[Row],
    lines: Sequence[Line],
    names: Mapping[str, str],
    others: Iterable[str],
) -> dict[str, str]:
    """Write the families' cards and the results anew.

    :param open_llm: the Open LLM Leaderboard.
    :param evalplus: EvalPlus' results.
    :param arena: the arena's table.
    :param specs: the table of specifications, with hub ids.
    :param lines: the lines of models; the first that matches an id claims it.
    :param names: the arena's titles → card ids.
    :param others: ids of cards in other files: they get results, but no card.
    :return: name below the knowledge folder → text.
    """
    others = set(others)
    described = {row["hf_id"]: row for row in specs if row["hf_id"]}
    results = [*open_llm_results(open_llm), *evalplus_results(evalplus), *arena_results(arena, names)]
    sizes = _sizes(open_llm, evalplus, described)
    families: dict[str, list[dict[str, Any]]] = {}
    titles = {line["slug"]: line for line in lines}
    made: set[str] = set()
    for id in sorted({result["model"] for result in results} - others, key=str.lower):
        line = next((line for line in lines if any(re.fullmatch(p, id) for p in line["match"])), None)
        spec = described.get(id)
        size = _size(spec) if spec and line and line.get("routed") else sizes.get(id)
        if line is not None and size is not None:
            families.setdefault(line["slug"], []).append(card(id, line, size, spec))
            made.add(id)
    files = {f"models/{PREFIX}{slug}.yaml": _family(titles[slug], cards) for slug, cards in families.items()}
    return files | {RESULTS: csv_text(row for row in results if row["model"] in made | others)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the families in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.llm", description=__doc__)
    parser.add_argument(
        "--open-llm", type=Path, required=True, action="append", help="leaderboard table (CSV)"
    )
    parser.add_argument("--evalplus", type=Path, required=True, help="EvalPlus' results.json")
    parser.add_argument("--arena", type=Path, required=True, help="arena table (CSV)")
    parser.add_argument(
        "--specs", type=Path, required=True, help="table of specifications with hub ids (CSV)"
    )
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    options = parser.parse_args(arguments)
    models = options.knowledge / "models"
    own = sorted(models.glob(f"{PREFIX}*.yaml"))
    try:
        files = refresh(
            [row for path in options.open_llm for row in read_table(path)],
            _document(options.evalplus),
            read_table(options.arena),
            read_table(options.specs),
            read_yaml(options.knowledge / "llm-lines.yaml"),
            read_yaml(options.knowledge / "arena-names.yaml"),
            card_ids(path for path in sorted(models.glob("*.yaml")) if path not in own),
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files, own)
    return 0


def _document(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        raise DataError(f"There is no file {path}", "EvalPlus' results.json")
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _released(id: str, line: Line) -> Any:
    """Find the day of release: of the line, or where its models came out on several days, of the id."""
    dates = line.get("dates", {})
    return next((day for pattern, day in dates.items() if re.fullmatch(pattern, id)), line.get("released"))


def _billions(text: str) -> int:
    return int(exact(text.replace("_", "."), "1000000000"))


def _size(spec: Row) -> dict[str, Any]:
    return {"value": _billions(spec["size_b"]), "unit": "parameters", "source": SPECS, "protocol": "rounded"}


def _sizes(
    open_llm: Iterable[Row], evalplus: Mapping[str, Mapping[str, Any]], described: Mapping[str, Row]
) -> dict[str, dict[str, Any]]:
    """Find each model's size, the more exact source first."""
    sizes = {id: _size(spec) for id, spec in described.items()}
    for entry in evalplus.values():
        link = HUB.fullmatch(entry["link"])
        if link and entry["size"]:
            sizes[link[1]] = {"value": _billions(str(entry["size"])), "unit": "parameters"} | {
                "source": EVALPLUS,
                "protocol": "rounded",
            }
    first: set[str] = set()
    for row in open_llm:
        if float(row["#Params (B)"]) > 0 and row["fullname"] not in first:
            first.add(row["fullname"])
            value = _billions(row["#Params (B)"])
            sizes[row["fullname"]] = {"value": value, "unit": "parameters", "source": OPEN_LLM}
    return sizes


def _family(line: Line, cards: Sequence[Mapping[str, Any]]) -> str:
    defaults = {
        "authors": line.get("authors"),
        "library": "transformers",
        "frameworks": ["pytorch"],
        "tuning": TUNING,
        "explain": ["occlusion"],
    }
    for key in ("tasks", "architecture", "released", "licence", "lora_targets"):
        if all(card.get(key) == cards[0].get(key) for card in cards):
            defaults[key] = cards[0].get(key)
    own = [{key: value for key, value in card.items() if defaults.get(key) != value} for card in cards]
    return yaml_text(line["family"], defaults, own)


def _words(line: Line, parameters: float) -> dict[str, str]:
    en, zh = line["words"]["en"], line["words"]["zh"]
    sizes = (
        (3e9, "a laptop", "笔记本"),
        (1.5e10, "one GPU", "单张显卡"),
        (4e10, "one large GPU", "单张大显卡"),
    )
    need = next((words for limit, *words in sizes if parameters <= limit), ["several GPUs", "多张显卡"])
    return {"en": f"{en[0].upper()}{en[1:]} (runs on {need[0]}).", "zh": f"{zh}（{need[1]}可运行）。"}


TUNED = re.compile(
    r"instruct|chat|-it\b|dpo|sft|tulu|hermes|zephyr|vicuna|orca|wizard|dolphin|simpo|sauerkraut|open(chat|hermes)"
    r"|starling|distill|qwq|nemotron-70b|openthinker|phi-[34]|kto|orpo|ipo|supernova|virtuoso|arcee|dolly|math",
    re.IGNORECASE,
)


def _weaknesses(id: str, line: Line, parameters: float) -> dict[str, str]:
    if not TUNED.search(id) and "code-generation" not in line.get("tasks", []):
        return {
            "en": "A base model: it continues text and must be tuned before it follows instructions.",
            "zh": "基座模型：只会续写，需微调后才能遵循指令。",
        }
    if parameters < 4e9:
        return {
            "en": "Knows few facts, and reasons only in short steps.",
            "zh": "知识有限，只能做短步推理。",
        }
    if parameters > 4e10:
        return {"en": "Needs several data-centre GPUs.", "zh": "需要多张数据中心级 GPU。"}
    return {"en": "States wrong facts with confidence.", "zh": "会自信地给出错误事实。"}


if __name__ == "__main__":
    sys.exit(main())
