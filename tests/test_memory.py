"""Memory for one answer and for training: what must hold, and published cache sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_fixture import card, fact, image, make_knowledge

from advisor.architectures import CLASSES, architecture_class
from advisor.costs import energy_wh, train_minutes
from advisor.knowledge import Device
from advisor.memory import BYTES, cache_mb, inference_mb, inference_memory, training_memory
from advisor.workload import workload

KNOWN = make_knowledge()
LAPTOP, L4 = KNOWN.device("laptop"), KNOWN.device("nvidia-l4")
RES = KNOWN.model("res/50")


@pytest.mark.parametrize(("parameters", "kb"), [(8e9, 131), (70e9, 328), (3.2e9, 115)])
def test_caches_are_about_as_large_as_published_dimensions_say(parameters: float, kb: float) -> None:
    """Layers × key-value heads × width × 2 × 2 bytes of Llama 3.1 8B and 70B and Llama 3.2 3B."""
    assert cache_mb(parameters, 1000) == pytest.approx(kb, rel=0.4)


@given(st.integers(1, 64), st.integers(1, 64))
def test_more_at_once_takes_more(one: int, other: int) -> None:
    work = workload(RES, "image")
    small, large = sorted((one, other))
    for device in (LAPTOP, L4):
        less, more = inference_mb(RES, work, device, small), inference_mb(RES, work, device, large)
        assert less is not None and more is not None and less <= more
        assert less == inference_memory(RES, work, device, small).value


def test_fewer_bits_take_less() -> None:
    writer = card("llm/8b", "text-generation", 8e9)
    work = workload(writer, "text")
    sizes = [inference_memory(writer, work, L4, precision=name).value for name in BYTES]
    assert sizes[0] and sizes[1] and sizes[3] and sizes[4]
    assert sizes[0] > sizes[1] == sizes[2] > sizes[3] > sizes[4]
    assert "int4" in inference_memory(writer, work, L4, precision="int4").source


def test_all_experts_are_loaded_but_few_work() -> None:
    dense = card("llm/dense", "text-generation", 40e9)
    sparse = card("llm/sparse", "text-generation", 40e9, active_parameters=fact(4e9))
    works = [workload(one, "text") for one in (dense, sparse)]
    assert works[0].weight_mb == works[1].weight_mb
    assert works[1].step_flops == pytest.approx(works[0].step_flops / 10)
    loaded = [inference_memory(one, work, L4).value for one, work in zip((dense, sparse), works, strict=True)]
    assert loaded[0] and loaded[1] and loaded[1] > 0.9 * loaded[0]


def test_longer_texts_keep_more() -> None:
    writer = card("llm/1b", "text-generation", 1.2e9)
    work = workload(writer, "text")
    short, long = (inference_memory(writer, work, L4, tokens=tokens).value for tokens in (100, 8000))
    assert short and long and long > short + 100


def test_measured_peaks_lie_within_the_interval() -> None:
    """Peak resident memory of random weights on a CPU, uncompiled: building the network and one picture."""
    for name, parameters, gmacs, numbers, peak in [
        ("resnet50", 25.6e6, 4.1, 11.1, 138.7), ("vit_small_patch16_224", 22e6, 4.6, 12.0, 123.6),
        ("mobilenetv3_large_100", 5.48e6, 0.23, 4.4, 58.3), ("efficientnet_b3", 12.2e6, 1.6, 21.5, 118.8),
        ("swin_tiny", 28.3e6, 4.5, 17.1, 184.3), ("mixer_b16_224", 59.9e6, 12.6, 14.5, 278.6),
    ]:  # fmt: skip
        more = {"architecture": name, "activations": fact(numbers * 1e6, "activations")}
        net = image(f"n/{name}", parameters, 2 * gmacs, **more)
        guess = inference_memory(net, workload(net, "image"), LAPTOP)
        assert guess.value == pytest.approx(peak, rel=0.12) and guess.low and guess.high
        assert guess.low < peak < guess.high


def test_training_takes_more_the_more_is_trained() -> None:
    work = workload(RES, "image")
    needs = [
        training_memory(RES, work, L4, strategy, 32).value
        for strategy in ("frozen", "last-block", "lora", "full")
    ]
    assert None not in needs and needs == sorted(needs)  # type: ignore[type-var]
    dark = KNOWN.model("dark/net")
    assert training_memory(dark, workload(dark, "image"), L4, "full").basis == "unknown"


def test_energy_is_power_times_time() -> None:
    found = energy_wh(3600.0, LAPTOP, 1000)
    assert found.value == pytest.approx(0.8 * 45) and found.high and found.high > found.value
    assert energy_wh(1.0, Device(id="a", name="a", kind="cpu")).basis == "unknown"


def test_published_speeds_sharpen_the_training_time() -> None:
    plain = train_minutes(RES, LAPTOP, "full", 1000, 1, modality="image")
    known = train_minutes(RES, LAPTOP, "full", 1000, 1, modality="image", knowledge=KNOWN)
    assert plain.low and plain.high and known.low and known.high
    assert known.high / known.low < plain.high / plain.low


@pytest.mark.parametrize(
    ("name", "klass"),
    [("resnet50", "convolution"), ("resnest14d", "convolution"), ("mobilenetv3_large_100", "depthwise"),
     ("convnext_tiny", "depthwise"), ("vit_base_patch16_224", "attention"), ("mixer_b16_224", "mlp"),
     ("swin_tiny_patch4_window7_224", "grouped-attention"), ("nest_tiny", "grouped-attention"),
     ("mobilevitv2_100", "hybrid"), ("riddle", "other")],
)  # fmt: skip
def test_architectures_are_told_apart(name: str, klass: str) -> None:
    assert architecture_class(name, "", "image") == klass
    assert klass in {*CLASSES, "other"}


def test_the_family_tells_where_the_name_does_not() -> None:
    assert architecture_class("x", "ResNet", "image") == "convolution"
    assert architecture_class("x", "BERT", "text") == "sequence"
