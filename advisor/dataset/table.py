"""Tables as rows of optional strings, each value exactly as written."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.dataset import limits
from advisor.dataset.decode import Decoded, decode
from advisor.dataset.types import Finding
from advisor.errors import DataError

__all__ = ["TABLE_SUFFIXES", "Table", "read_table"]

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".xlsm")
MAGIC = (
    (b"PK\x03\x04", "a zip or an Excel file"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
)


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    :ivar columns: the names, made unique by ` (2)` where a name repeats.
    :ivar rows: for each row one value per column; None where there is none.
    :ivar numbers: the 1-based line or sheet row at which each row begins, as an editor counts.
    :ivar repeated: names that stood more than once in the header.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    numbers: list[int]
    repeated: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = field(default=())


def read_table(path: Path, content: bytes) -> Table:
    """Read a table in the form that its name says.

    :param path: names the form: CSV, TSV, JSONL, Parquet or Excel.
    :param content: the file.
    :return: its rows.
    :raises DataError: naming file and row where it cannot be read.
    """
    suffix = path.suffix.lower()
    if not content.strip():
        raise DataError(f"{path} is empty", "a table with a text and a label column")
    if suffix == ".parquet":
        from advisor.dataset.parquet import read_parquet

        return Table(*read_parquet(path, content))
    if suffix in (".xlsx", ".xlsm"):
        from advisor.dataset.excel import read_excel

        numbered = read_excel(path, content)
        return _headed(path, numbered, ())
    decoded = _text(path, content)
    findings = _encoding_findings(decoded)
    if suffix in (".jsonl", ".ndjson", ".json"):
        return _objects(path, decoded.text, suffix, findings)
    from advisor.dataset.delimited import read_delimited

    rows, more = read_delimited(path, decoded.text)
    return _headed(path, rows, (*findings, *more))


def _text(path: Path, content: bytes) -> Decoded:
    for magic, kind in MAGIC:
        if content.startswith(magic):
            raise DataError(
                f"{path} is not a text file but {kind}",
                "CSV, TSV, JSONL, Parquet, Excel (.xlsx)",
                "Give it the ending that fits, or export it as CSV.",
            )
    decoded = decode(content)
    if decoded is None:
        raise DataError(
            f"{path} is not a text file: it holds binary data",
            "CSV, TSV or JSONL in UTF-8, UTF-16 or GB18030; Parquet; Excel (.xlsx)",
            "Export the table again as UTF-8 CSV.",
        )
    return decoded


def _encoding_findings(decoded: Decoded) -> tuple[Finding, ...]:
    if decoded.odd_lines:
        rows = tuple(f"row {number}" for number in decoded.odd_lines[:20])
        count = len(decoded.odd_lines)
        detail = f"{count} rows are not in {decoded.encoding.upper()} like the rest; theirs was guessed."
        return (Finding(kind="mixed-encoding", severity="medium", detail=detail, examples=rows),)
    if decoded.guessed:
        detail = (
            f"Read as {decoded.encoding}, which is a guess. If letters look wrong, save the file as UTF-8."
        )
        return (Finding(kind="encoding", severity="medium", detail=detail),)
    if decoded.encoding != "utf-8":
        return (Finding(kind="encoding", severity="info", detail=f"Read as {decoded.encoding.upper()}."),)
    return ()


def _headed(path: Path, numbered: list[tuple[int, list[str | None]]], findings: tuple[Finding, ...]) -> Table:
    if not numbered:
        raise DataError(f"{path} holds no rows", "a table with a text and a label column")
    first, header = numbered[0][0], [(value or "").strip() for value in numbered[0][1]]
    while header and not header[-1]:
        header.pop()
    body = numbered[1:]
    more = list(findings)
    if _is_data(header, body):
        body = numbered
        header = [f"column {index}" for index in range(1, len(header) + 1)]
        detail = (
            f"Row {first} looks like data, not column names; the columns were called {', '.join(header)}."
        )
        more.append(Finding(kind="no-header", severity="medium", detail=detail))
    if not body:
        raise DataError(f"{path} holds column names ({', '.join(header)[:200]}) but no rows")
    columns, repeated = _unique(header)
    if repeated:
        detail = f"Column names that stand more than once: {', '.join(sorted(repeated))[:200]}."
        more.append(Finding(kind="duplicate-columns", severity="medium", detail=detail))
    width = len(columns)
    rows: list[tuple[str | None, ...]] = []
    numbers: list[int] = []
    ragged: list[int] = []
    for number, values in body:
        if len(values) > width and any((value or "").strip() for value in values[width:]):
            ragged.append(number)
            continue
        rows.append(tuple(values[:width]) + (None,) * (width - len(values)))
        numbers.append(number)
    if ragged:
        detail = (
            f"{len(ragged)} rows have more values than the {width} columns and were left out; "
            "a text that holds the separator needs quotes."
        )
        if len(ragged) * 5 > len(body):
            raise DataError(
                f"{path}, row {ragged[0]}: more values than the {width} columns "
                f"({', '.join(columns)[:200]}); so in {len(ragged)} of {len(body)} rows",
                fix="Put texts that hold the separator in double quotes, or save it as Excel or JSONL.",
            )
        rows_named = tuple(f"row {number}" for number in ragged[:20])
        more.append(Finding(kind="ragged-rows", severity="medium", detail=detail, examples=rows_named))
    return Table(columns, rows, numbers, repeated, tuple(more))


def _is_data(header: list[str], body: list[tuple[int, list[str | None]]]) -> bool:
    """A header cell that comes back below it, in a column of few values, is no name."""
    sample = [values for _, values in body[:5000]]
    if len(sample) < 3:
        return False
    for index, cell in enumerate(header):
        below = [(values[index] or "").strip() for values in sample if index < len(values)]
        if cell and cell in below and len(set(below)) <= max(2, len(below) // 2):
            return True
    return False


def _unique(names: list[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    seen: dict[str, int] = {}
    unique: list[str] = []
    for index, name in enumerate(names, start=1):
        name = name or f"column {index}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique), frozenset(name for name, count in seen.items() if count > 1)


def _objects(path: Path, text: str, suffix: str, findings: tuple[Finding, ...]) -> Table:
    columns: dict[str, None] = {}
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    for number, record in _records(path, text, suffix):
        if not isinstance(record, dict):
            kind = "an array" if isinstance(record, list) else f"the value {str(record)[:80]!r}"
            raise DataError(
                f"{path}, row {number}: {kind} instead of an object",
                'one {"text": …, "label": …} on each line',
            )
        columns.update(dict.fromkeys(record))
        records.append(record)
        numbers.append(number)
        if len(records) > limits.ROWS or len(columns) > 10_000:
            raise DataError(
                f"{path} holds more than {limits.ROWS:,} rows or 10,000 keys", fix="Give a sample."
            )
    if not records:
        raise DataError(f"{path} holds no rows", 'one {"text": …, "label": …} on each line')
    rows = [tuple(_written(record.get(name)) for name in columns) for record in records]
    return Table(tuple(columns), rows, numbers, findings=findings)


def _records(path: Path, text: str, suffix: str) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        if suffix == ".json" and text.lstrip().startswith("["):
            yield from enumerate(_parse(text), start=1)
            return
        for number, line in enumerate(io.StringIO(text), start=1):
            if line.strip():
                yield number, _parse(line)
    except (ValueError, RecursionError) as error:
        where = f"{path}, row {number}" if number else f"{path}"
        raise DataError(
            f"{where}: not valid JSON: {error}",
            'one {"text": …, "label": …} on each line',
            "Mend or remove that line.",
        ) from None


def _parse(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda _: None)


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
