"""Writing a family of cards or a table of results always the same way: a refresh is then a readable diff."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["RESULT_COLUMNS", "csv_text", "yaml_text"]

RESULT_COLUMNS = ("model", "benchmark", "metric", "value", "source", "date", "protocol")
WIDTH = 110
PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff(][\w\u4e00-\u9fff./+() %×≥≤–-]*")
RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def yaml_text(family: str, defaults: Mapping[str, Any], cards: Iterable[Mapping[str, Any]]) -> str:
    """Write one family of model cards as YAML.

    :param family: the family's name, which every card inherits.
    :param defaults: what every card inherits unless it says otherwise.
    :param cards: the cards as plain values, keys in the order in which they shall stand; None is left out.
    :return: the text of `knowledge/models/*.yaml`: one key a line, small mappings and lists on one line.
    """
    lines = [f"family: {_scalar(family)}"]
    if defaults:
        lines.append("defaults:")
        lines += _entries(defaults, "  ")
    lines.append("models:")
    for card in cards:
        entries = _entries(card, "    ")
        entries[0] = "  - " + entries[0][4:]
        lines += entries
    return "\n".join(lines) + "\n"


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = RESULT_COLUMNS) -> str:
    """Write published results, sorted and without repeats.

    :param rows: one mapping per result; a missing or None cell stays empty.
    :param columns: the columns and their order; rows are sorted by them.
    :return: the text of `knowledge/results/*.csv`.
    """
    table = sorted({tuple(_cell(row.get(column)) for column in columns) for row in rows})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(table)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _number(value) if isinstance(value, float) else str(value)


def _entries(mapping: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in mapping.items():
        if value is None:
            continue
        line = f"{indent}{_scalar(key)}: {_inline(value)}"
        if len(line) <= WIDTH or not isinstance(value, (Mapping, list, tuple)) or not value:
            lines.append(line)
        elif isinstance(value, Mapping):
            lines.append(f"{indent}{_scalar(key)}:")
            lines += _entries(value, indent + "  ")
        elif all(isinstance(item, (Mapping, list, tuple)) for item in value):
            lines.append(f"{indent}{_scalar(key)}:")
            lines += [f"{indent}  - {_inline(item)}" for item in value]
        else:
            lines += _wrapped(f"{indent}{_scalar(key)}: [", [_inline(item) for item in value], indent + "  ")
    return lines


def _wrapped(start: str, items: list[str], indent: str) -> list[str]:
    lines, line = [], start
    for number, item in enumerate(items):
        piece = item + ("]" if number == len(items) - 1 else ",")
        if len(line) + len(piece) + 1 > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += piece + " "
    return [*lines, line.rstrip()]


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{_scalar(key)}: {_inline(item)}" for key, item in value.items() if item is not None)
            + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (int, dt.date)):
        return str(value)
    text = str(value)
    if PLAIN.fullmatch(text) and not text.endswith(" ") and text.lower() not in RESERVED:
        return text
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    whole = value.is_integer() and abs(value) < 1e16
    return str(int(value)) if whole else repr(value)
