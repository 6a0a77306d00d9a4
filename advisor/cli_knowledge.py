"""The commands that look after the knowledge base."""

import datetime as dt

import typer

from advisor.knowledge import breadth
from advisor.terminal import KnowledgeDir, print_table

__all__ = ["knowledge_app"]

knowledge_app = typer.Typer(help="Look after the knowledge base.", no_args_is_help=True)


@knowledge_app.callback()
def _group() -> None:
    """Look after the knowledge base."""


@knowledge_app.command("check")
def check(knowledge: KnowledgeDir = None) -> None:
    """Check the knowledge base; names file and line of each fault."""
    from advisor.upkeep import check_knowledge

    known = check_knowledge(knowledge, today=dt.date.today())
    found = breadth(known)
    print(
        f"{found.models} models, {len(known.tasks)} tasks, {len(known.devices)} devices, "
        f"{len(known.sources)} sources, {len(known.results)} results, {len(known.latencies)} latencies: no fault."
    )
    print(
        f"{found.counted} models in {found.counted_families} of {found.families} families count; what the others "
        f"lack: {', '.join(f'{lack} {number}' for lack, number in found.lacks.items()) or 'nothing'}"
    )
    rows = [(row.task, str(row.models), str(row.counted)) for row in found.tasks]
    print_table([("task", "models", "that count"), *rows])
