"""The rung for a handful of examples per class: tuning by comparing pairs, then a head."""

import time

from advisor.probe.few_shot import RECIPES, contrast
from advisor.probe.rungs.refitted import Refitted

__all__ = ["FewShot"]


class FewShot(Refitted):
    """The body learns from pairs what belongs together; the head is fitted on what it sees then."""

    def climb(self) -> None:
        """Compare, fit a head on what the body sees then, and keep both."""
        setting, model = self.setting, self.weights.model
        if self.backbone.module is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        recipe = RECIPES[setting.examples.task]
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        since = time.monotonic()
        tell = setting.steps(model, self.rung, "tuning")
        tuned = contrast(
            self.backbone, contents, truth, recipe, setting.clock, seed=setting.seed, progress=tell
        )
        body = {name: parameter.detach().cpu().numpy() for name, parameter in tuned.items()}
        settings = {
            "epochs": recipe.visits,
            "learning_rate": recipe.rate,
            "weight_decay": recipe.weight_decay,
            "compared_at_once": recipe.batch_size,
            "schedule": "warm-up, then linear",
        }
        self.refit(body, recipe.visits, time.monotonic() - since, "contrast", settings)
