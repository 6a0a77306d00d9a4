"""The rung that adapts a body to examples without labels: batch-norm statistics for images, SimCSE for texts."""

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from advisor.dataset import ImageReader
from advisor.errors import InputError
from advisor.probe.adaptation import PRIOR_WEIGHT, TEXT, adapt_statistics, contrast_with_itself
from advisor.probe.backbone import Backbone, ImageBackbone
from advisor.probe.choice import Chosen
from advisor.probe.rungs.refitted import Refitted
from advisor.result import CurvePoint

__all__ = ["Adapted"]

APART = "\0"
"""Begins the content of an unlabelled image, which lies in a folder or zip of its own; no path holds it."""


class Adapted(Refitted):
    """The body is fitted to the domain by the unlabelled and the training examples, whose labels only the head sees."""

    def climb(self) -> None:
        """Adapt, fit a head on what the body sees then, and keep both."""
        setting, model = self.setting, self.weights.model
        spare = setting.examples.unlabelled
        if not spare:
            raise InputError(
                f"There are no unlabelled examples to adapt {model} to", fix="Give some with --unlabelled."
            )
        if self.backbone.module is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        since = time.monotonic()
        body, settings = self.statistics() if setting.examples.unlabelled_origin else self.contrasted()
        settings = {"unlabelled": len(spare), **settings}
        self.refit(body, 1, time.monotonic() - since, "adapted", settings)

    def statistics(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
        """Estimate batch-norm statistics anew.

        :return: the statistics, and the settings.
        """
        setting, examples = self.setting, self.setting.examples
        contents = [APART + path for path in examples.unlabelled] + setting.contents(self.train)
        tell = setting.steps(self.weights.model, self.rung, "adapting")
        found = adapt_statistics(self.backbone, contents, setting.clock, seed=setting.seed, progress=tell)
        if not found:
            raise ValueError(f"{self.weights.model} has no batch norm whose statistics could adapt")
        settings = {"adaptation": "batch-norm statistics", "prior_weight": PRIOR_WEIGHT}
        return {name: values.numpy() for name, values in found.items()}, settings

    def contrasted(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
        """Tune the encoder by holding texts against themselves.

        :return: the tuned parameters, and the settings.
        """
        setting = self.setting
        contents = [*setting.examples.unlabelled, *setting.contents(self.train)]
        tell = setting.steps(self.weights.model, self.rung, "adapting")
        tuned = contrast_with_itself(
            self.backbone, contents, TEXT, setting.clock, seed=setting.seed, progress=tell
        )  # fmt: skip
        settings = {
            "adaptation": "SimCSE",
            "epochs": 1,
            "learning_rate": TEXT.rate,
            "temperature": TEXT.temperature,
            "weight_decay": TEXT.weight_decay,
            "compared_at_once": TEXT.batch_size,
            "schedule": "warm-up, then linear",
        }
        return {name: parameter.detach().cpu().numpy() for name, parameter in tuned.items()}, settings

    @cached_property
    def backbone(self) -> Backbone:
        """The body, which reads the unlabelled images as well."""
        backbone = super().backbone
        origin = self.setting.examples.unlabelled_origin
        if isinstance(backbone, ImageBackbone) and origin:
            backbone.open_image = _either(self.setting.open_image, ImageReader(Path(origin)))
        return backbone

    def note(self, point: CurvePoint, chosen: Chosen) -> str:
        """Say what adapting did to the model's own linear probe."""
        probes = [one.curve[-1].metric.value for one in self.before if one.rung.startswith("linear-probe")]
        told = [chosen.note.rstrip(".")] if chosen.note else []
        if probes:
            n, found, before = len(self.setting.examples.unlabelled), point.metric.value, max(probes)
            if found > before:
                told.append(
                    f"Adapting to {n} unlabelled examples took its linear probe from {before:.3f} to {found:.3f}"
                )
            else:
                told.append(
                    f"Adapting to {n} unlabelled examples did not help its linear probe "
                    f"({found:.3f} against {before:.3f}), so that does not count"
                )
        return ". ".join(told)


def _either(
    labelled: Callable[[str], Image.Image], apart: Callable[[str], Image.Image]
) -> Callable[[str], Image.Image]:
    def read(content: str) -> Image.Image:
        return apart(content[len(APART) :]) if content.startswith(APART) else labelled(content)

    return read
