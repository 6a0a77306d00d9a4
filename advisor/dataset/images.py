"""Decoding images: safely while reading a data set, and as RGB for a model."""

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.dataset import limits
from advisor.dataset.tree import Tree, open_tree

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageReader", "Look", "OpenImage", "inspect", "load_image"]

OpenImage = Callable[[str], "Image.Image"]
"""Opens an RGB image by the content of an example."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF")
THUMB = 16
FOREIGN = {
    b"%pdf": "a PDF",
    b"<svg": "an SVG",
    b"<?xml": "an XML or SVG",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"pk\3\4": "a zip",
}


@dataclass(frozen=True)
class Look:
    """What one decode of an image shows.

    :ivar digest: SHA-256 of the file.
    :ivar size: width and height in pixels, as stored.
    :ivar thumb: the image as THUMB × THUMB × 3 bytes of RGB.
    :ivar grey: no colour in it.
    :ivar animated: more than one frame; the first counts.
    :ivar because: why it cannot be used; then the rest is empty.
    """

    digest: bytes
    size: tuple[int, int] = (0, 0)
    thumb: bytes = b""
    grey: bool = False
    animated: bool = False
    because: str = ""


class ImageReader:
    """Gives the images of a data set by their `contents`; safe to share between threads.

    :param origin: the folder or zip of the data set.
    :raises DataError: if it cannot be opened any more.
    """

    def __init__(self, origin: Path) -> None:
        self._tree: Tree = open_tree(origin)

    def __call__(self, content: str) -> "Image.Image":
        """Decode one image.

        :param content: its path inside the folder or zip.
        :return: RGB, upright by its EXIF orientation, transparency on white, 16 bits scaled to 8.
        :raises OSError: if it is missing, damaged, or larger than the limits.
        """
        from PIL import ImageOps

        image = _open(self._tree.read(content))
        image.load()
        return _rgb(ImageOps.exif_transpose(image))

    def digest(self, content: str) -> bytes:
        """SHA-256 of an image's file.

        :param content: its path inside the folder or zip.
        :raises OSError: if it is missing.
        """
        return hashlib.sha256(self._tree.read(content)).digest()


def load_image(dataset_origin: Path, content: str) -> "Image.Image":
    """Decode one image of a data set; for many, keep an `ImageReader`.

    :param dataset_origin: the folder or zip.
    :param content: the path inside.
    :return: the image as RGB.
    :raises OSError: if it cannot be decoded.
    """
    return ImageReader(dataset_origin)(content)


def inspect(content: bytes) -> Look:
    """Decode an image far enough to know that it is whole, JPEGs at an eighth of their size.

    :param content: the file.
    :return: what it looks like, or why it cannot be used.
    """
    digest = hashlib.sha256(content).digest()
    try:
        image = _open(content)
        size = image.size
        animated = image.format in ("GIF", "WEBP", "PNG", "AVIF") and getattr(image, "n_frames", 1) > 1
        image.draft("RGB", (64, 64))
        image.load()
        thumb = _rgb(image).resize((THUMB, THUMB), reducing_gap=2.0)
    except Exception as error:
        return Look(digest, because=_reason(error, content))
    data = thumb.tobytes()
    red, green, blue = data[0::3], data[1::3], data[2::3]
    grey = (
        red == green == blue
        or max(max(abs(r - g), abs(g - b)) for r, g, b in zip(red, green, blue, strict=True)) <= 4
    )
    return Look(digest, size, data, grey, animated)


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Those of the safe formats that this Pillow knows; JPEG opens the MPO files of phones too."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _open(content: bytes) -> "Image.Image":
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(content), formats=_formats())
        except Image.DecompressionBombError:
            raise OSError("too many pixels") from None
    width, height = image.size
    if width * height > limits.IMAGE_PIXELS:
        raise OSError(f"too many pixels: {width} × {height}")
    return image


def _rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        alpha = image.convert("RGBA")
        white = Image.new("RGBA", alpha.size, "white")
        return Image.alpha_composite(white, alpha).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Scale 16-bit grey by its nominal range, 32-bit and float by what is in it; Pillow would clip."""
    import numpy as np
    from PIL import Image

    pixels = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = (
        (0.0, 65535.0) if image.mode.startswith("I;16") else (float(pixels.min()), float(pixels.max()))
    )
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif not image.mode.startswith("I;16") and low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    elif image.mode == "I" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (pixels - low) / max(high - low, 1e-12) * 255
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))


def _reason(error: Exception, content: bytes) -> str:
    from PIL import UnidentifiedImageError

    if not content:
        return "empty file"
    if isinstance(error, UnidentifiedImageError):
        head = content.lstrip()[:256].lower()
        for mark, kind in FOREIGN.items():
            if head.startswith(mark):
                return f"not an image but {kind}"
        return "not a known image format"
    return str(error) or type(error).__name__
