"""The commands that tell what is known, and advise."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from advisor.brief import read_brief
from advisor.cli.options import AsJson, BriefFile, KnowledgeDir, LabelColumn, Lang, Models, TextColumn
from advisor.cli.root import app
from advisor.cli.terminal import complain, ids_of, known_base, print_json, print_table, say, speak
from advisor.errors import InputError, NothingQualifies
from advisor.knowledge import Fact, ModelCard, load_knowledge

__all__ = ["devices", "estimate", "models_app", "recommend", "tasks"]

models_app = typer.Typer(help="List models, or show one.", invoke_without_command=True)
app.add_typer(models_app, name="models")


@app.command()
def tasks(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """List the tasks that models are known for."""
    known = known_base(knowledge)
    rows: list[dict[str, Any]] = [
        {"id": t.id, "name": t.name.en, "models": len(known.for_task(t.id)), "probeable": t.probeable}
        for t in known.tasks
    ]
    if as_json:
        print_json({"tasks": rows})
    else:
        heads = [("task", "models", "probe", "name")]
        print_table(
            heads + [(r["id"], str(r["models"]), "yes" if r["probeable"] else "", r["name"]) for r in rows]
        )


def _row(card: ModelCard, loadable: bool) -> dict[str, Any]:
    return {
        "id": card.id,
        "name": card.name,
        "family": card.family,
        "tasks": list(card.tasks),
        "kind": card.kind,
        "parameters": card.parameters.value if card.parameters else None,
        "size_mb": card.size_mb.value if card.size_mb else None,
        "licence": card.licence.id,
        "licence_class": card.licence.klass,
        "where": [where.model_dump() for where in card.where],
        "loadable": loadable,
    }


@models_app.callback()
def models(
    context: typer.Context,
    task: Annotated[Optional[str], typer.Option("--task", help="Only models of this task.")] = None,  # noqa: UP045
    as_json: AsJson = False,
    knowledge: KnowledgeDir = None,
) -> None:
    """List the models that are known."""
    if context.invoked_subcommand:
        if task is not None or as_json or knowledge is not None:
            raise InputError(
                f"Options before {context.invoked_subcommand!r} would be lost", fix="Put them behind it."
            )
        return
    from advisor.weights import availability

    known = known_base(knowledge)
    cards = known.models if task is None else known.for_task(known.task(task).id)
    rows = [_row(card, availability(card, known, offline=False).loadable) for card in cards]
    if as_json:
        print_json({"models": rows})
    else:
        size = (
            (r["id"], "" if r["size_mb"] is None else f"{r['size_mb']:.0f} MB", r["licence"]) for r in rows
        )
        print_table([("model", "size", "licence"), *size])


@models_app.command("show")
def show(id: str, as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """Show everything that is known of one model, each fact with its source."""
    from advisor.facts import list_facts

    known = known_base(knowledge)
    card = known.model(id)
    content = card.model_dump(mode="json", by_alias=True)
    rows = [fact.model_dump(mode="json") for fact in list_facts(card, known)]
    for row in rows:
        if isinstance(getattr(card, row["name"], None), Fact):
            content[row["name"]] = {key: value for key, value in row.items() if key != "name"}
    content["facts"] = rows
    dates = {source.id: source.date for source in known.sources}
    content["results"] = [
        {**row.model_dump(mode="json"), "unit": "share" if 0 <= row.value <= 1 else row.metric,
         "date": str(row.date or dates.get(row.source))}
        for row in known.results_of(id)
    ]  # fmt: skip
    if as_json:
        print_json({"model": content})
        return
    import yaml

    del content["facts"]
    filled = {key: value for key, value in content.items() if value not in (None, [], {})}
    print(yaml.safe_dump(filled, allow_unicode=True, sort_keys=False), end="")


@app.command()
def devices(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """List the devices for which latency and memory can be estimated; this machine first."""
    from advisor.hardware import this_machine

    known = load_knowledge(knowledge)
    rows = [this_machine(known=known.devices), *known.devices]
    if as_json:
        print_json({"devices": [row.model_dump(mode="json") for row in rows]})
    else:
        print_table([("device", "kind", "name"), *((row.id, row.kind, row.name) for row in rows)])


@app.command()
def recommend(
    brief: BriefFile,
    data: Annotated[Path | None, typer.Option("--data", "-d", help="Fill the brief from these data.")] = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option("--limit", help="Length of the shortlist.")] = 10,
    models: Models = None,
    text: TextColumn = None,
    label: LabelColumn = None,
    lang: Lang = None,
    knowledge: KnowledgeDir = None,
) -> None:
    """Give a shortlist by rules and scores, with a reason for every model kept or dropped."""
    from advisor.jobs.prepare import advice_json, advise

    speak(lang)
    need = read_brief(brief)
    known = known_base(knowledge)
    if data is not None:
        from advisor.dataset import fill, profile, read

        need, filled, findings = fill(need, profile(read(data, task=need.task, text=text, label=label)))
        for finding in findings:
            complain(say(finding.detail))
        if filled:
            complain(say(f"Read from the data: {', '.join(filled)}."))
    advice = advise(need, known, models=ids_of(models), limit=limit)
    if as_json:
        print(advice_json(advice))
    else:
        rows = [tuple(map(say, ("rank", "score", "model", "why")))]
        rows += [
            (str(c.rank), f"{c.score:.3f}", c.model, say(c.because[0]) if c.because else "")
            for c in advice.shortlist
        ]
        print_table(rows)
        for miss in advice.near_misses[:5]:
            print(say(f"near miss: {miss.model}: admitted if {miss.admitted_if}"))
        for note in advice.notes:
            print(say(note))
    if not advice.shortlist:
        from advisor.closest import closest_words

        raise NothingQualifies(
            f"None of {advice.considered} models meets the brief",
            fix=closest_words(advice) or "Loosen a constraint.",
        )


@app.command()
def estimate(
    model: str,
    device: Annotated[str, typer.Option("--device", help="A device id or a YAML file.")] = "this-machine",
    batch: Annotated[int, typer.Option("--batch", help="Answers at once.", min=1)] = 1,
    as_json: AsJson = False,
    knowledge: KnowledgeDir = None,
) -> None:
    """Estimate latency, throughput, memory and size of a model on a device."""
    from advisor.estimate import estimate as judge
    from advisor.hardware import THIS_MACHINE, calibrate, calibrated
    from advisor.hardware import device as find
    from advisor.home import home
    from advisor.measured import read_measured

    known = known_base(knowledge)
    card = known.model(model)
    if device == THIS_MACHINE and not calibrated():
        typer.echo(say("Timing small networks on this machine, once …"), err=True)
        calibrate()
    where = find(device, known)
    found = judge(card, where, known, batch=batch, measured=read_measured(home()))
    content = found.model_dump(mode="json")
    if as_json:
        print_json({"model": model, "device": where.id, "batch": batch, "estimates": content})
        return
    rows = [("quantity", "value", "low", "high", "unit", "basis", "source")]
    for name, q in content.items():
        numbers = ("unknown" if q[key] is None else f"{q[key]:.4g}" for key in ("value", "low", "high"))
        rows.append((name, *numbers, q["unit"], q["basis"], q["source"]))
    print_table(rows)
