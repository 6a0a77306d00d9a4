"""One model climbs one rung: features and a linear probe, or tuning, with everything measured on the way."""

import time

from advisor.probe.rungs.adapted import Adapted
from advisor.probe.rungs.baseline import climb_baseline
from advisor.probe.rungs.few_shot import FewShot
from advisor.probe.rungs.probe import Probe
from advisor.probe.rungs.rung import Rung, known_features
from advisor.probe.rungs.search import Search
from advisor.probe.rungs.tuning import Tuning
from advisor.probe.setting import Setting
from advisor.weights import Weights

__all__ = ["climb", "climb_baseline", "known_features"]


def climb(setting: Setting, weights: Weights, rung: str, position: int) -> None:
    """Take a pretrained model up one rung of the ladder and keep the rung as finished.

    :param rung: one of the ladder's (`advisor.probe.plan.LADDER`).
    :param position: the rung's number in this model's climb.
    :raises OutOfTime, Cancelled: from the clock; nothing is kept of an unfinished rung but its features.
    :raises WeightsUnavailable: if the weights do not load.
    :raises StorageError: if something cannot be written.
    """
    setting.memory.start()
    begun = time.monotonic()
    kinds: dict[str, type[Rung]] = {"adapted": Adapted, "few-shot": FewShot, "search": Search}
    walked = Probe if rung.startswith("linear-probe") else kinds.get(rung, Tuning)
    walked(setting, weights, rung, position, begun).climb()
