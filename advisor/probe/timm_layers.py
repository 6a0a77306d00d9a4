"""What only timm's own code tells of its architectures: width of the pooled feature, stages, attention layers.

`python -m advisor.probe.timm_layers NAMES -o knowledge/timm-layers.csv` builds every architecture of the names
without weights or memory (meta tensors) and writes one row each; the importer of timm's tables reads them.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import timm
import torch

__all__ = ["COLUMNS", "layers_of", "main"]

COLUMNS = ("architecture", "embedding_dim", "freeze_at", "lora_targets")
ATTENTION = ("qkv", "q", "k", "v", "kv", "proj", "q_proj", "k_proj", "v_proj")
MOST_STOPS = 5


def layers_of(architecture: str) -> dict[str, Any]:
    """Build one architecture on the meta device and read its structure.

    :param architecture: a timm architecture without its tag, as in `resnet50`.
    :return: `embedding_dim` (width of the pooled feature), `freeze_at` (at most five modules, from the input on),
        `lora_targets` (names of the linear layers of its attention; empty if it has none).
    """
    with torch.device("meta"):
        model = timm.create_model(architecture, pretrained=False, num_classes=0).eval()
        channels, height, width = model.pretrained_cfg["input_size"]
        feature = model(torch.zeros(1, channels, height, width))
    stages = [str(stage["module"]) for stage in getattr(model, "feature_info", None) or ()]
    return {
        "architecture": architecture,
        "embedding_dim": int(feature.shape[-1]),
        "freeze_at": _spread(list(dict.fromkeys(stages))),
        "lora_targets": _attention(model),
    }


def _spread(stages: list[str]) -> list[str]:
    if len(stages) <= MOST_STOPS:
        return stages
    return [stages[round(i * (len(stages) - 1) / (MOST_STOPS - 1))] for i in range(MOST_STOPS)]


def _attention(model: torch.nn.Module) -> list[str]:
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    blocks: dict[str, set[str]] = {}
    for name in linear:
        parent, _, leaf = name.rpartition(".")
        if leaf in ATTENTION:
            blocks.setdefault(parent, set()).add(leaf)
    full = [leaves for leaves in blocks.values() if leaves & {"qkv", "q", "q_proj"} and len(leaves) > 1]
    return [leaf for leaf in ATTENTION if any(leaf in leaves for leaves in full)]


def _rows(architectures: Iterable[str]) -> Iterable[dict[str, Any]]:
    for architecture in architectures:
        try:
            yield layers_of(architecture)
        except (RuntimeError, ValueError, KeyError, NotImplementedError, AssertionError) as error:
            print(f"{architecture}: {error}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table for all architectures among the names; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.probe.timm_layers", description=__doc__)
    parser.add_argument("names", type=Path, help="checkpoint names (`arch.tag`), one a line")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    names = options.names.read_text(encoding="utf-8").splitlines()
    wanted = {name.strip().partition(".")[0] for name in names if name.strip() and name[0] != "#"}
    known = [name for name in sorted(wanted) if name in set(timm.list_models())]
    with options.output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in _rows(known):
            writer.writerow([" ".join(v) if isinstance(v := row[c], list) else v for c in COLUMNS])
    return 0


if __name__ == "__main__":
    sys.exit(main())
