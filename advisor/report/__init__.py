"""The report: report.json is the artefact, everything else is a view of it."""

from advisor.report.plain import verdict
from advisor.report.render import FORMATS, LANGUAGES, render, render_bytes
from advisor.report.store import read_report, write_report

__all__ = ["FORMATS", "LANGUAGES", "read_report", "render", "render_bytes", "verdict", "write_report"]
