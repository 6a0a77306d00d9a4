"""The child process that probes: `python -m advisor.probe.worker RUN`.

It climbs cheapest first: every baseline, every model's first rung, then whatever rung promises most for its seconds,
until none is worth them. Each finished rung is on disk before the next begins, so the process may die at any moment.
"""

import contextlib
import errno
import gc
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from advisor.checks import CHECKS
from advisor.errors import AdvisorError, Cancelled, StorageError, WeightsUnavailable
from advisor.home import home
from advisor.jobs.bounds import NO_STORAGE, SUPERVISOR, die_with_parent
from advisor.jobs.folder import Ending, RunFolder, RunSpec
from advisor.knowledge import Knowledge, ModelCard, load_knowledge
from advisor.place import chances
from advisor.posterior import Posterior, posterior
from advisor.probe.allocate import LEAST_GAIN, Option, hoped
from advisor.probe.cache import FeatureCache, body_key
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.ladder import WIDER, Ladder
from advisor.probe.plan import BASELINES, PER_MODEL_S, nominal_seconds
from advisor.probe.recall import Finished
from advisor.result import Waits

__all__ = ["main"]

NOTHING_LEFT = "no rung is left that is worth its time or fits into it"
ELASTIC = {WIDER: 0.5, "full": 0.5, "search": 0.65}
"""What share of its forecast is enough for a rung to begin: a part of its work may be worth it, too."""
ALONE, BASELINE_SHARE = 0.85, 0.03
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Worker:
    """Walks the ladder for one run.

    :param folder: the run.
    :param started: when this process started, on the clock that only goes forward.
    :param stop_asked: says whether somebody asked to stop.
    """

    def __init__(self, folder: RunFolder, started: float, stop_asked: Callable[[], bool]) -> None:
        from advisor.weights import local_cards

        self.folder = folder
        self.spec: RunSpec = folder.spec()
        self.examples = folder.examples()
        spent = folder.elapsed_s()
        budget = None if self.spec.plan else self.spec.budget_s
        self.clock = Clock(budget, started - spent, stop_asked, time.monotonic)
        where = Path(self.spec.knowledge) if self.spec.knowledge else None
        self.knowledge: Knowledge = load_knowledge(where).with_models(local_cards())
        self.deadly = folder.deadly()
        self.ladder = Ladder(folder, self.knowledge, self.deadly)
        self.warm = False

    def emit(self, event: Mapping[str, Any]) -> None:
        """Append an event with the seconds that this run has worked."""
        self.folder.append_event({"at": round(self.clock.elapsed, 3), **event})

    def run(self) -> None:
        """Climb until nothing is left to climb, the time is spent, or somebody asks to stop."""
        self.emit({"kind": "start", "models": list(self.spec.chosen), "budget_s": self.spec.budget_s})
        self.prepare()
        self.emit({"kind": "ready"})
        try:
            if self.spec.plan:
                self.follow(self.spec.plan.models)
                because = NOTHING_LEFT
            else:
                because = self.allocate()
            self.examine()
            self.emit({"kind": "done", "because": because})
        except OutOfTime as error:
            self.emit({"kind": "done", "because": str(error)})
        except Cancelled as error:
            self.emit({"kind": "cancelled", "because": str(error)})
            raise

    def prepare(self) -> None:
        """Lay out what the rungs share."""
        from advisor.allocator import keep_freed_memory
        from advisor.dataset import ImageReader
        from advisor.metrics import parse_metric
        from advisor.probe.measure import PeakMemory
        from advisor.probe.setting import Setting

        keep_freed_memory()
        images = self.examples.task == "image-classification"
        reader = ImageReader(Path(self.examples.origin)) if images else _no_image
        metric = self.spec.brief.metric
        self.setting = Setting(
            folder=self.folder,
            examples=self.examples,
            metric=metric,
            seed=self.spec.seed,
            balanced=parse_metric(metric)[0] != "accuracy",
            open_image=reader,
            clock=self.clock,
            emit=self.emit,
            memory=PeakMemory(psutil.Process().memory_info().rss / 1e6),
            descriptors={},
            digest=reader.digest if isinstance(reader, ImageReader) else _text_digest,
            cache=FeatureCache(home() / "features"),
        )

    def warm_up(self) -> None:
        """Import what is heavy and fix the seeds, once there is something to compute."""
        if self.warm:
            return
        self.warm = True
        self.setting.memory.settle("torch")
        self.setting.memory.settle("sklearn.linear_model")
        import torch

        from advisor.hardware import usable_cores

        torch.set_num_threads(usable_cores())
        torch.manual_seed(self.spec.seed)

    def allocate(self) -> str:
        """Spend the budget: all first rungs, cheapest first, then always the rung that promises most for its seconds.

        :return: why it ended.
        """
        for model in BASELINES[self.examples.task]:
            self.baseline(model)
        costs = self.first_costs()
        carried = sum(costs.values()) <= self.clock.left
        models = self.in_turn(costs, carried)
        for number, model in enumerate(models):
            share = costs[model] / sum(costs[other] for other in models[number:]) if carried else 1.0
            fair = self.clock.left * min(0.9, 2 * share)
            self.step(model, "linear-probe", limit=fair, place=(number + 1, len(models)))
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
            late = f"{option.rung} would need about {option.seconds:.0f} s and {left:.0f} s were left"
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
        for model in BASELINES[self.examples.task]:
            self.baseline(model)
        height = max((len(rungs) for rungs in plan.values()), default=0)
        for level in range(height):
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

    def card(self, model: str) -> ModelCard:
        """Find the card of a chosen model."""
        return self.knowledge.model(model)

    def failed(self, model: str) -> bool:
        """Say whether the model ended in an error."""
        ending = self.folder.ending(model)
        return ending is not None and ending.status == "failed"

    def stay(self, model: str, because: str, waits: Waits | None = None) -> None:
        """Note why a model that has finished a rung climbs no further, once."""
        ending = Ending(model=model, status="ok", because=because, waits=waits)
        if self.folder.ending(model) == ending:
            return
        self.folder.end_model(ending)
        self.emit({"kind": "stays", "model": model, "because": because})

    def baseline(self, model: str) -> None:
        """Fit one baseline, if that is not done yet; a failure is a row."""

        def climb() -> None:
            from advisor.probe.rungs import climb_baseline

            climb_baseline(self.setting, model, None if self.spec.plan else BASELINE_SHARE * self.clock.left)

        if not self.ladder.has(model, "fit") and not self.failed(model):
            self.guarded(model, "fit", lambda: self.first(model, "fit", model, climb), (1, 1))

    def step(self, model: str, rung: str, *, place: tuple[int, int], limit: float | None = None) -> bool:
        """Take one model up one rung, if that is not done yet and the model has not failed.

        :return: True if the rung is finished.
        """
        if self.ladder.has(model, rung):
            return True
        if self.failed(model) or (model, rung) in self.deadly:
            return False
        self.clock.allow(limit)
        try:
            return self.guarded(model, rung, lambda: self.climb(model, rung), place)
        finally:
            self.clock.allow(None)
            gc.collect()

    def climb(self, model: str, rung: str) -> None:
        """Take a pretrained model up one rung; a first one may be known from an earlier probe."""
        weights, position = self.locate(model), len(self.folder.rungs(model))

        def climb() -> None:
            from advisor.probe.rungs import climb

            climb(self.setting, weights, rung, position)

        if rung == "linear-probe":
            self.first(model, rung, body_key(weights), climb)
        else:
            self.warm_up()
            climb()

    def first(self, model: str, rung: str, body: str, climb: Callable[[], None]) -> None:
        """Take a first rung from an earlier probe, or climb it and keep it for later ones.

        :param body: what its features depend on besides the example.
        """
        finished = Finished(self.setting, model, rung, body)
        if finished.recall():
            self.emit({"kind": "recalled", "model": model, "rung": rung})
        else:
            self.warm_up()
            climb()
            finished.keep()

    def locate(self, model: str) -> Any:
        """Find or download the weights, with progress.

        :raises WeightsUnavailable: if they cannot be had, or are for another task.
        """
        from advisor.weights import locate

        card, task = self.card(model), self.spec.brief.task
        if task not in card.tasks:
            raise WeightsUnavailable(f"{model} is not made for {task}", f"models for {task}")

        def tell(file: str, done: int, total: int | None) -> None:
            step = {"kind": "step", "model": model, "rung": "download", "what": f"downloading {file}"}
            self.emit({**step, "done": done, "total": total or done})

        try:
            return locate(
                card,
                self.knowledge,
                offline=self.spec.offline or self.spec.brief.constraints.offline,
                progress=tell,
                cancelled=self.halted,
            )
        except Cancelled:
            self.clock.check()
            raise

    def halted(self) -> bool:
        """Say whether work must stop now."""
        try:
            self.clock.check()
        except AdvisorError:
            return True
        return False

    def guarded(self, model: str, rung: str, work: Callable[[], None], place: tuple[int, int]) -> bool:
        """Do a rung's work; anything that goes wrong with this model is a row and never ends the run."""
        self.emit({"kind": "rung", "model": model, "rung": rung, "place": place[0], "of": place[1]})
        try:
            self.clock.check()
            work()
        except (Cancelled, StorageError):
            raise
        except OutOfTime as error:
            self.end(model, rung, "stopped", str(error))
            if self.clock.left <= 0:
                raise
            return False
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise StorageError(f"{model} could not go on: {error.strerror}") from error
            self.end(model, rung, "failed", _reason(error))
            return False
        self.folder.clear_ending(model)
        record = next(r for r in self.folder.rungs(model) if r.rung == rung)
        best = record.curve[-1]
        self.emit(
            {
                "kind": "rung-done",
                "model": model,
                "rung": rung,
                "metric": best.metric.model_dump(),
                "examples": best.examples,
                "seconds": record.seconds,
                "latency_ms": record.latency_ms.p95 if record.latency_ms else None,
            }
        )
        return True

    def end(self, model: str, rung: str, status: str, because: str) -> None:
        """Note that a rung did not finish; a model with an earlier rung keeps it."""
        reached = bool(self.folder.rungs(model))
        kept = "ok" if reached else status
        text = f"{rung} did not finish: {because}" if reached else because
        self.folder.end_model(Ending.model_validate({"model": model, "status": kept, "because": text}))
        self.emit({"kind": "model-ended", "model": model, "rung": rung, "status": kept, "because": text})


def _text_digest(content: str) -> bytes:
    return sha256(content.encode()).digest()


def _no_image(content: str) -> Any:
    raise ValueError("texts have no images")


def _reason(error: BaseException) -> str:
    text = str(error).strip()
    return text if isinstance(error, AdvisorError) else f"{type(error).__name__}: {text[:500]}"


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
