"""Finished runs, read for a comparison over several data sets."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from advisor.across import Probed
from advisor.errors import InputError
from advisor.jobs.finish import collect
from advisor.jobs.folder import RunFolder
from advisor.report.store import read_report

__all__ = ["read_probed"]


def read_probed(runs: Sequence[Path | str]) -> tuple[Probed, ...]:
    """Read finished runs with what they chose by.

    Each bears the name of its data; where two would be called alike, the name of the run's folder follows.

    :param runs: folders that `advisor runs` lists.
    :return: what `advisor.across` compares, in the order of the runs.
    :raises InputError: if a folder is named twice, holds no finished run, or advice alone.
    """
    paths = [Path(run) for run in runs]
    twice = [path for path, times in Counter(path.resolve() for path in paths).items() if times > 1]
    if twice:
        raise InputError(f"The run {twice[0]} is named twice", "different runs")
    reports = [read_report(path) for path in paths]
    called = [report.dataset.name if report.dataset else "" for report in reports]
    often = Counter(called)
    found = []
    for path, report, name in zip(paths, reports, called, strict=True):
        evidence = collect(RunFolder(path)).evidence
        if evidence is None or not evidence.predictions:
            raise InputError(
                f"The run {path} measured no model",
                "runs with at least one finished rung",
                f"`advisor resume {path}` goes on where it can.",
            )
        own = f"{name} ({path.name})" if often[name] > 1 else name
        found.append(Probed(own, str(path), report, evidence))
    return tuple(found)
