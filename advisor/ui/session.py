"""What the pages share: knowledge, devices, advice and data, each computed once and kept."""

import datetime as dt
import gc
import os
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

import streamlit as st

from advisor.brief import Brief
from advisor.errors import DataError, InputError
from advisor.home import home
from advisor.knowledge import Knowledge, ModelCard, load_knowledge
from advisor.labels import visible
from advisor.ui import look, state
from advisor.ui.words import in_both, t

if TYPE_CHECKING:
    from advisor.dataset import Unlabelled
    from advisor.dataset.types import Dataset, Profile, Splits
    from advisor.recommendation import Recommendation
    from advisor.weights import Availability
    from advisor.whatif import Advise, LimitCost, Winning

__all__ = [
    "advice",
    "already_here",
    "availability",
    "columns",
    "data_line",
    "data_name",
    "dataset",
    "device_name",
    "devices",
    "knowledge",
    "knowledge_folder",
    "limit_costs",
    "memory_mb",
    "model_name",
    "new_run_folder",
    "profile_of",
    "run_line",
    "safe",
    "shortlisted",
    "splits",
    "task_name",
    "to_try",
    "unlabelled",
    "warm",
    "ways_to_win",
]

READING = Lock()


def knowledge() -> Knowledge:
    """Give the knowledge base, the folder ADVISOR_KNOWLEDGE if set; a changed file is seen within a second."""
    return _knowledge(knowledge_folder(), os.environ.get("ADVISOR_MODELS", ""))


@st.cache_resource(ttl=1.0, max_entries=4, show_spinner=False)
def _knowledge(folder: Path | None, models: str) -> Knowledge:
    with READING:
        found = load_knowledge(folder)
        _settle(id(found))
    if not models:
        return found
    from advisor.weights import local_folders

    return _with_own((id(found), id(local_folders())), found)


@st.cache_resource(max_entries=4, show_spinner=False)
def _settle(stamp: int) -> None:
    """Let collections of garbage pass over what is there by now and stays."""
    gc.collect()
    gc.freeze()


@st.cache_resource(max_entries=4, show_spinner=False)
def _with_own(stamp: tuple[int, int], _found: Knowledge) -> Knowledge:
    from advisor.weights import local_cards

    return _found.with_models(local_cards())


@st.cache_resource(show_spinner=False)
def warm() -> Thread:
    """Read the knowledge base in the background, once, while a newcomer still reads the first page."""
    reader = Thread(target=knowledge, daemon=True)
    reader.start()
    return reader


def knowledge_folder() -> Path | None:
    """Give the knowledge folder that was asked for instead of the shipped one."""
    folder = os.environ.get("ADVISOR_KNOWLEDGE")
    return Path(folder) if folder else None


def devices() -> dict[str, str]:
    """Name every device, this machine first."""
    return {"this-machine": t("This machine")} | {device.id: device.name for device in knowledge().devices}


def device_name(id: str) -> str:
    """Name a device."""
    return t("This machine") if id == "this-machine" else devices().get(id, id)


def memory_mb() -> float | None:
    """Give the memory of this machine in 10^6 bytes, its GPU's where there is one; None is unknown."""
    from advisor.hardware import this_machine

    return this_machine(known=knowledge().devices).memory_mb


def task_name(id: str) -> str:
    """Name a task."""
    return next((in_both(task.name) for task in knowledge().tasks if task.id == id), id)


def model_name(id: str) -> str:
    """Name a model, a baseline in the session's language; its id if it has no card."""
    try:
        card = knowledge().model(id)
    except InputError:
        return id
    return t(card.name) if card.kind == "baseline" else card.name


def advice(brief: Brief) -> "Recommendation":
    """Recommend models for a brief; the same brief is answered from memory.

    :param brief: the brief, with what was read from the data.
    :return: the recommendation of up to ten models.
    """
    known = knowledge()
    return _advice(brief.model_dump_json(), _stamp(known), known)


def ways_to_win(model: str, brief: Brief) -> "Winning":
    """Find what would have to change for a model to stand first; answered once."""
    known = knowledge()
    return _ways_to_win(model, brief.model_dump_json(), _stamp(known), known)


def limit_costs(brief: Brief) -> "tuple[LimitCost, ...]":
    """Say what each limit costs; answered once."""
    known = knowledge()
    return _limit_costs(brief.model_dump_json(), _stamp(known), known)


def _stamp(known: Knowledge) -> tuple[int, int]:
    """Tell bases apart, and what this machine has measured meanwhile."""
    measured = home() / "measured.json"
    return id(known), measured.stat().st_mtime_ns if measured.exists() else 0


@st.cache_resource(max_entries=64, show_spinner=False)
def _advice(brief: str, stamp: tuple[int, int], _known: Knowledge) -> "Recommendation":
    return _recommend(Brief.model_validate_json(brief), _known)


@st.cache_resource(max_entries=64, show_spinner=False)
def _ways_to_win(model: str, brief: str, stamp: tuple[int, int], _known: Knowledge) -> "Winning":
    from advisor import whatif

    return whatif.ways_to_win(model, Brief.model_validate_json(brief), _adviser(_known))


@st.cache_resource(max_entries=64, show_spinner=False)
def _limit_costs(brief: str, stamp: tuple[int, int], _known: Knowledge) -> "tuple[LimitCost, ...]":
    from advisor import whatif

    return whatif.limit_costs(Brief.model_validate_json(brief), _adviser(_known))


def _adviser(known: Knowledge) -> "Advise":
    def advise(brief: Brief, models: Sequence[str] | None = None) -> "Recommendation":
        return _recommend(brief, known, models, limit=1)

    return advise


def _recommend(
    brief: Brief, known: Knowledge, models: Sequence[str] | None = None, limit: int = 10
) -> "Recommendation":
    from advisor.recommend import recommend
    from advisor.weights import availability as look_up

    seen = _seen_here(id(known))

    def here(card: ModelCard) -> bool:
        if card.id not in seen:
            seen[card.id] = look_up(card, known, offline=True).loadable
        return seen[card.id]

    return recommend(
        brief, known, models=models, limit=limit, loadable=here if brief.constraints.offline else None
    )


@st.cache_resource(ttl=2.0, max_entries=4, show_spinner=False)
def _seen_here(stamp: int) -> dict[str, bool]:
    """Whether a model's weights lie on this machine, looked up once in two seconds: hundreds of files are asked for."""
    return {}


def dataset(source: state.DataSource, progress: "Callable[[int, int], None] | None" = None) -> "Dataset":
    """Read the data of a draft; the same file is read once.

    :param source: where the data lie, and which columns count.
    :param progress: called with (done, total) while they are read; it may give up by raising.
    :return: the labelled examples.
    :raises DataError: if they cannot be read as labelled examples.
    """
    path = Path(source.path)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        raise DataError(f"{source.name} is no longer there", fix="Choose the data again.") from None
    place = _dataset(source.path, changed, source.text, source.label)
    if not place:
        from advisor.dataset import read

        place.append(read(path, text=source.text, label=source.label, progress=progress))
    return place[0]


def unlabelled(source: state.DataSource, data: "Dataset") -> "Unlabelled":
    """Read the unlabelled examples of a draft; the same file is read once.

    :param source: where they lie.
    :param data: the labelled examples that they go with.
    :raises DataError: if they cannot be read.
    """
    path = Path(source.unlabelled or "")
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        raise DataError(
            f"{source.unlabelled_name} is no longer there", fix="Choose the data again."
        ) from None
    return _unlabelled(str(path), changed, data.sha256, data)


@st.cache_resource(max_entries=3, show_spinner=False)
def _unlabelled(path: str, changed: int, sha256: str, _data: "Dataset") -> "Unlabelled":
    from advisor.dataset import read_unlabelled

    return read_unlabelled(Path(path), _data)


@st.cache_resource(max_entries=3, show_spinner=False)
def _dataset(path: str, changed: int, text: str | None, label: str | None) -> "list[Dataset]":
    """Give the place of a data set; it is read outside, since what is cached can show no progress."""
    return []


def columns(path: Path) -> list[str]:
    """Name the columns of a table; they are read once."""
    return _columns(path, path.stat().st_mtime_ns) if path.is_file() else []


@st.cache_data(max_entries=3, show_spinner=False)
def _columns(path: Path, changed: int) -> list[str]:
    from advisor.dataset.reading import read_columns

    return list(read_columns(path))


def splits(data: "Dataset") -> "Splits":
    """Split data as a probe with the usual seed would."""
    from advisor.dataset import split

    return split(data)


def availability(id: str, offline: bool) -> "Availability":
    """Say whether a model's weights can be had here, without asking the network; looked up once a minute."""
    return _looked_up((id,), offline)[id]


def _looked_up(ids: Iterable[str], offline: bool) -> "dict[str, Availability]":
    from advisor.weights import availability as look_up

    known, there = knowledge(), _availabilities(offline)
    for id in ids:
        if id not in there:
            there[id] = look_up(known.model(id), known, offline=offline)
    return there


@st.cache_resource(ttl=60, max_entries=2, show_spinner=False)
def _availabilities(offline: bool) -> "dict[str, Availability]":
    return {}


def shortlisted(brief: Brief, found: "Recommendation") -> tuple[str, ...]:
    """List the models of a shortlist that can be tried here, best first."""
    if not knowledge().task(brief.task).probeable:
        return ()
    return _loadable([candidate.model for candidate in found.shortlist], brief.constraints.offline)


def already_here(brief: Brief, found: "Recommendation") -> tuple[str, ...]:
    """List the models that qualify, rank below the shortlist, and need no download, best first."""
    if not knowledge().task(brief.task).probeable:
        return ()
    return _loadable(found.beyond_limit, True)


def _loadable(ids: Sequence[str], offline: bool) -> tuple[str, ...]:
    there = _looked_up(ids, offline)
    return tuple(id for id in ids if there[id].loadable and there[id].origin is not None)


def to_try(brief: Brief, found: "Recommendation") -> tuple[str, ...]:
    """Give the models that a probe would try: those that were picked, else the best few and what is here anyway.

    :param brief: the brief, with what was read from the data.
    :param found: the advice for it.
    :return: ids that can be loaded here, best first.
    """
    picked = state.draft().chosen
    if picked is None:
        return shortlisted(brief, found)[:4] + already_here(brief, found)[:3]
    if not knowledge().task(brief.task).probeable:
        return ()
    ranked = [candidate.model for candidate in found.shortlist] + list(found.beyond_limit)
    return _loadable([id for id in ranked if id in picked], brief.constraints.offline)


def new_run_folder(name: str) -> Path:
    """Choose the folder of a new run, named after the data and the time."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem).strip("-").lower() or "run"
    stamp = dt.datetime.now().strftime("%Y%m%d-%H%M%S")
    return home() / "runs" / f"{word}-{stamp}-{secrets.token_hex(2)}"


@st.cache_resource(max_entries=3, show_spinner=False)
def profile_of(sha256: str, _dataset: "Dataset") -> "Profile":
    """Profile a data set once."""
    from advisor.dataset import profile

    return profile(_dataset)


def data_name(data: state.DataSource) -> str:
    """Name data as the user did, and a bundled sample in the session's language."""
    return t(data.name) if Path(data.path).is_relative_to(home() / "samples") else data.name


def data_line(data: state.DataSource) -> str:
    """Say in a few words which data are loaded."""
    if data.profile is None:
        return t("{data}, not read yet", data=data_name(data))
    return t(
        "{data}, {examples} examples, {classes} classes",
        data=data_name(data),
        examples=look.number(data.profile.examples),
        classes=look.number(len(data.profile.counts)),
    )


def run_line(run: str | None) -> str:
    """Say in a word how the current run stands."""
    if run is None:
        return t("none yet")
    path = Path(run)
    if not path.is_dir():
        return t("deleted")
    from advisor.jobs import read_run

    return t(str(read_run(path).state))


def safe(text: str) -> str:
    """Escape what Markdown would take for a sign, and leave out what steers a terminal or hides."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$:])", r"\\\1", visible(text))
