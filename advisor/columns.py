"""The cards of a task as arrays, so that all of them are judged at once."""

import weakref
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from advisor.knowledge import Fact, Knowledge, ModelCard
from advisor.workload import LARGE, scale_of

__all__ = ["Columns", "Flags", "Floats", "Kinds", "Rows", "Texts", "columns_for"]

MOST_CELLS, FEWEST_ANSWERS = 200_000, 12
"""How much is remembered; three different briefs ask for about a dozen answers."""
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Texts = npt.NDArray[np.object_]
WORDS = (
    "kind", "tasks", "family", "architecture", "released", "library", "licence", "where", "frameworks", "exports",
    "input", "trained_on", "superseded_by", "tuning", "explain",
)  # fmt: skip
NUMBERS = (
    "parameters", "active_parameters", "embedding_parameters", "size_mb", "flops", "activations", "downloads",
)  # fmt: skip
"""The facts that are numbers; the words are what else is judged of a card."""


@dataclass(frozen=True)
class Kinds:
    """Cards sorted into kinds whose members are alike in what one judgement asks for.

    :ivar codes: the kind of each card.
    :ivar examples: one card of each kind, which stands for all of it.
    """

    codes: Rows
    examples: tuple[ModelCard, ...]

    def each(self, judge: Callable[[ModelCard], float | None]) -> Floats:
        """Judge one card of each kind and give every card the number of its kind; None becomes NaN."""
        return np.array([judge(card) for card in self.examples], dtype=np.float64)[self.codes]


class Columns:
    """Cards in the order of their ids with their facts as arrays; NaN is unknown.

    Judgements are made when they are first asked for, and kept.

    :ivar cards: the cards.
    :ivar ids: theirs.
    :ivar alike: cards that have the very same words, not merely equal ones, and are both large or both not. A large
        base holds equal words once; what is asked of them is asked once for all cards that share them.
    """

    def __init__(self, cards: Iterable[ModelCard]) -> None:
        self.cards: tuple[ModelCard, ...] = tuple(sorted(cards, key=attrgetter("id")))
        names = ("id", *NUMBERS, *WORDS)
        read = chain.from_iterable(map(itemgetter(*names), map(vars, self.cards)))
        fields = np.fromiter(read, dtype=object).reshape(-1, len(names))
        self.ids: Texts = fields[:, 0].copy()
        self._amounts = {name: _amounts(fields[:, place].tolist()) for place, name in enumerate(NUMBERS, 1)}
        self.alike = self._alike(fields[:, -len(WORDS) :])
        self._lines: dict[str, Floats] = {}
        self._kinds: dict[str, Kinds] = {}
        self._answers: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.cards)

    def row_of(self, id: str) -> int | None:
        """Find the row of a model; None if it is not here."""
        row = bisect_left(self.cards, id, key=attrgetter("id"))
        return row if row < len(self.cards) and self.cards[row].id == id else None

    @cached_property
    def hosted(self) -> Flags:
        """Which cards are services."""
        return self.line("hosted", lambda card: card.kind == "api") > 0

    def amounts(self, name: str) -> Floats:
        """Give a numeric fact of each card in its base unit.

        :param name: the card's field.
        """
        return self._amounts[name]

    def line(self, name: str, judge: Callable[[ModelCard], float | None]) -> Floats:
        """Give a number of each card, judged once.

        :param name: under which the numbers are kept.
        :param judge: judges a card by its words alone; None becomes NaN.
        """
        if name not in self._lines:
            self._lines[name] = self.alike.each(judge)
        return self._lines[name]

    def remembered(self, asked: Hashable, make: Callable[[], Any]) -> Any:
        """Give what was made for the same question before; the oldest answers are forgotten."""
        found = self._answers.pop(asked) if asked in self._answers else make()
        self._answers[asked] = found
        while len(self._answers) > max(FEWEST_ANSWERS, MOST_CELLS // (len(self.cards) + 1)):
            self._answers.pop(next(iter(self._answers)))
        return found

    def _alike(self, words: Texts) -> Kinds:
        """Sort the cards by where their words (cards × words) lie in memory, which the bytes of such an array are."""
        held, width = words.tobytes(), words.itemsize * len(WORDS)
        places = (held[start : start + width] for start in range(0, len(held), width))
        large = self.amounts("parameters") >= LARGE
        rows, codes = _numbered(zip(places, large.tolist(), strict=True))
        return Kinds(codes, tuple(self.cards[row] for row in rows))

    def kinds(self, name: str, likeness: Callable[[ModelCard], Hashable]) -> Kinds:
        """Sort the cards into kinds.

        :param name: under which the kinds are kept.
        :param likeness: what two cards of a kind have in common: of their words, or being large.
        :return: the kinds, in the order of their first cards.
        """
        if name not in self._kinds:
            alike = self.alike
            rows, codes = _numbered(map(likeness, alike.examples))
            self._kinds[name] = Kinds(codes[alike.codes], tuple(alike.examples[row] for row in rows))
        return self._kinds[name]


def _amounts(facts: Sequence[Fact | None]) -> Floats:
    """Read facts as `advisor.workload.amount` does one; NaN is unknown."""
    if not any(facts):
        return np.full(len(facts), np.nan)
    read = [np.nan if fact is None else fact.value * scale_of(fact.unit) for fact in facts]
    return np.array(read, dtype=np.float64)


def _numbered(keys: Iterable[Hashable]) -> tuple[Rows, Rows]:
    """Number keys in the order in which they occur first: where that is, and the number of each."""
    first: dict[Hashable, int] = {}
    found = np.array([first.setdefault(key, place) for place, key in enumerate(keys)], dtype=np.intp)
    rows, codes = np.unique(found, return_inverse=True)
    return rows, codes


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
