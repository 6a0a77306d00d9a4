"""Labels that look wrong to a linear probe on the features that the climb left."""

import time

import numpy as np

from advisor.checks import LabelNoise, Suspect
from advisor.jobs.checks import CheckRecord, save_check
from advisor.probe.after.subject import NoRoom, Subject
from advisor.probe.noise import label_issues, likely_labels, out_of_fold
from advisor.probe.rungs import known_features

__all__ = ["check_labels"]

METHOD = "confident learning on its frozen features, cross-validated"
SHOWN = 200


def check_labels(subject: Subject) -> None:
    """Judge every label by a linear probe that had not seen it, and keep what was found.

    :raises NoRoom: if the budget ends first, or there are no features to judge by.
    """
    begun = time.monotonic()
    setting, examples = subject.setting, subject.setting.examples
    everything = (*examples.train, *examples.select, *examples.report)
    stored = known_features(setting, subject.locate(subject.model), everything)
    positions = [position for position in everything if position in stored]
    if len(positions) < 2 * len(examples.labels):
        raise NoRoom(f"only {len(positions)} examples have features of {subject.model}")
    truth = setting.truth[positions]
    tell = setting.steps(subject.model, "label-noise", "folds")
    first: list[float] = []

    def progress(done: int, total: int) -> None:
        setting.clock.check()
        first.append(time.monotonic())
        if 0 < done < total:
            subject.need((first[-1] - first[0]) / done, "another fold")
        tell(done, total)

    features = np.stack([stored[position] for position in positions])
    found = out_of_fold(features, truth, len(examples.labels), seed=setting.seed, progress=progress)
    suspects, _ = label_issues(truth, found)
    likely = likely_labels(found, truth)
    noise = LabelNoise(
        model=subject.model,
        method=METHOD,
        checked=len(positions),
        found=len(suspects),
        suspects=tuple(
            Suspect(
                id=examples.ids[positions[i]],
                given=examples.labels[truth[i]],
                likely=examples.labels[likely[i]],
                given_probability=float(found[i, truth[i]]),
                likely_probability=float(found[i, likely[i]]),
                text=examples.excerpt(positions[i]),
            )
            for i in suspects[:SHOWN].tolist()
        ),
    )
    record = CheckRecord(
        name="label-noise", model=subject.model, rung=subject.rung.rung, status="done",
        seconds=time.monotonic() - begun, content=noise.model_dump(mode="json"),
    )  # fmt: skip
    save_check(setting.folder, record)
