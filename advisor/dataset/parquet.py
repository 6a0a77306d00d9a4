"""Parquet as rows of strings."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

from advisor.dataset import limits
from advisor.errors import DataError

__all__ = ["read_parquet"]


def read_parquet(
    path: Path, content: bytes
) -> tuple[tuple[str, ...], list[tuple[str | None, ...]], list[int]]:
    """Read the plain columns of a Parquet file.

    :param path: names the file in complaints.
    :param content: the file.
    :return: the names of the columns that hold plain values, the rows, and the rows' 1-based numbers.
    :raises DataError: if it is no Parquet file or exceeds the limits.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        meta = file.metadata
        size = sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))
        if meta.num_rows > limits.ROWS or size > limits.TABLE_BYTES:
            raise DataError(
                f"{path} holds {meta.num_rows:,} rows, {size // 1024**2:,} MB unpacked",
                f"at most {limits.ROWS:,} rows and {limits.TABLE_BYTES // 1024**2} MB",
                "Give a sample.",
            )
        names = [column.name for column in file.schema_arrow if not pa.types.is_nested(column.type)]
        table = file.read(columns=names)
        columns = [table.column(name).to_pylist() for name in names]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(
            f"{path} cannot be read as Parquet: {said}",
            fix="Write or download it again.",
        ) from None
    if not names or not table.num_rows:
        raise DataError(f"{path} holds no rows with plain columns", "a text and a label column")
    values = [_strings(column) for column in columns]
    return tuple(names), list(zip(*values, strict=True)), list(range(1, table.num_rows + 1))


def _strings(column: list[Any]) -> list[str | None]:
    """Whole numbers that a missing value turned into floats lose their `.0` again."""
    whole = all(
        value is None or (isinstance(value, float) and (value != value or value.is_integer()))
        for value in column
    )
    gaps = any(value is None or value != value for value in column)
    return [_string(value, whole and gaps) for value in column]


def _string(value: Any, whole: bool) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime) and value.time() == dt.time.min:
        return value.date().isoformat()
    return str(int(value)) if whole else str(value)
