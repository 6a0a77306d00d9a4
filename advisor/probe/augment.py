"""Examples that are changed at random while a body learns, and whether that helps on these data."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from advisor.probe.ahead import Ahead, Prepares
from advisor.probe.backbone import Backbone, ImageBackbone
from advisor.probe.clock import Clock
from advisor.probe.head import FOLDS, fit_head
from advisor.probe.noise import deal_folds

__all__ = [
    "MOST_TRIED",
    "Verdict",
    "View",
    "change_image",
    "change_text",
    "changing",
    "embed_views",
    "judge",
    "views",
]

MOST_TRIED = 400
"""So many training examples are changed once to learn whether that helps."""
AREA, RATIO, COLOUR = (0.5, 1.0), (0.85, 1.18), 0.2
DROPPED = 0.1
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002fa1f"
)
WORD = re.compile(rf"(?:[{UNSPACED}]|[^\s{UNSPACED}]+)\s*")
"""A word with the space behind it; of scripts that are written without spaces, a character."""
Draw = np.random.Generator


@dataclass(frozen=True)
class View:
    """One way in which an example is changed.

    :ivar content: a text, or the path of an image.
    :ivar seed: what is drawn for it follows from this alone, in whatever batch and thread it is made.
    """

    content: str
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether changed examples help a head over frozen features.

    :ivar on: they lower the loss by more than a standard error, and no fewer examples are recognised.
    :ivar gain: by how much the cross-validated log loss falls, in nats per example.
    :ivar doubt: its standard error, paired over the examples.
    :ivar examples: how many judged.
    """

    on: bool
    gain: float
    doubt: float
    examples: int


def views(contents: Sequence[str], passes: int, seed: int) -> list[View]:
    """Give one fresh view of each of n contents for each pass: (passes * n,), the first pass first."""
    return [View(content, (seed, turn, i)) for turn in range(passes) for i, content in enumerate(contents)]


def changing(backbone: Backbone) -> Prepares:
    """Give what prepares views as the backbone prepares examples."""
    return _Images(backbone) if isinstance(backbone, ImageBackbone) else _Texts(backbone)


def embed_views(
    backbone: Backbone,
    changed: Sequence[View],
    clock: Clock,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float32]:
    """Turn n views into features, (n, d).

    :raises OutOfTime, Cancelled: from the clock, between batches.
    """
    order = sorted(range(len(changed)), key=lambda i: (-len(changed[i].content), i))
    size = backbone.batch_size
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    rows: dict[int, NDArray[np.float32]] = {}
    with Ahead(changing(backbone), changed) as ahead, torch.inference_mode():
        for number, part in enumerate(parts):
            clock.check()
            following = parts[number + 1] if number + 1 < len(parts) else []
            features = backbone.forward(ahead.take(part, following)).cpu().numpy()
            rows.update(zip(part, features, strict=True))
            progress(len(rows), len(changed))
    return np.stack([rows[i] for i in range(len(changed))])


class _Images:
    """The backbone's own preprocessing, with the random crop in the place of its resizing."""

    def __init__(self, backbone: ImageBackbone) -> None:
        self._backbone = backbone
        steps: list[Any] = list(getattr(backbone.transform, "transforms", []))
        names = [type(step).__name__ for step in steps]
        first = next((i for i, name in enumerate(names) if "Tensor" in name), 0)
        self._finish = steps[first:]
        self._how = next((step.interpolation for step in steps if hasattr(step, "interpolation")), None)
        self._side: tuple[int, int] | None = None

    def prepare(self, contents: Sequence[View]) -> torch.Tensor:
        images = torch.stack([self._one(view) for view in contents])
        return images.contiguous(memory_format=torch.channels_last)

    def _one(self, view: View) -> torch.Tensor:
        image = self._backbone.open_image(view.content)
        if self._side is None:
            height, width = self._backbone.transform(image).shape[-2:]
            self._side = (int(height), int(width))
        changed: Any = change_image(image, self._side, np.random.default_rng(view.seed), self._how)
        for step in self._finish:
            changed = step(changed)
        finished: torch.Tensor = changed
        return finished


class _Texts:
    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone

    def prepare(self, contents: Sequence[View]) -> Any:
        return self._backbone.prepare(
            [change_text(view.content, np.random.default_rng(view.seed)) for view in contents]
        )


def change_image(image: Image.Image, side: tuple[int, int], draw: Draw, how: Any = None) -> Image.Image:
    """Crop 50 to 100 % of the area, mirror every other image, and change brightness, contrast and saturation a little.

    The crop keeps the shape of what is given back but for a sixth; where that does not fit it is as large as it can be.

    :param side: height and width of what is given back.
    :param how: the interpolation, as torchvision names it; bicubic if None.
    :return: RGB.
    """
    from torchvision.transforms import InterpolationMode, functional

    area = float(draw.uniform(*AREA)) * image.width * image.height
    ratio = float(np.exp(draw.uniform(*np.log(RATIO)))) * side[1] / side[0]
    wide, high = (area * ratio) ** 0.5, (area / ratio) ** 0.5
    fits = min(1.0, image.width / wide, image.height / high)
    width, height = (max(1, round(edge * fits)) for edge in (wide, high))
    top, left = (int(draw.integers(0, spare + 1)) for spare in (image.height - height, image.width - width))
    changed: Any = functional.resized_crop(
        image.convert("RGB"), top, left, height, width, list(side),
        how if isinstance(how, InterpolationMode) else InterpolationMode.BICUBIC,
    )  # fmt: skip
    if draw.random() < 0.5:
        changed = functional.hflip(changed)
    for adjust in (functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation):
        changed = adjust(changed, float(draw.uniform(1 - COLOUR, 1 + COLOUR)))
    result: Image.Image = changed
    return result


def change_text(text: str, draw: Draw) -> str:
    """Drop each word with a chance of one in ten, one word at least stays (Wei & Zou 2019).

    Where a script has no spaces between words, characters are dropped.
    """
    words = WORD.findall(text)
    if len(words) < 2:
        return text
    kept = draw.random(len(words)) >= DROPPED
    kept[int(draw.integers(len(words)))] = True
    return "".join(word for word, stays in zip(words, kept, strict=True) if stays).strip()


def judge(
    plain: NDArray[Any],
    changed: NDArray[Any],
    truth: NDArray[np.int64],
    classes: int,
    *,
    seed: int,
    strength: float | None = None,
    balanced: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Verdict | None:
    """Say by cross-validation whether a head learns more from examples and one changed view of each.

    Both heads are judged on the unchanged examples of the fold that neither has seen, also not changed. With twice
    as many rows the penalty counts half, so that the heads differ in nothing but the views. Fewer examples that are
    recognised count against the views whatever the loss says: a view that spoils labels also makes a head less sure,
    which alone may lower the loss.

    :param plain: (n, d) features of the examples.
    :param changed: (n, d) features of one view of each.
    :param truth: (n,) class indices.
    :param strength: the inverse regularisation C; chosen on the unchanged examples if None.
    :param balanced: the rarer a class, the more its examples count.
    :return: None where fewer than two classes can be in every fold.
    """
    if np.sum(np.bincount(truth) >= FOLDS) < 2:
        return None
    if strength is None:
        strength = fit_head(plain, truth, classes, seed=seed, balanced=balanced, check=check).strength
    fold = deal_folds(truth, seed, FOLDS)
    sure = np.zeros((2, len(truth)))
    right = np.zeros((2, len(truth)))
    for number in range(FOLDS):
        out, kept = fold == number, fold != number
        both = np.concatenate([plain[kept], changed[kept]]), np.concatenate([truth[kept], truth[kept]])
        for row, (features, labels, penalty) in enumerate(
            [(plain[kept], truth[kept], strength), (*both, strength / 2)]
        ):
            head = fit_head(
                features, labels, classes, seed=seed, strength=penalty, balanced=balanced, check=check
            )
            found = head.probabilities(plain[out])
            sure[row, out] = np.log(np.maximum(found[np.arange(len(found)), truth[out]], 1e-7))
            right[row, out] = found.argmax(axis=1) == truth[out]
    weight = 1 / np.bincount(truth)[truth] if balanced else np.ones(len(truth))
    weight = weight / weight.mean()
    better = (sure[1] - sure[0]) * weight
    gain, doubt = float(better.mean()), float(better.std(ddof=1)) / len(better) ** 0.5
    recognised = float(((right[1] - right[0]) * weight).sum())
    return Verdict(gain > doubt and recognised >= -1e-9, gain, doubt, len(truth))
