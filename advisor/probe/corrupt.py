"""Light damage of the kind that real inputs have: light, focus, noise and compression; slips of the finger."""

import io
from collections.abc import Callable
from hashlib import blake2b

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

__all__ = ["DAMAGE", "damage_image", "damage_text"]

DAMAGE = {
    "image-classification": {
        "darker": "40 % less light",
        "brighter": "40 % more light",
        "blurred": "out of focus by a hundredth of the shorter side",
        "noisy": "noise of 8 % of the range, as of a sensor in dim light",
        "jpeg": "saved as JPEG of quality 20",
    },
    "text-classification": {
        "typos": "one letter in twenty wrong, missing, doubled or swapped",
        "many-typos": "one letter in eight wrong, missing, doubled or swapped",
        "lower-case": "all in lower case, without punctuation",
    },
}
SLIPS = {"typos": 0.05, "many-typos": 0.125}
NOISE = 0.08


def damage_image(image: Image.Image, kind: str, content: str) -> Image.Image:
    """Damage an image lightly, after the mildest steps of ImageNet-C (Hendrycks & Dietterich 2019).

    :param kind: one of `DAMAGE["image-classification"]`.
    :param content: names the image, so that the same one is always damaged alike.
    :return: RGB, of the same size.
    """
    return _IMAGES[kind](image.convert("RGB"), _draw(kind, content))


def damage_text(text: str, kind: str) -> str:
    """Write a text as a hurried person would.

    :param kind: one of `DAMAGE["text-classification"]`.
    """
    if kind == "lower-case":
        bare = "".join(c for c in text.lower() if c.isalnum() or c.isspace())
        return bare if bare.strip() else text
    draw = _draw(kind, text)
    letters = sorted({c for c in text if c.isalpha()})
    written: list[str] = []
    for c in text:
        if not c.isalpha() or draw.random() >= SLIPS[kind]:
            written.append(c)
            continue
        slip = int(draw.integers(4))
        if slip == 0:
            written.append(letters[int(draw.integers(len(letters)))])
        elif slip == 1:
            written += [c, c]
        elif slip == 2 and written:
            written.insert(len(written) - 1, c)
    return "".join(written) if "".join(written).strip() else text


def _draw(kind: str, content: str) -> np.random.Generator:
    digest = blake2b(f"{kind}\0{content}".encode("utf-8", "replace"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _noisy(image: Image.Image, draw: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float64)
    pixels = pixels + draw.normal(0, 255 * NOISE, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _jpeg(image: Image.Image, draw: np.random.Generator) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=20)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


_IMAGES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "darker": lambda image, draw: ImageEnhance.Brightness(image).enhance(0.6),
    "brighter": lambda image, draw: ImageEnhance.Brightness(image).enhance(1.4),
    "blurred": lambda image, draw: image.filter(ImageFilter.GaussianBlur(min(image.size) / 100)),
    "noisy": _noisy,
    "jpeg": _jpeg,
}
