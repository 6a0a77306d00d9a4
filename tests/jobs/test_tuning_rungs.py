"""Tuning in the worker: changed examples where they help, an early end where nothing is gained, and a resumed climb."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import ticket_table

from advisor.brief import Brief
from advisor.jobs.folder import Plan, RunFolder, RungRecord
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe.after.subject import Subject, answer
from advisor.probe.augment import Verdict
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.ladder import BEGIN_S
from advisor.probe.plan import BASELINES, LADDER
from advisor.probe.rungs import search, tuning
from advisor.probe.trials import suggest
from advisor.probe.tune import Tuned
from advisor.probe.worker import Worker

SMALL = {"train": 30, "select": 12, "report": 12}
LARGE = {"train": 208, "select": 30, "report": 30}


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


def climbed(data: Path, out: Path, model: str, *rungs: str, sizes: dict[str, int] = SMALL) -> RunFolder:
    task = "text-classification" if data.suffix else "image-classification"
    plan = Plan.model_validate({"examples": sizes, "models": {model: rungs}})
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


def test_with_examples_enough_some_are_kept_aside_and_the_end_is_told(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each pass answers four more of what is kept aside wrongly."""
    wrong = iter(range(0, 100, 4))
    monkeypatch.setattr("advisor.probe.tune._judge", lambda *more: (np.arange(26) < next(wrong), 1.0))
    many = ticket_table(tmp_path / "many.csv", per_class=120)
    folder = climbed(many, tmp_path / "run", "tiny/bert", "linear-probe", "last-block", sizes=LARGE)
    record = folder.rungs("tiny/bert")[1]
    assert record.hyperparameters["held_out"] == 26
    assert (record.hyperparameters["epochs"], record.hyperparameters["passes_made"]) == (1, 3)
    assert record.curve[-1].epochs == 1
    assert (
        "last-block stopped after 3 of 4 passes: 2 passes running answered more of 26 examples" in record.note
    )
    assert "the weights of pass 1 stay" in record.note


@pytest.fixture(scope="module")
def searched(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A search right after the probe, with three settings to try."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "MOST", 3)
        out = tmp_path_factory.mktemp("search") / "run"
        return climbed(workshop / "tickets.csv", out, "tiny/bert", "linear-probe", "search")


def test_the_best_of_the_settings_is_kept_as_any_rung(searched: RunFolder) -> None:
    record = searched.rungs("tiny/bert")[1]
    settings = record.hyperparameters
    assert (record.rung, record.strategy in ("full", "last-block", "lora")) == ("search", True)
    assert settings["trials"] == 3
    assert 1 <= settings["trial_won"] <= 3
    assert settings["trial_examples"] == 6
    assert settings["trial_loss"] <= settings["usual_loss"]
    assert settings["trial_passes"] == settings["epochs"] // 2 == 4
    assert settings["continues"] == "pretrained"
    assert record.curve[-1].examples == 30, "the best setting learns from all of them"
    assert "The search tried 3 settings on 6 examples kept aside" in record.note
    told = {event["what"] for event in searched.events() if event.get("rung") == "search" and "what" in event}
    assert {"trial 1 of 3", "trial 3 of 3", "tuning", "measuring"} <= told


def test_what_a_search_has_learnt_answers_the_same_when_it_is_brought_back(searched: RunFolder) -> None:
    worker = Worker(searched, time.monotonic(), lambda: False)
    worker.prepare()
    record, examples = searched.rungs("tiny/bert")[1], searched.examples()
    backbone, head = Subject(worker.setting, record, worker.locate).bring_back()
    answered = answer(backbone, head)([examples.contents[i] for i in examples.select])
    assert np.allclose(answered, searched.probabilities(record, "select"), atol=1e-4)


def test_a_search_is_offered_last_to_models_that_were_tuned(searched: RunFolder) -> None:
    worker = Worker(searched, time.monotonic(), lambda: False)
    ladder = worker.ladder
    assert LADDER[-1] == "search"
    assert ladder.above("tiny/bert") == ["few-shot"], "nothing stands above it"
    probe, tuned = searched.rungs("tiny/bert")
    only = [probe]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(ladder.folder), "rungs", lambda self, model: only)
        assert "search" not in ladder.above("tiny/bert")
        dear = ladder.forecast("tiny/bert", "full")
        only.append(tuned.model_copy(update={"rung": "full"}))
        assert ladder.above("tiny/bert") == ["few-shot", "search"]
        assert ladder.forecast("tiny/bert", "full") < dear, "whether changed examples help is known by now"
        full, search = (ladder.forecast("tiny/bert", rung) - BEGIN_S for rung in ("full", "search"))
        assert search > 2 * full


def test_a_search_makes_as_many_trials_as_there_is_time_for_and_three_at_least(
    searched: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(searched, time.monotonic(), lambda: False)
    worker.prepare()
    rung = search.Search(worker.setting, worker.locate("tiny/bert"), "search", 2, time.monotonic())
    made: list[int] = []

    def quickly(*args: Any, **more: Any) -> Tuned:
        made.append(len(more["held"]))
        return Tuned(0.1, 1, 1, 16, len(more["held"]), 1.0 / len(made))

    monkeypatch.setattr(search, "tune", quickly)
    monkeypatch.setattr(search, "FEWEST", 2)
    monkeypatch.setattr(search.Search, "renew", lambda self: None)
    trials = suggest("text-classification", ["full"], 30, False, 0, trials=4)
    monkeypatch.setattr(Clock, "left", property(lambda self: 9e9 if len(made) < 3 else 0.0))
    losses, aside = rung.try_out(trials, False)
    assert (len(losses), aside) == (3, 6)
    assert losses == [1.0, 0.5, 1 / 3]
    with pytest.raises(OutOfTime, match="time for 1 of at least 2 trials"):
        rung.try_out(trials, False)
