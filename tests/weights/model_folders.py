"""Tiny models in hub layout, made on the spot."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from advisor.knowledge import Knowledge, Licence, ModelCard, Starter, Where

TIMM_CONFIG = {
    "architecture": "resnet10t",
    "num_classes": 5,
    "pretrained_cfg": {"input_size": [3, 64, 48], "mean": [0.5] * 3, "std": [0.5] * 3},
    "license": "apache-2.0",
    "trained_on": "noise",
}
BERT_CONFIG = {"model_type": "bert", "hidden_size": 32, "max_position_embeddings": 64, "num_hidden_layers": 2}


def tensors(size: int = 64, seed: int = 0) -> bytes:
    """A safetensors file of size * size + size float32 parameters, and statistics that are none."""
    rng = np.random.default_rng(seed)
    return save(
        {
            "weight": rng.normal(size=(size, size)).astype(np.float32),
            "bias": np.zeros(size, np.float32),
            "bn.running_mean": np.zeros(size, np.float32),
            "bn.num_batches_tracked": np.zeros((), np.int64),
        }
    )


def timm_files(**changes: Any) -> dict[str, bytes]:
    return {"config.json": json.dumps({**TIMM_CONFIG, **changes}).encode(), "model.safetensors": tensors()}


def bert_files(**changes: Any) -> dict[str, bytes]:
    return {
        "config.json": json.dumps({**BERT_CONFIG, **changes}).encode(),
        "tokenizer.json": b'{"version": "1.0"}',
        "tokenizer_config.json": b'{"model_max_length": 48}',
        "vocab.txt": b"[UNK]\n[PAD]\n",
        "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
        "model.safetensors": tensors(),
        "README.md": b"# tiny",
        "modeling_tiny.py": b"raise SystemExit",
        "pytorch_model.bin": b"never fetched",
    }


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def card(id: str = "org/tiny", library: str = "timm", **changes: Any) -> ModelCard:
    fields = {
        "id": id,
        "name": id,
        "family": "tiny",
        "tasks": ("image-classification",),
        "library": library,
        "licence": Licence.model_validate({"id": "apache-2.0", "class": "permissive"}),
        "where": (Where(kind="huggingface" if "/" in id else "local", ref=id),),
    }
    return ModelCard.model_validate({**fields, **changes})


def knowledge(*cards: ModelCard, starters: tuple[Starter, ...] = ()) -> Knowledge:
    return Knowledge(models=cards, tasks=(), devices=(), sources=(), starters=starters)
