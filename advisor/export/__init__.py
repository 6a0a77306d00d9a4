"""From a report to what starts tomorrow: training script, notebook, model folder, deployment note."""

from advisor.export.bundle import bundle_run
from advisor.export.folder import export_run
from advisor.export.script import notebook, requirements, script
from advisor.export.training import Training, plan_training
from advisor.export.write import ALL_FORMATS, write_view

__all__ = [
    "ALL_FORMATS",
    "Training",
    "bundle_run",
    "export_run",
    "notebook",
    "plan_training",
    "requirements",
    "script",
    "write_view",
]
