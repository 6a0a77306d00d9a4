"""Where in a picture a class score comes from: Grad-CAM on the last map of features, its like for transformers."""

import base64
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.probe.backbone import Backbone, ImageBackbone

__all__ = ["Layer", "NotExplainable", "as_seen", "centred", "heat_map", "last_map"]

EDGE = 160
FINEST = 16
ALIKE = 1e-6
Layout = Literal["channels first", "channels last", "tokens"]


class NotExplainable(Exception):
    """What this model looks at cannot be told; the message says why."""


@dataclass(frozen=True)
class Layer:
    """A layer whose output still knows where in the picture everything lies.

    :ivar grid: its (height, width) in cells.
    :ivar before: how many tokens stand before those of the grid.
    """

    name: str
    module: nn.Module
    layout: Layout
    grid: tuple[int, int]
    before: int = 0

    @property
    def method(self) -> str:
        """How a map is read from it."""
        if self.layout == "tokens":
            return "gradient times activation at the entrance of the last block"
        return "Grad-CAM on the last map of features"


def centred(logits: torch.Tensor) -> torch.Tensor:
    """Take the mean off each row of (n, k) logits, which changes no probability."""
    return logits - logits.mean(dim=1, keepdim=True)


def last_map(body: nn.Module, forward: Callable[[], object]) -> Layer:
    """Find the last layer before everything is pooled over the picture.

    Where small pictures leave a single cell at the end, it is the last layer that has more. In a vision transformer
    it is the norm at the entrance of the last block: behind it, the class token has read from the others all that it
    will.

    :param body: a timm model without its classifier.
    :param forward: sends one picture through the body.
    :raises NotExplainable: if the architecture has no such layer that we know.
    """
    seen: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                seen.append((name, module, tuple(output.shape)))

        return hook

    hooks = [part.register_forward_hook(note(name)) for name, part in body.named_modules() if name]
    try:
        with torch.no_grad():
            forward()
    finally:
        for one in hooks:
            one.remove()
    width = getattr(body, "num_features", None)
    shrunk = False
    for name, module, shape in reversed(seen):
        if len(shape) == 4 and (shrunk or shape[1] == (width or shape[1])) and shape[2] * shape[3] > 1:
            return Layer(name, module, "channels first", (shape[2], shape[3]))
        if len(shape) == 4 and shape[3] == width and shape[1] * shape[2] > 1:
            return Layer(name, module, "channels last", (shape[1], shape[2]))
        if len(shape) == 4 and shape[1] == width:
            shrunk = True
        if len(shape) == 3 and shape[2] == width and shape[1] > 1:
            return _entrance(body, {module: found for _, module, found in seen})
    raise NotExplainable("its architecture has no map of features that is known here")


def _entrance(body: nn.Module, shapes: dict[nn.Module, tuple[int, ...]]) -> Layer:
    blocks: Any = getattr(body, "blocks", None)
    patches: Any = getattr(body, "patch_embed", None)
    norm = getattr(blocks[-1], "norm1", None) if blocks else None
    shape = shapes.get(norm, ()) if norm is not None else ()
    if norm is None or len(shape) != 3:
        raise NotExplainable("where in the picture its tokens come from is not known for this architecture")
    known = getattr(patches, "grid_size", None)
    side = int(shape[1] ** 0.5)
    grid = (int(known[0]), int(known[1])) if known else (side, side)
    before = shape[1] - grid[0] * grid[1]
    if before < 0:
        raise NotExplainable("where in the picture its tokens come from is not known for this architecture")
    return Layer(f"blocks.{len(blocks) - 1}.norm1", norm, "tokens", grid, before)


def heat_map(
    backbone: Backbone, head: nn.Module, layer: Layer, pixels: torch.Tensor, target: int
) -> NDArray[np.float64]:
    """Say which cells of a picture raised a class score (Grad-CAM, Selvaraju et al. 2017).

    A linear head over standardised features counts from the average example, Grad-CAM from a picture without any
    features. All cells of a map are therefore moved alike, so that they add up to the score; those below 0 are cut.

    :param head: (n, d) features → (n, k) logits.
    :param pixels: (1, 3, height, width), as the body is fed.
    :param target: the class.
    :return: at most 16 × 16 cells, 0 to 1 where most; all 0 if every cell is alike or none raised it.
    """
    from captum.attr import LayerGradCam, LayerGradientXActivation  # type: ignore[import-untyped]

    def score(batch: torch.Tensor) -> torch.Tensor:
        return centred(head(backbone.forward(batch)))

    fed = pixels.detach().clone().requires_grad_(True)
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        if layer.layout == "channels first":
            found = LayerGradCam(score, layer.module).attribute(fed, target)[0, 0]
        else:
            each = LayerGradientXActivation(score, layer.module).attribute(fed, target)[0].sum(dim=-1)
            found = each[layer.before :].reshape(layer.grid) if layer.layout == "tokens" else each
        whole = float(score(pixels)[0, target].detach())
    found = found.detach().float()
    if float(found.max() - found.min()) <= ALIKE * abs(whole):
        found = torch.zeros_like(found)
    elif layer.layout != "tokens":
        found = found - found.mean() + whole / found.numel()
    cells = found.clamp(min=0)[None, None]
    size = (min(cells.shape[2], FINEST), min(cells.shape[3], FINEST))
    values: NDArray[np.float64] = nn.functional.adaptive_avg_pool2d(cells, size)[0, 0].cpu().double().numpy()
    if not np.isfinite(values).all():
        raise ValueError("the gradients are not finite")
    top = float(values.max())
    return values / top if top > 0 else values


def as_seen(backbone: ImageBackbone, pixels: torch.Tensor) -> str:
    """Draw what the body is fed, without the normalisation, as a small JPEG in base64.

    :param pixels: (3, height, width).
    """
    from PIL import Image

    values = pixels.detach().cpu().double().numpy()
    steps = getattr(backbone.transform, "transforms", ())
    normal = next((one for one in steps if hasattr(one, "mean") and hasattr(one, "std")), None)
    if normal is not None:
        spread, mean = (np.asarray(part, dtype=float).reshape(-1, 1, 1) for part in (normal.std, normal.mean))
        values = values * spread + mean
    drawn = (255 * np.clip(values, 0, 1)).round().astype(np.uint8).transpose(1, 2, 0)
    image = Image.fromarray(drawn)
    scale = EDGE / max(image.size)
    if scale < 1:
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return base64.b64encode(stream.getvalue()).decode("ascii")
