"""Which model comes closest where none meets a need, and how its miss is told."""

import numpy as np
import pytest
from report_fixture import make_report

from advisor.brief import Brief
from advisor.closest import Closest, closest, closest_words
from advisor.language import missing, translate
from advisor.limits import Missed, least_far, said
from advisor.recommend import recommend
from advisor.recommendation import Dropped, Failed, NearMiss, Recommendation
from advisor.report.plain import verdict
from advisor.result import Report
from advisor.rules import AT_LEAST, NAMES


def advice(*near: NearMiss, dropped: tuple[Dropped, ...] = ()) -> Recommendation:
    brief = Brief(task="image-classification")
    return Recommendation(brief=brief, considered=9, shortlist=(), near_misses=near, dropped=dropped)


def drop(model: str, *failed: tuple[str, float, float]) -> Dropped:
    return Dropped(model=model, because="too far off", failed=miss(model, *failed).failed)


def miss(model: str, *failed: tuple[str, float | str, float | str | None]) -> NearMiss:
    rows = tuple(Failed(constraint=name, limit=limit, value=value) for name, limit, value in failed)
    return NearMiss(model=model, failed=rows, admitted_if="something changes")


def test_one_miss_comes_before_two_a_number_before_an_unknown_and_the_smaller_factor_first() -> None:
    two = miss("two", ("size_mb", 20.0, 21.0), ("latency_ms", 10.0, 10.1))
    unknown = miss("unknown", ("latency_ms", 10.0, None))
    wide, narrow = miss("wide", ("size_mb", 20.0, 46.0)), miss("narrow", ("throughput_per_s", 30.0, 28.0))
    assert closest(advice(two, unknown, wide, narrow)) == Closest(
        "narrow", ("throughput: 28 answers per second, asked is at least 30",)
    )
    assert closest(advice(two, unknown, wide)) == Closest("wide", ("size: 46 MB, asked is at most 20",))
    assert closest(advice(two, unknown)) == Closest("unknown", ("latency: unknown, asked is at most 10",))
    assert closest(advice(two)) == Closest(
        "two", ("size: 21 MB, asked is at most 20", "latency: 10.1 ms, asked is at most 10")
    )


def test_a_licence_is_told_in_words() -> None:
    found = closest(advice(miss("x", ("licence", "permissive", "AGPL-3.0 (copyleft)"))))
    assert found == Closest("x", ("licence: AGPL-3.0 (copyleft), asked is permissive",))


def test_where_all_are_far_off_the_least_factor_counts() -> None:
    dropped = (
        drop("two", ("size_mb", 20.0, 21.0), ("latency_ms", 10.0, 12.0)),
        Dropped(model="task", because="task: made for a, asked is b"),
        drop("far", ("size_mb", 20.0, 900.0)),
        drop("nearer", ("size_mb", 20.0, 91.5)),
        drop("slow", ("throughput_per_s", 30.0, 2.0)),
    )
    assert closest(advice(dropped=dropped)) == Closest("nearer", ("size: 91.5 MB, asked is at most 20",))
    assert closest_words(advice(dropped=dropped)) == (
        "The closest is nearer, which misses a single requirement: size: 91.5 MB, asked is at most 20."
    )
    assert closest(advice(dropped=dropped[:2])) is None
    assert closest_words(advice(dropped=dropped[:2])) == ""


def limit(constraint: str, limit: float | str, values: list[float], words: list[str] | None = None) -> Missed:
    own = np.asarray(values)
    flags = np.asarray([bool(word) for word in words]) if words else ~(own <= float(limit))
    return Missed(constraint, limit, own, flags, words or ())


def test_the_least_far_misses_one_known_number() -> None:
    nothing = float("nan")
    size = limit("size_mb", 20.0, [90.0, 100.0, nothing, 10.0, 80.0])
    latency = limit("latency_ms", 10.0, [5.0, 5.0, 5.0, 500.0, 50.0])
    everyone = np.arange(5)
    assert least_far([size, latency], everyone) == 0, "4.5 times too large; the last misses two limits"
    assert least_far([size, latency], np.array([2, 4])) is None, "unknown, and two limits"
    assert least_far([size, latency], np.array([3, 1])) == 1
    licence = limit("licence", "permissive", [nothing] * 5, ["", "agpl", "agpl", "", ""])
    assert least_far([licence], everyone) is None
    assert least_far([licence, size], np.array([1])) is None
    assert least_far([], everyone) is None and least_far([size], np.array([], dtype=int)) is None


def test_advice_tells_the_number_of_the_dropped_model_that_comes_closest() -> None:
    brief = Brief.parse({"task": "image-classification", "constraints": {"size_mb": 0.05}})
    found = recommend(brief)
    told = [one for one in found.dropped if one.failed]
    assert not found.shortlist and len(told) == 1
    near = closest(found)
    assert near is not None and near.misses == (told[0].because,)
    sizes = [one.because for one in found.dropped if one.because.startswith("size: ")]
    least = min(
        float(because.split()[1]) for because in sizes if ";" not in because and "unknown" not in because
    )
    assert told[0].failed[0].value == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("constraint", NAMES)
def test_every_missed_number_is_worded_alike(constraint: str) -> None:
    asked, value = (30.0, 2.0) if constraint in AT_LEAST else (2.0, 1302.0)
    one = Missed(constraint, asked, np.array([value]), np.array([True]))
    (because,) = said([one], np.array([0]))
    assert closest(advice(dropped=(drop("x", (constraint, asked, value)),))) == Closest("x", (because,))
    near = closest(advice(miss("x", (constraint, asked, value))))
    assert near is not None and near.misses == (because,)


def only_baselines(found: Recommendation) -> Report:
    whole = make_report()
    rows = tuple(row for row in whole.probe.results if row.kind == "baseline")
    order = tuple(row.model for row in rows)
    decision = whole.decision.model_copy(
        update={"winner": order[0], "ranking": order, "tied_with": (), "p_best": {order[0]: 1.0}}
    )
    probe = whole.probe.model_copy(update={"results": rows})
    return whole.model_copy(update={"recommendation": found, "decision": decision, "probe": probe})


def test_the_verdict_names_it_where_only_baselines_could_be_tried() -> None:
    found = advice(miss("timm/x", ("size_mb", 20.0, 46.0)))
    text = verdict(only_baselines(found))
    assert text.startswith("Use ")
    assert text.endswith(
        "No pretrained model meets what you asked for. "
        "The closest is x, which misses a single requirement: size: 46 MB, asked is at most 20."
    )
    assert missing(text, "zh") == () and "最接近的是 x" in translate(text, "zh")
    assert verdict(only_baselines(advice())).endswith("No pretrained model meets what you asked for.")
    assert "closest" not in verdict(make_report(recommendation=found)), "pretrained models were tried"


def test_without_a_winner_it_is_named_too() -> None:
    whole = make_report()
    nobody = whole.decision.model_copy(update={"winner": None, "ranking": (), "p_best": {}})
    probe = whole.probe.model_copy(update={"results": ()})
    found = advice(miss("x", ("size_mb", 20.0, 46.0), ("latency_ms", 1.0, 2.0)))
    text = verdict(whole.model_copy(update={"decision": nobody, "probe": probe, "recommendation": found}))
    assert (
        "No model meets what you asked for. The closest is x, which misses 2 requirements: size: 46 MB"
        in text
    )
