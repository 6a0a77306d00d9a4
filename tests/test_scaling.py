"""What rows of other models and other devices say: known tables, and what must hold for any."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_fixture import image, make_knowledge

from advisor.estimate import Estimator, estimate
from advisor.importers.speed import fit_speeds, main
from advisor.knowledge import Device, Fact, Knowledge, Latency
from advisor.roofline import Regime, base_ms, default_regime, load_regimes, regime_of, speed_of
from advisor.scaling import effects_of
from advisor.workload import workload

KNOWN = make_knowledge()
CPUS = [
    Device(id=f"cpu-{i}", name=f"CPU {i}", kind="cpu", cores=cores, tflops={"fp32": cores * gflops / 1000})
    for i, (cores, gflops) in enumerate([(1, 100), (2, 80), (4, 100), (8, 60), (8, 110), (16, 90), (16, 110),
                                         (32, 80), (4, 50)])
]  # fmt: skip
CARDS = [
    image(f"net/{i}", parameters, gmacs).model_copy(
        update={"architecture": name, "activations": Fact(value=numbers * 1e6, unit="activations", source="s")}
    )
    for i, (name, parameters, gmacs, numbers) in enumerate(
        [
            ("resnet18", 11.7e6, 1.8, 2.5), ("resnet50", 25.6e6, 4.1, 11.1), ("vgg16", 138e6, 15.5, 13.6),
            ("vit_tiny", 5.7e6, 1.3, 6.0), ("vit_small", 22e6, 4.6, 12.0), ("vit_base", 86e6, 17.5, 23.9),
            ("mobilenetv2", 3.5e6, 0.3, 6.7), ("efficientnet_b0", 5.3e6, 0.4, 6.8),
            ("efficientnet_b3", 12e6, 1.8, 21.5), ("densenet121", 8e6, 2.9, 6.9),
        ]
    )
]  # fmt: skip
TRUTH = Regime("pytorch-cpu", gmac=20.0, activation=2.0, weight=0.2, start=1.0, exponents=(1.0, 0.4))


def table(models: dict[str, float], devices: dict[str, float], noise: float = 0.0) -> Knowledge:
    """Speeds that follow the formula but for what models and devices differ by."""
    dice = np.random.default_rng(0)
    rows = []
    for device in CPUS:
        for card in CARDS:
            base = base_ms(workload(card, "image"), device, TRUTH)
            assert base is not None
            shift = models.get(card.id, 0.0) + devices.get(device.id, 0.0) + noise * dice.normal()
            rows.append(Latency(model=card.id, device=device.id, ms=base * math.exp(shift), source="s"))
    fields = {name: getattr(KNOWN, name) for name in Knowledge.model_fields}
    return Knowledge(**{**fields, "models": tuple(CARDS), "devices": tuple(CPUS), "latencies": tuple(rows)})


def without(knowledge: Knowledge, device: str) -> Knowledge:
    fields = {name: getattr(knowledge, name) for name in Knowledge.model_fields}
    rows = tuple(row for row in knowledge.latencies if row.device != device)
    return Knowledge(**{**fields, "latencies": rows})


def test_the_formula_behind_a_table_is_found_again() -> None:
    found = fit_speeds(table({}, {}))["pytorch-cpu"]
    for device in CPUS:
        for card in CARDS:
            work = workload(card, "image")
            truth, guess = base_ms(work, device, TRUTH), base_ms(work, device, found)
            assert truth and guess and guess == pytest.approx(truth, rel=0.12)
    assert found.exponents[1] == pytest.approx(0.4, abs=0.12)


def test_a_device_without_rows_is_estimated_from_its_peaks_and_the_others() -> None:
    full = table({"net/3": 0.4, "net/6": -0.3}, {}, noise=0.05)
    for out in ("cpu-2", "cpu-6"):
        rest = without(full, out)
        regimes = fit_speeds(rest)
        errors, within = [], 0
        for row in full.latencies:
            if row.device == out:
                quantity = estimate(rest.model(row.model), rest.device(out), rest, regimes=regimes).latency_ms
                assert quantity.basis == "scaled" and quantity.value and quantity.low and quantity.high
                errors.append(abs(quantity.value / row.ms - 1))
                within += quantity.low <= row.ms <= quantity.high
        assert np.median(errors) < 0.2 and within >= 7


def test_a_slow_device_is_known_by_its_other_rows() -> None:
    full = table({}, {"cpu-4": 0.7}, noise=0.02)
    fields = {name: getattr(full, name) for name in Knowledge.model_fields}
    rows = tuple(row for row in full.latencies if (row.model, row.device) != ("net/1", "cpu-4"))
    rest = Knowledge(**{**fields, "latencies": rows})
    truth = next(row.ms for row in full.latencies if (row.model, row.device) == ("net/1", "cpu-4"))
    guess = estimate(rest.model("net/1"), rest.device("cpu-4"), rest, regimes=fit_speeds(rest)).latency_ms
    assert guess.value == pytest.approx(truth, rel=0.1) and "published speeds of other models" in guess.source


def test_a_twin_with_the_same_chip_tells_more_than_the_data_sheet() -> None:
    full = table({}, {"cpu-1": 0.9}, noise=0.02)
    twin = full.device("cpu-1").model_copy(update={"id": "twin", "chip": "same"})
    fields = {name: getattr(full, name) for name in Knowledge.model_fields}
    devices = (*(d.model_copy(update={"chip": "same"}) if d.id == "cpu-1" else d for d in CPUS), twin)
    known = Knowledge(**{**fields, "devices": devices})
    regimes = load_regimes()
    there = estimate(known.model("net/0"), known.device("cpu-1"), known, regimes=regimes).latency_ms
    alike = estimate(known.model("net/0"), twin, known, regimes=regimes).latency_ms
    assert alike.value == pytest.approx(there.value, rel=0.15) and alike.basis == "scaled"


@given(st.floats(0.2, 5.0))
def test_effects_scale_with_the_table(factor: float) -> None:
    one = table({}, {}, noise=0.1)
    fields = {name: getattr(one, name) for name in Knowledge.model_fields}
    rows = tuple(row.model_copy(update={"ms": row.ms * factor}) for row in one.latencies)
    other = Knowledge(**{**fields, "latencies": rows})
    regimes = load_regimes()
    device = one.device("cpu-3")
    before = effects_of(one, regimes["pytorch-cpu"]).cell("net/2", device, True)
    after = effects_of(other, regimes["pytorch-cpu"]).cell("net/2", device, True)
    assert after.shift - before.shift == pytest.approx(
        math.log(factor), abs=0.2 * abs(math.log(factor)) + 1e-6
    )
    assert after.variance == pytest.approx(before.variance)


def test_no_rows_say_nothing() -> None:
    fields = {name: getattr(KNOWN, name) for name in Knowledge.model_fields}
    bare = Knowledge(**{**fields, "latencies": ()})
    cell = effects_of(bare, load_regimes()["ncnn"]).cell("x", CPUS[0], True)
    assert (cell.shift, cell.model_rows, cell.device_rows, cell.example) == (0.0, 0, 0, None)
    assert cell.variance > 0.1


def test_the_quick_figures_are_those_of_the_quantities() -> None:
    for device in KNOWN.devices:
        estimator = Estimator(device, KNOWN)
        for card in KNOWN.models:
            needs, figures = estimator.needs(card), estimator.figures(card)
            assert figures == (needs.latency_ms.value, needs.memory_mb.value, needs.size_mb.value)


@pytest.mark.parametrize(
    ("runtime", "precision", "kind", "regime"),
    [("pytorch", "amp", "gpu", "pytorch-gpu"), ("pytorch-dynamo", "amp", "gpu", "pytorch-gpu-compiled"),
     ("pytorch-dynamo", "fp32", "cpu", "pytorch-cpu"), ("pytorch", "int8", "cpu", "pytorch-cpu-int8"),
     ("ncnn", "fp16", "board", "ncnn"), ("ncnn", "int8", "board", "ncnn-int8"),
     ("qualcomm-npu", "fp16", "phone", "npu-float"), ("qualcomm-npu", "w8a8", "phone", "npu-w8a8"),
     ("edgetpu", "int8", "npu", "edgetpu-int8"), ("tensorrt", "fp16", "gpu", "tensorrt")],
)  # fmt: skip
def test_rows_belong_to_their_way_of_running(runtime: str, precision: str, kind: str, regime: str) -> None:
    row = Latency(model="m", device="d", ms=1, runtime=runtime, precision=precision, source="s")
    assert regime_of(row, kind) == regime


@pytest.mark.parametrize(
    ("device", "regime"),
    [({"kind": "gpu"}, "pytorch-gpu"), ({"kind": "cpu"}, "pytorch-cpu"), ({"kind": "npu"}, "npu-float"),
     ({"kind": "npu", "chip": "edge-tpu"}, "edgetpu-int8"), ({"kind": "board", "cores": 4}, "ncnn"),
     ({"kind": "board", "tflops": {"fp32": 1.3}}, "tensorrt"), ({"kind": "board", "chip": "x"}, "npu-float"),
     ({"kind": "board", "cores": 4, "core_gflops": 76.8, "tflops": {"fp32": 0.154, "fp16": 0.307}}, "ncnn"),
     ({"kind": "phone", "cores": 8, "tflops": {"int8": 45}}, "npu-float"), ({"kind": "phone", "cores": 4}, "ncnn")],
)  # fmt: skip
def test_each_kind_of_device_has_its_usual_way(device: dict[str, object], regime: str) -> None:
    assert default_regime(Device.model_validate({"id": "a", "name": "a", **device})) == regime
    assert regime in load_regimes()


def test_speeds_come_from_the_peak_that_is_known() -> None:
    regimes = load_regimes()
    half = Device(id="a", name="a", kind="gpu", tflops={"fp16": 40})
    assert speed_of(half, regimes["pytorch-gpu"]) == pytest.approx(1.0)
    tops = Device(id="a", name="a", kind="npu", tflops={"fp16": 10})
    assert speed_of(tops, regimes["npu-float"]) == pytest.approx(1.0)
    assert speed_of(Device(id="a", name="a", kind="npu"), regimes["npu-float"]) is None


def test_the_shipped_coefficients_fit_the_shipped_speeds() -> None:
    from advisor.knowledge import load_knowledge

    fresh = fit_speeds(load_knowledge())
    for id in ("pytorch-gpu", "pytorch-gpu-compiled", "pytorch-cpu", "ncnn"):
        device = Device(id="a", name="a", kind="cpu", cores=8, tflops={"fp32": 8.0}, bandwidth_gb_s=900)
        for card in CARDS:
            work = workload(card, "image")
            shipped, anew = (base_ms(work, device, one[id], 256) for one in (load_regimes(), fresh))
            assert shipped == pytest.approx(anew, rel=0.3), "run `python -m advisor.importers.speed`"


def test_the_command_writes_what_can_be_read(tmp_path: Path) -> None:
    import shutil

    from advisor.knowledge import default_folder

    folder = tmp_path / "knowledge"
    shutil.copytree(default_folder(), folder)
    (folder / "speed.yaml").unlink()
    main(["--knowledge", str(folder), "--without", "rtx-3090"])
    found, shipped = load_regimes(folder / "speed.yaml"), load_regimes()
    assert found.keys() == shipped.keys() and found["pytorch-gpu"] != shipped["pytorch-gpu"]
    assert found["ncnn"].gmac == pytest.approx(shipped["ncnn"].gmac, rel=0.3)


def test_spoilt_coefficients_name_the_way_out(tmp_path: Path) -> None:
    from advisor.errors import KnowledgeError

    path = tmp_path / "speed.yaml"
    path.write_text("regimes: 3", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"advisor\.importers\.speed"):
        load_regimes(path)
