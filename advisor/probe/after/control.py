"""The network's architecture from random weights, for as long as the pretrained one has climbed."""

import time

from advisor.jobs.checks import CheckRecord, save_check
from advisor.probe.after.subject import SPARE, Subject
from advisor.probe.backbone import load_backbone, use_layers
from advisor.probe.compress import NotCompressible
from advisor.probe.control import BODY_RATE, blank, predict, train_from_scratch

__all__ = ["check_control"]

LEAST_SHARE = 0.5


def check_control(subject: Subject) -> None:
    """Train from random weights on the same examples, and keep what it answers to the report split, unopened.

    :raises NoRoom: if the budget has no room for at least half of the pretrained model's seconds.
    :raises NotCompressible: if the model is no module of PyTorch.
    """
    setting, examples = subject.setting, subject.setting.examples
    spent = subject.climbed_s
    fixed = subject.loading_s + SPARE * subject.seconds_each * len(examples.report)
    seconds = min(spent, setting.clock.left - fixed)
    if seconds < LEAST_SHARE * spent:
        subject.need(fixed + LEAST_SHARE * spent, "at least half of the pretrained model's time")
    begun = time.monotonic()
    weights = subject.locate(subject.model)
    backbone = load_backbone(weights, setting.open_image)
    if backbone.module is None:
        raise NotCompressible(f"{subject.model} runs in a package of its own and cannot be trained")
    blank(weights, backbone, setting.seed)
    use_layers(backbone, subject.layers)
    learnt = list(examples.train[: subject.rung.curve[-1].examples])
    head = train_from_scratch(
        backbone, setting.contents(learnt), setting.truth[learnt], len(examples.labels),
        BODY_RATE[weights.loader], seconds, seed=setting.seed, balanced=setting.balanced,
        check=setting.clock.check, progress=setting.steps(subject.model, "control", "training from random weights"),
    )  # fmt: skip
    report = predict(backbone, head, setting.contents(examples.report), setting.clock)
    record = CheckRecord(
        name="control", model=subject.model, rung=subject.rung.rung, status="done",
        seconds=time.monotonic() - begun,
        content={"examples": len(learnt), "seconds": seconds, "pretrained_seconds": spent},
    )  # fmt: skip
    save_check(setting.folder, record, report)
