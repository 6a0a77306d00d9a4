"""Choose a pretrained model: advice, a brief probe on your own data, and one report to decide by.

>>> from advisor import Brief, recommend
>>> advice = recommend(Brief(task="image-classification"))
"""

from advisor.brief import Brief
from advisor.decide import decide
from advisor.jobs import run_probe
from advisor.recommend import recommend

__all__ = ["Brief", "decide", "recommend", "run_probe"]
