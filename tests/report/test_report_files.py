"""PDF, CSV and schema: what a reader, a spreadsheet and another program get."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pypdfium2
import pytest
from report_fixture import make_report

from advisor.report import render, render_bytes, verdict
from advisor.report.schema import report_schema, schema_json
from advisor.result import Exported, ExportedOnnx, LatencyMeasured, Report

CLASSES = {"发货延迟": 120, "退款 & <b>": 80, "#set text(red)": 40}
SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def chinese_report() -> Report:
    report = make_report()
    assert report.dataset is not None
    dataset = report.dataset.model_copy(update={"classes": CLASSES, "name": "工单.csv"})
    return report.model_copy(update={"dataset": dataset})


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_bytes(chinese_report(), "pdf")


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def plain(text: str) -> str:
    return re.sub(r"[\s\u200b\u00ad\ufffe\u2010-]+", "", text)


def test_the_pdf_says_what_the_report_says(pdf: bytes) -> None:
    found = plain(text_of(pdf))
    assert plain(verdict(chinese_report())) in found
    assert "工单.csv" in found
    for heading in ("Whatwasaskedfor", "Whatwasmeasured", "Howtorepeatthis"):
        assert heading in found


def test_chinese_is_set_in_the_embedded_font_and_markup_is_text(pdf: bytes) -> None:
    found = plain(text_of(pdf))
    assert "发货延迟" in found and "#settext(red)" in found and "退款&<b>" in found
    assert b"NotoSansSC" in pdf
    assert len(pdf) < 2_000_000, "only the used glyphs are embedded"


def test_no_page_is_empty_or_cut(pdf: bytes) -> None:
    """Every page has ink, and none of it in the outermost five millimetres."""
    import numpy as np

    for page in pypdfium2.PdfDocument(pdf):
        pixels = np.asarray(page.render(scale=0.6).to_pil().convert("L"))
        edge = round(5 / 25.4 * 72 * 0.6)
        inner = pixels[edge:-edge, edge:-edge]
        assert (inner < 200).sum() > 100
        assert (pixels < 200).sum() == (inner < 200).sum()


def test_the_same_report_gives_the_same_pdf(pdf: bytes) -> None:
    assert render_bytes(chinese_report(), "pdf") == pdf


def test_the_schema_is_published_as_it_is() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_json(), (
        "write it anew: python -m advisor.report.schema"
    )
    jsonschema.Draft202012Validator.check_schema(report_schema())


ONNX = ExportedOnnx(
    opset=18, max_difference=2e-6, checked=32, size_mb=9.0, latency_ms=LatencyMeasured(p50=1, p95=2)
)
EXPORTED = Exported(
    model="a/b", revision=None, form="timm", latency_ms=LatencyMeasured(p50=3, p95=4), onnx=ONNX
)


@pytest.mark.parametrize(
    "changes", [{}, {"exported": EXPORTED}, {"dataset": None}], ids=["plain", "out", "bare"]
)
def test_every_report_keeps_the_schema(changes: dict[str, Any]) -> None:
    content = json.loads(render(make_report(**changes), "json"))
    jsonschema.Draft202012Validator(report_schema()).validate(content)
    content["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(report_schema()).validate(content)


def test_the_csv_holds_every_metric_unrounded() -> None:
    report = make_report()
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    expected = {
        (r.model, name): found.value
        for r in report.probe.results
        if r.metrics
        for name, found in r.metrics.items()
    }
    assert {(r["model"], r["metric"]): float(r["value"]) for r in rows if r["metric"]} == expected
    assert {r["model"] for r in rows} == {r.model for r in report.probe.results}


@pytest.mark.parametrize("text", ["=1+1", "@cmd", "-2", "+3"])
def test_a_spreadsheet_computes_nothing_of_the_users(text: str) -> None:
    report = make_report()
    first = report.probe.results[0].model_copy(update={"because": text})
    probe = report.probe.model_copy(update={"results": (first, *report.probe.results[1:])})
    rows = list(csv.DictReader(io.StringIO(render(report.model_copy(update={"probe": probe}), "csv"))))
    assert rows and f"'{text}" in {r["because"] for r in rows}
