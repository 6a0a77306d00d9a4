"""The rungs that tune: some layers, adapters beside them, or all of them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from advisor.jobs.folder import RungRecord
from advisor.probe.adapters import ALPHA, DROPOUT, RANK, attention
from advisor.probe.augment import MOST_TRIED, Verdict, embed_views, judge, views
from advisor.probe.features import embed
from advisor.probe.recipes import TUNING, Recipe, Scope, recipe_for
from advisor.probe.rungs.rung import Rung
from advisor.probe.scope import changed
from advisor.probe.stopping import PATIENCE
from advisor.probe.tune import Tuned, TunedHead, load_learnt, tune
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
        augmentation, said = self.augmentation()
        start = self.start()
        head, restored = self.begin(start, body)
        recipe = recipe_for(setting.examples.task, self.rung, len(self.train), setting.balanced)
        since = time.monotonic()
        tuned = self.learn(head, recipe, augmentation)
        more = {**augmentation, "continues": start.rung if start else "linear-probe"}
        self.finish(head, recipe, tuned, restored, time.monotonic() - since, more, [said])

    def learn(self, head: TunedHead, recipe: Recipe, augmentation: Mapping[str, Any]) -> Tuned:
        """Tune on all examples to learn from."""
        setting = self.setting
        tell = setting.steps(self.weights.model, self.rung, "tuning")
        return tune(
            self.backbone, head, setting.contents(self.train), setting.truth[self.train], recipe, setting.clock,
            seed=setting.seed, reserve_s=self.judging_s(), changed=augmentation["augmentation"] == "on",
            progress=tell,
        )  # fmt: skip

    def finish(
        self,
        head: TunedHead,
        recipe: Recipe,
        tuned: Tuned,
        restored: set[str],
        spent: float,
        more: Mapping[str, Any],
        said: Sequence[str],
    ) -> None:
        """Answer the examples to choose and to judge by, and keep the rung.

        :param restored: what an earlier rung had changed of the body.
        :param spent: seconds that the tuning took.
        :param more: hyperparameters beside those of the recipe.
        :param said: notes; empty ones are left out.
        """
        setting, body = self.setting, self.backbone.module
        assert body is not None
        tell = setting.steps(self.weights.model, self.rung, "measuring")
        since = time.monotonic()
        features = embed(self.backbone, setting.contents(self.judged), setting.clock, tell)
        throughput = len(features) / (time.monotonic() - since)
        judged = head.probabilities(features)
        select = judged[: len(setting.examples.select)]
        passes = max(1, tuned.epochs)
        examples = tuned.seen + (tuned.held if tuned.made else 0)
        point = setting.point(self.rung, examples, passes, spent, select)
        names = restored | changed(body, recipe)
        learnt = {
            f"body.{name}": value.detach().cpu().numpy()
            for name, value in (*body.named_parameters(), *body.named_buffers())
            if name in names
        }
        self.keep(learnt | {f"head.{name}": value for name, value in head.arrays().items()})
        held = {"held_out": tuned.held, "passes_made": tuned.made} if tuned.held else {}
        notes = [*said, self.note(point, tuned, recipe.epochs)]
        self.save(
            judged, [point], self.answer(head), {**_settings(recipe, passes, body), **held, **more},
            recipe.scope, throughput, note=". ".join(note for note in notes if note),
        )  # fmt: skip

    def augmentation(self) -> tuple[dict[str, Any], str]:
        """Say whether to learn from changed views: as an earlier rung of this model found, else by trying it.

        :return: what is remembered of it, and a note where it was tried just now.
        """
        for record in reversed(self.before):
            known = {n: value for n, value in record.hyperparameters.items() if n.startswith("augmentation")}
            if known:
                return known, ""
        setting = self.setting
        chosen = self.train[:MOST_TRIED]
        tell = setting.steps(self.weights.model, self.rung, "trying changed examples")
        plain, truth = self.features(chosen), setting.truth[chosen]
        fresh = views(setting.contents(chosen), 1, setting.seed)
        found = judge(
            plain, embed_views(self.backbone, fresh, setting.clock, tell), truth, len(setting.examples.labels),
            seed=setting.seed, strength=self.penalty(), balanced=setting.balanced, check=setting.clock.go_on,
        )  # fmt: skip
        if found is None:
            return {"augmentation": "off"}, ""
        figures = {"augmentation_gain": found.gain, "augmentation_error": found.doubt}
        return {"augmentation": "on" if found.on else "off", **figures}, _tried(found)

    def judging_s(self) -> float:
        """Seconds to keep for answering all examples to choose and to judge by, from the first rung's speed."""
        speeds = [record.throughput_per_s for record in self.before if record.throughput_per_s]
        return KEEPING_S + SLOWER * len(self.judged) / speeds[0] if speeds else KEEPING_S

    def note(self, point: CurvePoint, tuned: Tuned, planned: int) -> str:
        """Explain a tuned rung that ended early, or below the model's own earlier ones."""
        notes = []
        if tuned.stopped:
            notes.append(
                f"{self.rung} stopped after {tuned.made} of {planned} passes: {PATIENCE} passes running answered more "
                f"of {tuned.held} examples kept aside wrongly than before, by more than chance, and the weights of "
                f"pass {tuned.epochs} stay"
            )
        elif tuned.epochs < tuned.made:
            notes.append(
                f"The last passes of {self.rung} did harm on {tuned.held} examples kept aside, so the weights of pass "
                f"{tuned.epochs} stay"
            )
        elif not tuned.made:
            notes.append(
                f"{self.rung} had time for {tuned.seen} of {len(self.train) - tuned.held} examples, once each"
            )
        elif tuned.made < planned:
            notes.append(f"{self.rung} had time for {tuned.made} of {planned} passes")
        before = [record.curve[-1].metric.value for record in self.before]
        if before and point.metric.value < max(before):
            notes.append(
                f"Tuning ended below the model's own earlier rung ({point.metric.value:.3f} against "
                f"{max(before):.3f}): {point.examples} examples and {point.epochs} epochs did not help it; "
                "the earlier rung counts."
            )
        return ". ".join(notes)

    def penalty(self) -> float | None:
        """The C that the linear probe chose; None if there was none."""
        probes = [r.hyperparameters for r in self.before if r.rung.startswith("linear-probe")]
        chosen = [settings["C"] for settings in probes if settings.get("C") is not None]
        return float(chosen[-1]) if chosen else None

    def strength(self) -> float | None:
        """A hundredth of the C that the linear probe chose: a soft head leaves the body something to learn."""
        chosen = self.penalty()
        return None if chosen is None else SOFT * chosen

    def start(self) -> RungRecord | None:
        """Find the rung to go on from: the last block's for `longer`, else the best, if that changed the body."""
        if self.rung == "longer":
            return next((record for record in reversed(self.before) if record.rung == "last-block"), None)
        best = max(
            self.before, key=lambda record: (record.curve[-1].metric.value, record.position), default=None
        )
        return best if best and best.rung in (*TUNING, "adapted") else None

    def begin(self, start: RungRecord | None, body: torch.nn.Module) -> tuple[TunedHead, set[str]]:
        """Go on from where a rung ended, with its head if that was tuned, else with a soft one.

        :return: the head, and the names of what that rung had changed of the body.
        """
        folder, model = self.setting.folder, self.weights.model
        path = folder.learnt_path(model, start.position, start.rung) if start else None
        if path is not None and not path.exists():
            path = None
        tuned = start is not None and start.rung in TUNING
        restored = load_learnt(path, body) if path and not tuned else set()
        features = (
            embed(self.backbone, self.setting.contents(self.train), self.setting.clock)
            if restored
            else self.features(self.train)
        )
        head = TunedHead(self.fit(features, self.setting.truth[self.train], self.strength()))
        return head, load_learnt(path, body, head) if path and tuned else restored


def _tried(found: Verdict) -> str:
    if found.on:
        return (
            "Its examples were changed anew in every pass: changing them at random lowered the cross-validated loss "
            f"of its probe by {found.gain:.3f} (standard error {found.doubt:.3f})"
        )
    if found.gain >= 0:
        return (
            "Its examples were learnt from as they are: changing them at random lowered the cross-validated loss "
            f"of its probe by no more than {found.gain:.3f} (standard error {found.doubt:.3f})"
        )
    return (
        "Its examples were learnt from as they are: changing them at random raised the cross-validated loss "
        f"of its probe by {-found.gain:.3f} (standard error {found.doubt:.3f})"
    )


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
