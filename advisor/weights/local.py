"""Models in the user's own folders: each sub-folder of a parent in ADVISOR_MODELS is one, in hub layout."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from advisor.errors import WeightsUnavailable
from advisor.knowledge import Fact, Input, ModelCard, Where
from advisor.weights.checksum import sha256
from advisor.weights.header import footprint
from advisor.weights.layout import PICKLED, loader_of, read_config, read_json, weight_files
from advisor.weights.licence import stated_licence
from advisor.weights.types import Weights

__all__ = ["LocalFolder", "local_cards", "local_folders", "locate_local"]

MODEL_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
SOURCE = "local-file"
TEXT_ENCODERS = frozenset({
    "albert", "bert", "big_bird", "camembert", "convbert", "deberta", "deberta-v2", "distilbert",
    "electra", "ernie", "eurobert", "flaubert", "funnel", "ibert", "megatron-bert", "mobilebert",
    "modernbert", "mpnet", "nomic_bert", "nystromformer", "rembert", "roberta", "roberta-prelayernorm",
    "roformer", "squeezebert", "xlm-roberta", "xlm-roberta-xl", "xmod",
})  # fmt: skip
IMAGE_ENCODERS = frozenset({
    "beit", "bit", "convnext", "convnextv2", "cvt", "deit", "dinov2", "dinov2_with_registers",
    "dinov3_convnext", "dinov3_vit", "efficientnet", "focalnet", "hiera", "levit", "mobilenet_v1",
    "mobilenet_v2", "mobilevit", "mobilevitv2", "poolformer", "pvt", "pvt_v2", "regnet", "resnet",
    "swin", "swinv2", "vit", "vit_mae", "vit_msn",
})  # fmt: skip


@dataclass(frozen=True)
class LocalFolder:
    """A sub-folder of ADVISOR_MODELS that looks like a model.

    :ivar id: `model_id` of its config.json, else the folder's name.
    :ivar problem: why it cannot be loaded; None where it can.
    """

    id: str
    folder: Path
    config: dict[str, Any]
    problem: WeightsUnavailable | None


def local_folders(environ: Mapping[str, str] = os.environ) -> tuple[LocalFolder, ...]:
    """List the user's own models, sound or not; of two with the same id the first counts.

    :param environ: where ADVISOR_MODELS is looked up: parents, separated as in PATH.
    :return: the folders, in the order of the parents and of their names.
    """
    folders = [
        folder
        for parent in environ.get("ADVISOR_MODELS", "").split(os.pathsep)
        if parent.strip() and (root := Path(parent).expanduser()).is_dir()
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    ]
    return _inspected(tuple((folder, *map(_time, (folder, folder / "config.json"))) for folder in folders))


@lru_cache(maxsize=8)
def _inspected(folders: tuple[tuple[Path, int, int], ...]) -> tuple[LocalFolder, ...]:
    found: dict[str, LocalFolder] = {}
    for folder, _, _ in folders:
        if _looks_like_model(folder):
            local = _inspect(folder)
            found.setdefault(local.id, local)
    return tuple(found.values())


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def local_cards(environ: Mapping[str, str] = os.environ) -> tuple[ModelCard, ...]:
    """Make cards of the user's own models from what their folders say; everything else stays unknown.

    :param environ: where ADVISOR_MODELS is looked up.
    :return: one card for each folder whose task can be told from its config.
    """
    cards = (_card(local) for local in local_folders(environ) if local.config)
    return tuple(card for card in cards if card is not None)


def locate_local(local: LocalFolder) -> Weights:
    """Turn a folder into weights.

    :raises WeightsUnavailable: if the folder has a problem, or a file cannot be read.
    """
    if local.problem:
        raise WeightsUnavailable(local.problem.what, local.problem.allowed, local.problem.fix)
    files = weight_files(local.folder)
    footprint(files)
    loader = loader_of(local.config)
    licence = stated_licence(local.folder, local.config).id
    return Weights(
        model=local.id,
        origin="local",
        loader=loader,
        revision=f"local:{_digest(files)[:12]}",
        folder=local.folder,
        files=files,
        size_mb=sum(path.stat().st_size for path in files) / 1e6,
        architecture=local.config["architecture"] if loader == "timm" else None,
        licence=None if licence == "unknown" else licence,
    )


def _digest(files: tuple[Path, ...]) -> str:
    digests = [sha256(path) for path in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _looks_like_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() or any(
        path.name.endswith((".safetensors", *PICKLED)) for path in folder.iterdir()
    )


def _inspect(folder: Path) -> LocalFolder:
    config: dict[str, Any] = {}
    problem = None
    try:
        config = read_json(folder / "config.json")
        loader_of(read_config(folder))
        weight_files(folder)
    except WeightsUnavailable as error:
        problem = WeightsUnavailable(f"{folder}: {error.what}", error.allowed, error.fix)
    named = config.get("model_id")
    id = named if isinstance(named, str) and MODEL_ID.fullmatch(named) else folder.name
    return LocalFolder(id, folder, config, problem)


def _card(local: LocalFolder) -> ModelCard | None:
    config = local.config
    try:
        loader = loader_of(config)
    except WeightsUnavailable:
        return None
    architecture = str(config["architecture" if loader == "timm" else "model_type"])
    tasks = _tasks(loader, architecture)
    if not tasks:
        return None
    trained = config.get("trained_on")
    try:
        return ModelCard(
            id=local.id,
            name=local.folder.name,
            family=re.split(r"[_-]", architecture)[0] if loader == "timm" else architecture,
            tasks=tasks,
            architecture=architecture,
            library="timm" if loader == "timm" else "transformers",
            licence=stated_licence(local.folder, config),
            where=(Where(kind="local", ref=str(local.folder)),),
            input=_timm_input(config)
            if loader == "timm"
            else _transformers_input(local.folder, config, tasks),
            embedding_dim=_positive(config.get("num_features" if loader == "timm" else "hidden_size")),
            trained_on=(trained,) if isinstance(trained, str) and trained else None,
            tuning=("frozen", "head", "last-block", "full"),
            **_size(local.folder),
        )
    except ValidationError:
        return None


def _tasks(loader: str, architecture: str) -> tuple[str, ...]:
    if loader == "timm" or architecture in IMAGE_ENCODERS:
        return ("image-classification",)
    return ("text-classification", "sentence-embedding") if architecture in TEXT_ENCODERS else ()


def _size(folder: Path) -> dict[str, Fact]:
    try:
        files = weight_files(folder)
        held = footprint(files)
        size = sum(path.stat().st_size for path in files) / 1e6
    except (WeightsUnavailable, OSError):
        return {}
    return {
        "parameters": Fact(value=held.parameters, unit="parameters", source=SOURCE),
        "size_mb": Fact(value=size, unit="MB", source=SOURCE),
    }


def _timm_input(config: dict[str, Any]) -> Input:
    pretrained = config.get("pretrained_cfg")
    size = pretrained.get("input_size") if isinstance(pretrained, dict) else None
    sides = size[1:] if isinstance(size, list) and len(size) == 3 else []
    return Input(resolution=min(filter(None, map(_positive, sides)), default=None))


def _transformers_input(folder: Path, config: dict[str, Any], tasks: tuple[str, ...]) -> Input:
    if tasks == ("image-classification",):
        return Input(resolution=_positive(config.get("image_size")))
    positions = _positive(config.get("max_position_embeddings"))
    if positions and "roberta" in str(config.get("model_type")):
        positions -= 2
    limits = [positions]
    for name, key in (
        ("tokenizer_config.json", "model_max_length"),
        ("sentence_bert_config.json", "max_seq_length"),
    ):
        if (folder / name).is_file():
            limits.append(_positive(read_json(folder / name).get(key)))
    return Input(tokens=min(filter(None, limits), default=None))


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
