"""The rung for a handful of examples per class: tuning by comparing pairs, then a head."""

import time

import numpy as np

from advisor.probe.choice import choose_head
from advisor.probe.features import embed
from advisor.probe.few_shot import TEXT, contrast
from advisor.probe.rungs.rung import Rung

__all__ = ["FewShot"]


class FewShot(Rung):
    """The body learns from pairs what belongs together; the head is fitted on what it sees then."""

    def climb(self) -> None:
        """Compare, fit a head on what the body sees then, and keep both."""
        setting, model = self.setting, self.weights.model
        if self.backbone.module is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        since = time.monotonic()
        tell = setting.steps(model, self.rung, "tuning")
        tuned = contrast(
            self.backbone, contents, truth, TEXT, setting.clock, seed=setting.seed, progress=tell
        )  # fmt: skip
        spent = time.monotonic() - since
        tell = setting.steps(model, self.rung, "measuring")
        since = time.monotonic()
        features = embed(self.backbone, [*contents, *setting.contents(self.judged)], setting.clock, tell)
        throughput = len(features) / (time.monotonic() - since)
        learnt, judged = np.split(features, [len(contents)])
        n = len(setting.examples.select)
        chosen = choose_head(
            learnt, truth, setting.examples.labels, judged[:n], setting.truth[list(setting.examples.select)],
            metric=setting.metric, balanced=setting.balanced, seed=setting.seed, check=setting.clock.go_on,
        )  # fmt: skip
        answers = chosen.head.probabilities(judged)
        point = setting.point(self.rung, len(contents), TEXT.visits, spent, answers[:n])
        body = {f"body.{name}": parameter.detach().cpu().numpy() for name, parameter in tuned.items()}
        head = {f"head.{name}": getattr(chosen.head, name) for name in ("centre", "spread", "weight", "bias")}
        self.keep(body | head)
        hyperparameters = {
            **chosen.settings,
            "epochs": TEXT.visits,
            "learning_rate": TEXT.rate,
            "weight_decay": TEXT.weight_decay,
            "compared_at_once": TEXT.batch_size,
            "schedule": "warm-up, then linear",
        }
        self.save(
            answers, [point], self.answer(chosen.head), hyperparameters, "contrast", throughput,
            note=chosen.note,
        )  # fmt: skip
