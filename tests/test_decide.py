"""The decision: known answers, properties, and what it says."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from report_fixture import candidate

from advisor.brief import Brief
from advisor.decide import _saving, decide
from advisor.doubt import DOUBT, Doubt
from advisor.recommendation import Recommendation
from advisor.result import (
    CurvePoint,
    Decision,
    Evidence,
    LatencyMeasured,
    ModelResult,
    NamedMetric,
    ProbeResult,
    Waits,
)

Indices = NDArray[np.int64]
NOISE = 0.03
CERTAIN = Doubt(resampling=1.0, learning=0.0)
K = 4


def advice(metric: str = "accuracy", **limits: Any) -> Recommendation:
    brief = Brief.parse({"task": "image-classification", "metric": metric, "constraints": limits})
    return Recommendation(brief=brief, considered=0, shortlist=())


def point(value: float, examples: int, rung: str = "linear-probe") -> CurvePoint:
    named = NamedMetric(name="accuracy", value=value, low=max(0, value - 0.1), high=min(1, value + 0.1))
    return CurvePoint(rung=rung, examples=examples, epochs=1, seconds=1.0, metric=named)


def result(model: str, **more: Any) -> ModelResult:
    content: dict[str, Any] = {
        "kind": "baseline" if model.startswith("baseline/") else "weights",
        "status": "ok",
        "licence": "apache-2.0",
        "latency_ms": LatencyMeasured(p50=10.0, p95=20.0),
        "throughput_per_s": 100.0,
        "size_mb": 10.0,
        "curve": (point(0.7, 50), point(0.7, 100)),
        **more,
    }
    return ModelResult(model=model, **content)


def truth_of(n: int) -> Indices:
    return np.arange(n, dtype=np.int64) % K


def right_share(n: int, share: float, seed: int = 0) -> Indices:
    """Predictions of which about a share is right, the wrong ones scattered by the seed."""
    truth = truth_of(n)
    wrong = np.random.default_rng(seed).permutation(n)[: round(n * (1 - share))]
    predicted = truth.copy()
    predicted[wrong] = (predicted[wrong] + 1) % K
    return predicted


def judge(
    predictions: Mapping[str, Indices],
    *,
    standing: Mapping[str, tuple[float, float]] | None = None,
    rows: Sequence[ModelResult] = (),
    recommendation: Recommendation | None = None,
    available: int = 400,
    seed: int = 0,
    doubt: Doubt = CERTAIN,
    frozen: frozenset[str] = frozenset(),
) -> Decision:
    own = {row.model: row for row in rows}
    n = len(next(iter(predictions.values())))
    evidence = Evidence(
        labels=("a", "b", "c", "d"),
        truth=truth_of(n),
        predictions=dict(predictions),
        standing=dict(standing or {}),
        available=available,
        learnt=dict.fromkeys(predictions, 100),
        frozen=frozen,
    )
    unreached = [row for row in rows if row.model not in predictions]
    probe = ProbeResult(
        budget_s=60,
        elapsed_s=50,
        seed=0,
        machine={},
        versions={},
        results=(*(own.get(model, result(model)) for model in predictions), *unreached),
        evidence=evidence,
    )
    return decide(probe, recommendation or advice(), seed=seed, doubt=doubt)


def whole(model: str) -> ModelResult:
    """A model that was fine-tuned in full: nothing is left to hope for."""
    named = NamedMetric(name="accuracy", value=0.7, low=0.6, high=0.8)
    point = CurvePoint(rung="full", examples=100, epochs=1, seconds=1.0, metric=named)
    return result(model).model_copy(update={"curve": (point,)})


def test_a_model_that_was_not_reached_is_told_with_its_chance() -> None:
    waiting = ModelResult(model="late", kind="weights", status="stopped")
    standing = {"a": (0.0, 0.5), "b": (-0.5, 0.5), "late": (2.0, 0.5)}
    decision = judge(
        {"a": right_share(60, 0.8), "b": right_share(60, 0.7, 1)}, rows=[waiting], standing=standing
    )
    assert 0.5 < decision.unreached["late"] < 1
    assert set(decision.ranking) == set(decision.p_best) == {"a", "b"}
    assert sum(decision.p_best.values()) == pytest.approx(1)


def test_a_winner_that_lies_behind_as_probed_says_what_tuning_is_expected_to_add() -> None:
    base = result("baseline/words").model_copy(update={"kind": "baseline"})
    predictions = {"deep": right_share(300, 0.8), "baseline/words": right_share(300, 0.82, 1)}
    decision = judge(predictions, rows=[base])
    assert decision.winner == "deep"
    assert "As probed, deep still lies behind baseline/words" in decision.because
    done = judge(predictions, rows=[base, whole("deep")])
    assert done.winner == "baseline/words"
    assert "still lies behind" not in done.because


def width(decision: Decision, model: str) -> float:
    return decision.expected[model].high - decision.expected[model].low


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 99)), min_size=1, max_size=5), st.integers(3, 80))
@settings(max_examples=25, deadline=None)
def test_what_always_holds(shares: list[tuple[float, int]], n: int) -> None:
    predictions = {f"m{i}": right_share(n, share, seed) for i, (share, seed) in enumerate(shares)}
    for metric in ("accuracy", "macro_f1", "recall:b"):
        decision = judge(predictions, recommendation=advice(metric))
        assert sum(decision.p_best.values()) == pytest.approx(1, abs=1e-9)
        assert set(decision.p_best) == set(decision.ranking) == set(decision.expected) == set(predictions)
        assert decision.winner == decision.ranking[0]
        assert decision.winner not in decision.tied_with
        assert decision.because
        assert decision.next_steps
        for expected in decision.expected.values():
            assert 0 <= expected.low <= expected.value <= expected.high <= 1
            assert expected.metric == metric


def test_identical_predictions_share_and_tie() -> None:
    same = right_share(120, 0.8)
    decision = judge({"a": same, "b": same, "c": same})
    assert all(abs(p - 1 / 3) < NOISE for p in decision.p_best.values())
    assert set(decision.tied_with) | {decision.winner} == {"a", "b", "c"}
    assert "cannot be told apart" in decision.because


def test_a_clearly_better_model_wins_alone() -> None:
    decision = judge(
        {"weak": right_share(200, 0.5), "good": right_share(200, 0.9, 1), "poor": right_share(200, 0.4, 2)}
    )
    assert decision.winner == "good"
    assert decision.p_best["good"] > 0.95
    assert decision.tied_with == ()
    assert decision.ranking == ("good", "weak", "poor")


def test_one_wrong_example_of_twenty_is_chance() -> None:
    decision = judge({"a": right_share(20, 0.95), "b": right_share(20, 0.90)})
    assert decision.tied_with
    assert max(decision.p_best.values()) < 0.9
    assert any("examples to choose by" in risk for risk in decision.risks)


def test_paired_comparison_sees_what_separate_intervals_hide() -> None:
    """Ten more right of 300 on the same examples, and none more wrong: intervals overlap, the pair does not."""
    truth = truth_of(300)
    lower = right_share(300, 0.7)
    better = lower.copy()
    better[np.flatnonzero(lower != truth)[:10]] = truth[np.flatnonzero(lower != truth)[:10]]
    decision = judge({"lower": lower, "better": better}, rows=[whole("lower"), whole("better")])
    assert decision.expected["lower"].high > decision.expected["better"].low
    assert decision.p_best["better"] > 0.95


def test_the_prior_settles_equal_evidence() -> None:
    same = right_share(40, 0.8)
    standing = {"famous": (1.5, 0.2), "obscure": (-1.5, 0.2)}
    decision = judge({"obscure": same, "famous": same}, standing=standing)
    assert decision.winner == "famous"
    assert decision.p_best["famous"] > 0.5 + 2 * NOISE


def test_the_prior_cannot_overturn_strong_evidence() -> None:
    predictions = {"famous": right_share(300, 0.6), "obscure": right_share(300, 0.85, 1)}
    decision = judge(predictions, standing={"famous": (3.0, 0.05), "obscure": (-3.0, 0.05)})
    assert decision.winner == "obscure"
    assert decision.p_best["obscure"] > 0.95


def test_more_data_narrower() -> None:
    few, many = (
        judge(
            {"a": right_share(n, 0.8), "b": right_share(n, 0.7, 1)},
            available=100,
            rows=[whole("a"), whole("b")],
        )
        for n in (40, 640)
    )
    assert width(many, "a") < 0.5 * width(few, "a")
    assert many.p_best["a"] > few.p_best["a"]


def test_perfect_on_few_examples_is_not_certain() -> None:
    decision = judge({"a": truth_of(20), "b": right_share(20, 0.5)}, available=100)
    assert decision.expected["a"].low < 0.99


@given(st.permutations(["a", "b", "c", "d"]), st.integers(0, 5))
@settings(max_examples=10, deadline=None)
def test_order_of_models_does_not_matter(order: list[str], seed: int) -> None:
    shares = {"a": 0.8, "b": 0.78, "c": 0.7, "d": 0.81}
    predictions = {model: right_share(150, share, i) for i, (model, share) in enumerate(shares.items())}
    standing = {"a": (0.5, 0.3), "c": (-0.2, 1.0)}
    one = judge(predictions, standing=standing, seed=seed)
    other = judge({model: predictions[model] for model in order}, standing=standing, seed=seed)
    assert all(abs(one.p_best[model] - other.p_best[model]) < NOISE for model in order)


def test_same_seed_same_decision() -> None:
    predictions = {"a": right_share(60, 0.8), "b": right_share(60, 0.75, 1)}
    assert judge(predictions, seed=4) == judge(predictions, seed=4)


@pytest.mark.parametrize(
    ("limits", "row", "said"),
    [
        (
            {"latency_ms": 50},
            {"latency_ms": LatencyMeasured(p50=40, p95=80)},
            "answered in 80 ms where 50 ms",
        ),
        ({"size_mb": 100}, {"size_mb": 300.0}, "is 300 MB where 100 MB"),
        ({"throughput_per_s": 20}, {"throughput_per_s": 5.0}, "answered 5 requests a second where 20"),
    ],
)
def test_a_model_over_a_measured_limit_cannot_win(
    limits: dict[str, float], row: dict[str, Any], said: str
) -> None:
    predictions = {
        "big": right_share(200, 0.95),
        "small": right_share(200, 0.8, 1),
        "tiny": right_share(200, 0.6, 2),
    }
    decision = judge(predictions, rows=[result("big", **row)], recommendation=advice(**limits))
    assert decision.winner == "small"
    assert decision.ranking == ("small", "tiny", "big")
    assert "big" in decision.p_best
    assert f"big {said}" in decision.because
    assert "best of the 2 that keep your limits with probability 1.00" in decision.because


def test_another_devices_latency_is_not_measured_here() -> None:
    predictions = {"big": right_share(200, 0.95), "small": right_share(200, 0.8, 1)}
    slow = result("big", latency_ms=LatencyMeasured(p50=400, p95=800))
    decision = judge(predictions, rows=[slow], recommendation=advice(latency_ms=50, device="nvidia-t4"))
    assert decision.winner == "big"


def test_nobody_keeps_the_limits() -> None:
    decision = judge({"a": right_share(50, 0.9)}, recommendation=advice(latency_ms=1))
    assert decision.winner is None
    assert decision.tied_with == ()
    assert decision.ranking == ("a",)
    assert "No probed model keeps the limits" in decision.because
    assert decision.next_steps


def test_a_baseline_that_wins_says_what_it_saves() -> None:
    predictions = {"baseline/tfidf-logreg": right_share(200, 0.9), "deep/net": right_share(200, 0.6, 1)}
    rows = [result("baseline/tfidf-logreg", size_mb=0.5), result("deep/net", size_mb=90.0)]
    decision = judge(predictions, rows=rows)
    assert decision.winner == "baseline/tfidf-logreg"
    assert "A deep model is not worth it" in decision.because
    assert "deep/net" in decision.because
    assert "90.0 MB" in decision.because
    assert decision.expected["baseline/tfidf-logreg"].strategy == "from-scratch"


def test_a_deep_model_that_may_be_better_than_the_baseline_that_wins_is_not_called_lower() -> None:
    means = {"baseline/words": 0.80, "deep/below": 0.79, "deep/above": 0.82, "deep/level": 0.8001}
    found: Any = SimpleNamespace(interval=lambda model: (means[model], 0.7, 0.9))
    rows = {model: result(model) for model in means}
    below, above, level = (_saving("baseline/words", rival, found, rows) for rival in list(means)[1:])
    assert "not worth it here" in below and "1.0 points lower" in below
    assert "2.0 points higher, not surely so" in above and "not worth it" not in above
    assert "expected to be as good" in level


def test_a_deep_winner_says_by_how_much() -> None:
    decision = judge({"baseline/majority": right_share(200, 0.3), "deep/net": right_share(200, 0.9, 1)})
    assert decision.winner == "deep/net"
    assert "beats the best baseline, baseline/majority" in decision.because


def test_a_tied_baseline_may_be_enough() -> None:
    same = right_share(60, 0.8)
    decision = judge({"baseline/colour": same, "deep/net": same}, standing={"deep/net": (2.0, 0.1)})
    if decision.winner == "deep/net":
        assert "may be enough" in decision.because
    assert decision.tied_with


def test_without_any_ok_there_is_no_winner() -> None:
    rows = (
        ModelResult(model="a", kind="weights", status="failed", because="broken"),
        ModelResult(model="b", kind="weights", status="stopped", because="late"),
    )
    probe = ProbeResult(budget_s=9, elapsed_s=9, seed=0, machine={}, versions={}, results=rows)
    decision = decide(probe, advice())
    assert decision.winner is None
    assert (decision.p_best, decision.ranking, decision.expected) == ({}, (), {})
    assert decision.because
    assert decision.next_steps


def test_failed_and_stopped_models_are_named_next() -> None:
    rows = [
        ModelResult(model="broken", kind="weights", status="failed", because="x"),
        ModelResult(model="late", kind="weights", status="stopped", because="x"),
    ]
    decision = judge({"a": right_share(60, 0.8)}, rows=rows)
    assert set(decision.p_best) == {"a"}
    text = " ".join(decision.next_steps)
    assert "broken" in text
    assert "late" in text


@pytest.mark.parametrize(("model", "frozen"), [("a", False), ("a", True), ("baseline/words", False)])
def test_only_what_can_be_tuned_is_to_be_fine_tuned(model: str, frozen: bool) -> None:
    steps = " ".join(judge({model: truth_of(400)}, frozen=frozenset({model} if frozen else ())).next_steps)
    tunable = model == "a" and not frozen
    assert (f"Fine-tune {model}" in steps, f"Train {model}" in steps) == (tunable, not tunable)


def test_tie_names_the_smallest() -> None:
    same = right_share(60, 0.8)
    rows = [result("huge", size_mb=900.0), result("little", size_mb=5.0)]
    standing = {"huge": (2.0, 0.05), "little": (-2.0, 0.05)}
    decision = judge({"huge": same, "little": same}, rows=rows, standing=standing)
    assert decision.winner == "huge"
    assert decision.tied_with == ("little",)
    assert any("take little" in step for step in decision.next_steps)


def test_a_model_that_ties_by_what_tuning_may_add_is_not_offered_for_its_size() -> None:
    rows = [whole("big").model_copy(update={"size_mb": 900.0}), result("small", size_mb=5.0)]
    decision = judge({"big": right_share(200, 0.85), "small": right_share(200, 0.78, 1)}, rows=rows)
    assert decision.winner == "big" and decision.tied_with == ("small",)
    assert not any("smallest" in step for step in decision.next_steps)


def test_an_unknown_size_is_not_the_smallest() -> None:
    same = right_share(60, 0.8)
    rows = [result("huge", size_mb=900.0), result("untold", size_mb=None)]
    standing = {"huge": (2.0, 0.05), "untold": (-2.0, 0.05)}
    decision = judge({"huge": same, "untold": same}, rows=rows, standing=standing)
    assert decision.tied_with == ("untold",)
    assert not any("smallest" in step for step in decision.next_steps)


def test_where_only_baselines_were_measured_that_is_said() -> None:
    decision = judge({"baseline/a": right_share(60, 0.9), "baseline/majority": right_share(60, 0.25, 1)})
    assert decision.winner == "baseline/a"
    assert "No pretrained model was measured" in decision.because
    assert "beats the best baseline" not in decision.because


def test_growth_is_expected_only_where_data_are_left() -> None:
    rising = result("a", curve=(point(0.6, 25), point(0.7, 50), point(0.8, 100)))
    flat = result("a", curve=(point(0.8, 25), point(0.8, 50), point(0.8, 100)))
    predictions = {"a": right_share(400, 0.8), "baseline/majority": right_share(400, 0.25, 1)}

    def expected(row: ModelResult, available: int) -> tuple[float, float]:
        one = judge(predictions, rows=[row], available=available).expected["a"]
        return one.value, one.high

    assert expected(rising, 10_000)[0] > expected(rising, 100)[0] + 0.05
    assert expected(rising, 10_000)[0] > expected(flat, 10_000)[0]
    assert expected(flat, 100)[0] == pytest.approx(0.8, abs=0.05)
    assert "More training data should help" in " ".join(judge(predictions, rows=[rising]).next_steps)


def test_rare_classes_and_unknown_licences_are_risks() -> None:
    decision = judge({"a": right_share(12, 0.8)}, rows=[result("a", licence=None)])
    text = " ".join(decision.risks)
    assert "licence of a" in text
    assert "4 classes have fewer than 5" in text


def test_one_rare_class_is_told_as_one() -> None:
    predicted = np.array([0, 1, 2] * 8 + [3] * 2, dtype=np.int64)
    evidence = Evidence(
        labels=("a", "b", "c", "d"), truth=predicted, predictions={"a": predicted}, standing={}, available=40,
        learnt={"a": 20},
    )  # fmt: skip
    probe = ProbeResult(
        budget_s=60, elapsed_s=50, seed=0, machine={}, versions={}, results=(result("a"),), evidence=evidence
    )
    assert "One class, 'd', has fewer than 5 examples to choose by." in decide(probe, advice()).risks


def test_evidence_knows_nothing_of_the_report_split() -> None:
    assert not any("report" in name for name in Evidence.__dataclass_fields__)


def test_a_thousand_classes_and_examples_stay_fast() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 1000, 1000)
    evidence = Evidence(
        labels=tuple(f"c{i}" for i in range(1000)),
        truth=truth,
        predictions={f"m{i}": np.where(rng.random(1000) < 0.7, truth, 0) for i in range(2)},
        standing={},
        available=1000,
        learnt={"m0": 500, "m1": 500},
    )
    probe = ProbeResult(
        budget_s=60, elapsed_s=50, seed=0, machine={}, versions={},
        results=(result("m0"), result("m1")), evidence=evidence,
    )  # fmt: skip
    decision = decide(probe, advice("macro_f1"))
    assert sum(decision.p_best.values()) == pytest.approx(1)


def test_the_class_that_is_missed_most_is_named_next() -> None:
    truth = truth_of(120)
    predicted = truth.copy()
    predicted[np.flatnonzero(truth == 1)[:20]] = 2
    even = right_share(120, 0.8)
    steps = " ".join(judge({"a": predicted}).next_steps)
    assert "more examples of 'b'" in steps
    assert "67% of them" in steps
    assert "100% of all errors of a" in steps
    assert "more examples of" not in " ".join(judge({"a": even}).next_steps)


def test_the_rung_that_promises_most_for_the_seconds_it_lacks_is_named_next() -> None:
    predictions = {"a": right_share(120, 0.8), "b": right_share(120, 0.79, 1)}
    dear = result("a", waits=Waits(rung="longer", seconds=200.0, left=20.0, gain=0.010))
    cheap = result("b", waits=Waits(rung="last-block", seconds=55.0, left=20.0, gain=0.004))
    steps = judge(predictions, rows=[dear, cheap]).next_steps
    assert steps[0] == (
        "Give it about 41 s more, a budget of 110 s: last-block of b had no time and is expected to raise the best "
        "score by 0.4 points."
    )
    assert "longer of a" in judge(predictions, rows=[dear]).next_steps[0]
    assert "s more" not in " ".join(judge(predictions).next_steps)


def test_where_tuning_lost_frozen_features_are_expected() -> None:
    need = advice().model_copy(update={"shortlist": (candidate("a", 1, 0.8, 10.0, 10.0, [0.5] * 6),)})
    predictions = {"a": right_share(120, 0.8)}
    tried = (point(0.8, 100), point(0.7, 100, "last-block"))
    lost = result("a", strategy="frozen", curve=tried)

    def strategy(row: ModelResult, available: int = 200) -> str:
        found = judge(predictions, rows=[row], recommendation=need, available=available)
        return found.expected["a"].strategy

    assert strategy(lost) == "frozen"
    assert strategy(lost, available=10_000) == "last-block", "far more examples may turn it round"
    assert strategy(result("a", strategy="last-block", curve=tried)) == "last-block"
    assert strategy(result("a", strategy="frozen")) == "last-block", "nobody tried"


def test_regret_is_told_where_models_tie_and_small_where_one_is_ahead() -> None:
    tie = judge({"a": right_share(60, 0.8), "b": right_share(60, 0.78, 1)})
    clear = judge({"a": right_share(300, 0.95), "b": right_share(300, 0.5, 1)})
    assert tie.regret is not None
    assert clear.regret is not None
    assert tie.regret > 10 * clear.regret >= 0
    assert "is expected to lose" in tie.because
    assert judge({"a": right_share(50, 0.9)}, recommendation=advice(latency_ms=1)).regret is None


def test_the_fitted_doubt_makes_a_lead_on_few_examples_less_sure() -> None:
    predictions = {"a": right_share(100, 0.85), "b": right_share(100, 0.75, 1)}
    sure, unsure = (judge(predictions, doubt=doubt).p_best["a"] for doubt in (CERTAIN, DOUBT))
    assert 0.5 < unsure < sure - 0.02
