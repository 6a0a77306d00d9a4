"""The sentences of the advice: why a model is on the list, and what the user should know of the list."""

from advisor.brief import Brief
from advisor.knowledge import Device, Task
from advisor.languages import english_name, has_language, primary
from advisor.score import Scored

__all__ = ["notes", "reasons"]


def reasons(one: Scored, brief: Brief, on: Device) -> tuple[str, ...]:
    """Say in plain sentences why a model is on the list, and what to mind."""
    judged = one.judged
    said: list[str] = []
    quality = judged.quality
    if quality.value is None:
        said.append("Nobody has published how well it does this; only a test can tell.")
    else:
        grade = next(word for least, word in GRADES if quality.value >= least)
        how = (
            "Published results"
            if quality.basis == "published"
            else "Models like it (it has no results of its own)"
        )
        said.append(
            f"{how} are {grade}: {100 * quality.value:.0f} points between a poor 0 and an excellent 100."
        )
    latency, most = judged.estimates.latency_ms, brief.constraints.latency_ms
    if latency.value is not None:
        against = f", within your {most:g} ms" if most else ""
        said.append(
            f"One answer takes about {_duration(latency.value)} on {on.name}{against} ({latency.basis})."
        )
    if judged.card.good_for:
        said.append(f"Good for: {judged.card.good_for.en}")
    strategy = judged.adaptation
    said.append(f"{STRATEGY_WORDS[strategy.strategy]}: {strategy.because}.")
    if judged.card.licence.trap:
        said.append(f"Mind its licence ({judged.card.licence.id}): {judged.card.licence.trap}")
    if judged.card.superseded_by:
        said.append(f"There is a newer one: {judged.card.superseded_by}.")
    return tuple(said)


def _duration(ms: float) -> str:
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.2g} s" if ms < 100_000 else f"{ms / 60_000:.0f} min"


GRADES = ((0.85, "excellent"), (0.7, "very good"), (0.5, "good"), (0.3, "fair"), (0.0, "modest"))
STRATEGY_WORDS = {
    "zero-shot": "Use it as it is",
    "prompt": "Steer it by good instructions",
    "frozen": "Keep it frozen and train a small classifier on top",
    "head": "Train its last layer",
    "last-block": "Train its last block",
    "lora": "Train small added matrices (LoRA)",
    "full": "Train all of it",
    "from-scratch": "Train it on your data alone",
}


def notes(
    brief: Brief, task: Task, device: Device, considered: int, qualified: int, *, timed: bool, published: bool
) -> tuple[str, ...]:
    """Say what the user should know of the list as a whole.

    :param brief: the need.
    :param task: the task.
    :param device: where it will run.
    :param considered: how many models were looked at.
    :param qualified: how many of them met every constraint.
    :param timed: whether the latency of any of these is known.
    :param published: whether any of these has published results.
    :return: the sentences.
    """
    said: list[str] = []
    languages = brief.data.languages
    speaks = has_language(task.id, task.modality)
    if speaks and not languages:
        said.append(
            "The language is open and taken to be English: say it (data.languages), it changes the ranking."
        )
    if speaks and languages and brief.constraints.offline and primary(languages[0]) != "en":
        names = english_name(languages[0])
        said.append(
            f"The offline starter set is thin for {names}: {qualified} of {considered} models qualify"
            " without a download; with one allowed there are stronger ones."
        )
    if all(getattr(brief.priorities, name) == 0 for name in type(brief.priorities).model_fields):
        said.append("Every priority is 0: all criteria count the same.")
    if brief.data.examples is None and task.probeable:
        said.append("The number of examples is open: say it or add data, it decides how much to tune.")
    if qualified and not timed:
        said.append(f"The speed of {device.name} is unknown, so no latency could be estimated.")
    if qualified and not published:
        said.append(
            "None of these models has published results for this task: the ranking is weak, probe it."
        )
    return tuple(said)
