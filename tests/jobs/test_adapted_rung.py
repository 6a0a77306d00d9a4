"""The rung that adapts to unlabelled examples: climbed, kept whole, gone on from, offered only where it belongs."""

import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_models import COLOURS, WORDS, picture, sentence, timm_model

from advisor.brief import Brief
from advisor.errors import Cancelled, DataError
from advisor.jobs.finish import collect
from advisor.jobs.folder import Plan
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe.after.subject import Subject, answer
from advisor.probe.plan import BASELINES, LADDER
from advisor.probe.rungs import climb
from advisor.probe.worker import Worker

NET, BERT, PLAIN = "tiny/a", "tiny/bert", "tiny/vit"
IMAGES, TEXTS = "image-classification", "text-classification"
SIZES = {"train": 36, "select": 18, "report": 18}


@pytest.fixture(scope="module")
def spare(workshop: Path) -> Path:
    """Unlabelled examples: `images` (60 pictures in two folders) and `texts.txt` (60 lines, one of them a judge's)."""
    folder = workshop / "spare"
    for i in range(60):
        place = folder / "images" / ("deep" if i % 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        picture(list(COLOURS)[i % 3], 9000 + i).save(place / f"{i}.png")
    lines = [sentence(list(WORDS)[i % 3], 9000 + i) for i in range(60)]
    (folder / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    timm_model(folder / "models" / "vit", "test_vit", seed=8, side=160, model_id=PLAIN)
    return folder


@pytest.fixture(scope="module")
def work(workshop: Path, spare: Path) -> Iterator[Callable[..., Worker]]:
    """Lay out a run of one plan and give its worker, which has not begun."""
    import torch

    threads, made = torch.get_num_threads(), list[Worker]()
    with pytest.MonkeyPatch.context() as patch:
        for task in (IMAGES, TEXTS):
            patch.setitem(BASELINES, task, ("baseline/majority",))
        patch.setattr(torch, "set_num_threads", lambda number: None)
        patch.setenv("ADVISOR_MODELS", os.pathsep.join(map(str, (workshop / "models", spare / "models"))))

        def lay_out(task: str, models: dict[str, tuple[str, ...]], unlabelled: str | None) -> Worker:
            plan = Plan.model_validate({"examples": SIZES, "models": models})
            data = workshop / ("pictures" if task == IMAGES else "tickets.csv")
            asked = ProbeRequest(
                Brief(task=task), data, workshop / f"run-adapted-{len(made)}", plan=plan, offline=True,
                unlabelled=spare / unlabelled if unlabelled else None,
            )  # fmt: skip
            made.append(Worker(prepare(asked), time.monotonic(), lambda: False))
            return made[-1]

        yield lay_out
    gc.unfreeze()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def on_images(work: Callable[..., Worker]) -> Worker:
    plan = {NET: ("linear-probe", "adapted"), PLAIN: ("linear-probe", "adapted")}
    worker = work(IMAGES, plan, "images")
    worker.run()
    return worker


@pytest.fixture(scope="module")
def on_texts(work: Callable[..., Worker]) -> Worker:
    worker = work(TEXTS, {BERT: ("linear-probe", "adapted")}, "texts.txt")
    worker.run()
    return worker


def tensors(worker: Worker, model: str) -> dict[str, np.ndarray]:
    record = worker.folder.rungs(model)[1]
    return load_file(worker.folder.learnt_path(model, record.position, record.rung))


@pytest.mark.parametrize(("kind", "model"), [("on_images", NET), ("on_texts", BERT)])
def test_the_rung_is_kept_with_all_that_it_learnt(
    kind: str, model: str, request: pytest.FixtureRequest
) -> None:
    worker: Worker = request.getfixturevalue(kind)
    folder = worker.folder
    probe, adapted = folder.rungs(model)[:2]
    assert (adapted.rung, adapted.strategy, adapted.curve[-1].examples) == ("adapted", "adapted", 36)
    assert adapted.hyperparameters["unlabelled"] == 60
    assert adapted.latency_ms == probe.latency_ms
    assert "Adapting to 60 unlabelled examples" in adapted.note
    found = {name for name in tensors(worker, model) if name.startswith("body.")}
    if model == NET:
        assert found and all(name.endswith(("running_mean", "running_var")) for name in found)
    else:
        assert any("layer.1." in name for name in found)
        assert not any("embeddings.weight" in name for name in found), "the table of words stays"
    backbone, head = Subject(worker.setting, adapted, worker.locate).bring_back()
    examples = folder.examples()
    answered = answer(backbone, head)([examples.contents[i] for i in examples.select])
    assert np.allclose(answered, folder.probabilities(adapted, "select"), atol=1e-4)
    result = next(one for one in collect(folder).results if one.model == model)
    best = max((probe, adapted), key=lambda one: (one.curve[-1].metric.value, -one.position))
    assert result.strategy == best.strategy
    assert "adapted" in [point.rung for point in result.curve]


def test_findings_and_request_name_the_unlabelled(on_texts: Worker, on_images: Worker) -> None:
    for worker in (on_texts, on_images):
        told = [one.detail for one in worker.examples.findings if one.kind == "unlabelled"]
        assert len(told) == 1 and told[0].startswith("60 of 60 unlabelled")
        assert "--unlabelled" in worker.spec.command
    assert on_images.examples.unlabelled_origin and not on_texts.examples.unlabelled_origin


def test_a_model_without_batch_norm_says_so_and_keeps_its_probe(on_images: Worker) -> None:
    assert [record.rung for record in on_images.folder.rungs(PLAIN)] == ["linear-probe"]
    ending = on_images.folder.ending(PLAIN)
    assert ending is not None and ending.status == "ok" and "batch norm" in ending.because
    assert not on_images.ladder.unlabelled(PLAIN) and on_images.ladder.unlabelled(NET)


def test_a_finished_rung_is_not_climbed_again_and_a_cancelled_one_is(
    work: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = work(IMAGES, {NET: ("linear-probe", "adapted")}, "images")
    worker.prepare()
    assert worker.step(NET, "linear-probe", place=(1, 1))
    asked: list[int] = []
    monkeypatch.setattr(worker.clock, "_stop_asked", lambda: len(asked) > 1)
    monkeypatch.setattr(
        "advisor.probe.adaptation._Counted.count", lambda layer, module, inputs: asked.append(1)
    )
    with pytest.raises(Cancelled):
        worker.step(NET, "adapted", place=(1, 1))
    assert [record.rung for record in worker.folder.rungs(NET)] == ["linear-probe"]
    monkeypatch.undo()
    again = Worker(worker.folder, time.monotonic(), lambda: False)
    again.prepare()
    assert again.step(NET, "adapted", place=(1, 1))
    path = worker.folder.learnt_path(NET, 1, "adapted")
    before = path.stat().st_mtime_ns
    assert again.step(NET, "adapted", place=(1, 1))
    assert path.stat().st_mtime_ns == before


def test_tuning_goes_on_from_where_adapting_ended(on_images: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    probe, adapted = on_images.folder.rungs(NET)[:2]
    better = adapted.curve[-1].metric.model_copy(update={"value": 1.0})
    worse = probe.curve[-1].metric.model_copy(update={"value": 0.2})
    changed = (
        probe.model_copy(update={"curve": (probe.curve[-1].model_copy(update={"metric": worse}),)}),
        adapted.model_copy(update={"curve": (adapted.curve[-1].model_copy(update={"metric": better}),)}),
    )
    plain = on_images.folder.rungs
    with monkeypatch.context() as patch:
        patch.setattr(on_images.folder, "rungs", lambda model: changed if model == NET else plain(model))
        climb(on_images.setting, on_images.locate(NET), "last-block", 2)
    record = on_images.folder.rungs(NET)[2]
    assert record.hyperparameters["continues"] == "adapted"
    kept = load_file(on_images.folder.learnt_path(NET, 2, "last-block"))
    before = tensors(on_images, NET)
    statistics = {name for name in before if name.startswith("body.")}
    assert statistics < {name for name in kept if name.startswith("body.")}
    assert all(np.array_equal(kept[name], before[name]) for name in statistics)


def test_it_is_offered_where_there_are_enough_and_the_body_adapts(
    on_texts: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = on_texts.folder.rungs(BERT)[:1]
    monkeypatch.setattr(on_texts.folder, "rungs", lambda model: probe if model == BERT else ())
    monkeypatch.setattr(on_texts.ladder, "tunable", lambda model: True)
    monkeypatch.setattr(on_texts.ladder, "adaptable", lambda model: False)
    option = next(one for one in on_texts.options([BERT], set()) if one.rung == "adapted")
    assert option.seconds > 4 and option.gain.mean == 0
    full = probe[0].model_copy(update={"rung": "full"})
    monkeypatch.setattr(on_texts.folder, "rungs", lambda model: (probe[0], full))
    assert "adapted" in on_texts.ladder.above(BERT), "it may be made up for"
    monkeypatch.setattr(on_texts.folder, "rungs", lambda model: probe)
    few = on_texts.examples.model_copy(update={"unlabelled": on_texts.examples.unlabelled[:49]})
    monkeypatch.setattr(on_texts.ladder, "examples", few)
    assert "adapted" not in on_texts.ladder.above(BERT)
    monkeypatch.setattr(on_texts.ladder, "examples", on_texts.examples)
    monkeypatch.setattr(on_texts.ladder, "tunable", lambda model: False)
    assert "adapted" not in on_texts.ladder.above(BERT)


def test_it_costs_more_the_more_there_is(on_texts: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    before = on_texts.ladder.forecast(BERT, "adapted")
    more = on_texts.examples.model_copy(update={"unlabelled": on_texts.examples.unlabelled * 10})
    monkeypatch.setattr(on_texts.ladder, "examples", more)
    assert on_texts.ladder.forecast(BERT, "adapted") > before


def test_without_unlabelled_examples_a_plan_is_told(work: Callable[..., Worker]) -> None:
    worker = work(TEXTS, {BERT: ("linear-probe", "adapted")}, None)
    worker.run()
    ending = worker.folder.ending(BERT)
    assert ending is not None and "no unlabelled examples" in ending.because
    assert "adapted" not in worker.ladder.above(BERT)


def test_wrong_unlabelled_data_leave_nothing_behind(workshop: Path) -> None:
    out = workshop / "run-never"
    asked = ProbeRequest(
        Brief(task=TEXTS), workshop / "tickets.csv", out, offline=True, unlabelled=workshop / "nowhere"
    )
    with pytest.raises(DataError, match="nowhere"):
        prepare(asked)
    assert not out.exists()


def test_it_stands_between_the_probes_and_tuning() -> None:
    assert LADDER.index("linear-probe-all") < LADDER.index("adapted") < LADDER.index("last-block")
