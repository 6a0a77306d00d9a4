"""The commands that look after the knowledge base."""

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.options import KnowledgeDir
from advisor.cli.terminal import print_table
from advisor.errors import Cancelled, InputError
from advisor.knowledge import breadth, load_knowledge

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


@knowledge_app.command("refresh")
def refresh(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of the proposal; absent or empty.")],
    knowledge: KnowledgeDir = None,
) -> None:
    """Ask the hub what has changed and propose it as patches; changes nothing itself."""
    from advisor.hub_listing import HubListing
    from advisor.knowledge.loading import knowledge_folder
    from advisor.knowledge.reading import read_folder
    from advisor.refresh import refresh as ask
    from advisor.refresh import write_changes

    folder = knowledge_folder(knowledge)
    load_knowledge(folder)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty", "a folder that is absent or empty")
    hub = HubListing()
    found = ask(read_folder(folder), hub, hub.url, dt.date.today(), _progress)
    try:
        write_changes(found, folder, out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from None
    print(out / "summary.md")
    if found.cancelled:
        raise Cancelled(
            f"Cancelled after {found.answered} of {found.asked} calls; what they said is in {out}"
        )


def _progress(done: int, total: int) -> None:
    if done == total or done % max(total // 20, 1) == 0:
        print(f"asked the hub {done} of {total}", file=sys.stderr, flush=True)
