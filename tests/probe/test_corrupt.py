"""Light damage: the same every time, light, and really damage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from advisor.probe.corrupt import DAMAGE, SLIPS, damage_image, damage_text


def picture(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((240, 180), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("kind", DAMAGE["image-classification"])
def test_an_image_is_damaged_lightly_and_always_alike(kind: str) -> None:
    image = picture()
    one, two = damage_image(image, kind, "a.png"), damage_image(image, kind, "a.png")
    assert one.size == image.size
    assert one.tobytes() == two.tobytes()
    off = np.abs(np.asarray(one, float) - np.asarray(image, float)).mean()
    assert 0.5 < off < 70


def test_noise_differs_between_images() -> None:
    assert damage_image(picture(), "noisy", "a").tobytes() != damage_image(picture(), "noisy", "b").tobytes()


def test_brightness_goes_where_it_says() -> None:
    means = [np.asarray(damage_image(picture(), kind, "a")).mean() for kind in ("darker", "brighter")]
    assert means[0] < np.asarray(picture()).mean() < means[1]


@given(st.text(min_size=1, max_size=80), st.sampled_from(sorted(DAMAGE["text-classification"])))
def test_any_text_stays_a_text(text: str, kind: str) -> None:
    damaged = damage_text(text, kind)
    assert damaged == damage_text(text, kind)
    assert damaged.strip() or not text.strip()


@pytest.mark.parametrize(("kind", "share"), SLIPS.items())
def test_typos_are_as_frequent_as_said(kind: str, share: float) -> None:
    words = ["parcel", "arrived", "late", "today", "and", "nobody", "answered", "the", "telephone"]
    damaged = damage_text(" ".join(words * 200), kind).split()
    kept = sum(word in words for word in damaged) / len(damaged)
    expected = np.mean([(1 - share) ** len(word) for word in words])
    assert abs(kept - expected) < 0.1


def test_lower_case_keeps_letters_and_digits() -> None:
    assert damage_text("Call me at 5, OK?", "lower-case") == "call me at 5 ok"
    assert damage_text("!?", "lower-case") == "!?"
