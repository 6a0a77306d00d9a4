"""The commands that probe, and what is made of runs."""

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from advisor.brief import read_brief
from advisor.cli.options import (
    AsJson,
    BriefFile,
    Budget,
    DataPath,
    Engine,
    KnowledgeDir,
    LabelColumn,
    Lang,
    Models,
    ModelsOf,
    Offline,
    PlanFile,
    RunOut,
    Seed,
    TextColumn,
    UnlabelledPath,
)  # fmt: skip
from advisor.cli.root import app
from advisor.cli.terminal import heed, ids_of, language, print_json, print_table, progress, say, speak
from advisor.errors import Cancelled, InputError, NothingQualifies, nearest

if TYPE_CHECKING:
    from advisor.jobs.request import ProbeRequest

__all__ = ["compare_across", "export", "probe_or_run", "report", "resume", "runs"]


def _chosen(models: str | None, run: Path | None) -> tuple[str, ...] | None:
    """Give the models that were named, one by one or by a run that probed them."""
    if run is None:
        return ids_of(models)
    from advisor.jobs.folder import RunFolder

    if models is not None:
        raise InputError("Both --models and --models-of are given", "one of the two")
    chosen = RunFolder(run).spec().chosen
    if not chosen:
        raise InputError(f"The run {run} probed no pretrained model", "a run that `advisor runs` lists")
    return chosen


def _probe(request: "ProbeRequest", engine: str) -> None:
    from advisor.jobs.prepare import cancel_early, prepare

    if engine != "local":
        raise InputError(f"Unknown engine {engine!r}", "local", nearest(engine, ["local"]))
    try:
        folder = prepare(request)
    except KeyboardInterrupt:
        written = cancel_early(request)
        rest = f"; the advice is in {request.out}" if written else ""
        raise Cancelled(f"Cancelled before anything was probed{rest}") from None
    _finish(request.out, request.verb == "run", lambda: _supervised(folder))


def _supervised(folder: Any) -> Any:
    from advisor.jobs.supervise import supervise

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: folder.ask_to_stop())
    return supervise(folder, _tell)


def _finish(out: Path, render_views: bool, work: Any) -> None:
    from advisor.files import write_atomically
    from advisor.report import render, verdict

    report = work()
    if render_views:
        for format in ("html", "md"):
            write_atomically(out / f"report.{format}", render(report, format, language()))
    print(say(verdict(report)))
    print(f"{say('report')}: {out / ('report.html' if render_views else 'report.json')}")
    if report.probe.cancelled:
        raise Cancelled(f"The run was cancelled; what was reached is in {out / 'report.json'}")
    if report.decision.winner is None:
        raise NothingQualifies(report.decision.because)


def _tell(event: Mapping[str, Any]) -> None:
    at = f"{float(event.get('at', 0)):6.1f} s"
    kind, model = event.get("kind"), event.get("model", "")
    if kind == "rung" and event.get("of"):
        progress(f"{at}  {event['rung']:<16} {event['place']} of {event['of']}  {model}")
    elif kind == "rung-done":
        metric = event["metric"]
        name = str(metric["name"]).replace("_", " ")
        progress(
            f"{at}    {name} {metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})  {model}"
        )
    elif kind == "model-ended":
        progress(f"{at}    {event['status']}: {event['because']}  {model}")
    elif kind == "died":
        progress(f"{at}    the worker ended with {event['how']}  {model}")
    elif kind in ("done", "queued"):
        progress(f"{at}  {event['because']}")


@app.command("run", help="Recommend, probe, decide and write the report as JSON, HTML and Markdown.")
@app.command("probe", help="Fine-tune the shortlist briefly on your data and decide.")
def probe_or_run(
    context: typer.Context,
    brief: BriefFile,
    data: DataPath,
    out: RunOut,
    budget: Budget = 300.0,
    models: Models = None,
    models_of: ModelsOf = None,
    seed: Seed = 0,
    offline: Offline = False,
    plan: PlanFile = None,
    engine: Engine = "local",
    text: TextColumn = None,
    label: LabelColumn = None,
    unlabelled: UnlabelledPath = None,
    lang: Lang = None,
    knowledge: KnowledgeDir = None,
) -> None:
    """Probe; `run` also writes the report to be read."""
    from advisor.jobs.prepare import read_plan
    from advisor.jobs.request import ProbeRequest

    speak(lang)
    request = ProbeRequest(
        read_brief(brief), data, out, budget_s=budget, models=_chosen(models, models_of), seed=seed, offline=offline,
        plan=read_plan(plan) if plan else None, text=text, label=label, unlabelled=unlabelled,
        knowledge=knowledge, verb=str(context.info_name),
    )  # fmt: skip
    _probe(request, engine)


@app.command()
def resume(
    run: Path,
    retry: Annotated[bool, typer.Option("--retry", help="Try the models that failed again.")] = False,
    knowledge: KnowledgeDir = None,
) -> None:
    """Go on with a run from its last finished rung; one that is over only says what it found."""
    from advisor.jobs.run import reopen

    folder = reopen(run, knowledge, retry=retry)
    if folder.over():
        progress("This run is over; nothing is left to do. --retry tries the models that failed again.")
    views = (run / "report.html").exists() or folder.spec().command.startswith("advisor run")
    _finish(run, views, lambda: _supervised(folder))


@app.command()
def report(
    run: Path,
    format: Annotated[str, typer.Option("--format", help="html, pdf, md, json, csv, py or ipynb.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; overwritten.")],
    lang: Lang = None,
    model: Annotated[Optional[str], typer.Option("--model", help="Whom to train; the winner.")] = None,  # noqa: UP045
    knowledge: KnowledgeDir = None,
) -> None:
    """Render a run's report in another form, or write a script or notebook that trains its winner."""
    from advisor.export import write_view

    speak(lang)
    heed(knowledge)
    for path in write_view(run, format, out, language(), model=model, knowledge=knowledge):
        print(path)


@app.command("across")
def compare_across(
    run: Annotated[list[Path], typer.Argument(help="Two or more finished runs of one task.")],
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", "-o", help="A file to write as well: .html, .md, .pdf or .json; overwritten."),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
    knowledge: KnowledgeDir = None,
) -> None:
    """Compare the same models over several data sets: models × sets, and which to choose for all of them."""
    from advisor.across import across
    from advisor.files import write_atomically
    from advisor.jobs import read_probed
    from advisor.report.across import render_across, stability_words, standing

    speak(lang)
    heed(knowledge)
    found = across(read_probed(run))
    if out is not None:
        write_atomically(out, render_across(found, out.name, language()))
    if as_json:
        print(found.model_dump_json(by_alias=True, indent=1))
    else:
        print_table(standing(found, language()))
        for words in (*found.because, *stability_words(found), *found.notes, *found.next_steps):
            print(say(words))
        if out is not None:
            print(out)
    if found.choice is None:
        raise NothingQualifies(
            found.because[0], "models measured on every set", "Probe the same models on each."
        )


@app.command()
def export(
    run: Path,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to make; absent or empty.")],
    model: Annotated[Optional[str], typer.Option("--model", help="Whom to export; the winner.")] = None,  # noqa: UP045
    lang: Lang = None,
    knowledge: KnowledgeDir = None,
) -> None:
    """Write the probed model as a folder that runs: weights, ONNX, predict.py, training script, deployment note."""
    from advisor.export import export_run

    speak(lang)
    heed(knowledge)
    export_run(run, out, model=model, knowledge=knowledge, lang=language())
    print(out)


@app.command()
def runs(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """List the runs of this machine, newest first."""
    from advisor.jobs import runs as listed

    heed(knowledge)
    rows = [
        {"path": str(r.path), "state": r.state, "started": r.started, "winner": r.winner} for r in listed()
    ]
    if as_json:
        print_json({"runs": rows})
    else:
        cells = [(r["state"] or "", r["started"] or "", r["winner"] or "", r["path"] or "") for r in rows]
        print_table([("state", "started", "winner", "path"), *cells])
