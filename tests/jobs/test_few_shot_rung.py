"""The rung for a handful of examples per class: climbed once, kept whole, offered only where it belongs."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from advisor.brief import Brief
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe.after.subject import Subject, answer
from advisor.probe.plan import BASELINES, LADDER
from advisor.probe.worker import Worker

MODEL = "tiny/bert"
TASK = "text-classification"


def climbed(data: Path, task: str, model: str, out: Path) -> Iterator[Worker]:
    """A worker that has climbed a plan with the rung: three classes of 12 examples to learn from."""
    import torch

    plan = Plan.model_validate(
        {
            "examples": {"train": 36, "select": 18, "report": 18},
            "models": {model: ("linear-probe", "few-shot")},
        }
    )
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BASELINES, task, ("baseline/majority",))
        patch.setattr(torch, "set_num_threads", lambda number: None)
        asked = ProbeRequest(Brief(task=task), data, out, plan=plan, offline=True)
        worker = Worker(prepare(asked), time.monotonic(), lambda: False)
        worker.run()
        yield worker
    gc.unfreeze()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def worker(workshop: Path) -> Iterator[Worker]:
    yield from climbed(workshop / "tickets.csv", TASK, MODEL, workshop / "run-few")


@pytest.fixture(scope="module")
def seeing(workshop: Path) -> Iterator[Worker]:
    yield from climbed(workshop / "pictures", "image-classification", "tiny/a", workshop / "run-few-seen")


@pytest.fixture
def folder(worker: Worker) -> RunFolder:
    return worker.folder


def learnt(folder: RunFolder) -> Path:
    record = folder.rungs(MODEL)[1]
    return folder.learnt_path(MODEL, record.position, record.rung)


def test_the_rung_is_kept_with_all_that_it_learnt(worker: Worker, folder: RunFolder) -> None:
    probe, few = folder.rungs(MODEL)
    assert (few.rung, few.strategy, few.curve[-1].examples) == ("few-shot", "contrast", 36)
    assert few.hyperparameters["head"]
    assert few.latency_ms == probe.latency_ms
    tensors = load_file(learnt(folder))
    tuned = {name for name in tensors if name.startswith("body.")}
    assert any("layer.0." in name for name in tuned) and any("layer.1." in name for name in tuned)
    assert not any("embeddings.weight" in name for name in tuned), "the table of words stays"
    backbone, head = Subject(worker.setting, few, worker.locate).bring_back()
    examples = folder.examples()
    answered = answer(backbone, head)([examples.contents[i] for i in examples.select])
    assert np.allclose(answered, folder.probabilities(few, "select"), atol=1e-4)
    truth = np.asarray([examples.truth[i] for i in examples.select])
    assert (answered.argmax(axis=1) == truth).mean() > 0.8, "the words of the classes are disjoint"


def test_images_are_compared_too(seeing: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    probe, few = seeing.folder.rungs("tiny/a")
    assert (few.rung, few.strategy, few.hyperparameters["epochs"]) == ("few-shot", "contrast", 10)
    backbone, head = Subject(seeing.setting, few, seeing.locate).bring_back()
    examples = seeing.folder.examples()
    answered = answer(backbone, head)([examples.contents[i] for i in examples.select])
    assert np.allclose(answered, seeing.folder.probabilities(few, "select"), atol=1e-4)
    assert "few-shot" not in seeing.ladder.above("tiny/a"), "it was climbed"
    monkeypatch.setattr(seeing.folder, "rungs", lambda model: (probe,))
    assert "few-shot" in seeing.ladder.above("tiny/a")
    option = next(one for one in seeing.ladder.options(["tiny/a"]) if one.rung == "few-shot")
    assert option.seconds > 0 and option.gain.sd > 0


def test_a_finished_rung_is_not_climbed_again(worker: Worker, folder: RunFolder) -> None:
    before = learnt(folder).stat().st_mtime_ns
    assert worker.step(MODEL, "few-shot", place=(1, 1))
    assert learnt(folder).stat().st_mtime_ns == before


def test_it_is_offered_for_few_examples_only(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = worker.folder.rungs(MODEL)[:1]
    monkeypatch.setattr(worker.folder, "rungs", lambda model: probe if model == MODEL else ())
    monkeypatch.setattr(worker.ladder, "tunable", lambda model: True)
    monkeypatch.setattr(worker.ladder, "adaptable", lambda model: True)
    assert "few-shot" in worker.ladder.above(MODEL)
    option = next(one for one in worker.options([MODEL], set()) if one.rung == "few-shot")
    assert option.seconds > 0 and option.gain.mean > 0
    few = worker.examples
    many = few.model_copy(update={"train": few.train + few.report + few.select})
    monkeypatch.setattr(worker.ladder, "examples", many)
    assert "few-shot" not in worker.ladder.above(MODEL), "24 of each class"
    monkeypatch.setattr(worker.ladder, "examples", few)
    monkeypatch.setattr(worker.ladder, "tunable", lambda model: False)
    assert not {"few-shot", "full"} & set(worker.ladder.above(MODEL))


def test_it_stands_between_tuning_the_last_block_and_tuning_all() -> None:
    assert LADDER.index("longer") < LADDER.index("few-shot") < LADDER.index("full")


def test_it_may_be_made_up_for_after_all_layers_were_tuned(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = worker.folder.rungs(MODEL)[0]
    full = probe.model_copy(update={"rung": "full", "curve": probe.curve[-1:]})
    monkeypatch.setattr(worker.folder, "rungs", lambda model: (probe, full))
    monkeypatch.setattr(worker.ladder, "tunable", lambda model: True)
    assert worker.ladder.above(MODEL) == ["few-shot", "search"]
