"""Timing small networks and pacing the estimates by them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from knowledge_fixture import make_knowledge

from advisor import hardware
from advisor.estimate import Estimator
from advisor.hardware import calibrated, this_machine
from advisor.probe import calibrate as timing

KNOWN = make_knowledge()


def ticks() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 0.01


def timings(factor: float = 1.0) -> dict[str, Any]:
    """What a machine would print on which every network takes ten times its kind's number, times a factor."""
    networks = {
        one.name: {**one._asdict(), "ms": 10.0 * factor, "p95_ms": 11.0 * factor} for one in timing.NETWORKS
    }
    return {"networks": networks, "prepare_ms": {"image": 3.0}}


def home_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str) -> dict[str, str]:
    real = subprocess.run

    def run(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        if "advisor.probe.calibrate" not in command:
            return real(command, **settings)
        return subprocess.CompletedProcess(command, 0, stdout=printed)

    monkeypatch.setattr(hardware.subprocess, "run", run)
    return {"ADVISOR_HOME": str(tmp_path / "home"), "CUDA_VISIBLE_DEVICES": ""}


def test_networks_are_timed_in_turns_by_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ticks()
    found = timing.calibrate(0.4, timing.NETWORKS[2:3], now=lambda: next(clock))
    (one,) = found["networks"].values()
    assert one["ms"] == pytest.approx(10.0) and one["klass"] == "depthwise" and one["p95_ms"] >= one["ms"]
    assert found["prepare_ms"]["image"] == pytest.approx(10.0)


def test_an_encoder_is_timed_too() -> None:
    found = timing.calibrate(0.01, timing.NETWORKS[6:7])
    assert found["networks"]["minilm-l6"]["ms"] > 0


def test_the_command_prints_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(timing, "calibrate", lambda seconds, now: {"seconds": seconds})
    timing.main(["--seconds", "3"])
    assert json.loads(capsys.readouterr().out) == {"seconds": 3.0}


def test_a_calibration_is_remembered_and_paces_the_estimates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = home_with(tmp_path, monkeypatch, json.dumps(timings()))
    bare = this_machine(env)
    assert bare.pace == {} and not calibrated(env)
    assert hardware.calibrate(env) and calibrated(env)
    paced = this_machine(env)
    assert {"convolution", "attention", "depthwise", "sequence", "mlp", "all"} <= set(paced.pace)
    assert paced.tail == pytest.approx(1.1) and paced.prepare_ms == {"image": 3.0}
    assert paced.tflops == bare.tflops
    guess = Estimator(paced, KNOWN).needs(KNOWN.model("res/50")).latency_ms
    assert "paced by small models" in guess.source


def test_a_machine_twice_as_slow_gets_twice_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = []
    for factor in (1.0, 2.0):
        env = home_with(tmp_path / str(factor), monkeypatch, json.dumps(timings(factor)))
        monkeypatch.setattr(hardware, "_measure", lambda cores: (cores * 0.1, 20.0))
        assert hardware.calibrate(env)
        machine = this_machine(env).model_copy(update={"prepare_ms": {"image": 1e-9}})
        values.append(Estimator(machine, KNOWN).figures(KNOWN.model("res/50")).latency_ms)
    assert values[0] and values[1] == pytest.approx(2 * values[0], rel=1e-6)


@pytest.mark.parametrize("printed", ["", "{", "[]"])
def test_a_calibration_that_fails_leaves_the_kernels(
    printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = home_with(tmp_path, monkeypatch, printed)
    hardware.calibrate(env)
    assert not calibrated(env) and this_machine(env).pace == {}
