"""The worker's walk up the ladder, in this process: what is measured, kept, failed, and left alone."""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract_check import check_report

from advisor.brief import Brief
from advisor.errors import Cancelled, WeightsUnavailable
from advisor.jobs.bounds import SUPERVISOR
from advisor.jobs.finish import collect, finish
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.knowledge import Knowledge
from advisor.probe.after.subject import Subject, answer
from advisor.probe.allocate import Gain
from advisor.probe.cache import FeatureCache
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.ladder import Ladder, best_point
from advisor.probe.plan import BASELINES
from advisor.probe.rungs import climb_baseline, rung
from advisor.probe.rungs.probe import Probe, part_edges
from advisor.probe.worker import Worker
from advisor.result import SplitSizes

IMAGES = Brief(task="image-classification")
TEXTS = Brief(task="text-classification")
SIZES = {"train": 36, "select": 18, "report": 18}
TIMES = {"seconds", "latency_ms", "throughput_per_s", "peak_memory_mb", "elapsed_s", "created", "eta_s"}


def plan(**rungs: tuple[str, ...]) -> Plan:
    models = {f"tiny/{name.replace('_', '-')}": climb for name, climb in rungs.items()}
    return Plan.model_validate({"examples": SIZES, "models": models})


def lay(workshop: Path, out: Path, steps: Plan | None, brief: Brief = IMAGES, **more: Any) -> RunFolder:
    data = workshop / ("pictures" if brief.task == "image-classification" else "tickets.csv")
    return prepare(ProbeRequest(brief, data, out, plan=steps, offline=True, **more))


def work(folder: RunFolder, stop: Callable[[], bool] = lambda: False) -> Worker:
    worker = Worker(folder, time.monotonic(), stop)
    worker.run()
    return worker


def report_of(folder: RunFolder) -> dict[str, Any]:
    finish(folder)
    content = json.loads(folder.report_path.read_text(encoding="utf-8"))
    check_report(content)
    return content


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in report["probe"]["results"]}


def without_times(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: without_times(value) for key, value in content.items() if key not in TIMES}
    return [without_times(value) for value in content] if isinstance(content, list) else content


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models gain nothing from more threads, and a busy machine loses much."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "set_num_threads", lambda number: None)
        yield
    gc.unfreeze()
    torch.set_num_threads(before)


@pytest.fixture
def majority_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the time of the other baselines."""
    for task in BASELINES:
        monkeypatch.setitem(BASELINES, task, ("baseline/majority",))


STEPS = plan(
    a=("linear-probe", "last-block", "longer", "full"),
    broken=("linear-probe",),
    b=("linear-probe", "last-block"),
)


@pytest.fixture(scope="module")
def finished(workshop: Path, one_thread: None) -> RunFolder:
    """A run that knows no feature from another test: those depend on their batch in the last digit."""
    folder = lay(workshop, workshop / "run-images", STEPS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(workshop / "home-images"))
        work(folder)
    return folder


def test_a_planned_run_gives_a_whole_report(finished: RunFolder) -> None:
    report = report_of(finished)
    found = rows(report)
    assert [point["rung"] for point in found["tiny/a"]["curve"]][-3:] == ["last-block", "longer", "full"]
    assert found["tiny/a"]["revision"].startswith("local:")
    assert found["tiny/a"]["transferability"]["h_score"] <= 2
    assert found["tiny/broken"]["status"] == "failed"
    assert "do not load" in found["tiny/broken"]["because"]
    assert {name for name, row in found.items() if row["kind"] == "baseline"} == {
        "baseline/majority", "baseline/colour-edges-logreg", "baseline/colour-edges-forest",
    }  # fmt: skip
    assert report["decision"]["winner"] != "baseline/majority"
    assert found["baseline/colour-edges-logreg"]["metrics"]["accuracy"]["value"] > 0.9
    assert "tiny/broken" in " ".join(report["decision"]["next_steps"])
    assert "data.examples" in report["brief_filled"]


def test_the_same_plan_gives_the_same_report(
    finished: RunFolder, workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "another"))
    again = lay(workshop, workshop / "run-again", STEPS)
    work(again)
    one, two = report_of(finished), report_of(again)
    for report in (one, two):
        report["recommendation"] = report["recommendation"]["considered"]
        report["decision"]["because"] = report["decision"]["next_steps"] = ""
        del report["probe"]["machine"]
    assert without_times(one) == without_times(two)


def test_a_finished_rung_is_never_climbed_again(finished: RunFolder) -> None:
    files = {path: path.stat().st_mtime_ns for path in (finished.path / "rungs").rglob("*.np*")}
    before = len(finished.events())
    work(finished)
    assert {path: path.stat().st_mtime_ns for path in (finished.path / "rungs").rglob("*.np*")} == files
    assert [event["kind"] for event in finished.events()[before:]] == ["start", "ready", "done"]


def test_a_tuning_goes_on_from_the_best_before_it_and_keeps_all_that_was_tuned(finished: RunFolder) -> None:
    from safetensors.numpy import load_file

    first, block, longer, full = finished.rungs("tiny/a")
    best = max((block, longer), key=lambda record: (record.curve[-1].metric.value, record.position))
    behind = first.curve[-1].metric.value > best.curve[-1].metric.value
    assert longer.hyperparameters["continues"] == "last-block"
    assert full.hyperparameters["continues"] == ("linear-probe" if behind else best.rung)
    assert (full.strategy, full.hyperparameters["layer_decay"]) == ("full", 0.85)
    some, all_of_it = (
        load_file(finished.learnt_path("tiny/a", record.position, record.rung)) for record in (block, full)
    )
    assert some.keys() < all_of_it.keys()
    again = Worker(finished, time.monotonic(), lambda: False)
    again.prepare()
    examples = finished.examples()
    for record in (longer, full):
        backbone, head = Subject(again.setting, record, again.locate).bring_back()
        answered = answer(backbone, head)([examples.contents[i] for i in examples.select])
        assert np.allclose(answered, finished.probabilities(record, "select"), atol=1e-4), record.rung


def test_tuning_without_a_probe_before_it(workshop: Path, majority_only: None) -> None:
    folder = lay(workshop, workshop / "run-straight", plan(a=("last-block",)))
    work(folder)
    row = rows(report_of(folder))["tiny/a"]
    assert row["status"] == "ok"
    assert row["strategy"] == "last-block"


def test_texts_climb_every_rung_within_a_generous_budget(workshop: Path) -> None:
    named = ["tiny/bert", "tiny/bert-half"]
    folder = lay(workshop, workshop / "run-texts", None, TEXTS, models=named, budget_s=900)
    work(folder)
    report = report_of(folder)
    found = rows(report)
    assert all(found[model]["status"] == "ok" for model in named)
    rungs = {point["rung"] for model in named for point in found[model]["curve"]}
    assert {"linear-probe", "full"} <= rungs, (
        "what promises most for its seconds; rungs between may be skipped"
    )
    reasons = ("climbed every rung", "could hardly overtake")
    assert all(any(reason in found[model]["because"] for reason in reasons) for model in named)
    assert folder.events()[-1]["because"].startswith(("no rung is left", "stopped after"))
    assert {"step", "rung", "rung-done"} <= {event["kind"] for event in folder.events()}
    assert any("loss" in event for event in folder.events())


def test_features_are_counted_over_all_parts(
    workshop: Path, majority_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(workshop / "home-counted"))
    monkeypatch.setattr("advisor.probe.setting.LEAST_APART_S", 0.0)
    monkeypatch.setattr(Clock, "room", 0.0)
    folder = lay(workshop, workshop / "run-counted", plan(bert=("linear-probe",)), TEXTS)
    work(folder)
    told = [event for event in folder.events() if event.get("what") == "features"]
    done = [event["done"] for event in told]
    assert done == sorted(done), "the count never falls back"
    assert {event["total"] for event in told} == {done[-1]} == {sum(SIZES.values())}
    assert len(done) > 4


def test_balanced_metrics_weigh_the_classes(workshop: Path, majority_only: None) -> None:
    brief = Brief(task="text-classification", metric="recall:refund")
    folder = lay(workshop, workshop / "run-recall", plan(bert=("linear-probe", "last-block", "lora")), brief)
    work(folder)
    row = rows(report_of(folder))["tiny/bert"]
    assert [point["rung"] for point in row["curve"]][-2:] == ["last-block", "lora"]
    assert "recall:refund" in row["metrics"]
    assert row["metrics"]["recall:refund"]["n"] == row["per_class"]["refund"]["n"]


def test_adapters_leave_plain_weights_that_answer_the_same(workshop: Path, majority_only: None) -> None:
    from safetensors.numpy import load_file

    folder = lay(workshop, workshop / "run-adapters", plan(bert=("last-block", "lora")), TEXTS)
    worker, examples = work(folder), folder.examples()
    block, lora = folder.rungs("tiny/bert")
    assert (lora.strategy, lora.hyperparameters["targets"]) == ("lora", "key query value")
    continues = lora.hyperparameters["continues"]
    assert continues == "last-block"
    some, more = (
        load_file(folder.learnt_path("tiny/bert", record.position, record.rung)) for record in (block, lora)
    )
    assert some.keys() < more.keys(), "what was tuned before is kept, too"
    assert any(".layer.0." in name for name in more)
    backbone, head = Subject(worker.setting, lora, worker.locate).bring_back()
    answered = answer(backbone, head)([examples.contents[i] for i in examples.select])
    assert np.allclose(answered, folder.probabilities(lora, "select"), atol=1e-4)


def test_only_text_encoders_that_take_adapters_are_offered_them(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = worker.card("tiny/a")
    takes = card.model_copy(update={"tuning": ("frozen", "lora"), "library": "transformers"})
    text = worker.examples.model_copy(update={"task": "text-classification"})
    for examples, one, adaptable in (
        (text, takes, True),
        (text, card, False),
        (worker.examples, takes, False),
    ):
        worker.ladder.examples = examples
        monkeypatch.setattr(Knowledge, "model", lambda self, model, one=one: one)
        assert worker.ladder.adaptable("tiny/a") == adaptable


def test_a_model_of_another_task_never_sees_the_data(workshop: Path, majority_only: None) -> None:
    """A text encoder would read the images' paths, and with them their labels."""
    folder = lay(workshop, workshop / "run-other-task", plan(bert=("linear-probe",)))
    work(folder)
    row = rows(report_of(folder))["tiny/bert"]
    assert row["status"] == "failed"
    assert "not made for image-classification" in row["because"]


@pytest.fixture
def worker(workshop: Path, tmp_path: Path, majority_only: None) -> Worker:
    """A worker at the foot of the ladder of a run of two models."""
    folder = lay(workshop, tmp_path / "run", None, models=["tiny/a", "tiny/b"], budget_s=100)
    ready = Worker(folder, time.monotonic(), lambda: False)
    ready.prepare()
    return ready


def test_whatever_one_model_does_is_a_row(worker: Worker) -> None:
    for error in (
        RuntimeError("odd shape"),
        TypeError("odd type"),
        AssertionError("odd"),
        IndexError("odd index"),
        MemoryError("odd size"),
        WeightsUnavailable("odd weights"),
    ):

        def fails(error: Exception = error) -> None:
            raise error

        assert not worker.guarded("tiny/a", "linear-probe", fails, (1, 2))
        ending = worker.folder.ending("tiny/a")
        assert ending is not None
        assert ending.status == "failed"
        assert "odd" in ending.because
        assert worker.folder.events()[-1]["kind"] == "model-ended"
    assert not worker.step("tiny/a", "linear-probe", place=(1, 2)), "a failed model is left alone"
    assert worker.step("tiny/b", "linear-probe", place=(2, 2))


def test_what_stops_the_run_is_no_row(worker: Worker) -> None:
    def stopped() -> None:
        raise Cancelled("x")

    with pytest.raises(Cancelled):
        worker.guarded("tiny/a", "linear-probe", stopped, (1, 2))
    assert worker.folder.ending("tiny/a") is None


def test_a_later_rung_that_fails_leaves_the_earlier_one(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, majority_only: None
) -> None:
    from advisor.probe.rungs import tuning

    def no_tuning(*args: Any, **more: Any) -> float:
        raise RuntimeError("diverged")

    monkeypatch.setattr(tuning, "tune", no_tuning)
    folder = lay(workshop, tmp_path / "run", plan(a=("linear-probe", "last-block")))
    work(folder)
    row = rows(report_of(folder))["tiny/a"]
    assert row["status"] == "ok"
    assert "last-block did not finish: RuntimeError: diverged" in row["because"]


def test_a_rung_that_killed_the_worker_is_not_tried_again(
    workshop: Path, tmp_path: Path, majority_only: None
) -> None:
    folder = lay(workshop, tmp_path / "run", plan(a=("linear-probe", "last-block")))
    folder.append_event(
        {"kind": "model-ended", "model": "tiny/a", "rung": "last-block", "died": True, "at": 1.0}
    )
    work(folder)
    assert [record.rung for record in folder.rungs("tiny/a")] == ["linear-probe"]


def test_what_killed_the_worker_and_all_above_it_is_left_alone(worker: Worker) -> None:
    for model in ("tiny/a", "tiny/b"):
        assert worker.step(model, "linear-probe", place=(1, 2))
    assert worker.ladder.above("tiny/a") == ["last-block", "full"], "nothing is there to learn more from"
    worker.ladder.deadly = frozenset({("tiny/a", "full")})
    assert worker.ladder.above("tiny/a") == ["last-block"]
    worker.ladder.deadly = frozenset({("tiny/a", "last-block")})
    assert worker.ladder.above("tiny/a") == []
    assert worker.ladder.above("tiny/b") == ["last-block", "full"]


def test_a_probe_on_more_examples_may_come_after_tuning(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrowed(worker, 12)
    assert worker.step("tiny/a", "linear-probe", place=(1, 1))
    assert worker.ladder.above("tiny/a") == ["linear-probe-all", "last-block", "full"]
    before = worker.ladder.gain("tiny/a", "linear-probe-all").mean
    (probe,) = worker.folder.rungs("tiny/a")
    tuned = probe.model_copy(update={"rung": "full", "curve": probe.curve[-1:]})
    monkeypatch.setattr(RunFolder, "rungs", lambda self, model: (probe, tuned))
    assert worker.ladder.above("tiny/a") == ["linear-probe-all", "search"]
    assert worker.ladder.gain("tiny/a", "linear-probe-all").mean == pytest.approx(before)
    better = {"linear-probe": best_point(probe), "full": best_point(probe) + 0.1}
    monkeypatch.setattr(Ladder, "reached", lambda self, model: better)
    assert worker.ladder.gain("tiny/a", "linear-probe-all").mean == pytest.approx(before - 0.1)


def test_lighter_tuning_counts_against_what_full_tuning_may_add(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = {"tiny/a": {"linear-probe": 0.7, "last-block": 0.72}, "tiny/b": {"linear-probe": 0.7}}
    monkeypatch.setattr(Ladder, "reached", lambda self, model: reached[model])
    a, b = (worker.ladder.gain(model, "full") for model in ("tiny/a", "tiny/b"))
    assert a.mean == pytest.approx(b.mean - 0.02)
    reached["tiny/b"]["full"] = 0.4
    assert worker.ladder.gain("tiny/a", "full").mean < 0 < a.mean, "this run teaches what tuning brings"


def test_a_download_that_takes_too_long_costs_only_its_own_model(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download asks whether to stop; past the model's limit it is told so."""
    import advisor.weights

    true_locate = advisor.weights.locate

    def slow_for_a(card: Any, knowledge: Any, **more: Any) -> Any:
        if card.id == "tiny/a":
            while not more["cancelled"]():
                time.sleep(0.02)
            raise Cancelled("The download was cancelled")
        return true_locate(card, knowledge, **more)

    monkeypatch.setattr(advisor.weights, "locate", slow_for_a)
    assert not worker.step("tiny/a", "linear-probe", place=(1, 2), limit=0.3)
    ending = worker.folder.ending("tiny/a")
    assert ending is not None
    assert ending.status == "stopped"
    assert "own time limit" in ending.because
    assert worker.step("tiny/b", "linear-probe", place=(2, 2), limit=60)


def test_out_of_time_before_the_first_rung(workshop: Path, tmp_path: Path) -> None:
    folder = lay(workshop, tmp_path / "run", None, models=["tiny/a"], budget_s=5)
    worker = Worker(folder, time.monotonic() - 6, lambda: False)
    worker.run()
    assert folder.events()[-1]["kind"] == "done"
    assert "time budget was spent" in folder.events()[-1]["because"]
    report = report_of(folder)
    assert {row["status"] for row in report["probe"]["results"]} == {"stopped"}
    assert report["decision"]["winner"] is None


def test_baselines_beyond_the_cheapest_come_after_the_first_rungs(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is kept for them: networks that spend all other time do not leave a run without them, and get the rest."""
    folder = lay(workshop, tmp_path / "run", None, models=["tiny/a", "tiny/b"], budget_s=1000)
    worker = Worker(folder, time.monotonic(), lambda: False)
    step, asked = Worker.step, list[str]()

    def slow(self: Worker, model: str, rung: str, **more: Any) -> bool:
        asked.append(model)
        if asked.count("tiny/b") == 1 and model == "tiny/b":
            self.clock._started -= self.clock.left + 1
        return step(self, model, rung, **more)

    monkeypatch.setattr(Worker, "step", slow)
    monkeypatch.setattr(Ladder, "gain", lambda self, model, rung: Gain(-0.5, 0.001))
    worker.run()
    began = [event["model"] for event in folder.events() if event["kind"] == "rung"]
    assert began[:6] == [
        "baseline/majority", "tiny/a", "tiny/b", "baseline/colour-edges-logreg", "baseline/colour-edges-forest",
        "tiny/b",
    ]  # fmt: skip
    (ended,) = (event for event in folder.events() if event["kind"] == "model-ended")
    assert "kept for what comes after" in ended["because"]
    assert {row["status"] for row in rows(report_of(folder)).values()} == {"ok"}


@pytest.fixture
def hurried(workshop: Path, tmp_path: Path, majority_only: None) -> Worker:
    """A worker with a budget of 400 s, of which 51 are kept for looking at the winner."""
    folder = lay(workshop, tmp_path / "run", None, models=["tiny/a"], budget_s=400)
    return Worker(folder, time.monotonic(), lambda: False)


def test_a_climb_that_takes_all_its_time_leaves_some_for_looking_at_the_winner(
    hurried: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, folder = hurried, hurried.folder

    def allocate(self: Worker) -> str:
        assert self.step("tiny/a", "linear-probe", place=(1, 1))
        self.clock._started -= 345
        self.clock.check()
        raise AssertionError("55 s are left, of which 51 are kept and the rest is spent")

    monkeypatch.setattr(Worker, "allocate", allocate)
    worker.clock._started -= 4
    worker.run()
    last, report = folder.events()[-1], report_of(folder)
    assert (last["kind"], "kept for what comes after" in last["because"]) == ("done", True)
    assert {row["name"]: row["status"] for row in report["checks"]["rows"]}["label-noise"] == "done"


def test_a_climb_that_takes_what_was_kept_too_leaves_no_check_begun(
    hurried: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, folder = hurried, hurried.folder

    def allocate(self: Worker) -> str:
        assert self.step("tiny/a", "linear-probe", place=(1, 1))
        self.clock._started -= 400
        return "no rung is left"

    monkeypatch.setattr(Worker, "allocate", allocate)
    worker.run()
    assert folder.events()[-1]["because"] == "The time budget was spent"
    checks = report_of(folder)["checks"]["rows"]
    assert {row["because"] for row in checks} == {"not begun: The time budget was spent"}


def test_the_parts_of_many_examples_are_small_and_whole_batches() -> None:
    assert part_edges(60) == [15, 30, 45, 60], "few are cut into four"
    assert part_edges(300) == [96, 144, 240, 300]
    edges = part_edges(1030)
    assert len(edges) == 16 and edges[-1] == 1030 and all(edge % 48 == 0 for edge in edges[:-1])
    assert len(part_edges(100_000)) == 16
    assert part_edges(1) == [1]


def test_too_little_time_for_the_next_rung_is_said(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ladder, "forecast", lambda self, model, rung: 1e6)
    worker.allocate()
    endings = [worker.folder.ending(model) for model in ("tiny/a", "tiny/b")]
    assert all(ending is not None and ending.status == "ok" for ending in endings)
    said = " ".join(ending.because for ending in endings if ending)
    assert "last-block would need about 1000000 s" in said
    waiting = [ending.waits for ending in endings if ending and ending.waits]
    assert waiting and all(one.seconds == 1e6 and one.left < 1e6 and one.gain > 0 for one in waiting)
    report = report_of(worker.folder)
    told = [row["waits"] for row in report["probe"]["results"] if row["waits"]]
    assert [one["seconds"] for one in told] == [1e6] * len(waiting)
    assert any("s more, a budget of" in step for step in report["decision"]["next_steps"])


def test_a_baseline_on_a_slow_machine_learns_from_a_part(worker: Worker) -> None:
    model, whole = "baseline/colour-edges-logreg", len(worker.examples.train)
    climb_baseline(worker.setting, model, most_seconds=0.0)
    (record,) = worker.folder.rungs(model)
    assert [point.examples for point in record.curve] == [max(10, round(whole / 4))]
    assert record.note == f"its time limit left {record.curve[-1].examples} of {whole} examples to learn from"


def test_a_baseline_with_time_enough_learns_from_all(worker: Worker) -> None:
    climb_baseline(worker.setting, "baseline/colour-edges-logreg", most_seconds=600.0)
    (record,) = worker.folder.rungs("baseline/colour-edges-logreg")
    assert record.curve[-1].examples == len(worker.examples.train)
    assert record.note == ""


def narrowed(worker: Worker, first: int) -> Worker:
    """Let the first rung learn from fewer examples than there are to learn from, and no feature be known."""
    worker.examples = worker.examples.model_copy(update={"first": first})
    unknown = FeatureCache(worker.folder.path / "unknown")
    worker.setting = replace(worker.setting, examples=worker.examples, cache=unknown)
    worker.ladder.examples = worker.examples
    return worker


def test_time_that_is_left_over_goes_into_as_many_more_examples_as_it_buys(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole second rung would need more than is left, a good part of it does not."""
    narrowed(worker, 12)
    monkeypatch.setattr(
        Ladder,
        "forecast",
        lambda self, model, rung: 1.5 * worker.clock.left if rung == "linear-probe-all" else 1e6,
    )
    learnt = Probe.layered

    def slow(self: Probe, positions: Sequence[int]) -> Any:
        if self.rung == "linear-probe-all" and len(positions) == len(self.train):
            raise OutOfTime("The model's own time limit was spent")
        return learnt(self, positions)

    monkeypatch.setattr(Probe, "layered", slow)
    worker.allocate()
    for model in ("tiny/a", "tiny/b"):
        first, wider = worker.folder.rungs(model)
        assert (first.rung, wider.rung) == ("linear-probe", "linear-probe-all")
        assert first.curve[-1].examples == 12 < wider.curve[-1].examples < len(worker.examples.train)
        assert "its time limit left" in wider.note
        choosing = len(worker.examples.select)
        evidence = collect(worker.folder).evidence
        assert evidence is not None
        assert set(evidence.logme[model]) == {12 + choosing, wider.curve[-1].examples + choosing}


@pytest.mark.parametrize(("pace", "parts"), [(0.5, 1), (2.0, 4), (float("inf"), 4)])
def test_training_examples_go_through_the_network_in_one_go_where_time_is_plenty(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, pace: float, parts: int
) -> None:
    """With 100 s left, 54 examples at 0.5 s are well within, at 2 s or at an unknown pace they may not be."""
    narrowed(worker, len(worker.examples.train))
    asked = list[int]()

    def embed(backbone: Any, contents: Sequence[str], clock: Any, tell: Any, keep: Any, **more: Any) -> None:
        asked.append(len(contents))
        keep(range(len(contents)), np.ones((len(contents), 4), dtype=np.float32))

    monkeypatch.setattr(rung, "embed", embed)
    probe = Probe(worker.setting, worker.locate("tiny/a"), "linear-probe", 0, 0.0)
    features, cut = probe.learnt(pace)
    assert (len(features), cut, sum(asked), len(asked)) == (54, False, 54, parts)


def test_what_time_cuts_off_is_lost_to_the_probe(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a prefix of the training examples is learnt from: what was computed beyond a gap is of one length."""
    narrowed(worker, len(worker.examples.train))

    def embed(backbone: Any, contents: Sequence[str], clock: Any, tell: Any, keep: Any, **more: Any) -> None:
        keep([0, 1, 2, 3, 4, 5, 6, 7, 9], np.ones((9, 4), dtype=np.float32))
        raise OutOfTime("The model's own time limit was spent")

    monkeypatch.setattr(rung, "embed", embed)
    features, cut = Probe(worker.setting, worker.locate("tiny/a"), "linear-probe", 0, 0.0).learnt(0.5)
    assert (len(features), cut) == (8, True)


@pytest.mark.parametrize(("whole", "share"), [(0.5, 0.2), (10.0, 0.9)])
def test_where_the_budget_cannot_carry_all_the_first_ones_get_what_they_need(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, whole: float, share: float
) -> None:
    """A model that takes a tenth of what all take gets twice its share where there is time for all."""
    limits: dict[str, float] = {}

    def step(model: str, rung: str, **more: Any) -> None:
        limits[model] = more["limit"] / worker.clock.left

    left = worker.clock.left
    monkeypatch.setattr(
        worker, "first_costs", lambda: {"tiny/a": 0.1 * whole * left, "tiny/b": 0.9 * whole * left}
    )
    monkeypatch.setattr(worker, "step", step)
    worker.allocate()
    assert limits == pytest.approx({"tiny/a": share, "tiny/b": 0.9}, abs=0.02)


def test_no_more_examples_than_before_are_no_rung(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    narrowed(worker, len(worker.examples.train) // 4)
    assert worker.step("tiny/a", "linear-probe", place=(1, 1))
    learnt = Probe.layered

    def slow(self: Probe, positions: Sequence[int]) -> Any:
        more = len(positions) > self.setting.examples.first and list(positions) != self.judged
        if self.rung == "linear-probe-all" and more:
            raise OutOfTime("The model's own time limit was spent")
        return learnt(self, positions)

    monkeypatch.setattr(Probe, "layered", slow)
    assert not worker.step("tiny/a", "linear-probe-all", place=(1, 1), limit=50)
    assert [record.rung for record in worker.folder.rungs("tiny/a")] == ["linear-probe"]


def test_the_run_stops_when_nothing_can_change_the_choice(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ladder, "gain", lambda self, model, rung: Gain(-0.5, 0.001))
    because = worker.allocate()
    assert because.startswith("stopped after")
    assert "cannot overtake" in because
    assert {len(worker.folder.rungs(model)) for model in ("tiny/a", "tiny/b")} == {1}
    ending = worker.folder.ending("tiny/a")
    assert ending is not None
    assert "could hardly overtake" in ending.because


def test_a_second_run_on_the_same_data_computes_no_feature(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, majority_only: None
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    one = lay(workshop, tmp_path / "one", plan(a=("linear-probe",)))
    work(one)
    monkeypatch.setattr(rung, "embed", lambda *args, **more: pytest.fail("everything is known"))
    fewer = plan(a=("linear-probe",)).model_copy(update={"examples": SplitSizes(**SIZES | {"train": 30})})
    two = lay(workshop, tmp_path / "two", fewer)
    work(two)
    first, second = one.rungs("tiny/a")[0], two.rungs("tiny/a")[0]
    assert (first.latency_ms, first.peak_memory_mb) == (second.latency_ms, second.peak_memory_mb)
    assert second.curve[-1].examples == 30
    (told,) = (event for event in two.events() if event["kind"] == "recalled")
    assert (told["model"], told["latency_ms"]["p50"]) == ("tiny/a", first.latency_ms.p50)  # type: ignore[union-attr]


def test_features_that_find_no_place_in_the_cache_are_kept_with_the_run(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, majority_only: None
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "features").write_text("in the way")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    folder = lay(workshop, tmp_path / "run", plan(a=("linear-probe", "last-block")))
    work(folder)
    assert len(folder.rungs("tiny/a")) == 2
    assert list((folder.rung_folder("tiny/a") / "features").glob("*/*.npz"))


def test_stopping_raises_and_is_told(workshop: Path, tmp_path: Path, majority_only: None) -> None:
    folder = lay(workshop, tmp_path / "run", plan(a=("linear-probe",)))
    with pytest.raises(Cancelled):
        work(folder, lambda: bool(folder.rungs("baseline/majority")))
    assert folder.events()[-1]["kind"] == "cancelled"
    report = report_of(folder)
    assert rows(report)["baseline/majority"]["status"] == "ok"
    assert rows(report)["tiny/a"]["status"] == "stopped"


def test_a_model_that_has_gone_meanwhile_is_no_crash(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay(workshop, tmp_path / "run", None, models=["tiny/a", "tiny/b"], budget_s=100)
    monkeypatch.setenv("ADVISOR_MODELS", str(tmp_path))
    monkeypatch.setattr(Worker, "baseline", lambda self, model, seconds=None: None)
    work(folder)
    ending = folder.ending("tiny/a")
    assert ending is not None
    assert ending.status == "failed"
    assert "tiny/a" in ending.because


def test_out_of_time_is_no_cancel() -> None:
    assert not issubclass(OutOfTime, Cancelled)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_log_on_a_full_disk_stops_nobody(workshop: Path, tmp_path: Path) -> None:
    folder = lay(workshop, tmp_path / "run", plan(bert=("linear-probe",)), TEXTS)
    command = [sys.executable, "-m", "advisor.probe.worker", str(folder.path)]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command, stdout=full, stderr=full, env={**os.environ, SUPERVISOR: str(os.getpid())}, check=False
        )
    assert ended.returncode == 0
    assert [record.rung for record in folder.rungs("tiny/bert")] == ["linear-probe"]
