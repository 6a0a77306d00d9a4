"""Tiny models in hub layout and tiny data sets, made on the spot: no download, a second each."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 60, 60), "green": (60, 200, 60), "blue": (60, 60, 200)}
WORDS = {
    "refund": "money back refund paid charge card return cash invoice bank",
    "delivery": "parcel late courier arrive shipping truck tracking door box address",
    "account": "password login email name profile reset locked sign user code",
}
FILLER = "please the my I want to know about it now again today help me with this"


def timm_model(
    folder: Path, architecture: str = "test_efficientnet", seed: int = 0, side: int = 32, **config: Any
) -> Path:
    """Write a timm model with random weights; `config` adds to its config.json."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    model = timm.create_model(architecture, pretrained=False, num_classes=7)
    folder.mkdir(parents=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        folder / "model.safetensors",
    )
    fed = {"input_size": [3, side, side], "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 1.0}
    content = {
        "architecture": architecture,
        "num_classes": 7,
        "pretrained_cfg": {**fed, "num_classes": 7, "classifier": model.default_cfg["classifier"]},
        "license": "apache-2.0",
        **config,
    }
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def bert_model(folder: Path, seed: int = 0, half: bool = False, **config: Any) -> Path:
    """Write a BERT of two layers with random weights and a vocabulary of the data's words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    words = sorted({*" ".join(WORDS.values()).lower().split(), *FILLER.lower().split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=32).save_pretrained(folder)
    torch.manual_seed(seed)
    settings = BertConfig(
        vocab_size=len(vocabulary), hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, max_position_embeddings=40,
    )  # fmt: skip
    model = BertModel(settings)
    (model.half() if half else model).save_pretrained(folder)
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**content, **config}), encoding="utf-8")
    return folder


def picture(colour: str, seed: int, side: int = 40) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, 60, (side, side, 3))
    return Image.fromarray(np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8))


def image_folder(folder: Path, per_class: int = 30, side: int = 40) -> Path:
    """Write noisy pictures of three colours, one sub-folder each."""
    for number, colour in enumerate(COLOURS):
        place = folder / colour
        place.mkdir(parents=True)
        for i in range(per_class):
            picture(colour, 1000 * number + i, side).save(place / f"{i:03d}.png")
    return folder


def sentence(label: str, seed: int) -> str:
    rng = np.random.default_rng(seed)
    words = [*rng.choice(WORDS[label].split(), 3), *rng.choice(FILLER.split(), 6)]
    return " ".join(rng.permutation(words).tolist())


def ticket_table(path: Path, per_class: int = 30) -> Path:
    """Write a CSV of short texts with three labels."""
    rows = [
        (sentence(label, 1000 * number + i), label)
        for number, label in enumerate(WORDS)
        for i in range(per_class)
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    return path
