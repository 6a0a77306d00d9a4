"""The rungs that tune: some layers, adapters beside them, or all of them."""

import time
from typing import Any

import torch

from advisor.jobs.folder import RungRecord
from advisor.probe.adapters import ALPHA, DROPOUT, RANK, attention
from advisor.probe.features import embed
from advisor.probe.recipes import TUNING, Recipe, Scope, recipe_for
from advisor.probe.rungs.rung import Rung, learnt_path
from advisor.probe.scope import changed
from advisor.probe.tune import TunedHead, load_learnt, tune
from advisor.result import CurvePoint

__all__ = ["Tuning"]

SOFT = 0.01
KEEPING_S, SLOWER = 2.0, 1.3


class Tuning(Rung):
    """Head and body learn on, from the linear probe or from where an earlier tuning of this model ended."""

    def climb(self) -> None:
        """Tune as the rung's recipe says, and keep every parameter that was tuned."""
        setting, model = self.setting, self.weights.model
        body = self.backbone.module
        if body is None:
            raise ValueError(f"{model} gives features only and cannot be tuned")
        head = TunedHead(self.fit(self.features(self.train), setting.truth[self.train], self.strength()))
        start = self.start()
        restored = self.restore(start, body, head)
        recipe = recipe_for(setting.examples.task, self.rung, len(self.train), setting.balanced)
        contents, truth = setting.contents(self.train), setting.truth[self.train]
        since = time.monotonic()
        tell = setting.steps(model, self.rung, "tuning")
        tuned = tune(
            self.backbone, head, contents, truth, recipe, setting.clock, seed=setting.seed,
            reserve_s=self.judging_s(), progress=tell,
        )  # fmt: skip
        spent = time.monotonic() - since
        tell = setting.steps(model, self.rung, "measuring")
        since = time.monotonic()
        features = embed(self.backbone, setting.contents(self.judged), setting.clock, tell)
        throughput = len(features) / (time.monotonic() - since)
        judged = head.probabilities(features)
        select = judged[: len(setting.examples.select)]
        point = setting.point(self.rung, len(self.train), tuned.epochs, spent, select)
        names = restored | changed(body, recipe)
        learnt = {
            f"body.{name}": value.detach().cpu().numpy()
            for name, value in body.named_parameters()
            if name in names
        }
        self.keep(learnt | {f"head.{name}": value for name, value in head.arrays().items()})
        hyperparameters = {
            **_settings(recipe, tuned.epochs, body),
            "continues": start.rung if start else "linear-probe",
        }
        self.save(
            judged, [point], self.answer(head), hyperparameters, recipe.scope, throughput,
            note=self.note(point, recipe.epochs),
        )  # fmt: skip

    def judging_s(self) -> float:
        """Seconds to keep for answering all examples to choose and to judge by, from the first rung's speed."""
        speeds = [record.throughput_per_s for record in self.before if record.throughput_per_s]
        return KEEPING_S + SLOWER * len(self.judged) / speeds[0] if speeds else KEEPING_S

    def note(self, point: CurvePoint, planned: int) -> str:
        """Explain a tuned rung that was cut short, or ends below the model's own earlier ones."""
        notes = []
        if point.epochs < planned:
            notes.append(f"{self.rung} had time for {point.epochs} of {planned} passes")
        before = [record.curve[-1].metric.value for record in self.before]
        if before and point.metric.value < max(before):
            notes.append(
                f"Tuning ended below the model's own earlier rung ({point.metric.value:.3f} against "
                f"{max(before):.3f}): {len(self.train)} examples and {point.epochs} epochs did not help it; "
                "the earlier rung counts."
            )
        return ". ".join(notes)

    def strength(self) -> float | None:
        """A hundredth of the C that the linear probe chose: a soft head leaves the body something to learn."""
        probes = [r.hyperparameters for r in self.before if r.rung.startswith("linear-probe")]
        chosen = [settings["C"] for settings in probes if settings.get("C") is not None]
        return SOFT * float(chosen[-1]) if chosen else None

    def start(self) -> RungRecord | None:
        """Find the rung to go on from: the last block's for `longer`, else the best, if that was tuned at all."""
        if self.rung == "longer":
            return next((record for record in reversed(self.before) if record.rung == "last-block"), None)
        best = max(
            self.before, key=lambda record: (record.curve[-1].metric.value, record.position), default=None
        )
        return best if best and best.rung in TUNING else None

    def restore(self, start: RungRecord | None, body: torch.nn.Module, head: TunedHead) -> set[str]:
        """Go on from where a rung ended.

        :return: the parameters of the body that it had tuned.
        """
        if start is None:
            return set()
        path = learnt_path(self.setting.folder, self.weights.model, start.position, start.rung)
        return load_learnt(path, body, head) if path.exists() else set()


def _settings(recipe: Recipe, epochs: int, body: torch.nn.Module) -> dict[str, Any]:
    targets = sorted({name.rpartition(".")[2] for name in attention(body)})
    own: dict[Scope, dict[str, Any]] = {
        "last-block": {},
        "lora": {"rank": RANK, "alpha": ALPHA, "lora_dropout": DROPOUT, "targets": " ".join(targets)},
        "full": {"layer_decay": recipe.layer_decay},
    }
    return {
        "epochs": epochs,
        "learning_rate": recipe.body_rate,
        **own[recipe.scope],
        "head_learning_rate": recipe.head_rate,
        "weight_decay": recipe.weight_decay,
        "label_smoothing": recipe.smoothing,
        "dropout": recipe.dropout,
        "schedule": "warm-up, then cosine",
        "batch_norm": "evaluation mode",
    }
