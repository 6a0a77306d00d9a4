"""What the hub says of a model today: asked through huggingface_hub, many at once, each failure with its reason."""

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

from advisor.errors import InputError
from advisor.quantity import Frozen
from advisor.weights.hub_cache import forced_offline
from advisor.weights.wire import endpoint, host, transport_errors

__all__ = ["Answer", "HubListing", "Listing", "ask_all"]

TIMEOUT_S = 15.0
UNREACHABLE = 12
"""So many broken connections without a single answer mean that there is no hub to be reached."""
Asked = TypeVar("Asked")


class Answer(Frozen):
    """A model as the hub lists it; None is what the hub does not say. `pinned` is None where nothing was pinned."""

    id: str
    sha: str | None = None
    created: dt.date | None = None
    licence: str | None = None
    gated: bool | None = None
    disabled: bool | None = None
    downloads: int | None = None
    likes: int | None = None
    pinned: bool | None = None
    exists: bool = True


class Listing(Protocol):
    """Somewhere to ask for models."""

    def model(self, repo: str, revision: str | None) -> Answer:
        """Say what is known of a model, and whether the revision is still there."""
        ...

    def by_author(self, author: str) -> tuple[Answer, ...]:
        """List an author's models."""
        ...


class HubListing:
    """The hub that HF_ENDPOINT names.

    :raises InputError: if the environment forbids the network.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        if forced_offline(environ):
            raise InputError(
                "The hub cannot be asked: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids it",
                fix="Unset it, and run the command where there is a network.",
            )
        from huggingface_hub import HfApi

        self.url = endpoint(environ)
        self._api = HfApi(endpoint=self.url)

    def model(self, repo: str, revision: str | None) -> Answer:
        """Say what is known of a model; `exists` is False where the hub knows none of that name."""
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        try:
            found = _answer(self._api.model_info(repo, timeout=TIMEOUT_S))
        except GatedRepoError:
            return Answer(id=repo, gated=True)
        except RepositoryNotFoundError:
            return Answer(id=repo, exists=False)
        if revision is None or revision == found.sha:
            return found.model_copy(update={"pinned": None if revision is None else True})
        try:
            self._api.model_info(repo, revision=revision, timeout=TIMEOUT_S)
        except RevisionNotFoundError:
            return found.model_copy(update={"pinned": False})
        return found.model_copy(update={"pinned": True})

    def by_author(self, author: str) -> tuple[Answer, ...]:
        """List an author's thousand most downloaded models."""
        listed = self._api.list_models(author=author, sort="downloads", limit=1000)
        return tuple(_answer(info) for info in listed)


def ask_all(
    jobs: Mapping[Asked, Callable[[], Any]],
    workers: int,
    tell: Callable[[int, int], None],
    where: str,
) -> tuple[dict[Asked, Any], dict[Asked, str], bool]:
    """Ask many questions, so many at once.

    :param jobs: the questions by name.
    :param workers: how many at once.
    :param tell: called with the number answered or failed, and the number asked.
    :param where: the hub's address, for complaints.
    :return: the answers, the failures with their reasons, and whether the user cut it short.
    :raises InputError: if the hub cannot be reached at all.
    """
    answers: dict[Asked, Any] = {}
    failed: dict[Asked, str] = {}
    pool = ThreadPoolExecutor(workers, thread_name_prefix="hub")
    waiting: dict[Future[Any], Asked] = {pool.submit(job): name for name, job in jobs.items()}
    broken = 0
    try:
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                name = waiting.pop(one)
                error = one.exception()
                if error is None:
                    answers[name] = one.result()
                else:
                    failed[name] = _reason(error)
                    broken += isinstance(error, _connection_errors())
                tell(len(answers) + len(failed), len(jobs))
            if not answers and broken >= min(UNREACHABLE, len(jobs)):
                raise InputError(
                    f"The hub {host(where)} cannot be reached: {next(iter(failed.values()))}",
                    fix="Check the network, the proxy and HF_ENDPOINT.",
                )
    except KeyboardInterrupt:
        return answers, failed, True
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return answers, failed, False


def _answer(info: Any) -> Answer:
    card = info.card_data
    named = getattr(card, "license", None)
    if named == "other":
        named = getattr(card, "license_name", None) or named
    tagged = (tag.partition(":")[2] for tag in info.tags or () if tag.startswith("license:"))
    licence = named if isinstance(named, str) else next(tagged, None)
    return Answer(
        id=info.id,
        sha=info.sha,
        created=info.created_at.date() if info.created_at else None,
        licence=licence,
        gated=None if info.gated is None else bool(info.gated),
        disabled=info.disabled,
        downloads=info.downloads,
        likes=info.likes,
    )


def _connection_errors() -> tuple[type[BaseException], ...]:
    return (*transport_errors(), ConnectionError, TimeoutError)


def _reason(error: BaseException) -> str:
    lines: Iterable[str] = (line.strip() for line in str(error).splitlines())
    return f"{type(error).__name__}: {next((line for line in lines if line), 'no words')}"[:200]
