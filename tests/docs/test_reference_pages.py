"""The reference is made from the code; these tests look at the code by another way than the generator does."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel

from advisor import cli
from advisor.brief import Brief, Constraints, DataFacts, Priorities
from advisor.knowledge import cards, entries
from advisor.result import Report

ROOT = Path(__file__).parents[2]
Load = Callable[[str], ModuleType]


def sections(page: str) -> dict[str, str]:
    """Cut a page at its second-level headings."""
    parts = page.split("\n## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def registered(application: typer.Typer, path: str = "advisor") -> Iterator[tuple[str, Any]]:
    """List what was registered with typer, by the functions that carry the options."""
    for command in application.registered_commands:
        assert command.callback
        yield f"{path} {command.name or command.callback.__name__.replace('_', '-')}", command.callback
    for group in application.registered_groups:
        assert group.typer_instance
        inner = f"{path} {group.name}"
        callback = group.typer_instance.registered_callback
        alone = group.typer_instance.info.invoke_without_command
        if callback and getattr(alone, "value", alone):
            yield inner, callback.callback
        yield from registered(group.typer_instance, inner)


def flags(function: Any) -> set[str]:
    """Read the options' names from the annotations of a command."""
    found = set()
    for parameter in inspect.signature(function).parameters.values():
        for extra in getattr(parameter.annotation, "__metadata__", ()):
            found |= {name for name in getattr(extra, "param_decls", None) or () if name.startswith("-")}
    return found


COMMANDS = dict(registered(cli.app))


def test_commands_are_found() -> None:
    assert {"advisor run", "advisor models", "advisor models show", "advisor knowledge check"} <= set(
        COMMANDS
    )


def test_every_command_stands_in_the_reference(generator: Load) -> None:
    assert set(sections(generator("command_page").command_page())) == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_stands_in_the_reference(command: str, generator: Load) -> None:
    said = sections(generator("command_page").command_page())[command]
    rows = set(re.findall(r"-{1,2}[a-z][\w-]*", "".join(re.findall(r"^\| (`[^`]+`)", said, re.MULTILINE))))
    assert flags(COMMANDS[command]) <= rows
    assert "--knowledge" in rows


def rows_of(page: str, name: str) -> set[str]:
    """Read the first column of the table under an anchor."""
    _, _, rest = page.partition(f"{{ #{name.lower()} }}")
    assert rest, f"{name} has no section"
    return set(re.findall(r"^\| `([^`]+)` \|", rest.split("\n## ")[0], re.MULTILINE))


def fields(model: type[BaseModel]) -> set[str]:
    return {one.alias or name for name, one in model.model_fields.items()}


KNOWLEDGE = {
    name: value
    for module in (cards, entries)
    for name, value in inspect.getmembers(module, inspect.isclass)
    if issubclass(value, BaseModel) and value.__module__ == module.__name__
}


def test_every_field_of_the_knowledge_base_stands_in_the_reference(generator: Load) -> None:
    page = generator("field_pages").knowledge_page()
    for name, model in KNOWLEDGE.items():
        assert rows_of(page, name) == fields(model), name


def test_every_field_of_the_knowledge_base_is_explained() -> None:
    path = ROOT / "docs" / "generator" / "knowledge_fields.yaml"
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    wanted = {name: fields(model) for name, model in KNOWLEDGE.items()}
    assert {name: set(lines) for name, lines in said.items()} == wanted, (
        f"{path.name} lacks or has too many lines"
    )
    assert all(str(line).strip() for lines in said.values() for line in lines.values())


@pytest.mark.parametrize("model", [Brief, DataFacts, Constraints, Priorities])
def test_every_key_of_a_brief_stands_in_the_reference(model: type[BaseModel], generator: Load) -> None:
    page = generator("field_pages").brief_page()
    assert rows_of(page, model.__name__) == fields(model)
    _, _, rest = page.partition(f"{{ #{model.__name__.lower()} }}")
    meanings = re.findall(r"^\| `[^`]+` \|([^|]*)\|", rest.split("\n## ")[0], re.MULTILINE)
    assert len(meanings) == len(fields(model))
    assert all(one.strip() for one in meanings), "a key without a word of explanation"


def test_every_field_of_a_report_stands_in_the_reference(generator: Load) -> None:
    page = generator("field_pages").report_page()
    seen: set[type[BaseModel]] = set()

    def walk(model: type[BaseModel]) -> None:
        if model in seen:
            return
        seen.add(model)
        for one in model.model_fields.values():
            if not one.exclude:
                for part in re.findall(r"\b[A-Z]\w+", str(one.annotation).replace("advisor.", "")):
                    inner = NAMED.get(part)
                    if inner:
                        walk(inner)

    walk(Report)
    assert len(seen) > 15
    for model in seen:
        kept = {one.alias or name for name, one in model.model_fields.items() if not one.exclude}
        assert kept <= rows_of(page, model.__name__), model.__name__


def subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in model.__subclasses__():
        yield one
        yield from subclasses(one)


NAMED = {one.__name__: one for one in subclasses(BaseModel) if one.__module__.startswith("advisor.")}


def test_every_variable_of_the_environment_is_described() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "advisor").rglob("*.py"))
    used = set(re.findall(r"\"(ADVISOR_[A-Z_]+)\"", source)) - {"ADVISOR_SUPERVISOR"}
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    assert {"ADVISOR_HOME", "ADVISOR_MODELS"} <= used
    assert used == set(re.findall(r"`(ADVISOR_[A-Z_]+)`", page))
