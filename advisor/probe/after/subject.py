"""The network that is looked at after the climb, what looking at it costs, and how it is brought back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from advisor.jobs.folder import RungRecord
from advisor.probe.backbone import Backbone, Layers, load_backbone, use_layers
from advisor.probe.compress import Form
from advisor.probe.head import Head
from advisor.probe.rungs.rung import layers_of
from advisor.probe.setting import Setting
from advisor.probe.tune import TunedHead, load_learnt
from advisor.weights import Weights

__all__ = ["SPARE", "NoRoom", "Subject", "answer"]

LOADING_S = 3.0
SPARE = 1.3
FEWEST_JUDGED = 50
UNKNOWN_S = 0.1
READ_MB_S = 50.0
ANY_MB = 100.0


class NoRoom(Exception):
    """The budget has no room for a check; the message says what it would need."""


@dataclass(frozen=True)
class Subject:
    """A pretrained model with the rung that counts for it, and the run that it belongs to.

    :ivar locate: finds the weights of a model.
    """

    setting: Setting
    rung: RungRecord
    locate: Callable[[str], Weights]

    @property
    def model(self) -> str:
        """The model's id."""
        return self.rung.model

    @property
    def layers(self) -> Layers:
        """Of which layers its head reads the features."""
        return layers_of(self.rung)

    @property
    def seconds_each(self) -> float:
        """Seconds that one request took."""
        return self.rung.latency_ms.p50 / 1000 if self.rung.latency_ms else UNKNOWN_S

    @property
    def loading_s(self) -> float:
        """A guess from the size of the weights."""
        return LOADING_S + (self.rung.size_mb or ANY_MB) / READ_MB_S

    @property
    def climbed_s(self) -> float:
        """How long the model climbed; features that were known from an earlier probe count as computed."""
        examples, rungs = self.setting.examples, self.setting.folder.rungs(self.model)
        seen = self.rung.curve[-1].examples + len(examples.select) + len(examples.report)
        speed = max((record.throughput_per_s or 0.0 for record in rungs), default=0.0)
        return max(sum(record.seconds for record in rungs), seen / speed if speed else 0.0)

    def need(self, seconds: float, what: str) -> None:
        """Go on if there is as much time.

        :raises NoRoom: if there is not.
        """
        left = self.setting.clock.left
        if seconds > left:
            raise NoRoom(f"{what} would need about {seconds:.0f} s and {max(0.0, left):.0f} s were left")

    def affordable(self, each: float, what: str) -> int:
        """How many examples of the report split there is time for: all, or a stratified part of at least 50.

        :param each: seconds for one example.
        :raises NoRoom: if not even those.
        """
        total = len(self.setting.examples.report)
        room = int(min(total, self.setting.clock.left / (SPARE * each))) if each > 0 else total
        if room < min(total, FEWEST_JUDGED):
            self.need(SPARE * each * min(total, FEWEST_JUDGED), what)
        return room

    def bring_back(self) -> tuple[Backbone, TunedHead]:
        """Load the network as it was at the end of its rung."""
        from safetensors.numpy import load_file

        setting, rung = self.setting, self.rung
        path = setting.folder.learnt_path(rung.model, rung.position, rung.rung)
        backbone = load_backbone(self.locate(rung.model), setting.open_image)
        use_layers(backbone, self.layers)
        arrays = load_file(path)
        names = ("centre", "spread", "weight", "bias")
        kept = {name: arrays[f"head.{name}"].astype(np.float64) for name in names}
        head = TunedHead(Head(**kept, strength=0.0))
        if backbone.module is not None:
            load_learnt(path, backbone.module, head)
        return backbone, head


def answer(backbone: Backbone | Form, head: TunedHead) -> Callable[[Sequence[str]], object]:
    """Make a function that answers a batch of contents."""

    def once(contents: Sequence[str]) -> object:
        with torch.inference_mode():
            features = backbone.forward(backbone.prepare(contents)).cpu().numpy()
        return head.probabilities(features)

    return once
