"""Where a model's weights come from."""

from advisor.weights.header import Footprint, footprint
from advisor.weights.lite_names import timm_state
from advisor.weights.local import LocalFolder, local_cards, local_folders
from advisor.weights.origin import availability, locate
from advisor.weights.types import Availability, Loader, Weights

__all__ = [
    "Availability",
    "Footprint",
    "Loader",
    "LocalFolder",
    "Weights",
    "availability",
    "footprint",
    "local_cards",
    "local_folders",
    "locate",
    "timm_state",
]
