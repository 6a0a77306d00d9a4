"""One batch is read and preprocessed in a thread while the one before goes through the network."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Ahead", "Prepares"]


class Prepares(Protocol):
    """What turns examples into a batch, as every backbone does."""

    def prepare(self, contents: Sequence[Any]) -> Any:
        """Preprocess n examples into one batch."""


class Ahead:
    """Prepares batches of some contents, one ahead of what is asked for.

    :param backbone: whose preprocessing is meant.
    :param contents: n texts or image paths, or whatever else is prepared there.
    """

    def __init__(self, backbone: Prepares, contents: Sequence[Any]) -> None:
        self._backbone = backbone
        self._contents = contents
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._begun: tuple[tuple[int, ...], Future[Any]] | None = None

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=kind is None, cancel_futures=True)

    def take(self, chosen: Iterable[int], then: Iterable[int] = ()) -> Any:
        """Give one batch and begin the next.

        :param chosen: which contents make up this batch.
        :param then: which make up the next one, as far as is known; empty if there is none.
        :return: the batch, prepared.
        """
        wanted = tuple(int(i) for i in chosen)
        if self._begun is None or self._begun[0] != wanted:
            self._begun = self._begin(wanted)
        future = self._begun[1]
        batch = future.result()
        following = tuple(int(i) for i in then)
        self._begun = self._begin(following) if following else None
        return batch

    def _begin(self, chosen: tuple[int, ...]) -> tuple[tuple[int, ...], Future[Any]]:
        contents = [self._contents[i] for i in chosen]
        return chosen, self._thread.submit(self._backbone.prepare, contents)
