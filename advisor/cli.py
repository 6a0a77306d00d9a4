"""The same core without a browser. Results go to standard output, progress and complaints to standard error."""

import io
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from advisor.brief import read_brief
from advisor.cli_knowledge import knowledge_app
from advisor.errors import AdvisorError, Cancelled, InputError, NothingQualifies, nearest
from advisor.knowledge import Fact, Knowledge, ModelCard, load_knowledge
from advisor.terminal import KnowledgeDir
from advisor.terminal import print_table as _table

if TYPE_CHECKING:
    from advisor.jobs.request import ProbeRequest
    from advisor.language import Language

__all__ = ["app", "main"]

app = typer.Typer(
    help="Choose a pretrained model: advise, probe on your data, decide.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="List models, or show one.", invoke_without_command=True)
app.add_typer(knowledge_app, name="knowledge")
app.add_typer(models_app, name="models")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
BriefFile = Annotated[Path, typer.Option("--brief", "-b", help="The brief, YAML or JSON.")]
DataPath = Annotated[
    Path, typer.Option("--data", "-d", help="A folder or zip of images, or a table of texts.")
]
RunOut = Annotated[Path, typer.Option("--out", "-o", help="The run's folder; absent or empty.")]
Budget = Annotated[float, typer.Option("--budget", help="Seconds for the probe.")]
Models = Annotated[Optional[str], typer.Option("--models", help="Ids, separated by commas.")]  # noqa: UP045
ModelsOf = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--models-of", help="The models that an earlier run probed, to compare them by `across`."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of splits, resampling and training.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use only models that are already here.")]
PlanFile = Annotated[Optional[Path], typer.Option("--plan", help="Models × rungs without a clock.")]  # noqa: UP045
Engine = Annotated[str, typer.Option("--engine", help="Where the probe runs.")]
TextColumn = Annotated[Optional[str], typer.Option("--text", help="The text column.")]  # noqa: UP045
LabelColumn = Annotated[Optional[str], typer.Option("--label", help="The label column.")]  # noqa: UP045
UnlabelledPath = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--unlabelled", help="Examples without labels, of the same kind, to adapt models to."),
]
Lang = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--lang", help="en or zh: the language of what is said; else ADVISOR_LANG, else English."),
]
CANCELLED = "Cancelled before anything was probed."


def main() -> None:
    """Run the command line; every failure is one message and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(prog_name="advisor", standalone_mode=False) or 0
        if code == Cancelled.exit_code:
            _complain(_say(CANCELLED))
    except AdvisorError as error:
        _complain(_complaint(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _complain(_say(CANCELLED))
        code = Cancelled.exit_code
    except BrokenPipeError:
        code = _nobody_reads()
    except SystemExit as ended:
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        code = _nobody_reads()
    except Exception as error:
        if isinstance(error, typer.Exit):
            code = error.exit_code
        elif hasattr(error, "format_message") and hasattr(error, "exit_code"):
            _complain(_usage(error))
            code = 2
        elif os.environ.get("ADVISOR_DEBUG"):
            raise
        else:
            said = f"Something unforeseen: {type(error).__name__}: {error}. Set ADVISOR_DEBUG=1 to see where."
            _complain(_say(said))
            code = 1
    sys.exit(code)


def _nobody_reads() -> int:
    """Send what is left to nowhere, because the reader of a pipe has had enough; that is no failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _complain(message: str) -> None:
    from advisor.labels import visible

    print(f"advisor: {visible(message)}", file=sys.stderr)


def _complaint(error: AdvisorError) -> str:
    from advisor.language import complaint

    return complaint(error, _language())


def _language() -> "Language":
    from advisor.language import as_language

    return as_language(os.environ.get("ADVISOR_LANG"))


def _speak(lang: str | None) -> None:
    """Settle which language everything that is printed from now on has."""
    from advisor.language import chosen_language

    os.environ["ADVISOR_LANG"] = chosen_language(lang)


def _say(text: str) -> str:
    from advisor.language import translate

    return translate(text, _language())


def _usage(error: Any) -> str:
    """Say what was wrong with the command line: the word, what is allowed and the nearest, and where to read on."""
    context, message = getattr(error, "ctx", None), str(error.format_message()).rstrip(".")
    if context is None or message.startswith("Usage:"):
        return message
    see = f"See `{context.command_path} --help`."
    unknown = getattr(error, "option_name", None)
    if unknown:
        options = [name for parameter in context.command.params for name in parameter.opts if name[0] == "-"]
        way_out = f"{nearest(unknown, options)} {see}"
        return _complaint(InputError(f"Unknown option {unknown!r}", ", ".join(options), way_out))
    return _complaint(InputError(message + _given(getattr(error, "param", None), sys.argv), fix=see))


def _given(parameter: Any, words: Sequence[str]) -> str:
    names = getattr(parameter, "opts", ())
    values = [value for word, value in pairwise(words) if word in names]
    values += [word.partition("=")[2] for word in words if "=" in word and word.partition("=")[0] in names]
    return f" (given: {values[-1]!r})" if values else ""


def _print(content: Mapping[str, Any]) -> None:
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    json.dump({"schema": 1, **content}, sys.stdout, ensure_ascii=plain, indent=1, allow_nan=False)
    sys.stdout.write("\n")


def _known(folder: Path | None) -> Knowledge:
    from advisor.weights import local_cards

    return load_knowledge(folder).with_models(local_cards())


def _ids(models: str | None) -> tuple[str, ...] | None:
    if models is None:
        return None
    ids = tuple(part.strip() for part in models.split(",") if part.strip())
    if not ids:
        raise InputError(
            f"--models {models!r} names no model", "ids that `advisor models` lists, separated by commas"
        )
    return ids


def _chosen(models: str | None, run: Path | None) -> tuple[str, ...] | None:
    """Give the models that were named, one by one or by a run that probed them."""
    if run is None:
        return _ids(models)
    from advisor.jobs.folder import RunFolder

    if models is not None:
        raise InputError("Both --models and --models-of are given", "one of the two")
    chosen = RunFolder(run).spec().chosen
    if not chosen:
        raise InputError(f"The run {run} probed no pretrained model", "a run that `advisor runs` lists")
    return chosen


def _heed(knowledge: Path | None) -> None:
    """Complain of a knowledge folder at fault, also where a command has no need of it."""
    if knowledge is not None:
        load_knowledge(knowledge)


@app.command()
def tasks(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """List the tasks that models are known for."""
    known = _known(knowledge)
    rows: list[dict[str, Any]] = [
        {"id": t.id, "name": t.name.en, "models": len(known.for_task(t.id)), "probeable": t.probeable}
        for t in known.tasks
    ]
    if as_json:
        _print({"tasks": rows})
    else:
        heads = [("task", "models", "probe", "name")]
        _table(
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

    known = _known(knowledge)
    cards = known.models if task is None else known.for_task(known.task(task).id)
    rows = [_row(card, availability(card, known, offline=False).loadable) for card in cards]
    if as_json:
        _print({"models": rows})
    else:
        size = (
            (r["id"], "" if r["size_mb"] is None else f"{r['size_mb']:.0f} MB", r["licence"]) for r in rows
        )
        _table([("model", "size", "licence"), *size])


@models_app.command("show")
def show(id: str, as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """Show everything that is known of one model, each fact with its source."""
    from advisor.facts import list_facts

    known = _known(knowledge)
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
        _print({"model": content})
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
        _print({"devices": [row.model_dump(mode="json") for row in rows]})
    else:
        _table([("device", "kind", "name"), *((row.id, row.kind, row.name) for row in rows)])


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

    _speak(lang)
    need = read_brief(brief)
    known = _known(knowledge)
    if data is not None:
        from advisor.dataset import fill, profile, read

        need, filled, findings = fill(need, profile(read(data, task=need.task, text=text, label=label)))
        for finding in findings:
            _complain(_say(finding.detail))
        if filled:
            _complain(_say(f"Read from the data: {', '.join(filled)}."))
    advice = advise(need, known, models=_ids(models), limit=limit)
    if as_json:
        print(advice_json(advice))
    else:
        rows = [tuple(map(_say, ("rank", "score", "model", "why")))]
        rows += [
            (str(c.rank), f"{c.score:.3f}", c.model, _say(c.because[0]) if c.because else "")
            for c in advice.shortlist
        ]
        _table(rows)
        for miss in advice.near_misses[:5]:
            print(_say(f"near miss: {miss.model}: admitted if {miss.admitted_if}"))
        for note in advice.notes:
            print(_say(note))
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

    known = _known(knowledge)
    card = known.model(model)
    if device == THIS_MACHINE and not calibrated():
        typer.echo(_say("Timing small networks on this machine, once …"), err=True)
        calibrate()
    where = find(device, known)
    found = judge(card, where, known, batch=batch, measured=read_measured(home()))
    content = found.model_dump(mode="json")
    if as_json:
        _print({"model": model, "device": where.id, "batch": batch, "estimates": content})
        return
    rows = [("quantity", "value", "low", "high", "unit", "basis", "source")]
    for name, q in content.items():
        numbers = ("unknown" if q[key] is None else f"{q[key]:.4g}" for key in ("value", "low", "high"))
        rows.append((name, *numbers, q["unit"], q["basis"], q["source"]))
    _table(rows)


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
            write_atomically(out / f"report.{format}", render(report, format, _language()))
    print(_say(verdict(report)))
    print(f"{_say('report')}: {out / ('report.html' if render_views else 'report.json')}")
    if report.probe.cancelled:
        raise Cancelled(f"The run was cancelled; what was reached is in {out / 'report.json'}")
    if report.decision.winner is None:
        raise NothingQualifies(report.decision.because)


def _tell(event: Mapping[str, Any]) -> None:
    at = f"{float(event.get('at', 0)):6.1f} s"
    kind, model = event.get("kind"), event.get("model", "")
    if kind == "rung" and event.get("of"):
        _progress(f"{at}  {event['rung']:<16} {event['place']} of {event['of']}  {model}")
    elif kind == "rung-done":
        metric = event["metric"]
        name = str(metric["name"]).replace("_", " ")
        _progress(
            f"{at}    {name} {metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})  {model}"
        )
    elif kind == "model-ended":
        _progress(f"{at}    {event['status']}: {event['because']}  {model}")
    elif kind == "died":
        _progress(f"{at}    the worker ended with {event['how']}  {model}")
    elif kind in ("done", "queued"):
        _progress(f"{at}  {event['because']}")


def _progress(line: str) -> None:
    from advisor.labels import visible

    print(visible(_say(line)), file=sys.stderr, flush=True)


@app.command()
def probe(
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
    """Fine-tune the shortlist briefly on your data and decide."""
    from advisor.jobs.prepare import read_plan
    from advisor.jobs.request import ProbeRequest

    _speak(lang)
    request = ProbeRequest(
        read_brief(brief), data, out, budget_s=budget, models=_chosen(models, models_of), seed=seed, offline=offline,
        plan=read_plan(plan) if plan else None, text=text, label=label, unlabelled=unlabelled,
        knowledge=knowledge, verb="probe",
    )  # fmt: skip
    _probe(request, engine)


@app.command()
def run(
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
    """Recommend, probe, decide and write the report as JSON, HTML and Markdown."""
    from advisor.jobs.prepare import read_plan
    from advisor.jobs.request import ProbeRequest

    _speak(lang)
    request = ProbeRequest(
        read_brief(brief), data, out, budget_s=budget, models=_chosen(models, models_of), seed=seed, offline=offline,
        plan=read_plan(plan) if plan else None, text=text, label=label, unlabelled=unlabelled,
        knowledge=knowledge, verb="run",
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
        _progress("This run is over; nothing is left to do. --retry tries the models that failed again.")
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

    _speak(lang)
    _heed(knowledge)
    for path in write_view(run, format, out, _language(), model=model, knowledge=knowledge):
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

    _speak(lang)
    _heed(knowledge)
    found = across(read_probed(run))
    if out is not None:
        write_atomically(out, render_across(found, out.name, _language()))
    if as_json:
        print(found.model_dump_json(by_alias=True, indent=1))
    else:
        _table(standing(found, _language()))
        for words in (*found.because, *stability_words(found), *found.notes, *found.next_steps):
            print(_say(words))
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

    _speak(lang)
    _heed(knowledge)
    export_run(run, out, model=model, knowledge=knowledge, lang=_language())
    print(out)


@app.command()
def runs(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """List the runs of this machine, newest first."""
    from advisor.jobs import runs as listed

    _heed(knowledge)
    rows = [
        {"path": str(r.path), "state": r.state, "started": r.started, "winner": r.winner} for r in listed()
    ]
    if as_json:
        _print({"runs": rows})
    else:
        cells = [(r["state"] or "", r["started"] or "", r["winner"] or "", r["path"] or "") for r in rows]
        _table([("state", "started", "winner", "path"), *cells])


@app.command()
def doctor(as_json: AsJson = False, knowledge: KnowledgeDir = None) -> None:
    """Say what this machine is, which versions are installed and which models can be loaded."""
    from advisor.hardware import this_machine
    from advisor.jobs.finish import versions
    from advisor.weights import availability, local_folders

    known = _known(knowledge)
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
        _print({"machine": machine, "versions": versions(), "models": rows})
        return
    named = f"machine: {machine['name']}, {machine['cores']} cores, {machine['memory_mb'] or 0:.0f} MB free"
    print(_say(named))
    print(_say("versions: " + ", ".join(f"{name} {number}" for name, number in versions().items())))
    here = [r for r in rows if r["loadable"] and r["from"] in ("starter", "local", "hub cache")]
    print(_say(f"models: {len(here)} of {len(rows)} can be loaded without a download"))
    if here:
        _table([(str(r["id"]), str(r["from"]), str(r["because"])) for r in here])


@app.command()
def sample(
    name: Annotated[str, typer.Argument(help="images or text")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to put it in.")],
    knowledge: KnowledgeDir = None,
) -> None:
    """Put a bundled sample where it can be read like your own data, and print its path."""
    from advisor.samples import sample as put

    _heed(knowledge)
    if name not in ("images", "text"):
        raise InputError(f"There is no sample {name!r}", "images, text", nearest(name, ["images", "text"]))
    print(put(name, out))  # type: ignore[arg-type]


@app.command("app")
def start_app(
    port: Annotated[int, typer.Option("--port", help="Where to listen.")] = 8501,
    knowledge: KnowledgeDir = None,
) -> None:
    """Start the app in the browser."""
    package = Path(__file__).parent
    installed = package / "_data"
    folder = installed if (installed / "streamlit_app.py").exists() else package.parent
    _heed(knowledge)
    if knowledge is not None:
        os.environ["ADVISOR_KNOWLEDGE"] = str(knowledge.resolve())
    os.chdir(folder)
    words = [sys.executable, "-m", "advisor.ui.serve", "streamlit_app.py", "--server.port", str(port)]
    os.execv(sys.executable, words)


if __name__ == "__main__":
    main()
