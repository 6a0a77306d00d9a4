"""Tuning in the worker: whether changed examples help is tried once, remembered, told, and followed."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.brief import Brief
from advisor.jobs.folder import Plan, RunFolder, RungRecord
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe.augment import Verdict
from advisor.probe.plan import BASELINES
from advisor.probe.rungs import tuning
from advisor.probe.worker import Worker

SMALL = {"train": 30, "select": 12, "report": 12}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """One thread, and the cheapest baseline alone."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "set_num_threads", lambda number: None)
        for task in BASELINES:
            patch.setitem(BASELINES, task, ("baseline/majority",))
        yield
    gc.unfreeze()
    torch.set_num_threads(before)


def climbed(data: Path, out: Path, model: str, *rungs: str) -> RunFolder:
    task = "text-classification" if data.suffix else "image-classification"
    plan = Plan.model_validate({"examples": SMALL, "models": {model: rungs}})
    folder = prepare(ProbeRequest(Brief(task=task), data, out, plan=plan, offline=True))
    Worker(folder, time.monotonic(), lambda: False).run()
    return folder


def decided(record: RungRecord) -> dict[str, Any]:
    return {name: value for name, value in record.hyperparameters.items() if name.startswith("augmentation")}


def test_what_changed_examples_bring_is_tried_once_and_remembered(workshop: Path, tmp_path: Path) -> None:
    """The classes are colours under noise that differs from pixel to pixel."""
    folder = climbed(
        workshop / "pictures", tmp_path / "run", "tiny/a", "linear-probe", "last-block", "longer"
    )
    _, first, second = folder.rungs("tiny/a")
    assert decided(first)["augmentation"] in ("on", "off")
    assert decided(first)["augmentation_error"] >= 0
    assert decided(first) == decided(second)
    assert "changing them at random" in first.note
    assert "changing them at random" not in second.note
    tries = {event["rung"] for event in folder.events() if event.get("what") == "trying changed examples"}
    assert tries == {"last-block"}


@pytest.mark.parametrize("on", [True, False])
def test_tuning_learns_from_changed_examples_only_where_they_help(
    on: bool, workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    true_tune = tuning.tune

    def noted(*args: Any, **more: Any) -> Any:
        asked.append(more["changed"])
        return true_tune(*args, **more)

    monkeypatch.setattr(tuning, "tune", noted)
    monkeypatch.setattr(tuning, "judge", lambda *args, **more: Verdict(on, 0.02 if on else -0.02, 0.01, 30))
    folder = climbed(
        workshop / "tickets.csv", tmp_path / "run", "tiny/bert", "linear-probe", "last-block", "longer"
    )
    assert asked == [on, on]
    first = folder.rungs("tiny/bert")[1]
    assert decided(first)["augmentation"] == ("on" if on else "off")
    assert ("in every pass" in first.note, "as they are" in first.note) == (on, not on)
