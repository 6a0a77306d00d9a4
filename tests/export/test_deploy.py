"""The break-even is arithmetic over sourced prices; the note says what is unknown instead of guessing."""

from typing import Any

import pytest
from knowledge_fixture import make_knowledge
from report_fixture import LITE0, make_report

from advisor.brief import Brief
from advisor.export.deploy import break_even, deployment_note
from advisor.knowledge import load_knowledge
from advisor.result import Exported, ExportedOnnx, LatencyMeasured

TIMES = LatencyMeasured(p50=20, p95=30)
ONNX = ExportedOnnx(opset=18, max_difference=1e-6, checked=32, size_mb=9.0, latency_ms=TIMES)
MADE = Exported(model=LITE0, revision=None, form="timm", latency_ms=TIMES, onnx=ONNX)


@pytest.mark.parametrize("monthly", [0.5, 50.0, 400.0])
def test_at_the_break_even_both_cost_the_same(monthly: float) -> None:
    rows = break_even(monthly, Brief(task="text-classification"), load_knowledge())
    assert rows and [row.each for row in rows] == sorted(row.each for row in rows)
    for row in rows:
        assert row.each * row.requests == pytest.approx(monthly)
        assert row.source


def test_a_price_per_token_follows_the_length() -> None:
    known = load_knowledge()
    short, long = (
        {
            r.model: r.each
            for r in break_even(1.0, Brief(task="sentence-embedding", data={"tokens": n}), known)
        }
        for n in (100, 200)
    )
    small = known.model("openai/text-embedding-3-small")
    assert small.price_in is not None and small.price_out is None
    assert short[small.id] == pytest.approx(small.price_in.value * 100 / 1e6)
    assert long[small.id] == pytest.approx(2 * short[small.id])


def note(brief: dict[str, Any], made: Exported = MADE) -> str:
    known = load_knowledge()
    report = make_report(brief=Brief.parse(brief))
    row = next(r for r in report.probe.results if r.model == LITE0)
    return deployment_note(report, row, made, known.model(LITE0), known)


def test_a_rented_device_has_a_price_and_a_break_even() -> None:
    text = note(
        {"task": "text-classification", "constraints": {"device": "nvidia-t4", "requests_per_month": 1000}}
    )
    assert "CUDA" in text and "rented all month" in text
    assert "break-even, requests a month" in text and "At your 1\u202f000 requests a month" in text


def test_local_data_have_no_hosted_alternative() -> None:
    text = note({"task": "image-classification", "constraints": {"privacy": "local"}})
    assert "the data must not leave" in text and "| service |" not in text


def test_a_cost_of_nothing_is_not_compared() -> None:
    text = note({"task": "image-classification"})
    assert "Cannot be said" in text or "No hosted model" in text


def test_without_a_card_the_latency_elsewhere_is_unknown() -> None:
    report = make_report(
        brief=Brief.parse({"task": "image-classification", "constraints": {"device": "nvidia-t4"}})
    )
    text = deployment_note(report, report.probe.results[0], MADE, None, make_knowledge_with_t4())
    assert "unknown" in text and "Cost a month" not in text


def make_knowledge_with_t4() -> Any:
    known = make_knowledge()
    if any(device.id == "nvidia-t4" for device in known.devices):
        return known
    return load_knowledge()
