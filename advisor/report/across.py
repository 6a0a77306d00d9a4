"""A comparison over several data sets as a page, Markdown, PDF or JSON."""

from functools import partial
from pathlib import PurePath

from advisor.across import Across, Compared, Stand
from advisor.charts.across import regrets
from advisor.charts.metric import metric_name
from advisor.errors import InputError, nearest
from advisor.labels import distinct, model_labels, one_line
from advisor.language import Language, translate
from advisor.report.document import (
    Block,
    Bullets,
    Cell,
    Cover,
    Document,
    Row,
    Section,
    Share,
    Shown,
    Table,
    Text,
)
from advisor.report.html import render_html
from advisor.report.markdown import render_markdown
from advisor.report.numbers import chance, count, milliseconds, percent, seconds
from advisor.report.pdf import render_pdf
from advisor.report.spoken import spoken
from advisor.stability import Interval

__all__ = ["FORMATS", "points", "render_across", "stability_words", "standing"]

FORMATS = ("html", "md", "json", "pdf")
STATUS = {"stopped": "not reached", "failed": "failed", "not probed": "not probed"}
SHOWN_TURNS = 3


def render_across(found: Across, name: str, language: Language = "en") -> bytes:
    """Write a comparison in the form that a file's name asks for.

    :param found: the comparison.
    :param name: the file; its ending is one of `FORMATS`.
    :param language: the language of all but JSON.
    :return: the file's content.
    :raises InputError: for another ending.
    """
    form = PurePath(name).suffix.lstrip(".").lower()
    if form not in FORMATS:
        allowed = ", ".join(f".{one}" for one in FORMATS)
        raise InputError(
            f"The comparison {name} ends in none of the known forms", allowed, nearest(form, FORMATS)
        )
    if form == "json":
        return f"{found.model_dump_json(by_alias=True, indent=1)}\n".encode()
    document = spoken(_compose(found), language)
    if form == "pdf":
        return render_pdf(document)
    return (render_html(document) if form == "html" else render_markdown(document)).encode()


def points(share: Interval) -> str:
    """Write a share of the metric's scale in points, with its interval."""
    return f"{100 * share.value:.1f} ({100 * share.low:.1f}–{100 * share.high:.1f})"


def standing(found: Across, language: Language = "en") -> list[tuple[str, ...]]:
    """Tabulate a comparison as texts, the heads first; what was not measured says so.

    :param found: the comparison.
    :param language: of our words; names stay.
    """
    say = partial(translate, language=language)
    sets = distinct((one.name for one in found.sets), 40).values()
    rows = [(say("Model"), *sets, say("Below the best, average"), say("On the worst set"))]
    for row in found.models:
        cells = (
            f"{percent(stand.metric.value)} ({stand.rank})"
            if stand.metric and stand.rank
            else say(_unmeasured(stand))
            for stand in row.stands
        )
        cost = row.overall
        tail = (points(cost.mean_regret), points(cost.worst_regret)) if cost else ("–", "–")
        rows.append((row.model, *cells, *tail))
    return rows


def stability_words(found: Across) -> tuple[str, ...]:
    """Say whether the models stand in the same order on every set."""
    seen = found.stability
    if len(seen.models) < 2:
        return (
            "Fewer than two pretrained models were measured on every set, so there is no order to compare.",
        )
    pairs = seen.kept + len(seen.turned) + seen.unsure
    if pairs == 1:
        told = (
            "keep their order"
            if seen.kept
            else "turn round"
            if seen.turned
            else "cannot be told apart for sure"
        )
        said = [f"Only two pretrained models were measured on every set; they {told}, with 90 % on each set."]
    else:
        said = [
            f"Of the {pairs} pairs among the {len(seen.models)} pretrained models measured on every set, {seen.kept} "
            f"keep their order, {len(seen.turned)} turn round and {seen.unsure} cannot be told, with 90 % on each set."
        ]
    for turn in seen.turned[:SHOWN_TURNS]:
        one, other = turn.models
        first, second = (found.sets[place].name for place in (turn.first_ahead_on, turn.second_ahead_on))
        said.append(f"{one} is ahead of {other} on {first}, and behind it on {second}.")
    if seen.correlation is not None and seen.chance is not None:
        rank = seen.correlation
        said.append(
            f"The rank correlation between the sets is {rank.value:.2f} ({rank.low:.2f} to {rank.high:.2f}); "
            f"{100 * seen.chance:.0f}% of random orders agree at least as well."
        )
    return tuple(said)


def _compose(found: Across) -> Document:
    names = ", ".join(one_line(one.name) for one in found.sets)
    task = found.task.replace("-", " ").capitalize()
    parts = (
        Section("why", "Why", _bullets(found.because[1:])),
        Section("next", "Next steps", _bullets(found.next_steps)),
        Section("notes", "Notes", _bullets(found.notes)),
    )
    cover = Cover(
        f"{task} · {names}",
        found.because[0],
        _shares(found),
        (),
        tuple(part for part in parts if part.blocks),
    )
    sections = (
        Section("models", "The models on every set", (_models(found), Shown(regrets(found)))),
        Section("order", "How stable the order is", tuple(Text(words) for words in stability_words(found))),
        Section("sets", "The sets and their runs", (_sets(found),)),
    )
    footer = f"Made from {len(found.sets)} runs. Every number is in the JSON form, unrounded."
    return Document(f"Models across data sets: {names}", cover, sections, footer)


def _bullets(items: tuple[str, ...]) -> tuple[Block, ...]:
    return (Bullets(items),) if items else ()


def _shares(found: Across) -> tuple[Share, ...]:
    rows = [(row.model, row.overall.p_best) for row in found.models if row.overall]
    rows.sort(key=lambda pair: -pair[1])
    labels = model_labels([model for model, _ in rows], 40)
    shown = [pair for pair in rows if pair[1] >= 0.05][:4]
    shares = [Share(labels[model], p, chance(p)) for model, p in shown]
    rest, others = sum(p for pair in rows if pair not in shown for p in pair[1:]), len(rows) - len(shown)
    if others and shares:
        shares.append(Share(f"{others} other{'s' if others > 1 else ''}", rest, chance(rest), rest=True))
    return tuple(shares)


def _models(found: Across) -> Table:
    per_set = tuple((one_line(one.name), True) for one in found.sets)
    columns = (("Model", False), *per_set, ("Below the best, average", True), ("On the worst set", True))
    measured = [
        sum(row.stands[place].status == "ok" for row in found.models) for place in range(len(per_set))
    ]
    rows = tuple(_row(row, measured, row.model == found.choice) for row in found.models)
    return Table(f"{metric_name(found.metric)} on the examples that judge", columns, rows)


def _row(row: Compared, measured: list[int], chosen: bool) -> Row:
    stands = (_stand(stand, of) for stand, of in zip(row.stands, measured, strict=True))
    cost = row.overall
    unknown = Cell("–", hint="it cannot be chosen for all sets")
    tail = (
        (
            Cell(f"{100 * cost.mean_regret.value:.1f}", "estimated", _span(cost.mean_regret)),
            Cell(f"{100 * cost.worst_regret.value:.1f}", "estimated", _span(cost.worst_regret)),
        )
        if cost
        else (unknown, unknown)
    )
    return Row((Cell(row.model, own=True), *stands, *tail), strong=chosen)


def _span(share: Interval) -> str:
    return f"{100 * share.low:.1f}–{100 * share.high:.1f}"


def _unmeasured(stand: Stand) -> str:
    return STATUS.get(stand.status, "not judged")


def _stand(stand: Stand, of: int) -> Cell:
    if stand.metric is None:
        return Cell(_unmeasured(stand), hint=stand.because)
    place = f"place {stand.rank} of {of}" if stand.rank else "no place"
    speed = f" · {milliseconds(stand.latency_ms.p95)}" if stand.latency_ms else ""
    broken = f"; {stand.broken[0]}" if stand.broken else ""
    metric = stand.metric
    hint = f"{100 * metric.low:.1f}–{100 * metric.high:.1f}, n = {metric.n}{broken}"
    return Cell(percent(metric.value), "measured", f"{place}{speed}", hint)


def _sets(found: Across) -> Table:
    columns = (
        ("Data", False), ("Examples", True), ("Classes", True), ("Judged by", True), ("Budget", True),
        ("Winner", False), ("Run", False),
    )  # fmt: skip
    rows = tuple(
        Row(
            (
                Cell(one_line(one.name), own=True),
                Cell(count(one.examples)),
                Cell(count(one.classes)),
                Cell(count(one.judged)),
                Cell(seconds(one.budget_s)),
                Cell(one.winner or "–", own=True),
                Cell(one.run, own=True),
            )
        )
        for one in found.sets
    )
    return Table("The sets", columns, rows)
