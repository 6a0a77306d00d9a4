"""The JSON schema of report.json, made from the typed result, so that others can read reports by machine."""

import json
from typing import Any

from advisor.result import Report

__all__ = ["report_schema", "schema_json"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """Describe report.json.

    :return: a JSON schema of draft 2020-12; `metrics` is absent where a model was not measured.
    """
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    rows = schema["$defs"]["ModelResult"]
    rows["required"] = [name for name in rows["required"] if name != "metrics"]
    schema["required"] = [name for name in schema["required"] if name not in ("exported", "checks")]
    return {
        "$schema": DIALECT,
        "title": "report.json, schema 1",
        **{k: v for k, v in schema.items() if k != "title"},
    }


def schema_json() -> str:
    """Write the schema as it is published in docs/report.schema.json."""
    return json.dumps(report_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(schema_json(), end="")
