"""What every rung of a run shares: its examples, its clock, its features, and where it tells how it goes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.dataset import ImageReader, OpenImage
from advisor.files import storing
from advisor.jobs.folder import Examples, RunFolder
from advisor.metrics import evaluate
from advisor.probe.cache import FeatureCache
from advisor.probe.clock import Clock
from advisor.probe.measure import PeakMemory
from advisor.result import CurvePoint, NamedMetric

__all__ = ["Probabilities", "Setting", "opener"]

Probabilities = NDArray[np.float32]
LEAST_APART_S = 0.2
"""Between two events that tell how far a step is."""


@dataclass(frozen=True)
class Setting:
    """What every rung of a run shares."""

    folder: RunFolder
    examples: Examples
    metric: str
    seed: int
    balanced: bool
    open_image: OpenImage
    clock: Clock
    emit: Callable[[Mapping[str, Any]], None]
    memory: PeakMemory
    descriptors: dict[str, NDArray[np.float32]]
    digest: Callable[[str], bytes]
    cache: FeatureCache
    digests: dict[str, bytes] = field(default_factory=dict)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Class index of every example, (n,)."""
        return np.asarray(self.examples.truth, dtype=np.int64)

    def contents(self, positions: Sequence[int]) -> list[str]:
        """The contents at some positions."""
        return [self.examples.contents[i] for i in positions]

    def key(self, content: str) -> bytes:
        """SHA-256 of what a content holds, computed once."""
        if content not in self.digests:
            self.digests[content] = self.digest(content)
        return self.digests[content]

    def find(self, body: str, contents: Sequence[str], own: Path) -> dict[str, NDArray[np.float32]]:
        """Look features up, in the advisor's cache and in this run.

        :param own: the run's own folder for features, used where the cache cannot be written.
        :return: content → (d,) for those that are known.
        """
        keys = {content: self.key(content) for content in contents}
        known = self.cache.find(body, list(keys.values()))
        if len(known) < len(set(keys.values())) and own.exists():
            known |= FeatureCache(own).find(body, [key for key in keys.values() if key not in known])
        return {content: known[key] for content, key in keys.items() if key in known}

    def keep(self, body: str, rows: Mapping[str, NDArray[np.float32]], own: Path) -> None:
        """Keep features in the advisor's cache, or in this run where that cannot be written.

        :raises StorageError: if neither can be written.
        """
        keyed = {self.key(content): row for content, row in rows.items()}
        try:
            self.cache.keep(body, keyed)
        except OSError:
            with storing(own):
                FeatureCache(own).keep(body, keyed)

    def point(self, rung: str, learnt: int, epochs: int, seconds: float, select: Probabilities) -> CurvePoint:
        """Measure predictions on the select split."""
        truth = self.truth[list(self.examples.select)]
        predicted = select.argmax(axis=1).astype(np.int64)
        measured = evaluate(self.metric, truth, predicted, self.examples.labels, self.seed)
        named = NamedMetric(name=self.metric, value=measured.value, low=measured.low, high=measured.high)
        return CurvePoint(rung=rung, examples=learnt, epochs=epochs, seconds=seconds, metric=named)

    def steps(self, model: str, rung: str, what: str) -> Callable[..., None]:
        """Make a progress callback; its events are at least `LEAST_APART_S` apart, but for the last."""
        last = [0.0]
        begun = time.monotonic()

        def tell(done: int, total: int, loss: float | None = None) -> None:
            now = time.monotonic()
            if now - last[0] >= LEAST_APART_S or done == total:
                last[0] = now
                eta = (now - begun) / max(done, 1) * (total - done)
                step = {
                    "model": model,
                    "rung": rung,
                    "what": what,
                    "done": done,
                    "total": total,
                    "eta_s": eta,
                }
                self.emit({"kind": "step", **step, **({} if loss is None else {"loss": loss})})

        return tell


def opener(examples: Examples) -> OpenImage:
    """Give what opens a run's images; a run on texts has none."""
    return ImageReader(Path(examples.origin)) if examples.task == "image-classification" else _no_image


def _no_image(content: str) -> Any:
    raise ValueError("texts have no images")
