"""Which texts and pictures count as the same."""

import io
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from advisor.dataset.duplicates import bare_text, group_equal, group_similar, same_text
from advisor.dataset.images import inspect

CHANGES = {
    "white space": lambda text: "  " + text.replace(" ", " \t ") + "\n",
    "case": str.upper,
    "end": lambda text: text.rstrip(".") + "!!!",
    "commas": lambda text: text.replace(" ", ", "),
    "without": lambda text: text.translate(str.maketrans("", "", string.punctuation)),
    "quotes": lambda text: f"“{text}”",
    "width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("text", ["Where is my parcel now.", "酒店 很 干净。", "Don't send it back"])
def test_what_a_reader_calls_the_same_text_is_nearly_the_same(change: str, text: str) -> None:
    assert bare_text(CHANGES[change](text)) == bare_text(text)


@pytest.mark.parametrize(
    ("one", "two"),
    [("1.5 kg", "16 kg"), ("great 😀", "great 😡"), ("a ± b", "a ≠ b"), ("...", "!!!"), ("yes", "no")],
)
def test_what_means_something_else_is_not(one: str, two: str) -> None:
    assert bare_text(one) != bare_text(two)


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_same_is_always_nearly_the_same(one: str, two: str) -> None:
    assert bare_text(one) == bare_text(same_text(one))
    if same_text(one) == same_text(two):
        assert bare_text(one) == bare_text(two)


@given(st.lists(st.integers(0, 5)))
def test_groups_bear_the_number_of_their_first(keys: list[int]) -> None:
    groups = group_equal(keys)
    assert all(
        keys[group] == key and group == keys.index(key) for group, key in zip(groups, keys, strict=True)
    )


def scene(seed: int, side: int = 96) -> Image.Image:
    """A smooth picture with a few things in it, as photos are."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))


def encoded(image: Image.Image, form: str = "PNG", **more: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **more)
    return stream.getvalue()


def groups_of(files: list[bytes]) -> list[int]:
    return group_similar([inspect(file).thumb for file in files], list(range(len(files))))


def test_a_picture_encoded_anew_or_resized_is_the_same() -> None:
    for seed in range(12):
        image = scene(seed)
        copies = [
            encoded(image), encoded(image, "JPEG", quality=85), encoded(image, "JPEG", quality=50),
            encoded(image, "WEBP", quality=80), encoded(image.resize((48, 48)), "JPEG", quality=90),
            encoded(image.resize((144, 144)), "PNG"),
        ]  # fmt: skip
        assert groups_of(copies) == [0] * len(copies), seed


def test_other_pictures_are_not() -> None:
    assert groups_of([encoded(scene(seed)) for seed in range(60)]) == list(range(60))
