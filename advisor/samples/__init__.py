"""Bundled samples: handwritten digits as image files, and support tickets in English and Chinese.

`tickets.csv` was written for this project: shop customers of six intents. `tickets-faults.csv` lists what is
wrong in it on purpose, by row as an editor counts: repeated tickets, and labels that are not the right one.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from advisor.errors import InputError

__all__ = ["sample"]

PER_CLASS = 60
SIDE = 64


def sample(name: Literal["images", "text"], folder: Path) -> Path:
    """Put a sample where it can be read like a user's own data; once there it stays.

    :param name: `images`, 600 of scikit-learn's handwritten digits (test part of the UCI set; 8 × 8 pixels of
        17 greys, enlarged to 64 × 64 PNG), or `text`, 389 support tickets.
    :param folder: where to put it; made if it is not there.
    :return: the folder of images with one sub-folder per digit, or the CSV file.
    :raises ValueError: for another name.
    :raises InputError: if the folder cannot be made.
    """
    if name not in ("images", "text"):
        raise ValueError(f"{name!r} is not a sample; allowed: images, text")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be made: {error.strerror}", "a folder you may write to"
        ) from None
    target = folder / ("digits" if name == "images" else "tickets.csv")
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=folder, prefix=".sample-") as scratch:
        made = Path(scratch) / target.name
        if name == "images":
            _draw_digits(made)
        else:
            shutil.copyfile(Path(__file__).with_name("tickets.csv"), made)
        try:
            made.replace(target)
        except OSError:
            if not target.exists():
                raise
    return target


def _draw_digits(folder: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    drawn = dict.fromkeys(range(10), 0)
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target.tolist(), strict=True)):
        if drawn[label] == PER_CLASS:
            continue
        drawn[label] += 1
        grey = (pixels * (255 / 16)).round().astype("uint8")
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.save(place / f"{number:04d}.png")
