"""Everything for tomorrow in one folder: the model, its ONNX form, predict.py, training, notes and the report."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from advisor.errors import AdvisorError, InputError
from advisor.export.card import model_card
from advisor.export.deploy import deployment_note
from advisor.export.script import notebook, predict_requirements, predict_script, requirements, script
from advisor.export.training import Training, chosen_result, plan_training
from advisor.export.write import data_of, known_models
from advisor.language import chosen_language
from advisor.report import FORMATS, read_report, render_bytes
from advisor.result import Exported, Report

__all__ = ["export_run", "report_files"]

PATIENCE_S = 600


def export_run(
    run: Path, out: Path, *, model: str | None = None, knowledge: Path | None = None, lang: str = "en"
) -> Exported:
    """Write the probed model and what goes with it.

    A child process loads the weights; it holds the exported model against what the probe stored, and ONNX against
    PyTorch.

    :param run: a finished run's folder.
    :param out: the folder to make; absent or empty.
    :param model: another model of the run than its winner.
    :param knowledge: another knowledge folder.
    :param lang: what the report, the model card and the deployment note are written in.
    :return: what was made; also in the run's exported.json, so that its report shows it from now on.
    :raises InputError: if there is nothing to export, `out` is not empty, or the language is unknown.
    :raises AdvisorError: if the model cannot be written, or does not answer as it did.
    """
    if not run.is_dir():
        raise InputError(f"{run} is no run's folder", "a folder that `advisor runs` lists")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"The folder {out} exists and is not empty", "a folder that is absent or empty")
    language = chosen_language(lang)
    known = known_models(knowledge)
    report = read_report(run)
    row = chosen_result(report, model)
    training = plan_training(report, known, model=row.model, data=data_of(run))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {out} cannot be made: {error.strerror}") from None
    made = _export(run, row.model, out)
    card = next((card for card in known.models if card.id == row.model), None)
    shown = report.model_copy(update={"exported": made})
    files = {
        **_texts(training, made),
        "README.md": model_card(shown, row, training, made, card, language),
        "DEPLOY.md": deployment_note(shown, row, made, card, known, language),
    }
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    (out / "report").mkdir(exist_ok=True)
    for name, content in report_files(shown, language).items():
        (out / "report" / name).write_bytes(content)
    return made


def report_files(report: Report, lang: str = "en") -> Mapping[str, bytes]:
    """Bring a report into every form, each under the name of its file.

    :param lang: what the forms that are read like a page are written in.
    """
    named = {format: "results.csv" if format == "csv" else f"report.{format}" for format in FORMATS}
    return {name: render_bytes(report, format, lang) for format, name in named.items()}


def _texts(training: Training, made: Exported) -> Mapping[str, str]:
    return {
        "train.py": script(training),
        "train.ipynb": notebook(training),
        "requirements.txt": requirements(training),
        "predict.py": predict_script(training, made),
        "requirements-predict.txt": predict_requirements(training, made),
    }


def _export(run: Path, model: str, out: Path) -> Exported:
    command = [sys.executable, "-m", "advisor.probe.export", str(run), model, str(out)]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise AdvisorError(f"Exporting {model} took longer than {PATIENCE_S} s") from None
    if ended.returncode:
        lines = [line for line in ended.stderr.strip().splitlines() if line and not line.startswith(" ")]
        why = lines[-1] if lines else f"exit code {ended.returncode}"
        raise InputError(f"{model} could not be exported: {why}")
    return Exported.model_validate_json(ended.stdout.strip().splitlines()[-1])
