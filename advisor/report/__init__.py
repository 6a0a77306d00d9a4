"""The report: report.json is the artefact, everything else is a view of it."""

from advisor.report.plain import verdict
from advisor.report.render import FORMATS, render
from advisor.report.store import read_report, write_report

__all__ = ["FORMATS", "read_report", "render", "verdict", "write_report"]
