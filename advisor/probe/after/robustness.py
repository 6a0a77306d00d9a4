"""How the network takes inputs that are lightly damaged."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from advisor.jobs.checks import CheckRecord, read_check, save_check
from advisor.probe.after.subject import SPARE, NoRoom, Subject
from advisor.probe.backbone import Backbone, ImageBackbone
from advisor.probe.clock import OutOfTime
from advisor.probe.corrupt import DAMAGE, damage_image, damage_text
from advisor.probe.features import embed
from advisor.probe.source_head import SourceHead
from advisor.probe.tune import TunedHead

__all__ = ["check_robustness"]

MOST_JUDGED = 200


@dataclass
class _Damaged:
    """A backbone that is fed through damage of one kind."""

    origin: Backbone
    kind: str
    batch_size: int
    module: torch.nn.Module | None
    source: SourceHead | None = None

    def prepare(self, contents: Sequence[str]) -> Any:
        """Preprocess n damaged contents."""
        if not isinstance(self.origin, ImageBackbone):
            return self.origin.prepare([damage_text(content, self.kind) for content in contents])
        read = self.origin.open_image
        images = [damage_image(read(content), self.kind, content) for content in contents]
        pixels = torch.stack([self.origin.transform(image) for image in images])
        return pixels.contiguous(memory_format=torch.channels_last)

    def forward(self, batch: Any) -> torch.Tensor:
        """Map a prepared batch to (n, d) float32 features."""
        return self.origin.forward(batch)


def check_robustness(subject: Subject) -> None:
    """Let the network answer damaged examples of the report split, and keep the answers unopened.

    :raises NoRoom: if the budget has no room even for one kind of damage.
    """
    begun = time.monotonic()
    setting = subject.setting
    kinds = DAMAGE[setting.examples.task]
    fewest = min(MOST_JUDGED, len(setting.examples.report))
    subject.need(subject.loading_s + SPARE * subject.seconds_each * fewest, "answering damaged examples")
    backbone, head = subject.bring_back()
    tell = setting.steps(subject.model, "robustness", "kinds of damage")
    for number, kind in enumerate(kinds):
        tell(number, len(kinds))
        kept = read_check(setting.folder, f"robustness-{kind}")
        same = kept is not None and (kept.model, kept.rung) == (subject.model, subject.rung.rung)
        if kept is None or kept.status == "skipped" or not same:
            _kind(subject, backbone, head, kind, kinds[kind])
    tell(len(kinds), len(kinds))
    record = CheckRecord(
        name="robustness", model=subject.model, rung=subject.rung.rung, status="done",
        seconds=time.monotonic() - begun, content={"kinds": list(kinds)},
    )  # fmt: skip
    save_check(setting.folder, record)


def _kind(subject: Subject, backbone: Backbone, head: TunedHead, kind: str, what: str) -> None:
    begun = time.monotonic()
    setting = subject.setting
    status: Any = "done"
    because, report = "", None
    try:
        judged = min(MOST_JUDGED, subject.affordable(subject.seconds_each, kind))
        shown = setting.contents(setting.examples.report[:judged])
        damaged = _Damaged(backbone, kind, backbone.batch_size, backbone.module)
        report = head.probabilities(embed(damaged, shown, setting.clock))
    except (NoRoom, OutOfTime) as error:
        status, because = "skipped", str(error)
    record = CheckRecord(
        name=f"robustness-{kind}", model=subject.model, rung=subject.rung.rung, status=status, because=because,
        seconds=time.monotonic() - begun, content={"kind": kind, "what": what},
    )  # fmt: skip
    save_check(setting.folder, record, report)
