"""Choose a pretrained model: advice, a brief probe on your own data, and one report to decide by.

>>> from advisor import Brief, recommend
>>> advice = recommend(Brief(task="image-classification"))
"""

from typing import TYPE_CHECKING, Any

from advisor.brief import Brief
from advisor.decide import decide
from advisor.recommend import recommend

if TYPE_CHECKING:
    from advisor.jobs import run_probe

__all__ = ["Brief", "decide", "recommend", "run_probe"]


def __getattr__(name: str) -> Any:
    if name == "run_probe":
        from advisor.jobs import run_probe

        return run_probe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
