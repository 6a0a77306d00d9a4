"""The rungs that leave the body as it is: frozen features and a linear probe."""

import time
from itertools import takewhile
from math import inf, lcm

import numpy as np
from numpy.typing import NDArray

from advisor.probe.backbone import BATCH_SIZE, IMAGES_AT_ONCE
from advisor.probe.choice import Chosen, choose_head
from advisor.probe.clock import OutOfTime
from advisor.probe.features import of_layers
from advisor.probe.rungs.rung import Rung
from advisor.probe.rungs.sizes import learnable, learning_sizes
from advisor.probe.setting import Probabilities
from advisor.probe.transfer import transferability

__all__ = ["Probe", "part_edges"]

FEWEST_PARTS, MOST_PARTS, PART_EXAMPLES = 4, 16, 64
FEWEST_TIMED = 32
MOST_CROSSED = 1500
AMPLE = 1.5
"""How many times as long as the training features should take must be left for them to be computed in one go."""


class Probe(Rung):
    """Frozen features and a logistic regression, at growing numbers of examples.

    The examples to judge by come first, then the training examples: all in one go, which pads texts least, where there
    should be time for that, else in stratified parts. When the model's own time limit passes, the examples before the
    first without features are enough for a probe; of parts those are all that are done.
    """

    def climb(self) -> None:
        """Compute features, fit heads on growing parts of them, and keep the one on all."""
        setting, k = self.setting, len(self.setting.examples.labels)
        since = time.monotonic()
        judged = self.layered(self.judged)
        features, cut = self.learnt((time.monotonic() - since) / self.computed if self.computed else inf)
        spent = time.monotonic() - since
        truth = setting.truth[self.train[: len(features)]]
        n = len(setting.examples.select)
        select_truth = setting.truth[list(setting.examples.select)]
        chosen = choose_head(
            features, truth, setting.examples.labels, judged[:n], select_truth, metric=setting.metric,
            balanced=setting.balanced, seed=setting.seed, check=setting.clock.go_on,
        )  # fmt: skip
        head = chosen.head
        points = []
        sizes = learning_sizes(len(features), k) if self.rung == "linear-probe" else [len(features)]
        for size in sizes:
            since = time.monotonic()
            if not learnable(truth[:size]):
                continue
            whole = size == len(features)
            part = (
                head
                if whole
                else chosen.again(features[:size], truth[:size], k, setting.seed, setting.clock.go_on)
            )
            share = spent * (size / len(features)) + time.monotonic() - since
            select = of_layers(judged[:n], chosen.layers)
            points.append(setting.point(self.rung, size, 1, share, part.probabilities(select)))
        hyperparameters = {**chosen.settings, "dimensions": features.shape[-1]}
        scores = self.scores(np.concatenate([features, judged[:n]]), np.concatenate([truth, select_truth]))
        throughput = self.computed / spent if self.computed >= FEWEST_TIMED else None
        cross = self.cross(features, judged[:n], truth, chosen)
        note = (
            f"its time limit left {len(features)} of {len(self.train)} examples to learn from"
            if cut
            else chosen.note
        )
        self.keep({f"head.{name}": getattr(head, name) for name in ("centre", "spread", "weight", "bias")})
        self.save(
            head.probabilities(of_layers(judged, chosen.layers)), points, self.answer(head, chosen.layers),
            hyperparameters, "frozen", throughput, cross=cross, transferability=scores, note=note,
        )  # fmt: skip

    def scores(self, features: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, float]:
        """Score the last layer of what may be learnt from and chosen by; LogME also the mean over the layers."""
        layers = of_layers(features, "mean") if features.ndim == 3 else None
        return transferability(of_layers(features, "last"), truth, self.source, layers)

    def cross(
        self,
        features: NDArray[np.float32],
        select: NDArray[np.float32],
        truth: NDArray[np.int64],
        chosen: Chosen,
    ) -> Probabilities | None:
        """Cross-validate the head over the examples to learn from and to choose by: more to decide by than the latter.

        :return: (n + n_select, k) in the order of `Examples.crossed`, or None for cut or many examples, and too rare
            classes.
        """
        setting = self.setting
        whole = len(features) == len(self.train)
        if not whole or len(features) + len(select) > MOST_CROSSED:
            return None
        first = setting.examples.first
        values = np.concatenate([features[first:], features[:first], select])
        select_truth = setting.truth[list(setting.examples.select)]
        everything = np.concatenate([truth[first:], truth[:first], select_truth])
        k = len(setting.examples.labels)
        return chosen.crossed(values, everything, k, setting.seed, setting.clock.go_on)

    def learnt(self, pace: float) -> tuple[NDArray[np.float32], bool]:
        """Compute the training features; what time cuts off, from the first missing one on, is lost to the probe.

        :param pace: seconds for each; infinite where that is not known, since nothing had to be computed yet.
        :return: the features of a prefix of the training examples, and whether time cut it short.
        """
        contents = self.setting.contents(self.train)
        missing = sum(content not in self.known for content in contents)
        ample = AMPLE * pace * missing <= self.setting.clock.room
        for edge in [len(self.train)] if ample else part_edges(len(self.train)):
            try:
                self.layered(self.train[:edge])
            except OutOfTime:
                there = list(takewhile(self.known.__contains__, contents))
                if len(there) < self.fewest() or self.setting.clock.left <= 0:
                    raise
                return self.layered(self.train[: len(there)]), True
        return self.layered(self.train), False

    def fewest(self) -> int:
        """The fewest examples that a probe can be fitted on, and learns more from than the rung before."""
        before = 0 if self.rung == "linear-probe" else self.setting.examples.first
        return max(2 * len(self.setting.examples.labels), before + 1)


def part_edges(examples: int) -> list[int]:
    """Say after how many examples each part of the features ends; of many examples, parts are whole batches.

    :return: rising, the last of them all examples.
    """
    parts = max(FEWEST_PARTS, min(MOST_PARTS, examples // PART_EXAMPLES))
    whole = lcm(BATCH_SIZE, IMAGES_AT_ONCE) if examples >= FEWEST_PARTS * PART_EXAMPLES else 1
    edges = {whole * round(examples * part / parts / whole) for part in range(1, parts)}
    return sorted({*edges, examples} - {0})
