"""The search rung: settings tried apart from what judges them, and the best one learnt anew from all examples."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.features import embed
from advisor.probe.rungs import search
from advisor.probe.rungs.search import Search
from advisor.probe.trials import suggest
from advisor.probe.tune import Tuned

WORDS = ["warm hot sun", "cold ice snow"]
TEXTS = [f"{WORDS[i % 2].split()[i % 3]} day number {i}" for i in range(60)]
TRUTH = np.arange(60) % 2


class Stack(nn.Module):
    """Two layers in a list, as encoders have them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([nn.Linear(16, 16), nn.Linear(16, 8)])

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.layers[1](torch.tanh(self.layers[0](batch)))
        return values


class Counted:
    """Counts letters, and passes the counts through two layers."""

    def __init__(self) -> None:
        self.module: nn.Module | None = Stack()
        self.batch_size = 16
        self.source = None

    def prepare(self, contents: Any) -> torch.Tensor:
        return torch.tensor(
            [[float(text.count(letter)) for letter in "abcdehinorstuwyz"] for text in contents]
        )

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        assert self.module is not None
        features: torch.Tensor = self.module(batch)
        return features


def rung(monkeypatch: pytest.MonkeyPatch, clock: Clock | None = None) -> Any:
    """A search over 40 texts, with 20 to choose by, that keeps what it would write."""
    kept: dict[str, Any] = {}
    examples = SimpleNamespace(
        task="text-classification", labels=("warm", "cold"), select=list(range(40, 60)), report=[], first=40
    )
    setting = SimpleNamespace(
        examples=examples, clock=clock or Clock(None, 0.0, lambda: False), seed=0, balanced=False, truth=TRUTH,
        contents=lambda positions: [TEXTS[i] for i in positions],
        steps=lambda model, rung, what: lambda done, total, loss=None: kept.setdefault("told", []).append(what),
        point=lambda rung, n, epochs, seconds, select: SimpleNamespace(
            examples=n, epochs=epochs, metric=SimpleNamespace(value=float((select.argmax(1) == TRUTH[40:]).mean()))
        ),
        open_image=None,
    )  # fmt: skip
    one: Any = object.__new__(Search)
    one.setting, one.rung, one.before, one.kept = setting, "search", [], kept
    one.weights = SimpleNamespace(model="tiny")
    one.train, one.judged = list(range(40)), list(range(40, 60))
    one.backbone = Counted()
    one.features = lambda positions: embed(Counted(), [TEXTS[i] for i in positions], setting.clock)
    one.fit = lambda features, truth, strength: search_head(features, truth)
    one.keep = lambda tensors: kept.update(tensors=tensors)
    one.save = lambda *given, **more: kept.update(saved=given, **more)
    monkeypatch.setattr(search, "load_backbone", lambda weights, open_image: Counted())
    monkeypatch.setattr(search, "MOST", 4)
    return one


def search_head(features: Any, truth: Any) -> Any:
    from advisor.probe.head import fit_head

    return fit_head(features, truth, 2, seed=0, strength=0.01)


def test_the_best_setting_learns_anew_from_all_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    one = rung(monkeypatch)
    asked: list[dict[str, Any]] = []
    bodies: list[float] = []
    true_tune = search.tune

    def noted(
        backbone: Any, head: Any, contents: Any, truth: Any, recipe: Any, clock: Any, **more: Any
    ) -> Tuned:
        bodies.append(float(backbone.module.layers[0].weight.detach().sum()))
        asked.append({"contents": contents, "recipe": recipe, **more})
        return true_tune(backbone, head, contents, truth, recipe, clock, **more)

    monkeypatch.setattr(search, "tune", noted)
    monkeypatch.setattr("advisor.probe.rungs.tuning.tune", noted)
    one.climb()
    *trials, final = asked
    assert len(trials) == 4
    assert len(set(bodies)) == 1, "every one begins at the pretrained weights"
    assert all(
        len(trial["held"]) == 8 and np.array_equal(trial["held"], trials[0]["held"]) for trial in trials
    )
    assert "held" not in final and len(final["contents"]) == 40
    judged, (point,), _, settings, strategy, _ = one.kept["saved"]
    assert judged.shape == (20, 2)
    assert point.examples == 40
    assert (settings["trials"], settings["trial_examples"], settings["continues"]) == (4, 8, "pretrained")
    assert settings["trial_loss"] <= settings["usual_loss"]
    won = trials[settings["trial_won"] - 1]["recipe"]
    assert final["recipe"].epochs == 8 == 2 * won.epochs
    assert (final["recipe"].scope, final["recipe"].body_rate) == (won.scope, won.body_rate)
    assert strategy == won.scope
    assert settings["learning_rate"] == won.body_rate
    assert "The search tried 4 settings on 8 examples kept aside" in one.kept["note"]
    assert {"trial 1 of 4", "trial 4 of 4", "tuning", "measuring"} <= set(one.kept["told"])
    assert {"head.weight", "body.layers.1.weight"} <= set(one.kept["tensors"])


def test_as_many_trials_as_there_is_time_for_and_the_fewest_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    one = rung(monkeypatch, Clock(1000.0, 0.0, lambda: False, lambda: now[0]))
    trials = suggest("text-classification", ["full"], 40, False, 0, trials=6)
    made: list[int] = []

    def slowly(*given: Any, **more: Any) -> Tuned:
        made.append(len(more["held"]))
        now[0] += 100.0
        return Tuned(0.1, 1, 1, 16, len(more["held"]), 1.0 / len(made))

    monkeypatch.setattr(search, "tune", slowly)
    monkeypatch.setattr(search.time, "monotonic", lambda: now[0])
    losses, aside = one.try_out(trials, False)
    assert aside == 8
    assert len(losses) == 6, "after six trials of 100 s, 250 s for the best one are still left"
    now[0], made[:] = 300.0, []
    losses, _ = one.try_out(trials, False)
    assert len(losses) == 4, "a fifth would leave too little for the best one"
    now[0], made[:] = 600.0, []
    with pytest.raises(OutOfTime, match="time for 1 of at least 3 trials"):
        one.try_out(trials, False)


def test_a_handful_of_examples_cannot_be_searched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    one = rung(monkeypatch)
    one.train = [0, 1]
    with pytest.raises(ValueError, match="too few to keep some of them aside"):
        one.try_out(suggest("text-classification", ["full"], 2, False, 0), False)
