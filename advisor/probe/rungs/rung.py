"""What the rungs of a pretrained model share: its features, its weights, and how what was found is kept."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from advisor.files import write_atomically
from advisor.jobs.folder import RungRecord
from advisor.probe.backbone import (
    MAX_TOKENS,
    Backbone,
    Layers,
    at_once,
    load_backbone,
    torch_device,
    use_layers,
)
from advisor.probe.cache import body_key
from advisor.probe.earlier import Costs, costs_path, read_costs, read_source, write_costs, write_source
from advisor.probe.features import embed, of_layers
from advisor.probe.head import Head, fit_head
from advisor.probe.measure import measure_latency
from advisor.probe.setting import Probabilities, Setting
from advisor.probe.source_head import SourceHead
from advisor.probe.tune import TunedHead
from advisor.result import CurvePoint
from advisor.weights import Weights

__all__ = ["Rung", "known_features", "layers_of"]

KEPT_AT_ONCE = 256
LATENCY_S, LATENCY_SHARE = 2.0, 0.01
POOLING = {"transformers": "mean-pooling-2"}
LIBRARIES = {"timm": ("timm",), "transformers": ("transformers.models.auto.modeling_auto",)}


class Rung:
    """One rung of one model's climb, to be walked once by `climb`.

    :param begun: when the climb began, on the clock that only goes forward.
    """

    def __init__(self, setting: Setting, weights: Weights, rung: str, position: int, begun: float) -> None:
        self.setting = setting
        self.weights = weights
        self.rung = rung
        self.position = position
        self.begun = begun
        examples = setting.examples
        alone = rung == "linear-probe"
        self.before = setting.folder.rungs(weights.model)
        seen = any(record.rung == "linear-probe-all" for record in self.before) or rung == "linear-probe-all"
        self.train = list(examples.train if seen and not alone else examples.train[: examples.first])
        self.judged = list(examples.select) + list(examples.report)
        self.computed = 0
        pooling = POOLING.get(weights.loader, "mean pooling")
        self.body = body_key(weights, pooling, MAX_TOKENS, torch_device().type)
        self.own = setting.folder.rung_folder(weights.model) / "features"
        requests = [setting.key(content) for content in setting.contents(examples.select)]
        self.costs = costs_path(setting.cache.root, self.body, requests, torch.get_num_threads())

    def climb(self) -> None:
        """Walk it, and keep it as finished."""
        raise NotImplementedError

    @cached_property
    def backbone(self) -> Backbone:
        """The body, loaded when it is first needed: a probe whose features are all known needs none."""
        step = {"what": "loading", "done": 0, "total": 1}
        self.setting.emit({"kind": "step", "model": self.weights.model, "rung": self.rung, **step})
        for library in LIBRARIES.get(self.weights.loader, ()):
            self.setting.memory.settle(library)
        backbone = load_backbone(self.weights, self.setting.open_image)
        self.setting.clock.check()
        return backbone

    @property
    def source(self) -> SourceHead | None:
        """The classifier of the body's pretraining, from an earlier probe where the body is not loaded."""
        kept, source = read_source(self.costs.parent)
        if not kept:
            source = self.backbone.source
            write_source(self.costs.parent, source)
        return source

    @cached_property
    def to_compute(self) -> int:
        """How many of this climb's examples have no features when it begins."""
        return len({*self.setting.contents([*self.judged, *self.train])} - self.known.keys())

    @cached_property
    def tell(self) -> Callable[..., None]:
        """Told how many of the missing features are there, over all calls for some of them."""
        return self.setting.steps(self.weights.model, self.rung, "features")

    @cached_property
    def known(self) -> dict[str, NDArray[np.float32]]:
        """The features of this climb's examples, as far as they are there: content → (d,) or (2, d)."""
        contents = self.setting.contents([*self.judged, *self.train])
        return self.setting.find(self.body, contents, self.own)

    def features(self, positions: Sequence[int]) -> NDArray[np.float32]:
        """Look up features of the last layer, (n, d), or compute them."""
        return of_layers(self.layered(positions), "last")

    def layered(self, positions: Sequence[int]) -> NDArray[np.float32]:
        """Look up features, computing and keeping those that are not there yet; what is computed is kept at once.

        :return: (n, 2, d) in the order of `LAYERS`; (n, d) of a body without layers to choose from.
        """
        contents = self.setting.contents(positions)
        missing = list(dict.fromkeys(content for content in contents if content not in self.known))
        if missing:
            fresh: dict[str, NDArray[np.float32]] = {}

            def flush() -> None:
                self.computed += len(fresh)
                self.setting.keep(self.body, fresh, self.own)
                fresh.clear()

            def keep(places: Sequence[int], rows: NDArray[np.float32]) -> None:
                found = {missing[place]: row for place, row in zip(places, rows, strict=True)}
                fresh.update(found)
                self.known.update(found)
                if len(fresh) >= KEPT_AT_ONCE:
                    flush()

            before, wanted = self.computed, self.to_compute

            def progress(done: int, total: int) -> None:
                self.tell(before + done, max(wanted, before + total))

            try:
                embed(self.backbone, missing, self.setting.clock, progress, keep, every=True)
            finally:
                flush()
        return np.stack([self.known[content] for content in contents])

    def fit(
        self, features: NDArray[np.float32], truth: NDArray[np.int64], strength: float | None = None
    ) -> Head:
        """Fit a linear head; `strength` is its C, chosen if not given."""
        k = len(self.setting.examples.labels)
        return fit_head(
            features, truth, k, seed=self.setting.seed, strength=strength, balanced=self.setting.balanced,
            check=self.setting.clock.go_on,
        )  # fmt: skip

    def answer(self, head: Head | TunedHead, layers: Layers = "last") -> Callable[[Sequence[str]], object]:
        """Give what answers a request, from the content to the probabilities.

        :param layers: whose features the head reads.
        """

        def once(contents: Sequence[str]) -> object:
            use_layers(self.backbone, layers)
            with torch.inference_mode():
                features = self.backbone.forward(self.backbone.prepare(contents)).cpu().numpy()
            return head.probabilities(features)

        return once

    def save(
        self,
        judged: Probabilities,
        points: Sequence[CurvePoint],
        answer: Callable[[Sequence[str]], object],
        hyperparameters: Mapping[str, Any],
        strategy: str,
        throughput: float | None,
        cross: Probabilities | None = None,
        **more: Any,
    ) -> None:
        """Measure latency and memory, and keep the rung.

        A model's later rungs answer through the same network, so its first one's latency stands for them. Where
        nothing had to be computed, an earlier probe's figures for the same requests on this machine stand.
        """
        contents = self.setting.contents(self.setting.examples.select)
        earlier = read_costs(self.costs) if not self.computed and not self.before else None
        if earlier:
            latency, throughput = earlier.latency_ms, earlier.throughput_per_s
            self.setting.emit(
                {"kind": "recalled", "model": self.weights.model, **earlier.model_dump(mode="json")}
            )
        else:
            timed = self.before[0].latency_ms if self.before else None
            patience = min(LATENCY_S, LATENCY_SHARE * max(0.0, self.setting.clock.left))
            latency = timed or measure_latency(answer, contents, most_seconds=patience)
        peak = self.setting.memory.stop()
        if self.rung == "linear-probe" and self.computed == len(
            set(self.setting.contents(self.judged + self.train))
        ):
            write_costs(
                self.costs, Costs(latency_ms=latency, throughput_per_s=throughput, peak_memory_mb=peak)
            )
        record = RungRecord(
            model=self.weights.model,
            kind="weights",
            rung=self.rung,
            position=self.position,
            strategy=strategy,
            revision=self.weights.revision,
            licence=self.weights.licence,
            hyperparameters={
                **hyperparameters,
                "seed": self.setting.seed,
                "batch_size": self.backbone.batch_size
                if "backbone" in vars(self)
                else at_once(self.weights.loader),
            },
            curve=tuple(points),
            seconds=time.monotonic() - self.begun,
            latency_ms=latency,
            throughput_per_s=throughput,
            peak_memory_mb=max(peak, earlier.peak_memory_mb) if earlier else peak,
            size_mb=self.weights.size_mb,
            **more,
        )
        n = len(self.setting.examples.select)
        self.setting.folder.save_rung(record, judged[:n], judged[n:], cross)

    def keep(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Keep what this rung has learnt, so that the model can be exported or tuned on.

        :param tensors: `body.NAME` of every tuned parameter, and `head.` centre, spread, weight and bias.
        """
        from safetensors.numpy import save

        path = self.setting.folder.learnt_path(self.weights.model, self.position, self.rung)
        whole = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
        write_atomically(path, save(whole))


def known_features(
    setting: Setting, weights: Weights, positions: Sequence[int], layers: Layers | None = None
) -> dict[int, NDArray[np.float32]]:
    """Look up the frozen features of some examples without computing any: position → (d,).

    :param layers: whose features; if None, of those that the model's latest probe has chosen.
    """
    rung = Rung(setting, weights, "linear-probe-all", 0, time.monotonic())
    probes = [record for record in rung.before if record.rung.startswith("linear-probe")]
    taken = layers or (layers_of(probes[-1]) if probes else "last")
    known = {
        position: rung.known[content]
        for position, content in zip(positions, setting.contents(positions), strict=True)
        if content in rung.known
    }
    return {position: of_layers(row[None], taken)[0] for position, row in known.items()}


def layers_of(record: RungRecord) -> Layers:
    """Of which layers the head of a rung reads the features."""
    return "mean" if record.hyperparameters.get("layers") == "mean" else "last"
