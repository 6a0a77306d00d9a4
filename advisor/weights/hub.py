"""Weights from the hub: pinned, safetensors only, verified, and resumed where a download broke off."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from advisor.errors import WeightsUnavailable
from advisor.knowledge import ModelCard
from advisor.weights.download import RemoteFile, announced, download, locked
from advisor.weights.header import footprint
from advisor.weights.hub_cache import (
    REVISION,
    cache_folder,
    cached,
    forced_offline,
    keep,
    remember,
    repo_of,
    storage_folder,
    wanted,
)
from advisor.weights.layout import loader_of, read_config, weight_files, weight_names
from advisor.weights.types import Weights
from advisor.weights.wire import Attempts, Patience, endpoint, get_json, host

__all__ = ["locate_hub"]

SMALL_LIMIT = 100_000_000
CONFIGS = ("config.json", "tokenizer_config.json")
SAFE_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
PATIENCE = Patience()
Progress = Callable[[str, int, int | None], None]


def locate_hub(
    card: ModelCard,
    *,
    offline: bool,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    environ: Mapping[str, str] = os.environ,
) -> Weights:
    """Find a model in the hub cache, or fetch it: first its configs, then, if they are sound, its weights.

    :param card: whose weights; its revision is used, else the commit of `main` at first contact.
    :param offline: use the cache only, as HF_HUB_OFFLINE does.
    :param progress: called with the file, the bytes so far of all files, and the bytes of all files.
    :param cancelled: asked between chunks.
    :param environ: HF_ENDPOINT, HF_HOME and their kin.
    :return: the weights.
    :raises WeightsUnavailable: with the reason.
    :raises Cancelled: if `cancelled` said so.
    """
    repo, cache = repo_of(card), cache_folder(environ)
    found = cached(cache, repo, card.revision)
    if found is None:
        if offline or forced_offline(environ):
            raise WeightsUnavailable(
                f"{card.id} is not in the hub cache {cache}, and a download is not allowed",
                fix="Run once without --offline, or put its folder under a parent in ADVISOR_MODELS.",
            )
        try:
            found = _fetch(repo, card.revision, cache, endpoint(environ), progress or _silent, cancelled)
        except OSError as error:
            raise WeightsUnavailable(
                f"{card.id} cannot be kept in {cache}: {error.strerror or error}",
                fix="Make room there, or set HF_HOME to another folder.",
            ) from None
    commit, folder = found
    loader = loader_of(read_config(folder))
    files = weight_files(folder)
    footprint(files)
    return Weights(
        model=card.id,
        origin="hub",
        loader=loader,
        revision=commit,
        folder=folder,
        files=files,
        size_mb=sum(path.stat().st_size for path in files) / 1e6,
        architecture=None,
        licence=None if card.licence.klass == "unknown" else card.licence.id,
    )


def _silent(name: str, done: int, total: int | None) -> None:
    pass


def _fetch(
    repo: str,
    revision: str | None,
    cache: Path,
    base: str,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> tuple[str, Path]:
    commit, files = _listed(repo, revision, base, Attempts(repo, PATIENCE, cancelled))
    storage = storage_folder(cache, repo)
    folder = storage / "snapshots" / commit
    sizes = [file.size for file in files if file.size is not None]
    total = sum(sizes) if len(sizes) == len(files) else None
    _check_room(repo, storage, sum(sizes))
    done = 0
    for number, file in enumerate(files):
        if number and files[number - 1].name in CONFIGS:
            loader_of(read_config(folder))
        attempts = Attempts(f"{repo}/{file.name}", PATIENCE, cancelled)

        def report(received: int, file: RemoteFile = file, before: int = done) -> None:
            progress(file.name, before + received, total)

        with locked(cache / ".locks" / storage.name / f"{file.etag}.lock", attempts):
            blob = storage / "blobs" / file.etag
            if not (folder / file.name).is_file():
                if not blob.is_file():
                    download(file, blob, attempts, report)
                keep(blob, folder / file.name)
        done += (folder / file.name).stat().st_size
        report(0, before=done)
    remember(cache, repo, revision, commit)
    return commit, folder


def _listed(
    repo: str, revision: str | None, base: str, attempts: Attempts
) -> tuple[str, tuple[RemoteFile, ...]]:
    """Ask for the commit and its files, and choose: configs, other small files, and the weights last."""
    about = get_json(
        f"{base}/api/models/{repo}/revision/{quote(revision or 'main', safe='')}?blobs=true", attempts
    )
    commit, siblings = about.get("sha"), about.get("siblings")
    if not isinstance(commit, str) or not REVISION.fullmatch(commit) or not isinstance(siblings, list):
        raise WeightsUnavailable(
            f"{host(base)} does not say which commit and files {repo} has", "a hub in HF_ENDPOINT"
        )
    entries = {entry["rfilename"]: entry for entry in siblings if _named(entry)}
    if "config.json" not in entries:
        raise WeightsUnavailable(f"{repo} has no config.json", "a model of timm or transformers")
    try:
        weights = weight_names(entries)
    except WeightsUnavailable as error:
        raise WeightsUnavailable(f"{repo}: {error.what}", error.allowed, error.fix) from None
    small = sorted((name for name in entries if wanted(name, set(entries))), key=_configs_first)
    folder = f"{base}/{repo}/resolve/{quote(commit)}"
    files = tuple(announced(folder, entries[name], attempts) for name in (*small, *weights))
    for file in files[: len(small)]:
        if file.size is not None and file.size > SMALL_LIMIT:
            raise WeightsUnavailable(
                f"{repo}: {file.name} has {file.size} bytes",
                f"at most {SMALL_LIMIT} bytes beside the weights",
            )
    return commit, files


def _configs_first(name: str) -> tuple[bool, str]:
    return name not in CONFIGS, name


def _named(entry: Any) -> bool:
    name = entry.get("rfilename") if isinstance(entry, dict) else None
    return (
        isinstance(name, str)
        and bool(SAFE_NAME.fullmatch(name))
        and not name.startswith(".")
        and "/." not in name
    )


def _check_room(repo: str, storage: Path, total: int | None) -> None:
    storage.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(storage).free
    if total is not None and total > free:
        raise WeightsUnavailable(
            f"{repo} has {total / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free in {storage.parent}",
            fix="Make room there, or set HF_HOME to another folder.",
        )
