"""report.json: written whole or not at all, read back exactly."""

import json
from pathlib import Path

from pydantic import ValidationError

from advisor.errors import InputError
from advisor.files import write_atomically
from advisor.result import Exported, Report

__all__ = ["read_report", "report_json", "write_report"]


def report_json(report: Report) -> str:
    """Write a report as its JSON document.

    :param report: the report.
    :return: JSON with unrounded numbers; rows that were not measured have no `metrics`.
    """
    content = report.model_dump(mode="json", by_alias=True)
    for row in content["probe"]["results"]:
        if row["metrics"] is None:
            del row["metrics"]
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_report(report: Report, path: Path) -> None:
    """Write report.json so that a reader never meets half of it.

    :param report: the report.
    :param path: the file; an existing one is replaced.
    """
    write_atomically(path, report_json(report))


def read_report(path: Path) -> Report:
    """Read a report back.

    What was exported since stands in exported.json beside it and is shown with it.

    :param path: report.json, or the run folder that holds it.
    :return: the report.
    :raises InputError: if there is none, or it is not one of ours.
    """
    file = path / "report.json" if path.is_dir() else path
    try:
        report = Report.model_validate_json(file.read_text(encoding="utf-8"))
        return report.model_copy(update={"exported": report.exported or _exported(file.parent)})
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"The report {file} cannot be read: {reason}", "a run folder with a report.json"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(
            f"{file} is not a report: {place}: {first['msg']}", "a report.json of schema 1"
        ) from None


def _exported(folder: Path) -> Exported | None:
    try:
        return Exported.model_validate_json((folder / "exported.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
