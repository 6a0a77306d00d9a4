"""How much the base covers: how many cards there are, how many of them count, and what the others lack."""

from collections import Counter

from advisor.knowledge.base import Knowledge, Lack
from advisor.quantity import Frozen

__all__ = ["Breadth", "TaskBreadth", "breadth"]


class TaskBreadth(Frozen):
    """The models of one task, and those of them that count (see `Knowledge.lacks`)."""

    task: str
    models: int
    counted: int


class Breadth(Frozen):
    """The size of a base; `lacks` says how many cards lack a licence, a size, an input or a sourced quality."""

    models: int
    counted: int
    families: int
    counted_families: int
    lacks: dict[Lack, int]
    tasks: tuple[TaskBreadth, ...]


def breadth(knowledge: Knowledge) -> Breadth:
    """Count what a base covers.

    :param knowledge: the base.
    :return: its cards, families and models per task, all of them and those that count.
    """
    lacks = {card.id: knowledge.lacks(card.id) for card in knowledge.models}
    counted = [card for card in knowledge.models if not lacks[card.id]]
    return Breadth(
        models=len(knowledge.models),
        counted=len(counted),
        families=len({card.family for card in knowledge.models}),
        counted_families=len({card.family for card in counted}),
        lacks=dict(sorted(Counter(lack for found in lacks.values() for lack in found).items())),
        tasks=tuple(
            TaskBreadth(
                task=task.id,
                models=len(knowledge.for_task(task.id)),
                counted=sum(not lacks[card.id] for card in knowledge.for_task(task.id)),
            )
            for task in knowledge.tasks
        ),
    )
