"""Reading a knowledge folder: every file, each entry with its place, every fault of form instead of the first."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from advisor.knowledge.base import Knowledge
from advisor.knowledge.cards import ModelCard
from advisor.knowledge.entries import Coefficient, DataSet, Device, Latency, Result, Source, Starter, Task
from advisor.knowledge.nodes import child, compose, line_of, plain
from advisor.quantity import Frozen

__all__ = ["Draft", "read_folder"]

Row = TypeVar("Row", bound=Frozen)


@dataclass(frozen=True)
class Draft:
    """A folder as it was read: the entries that have the right form, where each stands, and what was wrong."""

    knowledge: Knowledge
    places: dict[int, str]
    faults: tuple[str, ...]

    def place(self, entry: Frozen) -> str:
        """Name the file and line of an entry of this draft's knowledge."""
        return self.places[id(entry)]


def read_folder(folder: Path) -> Draft:
    """Read a knowledge folder.

    :param folder: the folder; it is there.
    :return: what it holds; faults of form are noted, cross-references not yet looked at.
    """
    reader = _Reader(folder)
    knowledge = Knowledge.model_construct(
        models=tuple(reader.cards()),
        tasks=reader.listed("tasks.yaml", Task),
        devices=reader.listed("devices.yaml", Device),
        sources=reader.listed("sources.yaml", Source),
        starters=reader.listed("starters.yaml", Starter, required=False),
        results=tuple(row for path in reader.tables() for row in reader.table(path, Result)),
        latencies=tuple(row for path in reader.tables(latency=True) for row in reader.table(path, Latency)),
        datasets=reader.listed("datasets.yaml", DataSet, required=False),
        coefficients=reader.listed("prior.yaml", Coefficient, required=False),
    )
    return Draft(knowledge, reader.places, tuple(reader.faults))


@dataclass
class _Reader:
    folder: Path
    faults: list[str] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)
    seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def fault(self, path: Path, line: int, message: str) -> None:
        self.faults.append(f"{self.at(path, line)}: {message}")

    def at(self, path: Path, line: int) -> str:
        return f"{path.relative_to(self.folder)}:{line}"

    def document(self, path: Path) -> yaml.Node | None:
        try:
            return compose(path)
        except FileNotFoundError:
            self.fault(path, 1, "the file is missing")
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            self.fault(
                path, mark.line + 1 if mark else 1, f"not valid YAML: {getattr(error, 'problem', error)}"
            )
        return None

    def listed(self, name: str, model: type[Row], required: bool = True) -> tuple[Row, ...]:
        path = self.folder / name
        if not required and not path.exists():
            return ()
        root = self.document(path)
        if root is None:
            return ()
        if not isinstance(root, yaml.SequenceNode):
            self.fault(path, 1, "expected a list")
            return ()
        items = (self.item(path, node, plain(node), model) for node in root.value)
        return tuple(item for item in items if item is not None)

    def cards(self) -> list[ModelCard]:
        cards: list[ModelCard] = []
        for path in sorted((self.folder / "models").glob("*.yaml")):
            root = self.document(path)
            if root is None:
                continue
            content = plain(root)
            if not isinstance(content, dict) or set(content) - {"family", "defaults", "models"}:
                self.fault(path, 1, "expected the keys family, defaults and models only")
                continue
            models = child(root, "models")
            if not isinstance(models, yaml.SequenceNode):
                self.fault(path, 1, "`models` must be a list")
                continue
            common = {"family": content.get("family"), **(content.get("defaults") or {})}
            for node in models.value:
                own = plain(node)
                merged = _inherit(common, own) if isinstance(own, dict) else own
                card = self.item(path, node, merged, ModelCard)
                if card:
                    cards.append(card)
        return cards

    def item(self, path: Path, node: yaml.Node, content: Any, model: type[Row]) -> Row | None:
        try:
            item = model.model_validate(content)
        except ValidationError as error:
            for problem in error.errors():
                where = ".".join(str(step) for step in problem["loc"])
                line = line_of(node, problem["loc"])
                self.fault(path, line, f"{where}: {problem['msg']} (found {str(problem['input'])[:80]!r})")
            return None
        name = str(getattr(item, "id", None) or getattr(item, "model", ""))
        key = (model.__name__, name.lower())
        place = self.at(path, node.start_mark.line + 1)
        if key in self.seen:
            self.faults.append(f"{place}: {name!r} is already defined at {self.seen[key]}")
        self.seen[key] = self.places[id(item)] = place
        return item

    def tables(self, latency: bool = False) -> list[Path]:
        paths = sorted((self.folder / "results").glob("*.csv"))
        return [path for path in paths if path.name.startswith("latency") == latency]

    def table(self, path: Path, model: type[Row]) -> list[Row]:
        rows: list[Row] = []
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            try:
                for row in reader:
                    filled = {key: value for key, value in row.items() if value not in (None, "")}
                    try:
                        item = model.model_validate(filled)
                    except ValidationError as error:
                        problem = error.errors()[0]
                        self.fault(path, reader.line_num, f"{problem['loc']}: {problem['msg']}")
                        continue
                    self.places[id(item)] = self.at(path, reader.line_num)
                    rows.append(item)
            except (csv.Error, UnicodeDecodeError) as error:
                self.fault(path, reader.line_num + 1, f"not a readable table: {error}")
        return rows


def _inherit(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Let a card's own keys win; the sources that it cites are joined with those of its family."""
    merged = {**common, **own}
    if isinstance(common.get("cited"), dict) and isinstance(own.get("cited"), dict):
        merged["cited"] = {**common["cited"], **own["cited"]}
    return merged
