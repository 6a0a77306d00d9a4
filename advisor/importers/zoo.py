"""What the importers of model zoos share: tables in, families and cards out, always the same bytes for the same input.

Families and what the curator says of them stand in `knowledge/zoo-families.yaml`: the first entry of a zoo whose
`match` fits the beginning of a model's name wins. A model without a family there gets no card.
"""

import argparse
import datetime as dt
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.importers.tables import card_ids, read_table, read_yaml, write_files
from advisor.importers.write import csv_text, yaml_text

__all__ = [
    "Zoo",
    "ZooFamily",
    "derived_size",
    "find",
    "paper_month",
    "read_zoo",
    "refresh_zoo",
    "taken",
    "write_zoo",
]

LATENCY_COLUMNS = ("model", "device", "ms", "batch", "precision", "runtime", "source", "date")
SIZE_SOURCE = "derived-fp32-size"


@dataclass(frozen=True, eq=False)
class ZooFamily:
    """An entry of `zoo-families.yaml`.

    :ivar zoo: the importer that it belongs to.
    :ivar slug: part of the file name.
    :ivar title: the family's name.
    :ivar match: pattern for the beginning of a model's name in the zoo.
    :ivar defaults: what every card inherits.
    """

    zoo: str
    slug: str
    title: str
    match: str
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Zoo:
    """What an importer makes of its tables.

    :ivar name: the zoo; files are `models/NAME-SLUG.yaml`, `results/NAME.csv` and `results/latency-NAME.csv`.
    :ivar cards: each card with its family.
    :ivar results: rows of a result table, for cards of any file.
    :ivar latencies: rows of a latency table.
    """

    name: str
    cards: Sequence[tuple[ZooFamily, Mapping[str, Any]]]
    results: Sequence[Mapping[str, Any]]
    latencies: Sequence[Mapping[str, Any]] = ()


def read_zoo(knowledge: Path, zoo: str) -> tuple[ZooFamily, ...]:
    """Read the families of one zoo.

    :param knowledge: the knowledge folder.
    :param zoo: the importer's name.
    :return: its families, in order.
    """
    entries = read_yaml(knowledge / "zoo-families.yaml") or []
    return tuple(ZooFamily(**entry) for entry in entries if entry["zoo"] == zoo)


def find(name: str, families: Iterable[ZooFamily]) -> ZooFamily | None:
    """Find the family of a model's name; None if no entry fits, which means: no card."""
    return next((family for family in families if re.match(family.match, name)), None)


def derived_size(parameters: float) -> dict[str, Any]:
    """State the size of float32 weights that was derived from a count of parameters."""
    return {
        "value": round(parameters * 4 / 1e6, 2),
        "unit": "MB",
        "source": SIZE_SOURCE,
        "protocol": "parameters x 4 bytes",
    }


def paper_month(paper: str) -> dt.date | None:
    """Read from an arXiv address in which month the paper came out; None where there is none."""
    found = re.search(r"arxiv\.org/(?:abs|pdf)/(\d\d)(\d\d)\.\d", paper)
    return dt.date(2000 + int(found[1]), int(found[2]), 1) if found else None


def taken(knowledge: Path, zoo: str) -> set[str]:
    """List the ids that have a card in another file than those of this zoo."""
    paths = (knowledge / "models").glob("*.yaml")
    return card_ids(path for path in paths if not path.name.startswith(f"{zoo}-"))


def write_zoo(knowledge: Path, zoo: Zoo) -> None:
    """Write a zoo's families and tables and remove families of it that are gone.

    :param knowledge: the knowledge folder.
    :param zoo: what the importer made.
    """
    members: dict[ZooFamily, list[Mapping[str, Any]]] = {}
    for family, card in zoo.cards:
        members.setdefault(family, []).append(card)
    files = {
        f"models/{zoo.name}-{family.slug}.yaml": yaml_text(
            family.title, family.defaults, sorted(cards, key=lambda card: str(card["id"]))
        )
        for family, cards in members.items()
    }
    files[f"results/{zoo.name}.csv"] = csv_text(zoo.results)
    if zoo.latencies:
        files[f"results/latency-{zoo.name}.csv"] = csv_text(zoo.latencies, LATENCY_COLUMNS)
    write_files(knowledge, files, (knowledge / "models").glob(f"{zoo.name}-*.yaml"))


def refresh_zoo(
    name: str,
    about: str | None,
    table: str,
    make: Callable[[Iterable[Mapping[str, str]], Sequence[ZooFamily], set[str]], Zoo],
    arguments: Sequence[str] | None = None,
) -> int:
    """Rewrite the share of a knowledge folder that comes from one table, as a command of its own.

    :param name: the zoo, and the module that is started.
    :param about: what the command says of itself.
    :param table: what the table holds.
    :param make: turns the table's rows, the zoo's families and the ids that have cards elsewhere into the zoo.
    :param arguments: the command line; that of the process if None.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(prog=f"python -m advisor.importers.{name}", description=about)
    parser.add_argument("table", type=Path, help=table)
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"), help="the folder to rewrite")
    options = parser.parse_args(arguments)
    try:
        families = read_zoo(options.knowledge, name)
        zoo = make(read_table(options.table), families, taken(options.knowledge, name))
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_zoo(options.knowledge, zoo)
    return 0
