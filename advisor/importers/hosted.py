"""Hosted models: a table of prices and a leaderboard of code edits → one family of cards and its results.

`python -m advisor.importers.hosted PRICES LEADERBOARD --knowledge DIR` takes from `DIR/hosted-lines.yaml` which rows
become cards; a line without a `row` names a card of another file that only gets its result. Names are exact. The same
tables give the same files.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import DataError, InputError, nearest
from advisor.importers.tables import exact, read_table, read_yaml, write_files
from advisor.importers.write import csv_text, yaml_text

__all__ = ["aider_results", "card", "main", "refresh"]

CARDS, RESULTS = "models/hosted-snapshots.yaml", "results/aider.csv"
PRICES, AIDER = "litellm-1.109.1", "aider-polyglot"
UNIT = "USD per 10^6 tokens"
Line = Mapping[str, Any]


def card(line: Line, row: Mapping[str, str]) -> dict[str, Any]:
    """Make the card of a hosted model.

    :param line: what the curator says: id, name, tasks, place, date, words.
    :param row: its row of the table of prices, in USD per million tokens.
    :return: the card's keys.
    """
    prices = {
        key: {"value": exact(row[column]), "unit": UNIT, "source": PRICES} if row[column] else None
        for key, column in (("price_in", "usd_per_m_input_tokens"), ("price_out", "usd_per_m_output_tokens"))
    }
    embeds = row["mode"] == "embedding"
    return {
        "id": line["id"],
        "name": line["name"],
        "tasks": line["tasks"],
        "authors": line["authors"],
        "released": line["released"],
        "where": [{"kind": "api", "ref": line["where"]}],
        "input": {"tokens": int(row["max_input_tokens"]), "languages": ["mul"]},
        "price_in": prices["price_in"],
        "price_out": None if embeds else prices["price_out"],
        "tuning": ["frozen", "head"] if embeds else None,
        "good_for": {"en": f"{line['words']['en']}.", "zh": f"{line['words']['zh']}。"},
    }


def aider_results(runs: Iterable[Mapping[str, Any]], lines: Iterable[Line]) -> list[dict[str, Any]]:
    """List the shares of exercises solved on the second try.

    :param runs: the leaderboard's runs, in per cent.
    :param lines: the lines, whose `aider` is the exact title of a run.
    :return: rows of a result table; of a title that stands twice, the first.
    """
    found: dict[str, dict[str, Any]] = {}
    titles = {line["aider"]: line["id"] for line in lines if "aider" in line}
    for run in runs:
        id = titles.get(run["model"])
        if id is not None:
            value = exact(str(run["pass_rate_2"]), "0.01")
            result = {"model": id, "benchmark": "aider-polyglot", "metric": "pass2", "value": value}
            found.setdefault(id, result | {"source": AIDER, "date": run["date"], "protocol": run["model"]})
    return list(found.values())


def refresh(
    prices: Iterable[Mapping[str, str]], runs: Iterable[Mapping[str, Any]], lines: Sequence[Line]
) -> dict[str, str]:
    """Write the family's cards and the results anew.

    :param prices: the table of prices.
    :param runs: the leaderboard's runs.
    :param lines: which rows become cards, and which runs belong to which card.
    :return: name below the knowledge folder → text.
    :raises DataError: if a row is not in the table; names the nearest.
    """
    rows = {row["model"]: row for row in prices}
    cards: list[dict[str, Any]] = []
    for line in lines:
        if "row" not in line:
            continue
        if line["row"] not in rows:
            raise DataError(
                f"There is no row {line['row']!r}", "names of the price table", nearest(line["row"], rows)
            )
        cards.append(card(line, rows[line["row"]]))
    defaults = {
        "kind": "api",
        "library": "other",
        "frameworks": ["api"],
        "licence": {
            "id": "terms of service",
            "class": "service",
            "trap": "A hosted service: your data leave the house, and price and model may change.",
        },
        "tuning": ["zero-shot", "prompt"],
        "cited": {"input": PRICES},
        "weaknesses": {
            "en": "Your texts go to the provider; the snapshot may be switched off.",
            "zh": "文本会发送给供应商；该快照可能下线。",
        },
    }
    text = yaml_text("Hosted snapshots", defaults, cards)
    return {CARDS: text, RESULTS: csv_text(aider_results(runs, lines))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the family in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.hosted", description=__doc__)
    parser.add_argument("prices", type=Path, help="table of prices (CSV)")
    parser.add_argument("leaderboard", type=Path, help="polyglot_leaderboard.yml")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    options = parser.parse_args(arguments)
    try:
        files = refresh(
            read_table(options.prices),
            read_yaml(options.leaderboard),
            read_yaml(options.knowledge / "hosted-lines.yaml"),
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
