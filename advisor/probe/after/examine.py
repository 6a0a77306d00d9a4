"""After the climb: the labels, where the chosen network looked, compressed, with damaged inputs, from random weights.

Every check is kept as soon as it is done and never done twice; one that finds no room in the budget says so.
"""

import gc
import time
from collections.abc import Callable, Collection, Sequence
from typing import Literal

from advisor.checks import CHECKS, CheckName
from advisor.decide import decide
from advisor.errors import AdvisorError, Cancelled, StorageError
from advisor.jobs.checks import CheckRecord, read_check, save_check
from advisor.jobs.finish import collect
from advisor.jobs.records import best_rung
from advisor.probe.after.compression import check_compression
from advisor.probe.after.control import check_control
from advisor.probe.after.heat import NotExplainable
from advisor.probe.after.labels import check_labels
from advisor.probe.after.robustness import check_robustness
from advisor.probe.after.saliency import check_saliency
from advisor.probe.after.subject import NoRoom, Subject
from advisor.probe.clock import OutOfTime
from advisor.probe.compress import NotCompressible
from advisor.probe.setting import Setting
from advisor.weights import Weights

__all__ = ["examine"]

WORK: dict[CheckName, Callable[[Subject], None]] = {
    "label-noise": check_labels,
    "saliency": check_saliency,
    "compression": check_compression,
    "robustness": check_robustness,
    "control": check_control,
}


def examine(
    setting: Setting,
    locate: Callable[[str], Weights],
    wanted: Sequence[CheckName] = CHECKS,
    deadly: Collection[tuple[str, str]] = (),
) -> None:
    """Do the checks that are wanted, not yet done, and fit into what is left of the budget.

    :param setting: the run, its clock and where events go.
    :param locate: finds the weights of a model.
    :param deadly: models and checks that ended a worker before.
    :raises Cancelled: if somebody asked to stop; what is done is kept.
    :raises StorageError: if something cannot be kept.
    """
    if not wanted:
        return
    subject = _subject(setting, locate)
    for name in wanted:
        kept = read_check(setting.folder, name)
        if subject is None:
            _end(setting, name, "", "", "skipped", "no pretrained model finished a rung")
        elif kept is None or kept.status == "skipped" or kept.model != subject.model:
            _one(subject, name, deadly)
            gc.collect()


def _subject(setting: Setting, locate: Callable[[str], Weights]) -> Subject | None:
    """The winner, or the best pretrained model where a baseline wins; None where none finished a rung."""
    folder = setting.folder
    ranking = decide(collect(folder), folder.advice(), seed=setting.seed).ranking
    model = next((one for one in ranking if not one.startswith("baseline/")), None)
    if model is None:
        return None
    rungs = folder.rungs(model)
    best = best_rung(rungs)
    return Subject(setting, best, locate)


def _one(subject: Subject, name: CheckName, deadly: Collection[tuple[str, str]]) -> None:
    setting, model, rung = subject.setting, subject.model, subject.rung.rung
    if (model, name) in deadly:
        _end(setting, name, model, rung, "failed", "it ended the worker process")
        return
    setting.emit({"kind": "rung", "model": model, "rung": name, "place": 1, "of": 1})
    begun = time.monotonic()
    status: Literal["skipped", "failed"] = "failed"
    try:
        setting.clock.check()
        WORK[name](subject)
        setting.emit({"kind": "checked", "model": model, "check": name, "status": "done", "because": ""})
        return
    except (Cancelled, StorageError):
        raise
    except (NoRoom, OutOfTime, NotCompressible, NotExplainable) as error:
        status, because = "skipped", str(error)
    except Exception as error:
        because = str(error) if isinstance(error, AdvisorError) else f"{type(error).__name__}: {error}"[:500]
    _end(setting, name, model, rung, status, because, time.monotonic() - begun)


def _end(
    setting: Setting,
    name: CheckName,
    model: str,
    rung: str,
    status: Literal["skipped", "failed"],
    because: str,
    seconds: float = 0.0,
) -> None:
    record = CheckRecord(name=name, model=model, rung=rung, status=status, because=because, seconds=seconds)
    save_check(setting.folder, record)
    setting.emit({"kind": "checked", "model": model, "check": name, "status": status, "because": because})
