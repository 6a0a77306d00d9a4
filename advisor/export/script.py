"""Training scripts and notebooks that a person would write, from what a report says."""

import json
import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from textwrap import fill
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from advisor.dataset.layout import IMAGE_SUFFIXES, SPLITS
from advisor.export.training import Training
from advisor.result import Exported

__all__ = ["notebook", "predict_requirements", "predict_script", "requirements", "script"]

CELL = re.compile(r"^#%% (.+)$", re.MULTILINE)
STEPS = {
    "head": "the head",
    "last-block": "head and last block",
    "lora": "low-rank adapters",
    "full": "every layer",
}
PACKAGES = {
    "timm": ("torch", "torchvision", "timm", "scikit-learn", "numpy", "pillow"),
    "transformers": (
        "torch", "transformers", "accelerate", "safetensors", "scikit-learn", "pandas", "numpy", "pyarrow", "openpyxl",
    ),
    "usem3": ("scikit-learn", "skops", "pandas", "numpy", "pyarrow", "openpyxl"),
    "classical-text": ("scikit-learn", "skops", "pandas", "numpy", "pyarrow", "openpyxl"),
    "classical-images": ("scikit-learn", "skops", "numpy", "pillow"),
}  # fmt: skip
EXPORT_ONLY = {"skops": "0.16.0", "accelerate": "1.15.0", "peft": "0.21.2"}


def script(training: Training) -> str:
    """Write train.py.

    :param training: what to train and how.
    :return: a program that takes the data's path, trains, judges on a held-out part and prints JSON last.
    """
    text = CELL.sub(lambda found: f"# {found[1]}", _source(training, in_notebook=False))
    return _tidy(text)


def notebook(training: Training) -> str:
    """Write train.ipynb: the same steps as the script, cell by cell.

    :param training: what to train and how.
    :return: a notebook of format 4.5; the environment variables DATA and OUT override its paths.
    """
    source = _source(training, in_notebook=True)
    docstring, _, rest = source.partition("#%% ")
    said = docstring.strip().strip('"').strip().splitlines()
    said = [line for line in said if not line.startswith("Use:")]
    cells = [_cell("markdown", f"# {training.title}\n\n" + "\n\n".join(line for line in said if line))]
    for part in re.split(r"^#%% ", rest, flags=re.MULTILINE):
        title, _, body = part.partition("\n")
        cells += [_cell("markdown", f"## {title.strip()}"), _cell("code", _tidy(body).strip("\n"))]
    for number, cell in enumerate(cells):
        cell["id"] = f"step-{number}"
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def requirements(training: Training) -> str:
    """Pin what the script imports to the versions that are installed here.

    :param training: what to train and how.
    :return: requirements.txt.
    """
    kind = training.loader
    names = PACKAGES[kind if kind != "classical" else f"classical-{'images' if training.images else 'text'}"]
    if training.strategy == "lora":
        names = (*names, "peft")
    pins = [f"{name}=={_version(name)}" for name in names]
    if training.origin and training.origin.requirement:
        pins.append(training.origin.requirement)
    return "\n".join(pins) + "\n"


def predict_script(training: Training, made: Exported) -> str:
    """Write predict.py for an exported folder.

    :param training: the model and its task.
    :param made: in which form it was exported.
    :return: a program of a few lines that names the class of what it is given.
    """
    form = {"timm": "image", "sentence-transformers": "text"}.get(made.form, made.form)
    if made.form == "timm" and not made.plain_preprocessing:
        form = "timm"
    trusted = ["sklearn.tree._tree.Tree"] if training.method == "forest" else []
    template = _environment().get_template(f"predict_{form}.py.j2")
    return _tidy(template.render(t=_View(training), trusted=trusted))


def predict_requirements(training: Training, made: Exported) -> str:
    """Pin what predict.py imports.

    :return: requirements-predict.txt.
    """
    names: tuple[str, ...]
    if made.form == "timm":
        light = ("numpy", "onnxruntime", "pillow")
        names = light if made.plain_preprocessing else ("torch", "torchvision", "timm", "numpy", "pillow")
    elif made.form == "sentence-transformers":
        names = ("numpy", "onnxruntime", "tokenizers")
    elif made.form == "usem3":
        names = ("numpy", "safetensors")
    else:
        names = ("scikit-learn", "skops", *(("numpy", "pillow") if training.images else ()))
    pins = [f"{name}=={_version(name)}" for name in names]
    if made.form == "usem3" and training.origin:
        pins.append(training.origin.requirement)
    return "\n".join(pins) + "\n"


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return EXPORT_ONLY[package]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("advisor.export", "templates"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["py"] = _literal
    return environment


def _literal(value: Any) -> str:
    plain = isinstance(value, str | dict | list | tuple)
    text = json.dumps(value, ensure_ascii=False) if plain else repr(value)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x7f", "\\x7f")


def _source(training: Training, *, in_notebook: bool) -> str:
    kind = training.loader
    name = {"timm": "train_image.py.j2", "transformers": "train_text.py.j2"}.get(
        kind, "train_classical.py.j2"
    )
    template = _environment().get_template(name)
    return template.render(t=_View(training), notebook=in_notebook)


def _tidy(text: str) -> str:
    """Two blank lines at most, none at the end."""
    return re.sub(r"\n{4,}", "\n\n\n", text).rstrip("\n") + "\n"


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def _set(words: frozenset[str]) -> str:
    """A set of words as source, over as many lines as it takes."""
    return (
        "{\n"
        + fill(", ".join(map(_literal, sorted(words))), 100, initial_indent="    ", subsequent_indent="    ")
        + ",\n}"
    )


class _View:
    """A training as the templates see it."""

    def __init__(self, training: Training) -> None:
        self._training = training
        origin = training.origin
        self.wheel = origin if origin and origin.kind == "wheel" else None
        self.folder = origin.where if origin and origin.kind == "folder" else ""
        self.repo = origin.where if origin and origin.kind == "hub" else ""
        self.revision = origin.revision if origin else ""
        self.revision_argument = ", revision=REVISION" if self.repo else ""
        self.strategy_words = STEPS.get(training.strategy, "")
        self.augmentation = training.augmentation if training.tuned else ()
        self.sentence_encoder = training.loader == "usem3"
        self.expected = (
            {"low": training.expected[0], "high": training.expected[1]} if training.expected else None
        )
        self.endings = _set(IMAGE_SUFFIXES)
        self.splits = _set(SPLITS)
        held = "a folder or zip with one sub-folder per class"
        self.data_help = held if training.images else "a table with a text and a label column"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._training, name)
