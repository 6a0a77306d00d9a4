"""Changed views of examples: what they are, and that they are used only where they help."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from timm.data import create_transform
from torch import nn

from advisor.errors import Cancelled
from advisor.probe.augment import Verdict, change_image, change_text, changing, embed_views, judge, views
from advisor.probe.backbone import IMAGES_AT_ONCE, ImageBackbone, TextBackbone
from advisor.probe.clock import Clock
from advisor.probe.features import embed

CLOCK = Clock(None, 0.0, lambda: False)
SIDE = 16


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def body(pictures: dict[str, Image.Image], cells: int = 4) -> ImageBackbone:
    """A body that sees the mean colour of each cell."""
    transform = create_transform((3, SIDE, SIDE), is_training=False, crop_pct=0.875)
    module = nn.Sequential(nn.AdaptiveAvgPool2d(cells), nn.Flatten())
    return ImageBackbone(module, transform, lambda content: pictures[content])


def drawn(make: Callable[[int, np.random.Generator], np.ndarray], n: int) -> dict[str, Image.Image]:
    return {
        f"{i}": Image.fromarray(np.clip(make(i % 2, draw(i)), 0, 255).astype(np.uint8), "RGB")
        for i in range(n)
    }


def verdict(pictures: dict[str, Image.Image], cells: int = 4, strength: float = 0.1) -> Verdict:
    backbone, contents = body(pictures, cells), list(pictures)
    truth = np.arange(len(contents)) % 2
    plain = embed(backbone, contents, CLOCK)
    changed = embed_views(backbone, views(contents, 1, 0), CLOCK)
    found = judge(plain, changed, truth, 2, seed=0, strength=strength)
    assert found is not None
    return found


def beside(label: int, rng: np.random.Generator) -> np.ndarray:
    """Bright on the left or on the right: a mirror turns one class into the other."""
    picture = rng.normal(100, 40, (32, 32, 3))
    picture[:, 16 * label : 16 * label + 16] += 40
    return picture


def shade(label: int, rng: np.random.Generator) -> np.ndarray:
    """Two greys that differ by less than brightness is changed."""
    return rng.normal(110 + 15 * label, 4, (32, 32, 3)) + rng.normal(0, 3)


def above(label: int, rng: np.random.Generator) -> np.ndarray:
    """Slightly brighter above or below, under blots anywhere: neither crop nor mirror nor light tells."""
    picture = np.kron(rng.normal(110, 60, (16, 16, 1)), np.ones((2, 2, 3)))
    picture[16 * label : 16 * label + 16] += 30
    return picture


@pytest.mark.parametrize("make", [beside, shade])
def test_views_that_destroy_the_label_are_never_switched_on(make: Any) -> None:
    found = verdict(drawn(make, 60))
    assert not found.on
    assert found.gain < 0


def test_views_that_add_what_few_examples_lack_are_switched_on() -> None:
    found = verdict(drawn(above, 60), cells=16, strength=0.1)
    assert found.on
    assert found.gain > found.doubt > 0
    assert found.examples == 60


def test_views_that_say_nothing_new_are_left_out() -> None:
    rng = draw()
    plain, truth = rng.normal(size=(80, 5)), np.arange(80) % 2
    plain[:, 0] += truth
    found = judge(plain, plain.copy(), truth, 2, seed=0, strength=0.1)
    assert found is not None
    assert found.gain == pytest.approx(0, abs=1e-4)
    spoilt = judge(plain, plain[::-1].copy(), truth, 2, seed=0)
    assert spoilt is not None and not spoilt.on


def test_wrong_labels_that_only_calm_a_sure_head_do_not_count() -> None:
    """An unpunished head is far too sure; views with spoilt labels lower its loss, but it recognises fewer."""
    rng = draw(1)
    truth = np.arange(60) % 2
    plain = rng.normal(size=(60, 30))
    plain[:, 0] += 2 * truth
    changed = rng.normal(size=(60, 30))
    changed[:, 0] -= 1 * truth
    found = judge(plain, changed, truth, 2, seed=0, strength=1e4)
    assert found is not None
    assert found.gain > found.doubt, "by the loss alone it would seem to help"
    assert not found.on


def test_too_few_examples_give_no_verdict() -> None:
    values = draw().normal(size=(4, 3))
    assert judge(values, values, np.array([0, 1, 0, 1]), 2, seed=0) is None


def test_rare_classes_count_as_much_where_classes_are_weighted() -> None:
    rng = draw(2)
    truth = (np.arange(90) % 9 == 0).astype(int)
    plain = rng.normal(size=(90, 4))
    plain[:, 0] += 1.5 * truth
    even = judge(plain, plain + 0.1, truth, 2, seed=0, balanced=True)
    uneven = judge(plain, plain + 0.1, truth, 2, seed=0)
    assert even is not None and uneven is not None
    assert even.gain != uneven.gain


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 1000))
def test_a_view_of_a_picture_has_the_side_asked_for(width: int, height: int, seed: int) -> None:
    image = Image.fromarray(draw(seed).integers(0, 255, (height, width, 3), dtype=np.uint8), "RGB")
    one, two = (change_image(image, (12, 12), draw(seed)) for _ in range(2))
    assert one.size == (12, 12)
    assert one.mode == "RGB"
    assert np.array_equal(np.asarray(one), np.asarray(two)), "what is drawn follows from the seed"


def test_half_of_the_area_at_least_is_seen_and_half_are_mirrored() -> None:
    """The red of a ramp tells which columns a view shows, and in which order."""
    ramp = np.zeros((64, 64, 3), dtype=np.uint8)
    ramp[..., 0] = 64 + 2 * np.arange(64)
    ramp[..., 1] = ramp[..., 2] = 128
    turned, widths = 0, []
    for seed in range(200):
        seen = np.asarray(change_image(Image.fromarray(ramp, "RGB"), (64, 64), draw(seed)), dtype=float)
        steps = np.diff(seen[32, 8:-8, 0]).mean()
        turned += steps < 0
        widths.append(abs(steps) / 2)
    assert 70 < turned < 130
    assert min(widths) > 0.35, "columns per column: the smallest crop, in the faintest colours"
    assert max(widths) < 1.6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abcxyzäß,.", min_size=1, max_size=6), min_size=1, max_size=12), st.integers(0, 999))
def test_words_are_dropped_whole_and_in_order(words: list[str], seed: int) -> None:
    kept = change_text(" ".join(words), draw(seed)).split()
    assert kept
    rest = iter(words)
    assert all(word in rest for word in kept), "a subsequence"


def test_one_word_in_ten_is_dropped_in_any_script() -> None:
    for text, unit in (("word " * 50, "word"), ("语" * 50, "语"), ("คำ" * 50, "ค")):
        left = [change_text(text, draw(seed)).count(unit) for seed in range(200)]
        assert 44 < np.mean(left) < 46
    assert change_text("", draw()) == ""
    assert change_text("one", draw()) == "one"


class Echo(TextBackbone):
    """Hands over the texts that it is given."""

    def __init__(self) -> None:
        self.batch_size = 2

    def prepare(self, contents: Any) -> Any:
        return list(contents)


def test_texts_go_through_the_bodys_own_preparation_and_every_pass_sees_another_view() -> None:
    texts = ["a b c d e f g h i j k l m n o p q r s t"] * 2
    prepared = changing(Echo()).prepare(views(texts, 2, 0))
    assert len(prepared) == 4
    assert prepared[:2] != prepared[2:]
    assert prepared == changing(Echo()).prepare(views(texts, 2, 0))
    assert prepared[2:] == changing(Echo()).prepare(views(texts, 2, 0)[2:]), "in whatever batch"
    assert prepared != changing(Echo()).prepare(views(texts, 2, 1))


def test_a_view_is_normalised_as_the_body_wants_it() -> None:
    grey = {"0": Image.new("RGB", (40, 30), (128, 128, 128))}
    backbone = body(grey)
    plain, changed = backbone.prepare(["0"]), changing(backbone).prepare(views(["0"], 1, 0))
    assert plain.shape == changed.shape == (1, 3, SIDE, SIDE)
    assert torch.allclose(plain.mean(), changed.mean(), atol=1.0)
    assert changed.std(dim=(2, 3)).max() < 1e-5


def test_the_clock_is_asked_between_batches() -> None:
    pictures = drawn(shade, 40)
    told: list[int] = []
    stopping = Clock(None, 0.0, lambda: len(told) >= 2)
    with pytest.raises(Cancelled):
        embed_views(
            body(pictures), views(list(pictures), 1, 0), stopping, lambda done, total: told.append(done)
        )
    assert told == [IMAGES_AT_ONCE, 2 * IMAGES_AT_ONCE]
