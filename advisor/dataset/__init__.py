"""Reading uploads safely, profiling and splitting them."""

from advisor.dataset.filling import facts, fill
from advisor.dataset.images import ImageReader, OpenImage, load_image
from advisor.dataset.profiling import profile
from advisor.dataset.reading import read
from advisor.dataset.splitting import split
from advisor.dataset.types import Dataset, Finding, Profile, Splits
from advisor.dataset.unlabelled import Unlabelled, read_unlabelled

__all__ = [
    "Dataset",
    "Finding",
    "ImageReader",
    "OpenImage",
    "Profile",
    "Splits",
    "Unlabelled",
    "facts",
    "fill",
    "load_image",
    "profile",
    "read",
    "read_unlabelled",
    "split",
]
