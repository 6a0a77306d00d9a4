"""Choose a pretrained model: advice, a brief probe on your own data, and one report to decide by.

>>> from advisor import Brief, recommend
>>> advice = recommend(Brief(task="image-classification"))
"""

from typing import TYPE_CHECKING, Any

from advisor.across import across
from advisor.brief import Brief
from advisor.decide import decide
from advisor.recommend import recommend

if TYPE_CHECKING:
    from advisor.jobs import read_probed, run_probe

__all__ = ["Brief", "across", "decide", "read_probed", "recommend", "run_probe"]


def __getattr__(name: str) -> Any:
    if name in ("read_probed", "run_probe"):
        from advisor import jobs

        return getattr(jobs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
