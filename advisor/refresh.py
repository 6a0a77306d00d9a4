"""What the hub says now that the base does not: a change set to review. Nothing of the base is changed."""

import datetime as dt
import difflib
import json
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from advisor.card_edit import edited
from advisor.errors import InputError
from advisor.hub_listing import Answer, Listing, ask_all
from advisor.knowledge import Fact, ModelCard
from advisor.knowledge.reading import Draft
from advisor.quantity import Frozen
from advisor.weights.licence import licence_class

__all__ = ["Change", "Refreshed", "refresh", "write_changes"]

WORKERS = 8
MOVED = 0.05
"""Downloads and likes are proposed anew where they moved by more than this share."""
KIN = 10
"""So many new members of a family are named, the most downloaded first."""


class Change(Frozen):
    """One key of one card: what the base says, what the hub says. `key` None is for a person to judge."""

    model: str
    file: str
    what: str
    key: str | None = None
    new: Any = None


class Refreshed(Frozen):
    """What a refresh found; `failed` holds each call that failed with its reason."""

    asked: int
    answered: int
    cancelled: bool
    source: dict[str, Any]
    changes: tuple[Change, ...]
    kin: dict[str, tuple[Answer, ...]]
    failed: dict[str, str]


def refresh(
    draft: Draft,
    hub: Listing,
    where: str,
    today: dt.date,
    tell: Callable[[int, int], None] = lambda done, all: None,
    workers: int = WORKERS,
) -> Refreshed:
    """Ask the hub for every card that can be had there, and for its authors' other models.

    :param draft: the base as it was read, which knows each card's file.
    :param hub: whom to ask.
    :param where: the hub's address.
    :param today: the date that the answers bear.
    :param tell: called with the number of calls done and of all calls.
    :param workers: how many calls at once.
    :return: what differs; what could not be asked stands in `failed`.
    :raises InputError: if the base names no model of the hub, or the hub cannot be reached at all.
    """
    cards = {repo: card for card in draft.knowledge.models for repo in _repos(card)[:1]}
    if not cards:
        raise InputError(
            "No card of this base is on the hub", "a card with `where: [{kind: huggingface, …}]`"
        )
    authors = sorted({repo.partition("/")[0] for repo in cards})
    jobs: dict[str, Callable[[], Any]] = {
        repo: partial(hub.model, repo, card.revision) for repo, card in cards.items()
    }
    jobs |= {f"{name}/*": partial(hub.by_author, name) for name in authors}
    answers, failed, cancelled = ask_all(jobs, workers, tell, where)
    source: dict[str, Any] = {
        "id": f"hub-{today}",
        "title": f"Hugging Face Hub, listing of models read on {today}",
        "url": where,
        "date": today,
    }
    changes = [
        change
        for repo, card in cards.items()
        if repo in answers
        for change in _changes(card, repo, answers[repo], _file(draft, card), source["id"])
    ]
    known = {id.lower() for card in draft.knowledge.models for id in (card.id, *_repos(card))}
    kin = {
        name: found
        for name in authors
        if (
            found := _kin(
                answers.get(f"{name}/*", ()), [repo for repo in cards if repo.startswith(f"{name}/")], known
            )
        )
    }
    return Refreshed(
        asked=len(jobs),
        answered=len(answers),
        cancelled=cancelled,
        source=source,
        changes=tuple(changes),
        kin=kin,
        failed=failed,
    )


def write_changes(found: Refreshed, folder: Path, out: Path) -> None:
    """Write the change set: `summary.md` to read, `changes.json`, and one patch per file to apply after review.

    :param found: what the refresh found.
    :param folder: the knowledge folder, which stays as it is.
    :param out: the folder to write; made if it is not there.
    """
    (out / "patches").mkdir(parents=True, exist_ok=True)
    by_file: dict[str, dict[str, dict[str, object]]] = {}
    for change in found.changes:
        if change.key is not None:
            by_file.setdefault(change.file, {}).setdefault(change.model, {})[change.key] = change.new
    for file, changes in by_file.items():
        _patch(folder / file, file, edited(folder / file, changes), out)
    if by_file and not _lists(folder / "sources.yaml", found.source["id"]):
        text = (folder / "sources.yaml").read_text(encoding="utf-8")
        entry = yaml.safe_dump([found.source], sort_keys=False, allow_unicode=True)
        _patch(folder / "sources.yaml", "sources.yaml", text.rstrip("\n") + "\n" + entry, out)
    content = {"schema": 1, **found.model_dump(mode="json")}
    (out / "changes.json").write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    (out / "summary.md").write_text(_summary(found, sorted(by_file)), encoding="utf-8")


def _repos(card: ModelCard) -> list[str]:
    return [where.ref for where in card.where if where.kind == "huggingface"]


def _file(draft: Draft, card: ModelCard) -> str:
    return draft.place(card).rpartition(":")[0]


def _lists(path: Path, source: str) -> bool:
    return (
        re.search(rf"^- (\{{)?id: {re.escape(source)}\b", path.read_text(encoding="utf-8"), re.M) is not None
    )


def _changes(card: ModelCard, repo: str, answer: Answer, file: str, source: str) -> Iterable[Change]:
    def change(what: str, key: str | None = None, new: Any = None) -> Change:
        return Change(model=card.id, file=file, what=what, key=key, new=new)

    if not answer.exists:
        yield change(f"gone: the hub knows no {repo}")
        return
    if answer.id.lower() != repo.lower():
        yield change(f"moved: {repo} is now {answer.id}")
    if answer.disabled:
        yield change("disabled: the hub no longer serves it")
    if answer.pinned is False:
        yield change(f"revision {card.revision} is no longer there", "revision", answer.sha)
    elif card.revision is None and answer.sha:
        yield change("revision was not pinned", "revision", answer.sha)
    yield from (change(what, key, new) for what, key, new in _licence(card, answer.licence, source))
    if answer.gated is not None and answer.gated != bool(card.gated):
        yield change(f"gated: {'yes' if answer.gated else 'no longer'}", "gated", answer.gated)
    for name, count, unit in (
        ("downloads", answer.downloads, "downloads per month"),
        ("likes", answer.likes, "likes"),
    ):
        old: Fact | None = getattr(card, name)
        if count is None or (
            old and old.unit == unit and abs(count - old.value) <= MOVED * max(old.value, 1)
        ):
            continue
        before = "unknown" if old is None else f"{old.value:g} {old.unit}"
        fact = {"value": count, "unit": unit, "source": source}
        yield change(f"{name}: {before}, now {count}", name, fact)


def _licence(card: ModelCard, stated: str | None, source: str) -> Iterable[tuple[str, str | None, Any]]:
    old = card.licence
    if stated is None or stated.lower() == old.id.lower():
        return
    what = f"licence: {old.id} ({old.klass}), the hub says {stated}"
    klass = licence_class(stated)
    if klass in ("custom", "unknown") or (klass == "permissive" and old.trap):
        yield f"{what}; read it and judge its class", None, None
        return
    trap = None if klass == "permissive" else old.trap or f"{stated}: read it before use."
    new = {"id": stated, "class": klass, "trap": trap, "code": old.code, "source": source}
    yield what, "licence", {key: value for key, value in new.items() if value is not None}


def _kin(listed: Iterable[Answer], repos: list[str], known: set[str]) -> tuple[Answer, ...]:
    """Find an author's models that are not in the base but whose names begin as those there do."""
    stems = {_stem(repo) for repo in repos}
    new = [
        one for one in listed if one.id.lower() not in known and _stem(one.id) in stems and not one.disabled
    ]
    return tuple(sorted(new, key=lambda one: (-(one.downloads or 0), one.id))[:KIN])


def _stem(repo: str) -> str:
    found = re.match(r"[A-Za-z]+", repo.partition("/")[2])
    return found[0].lower() if found else repo.lower()


def _patch(path: Path, name: str, new: str, out: Path) -> None:
    old = path.read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    text = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    (out / "patches" / f"{name.replace('/', '__')}.patch").write_text(text, encoding="utf-8")


def _summary(found: Refreshed, files: list[str]) -> str:
    judge = [change for change in found.changes if change.key is None]
    rest = {key: [c for c in found.changes if c.key == key] for key in ("revision", "licence", "gated")}
    counts = [c for c in found.changes if c.key in ("downloads", "likes")]
    lines = [
        f"# What the hub says on {found.source['date']}",
        "",
        f"{found.answered} of {found.asked} calls answered, {len(found.failed)} failed"
        + (", then cancelled: this is what was reached." if found.cancelled else "."),
        f"{len(found.changes)} changes of {len({c.model for c in found.changes})} models in {len(files)} files. "
        "Nothing was changed; review the patches and apply them in the knowledge folder with `patch -p1`, then run "
        "`advisor knowledge check`.",
    ]
    groups = {
        "To be judged by a person": judge,
        "Revisions": rest["revision"],
        "Licences": rest["licence"],
        "Gates": rest["gated"],
        "Downloads and likes": counts,
    }
    for title, changes in groups.items():
        if changes:
            lines += ["", f"## {title} ({len(changes)})", *(f"- `{c.model}`: {c.what}" for c in changes)]
    if found.kin:
        lines += ["", "## New members of known families"]
        for author, models in found.kin.items():
            named = ", ".join(f"`{one.id}` ({one.downloads or 0} downloads)" for one in models)
            lines.append(f"- {author}: {named}")
    if found.failed:
        lines += ["", f"## Calls that failed ({len(found.failed)})"]
        lines += [f"- `{name}`: {reason}" for name, reason in sorted(found.failed.items())]
    return "\n".join(lines) + "\n"
