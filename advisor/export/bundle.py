"""Everything about a run as one zip."""

import io
import tempfile
import zipfile
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.export.folder import export_run, report_files
from advisor.export.write import known_models, training_files
from advisor.language import chosen_language, complaint
from advisor.report import read_report

__all__ = ["bundle_run"]

PACKED = (".safetensors", ".onnx", ".skops", ".pdf")


def bundle_run(run: Path, *, knowledge: Path | None = None, lang: str = "en") -> bytes:
    """Pack the winner's exported folder; where it cannot be exported, the rest and the reason.

    :param run: a finished run's folder.
    :param knowledge: another knowledge folder.
    :param lang: what the report, the model card and the deployment note are written in.
    :return: a zip.
    """
    content = io.BytesIO()
    with (
        tempfile.TemporaryDirectory(prefix="advisor-export-") as scratch,
        zipfile.ZipFile(content, "w") as archive,
    ):
        folder = Path(scratch) / "model"
        try:
            export_run(run, folder, knowledge=knowledge, lang=lang)
        except AdvisorError as error:
            archive.writestr("no-model.txt", f"{complaint(error, chosen_language(lang))}\n")
            for name, made in report_files(read_report(run), lang).items():
                archive.writestr(f"report/{name}", made)
            for name, made in _training(run, knowledge).items():
                archive.writestr(name, made)
            return _closed(archive, content)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                how = zipfile.ZIP_STORED if path.suffix in PACKED else zipfile.ZIP_DEFLATED
                archive.write(path, path.relative_to(folder), compress_type=how)
        return _closed(archive, content)


def _training(run: Path, knowledge: Path | None) -> dict[str, bytes]:
    try:
        return dict(training_files(run, known_models(knowledge)))
    except AdvisorError:
        return {}


def _closed(archive: zipfile.ZipFile, content: io.BytesIO) -> bytes:
    archive.close()
    return content.getvalue()
