"""What is asked of a probe."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from advisor.brief import Brief
from advisor.errors import InputError
from advisor.jobs.folder import RunFolder
from advisor.jobs.records import Plan, RunSpec

__all__ = ["ProbeRequest"]

SEEDS = 2**32


@dataclass(frozen=True)
class ProbeRequest:
    """Everything that may be said of a probe before it starts.

    :ivar data: a folder, zip or table, as `advisor.dataset.read` takes it.
    :ivar out: where the run will lie; absent or empty.
    :ivar budget_s: seconds from the worker's start to its last result.
    :ivar models: consider and probe exactly these; the best of the shortlist that can be loaded if None.
    :ivar picked: probe exactly these, but consider all; for a choice made from the whole shortlist.
    :ivar offline: use only models that are already here.
    :ivar plan: fixes models and rungs without a clock.
    :ivar text, label: the columns of a table, None to find them.
    :ivar unlabelled: examples without labels, as `advisor.dataset.read_unlabelled` takes them.
    :ivar knowledge: another knowledge folder.
    :ivar owner: whose run it is where several people share a machine; empty for anybody's.
    :ivar verb: the command, for the line that repeats the run.
    """

    brief: Brief
    data: Path
    out: Path
    budget_s: float = 300.0
    models: Sequence[str] | None = None
    picked: Sequence[str] | None = None
    seed: int = 0
    offline: bool = False
    plan: Plan | None = None
    text: str | None = None
    label: str | None = None
    unlabelled: Path | None = None
    knowledge: Path | None = None
    owner: str = ""
    verb: str = "probe"

    def check(self) -> None:
        """Refuse what no data could make right.

        :raises InputError: if budget or seed are out of range, or the run's folder is in use.
        """
        if not (self.budget_s > 0 and math.isfinite(self.budget_s)):
            raise InputError(f"The budget is {self.budget_s} s", "more than 0 seconds")
        if not 0 <= self.seed < SEEDS:
            raise InputError(f"The seed is {self.seed}", f"a whole number from 0 to {SEEDS - 1}")
        RunFolder.check_vacant(self.out)

    def named(self) -> Sequence[str] | None:
        """Give the models that were named, in whatever way; None if the choice is free."""
        if self.picked is not None:
            return self.picked
        return self.models if self.models is not None else tuple(self.plan.models) if self.plan else None

    def spec(
        self,
        brief: Brief,
        filled: tuple[str, ...] = (),
        chosen: tuple[str, ...] = (),
        columns: tuple[str, str] | None = None,
    ) -> RunSpec:
        """Make the spec of the run.

        :param brief: the brief as it was advised on.
        :param filled: its keys that were read from the data.
        :param chosen: the models to probe.
        :param columns: the text and the label column.
        """
        return RunSpec(
            brief=brief,
            brief_filled=filled,
            data=str(self.data.resolve()),
            budget_s=self.budget_s,
            seed=self.seed,
            offline=self.offline,
            models=tuple(self.models) if self.models is not None else None,
            chosen=chosen,
            plan=self.plan,
            columns=columns,
            unlabelled=str(self.unlabelled.resolve()) if self.unlabelled else None,
            knowledge=str(self.knowledge.resolve()) if self.knowledge else None,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self._command(columns),
            owner=self.owner,
        )

    def _command(self, columns: tuple[str, str] | None) -> str:
        words = ["advisor", self.verb, "-b", "brief.yaml", "-d", self.data.name, "-o", "RUN"]
        words += ["--budget", f"{self.budget_s:g}", "--seed", str(self.seed)]
        words += ["--unlabelled", self.unlabelled.name] if self.unlabelled else []
        words += ["--offline"] if self.offline else []
        words += ["--models", ",".join(self.models)] if self.models else []
        words += ["--plan", "plan.yaml"] if self.plan else []
        words += ["--text", columns[0], "--label", columns[1]] if columns else []
        return shlex.join(words)
