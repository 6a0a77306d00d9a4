"""What the network knows, taught to a smaller one of the same probe (Hinton et al. 2015)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.errors import AdvisorError
from advisor.jobs.records import best_rung
from advisor.probe.after.subject import SPARE, Subject
from advisor.probe.ahead import Ahead
from advisor.probe.backbone import Backbone
from advisor.probe.clock import Clock
from advisor.probe.compress import Form, NotCompressible
from advisor.probe.features import embed
from advisor.probe.rungs import known_features
from advisor.probe.scope import last_block
from advisor.probe.tune import TunedHead

__all__ = ["distil", "pupil_of", "soften", "teach"]

TEMPERATURE = 2.0
TAUGHT = 0.7
PASSES = 4
VISIT = 2.0
SHARE = 1 / 3
SMALLER = 0.9
BODY_RATE, HEAD_RATE = 3e-4, 1e-4


def distil(subject: Subject, backbone: Backbone, head: TunedHead) -> tuple[Form, TunedHead]:
    """Teach a smaller model of this probe what the network answers to the examples that it learnt from.

    :return: the pupil as a form of the network, and its head.
    :raises NotCompressible: if no smaller model of this probe can be tuned.
    :raises NoRoom: if there is no time for a single pass.
    """
    setting = subject.setting
    pupil = pupil_of(subject)
    learnt = list(setting.examples.train[: subject.rung.curve[-1].examples])
    one_pass = SPARE * VISIT * pupil.seconds_each * len(learnt)
    asking = 0.0 if subject.rung.strategy == "frozen" else SPARE * subject.seconds_each * len(learnt)
    subject.need((pupil.loading_s + asking + one_pass) / SHARE, f"teaching {pupil.model}")
    taught = _answers(subject, backbone, head, learnt)
    form, own = pupil.bring_back()
    passes = int(max(1, min(PASSES, SHARE * setting.clock.left / one_pass)))
    contents = setting.contents(learnt)
    teach(form, own, contents, taught, setting.truth[learnt], passes, setting.clock, seed=setting.seed)
    what = f"distilled into {pupil.model} in {passes} passes over {len(learnt)} examples"
    return Form(form, form.module, form.batch_size, what), own


def pupil_of(subject: Subject) -> Subject:
    """Choose who is taught: a model of this probe that is at least a tenth smaller and can be tuned.

    One of the network's own family comes first, then the one that was best on the choosing split.

    :raises NotCompressible: if there is none.
    """
    folder = subject.setting.folder
    size = subject.rung.size_mb
    found = []
    for model in folder.spec().chosen:
        rungs = folder.rungs(model)
        if model == subject.model or not rungs or size is None:
            continue
        best = best_rung(rungs)
        if best.size_mb is not None and best.size_mb < SMALLER * size:
            found.append(best)
    families = _families(subject)
    own = families.get(subject.model)
    found.sort(
        key=lambda best: (own is None or families.get(best.model) != own, -best.curve[-1].metric.value)
    )
    for best in found:
        if subject.locate(best.model).loader in ("timm", "transformers"):
            return replace(subject, rung=best)
    raise NotCompressible("no smaller model of this probe can be tuned")


def _families(subject: Subject) -> dict[str, str]:
    from advisor.knowledge import load_knowledge
    from advisor.weights import local_cards

    spec = subject.setting.folder.spec()
    try:
        known = load_knowledge(Path(spec.knowledge) if spec.knowledge else None).with_models(local_cards())
    except AdvisorError:
        return {}
    return {card.id: card.family for card in known.models if card.id in spec.chosen}


def _answers(
    subject: Subject, backbone: Backbone, head: TunedHead, learnt: Sequence[int]
) -> NDArray[np.float32]:
    """What the network answers to some examples, (n, k); from stored features where it is frozen."""
    setting = subject.setting
    if subject.rung.strategy == "frozen":
        stored = known_features(setting, subject.locate(subject.model), learnt, subject.layers)
        if all(position in stored for position in learnt):
            return head.probabilities(np.stack([stored[position] for position in learnt]))
    return head.probabilities(embed(backbone, setting.contents(learnt), setting.clock))


def soften(probabilities: NDArray[np.float32], temperature: float = TEMPERATURE) -> NDArray[np.float32]:
    """Make answers less sure, as dividing their logits by the temperature would, (n, k)."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12)) / temperature
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True), dtype=np.float32)


def teach(
    backbone: Backbone,
    head: TunedHead,
    contents: Sequence[str],
    taught: NDArray[np.float32],
    truth: NDArray[np.int64],
    passes: int,
    clock: Clock,
    *,
    seed: int,
) -> float:
    """Tune head and last block in place, towards the teacher's softened answers and the labels.

    Batch norm stays in evaluation mode, as in every tuning of a probe.

    :param contents: n texts or image paths.
    :param taught: (n, k) probabilities that the teacher gives.
    :param truth: (n,) class indices.
    :return: the mean loss of the last pass.
    :raises OutOfTime, Cancelled: from the clock, between steps.
    """
    body = backbone.module
    assert body is not None
    torch.manual_seed(seed)
    device = next(body.parameters()).device
    head.to(device)
    body.requires_grad_(False)
    learning = list(last_block(body).values())
    for parameter in learning:
        parameter.requires_grad_(True)
    groups = [
        {"params": learning, "lr": BODY_RATE, "peak": BODY_RATE},
        {"params": list(head.linear.parameters()), "lr": HEAD_RATE, "peak": HEAD_RATE},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    soft = torch.from_numpy(soften(taught)).to(device)
    labels = torch.from_numpy(truth).to(device)
    order = np.random.default_rng(seed)
    size = max(1, min(backbone.batch_size, len(contents)))
    batches = [
        shuffled[at : at + size]
        for shuffled in (order.permutation(len(contents)) for _ in range(passes))
        for at in range(0, len(contents), size)
    ]
    losses: list[float] = []
    with Ahead(backbone, contents) as ahead:
        for step, chosen in enumerate(batches):
            clock.check()
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * 0.5 * (1 + float(np.cos(np.pi * step / len(batches))))
            then = batches[step + 1] if step + 1 < len(batches) else chosen[:0]
            logits = head(backbone.forward(ahead.take(chosen, then)))
            spoken = nn.functional.log_softmax(logits / TEMPERATURE, dim=1)
            places = torch.from_numpy(chosen).to(device)
            alike = nn.functional.kl_div(spoken, soft[places], reduction="batchmean") * TEMPERATURE**2
            loss = TAUGHT * alike + (1 - TAUGHT) * nn.functional.cross_entropy(logits, labels[places])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(loss.detach()))
    body.requires_grad_(False)
    return float(np.mean(losses[-(len(batches) // passes) :]))
