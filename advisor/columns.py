"""The cards of a task as arrays, so that all of them are judged at once."""

import weakref
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from advisor.knowledge import Knowledge, ModelCard

__all__ = ["Columns", "Flags", "Floats", "Kinds", "Rows", "columns_for"]

MOST_CELLS = 1_000_000
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Kinds:
    """Cards sorted into kinds whose members are alike in what one judgement asks for.

    :ivar codes: the kind of each card.
    :ivar examples: one card of each kind, which stands for all of it.
    """

    codes: Rows
    examples: tuple[ModelCard, ...]

    def each(self, judge: Callable[[ModelCard], float]) -> Floats:
        """Judge one card of each kind and give every card the number of its kind."""
        return np.array([judge(card) for card in self.examples], dtype=np.float64)[self.codes]


class Columns:
    """Cards in the order of their ids with their facts as arrays; NaN is unknown.

    Arrays are made when they are first asked for, and kept.
    """

    def __init__(self, cards: Iterable[ModelCard]) -> None:
        self.cards: tuple[ModelCard, ...] = tuple(sorted(cards, key=lambda card: card.id))
        self._lines: dict[str, Floats] = {}
        self._kinds: dict[str, Kinds] = {}
        self._answers: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.cards)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each model stands."""
        return {card.id: place for place, card in enumerate(self.cards)}

    @cached_property
    def hosted(self) -> Flags:
        """Which cards are services."""
        return np.array([card.kind == "api" for card in self.cards], dtype=bool)

    def line(self, name: str, read: Callable[[ModelCard], float | None]) -> Floats:
        """Give a number of each card, read once.

        :param name: under which the numbers are kept.
        :param read: reads it; None becomes NaN.
        """
        if name not in self._lines:
            values = [read(card) for card in self.cards]
            self._lines[name] = np.array([np.nan if one is None else one for one in values], dtype=np.float64)
        return self._lines[name]

    def remembered(self, asked: Hashable, make: Callable[[], Any]) -> Any:
        """Give what was made for the same question before; the oldest answers are forgotten."""
        found = self._answers.pop(asked) if asked in self._answers else make()
        self._answers[asked] = found
        while len(self._answers) > max(1, MOST_CELLS // (len(self.cards) + 1)):
            self._answers.pop(next(iter(self._answers)))
        return found

    def kinds(self, name: str, likeness: Callable[[ModelCard], Hashable]) -> Kinds:
        """Sort the cards into kinds.

        :param name: under which the kinds are kept.
        :param likeness: what two cards of a kind have in common.
        :return: the kinds, in the order of their first cards.
        """
        if name not in self._kinds:
            codes: dict[Hashable, int] = {}
            examples: list[ModelCard] = []
            found = np.empty(len(self.cards), dtype=np.intp)
            for place, card in enumerate(self.cards):
                alike = likeness(card)
                code = codes.setdefault(alike, len(codes))
                if code == len(examples):
                    examples.append(card)
                found[place] = code
            self._kinds[name] = Kinds(found, tuple(examples))
        return self._kinds[name]


_OF: dict[int, tuple["weakref.ref[Knowledge]", dict[str, Columns]]] = {}


def columns_for(knowledge: Knowledge, task: str, models: Sequence[str] | None = None) -> Columns:
    """Give the cards of a task as arrays; made once for each knowledge and task.

    :param knowledge: the knowledge base.
    :param task: whose cards, baselines included.
    :param models: these cards instead, whatever their task; not kept.
    :return: the columns.
    :raises InputError: if a model is unknown.
    """
    if models is not None:
        return Columns(knowledge.model(id) for id in set(models))
    place = id(knowledge)
    if place not in _OF:
        _OF[place] = weakref.ref(knowledge, partial(_forget, place, _OF)), {}
    tasks = _OF[place][1]
    if task not in tasks:
        tasks[task] = Columns(knowledge.for_task(task))
    return tasks[task]


def _forget(place: int, of: dict[int, Any], gone: object) -> None:
    of.pop(place, None)
