"""Taking one model up one rung: its weights are had, the rung is climbed and kept, and what goes wrong is a row."""

import errno
import gc
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from advisor.errors import AdvisorError, Cancelled, StorageError, WeightsUnavailable
from advisor.home import home
from advisor.jobs.folder import Ending, RunFolder, RunSpec
from advisor.knowledge import Knowledge, ModelCard, load_knowledge
from advisor.probe.cache import FeatureCache, body_key
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.ladder import Ladder
from advisor.probe.recall import Finished
from advisor.result import Waits

__all__ = ["Climber"]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Climber:
    """Climbs single rungs of one run; each finished one is on disk before the next begins.

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

    def prepare(self) -> None:
        """Lay out what the rungs share."""
        from advisor.allocator import keep_freed_memory
        from advisor.dataset import ImageReader
        from advisor.metrics import parse_metric
        from advisor.probe.measure import PeakMemory
        from advisor.probe.setting import Setting, opener

        keep_freed_memory()
        reader = opener(self.examples)
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

    def baseline(self, model: str, most_seconds: float | None = None) -> None:
        """Fit one baseline, if that is not done yet; a failure is a row.

        :param most_seconds: what larger parts of the examples may take; None for all of them in any case.
        """

        def climb() -> None:
            from advisor.probe.rungs import climb_baseline

            climb_baseline(self.setting, model, most_seconds)

        if not self.ladder.has(model, "fit") and not self.failed(model):
            self.guarded(model, "fit", lambda: self.first(model, "fit", climb, model), (1, 1))

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

        if rung == "linear-probe" and position == 0:
            self.first(model, rung, climb, body_key(weights), weights.licence, weights.size_mb)
        else:
            self.warm_up()
            climb()

    def first(self, model: str, rung: str, climb: Callable[[], None], body: str, *told: object) -> None:
        """Take a first rung from an earlier probe, or climb it and keep it for later ones.

        :param body: what its features depend on besides the example.
        :param told: what else stands in its record.
        """
        finished = Finished(self.setting, model, rung, body, *told)
        if finished.recall():
            self.emit({"kind": "recalled", "model": model, "rung": rung})
            return
        since = self.clock.elapsed
        self.warm_up()
        self.clock.excuse(self.clock.elapsed - since)
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


def _reason(error: BaseException) -> str:
    text = str(error).strip()
    return text if isinstance(error, AdvisorError) else f"{type(error).__name__}: {text[:500]}"
