"""What the rungs share whose body was changed without a head: a head on what the body sees then."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.probe.choice import Chosen, choose_head
from advisor.probe.features import embed
from advisor.probe.rungs.rung import Rung
from advisor.result import CurvePoint

__all__ = ["Refitted"]


class Refitted(Rung):
    """A rung that changes the body, and then fits a head on the new features as a linear probe does."""

    def refit(
        self,
        body: Mapping[str, NDArray[Any]],
        epochs: int,
        spent: float,
        strategy: str,
        settings: Mapping[str, Any],
    ) -> None:
        """Fit a head on what the changed body sees, and keep both.

        :param body: what of the body was changed, by name.
        :param epochs: how often each example was looked at on the way.
        :param spent: seconds that the change took.
        :param settings: how it was changed.
        """
        setting = self.setting
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        tell = setting.steps(self.weights.model, self.rung, "measuring")
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
        point = setting.point(self.rung, len(contents), epochs, spent, answers[:n])
        head = {f"head.{name}": getattr(chosen.head, name) for name in ("centre", "spread", "weight", "bias")}
        self.keep({f"body.{name}": values for name, values in body.items()} | head)
        self.save(
            answers, [point], self.answer(chosen.head), {**chosen.settings, **settings}, strategy, throughput,
            note=self.note(point, chosen),
        )  # fmt: skip

    def note(self, point: CurvePoint, chosen: Chosen) -> str:
        """Say what is worth saying of how it went."""
        return chosen.note
