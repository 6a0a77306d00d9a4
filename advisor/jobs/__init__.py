"""A run is a folder; these start, watch, cancel, resume and list runs."""

from advisor.jobs.probed import read_probed
from advisor.jobs.retention import Kept, clean, kept
from advisor.jobs.run import cancel, resume, resume_probe, run_probe, start_probe
from advisor.jobs.view import RunEntry, RunView, delete_run, read_run, runs

__all__ = [
    "Kept",
    "RunEntry",
    "RunView",
    "cancel",
    "clean",
    "delete_run",
    "kept",
    "read_probed",
    "read_run",
    "resume",
    "resume_probe",
    "run_probe",
    "runs",
    "start_probe",
]
