"""Every form of a report, and what goes with it, as files."""

import json
from collections.abc import Mapping
from pathlib import Path

from advisor.errors import InputError, nearest
from advisor.export.script import notebook, requirements, script
from advisor.export.training import plan_training
from advisor.knowledge import Knowledge, load_knowledge
from advisor.report import FORMATS, LANGUAGES, read_report, render_bytes

__all__ = ["ALL_FORMATS", "data_of", "known_models", "training_files", "write_view"]

TRAINING = ("py", "ipynb")
ALL_FORMATS = (*FORMATS, *TRAINING)


def known_models(folder: Path | None) -> Knowledge:
    """Load the knowledge base with the user's own models."""
    from advisor.weights import local_cards

    return load_knowledge(folder).with_models(local_cards())


def write_view(
    run: Path,
    format: str,
    out: Path,
    lang: str = "en",
    *,
    model: str | None = None,
    knowledge: Path | None = None,
) -> tuple[Path, ...]:
    """Write a run's report in one form; beside a training script its requirements.

    :param run: a run's folder, or its report.json.
    :param format: one of `ALL_FORMATS`.
    :param out: the file; overwritten.
    :param lang: the report's language.
    :param model: whom to train, for `py` and `ipynb`; the winner if None.
    :param knowledge: another knowledge folder.
    :return: the files written.
    :raises InputError: for an unknown format, language or model, or a place that cannot be written to.
    """
    for what, value, allowed in (("format", format, ALL_FORMATS), ("language", lang, LANGUAGES)):
        if value not in allowed:
            raise InputError(f"Unknown report {what} {value!r}", ", ".join(allowed), nearest(value, allowed))
    if format in TRAINING:
        made = training_files(run, known_models(knowledge), model=model)
        name = f"train.{format}"
        files = {out: made[name], out.with_name("requirements.txt"): made["requirements.txt"]}
    else:
        files = {out: render_bytes(read_report(run), format, lang)}
    try:
        for path, content in files.items():
            path.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror}", "a file in a folder that exists"
        ) from None
    return tuple(files)


def training_files(run: Path, knowledge: Knowledge, *, model: str | None = None) -> Mapping[str, bytes]:
    """Make train.py, train.ipynb and requirements.txt for a run's winner, or another of its models.

    :param run: a run's folder, or its report.json.
    :raises InputError: if there is nothing to train.
    """
    training = plan_training(read_report(run), knowledge, model=model, data=data_of(run))
    texts = {
        "train.py": script(training),
        "train.ipynb": notebook(training),
        "requirements.txt": requirements(training),
    }
    return {name: text.encode() for name, text in texts.items()}


def data_of(run: Path) -> str:
    """Where the run's data lay, if the folder still says so."""
    try:
        found = json.loads((run / "run.json").read_text(encoding="utf-8")).get("data", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
