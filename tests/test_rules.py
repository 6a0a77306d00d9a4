import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_fixture import card, make_knowledge, text

from advisor.brief import Brief
from advisor.counterfactual import near_miss, ratio
from advisor.knowledge import Device, ModelCard
from advisor.quantity import Quantity
from advisor.recommendation import Estimates, Failed
from advisor.rules import check, excluded, loosened, misses

KNOWLEDGE = make_knowledge()
LAPTOP = KNOWLEDGE.device("laptop")


def brief(
    task: str = "image-classification", data: dict[str, object] | None = None, **limits: object
) -> Brief:
    return Brief.parse({"task": task, "data": data or {}, "constraints": limits})


def needs(**values: float | None) -> Estimates:
    units = {
        "latency_ms": "ms", "throughput_per_s": "1/s", "memory_mb": "MB", "size_mb": "MB", "train_minutes": "min",
        "monthly_cost_usd": "USD",
    }  # fmt: skip
    made: dict[str, Quantity] = {}
    for name, unit in units.items():
        value = values.get(name, 1.0)
        made[name] = Quantity.unknown(unit) if value is None else Quantity.exact(value, unit, "estimated")
    return Estimates(**made)


def no(card: ModelCard) -> bool:
    return False


def yes(card: ModelCard) -> bool:
    return True


@pytest.mark.parametrize(
    ("id", "asked", "says"),
    [
        ("baseline/majority", brief(), "baseline"),
        ("bert/base", brief(), "task: made for text-classification"),
        ("hosted/gpt", brief("text-classification", privacy="local"), "privacy"),
        ("hosted/gpt", brief("text-classification", offline=True), "offline"),
        ("res/50", brief(offline=True), "offline: its weights are not on this machine"),
        ("res/50", brief(framework="tensorflow"), "framework: it runs in pytorch, onnx, asked is tensorflow"),
        ("hosted/gpt", brief("text-classification", framework="pytorch"), "framework"),
        (
            "bert/base",
            brief("text-classification", {"languages": ["zh", "en"]}),
            "language: it reads English",
        ),
    ],
)
def test_what_is_out_of_the_question_says_why(id: str, asked: Brief, says: str) -> None:
    assert says in excluded(KNOWLEDGE.model(id), asked, no)


@pytest.mark.parametrize(
    ("id", "asked"),
    [
        ("res/50", brief(framework="onnx")),
        ("forest/hog", brief(offline=True)),
        ("hosted/gpt", brief("text-classification")),
        ("xlmr/base", brief("text-classification", {"languages": ["zh"]})),
        ("use/multilingual", brief("text-classification", {"languages": ["zh-Hant"]})),
        ("odd/reader", brief("text-classification", {"languages": ["zh"]})),
        ("bert/base", brief("text-classification", {"languages": ["en", "zh"]})),
        ("bert/base", brief("text-classification")),
    ],
)
def test_what_may_be_asked_is_not_excluded(id: str, asked: Brief) -> None:
    assert excluded(KNOWLEDGE.model(id), asked, no) == ""


def test_offline_keeps_what_is_here() -> None:
    assert excluded(KNOWLEDGE.model("res/50"), brief(offline=True), yes) == ""


@pytest.mark.parametrize(
    ("klass", "any_", "commercial", "permissive"),
    [
        ("permissive", True, True, True),
        ("copyleft", True, True, False),
        ("non-commercial", True, False, False),
        ("custom", True, False, False),
        ("service", True, False, False),
        ("unknown", True, False, False),
    ],
)
def test_licences(klass: str, any_: bool, commercial: bool, permissive: bool) -> None:
    one = card("a/b", "image-classification", licence={"id": "x", "class": klass})
    for asked, kept in (("any", any_), ("commercial", commercial), ("permissive", permissive)):
        failed = check(one, brief(licence=asked), LAPTOP, needs())
        assert (not failed) == kept
        if failed:
            assert failed == (Failed(constraint="licence", limit=asked, value=f"x ({klass})"),)


def test_each_limit_fails_with_its_value() -> None:
    limits = {
        "latency_ms": 50.0, "throughput_per_s": 20.0, "memory_mb": 100.0, "size_mb": 10.0, "train_minutes": 5.0,
        "monthly_cost_usd": 9.0,
    }  # fmt: skip
    values = {name: limit / 2 if name == "throughput_per_s" else limit * 2 for name, limit in limits.items()}
    for name, limit in limits.items():
        asked = brief(**{name: limit})
        (miss,) = misses(KNOWLEDGE.model("res/50"), asked, LAPTOP, needs(**{name: values[name]}))
        assert (miss.constraint, miss.limit, miss.value) == (name, limit, values[name])
        assert misses(KNOWLEDGE.model("res/50"), asked, LAPTOP, needs(**{name: limit})) == ()
        (unknown,) = misses(KNOWLEDGE.model("res/50"), asked, LAPTOP, needs(**{name: None}))
        assert unknown.value is None


def test_the_devices_own_memory_binds() -> None:
    (miss,) = misses(KNOWLEDGE.model("res/50"), brief(), LAPTOP, needs(memory_mb=20_000))
    assert (miss.constraint, miss.limit) == ("device_memory_mb", 16_000)


def test_a_hosted_model_needs_none_of_ones_memory() -> None:
    asked = brief("text-classification", memory_mb=1.0, size_mb=1.0, train_minutes=1.0)
    nothing = needs(memory_mb=None, size_mb=None, train_minutes=None)
    assert misses(KNOWLEDGE.model("hosted/gpt"), asked, LAPTOP, nothing) == ()


@given(st.floats(1e-6, 1e9), st.sampled_from(["latency_ms", "size_mb", "throughput_per_s"]))
def test_a_loosened_limit_admits_and_is_close(value: float, constraint: str) -> None:
    limit = loosened(Failed(constraint=constraint, limit=1.0, value=value))
    assert limit is not None
    if constraint == "throughput_per_s":
        assert value * 0.89 <= limit <= value
    else:
        assert value <= limit <= value * 1.11


def test_there_is_no_loosened_limit_without_a_number() -> None:
    assert loosened(Failed(constraint="licence", limit="any", value="x")) is None
    assert loosened(Failed(constraint="latency_ms", limit=5.0, value=None)) is None
    assert loosened(Failed(constraint="monthly_cost_usd", limit=5.0, value=0.0)) == 0.0


def miss(constraint: str, limit: float | str, value: float | str | None) -> Failed:
    return Failed(constraint=constraint, limit=limit, value=value)


L4 = KNOWLEDGE.device("nvidia-l4")


def told(failed: list[Failed], id: str = "res/50", elsewhere: Device | None = L4) -> str | None:
    found = near_miss(KNOWLEDGE.model(id), failed, elsewhere)
    return found.admitted_if if found else None


def test_a_near_miss_names_the_limit_and_the_device_that_would_admit_it() -> None:
    assert told([miss("latency_ms", 50.0, 62.4)]) == "latency ≤ 63 ms or on an NVIDIA L4"
    assert told([miss("size_mb", 50.0, 102.3)]) == "size ≤ 103 MB"
    assert told([miss("throughput_per_s", 20.0, 16.03)]) == (
        "throughput ≥ 16 answers per second or on an NVIDIA L4"
    )


def test_two_misses_are_both_named() -> None:
    both = [miss("latency_ms", 50.0, 62.4), miss("size_mb", 50.0, 102.3)]
    assert told(both) == "(latency ≤ 63 ms or on an NVIDIA L4) and size ≤ 103 MB"


def test_licences_and_unknowns_are_said_in_words() -> None:
    assert told([miss("licence", "commercial", "cc-by-nc-4.0 (non-commercial)")], "vit/base") == (
        "the licence need not be commercial: it is cc-by-nc-4.0 (non-commercial) (Not in a business.)"
    )
    assert told([miss("licence", "commercial", "unknown (unknown)")], "mystery/net") == (
        "its licence turns out to be commercial: it is unknown"
    )
    assert told([miss("memory_mb", 50.0, None)]) == "memory, which is unknown, proves to be ≤ 50 MB"


def test_too_many_or_too_far_is_no_near_miss() -> None:
    assert told([miss("size_mb", 10.0, 31.0)]) is None
    assert told([miss("latency_ms", 50.0, 400.0)]) == "latency ≤ 400 ms or on an NVIDIA L4"
    assert told([miss("latency_ms", 50.0, 600.0)]) is None
    assert told([miss("latency_ms", 50.0, 400.0)], elsewhere=None) is None
    assert told([miss("latency_ms", 50.0, 400.0), miss("size_mb", 10.0, 31.0)]) is None
    assert told([miss("size_mb", 10.0, 11.0)] * 3) is None
    assert told([miss("device_memory_mb", 100.0, 150.0)], elsewhere=None) == "the device's memory ≥ 150 MB"


def test_ratio_is_the_worst_factor_either_way() -> None:
    assert ratio([miss("latency_ms", 50.0, 100.0), miss("throughput_per_s", 20.0, 5.0)]) == 4
    assert ratio([miss("licence", "any", "x"), miss("size_mb", 5.0, None)]) == 1


def test_unknown_languages_are_no_reason_to_drop() -> None:
    assert excluded(text("a/b", 1e6, None), brief("text-classification", {"languages": ["zh"]}), no) == ""
