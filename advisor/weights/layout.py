"""The hub layout of a model folder: its config, its weight files, and what must not be in it."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from advisor.errors import WeightsUnavailable
from advisor.weights.types import Loader

__all__ = ["loader_of", "read_config", "read_json", "weight_files", "weight_names"]

JSON_LIMIT = 20_000_000
SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".pkl", ".pickle", ".msgpack")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of bounded size.

    :raises WeightsUnavailable: if it is missing, too large, or no JSON object.
    """
    try:
        size = path.stat().st_size
        if size > JSON_LIMIT:
            raise WeightsUnavailable(f"{path} has {size} bytes", f"at most {JSON_LIMIT} bytes for a config")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WeightsUnavailable(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise WeightsUnavailable(f"{path} is not valid JSON", "a JSON object") from None
    if not isinstance(content, dict):
        raise WeightsUnavailable(f"{path} holds a {type(content).__name__}", "a JSON object")
    return content


def read_config(folder: Path) -> dict[str, Any]:
    """Read a model's config.json, and refuse models that bring their own program.

    :raises WeightsUnavailable: if it cannot be read, or if it or the tokenizer's config names remote code.
    """
    config = read_json(folder / "config.json")
    tokenizer = folder / "tokenizer_config.json"
    for name, content in (
        ("config.json", config),
        (tokenizer.name, read_json(tokenizer) if tokenizer.is_file() else {}),
    ):
        if content.get("auto_map"):
            raise WeightsUnavailable(
                f"{folder.name}: {name} asks to run a program that comes with the model (auto_map)",
                "models that timm or transformers know by themselves; never remote code",
            )
    return config


def loader_of(config: dict[str, Any]) -> Loader:
    """Say which library loads a folder with this config.

    :raises WeightsUnavailable: if neither timm nor transformers would know it.
    """
    if isinstance(config.get("architecture"), str) and (
        "pretrained_cfg" in config or "num_classes" in config
    ):
        return "timm"
    if isinstance(config.get("model_type"), str):
        return "transformers"
    raise WeightsUnavailable(
        "The config.json names no model",
        "`architecture` and `pretrained_cfg` (timm) or `model_type` (transformers)",
    )


def weight_names(names: Iterable[str]) -> tuple[str, ...]:
    """Pick the weight files among a folder's file names: one `model.safetensors`, or all of its shards.

    :raises WeightsUnavailable: if there are none, or some shards are missing.
    """
    present = set(names)
    if "model.safetensors" in present:
        return ("model.safetensors",)
    shards = sorted(name for name in present if SHARD.fullmatch(name))
    if shards:
        expected = int(SHARD.fullmatch(shards[0])[1])  # type: ignore[index]
        if len(shards) != expected:
            raise WeightsUnavailable(f"{len(shards)} of {expected} weight files are there", "all of them")
        return tuple(shards)
    pickled = sorted(name for name in present if name.endswith(PICKLED))
    if pickled:
        raise WeightsUnavailable(
            f"The weights come only as {', '.join(pickled[:3])}, which can run a program when opened",
            "safetensors only",
            "Convert them to model.safetensors on a machine where you trust them.",
        )
    raise WeightsUnavailable("There is no weight file", "model.safetensors")


def weight_files(folder: Path) -> tuple[Path, ...]:
    """List a folder's weight files.

    :raises WeightsUnavailable: as `weight_names`.
    """
    return tuple(
        folder / name for name in weight_names(path.name for path in folder.iterdir() if path.is_file())
    )
