"""The uppermost rung: some settings are tried on a part of the training examples, and the best learns from all."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from advisor.probe.adapters import attention
from advisor.probe.backbone import load_backbone
from advisor.probe.clock import OutOfTime
from advisor.probe.recipes import Scope
from advisor.probe.rungs.tuning import Tuning
from advisor.probe.stopping import hold_out
from advisor.probe.trials import ASIDE, FEWEST, MOST, Trial, suggest
from advisor.probe.tune import TunedHead, tune

__all__ = ["Search"]


class Search(Tuning):
    """Every trial, and the best setting after them, begins at the pretrained weights.

    What an earlier rung has tuned has learnt from the very examples that the trials are judged by.
    """

    def climb(self) -> None:
        """Try settings, train the best one on all training examples, and keep it as every tuning is kept."""
        if self.backbone.module is None:
            raise ValueError(f"{self.weights.model} gives features only and cannot be tuned")
        setting = self.setting
        augmentation, said = self.augmentation()
        scopes: list[Scope] = ["full", "last-block"]
        if setting.examples.task == "text-classification" and attention(self.backbone.module):
            scopes.append("lora")
        since = time.monotonic()
        trials = suggest(setting.examples.task, scopes, len(self.train), setting.balanced, setting.seed, MOST)
        losses, aside = self.try_out(trials, augmentation["augmentation"] == "on")
        won = int(np.argmin(losses))
        best = trials[won]
        self.renew()
        head = self.head(np.arange(len(self.train)))
        tuned = self.learn(head, best.recipe, augmentation)
        more = {
            **augmentation,
            "continues": "pretrained",
            "trials": len(losses),
            "trial_won": won + 1,
            "trial_passes": best.short.epochs,
            "trial_examples": aside,
            "trial_loss": losses[won],
            "usual_loss": losses[0],
            "rate_factor": best.factor,
        }
        found = _found(best, losses, won, aside)
        self.finish(head, best.recipe, tuned, set(), time.monotonic() - since, more, [said, found])

    def try_out(self, trials: Sequence[Trial], changed: bool) -> tuple[list[float], int]:
        """Learn with each setting, as far as there is time, and measure the loss on examples kept aside.

        :param changed: learn from changed views.
        :return: the loss of what each trial ended with, and how many examples judged.
        :raises OutOfTime: if there is no time for the fewest trials and for the training after them.
        """
        setting = self.setting
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        aside = hold_out(truth, setting.seed, ASIDE)
        learnt = np.setdiff1d(np.arange(len(truth)), aside)
        if not len(aside):
            raise ValueError(f"{len(truth)} examples are too few to keep some of them aside for a search")
        losses: list[float] = []
        slowest = 0.0
        for number, trial in enumerate(trials):
            afterwards = slowest * trial.recipe.epochs / trial.short.epochs / (1 - ASIDE) + self.judging_s()
            if number and setting.clock.left < slowest + afterwards:
                if number < FEWEST:
                    raise OutOfTime(f"There was time for {number} of at least {FEWEST} trials")
                break
            since = time.monotonic()
            if number:
                self.renew()
            tell = setting.steps(self.weights.model, self.rung, f"trial {number + 1} of {len(trials)}")
            tuned = tune(
                self.backbone, self.head(learnt), contents, truth, trial.short, setting.clock,
                seed=setting.seed, reserve_s=self.judging_s(), changed=changed, held=aside, progress=tell,
            )  # fmt: skip
            losses.append(tuned.held_loss)
            slowest = max(slowest, time.monotonic() - since)
        return losses, len(aside)

    def head(self, places: NDArray[np.int64]) -> TunedHead:
        """Fit a soft linear probe on some of the training examples, by the features of the pretrained body."""
        positions = [self.train[place] for place in places]
        return TunedHead(self.fit(self.features(positions), self.setting.truth[positions], self.strength()))

    def renew(self) -> None:
        """Load the pretrained weights again; the batch stays as small as memory has made it."""
        size = self.backbone.batch_size
        del self.backbone
        self.backbone = load_backbone(self.weights, self.setting.open_image)
        self.backbone.batch_size = size
        self.setting.clock.check()


def _found(best: Trial, losses: Sequence[float], won: int, aside: int) -> str:
    if won == 0:
        return (
            f"The search tried {len(losses)} settings on {aside} examples kept aside: the usual one did best "
            f"(loss {losses[0]:.3f})"
        )
    return (
        f"The search tried {len(losses)} settings on {aside} examples kept aside: {best.recipe.scope} at "
        f"{best.factor:.2f} times the usual rates did best (loss {losses[won]:.3f}, the usual setting {losses[0]:.3f})"
    )
