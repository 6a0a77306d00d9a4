"""The options that several commands have."""

from pathlib import Path
from typing import Annotated, Optional

import typer

__all__ = [
    "AsJson", "BriefFile", "Budget", "DataPath", "Engine", "KnowledgeDir", "LabelColumn", "Lang", "Models", "ModelsOf",
    "Offline", "PlanFile", "RunOut", "Seed", "TextColumn", "UnlabelledPath",
]  # fmt: skip

KnowledgeDir = Annotated[Optional[Path], typer.Option("--knowledge", help="Another knowledge folder.")]  # noqa: UP045
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
BriefFile = Annotated[Path, typer.Option("--brief", "-b", help="The brief, YAML or JSON.")]
DataPath = Annotated[
    Path, typer.Option("--data", "-d", help="A folder or zip of images, or a table of texts.")
]
RunOut = Annotated[Path, typer.Option("--out", "-o", help="The run's folder; absent or empty.")]
Budget = Annotated[float, typer.Option("--budget", help="Seconds for the probe.")]
Models = Annotated[Optional[str], typer.Option("--models", help="Ids, separated by commas.")]  # noqa: UP045
ModelsOf = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--models-of", help="The models that an earlier run probed, to compare them by `across`."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of splits, resampling and training.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use only models that are already here.")]
PlanFile = Annotated[Optional[Path], typer.Option("--plan", help="Models × rungs without a clock.")]  # noqa: UP045
Engine = Annotated[str, typer.Option("--engine", help="Where the probe runs.")]
TextColumn = Annotated[Optional[str], typer.Option("--text", help="The text column.")]  # noqa: UP045
LabelColumn = Annotated[Optional[str], typer.Option("--label", help="The label column.")]  # noqa: UP045
UnlabelledPath = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--unlabelled", help="Examples without labels, of the same kind, to adapt models to."),
]
Lang = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--lang", help="en or zh: the language of what is said; else ADVISOR_LANG, else English."),
]
