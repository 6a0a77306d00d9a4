"""The network beside its compressed forms: size, latency, and what each answers to the report split."""

import time
from functools import cached_property
from typing import Any

from torch import nn

from advisor.jobs.checks import CheckRecord, read_check, save_check
from advisor.probe.after.distilling import distil
from advisor.probe.after.subject import SPARE, NoRoom, Subject, answer
from advisor.probe.backbone import Backbone
from advisor.probe.clock import OutOfTime
from advisor.probe.compress import (
    FORMS,
    NotCompressible,
    compress,
    compressing_s,
    packed_mb,
    race,
    stored_mb,
)
from advisor.probe.features import embed
from advisor.probe.tune import TunedHead

__all__ = ["check_compression"]

ALL = (*FORMS, "distilled")
FEWEST_REQUESTS = 12
RACE_S = 4.0
DEFLATED_MB_S = 20.0


def check_compression(subject: Subject) -> None:
    """Make every form, time it beside the original, and keep what it answers, unopened.

    :raises NoRoom: if the budget has no room even for loading.
    :raises NotCompressible: if the model is no module of PyTorch.
    """
    begun = time.monotonic()
    setting = subject.setting
    subject.need(subject.loading_s + FEWEST_REQUESTS * subject.seconds_each, "loading and compressing it")
    backbone, head = subject.bring_back()
    if backbone.module is None:
        raise NotCompressible(f"{subject.model} runs in a package of its own, not in PyTorch")
    tell = setting.steps(subject.model, "compression", "forms")
    packed = _Packed(subject, backbone.module)
    for number, name in enumerate(ALL):
        tell(number, len(ALL))
        kept = read_check(setting.folder, f"compression-{name}")
        same = kept is not None and (kept.model, kept.rung) == (subject.model, subject.rung.rung)
        if kept is None or kept.status == "skipped" or not same:
            _form(subject, backbone, head, name, packed)
    tell(len(ALL), len(ALL))
    record = CheckRecord(
        name="compression", model=subject.model, rung=subject.rung.rung, status="done",
        seconds=time.monotonic() - begun, content={"forms": list(ALL)},
    )  # fmt: skip
    save_check(setting.folder, record)


class _Packed:
    """The deflated size of the body as it is, measured once, when it is first asked for."""

    def __init__(self, subject: Subject, body: nn.Module) -> None:
        self.subject = subject
        self.body = body

    @cached_property
    def before(self) -> float | None:
        """10^6 bytes; None for a large body."""
        return self.of(self.body)

    def of(self, body: nn.Module) -> float | None:
        """Deflate another body, if there is time for it."""
        self.subject.need(SPARE * stored_mb(body) / DEFLATED_MB_S, "measuring the deflated size")
        return packed_mb(body, self.subject.setting.clock.check)


def _form(subject: Subject, backbone: Backbone, head: TunedHead, name: str, packed: _Packed) -> None:
    begun = time.monotonic()
    setting = subject.setting
    contents = setting.contents(setting.examples.select)
    content: dict[str, Any] = {"form": name, "what": name}
    status: Any = "done"
    because, report = "", None
    try:
        assert backbone.module is not None
        making = 0.0 if name == "distilled" else compressing_s(backbone.module, name)
        subject.need(SPARE * (making + FEWEST_REQUESTS * subject.seconds_each), name)
        form, own = (
            distil(subject, backbone, head)
            if name == "distilled"
            else (compress(backbone, name, contents), head)
        )
        content["what"] = form.what
        before, after = race(
            (answer(backbone, head), answer(form, own)), contents, check=setting.clock.check,
            most_seconds=min(RACE_S, setting.clock.left / 10),
        )  # fmt: skip
        assert form.module is not None
        content |= {
            "size_mb": stored_mb(form.module) + _head_mb(own),
            "size_before_mb": stored_mb(backbone.module) + _head_mb(head),
        }
        if name.startswith("pruned"):
            content |= {"packed_mb": packed.of(form.module), "packed_before_mb": packed.before}
        content |= {"latency_ms": after.model_dump(), "latency_before_ms": before.model_dump()}
        judged = subject.affordable(after.p50 / 1000, f"judging {name}")
        shown = setting.contents(setting.examples.report[:judged])
        report = own.probabilities(embed(form, shown, setting.clock))
    except (NoRoom, OutOfTime) as error:
        status, because = "skipped", str(error)
    except (NotCompressible, ValueError, RuntimeError) as error:
        status, because = "failed", str(error)
    record = CheckRecord(
        name=f"compression-{name}", model=subject.model, rung=subject.rung.rung, status=status, because=because,
        seconds=time.monotonic() - begun, content=content,
    )  # fmt: skip
    save_check(setting.folder, record, report)


def _head_mb(head: TunedHead) -> float:
    return sum(array.nbytes for array in head.arrays().values()) / 1e6
