"""The child process that probes: `python -m advisor.probe.worker RUN`.

It climbs cheapest first: the cheapest baseline and every model's first rung, the other baselines, then whatever rung
promises most for its seconds, until none is worth them. Each finished rung is on disk before the next begins, so the
process may die at any moment.
"""

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from advisor.budget import kept_for_looking
from advisor.checks import CHECKS
from advisor.errors import AdvisorError, Cancelled, StorageError
from advisor.jobs.bounds import NO_STORAGE, SUPERVISOR, die_with_parent
from advisor.jobs.folder import RunFolder
from advisor.place import chances
from advisor.posterior import Posterior, posterior
from advisor.probe.allocate import LEAST_GAIN, Option, hoped
from advisor.probe.climber import Climber
from advisor.probe.clock import SPENT, OutOfTime
from advisor.probe.ladder import WIDER
from advisor.probe.plan import BASELINES, PER_MODEL_S, nominal_seconds
from advisor.result import Waits

__all__ = ["main"]

NOTHING_LEFT = "no rung is left that is worth its time or fits into it"
ELASTIC = {WIDER: 0.5, "full": 0.5, "search": 0.65}
"""What share of its forecast is enough for a rung to begin: a part of its work may be worth it, too."""
ALONE = 0.85
BASELINE_SHARE = 0.03


class Worker(Climber):
    """Walks the ladder for one run: says which model climbs which rung, and when that is enough."""

    def run(self) -> None:
        """Climb until nothing is left to climb, the time is spent, or somebody asks to stop."""
        self.emit({"kind": "start", "models": list(self.spec.chosen), "budget_s": self.spec.budget_s})
        self.prepare()
        self.emit({"kind": "ready"})
        try:
            because = self.climb_all()
            if self.clock.left > 0:
                self.examine()
            else:
                because = SPENT
            self.emit({"kind": "done", "because": because})
        except Cancelled as error:
            self.emit({"kind": "cancelled", "because": str(error)})
            raise

    def climb_all(self) -> str:
        """Climb as the plan says, or as the budget allows less what looking at the winner may take.

        :return: why it ended.
        """
        if self.spec.plan:
            self.follow(self.spec.plan.models)
            return NOTHING_LEFT
        try:
            with self.clock.keeping(kept_for_looking(self.spec.budget_s)):
                return self.allocate()
        except OutOfTime as error:
            return str(error)

    def allocate(self) -> str:
        """Spend the budget: all first rungs, then always the rung that promises most for its seconds.

        :return: why it ended.
        :raises OutOfTime: if that is before there is anything to choose from.
        """
        models = self.begin()
        self.warm_up()
        alive = [model for model in models if self.folder.rungs(model)]
        tried: set[tuple[str, str]] = set()
        while options := self.options(alive, tried):
            gains = hoped(options, self.found(), alive)
            worth = [one for one, gain in gains.items() if gain >= LEAST_GAIN]
            fitting = [one for one in worth if self.fits(one)]
            if not fitting:
                return self.ended(gains)
            best = fitting[0]
            tried.add((best.model, best.rung))
            climbed = sum(self.ladder.has(model, best.rung) for model in alive)
            limit = ALONE * self.clock.left if best.rung == WIDER else None
            self.step(best.model, best.rung, place=(climbed + 1, len(alive)), limit=limit)
        return NOTHING_LEFT

    def begin(self) -> list[str]:
        """Take all models up their first rungs, the cheapest baseline before them and the others after them.

        Where the models spend what they may, the baselines have what was kept for them, and what they leave goes into
        the other models.

        :return: the chosen models, in the order in which they climbed.
        :raises OutOfTime: if there is no time for one of them.
        """
        cheapest, *others = BASELINES[self.examples.task]
        each = BASELINE_SHARE * max(0.0, self.clock.left)
        self.baseline(cheapest)
        missing = [baseline for baseline in others if not self.ladder.has(baseline, "fit")]
        try:
            with self.clock.keeping(each * len(missing)):
                models = self.look()
        except OutOfTime:
            models = []
        for baseline in missing:
            self.baseline(baseline, each)
        return models or self.look()

    def look(self) -> list[str]:
        """Take all models up their first rungs, each within what is fair where there is time for all.

        :return: the chosen models, in the order in which they climbed.
        :raises OutOfTime: if there is no time for one of them.
        """
        costs = self.first_costs()
        carried = sum(costs.values()) <= self.clock.left
        models = self.in_turn(costs, carried)
        for number, model in enumerate(models):
            share = costs[model] / sum(costs[other] for other in models[number:]) if carried else 1.0
            fair = self.clock.left * min(0.9, 2 * share)
            self.step(model, "linear-probe", limit=fair, place=(number + 1, len(models)))
        return models

    def fits(self, option: Option) -> bool:
        """Say whether there is time for a rung; some are worth it for a good part of their work, too."""
        return option.seconds * ELASTIC.get(option.rung, 1.0) <= self.clock.left

    def ended(self, gains: Mapping[Option, float]) -> str:
        """Say why nobody climbs on, of each model that could and of the run."""
        nearest = {
            option.model: option
            for option in sorted(gains, key=lambda one: (gains[one] < LEAST_GAIN, one.seconds), reverse=True)
        }
        for option in nearest.values():
            gain = gains[option]
            left, points = max(0.0, self.clock.left), f"{100 * gain:.2f} points"
            late = (
                f"{option.rung} would need about {option.seconds:.0f} s and {left:.0f} s were left to climb"
            )
            idle = f"{option.rung} could hardly overtake: it is expected to raise the best score by {points}"
            waits = Waits(rung=option.rung, seconds=option.seconds, left=left, gain=gain)
            self.stay(option.model, *((late, waits) if gain >= LEAST_GAIN else (idle, None)))
        if any(gain >= LEAST_GAIN for gain in gains.values()):
            return NOTHING_LEFT
        spent = f"stopped after {self.clock.elapsed:.0f} s of {self.spec.budget_s:.0f}"
        least = f"{100 * LEAST_GAIN:.1f} points"
        return f"{spent}: the rest cannot overtake; no rung is expected to raise the best score by {least}"

    def found(self) -> Posterior:
        """What is known of the models now."""
        from advisor.jobs.finish import collect

        reached = collect(self.folder)
        assert reached.evidence is not None
        ok = [result for result in reached.results if result.status == "ok"]
        return posterior(reached.evidence, self.spec.brief.metric, ok, self.spec.seed, prospects=False)

    def options(self, models: list[str], tried: set[tuple[str, str]]) -> list[Option]:
        """Name what each model may climb next and has not tried; one that can be climbed no further is told so."""
        found = []
        for model in models:
            if self.failed(model):
                continue
            above = self.ladder.options([model])
            if not above and not self.ladder.tunable(model):
                self.stay(model, "it gives features only and cannot be tuned")
            found += [option for option in above if (model, option.rung) not in tried]
        return found

    def follow(self, plan: Mapping[str, tuple[str, ...]]) -> None:
        """Climb what the plan says, in its order."""
        cheapest, *others = BASELINES[self.examples.task]
        self.baseline(cheapest)
        self.level(plan, 0)
        for baseline in others:
            self.baseline(baseline)
        for level in range(1, max(map(len, plan.values()), default=0)):
            self.level(plan, level)

    def level(self, plan: Mapping[str, tuple[str, ...]], level: int) -> None:
        """Climb what the plan says at one height."""
        for number, (model, rungs) in enumerate(plan.items()):
            if level < len(rungs) and model in self.spec.chosen:
                self.step(model, rungs[level], place=(number + 1, len(plan)))

    def examine(self) -> None:
        """Look at labels, compression and what pretraining gave, as far as the budget has room."""
        self.warm_up()
        from advisor.probe.after import examine

        examine(self.setting, self.locate, self.spec.plan.checks if self.spec.plan else CHECKS, self.deadly)

    def in_turn(self, costs: Mapping[str, float], carried: bool) -> list[str]:
        """Order the chosen models for their first rungs: cheapest first where the budget carries all of them.

        Where it does not, those come first that are likeliest the best for their seconds, by published results and
        size: what is not reached then is what was least worth it.

        :param costs: nominal seconds of each.
        :param carried: whether there is time for all of them.
        """
        if carried:
            return sorted(costs, key=lambda model: (costs[model], model))
        likely = chances(list(costs), self.standing())
        return sorted(costs, key=lambda model: (-likely[model] / costs[model], costs[model], model))

    def first_costs(self) -> dict[str, float]:
        """Nominal seconds of each chosen model's first rung; that of a model that nobody knows is the highest."""
        examples = self.examples
        each = examples.first + len(examples.select) + len(examples.report)
        costs = {model: self.cost(model, examples.typical_length) for model in self.spec.chosen}
        highest = max((cost for cost in costs.values() if cost is not None), default=0.0)
        return {
            model: PER_MODEL_S + each * (highest if cost is None else cost) for model, cost in costs.items()
        }

    def standing(self) -> dict[str, tuple[float, float]]:
        """Look up how the chosen models stand to each other before any evidence."""
        from advisor.prior import standing

        known = {card.id: card for card in self.knowledge.models}
        cards = [known[model] for model in self.spec.chosen if model in known]
        return standing(cards, self.knowledge.task(self.spec.brief.task), self.knowledge, self.spec.brief)

    def cost(self, model: str, length: float) -> float | None:
        """Look up the nominal seconds per example; None for a model that nobody knows."""
        try:
            return nominal_seconds(self.knowledge.model(model), length)
        except AdvisorError:
            return None


class _Log(io.FileIO):
    """Where libraries talk; a log on a full disk stops nobody."""

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            super().write(data)
        return len(data)


def main(arguments: list[str] | None = None) -> int:
    """Probe one run.

    :param arguments: the run's folder.
    :return: 0 done, 130 cancelled, 74 the disk is full or broken.
    """
    (path,) = arguments if arguments is not None else sys.argv[1:]
    if SUPERVISOR in os.environ:
        die_with_parent(int(os.environ[SUPERVISOR]))
        sys.stdout = sys.stderr = io.TextIOWrapper(
            _Log(2, "w", closefd=False), "utf-8", "replace", write_through=True
        )
    folder = RunFolder(Path(path))
    asked: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    parent = os.getppid()
    age = max(0.0, time.time() - psutil.Process().create_time())
    worker = Worker(
        folder,
        time.monotonic() - age,
        lambda: bool(asked) or folder.stop_asked() or os.getppid() != parent,
    )
    try:
        worker.run()
    except Cancelled as error:
        return error.exit_code
    except StorageError as error:
        print(error, file=sys.stderr)
        return NO_STORAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
