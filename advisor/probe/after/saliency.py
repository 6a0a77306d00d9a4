"""Where the network looked, in some examples of the report split that it got wrong and some that it got right."""

import time
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.checks import Looked, Saliency
from advisor.jobs.checks import CheckRecord, save_check
from advisor.probe.after.heat import NotExplainable, as_seen, heat_map, last_map
from advisor.probe.after.reading import STEPS, read
from advisor.probe.after.subject import SPARE, NoRoom, Subject
from advisor.probe.backbone import Backbone, ImageBackbone, TextBackbone, torch_device
from advisor.probe.clock import OutOfTime
from advisor.probe.tune import TunedHead

__all__ = ["check_saliency", "some"]

MOST_WRONG = MOST_RIGHT = 4
FEWEST = 2
BACKWARD = 3.0
IMPORTS_S = 4.0
SHARE = 0.25
READING = "integrated gradients from the text with every word masked"


def check_saliency(subject: Subject) -> None:
    """Find what raised the score of the class that the network named, and keep it.

    The labels of the report split only choose what is shown; the decision reads nothing of this.

    :raises NoRoom: if the budget has no room for two examples.
    :raises NotExplainable: if the architecture does not allow it.
    """
    begun = time.monotonic()
    setting = subject.setting
    texts = setting.examples.task == "text-classification"
    each = BACKWARD * subject.seconds_each * (STEPS if texts else 1)
    fixed = subject.loading_s + IMPORTS_S
    subject.need(fixed + SPARE * FEWEST * each, "seeing where it looked")
    rung = subject.rung
    probabilities = setting.folder.probabilities(rung, "report")
    chosen = some(setting.truth[list(setting.examples.report)], probabilities)
    backbone, head = subject.bring_back()
    head.to(torch_device())
    look, method, layer = _looker(subject, backbone, head)
    until = time.monotonic() + SHARE * (setting.clock.left - fixed)
    tell = setting.steps(subject.model, "saliency", "examples")
    examples: list[Looked] = []
    for number, place in enumerate(chosen):
        tell(number, len(chosen))
        since = time.monotonic()
        try:
            setting.clock.check()
            subject.need(each, "another example")
            if len(examples) >= FEWEST and since + each > until:
                break
            examples.append(_example(subject, place, probabilities[place], look))
        except (NoRoom, OutOfTime):
            if len(examples) < FEWEST:
                raise
            break
        each = time.monotonic() - since
    tell(len(chosen), len(chosen))
    found = Saliency(model=rung.model, rung=rung.rung, method=method, layer=layer, examples=tuple(examples))
    record = CheckRecord(
        name="saliency", model=rung.model, rung=rung.rung, status="done", seconds=time.monotonic() - begun,
        content=found.model_dump(mode="json"),
    )  # fmt: skip
    save_check(setting.folder, record)


def some(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> list[int]:
    """Choose a handful of examples, wrong and right in turn.

    The wrong ones are those that the model was surest of. The right ones come from as many classes as there are, the
    most frequent first; of each class the one that the model was as sure of as of half of its like.

    :param truth: (n,) class indices.
    :param probabilities: (n, k).
    :return: places in 0 … n − 1.
    """
    named = probabilities.argmax(axis=1)
    sure = probabilities[np.arange(len(named)), named]
    missed = np.flatnonzero(named != truth)
    wrong = missed[np.argsort(-sure[missed], kind="stable")][:MOST_WRONG].tolist()
    known = np.flatnonzero(named == truth)
    queues = []
    for label in sorted(set(truth[known].tolist()), key=lambda one: (-int(np.sum(truth == one)), one)):
        own = known[truth[known] == label]
        typical = np.argsort(np.abs(sure[own] - np.median(sure[own])), kind="stable")
        queues.append(own[typical].tolist())
    right = [place for turn in zip_longest(*queues) for place in turn if place is not None][:MOST_RIGHT]
    pairs = chain.from_iterable(zip_longest(wrong, right))
    return [int(place) for place in pairs if place is not None]


def _looker(
    subject: Subject, backbone: Backbone, head: TunedHead
) -> tuple[Callable[[str, int], dict[str, Any]], str, str]:
    """Make what looks at one example; say how it does, and at which layer."""
    if isinstance(backbone, ImageBackbone) and backbone.module is not None:
        first = subject.setting.contents(subject.setting.examples.report[:1])
        batch = backbone.prepare(first)
        layer = last_map(backbone.module, lambda: backbone.forward(batch))

        def picture(content: str, named: int) -> dict[str, Any]:
            pixels = backbone.prepare([content])
            heat = heat_map(backbone, head, layer, pixels, named)
            return {"heat": heat.tolist(), "picture": as_seen(backbone, pixels[0])}

        return picture, layer.method, layer.name
    if isinstance(backbone, TextBackbone):

        def text(content: str, named: int) -> dict[str, Any]:
            found = read(backbone, head, content, named)
            return {"words": found.words, "score": found.score, "blank_score": found.blank_score}

        return text, READING, "embeddings"
    raise NotExplainable(f"{subject.model} runs in a package of its own, which gives no gradients")


def _example(
    subject: Subject,
    place: int,
    probabilities: NDArray[np.float32],
    look: Callable[[str, int], dict[str, Any]],
) -> Looked:
    examples = subject.setting.examples
    position = examples.report[place]
    named = int(probabilities.argmax())
    return Looked(
        id=examples.ids[position],
        truth=examples.labels[examples.truth[position]],
        predicted=examples.labels[named],
        probability=float(probabilities[named]),
        **look(examples.contents[position], named),
    )
