"""The hub cache on disk, in huggingface_hub's own layout, so that both find what the other fetched."""

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from advisor.errors import WeightsUnavailable
from advisor.knowledge import ModelCard
from advisor.weights.layout import loader_of, read_config, weight_files

__all__ = [
    "cache_folder",
    "cached",
    "forced_offline",
    "keep",
    "remember",
    "repo_of",
    "storage_folder",
    "wanted",
]

REPO = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
REVISION = re.compile(r"\w[\w.-]{0,63}")
TRUE = frozenset({"1", "on", "yes", "true"})
SMALL = ("*.json", "*.txt", "*_Pooling/config.json")
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
IMAGE_CONFIGS = ("preprocessor_config.json", "processor_config.json")


def repo_of(card: ModelCard) -> str:
    """Name the hub repository of a card.

    :raises WeightsUnavailable: if it has none, or its library is none that we load.
    """
    if card.library not in ("timm", "transformers", "sentence-transformers"):
        raise WeightsUnavailable(
            f"{card.id} is loaded by the library {card.library!r}",
            "timm, transformers",
            "Its card says where to get it.",
        )
    for place in card.where:
        repo = {"huggingface": place.ref, "timm": f"timm/{place.ref}"}.get(place.kind)
        if repo and REPO.fullmatch(repo):
            return repo
    raise WeightsUnavailable(f"{card.id} is not on the hub", fix="Its card says where to get it.")


def forced_offline(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the network."""
    return any(environ.get(name, "").lower() in TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Find the hub cache as huggingface_hub does: HF_HUB_CACHE, else HF_HOME, else the user's cache."""
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(os.path.expandvars(named)).expanduser()
    home = environ.get("HF_HOME")
    if home:
        return Path(os.path.expandvars(home)).expanduser() / "hub"
    return Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def storage_folder(cache: Path, repo: str) -> Path:
    """Find the folder of one repository in the cache."""
    return cache / f"models--{repo.replace('/', '--')}"


def cached(cache: Path, repo: str, revision: str | None) -> tuple[str, Path] | None:
    """Look for a complete snapshot of a model.

    :param revision: a commit, or a branch or tag that was resolved when it was fetched; None is `main`.
    :return: the commit and the snapshot's folder, or None if it is not there or not complete.
    :raises WeightsUnavailable: if it is there, but must not or cannot be loaded.
    """
    storage = storage_folder(cache, repo)
    reference = storage / "refs" / (revision or "main")
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision
    if not commit or not REVISION.fullmatch(commit):
        return None
    folder = storage / "snapshots" / commit
    return (commit, folder) if (folder / "config.json").is_file() and _complete(folder) else None


def wanted(name: str, names: set[str]) -> bool:
    """Say whether a file of a repository is fetched beside the weights: small JSON and text, no program."""
    if fnmatch(name, "*.model"):
        return "/" not in name and not names & {"tokenizer.json", "vocab.txt", "vocab.json"}
    return any(fnmatch(name, pattern) and name.count("/") == pattern.count("/") for pattern in SMALL)


def keep(blob: Path, pointer: Path) -> None:
    """Show a blob under its name in a snapshot: by a link, or as a file where links are not possible."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        blob.replace(pointer)


def remember(cache: Path, repo: str, revision: str | None, commit: str) -> None:
    """Note to which commit a branch or tag was resolved."""
    if revision == commit:
        return
    reference = storage_folder(cache, repo) / "refs" / (revision or "main")
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit, encoding="utf-8")


def _complete(folder: Path) -> bool:
    try:
        weight_files(folder)
    except WeightsUnavailable:
        return False
    if loader_of(read_config(folder)) == "timm":
        return True
    return any(fnmatch(path.name, name) for path in folder.iterdir() for name in TOKENIZERS + IMAGE_CONFIGS)
