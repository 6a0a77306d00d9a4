"""The first sheet of an Excel file as rows of strings."""

import datetime as dt
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

from advisor.dataset import limits
from advisor.dataset.tree import check_archive
from advisor.errors import DataError

__all__ = ["read_excel"]


def read_excel(path: Path, content: bytes) -> list[tuple[int, list[str | None]]]:
    """Read the first sheet.

    :param path: names the file in complaints.
    :param content: the file.
    :return: (sheet row, values) of each row that is not blank.
    :raises DataError: if it is no .xlsx file, exceeds the limits or has an empty first sheet.
    """
    from openpyxl import load_workbook

    again = "Save the sheet as .xlsx or CSV once more."
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_archive(archive, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            if not book.worksheets:
                raise DataError(f"{path} has no sheet with cells", fix=again)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            rows: list[tuple[int, list[str | None]]] = []
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                if number > limits.ROWS:
                    raise DataError(f"{path} holds more than {limits.ROWS:,} rows", fix="Give a sample.")
                values = [_string(cell) for cell in cells]
                if any(value and value.strip() for value in values):
                    rows.append((number, values))
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as an Excel file: {error}", "an unencrypted .xlsx", again
        ) from None
    if not rows:
        raise DataError(
            f"The first sheet of {path}, {sheet.title!r}, is empty",
            "the table on the first sheet",
            "Move it there.",
        )
    return rows


def _string(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime) and value.time() == dt.time.min:
        return value.date().isoformat()
    return str(value)
