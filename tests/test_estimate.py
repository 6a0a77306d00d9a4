import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_fixture import card, fact, image, make_knowledge, text

from advisor.brief import Brief
from advisor.estimate import estimate, monthly_cost, train_minutes
from advisor.hardware import this_machine
from advisor.knowledge import Device, Fact, Knowledge, Latency
from advisor.measured import Measured, read_measured, record_measured
from advisor.roofline import default_regime, load_regimes, speed_of
from advisor.workload import NEW_TOKENS, amount, size_of, workload

KNOWLEDGE = make_knowledge()
LAPTOP = KNOWLEDGE.device("laptop")
L4 = KNOWLEDGE.device("nvidia-l4")


def test_what_was_measured_here_is_trusted_most() -> None:
    here = {"res/50": Measured(p50_ms=30.0, p95_ms=36.0, memory_mb=250.0)}
    machine = this_machine({"CUDA_VISIBLE_DEVICES": ""})
    found = estimate(KNOWLEDGE.model("res/50"), machine, KNOWLEDGE, measured=here)
    assert (found.latency_ms.value, found.latency_ms.basis) == (36.0, "measured")
    assert (found.memory_mb.value, found.memory_mb.basis) == (250.0, "measured")
    elsewhere = estimate(KNOWLEDGE.model("res/50"), LAPTOP, KNOWLEDGE, measured=here)
    assert elsewhere.latency_ms.basis == "published"


def test_a_published_figure_stands_as_it_was_published() -> None:
    found = estimate(KNOWLEDGE.model("res/50"), LAPTOP, KNOWLEDGE)
    assert (found.latency_ms.value, found.latency_ms.basis) == (41.3, "published")
    assert found.throughput_per_s.value == pytest.approx(1000 / 41.3)
    assert "s (pytorch, fp32, batch 1" in found.latency_ms.source


def test_a_figure_of_another_device_of_the_kind_is_scaled() -> None:
    found = estimate(KNOWLEDGE.model("res/50"), KNOWLEDGE.device("server"), KNOWLEDGE)
    assert found.latency_ms.basis == "scaled" and "Laptop" in found.latency_ms.source
    assert found.latency_ms.value is not None and 41.3 / 2.2 < found.latency_ms.value < 41.3


def test_a_large_batchs_figure_tells_the_compute_not_the_latency() -> None:
    found = estimate(KNOWLEDGE.model("vit/base"), L4, KNOWLEDGE)
    assert found.latency_ms.basis == "scaled"
    assert found.latency_ms.value is not None and 1.0 < found.latency_ms.value < 64.0
    batch = estimate(KNOWLEDGE.model("vit/base"), L4, KNOWLEDGE, batch=64)
    assert (batch.latency_ms.value, batch.latency_ms.basis) == (64.0, "published")
    assert batch.throughput_per_s.value == pytest.approx(1000.0)


def test_without_figures_a_roofline_says_what_it_rests_on() -> None:
    found = estimate(KNOWLEDGE.model("res/101"), LAPTOP, KNOWLEDGE)
    assert found.latency_ms.basis == "estimated" and "roofline" in found.latency_ms.source
    assert found.latency_ms.value is not None and found.latency_ms.low is not None
    assert found.latency_ms.low < found.latency_ms.value


def test_figures_of_another_kind_of_device_are_not_scaled() -> None:
    found = estimate(KNOWLEDGE.model("res/50"), KNOWLEDGE.device("raspberry-pi-5"), KNOWLEDGE)
    assert found.latency_ms.basis == "estimated"


def test_nothing_known_is_unknown_not_zero() -> None:
    found = estimate(KNOWLEDGE.model("dark/net"), LAPTOP, KNOWLEDGE)
    for quantity in (found.latency_ms, found.throughput_per_s, found.memory_mb, found.size_mb):
        assert quantity.basis == "unknown" and quantity.value is None
    riddle = estimate(KNOWLEDGE.model("res/50"), KNOWLEDGE.device("riddle"), KNOWLEDGE)
    assert riddle.latency_ms.basis == "unknown" and "Riddle" in riddle.latency_ms.source
    assert riddle.memory_mb.value is not None


def test_hosted_models_have_no_figures_of_ones_own_machine() -> None:
    found = estimate(KNOWLEDGE.model("hosted/gpt"), LAPTOP, KNOWLEDGE)
    assert found.latency_ms.basis == "unknown" and "hosted" in found.latency_ms.source


def test_baselines_are_small_and_quick() -> None:
    found = estimate(KNOWLEDGE.model("baseline/tfidf-logreg"), LAPTOP, KNOWLEDGE)
    assert found.latency_ms.value is not None and found.latency_ms.value < 20
    assert found.size_mb.value is not None and found.size_mb.value < 100


def test_fits_of_a_published_table_are_met() -> None:
    """The timm table's i7-12700H takes 62.5 ms (median) for models of 4 to 16 GMACs, median about 16 GFLOPs."""
    found = estimate(image("some/net", 50e6, 16.0), LAPTOP, KNOWLEDGE)
    assert found.latency_ms.low is not None and found.latency_ms.high is not None
    assert found.latency_ms.low < 62.5 < found.latency_ms.high


@given(
    st.floats(1e5, 1e10), st.floats(0.01, 1e3), st.sampled_from(KNOWLEDGE.devices[:4]), st.integers(1, 256)
)
def test_more_work_never_takes_less_time(
    parameters: float, gflops: float, device: Device, batch: int
) -> None:
    small = estimate(image("a/a", parameters, gflops), device, KNOWLEDGE, batch=batch)
    large = estimate(image("a/b", parameters * 2, gflops * 2), device, KNOWLEDGE, batch=batch)
    more = estimate(image("a/a", parameters, gflops), device, KNOWLEDGE, batch=batch + 1)
    for one, other in ((small, large), (small, more)):
        assert one.latency_ms.value is not None and other.latency_ms.value is not None
        assert one.latency_ms.value <= other.latency_ms.value
        assert one.memory_mb.value is not None and other.memory_mb.value is not None
        assert one.memory_mb.value <= other.memory_mb.value


@given(st.integers(1, 512), st.integers(1, 512))
def test_longer_texts_take_longer_up_to_the_models_window(one: int, other: int) -> None:
    bert = KNOWLEDGE.model("minilm/l6")
    short, long = (
        estimate(bert, LAPTOP, KNOWLEDGE, tokens=tokens).latency_ms.value for tokens in sorted((one, other))
    )
    assert short is not None and long is not None and short <= long
    if min(one, other) >= 256:
        assert short == long


def test_a_generating_model_pays_for_each_new_token() -> None:
    writer = card("gpt/small", "text-generation", 124e6, library="transformers")
    work = workload(writer, "text", 128)
    assert work.steps == NEW_TOKENS and work.step_flops == pytest.approx(2 * 124e6)


def test_shared_layers_work_more_than_once() -> None:
    albert = text("albert/albert-base-v2", 11.7e6, ["en"], embedding_parameters=fact(3.9e6))
    plain = text("other/base-v2", 11.7e6, ["en"], embedding_parameters=fact(3.9e6))
    ratio = (workload(albert, "text").flops or 0) / (workload(plain, "text").flops or 1)
    assert ratio == pytest.approx(12)


@pytest.mark.parametrize(
    ("task", "modality"),
    [("speech-recognition", "audio"), ("time-series-forecasting", "time-series"), ("text-to-image", "multimodal"),
     ("object-detection", "image")],
)  # fmt: skip
def test_parameters_alone_give_a_wide_estimate(task: str, modality: str) -> None:
    work = workload(card("a/b", task, 50e6), modality)  # type: ignore[arg-type]
    assert work.flops is not None and work.spread[1] / work.spread[0] > 4 and work.method


def test_units_are_read() -> None:
    assert amount(Fact(value=4.1, unit="GMACs", source="s")) == pytest.approx(8.2e9)
    assert amount(Fact(value=110, unit="M", source="s")) == pytest.approx(110e6)
    assert amount(Fact(value=97.8, unit="MB", source="s")) == 97.8
    assert amount(None) is None


def test_size_is_published_or_follows_from_the_parameters() -> None:
    assert size_of(card("a/b", "t", 1e6, size_mb=fact(7.5, "MB"))) == (7.5, 7.5, 7.5, True)
    size = size_of(card("a/b", "t", 1e6))
    assert size is not None and size[0] == pytest.approx(4.0) and not size[3]
    assert size_of(card("a/b", "t")) is None


def test_an_exact_figure_prefers_plain_precision() -> None:
    rows = (
        Latency(model="res/101", device="laptop", ms=20, precision="int8", source="s"),
        Latency(model="res/101", device="laptop", ms=70, precision="fp32", source="s"),
        Latency(model="dark/net", device="laptop", ms=10, source="s"),
    )
    knowledge = KNOWLEDGE.model_copy(update={"latencies": rows})
    knowledge = Knowledge(**{name: getattr(knowledge, name) for name in Knowledge.model_fields})
    assert estimate(knowledge.model("res/101"), LAPTOP, knowledge).latency_ms.value == 70
    unknown_work = estimate(knowledge.model("dark/net"), knowledge.device("server"), knowledge)
    assert unknown_work.latency_ms.basis == "scaled"
    assert unknown_work.latency_ms.value is not None and 4 < unknown_work.latency_ms.value < 10


def speed(**device: Any) -> float | None:
    made = Device(id="a", name="a", **device)
    return speed_of(made, load_regimes()[default_regime(made)])


def test_speed_falls_back_to_cores_and_rises_with_the_peak() -> None:
    assert speed(kind="cpu", cores=4) == speed(kind="cpu", cores=4, tflops={"fp32": 4 * 0.048})
    slow, fast = (speed(kind="npu", tflops={"int8": tops}) for tops in (26, 52))
    assert slow is not None and fast is not None and slow < fast
    assert speed(kind="gpu") is None


def test_heavier_strategies_take_longer() -> None:
    res = KNOWLEDGE.model("res/50")
    minutes = [
        train_minutes(res, LAPTOP, strategy, 1000, 10, modality="image").value
        for strategy in ("zero-shot", "frozen", "last-block", "lora", "full")
    ]
    assert minutes[0] == 0 and None not in minutes
    assert minutes == sorted(minutes)  # type: ignore[type-var]
    more = train_minutes(res, LAPTOP, "full", 2000, 10, modality="image").value
    assert more is not None and minutes[-1] is not None and more > minutes[-1]


def test_training_that_cannot_be_foreseen_is_unknown() -> None:
    assert train_minutes(KNOWLEDGE.model("dark/net"), LAPTOP, "full", 10).basis == "unknown"
    assert train_minutes(KNOWLEDGE.model("res/50"), KNOWLEDGE.device("riddle"), "full", 10).basis == "unknown"
    assert train_minutes(KNOWLEDGE.model("hosted/gpt"), LAPTOP, "full", 10).basis == "unknown"
    forest = train_minutes(KNOWLEDGE.model("forest/hog"), LAPTOP, "from-scratch", 1000)
    assert forest.value is not None and forest.value < 1


def asked(**constraints: float) -> Brief:
    return Brief.parse({"task": "text-classification", "data": {"tokens": 200}, "constraints": constraints})


def test_hosted_models_cost_by_use() -> None:
    hosted = KNOWLEDGE.model("hosted/gpt")
    assert monthly_cost(hosted, LAPTOP, asked()).basis == "unknown"
    cost = monthly_cost(hosted, LAPTOP, asked(requests_per_month=100_000))
    assert cost.value == pytest.approx(100_000 * (200 * 1.0 + 20 * 4.0) / 1e6)
    free = card("a/b", "text-classification", kind="api")
    assert monthly_cost(free, LAPTOP, asked(requests_per_month=1)).basis == "unknown"
    drawn = card("a/b", "text-to-image", kind="api", price_out=fact(0.04, "USD per image"))
    assert monthly_cost(drawn, LAPTOP, asked(requests_per_month=100)).value == pytest.approx(4.0)
    spoken = card("a/b", "text-to-speech", kind="api", price_in=fact(15, "USD per 1M characters"))
    assert monthly_cost(spoken, LAPTOP, asked(requests_per_month=1000)).value == pytest.approx(12.0)


def test_rented_devices_cost_by_the_hour_and_ones_own_its_electricity() -> None:
    res = KNOWLEDGE.model("res/50")
    assert monthly_cost(res, L4, asked()).value == pytest.approx(0.8 * 730)
    busy = monthly_cost(res, L4, asked(requests_per_month=1e8), latency_ms=50.0)
    assert busy.value is not None and busy.value == pytest.approx(0.8 * 730 * 3)
    own = monthly_cost(res, LAPTOP, asked())
    assert own.value == pytest.approx(0.045 * 730 * 0.2)
    bare = monthly_cost(res, Device(id="a", name="a", kind="cpu"), asked())
    assert bare.value == 0 and bare.high is not None and bare.high > 0


def test_measured_figures_are_kept_and_the_latest_stands(tmp_path: Path) -> None:
    assert read_measured(tmp_path) == {}
    record_measured(tmp_path, {"a": Measured(1.0, 2.0)})
    record_measured(tmp_path, {"a": Measured(3.0, 4.0, 50.0), "b": Measured(1.0, 1.0)})
    assert read_measured(tmp_path) == {"a": Measured(3.0, 4.0, 50.0), "b": Measured(1.0, 1.0)}


@pytest.mark.parametrize(
    "row", [5, {"p50_ms": "x", "p95_ms": 1}, {"p50_ms": 3, "p95_ms": 1}, {"p50_ms": 0, "p95_ms": 1}]
)
def test_senseless_figures_are_left_out(row: object, tmp_path: Path) -> None:
    content = {"bad": row, "good": {"p50_ms": 1, "p95_ms": 2}}
    (tmp_path / "measured.json").write_text(json.dumps(content), encoding="utf-8")
    assert list(read_measured(tmp_path)) == ["good"]
    (tmp_path / "measured.json").write_text("{", encoding="utf-8")
    assert read_measured(tmp_path) == {}
