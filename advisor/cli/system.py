"""The commands around the job: what this machine can load, samples, and the app."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.options import AsJson, KnowledgeDir
from advisor.cli.root import app
from advisor.cli.terminal import heed, known_base, print_json, print_table, say
from advisor.errors import InputError, nearest

__all__ = ["doctor", "sample", "start_app"]


@app.command()
def doctor(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """Say what this machine is, which versions are installed and which models can be loaded."""
    from advisor.hardware import this_machine
    from advisor.jobs.finish import versions
    from advisor.weights import availability, local_folders

    known = known_base(knowledge)
    machine = this_machine(known=known.devices).model_dump(mode="json")
    rows = []
    for card in known.models:
        if card.kind == "weights":
            found = availability(card, known, offline=False)
            rows.append(
                {"id": card.id, "loadable": found.loadable, "from": found.origin, "because": found.because}
            )
    listed = {card.id for card in known.models}
    for local in local_folders():
        if local.id not in listed:
            because = str(local.problem or f"{local.folder}: its config.json tells no task that is known")
            rows.append({"id": local.id, "loadable": False, "from": "local", "because": because})
    if as_json:
        print_json({"machine": machine, "versions": versions(), "models": rows})
        return
    named = f"machine: {machine['name']}, {machine['cores']} cores, {machine['memory_mb'] or 0:.0f} MB free"
    print(say(named))
    print(say("versions: " + ", ".join(f"{name} {number}" for name, number in versions().items())))
    here = [r for r in rows if r["loadable"] and r["from"] in ("starter", "local", "hub cache")]
    print(say(f"models: {len(here)} of {len(rows)} can be loaded without a download"))
    if here:
        print_table([(str(r["id"]), str(r["from"]), str(r["because"])) for r in here])


@app.command()
def sample(
    name: Annotated[str, typer.Argument(help="images or text")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to put it in.")],
    knowledge: KnowledgeDir = None,
) -> None:
    """Put a bundled sample where it can be read like your own data, and print its path."""
    from advisor.samples import sample as put

    heed(knowledge)
    if name not in ("images", "text"):
        raise InputError(f"There is no sample {name!r}", "images, text", nearest(name, ["images", "text"]))
    print(put(name, out))  # type: ignore[arg-type]


@app.command("app")
def start_app(
    port: Annotated[int, typer.Option("--port", help="Where to listen.")] = 8501,
    knowledge: KnowledgeDir = None,
) -> None:
    """Start the app in the browser."""
    package = Path(__file__).parents[1]
    installed = package / "_data"
    folder = installed if (installed / "streamlit_app.py").exists() else package.parent
    heed(knowledge)
    if knowledge is not None:
        os.environ["ADVISOR_KNOWLEDGE"] = str(knowledge.resolve())
    os.chdir(folder)
    words = [sys.executable, "-m", "advisor.ui.serve", "streamlit_app.py", "--server.port", str(port)]
    os.execv(sys.executable, words)
