"""Pages about the fields of files, made from the typed models that read and write them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from advisor.brief import Brief
from advisor.knowledge import cards, entries
from advisor.report.schema import report_schema

__all__ = ["brief_page", "file_models", "knowledge_page", "report_page"]

Schema = Mapping[str, Any]
HERE = Path(__file__).parent
SIGNS = {
    "exclusiveMinimum": "above",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}
FILES: Mapping[str, str] = {
    "ModelCard": "An entry of `models` in `models/*.yaml`.",
    "Task": "An entry of `tasks.yaml`.",
    "Device": "An entry of `devices.yaml`, or a device file of your own.",
    "Source": "An entry of `sources.yaml`.",
    "Starter": "An entry of `starters.yaml`.",
    "DataSet": "An entry of `datasets.yaml`.",
    "Coefficient": "An entry of `prior.yaml`.",
    "Result": "A row of `results/*.csv`.",
    "Latency": "A row of `results/latency*.csv`.",
}


def file_models() -> dict[str, type[BaseModel]]:
    """List the models of everything that a knowledge folder holds, those that whole files consist of first."""
    found = {
        name: value
        for module in (cards, entries)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    }
    return {name: found[name] for name in (*FILES, *(name for name in found if name not in FILES))}


def knowledge_page() -> str:
    """Describe every field of every file of the knowledge base.

    :return: Markdown.
    """
    models = file_models()
    _, combined = models_json_schema([(model, "validation") for model in models.values()], by_alias=True)
    meanings = yaml.safe_load((HERE / "knowledge_fields.yaml").read_text(encoding="utf-8"))
    lines = [
        "# Fields of the knowledge base",
        "",
        "Made from the code that reads the files, so it lists what is accepted and nothing else. What a file is for "
        "and how to add to it: [the knowledge base](../knowledge-base.md). A field without a default may not be left "
        "out; any other that is left out is **unknown**, never zero.",
        "",
    ]
    for name in models:
        lines += _section(name, combined["$defs"][name], meanings.get(name, {}), FILES.get(name, ""))
    return "\n".join(lines)


def brief_page() -> str:
    """Describe every key of a brief, with the question that the app asks for it.

    :return: Markdown.
    """
    schema = Brief.model_json_schema()
    meanings = yaml.safe_load((HERE / "brief_fields.yaml").read_text(encoding="utf-8"))
    lines = [
        "# Keys of a brief",
        "",
        "A brief is a YAML or JSON file, or what the app's first page asks. Only `task` is required; what stands under "
        "`data` and is left out is read from the data. An unknown key is refused, and the nearest one is named.",
        "",
    ]
    parts = {"Brief": schema, **schema["$defs"]}
    titles = {
        "Brief": "The brief",
        "DataFacts": "`data`",
        "Constraints": "`constraints`",
        "Priorities": "`priorities`",
    }
    for name in titles:
        lines += _section(name, parts[name], meanings.get(name, {}), title=titles[name])
    return "\n".join(lines)


def report_page() -> str:
    """Describe every field of report.json.

    :return: Markdown.
    """
    schema = report_schema()
    lines = [
        "# Fields of report.json",
        "",
        "For other programs there is the [JSON schema](../report.schema.json), made from the same types. Metrics are "
        "shares from 0 to 1, written unrounded; mb are 10⁶ bytes. Where `basis` is `unknown`, `value`, `low` and "
        "`high` are null.",
        "",
    ]
    for name, part in {"Report": schema, **schema["$defs"]}.items():
        lines += _section(name, part, {})
    return "\n".join(lines)


def _section(
    name: str, schema: Schema, meanings: Mapping[str, str], where: str = "", title: str = ""
) -> list[str]:
    said = str(schema.get("description", "")).strip().splitlines()
    lines = [f"## {title or name} {{ #{name.lower()} }}", "", *said, "", *([where, ""] if where else [])]
    if "enum" in schema:
        return [*lines, _type(schema), ""]
    with_meaning = bool(meanings) or any("ask" in one for one in schema.get("properties", {}).values())
    heads = ["field", *(["meaning"] if with_meaning else []), "type", "default"]
    lines += [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for field, one in schema.get("properties", {}).items():
        cells = [f"`{field}`", _type(one), _default(field, one, schema.get("required", ()))]
        if with_meaning:
            cells.insert(1, _meaning(one) or meanings.get(field, ""))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return [*lines, ""]


def _meaning(one: Schema) -> str:
    if "ask" not in one:
        return ""
    unit = f" *{one['unit']}*." if one.get("unit") else ""
    return f"{one['ask']}{unit} {one['why']}"


def _default(field: str, one: Schema, required: Sequence[str]) -> str:
    if field in required and "default" not in one:
        return "required"
    value = one.get("default")
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return "as below"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(one: Schema) -> str:
    choices = [part for part in one.get("anyOf", one.get("oneOf", ())) if part.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(_type(part) for part in choices))
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in one or "const" in one:
        return ", ".join(f"`{value}`" for value in one.get("enum", [one.get("const")]))
    return ", ".join(_simple(one))


def _simple(one: Schema) -> Iterator[str]:
    kind = one.get("type", "anything")
    if kind == "array":
        inner = [_type(part) for part in one.get("prefixItems", ())] or [_type(one.get("items", {}))]
        yield f"list of {' and '.join(dict.fromkeys(inner))}"
    elif kind == "object":
        keys, values = one.get("propertyNames"), one.get("additionalProperties")
        inside = f" to {_type(values)}" if isinstance(values, Mapping) else ""
        yield f"mapping from {_type(keys) if keys else 'names'}{inside}"
    else:
        words = {"integer": "whole number", "string": "text", "boolean": "yes or no"}
        yield "date" if one.get("format") == "date" else words.get(kind, kind)
    for key, words_ in SIGNS.items():
        if key in one:
            yield f"{words_} {one[key]:g}"
