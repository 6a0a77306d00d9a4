from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_fixture import COLOUR, LITE0, LITE1, LITE2, MAJORITY, MOBILE, RESNET, make_report, result

from advisor.quantity import Quantity
from advisor.report.numbers import chance, count, milliseconds, percent, plural, quantity, seconds, size, span
from advisor.report.plain import advantages, behind, saves, verdict
from advisor.result import Decision, Expected, Metric, ModelResult, Report

REPORT = make_report()


def decided(winner: str | None, p: float = 0.84, tied: tuple[str, ...] = (), **changes: Any) -> Report:
    rows = [row.model for row in REPORT.probe.results if row.status == "ok" and row.model != winner]
    order = (winner, *rows) if winner else ()
    share = {model: (1 - p) / len(rows) for model in rows} | ({winner: p} if winner else {})
    decision = Decision(winner=winner, tied_with=tied, p_best=share if winner else {}, ranking=order)
    kept = tuple(r for r in REPORT.probe.results if r.status == "ok")
    probe = REPORT.probe.model_copy(update={"results": kept, **changes})
    return REPORT.model_copy(update={"decision": decision, "probe": probe})


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


def test_clear_winner() -> None:
    assert plain(verdict(decided(LITE2))) == (
        "Use tf_efficientnet_lite2. 84 % sure that it is the best of the five."
    )


def test_no_share_breaks_from_its_sign() -> None:
    assert "84\u202f% sure" in verdict(decided(LITE2))


def test_never_certain() -> None:
    assert "More than 99 % sure" in plain(verdict(decided(LITE2, 1.0)))


def test_a_tie_is_said_with_what_it_offers() -> None:
    assert plain(verdict(decided(LITE2, 0.62, (LITE0,)))) == (
        "Use tf_efficientnet_lite2. 62 % sure that it is the best of the five; "
        "tf_efficientnet_lite0 is practically equal, half the size and 2.2 times as fast."
    )


def test_many_ties() -> None:
    text = plain(verdict(decided(LITE2, 0.4, (LITE1, LITE0))))
    assert "Only 40 % sure" in text
    assert "tf_efficientnet_lite1 and tf_efficientnet_lite0 are practically equal" in text
    four = plain(verdict(decided(LITE2, 0.3, (LITE1, LITE0, COLOUR, MAJORITY))))
    assert "and one other are practically equal" in four


def test_what_would_have_to_catch_up_is_not_called_equal() -> None:
    report = decided(LITE2, 0.62, (LITE0, LITE1, COLOUR))
    late = Metric(value=0.5, low=0.42, high=0.58, n=150)
    rows = tuple(
        row.model_copy(update={"metrics": {**row.metrics, "accuracy": late}})
        if row.model in (LITE0, COLOUR) and row.metrics
        else row
        for row in report.probe.results
    )
    hoped = Expected(metric="accuracy", value=0.88, low=0.7, high=0.95, strategy="last-block")
    decision = report.decision.model_copy(update={"expected": dict.fromkeys((LITE0, COLOUR), hoped)})
    probe = report.probe.model_copy(update={"results": rows})
    report = report.model_copy(update={"probe": probe, "decision": decision})
    text = plain(verdict(report))
    assert behind(report) == (LITE0,)
    assert "tf_efficientnet_lite1 and " in text
    assert "are practically equal" in text
    assert text.endswith(
        "tf_efficientnet_lite0 scored lower here but may still draw level once trained on all your data."
    )
    hopeless = decision.model_copy(update={"expected": {LITE0: hoped.model_copy(update={"value": 0.5})}})
    assert not behind(report.model_copy(update={"decision": hopeless}))


def test_low_confidence_is_said_first() -> None:
    text = plain(verdict(decided(LITE2, 0.31)))
    assert text.startswith("Start with tf_efficientnet_lite2, but with low confidence: 31 % sure")
    assert "logreg, a baseline without deep learning, but" in verdict(decided(COLOUR, 0.31))


def test_a_winning_baseline_is_called_one_and_what_it_saves() -> None:
    text = plain(verdict(decided(COLOUR, 0.9)))
    assert text == (
        "Use colour-edges-logreg, a baseline without deep learning. 90 % sure that it is the best of the five, "
        "and against the best pretrained model it saves 24.2 MB of weights and 29.2 ms per request."
    )
    assert saves(decided(LITE2)) == ""


def test_when_guessing_wins_no_model_is_advised() -> None:
    assert verdict(decided(MAJORITY, 0.5)).startswith("Use none of these models yet")


def test_a_single_model_is_compared_with_nothing() -> None:
    only = REPORT.model_copy(
        update={
            "decision": Decision(winner=LITE2, p_best={LITE2: 1.0}, ranking=(LITE2,)),
            "probe": REPORT.probe.model_copy(update={"results": REPORT.probe.results[:1]}),
        }
    )
    assert verdict(only).startswith("Use tf_efficientnet_lite2, the only model that could be measured")
    assert "%" not in verdict(only)


def no_winner(rows: tuple[ModelResult, ...], **changes: Any) -> Report:
    probe = REPORT.probe.model_copy(update={"results": rows, **changes})
    return REPORT.model_copy(update={"decision": Decision(winner=None), "probe": probe})


def test_nothing_measured_says_why() -> None:
    failed = ModelResult(model=MOBILE, kind="weights", status="failed", because="Not found offline.")
    text = verdict(no_winner((failed,)))
    assert text.startswith(
        "No choice: one model tried, none could be measured. First reason: Not found offline."
    )
    assert "By published results alone, unmeasured, tf_efficientnet_lite2 comes first." in text


def test_nothing_probed() -> None:
    assert verdict(no_winner(())).startswith("No choice: nothing was probed.")
    bare = no_winner(())
    none = bare.recommendation.model_copy(update={"shortlist": ()})
    assert verdict(bare.model_copy(update={"recommendation": none})).endswith(
        "No model meets what you asked for. The closest is convnext_tiny, which misses a single requirement: "
        "latency: 63.2 ms, asked is at most 40."
    )
    unknown = none.model_copy(update={"considered": 0})
    assert verdict(bare.model_copy(update={"recommendation": unknown})).endswith(
        "No known model does this task."
    )


def test_cancelled() -> None:
    stopped = ModelResult(model=RESNET, kind="weights", status="stopped", because="Cancelled.")
    assert verdict(no_winner((stopped,), cancelled=True)).startswith("No choice yet: the probe was cancelled")
    early = decided(LITE2, cancelled=True)
    rows = (*early.probe.results, stopped)
    early = early.model_copy(update={"probe": early.probe.model_copy(update={"results": rows})})
    assert verdict(early).endswith("The probe was cancelled early: 5 of 6 models were measured.")


@given(st.text(min_size=1, max_size=80))
def test_a_verdict_is_one_line(name: str) -> None:
    row = result(LITE2).model_copy(update={"model": name})
    report = REPORT.model_copy(
        update={
            "decision": Decision(winner=name, p_best={name: 0.7, "b": 0.3}, ranking=(name, "b")),
            "probe": REPORT.probe.model_copy(update={"results": (row,)}),
        }
    )
    assert len(verdict(report).splitlines()) == 1


@pytest.mark.parametrize(
    ("big", "small", "says"),
    [
        (24.0, 12.0, "half the size"), (30.0, 10.0, "a third of the size"), (40, 10, "a quarter of the size"),
        (100.0, 60.0, "40 % smaller"), (300, 3, "100 times smaller"), (10, 9, ""), (10, 20, ""),
    ],
)  # fmt: skip
def test_size_in_words(big: float, small: float, says: str) -> None:
    assert advantages(result("a", size_mb=big), result("b", size_mb=small)) == says


@pytest.mark.parametrize(
    ("slow", "says"),
    [(3.14, "3.1 times as fast"), (12.3, "12 times as fast"), (66_758.6, "67\u202f000 times as fast")],
)
def test_speed_in_words(slow: float, says: str) -> None:
    said = advantages(result("a", size_mb=1.0, latency=slow), result("b", size_mb=1.0, latency=1.0))
    assert said == says


def test_numbers_as_read() -> None:
    shown = [
        percent(0.8421), chance(0.001), chance(0.5), milliseconds(0.0123), milliseconds(None), size(1234.5),
        size(0), size(None), seconds(3.21), seconds(600), seconds(None), count(123456), count(12.345), count(0.0),
        plural(1, "model"), plural(2, "near miss", "near misses"), plural(400, "model"),
    ]  # fmt: skip
    assert [plain(text) for text in shown] == [
        "84.2 %", "less than 1 %", "50 %", "0.012 ms", "–", "1.23 GB",
        "0 MB", "–", "3.2 s", "10.0 min", "–", "123 456", "12.3", "0",
        "one model", "two near misses", "400 models",
    ]  # fmt: skip


def test_quantities_as_read() -> None:
    ms = Quantity(value=63.25, low=40.0, high=1200.0, unit="ms", basis="estimated")
    share = Quantity(value=0.84, low=0.8, high=0.9, unit="", basis="published")
    assert [plain(text) for text in (quantity(ms), span(ms), quantity(share), span(share))] == [
        "63.2 ms", "40.0–1 200", "84 %", "80–90",
    ]  # fmt: skip
    assert quantity(Quantity.unknown("ms")) == "unknown" and span(Quantity.unknown("ms")) == ""
    assert span(Quantity.exact(3, "MB", "published")) == ""
