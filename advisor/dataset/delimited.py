"""CSV and TSV: the separator found, quotes taken as they are meant, broken ones named by row."""

import csv
import io
from pathlib import Path

from advisor.dataset import limits
from advisor.dataset.types import Finding
from advisor.errors import DataError

__all__ = ["read_delimited"]

Rows = list[tuple[int, list[str | None]]]


def read_delimited(path: Path, text: str) -> tuple[Rows, tuple[Finding, ...]]:
    """Split a delimited text into rows.

    :param path: names the file; `.tsv` prefers tabs.
    :param text: its content.
    :return: (line at which the row begins, values) for each row that is not blank, and what was noticed.
    :raises DataError: naming the row where a quote never closes or a value is too long.
    """
    csv.field_size_limit(max(csv.field_size_limit(), limits.VALUE_CHARACTERS))
    findings: list[Finding] = []
    if "\0" in text:
        lines = [number for number, line in enumerate(text.split("\n"), start=1) if "\0" in line]
        text = text.replace("\0", "")
        detail = f"{len(lines)} rows held NUL characters, which were removed."
        rows_named = tuple(f"row {line}" for line in lines[:20])
        findings.append(Finding(kind="nul-bytes", severity="medium", detail=detail, examples=rows_named))
    delimiter = _delimiter(path, text)
    try:
        return _rows(path, text, delimiter, strict=True), tuple(findings)
    except csv.Error as error:
        broken = str(error)
    try:
        plain = _rows(path, text, delimiter, quoting=csv.QUOTE_NONE)
    except csv.Error:
        raise _too_long(path, text) from None
    width = len(plain[0][1])
    if all(len(values) == width for _, values in plain):
        detail = "Double quotes are not paired, so they were read as ordinary characters."
        rows_named = _unpaired(plain)
        findings.append(Finding(kind="quotes", severity="medium", detail=detail, examples=rows_named))
        return [(number, [_bare(value) for value in values]) for number, values in plain], tuple(findings)
    if "unexpected end" not in broken:
        try:
            rows = _rows(path, text, delimiter)
        except csv.Error:
            raise _too_long(path, text) from None
        if not _swallows(rows):
            return rows, tuple(findings)
    where = _unpaired(plain) or tuple(f"row {number}" for number, values in plain if len(values) != width)
    raise DataError(
        f"{path}, {where[0]}: a double quote is opened and never closed ({broken})",
        fix='Close it, write quotes inside of a text twice (""), or save the table as Excel or JSONL.',
    )


def _rows(
    path: Path, text: str, delimiter: str, strict: bool = False, quoting: int = csv.QUOTE_MINIMAL
) -> Rows:
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=strict, quoting=quoting)  # type: ignore[arg-type]
    rows: Rows = []
    start = 1
    for values in reader:
        if any(value.strip() for value in values):
            rows.append((start, list(values)))
        start = reader.line_num + 1
        if len(rows) > limits.ROWS:
            raise DataError(f"{path} holds more than {limits.ROWS:,} rows", fix="Give a sample.")
    return rows


def _delimiter(path: Path, text: str) -> str:
    """The separator that splits the first rows most alike, into two values or more."""
    tab_first = path.suffix.lower() in (".tsv", ".txt")
    head = text[: 1 << 16]
    if len(text) > len(head):
        head = head[: head.rfind("\n") + 1] or head
    best, best_score = "\t" if tab_first else ",", 0.0
    for delimiter in "\t,;|" if tab_first else ",\t;|":
        try:
            sample = _rows(path, head, delimiter)[:200]
        except csv.Error:
            continue
        if not sample or len(sample[0][1]) < 2:
            continue
        width = len(sample[0][1])
        score = sum(len(values) == width for _, values in sample) / len(sample)
        if score > best_score + 0.1:
            best, best_score = delimiter, score
    return best


def _swallows(rows: Rows) -> bool:
    """A value of very many lines is a quote that closed where another should have opened."""
    values = (value for _, values in rows for value in values if value and len(value) > 400)
    return any(value.count("\n") > 200 for value in values)


def _unpaired(rows: Rows) -> tuple[str, ...]:
    odd = [number for number, values in rows if sum((value or "").count('"') for value in values) % 2]
    return tuple(f"row {number}" for number in odd[:20])


def _bare(value: str | None) -> str | None:
    if value and len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return value[1:-1].replace('""', '"')
    return value


def _too_long(path: Path, text: str) -> DataError:
    lines = enumerate(text.split("\n"), start=1)
    where = next((number for number, line in lines if len(line) > limits.VALUE_CHARACTERS), 1)
    return DataError(
        f"{path}, row {where}: a value is too long, or a double quote is never closed",
        f"at most {limits.VALUE_CHARACTERS:,} characters",
        "Shorten it or leave it out.",
    )
