"""Learning ends when what was kept aside gains nothing more, and the best pass is what stays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import WORDS, bert_model, picture, sentence, timm_model
from torch import nn

from advisor.probe.backbone import Backbone, load_backbone
from advisor.probe.clock import Clock
from advisor.probe.features import embed
from advisor.probe.head import fit_head
from advisor.probe.recipes import Recipe, Scope
from advisor.probe.stopping import ENOUGH, PATIENCE, Stopping, asleep, hold_out, kept_aside
from advisor.probe.tune import Tuned, TunedHead, tune
from advisor.weights import Weights

pytestmark = pytest.mark.usefixtures("one_thread")

CLOCK = Clock(None, 0.0, lambda: False)
TEXTS = [sentence(list(WORDS)[i % 3], i) for i in range(ENOUGH)]
NONSENSE = np.random.default_rng(0).integers(0, 3, ENOUGH)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_model(tmp_path_factory.mktemp("stopping") / "bert")


def load(folder: Path, loader: Any = "transformers") -> Backbone:
    files = (folder / "model.safetensors",)
    weights = Weights("m", "local", loader, "local:0", folder, files, 0.1, None, None)
    return load_backbone(weights, lambda content: picture("red", int(content), 32))


def overfitted(folder: Path, scope: Scope, n: int = ENOUGH, **more: Any) -> tuple[Tuned, float]:
    """Tune much too fast on labels that say nothing.

    :return: what came of it, and the loss of what stays on the part that was kept aside.
    """
    body, texts, truth = load(folder), TEXTS[:n], NONSENSE[:n]
    head = TunedHead(fit_head(embed(body, texts, CLOCK), truth, 3, seed=0, strength=0.001))
    recipe = Recipe(8, 2e-2, head_rate=3e-2, scope=scope, batch_size=32)
    tuned = tune(body, head, texts, truth, recipe, CLOCK, seed=0, **more)
    aside = hold_out(truth, 0)
    found = head.probabilities(embed(body, [texts[i] for i in aside], CLOCK))
    return tuned, float(-np.log(found[np.arange(len(aside)), truth[aside]]).mean())


@pytest.mark.parametrize("scope", ["last-block", "lora"])
def test_the_loss_of_what_stays_is_what_is_told(folder: Path, scope: Scope) -> None:
    tuned, loss = overfitted(folder, scope)
    assert tuned.held == ENOUGH // 8
    assert tuned.epochs <= tuned.made
    assert loss == pytest.approx(tuned.held_loss, rel=1e-3)


def test_what_does_harm_is_stopped_and_its_best_pass_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pass answers all that was kept aside; what follows answers less and less of it."""
    kept: list[torch.Tensor] = []
    body = load(folder)
    head = TunedHead(fit_head(embed(body, TEXTS, CLOCK), NONSENSE, 3, seed=0, strength=0.001))

    def worse(*more: Any) -> tuple[np.ndarray, float]:
        kept.append(head.linear.weight.detach().clone())
        return np.arange(ENOUGH // 8) < 5 * (len(kept) - 1), 1.0 / len(kept)

    monkeypatch.setattr("advisor.probe.tune._judge", worse)
    tuned = tune(body, head, TEXTS, NONSENSE, Recipe(8, 1e-3), CLOCK, seed=0)
    assert (tuned.epochs, tuned.made, tuned.stopped, tuned.held_loss) == (1, 1 + PATIENCE, True, 1.0)
    assert torch.equal(head.linear.weight, kept[0])
    assert not torch.equal(kept[0], kept[-1])


def test_the_same_seed_stops_at_the_same_pass(folder: Path) -> None:
    assert overfitted(folder, "last-block") == overfitted(folder, "last-block")


def test_few_examples_are_all_learnt_from(folder: Path) -> None:
    tuned, _ = overfitted(folder, "last-block", n=ENOUGH - 1)
    assert (tuned.held, tuned.epochs, tuned.made, tuned.stopped) == (0, 8, 8, False)
    assert tuned.held_loss == float("inf")


def test_what_is_kept_aside_is_never_learnt_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = load(folder)
    head = TunedHead(fit_head(embed(body, TEXTS[:30], CLOCK), NONSENSE[:30], 3, seed=0, strength=0.001))
    aside = np.array([3, 7, 20])
    learnt: set[str] = set()
    prepare = body.prepare

    def noted(contents: Any) -> Any:
        learnt.update(contents)
        return prepare(contents)

    monkeypatch.setattr(body, "prepare", noted)
    told: list[int] = []
    monkeypatch.setattr("advisor.probe.tune._judge", lambda *more: (np.zeros(3, dtype=bool), 1.0))
    tuned = tune(
        body, head, TEXTS[:30], NONSENSE[:30], Recipe(2, 1e-3), CLOCK, seed=0, held=aside,
        progress=lambda step, steps, loss: told.append(steps),
    )  # fmt: skip
    assert learnt == {TEXTS[i] for i in range(30) if i not in aside}
    assert told == [4] * 4, "27 examples in batches of 16, twice"
    assert (tuned.held, tuned.epochs, tuned.made) == (3, 2, 2)


def test_changed_views_are_drawn_anew_and_again_alike(tmp_path: Path) -> None:
    folder = timm_model(tmp_path / "timm")
    contents, truth = [f"{i}" for i in range(24)], np.arange(24) % 3
    results = []
    for changed, batch in ((False, 16), (True, 16), (True, 16), (True, 5)):
        body = load(folder, "timm")
        body.batch_size = batch
        head = TunedHead(fit_head(embed(body, contents, CLOCK), truth, 3, seed=0, strength=0.001))
        recipe = Recipe(2, 1e-3, dropout=0.0, batch_size=8)
        tune(body, head, contents, truth, recipe, CLOCK, seed=0, changed=changed)
        results.append(head.linear.weight.detach().clone())
    plain, one, two, parts = results
    assert torch.equal(one, two)
    assert torch.allclose(one, parts, atol=2e-3), "a smaller batch in memory sees the same views"
    assert not torch.allclose(plain, one, atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=9))
def test_only_what_surely_does_harm_is_taken_back(wrong: list[int]) -> None:
    """More of the same 30 examples are answered wrongly: three more than at best are more than chance, two are not."""
    parameter = nn.Parameter(torch.zeros(1))
    stopping = Stopping(
        [parameter], lambda: (np.arange(30) < wrong[int(parameter) - 1], float(wrong[int(parameter) - 1]))
    )
    made = 0
    for number in range(1, len(wrong) + 1):
        with torch.no_grad():
            parameter.fill_(number)
        made = number
        if stopping.after_pass(last=number == len(wrong)):
            break
    stopping.go_back()
    seen = wrong[:made]
    best = int(np.argmin(seen)) + 1
    harm = seen[-1] - min(seen) >= 3
    assert stopping.kept == (best if harm else made) == int(parameter)
    assert stopping.loss == seen[stopping.kept - 1]
    assert made == len(wrong) or all(value - min(seen) >= 3 for value in seen[-PATIENCE:])


@pytest.mark.parametrize("rising", [0.0, 0.5])
def test_a_rising_loss_alone_stops_nothing(rising: float) -> None:
    losses = iter(np.arange(1.0, 9.0) * rising)
    parameter = nn.Parameter(torch.zeros(1))
    stopping = Stopping([parameter], lambda: (np.arange(30) < 3, float(next(losses))))
    assert not any(stopping.after_pass(last=number == 7) for number in range(8))
    stopping.go_back()
    assert stopping.kept == 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=ENOUGH, max_size=300), st.integers(0, 99))
def test_a_stratified_eighth_is_kept_aside(labels: list[int], seed: int) -> None:
    truth = np.array(labels)
    aside = kept_aside(truth, 4, seed)
    assert len(aside) == round(len(truth) / 8) == len(set(aside.tolist()))
    for label in set(labels):
        share = len(truth[truth == label]) / 8
        assert abs(np.sum(truth[aside] == label) - share) <= 1.5
    assert len(kept_aside(truth, 1, seed)) == 0
    assert len(kept_aside(truth[: ENOUGH - 1], 4, seed)) == 0


def test_what_sleeps_wakes_as_it_was() -> None:
    net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3))
    net.eval()
    net[0].train()
    with asleep(net):
        assert not any(part.training for part in net.modules())
    assert [part.training for part in net.modules()] == [False, True, False]
