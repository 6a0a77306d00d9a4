"""First rungs of earlier probes: found again only where the very same one is asked for."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.brief import Brief
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe import recall
from advisor.probe.plan import BASELINES
from advisor.probe.recall import NOTE, Finished
from advisor.probe.setting import Setting
from advisor.probe.worker import Worker

MODEL, BASELINE = "tiny/a", "baseline/colour-edges-logreg"
STEPS = Plan.model_validate(
    {"examples": {"train": 24, "select": 12, "report": 12}, "models": {MODEL: ("linear-probe",)}}
)
pytestmark = pytest.mark.usefixtures("one_thread", "one_baseline")


@pytest.fixture
def one_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BASELINES, "image-classification", (BASELINE,))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def probe(workshop: Path, tmp_path: Path) -> Callable[[str], Worker]:
    def run(name: str) -> Worker:
        request = ProbeRequest(
            Brief(task="image-classification"),
            workshop / "pictures",
            tmp_path / name,
            plan=STEPS,
            offline=True,
        )
        worker = Worker(prepare(request), time.monotonic(), lambda: False)
        worker.run()
        return worker

    return run


def found_again(folder: RunFolder) -> list[str]:
    return [event["model"] for event in folder.events() if event["kind"] == "recalled"]


def test_what_is_found_again_is_what_was_found(probe: Callable[[str], Worker]) -> None:
    one, two = probe("one").folder, probe("two").folder
    assert (found_again(one), found_again(two)) == ([], [BASELINE, MODEL])
    for model in (BASELINE, MODEL):
        (first,), (second,) = one.rungs(model), two.rungs(model)
        assert second.note.endswith(NOTE)
        changed = {
            "note": first.note,
            "seconds": first.seconds,
            "predictions_sha256": first.predictions_sha256,
        }
        assert second.model_copy(update=changed) == first
        assert np.array_equal(one.probabilities(first, "select"), two.probabilities(second, "select"))
        assert np.array_equal(one.probabilities(first, "report"), two.probabilities(second, "report"))
    cross = one.cross(one.rungs(MODEL)[0])
    assert cross is not None and np.array_equal(cross, two.cross(two.rungs(MODEL)[0]))  # type: ignore[arg-type]
    learnt = [folder.learnt_path(MODEL, 0, "linear-probe").read_bytes() for folder in (one, two)]
    assert learnt[0] == learnt[1]


def test_a_first_ranking_found_again_needs_no_torch(
    probe: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe("one")
    monkeypatch.setattr(Worker, "examine", lambda self: None)
    assert not probe("two").warm


def other(setting: Setting, **examples: Any) -> Setting:
    return replace(setting, examples=setting.examples.model_copy(update=examples), digests={})


DIFFERENT: dict[str, Callable[[Setting], Setting]] = {
    "seed": lambda setting: replace(setting, seed=setting.seed + 1),
    "metric": lambda setting: replace(setting, metric="macro_f1"),
    "weights of the classes": lambda setting: replace(setting, balanced=not setting.balanced),
    "names of the classes": lambda setting: other(setting, labels=tuple(reversed(setting.examples.labels))),
    "a label": lambda setting: other(
        setting, truth=_turned(setting.examples.truth, setting.examples.train[0])
    ),
    "an example": lambda setting: replace(
        setting, digests={}, digest=lambda content: setting.digest(content)[::-1]
    ),
    "the order": lambda setting: other(setting, train=tuple(reversed(setting.examples.train))),
    "fewer to learn from": lambda setting: other(
        setting, train=setting.examples.train[:-1], first=setting.examples.first - 1
    ),
    "fewer to choose by": lambda setting: other(setting, select=setting.examples.select[:-1]),
    "fewer to judge by": lambda setting: other(setting, report=setting.examples.report[:-1]),
}


def _turned(truth: tuple[int, ...], place: int) -> tuple[int, ...]:
    return (*truth[:place], (truth[place] + 1) % 3, *truth[place + 1 :])


@pytest.mark.parametrize("what", DIFFERENT)
def test_anything_else_is_another_rung(what: str, probe: Callable[[str], Worker]) -> None:
    setting = probe("one").setting
    for model, rung in ((BASELINE, "fit"), (MODEL, "linear-probe")):
        same, another = (
            Finished(one, model, rung, model).path for one in (setting, DIFFERENT[what](setting))
        )
        assert same != another
        assert same == Finished(other(setting), model, rung, model).path


def test_other_weights_and_other_surroundings_are_another_rung(
    probe: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = probe("one").setting
    before = Finished(setting, MODEL, "linear-probe", "one").path
    assert Finished(setting, MODEL, "linear-probe", "two").path != before
    assert Finished(setting, MODEL, "linear-probe", "one", "MIT").path != before
    recall._surroundings.cache_clear()
    monkeypatch.setattr(recall, "usable_cores", lambda: 77)
    assert Finished(setting, MODEL, "linear-probe", "one").path != before
    recall._surroundings.cache_clear()


@pytest.mark.parametrize("spoil", [lambda content: b"", lambda content: content[:200], lambda content: b"no"])
def test_a_damaged_one_is_climbed_anew(
    spoil: Callable[[bytes], bytes], probe: Callable[[str], Worker], home: Path
) -> None:
    one = probe("one").folder
    for path in home.rglob("finished-*.npz"):
        path.write_bytes(spoil(path.read_bytes()))
    two = probe("two").folder
    assert found_again(two) == [MODEL], "its costs alone"
    assert two.rungs(MODEL)[0].curve[-1].metric == one.rungs(MODEL)[0].curve[-1].metric


def test_a_rung_that_time_has_cut_is_not_kept(probe: Callable[[str], Worker]) -> None:
    worker = probe("one")
    kept = Finished(worker.setting, BASELINE, "fit", BASELINE)
    kept.path.unlink()
    (record,) = worker.folder.rungs(BASELINE)
    short = record.model_copy(update={"curve": record.curve[:-1]})
    select, report = (worker.folder.probabilities(record, split) for split in ("select", "report"))
    worker.folder.save_rung(short, select, report)
    kept.keep()
    assert not kept.recall()
    worker.folder.save_rung(record, select, report)
    kept.keep()
    assert kept.recall()


def test_where_nothing_can_be_kept_the_run_goes_on(probe: Callable[[str], Worker], home: Path) -> None:
    home.mkdir()
    (home / "features").write_text("in the way")
    assert len(probe("one").folder.rungs(MODEL)) == 1
