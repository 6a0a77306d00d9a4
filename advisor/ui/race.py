"""The race of a probe: what is planned, what each model has reached so far, what is running now."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from advisor.brief import Brief
from advisor.dataset.types import Profile
from advisor.recommendation import Recommendation
from advisor.ui import look, questions, session
from advisor.ui.words import t

if TYPE_CHECKING:
    from advisor.jobs import RunView

__all__ = ["Lane", "buys", "lanes", "plan", "show"]

RUNGS = {
    "download": "fetching the weights",
    "fit": "fitted",
    "linear-probe": "frozen, some examples",
    "linear-probe-all": "frozen, all examples",
    "adapted": "adapted to unlabelled data",
    "last-block": "last block tuned",
    "longer": "tuned longer",
    "few-shot": "tuned on pairs",
    "lora": "LoRA",
    "full": "all of it tuned",
    "search": "settings searched",
}
STATES = {
    "queued": "Waiting to start",
    "running": "Running",
    "done": "Finished",
    "cancelled": "Cancelled; what was reached is kept",
    "failed": "Failed",
    "interrupted": "Interrupted; it can go on where it stopped",
}


@dataclass
class Lane:
    """What one model has reached: its finished rungs with the metric, and why it went no further."""

    model: str
    reached: list[dict[str, Any]] = field(default_factory=list)
    out: str = ""

    @property
    def best(self) -> float:
        """The last metric reached, for ordering; -1 before the first."""
        return float(self.reached[-1]["value"]) if self.reached else -1.0


def plan(brief: Brief, found: Recommendation, chosen: tuple[str, ...], profile: Profile) -> None:
    """Tabulate the models that will be tried, with what is expected of them."""
    expected = {candidate.model: candidate for candidate in found.shortlist}
    rows = []
    for id in chosen:
        candidate = expected.get(id)
        there = session.availability(id, brief.constraints.offline)
        rows.append(
            f"<tr><td>{look.plain(session.model_name(id))}</td>"
            f'<td class="r">{look.quantity_short(candidate.quality) if candidate else t("unknown")}</td>'
            f'<td class="faint">{look.plain(t(there.because))}</td></tr>'
        )
    rows.append(
        f'<tr><td>{t("Baselines")}</td><td class="r"></td>'
        f'<td class="faint">{t("always tried, nothing to fetch")}</td></tr>'
    )
    head = f'<tr><th>{t("Model")}</th><th class="r">{t("expected quality")}</th><th>{t("weights")}</th></tr>'
    st.html(f'<div class="scroll"><table class="race">{head}{"".join(rows)}</table></div>')
    st.caption(
        t(
            "{n} examples in {k} classes.",
            n=look.number(profile.examples),
            k=look.number(len(profile.counts)),
        )
    )


def buys(budget_s: float, models: int) -> None:
    """Say what a time budget buys."""
    each = budget_s / max(models + 1, 1)
    if each < 15:
        says = "Enough for a first impression on a part of your data."
    elif each < 60:
        says = "Enough for frozen models, and perhaps a brief tuning of the best."
    else:
        says = "Enough for frozen models and a brief tuning of the best."
    share = t("About {time} for each of {n} models.", time=look.duration(each), n=str(models))
    st.caption(f"{t(says)} {share}")


def lanes(events: tuple[dict[str, Any], ...]) -> list[Lane]:
    """Read from a run's events what each model has reached.

    :param events: the events, oldest first.
    :return: one lane per model that has begun or was chosen, the best first.
    """
    found: dict[str, Lane] = {}
    for event in events:
        for chosen in event.get("models", ()) if event.get("kind") == "start" else ():
            found.setdefault(chosen, Lane(chosen))
        model = event.get("model")
        if not isinstance(model, str):
            continue
        lane = found.setdefault(model, Lane(model))
        if event["kind"] == "rung-done":
            lane.reached.append(event["metric"] | {"rung": event["rung"]})
            lane.out = ""
        elif event["kind"] in ("model-ended", "stays"):
            lane.out = str(event.get("because", ""))
    return sorted(found.values(), key=lambda lane: (-lane.best, lane.model))


def show(view: "RunView") -> None:
    """Show how a run stands: state, time, what is running, and the race."""
    running = view.state in ("queued", "running")
    st.subheader(t(STATES.get(view.state, view.state)), anchor=False)
    if running:
        st.progress(min(view.elapsed_s / view.budget_s, 1.0))
        what = [session.safe(session.model_name(view.model))] if view.model else [t("Getting ready")]
        if view.rung:
            what.append(t(RUNGS.get(view.rung, view.rung)))
        if view.of > 1:
            what.append(t("model {place} of {n}", place=str(view.place), n=str(view.of)))
        if view.what and view.total:
            what.append(t("{step}, {done} of {n}", step=t(view.what), done=str(view.done), n=str(view.total)))
        if view.loss is not None:
            what.append(t("loss {value}", value=f"{view.loss:.3f}"))
        st.markdown(" · ".join(what))
    times = t("{used} of {budget}", used=look.duration(view.elapsed_s), budget=look.duration(view.budget_s))
    if running and view.eta_s is not None:
        times += t("; this step needs about {time} more", time=look.duration(view.eta_s))
    st.caption(times)
    if view.message:
        st.caption(session.safe(t(view.message)))
    table(lanes(view.events), running)


def table(found: list[Lane], running: bool) -> None:
    """Draw one lane per model: the interval of its last rung, faint marks where it stood before.

    :param found: the lanes.
    :param running: fade the models that are out of the race; afterwards only those that never began it.
    """
    if not found:
        return
    rows = []
    for lane in found:
        bar, reached = "", f'<span class="faint">{t("not yet" if running else "not reached")}</span>'
        if lane.reached:
            last = lane.reached[-1]
            low, value, high = (100 * float(last[key]) for key in ("low", "value", "high"))
            before = "".join(
                f'<em style="left:{100 * float(step["value"]):.2f}%"></em>' for step in lane.reached[:-1]
            )
            bar = f'<i style="left:{low:.2f}%;width:{high - low:.2f}%"></i>{before}<u style="left:{value:.2f}%"></u>'
            reached = f'{look.percent(value / 100)} <span class="faint">({low:.0f}–{high:.0f})</span>'
        rungs = questions.join(RUNGS.get(step["rung"], step["rung"]) for step in lane.reached)
        note = f"<br>{look.plain(t(lane.out))}" if lane.out else ""
        faded = "out" if lane.out and (running or not lane.reached) else ""
        rows.append(
            f'<tr class="{faded}"><td>{look.plain(session.model_name(lane.model))}'
            f'<div class="faint fact">{look.plain(rungs)}{note}</div></td>'
            f'<td class="lane"><div class="span">{bar}</div></td><td class="r">{reached}</td></tr>'
        )
    st.html(f'<div class="scroll"><table class="race">{"".join(rows)}</table></div>')
