"""A map laid over the picture that it is of: colour where the model looked, and a line around the hottest part."""

import base64
import binascii
import io

__all__ = ["overlaid"]

LARGEST = 512
SHOWN = 160
HOT = (213, 94, 0)
MOST = 0.75
EDGE = 0.5


def overlaid(picture: str, heat: tuple[tuple[float, ...], ...]) -> str:
    """Lay a map over a picture, which turns grey below it.

    What is at least half as hot as the hottest has a black and white line around it, so that no colour is needed to
    see it.

    :param picture: a JPEG in base64, at most 512 pixels a side.
    :param heat: rows from the top, 0 to 1.
    :return: a JPEG in base64; nothing where the picture cannot be read.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(base64.b64decode(picture, validate=True)), formats=("JPEG",)) as found:
            if max(found.size) > LARGEST or len({len(line) for line in heat}) != 1:
                return ""
            image = found.convert("RGB")
    except (OSError, ValueError, binascii.Error, UnidentifiedImageError, Image.DecompressionBombError):
        return ""
    scale = SHOWN / max(image.size)
    if scale > 1:
        image = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.NEAREST
        )
    cells = Image.fromarray(np.asarray(heat, dtype=np.float32))
    hot = np.clip(np.asarray(cells.resize(image.size, Image.Resampling.BICUBIC), dtype=float), 0, 1)
    grey = np.asarray(image.convert("L"), dtype=float)[..., None]
    share = (MOST * hot)[..., None]
    values = grey * (1 - share) + np.array(HOT) * share
    inside = hot >= EDGE
    core = inside.copy()
    core[1:-1, 1:-1] &= inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    wide = inside.copy()
    wide[1:] |= inside[:-1]
    wide[:-1] |= inside[1:]
    wide[:, 1:] |= inside[:, :-1]
    wide[:, :-1] |= inside[:, 1:]
    values[inside & ~core] = 255
    values[wide & ~inside] = 0
    stream = io.BytesIO()
    Image.fromarray(values.round().astype(np.uint8)).save(stream, "JPEG", quality=85)
    return base64.b64encode(stream.getvalue()).decode("ascii")
