"""The questionnaire, generated from the fields of the brief."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import streamlit as st

from advisor.brief import Brief, Constraints, DataFacts, Priorities
from advisor.errors import BriefError
from advisor.ui import look, session, state
from advisor.ui.words import at_once, language, t, tongue

__all__ = [
    "CHOICES",
    "CRITERIA",
    "FACTS",
    "LIMITS",
    "LIMIT_NAMES",
    "TITLES",
    "YES_NO",
    "Question",
    "answer",
    "applies",
    "ask",
    "ask_limit",
    "ask_priority",
    "join",
    "questions",
]

CRITERIA = {
    "accuracy": "Right answers",
    "latency": "Fast answers",
    "memory": "Little memory",
    "training_cost": "Quick to train",
    "cost": "Cheap to run",
    "maturity": "Proven and maintained",
    "explainability": "Can explain itself",
}
FACTS = {
    "data.examples": "number of examples",
    "data.classes": "number of classes",
    "data.imbalance": "unevenness of the classes",
    "data.languages": "languages",
    "data.tokens": "length of the texts",
    "data.resolution": "size of the images",
}
"""What can be read from data, in words."""
LIMIT_NAMES = {
    "latency_ms": ("One answer takes at most", "ms"),
    "throughput_per_s": ("Answers per second at least", "1/s"),
    "memory_mb": ("Memory at most", "MB"),
    "size_mb": ("Download at most", "MB"),
    "train_minutes": ("Training at most", "min"),
    "monthly_cost_usd": ("Cost a month at most", "USD"),
}
"""The limits that are numbers, in words, with their units."""
TITLES = {"licence": "Licence", "privacy": "May the data leave?", "framework": "Framework"}
YES_NO = {"offline": ("Downloads allowed", "No downloads")}
LIMITS: dict[str, tuple[float, ...]] = {
    "latency_ms": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000),
    "memory_mb": (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000),
    "size_mb": (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000),
    "monthly_cost_usd": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
}
"""The limits that have a slider, and where it stops."""
CHOICES = {
    "constraints.licence": {
        "any": "Research or private use",
        "commercial": "Use it in a business",
        "permissive": "Business, and no duties",
    },
    "constraints.privacy": {"any": "They may", "local": "They must stay"},
}
LANGUAGES = ("en", "zh", "de", "fr", "es", "pt", "it", "nl", "ja", "ko", "ru", "ar", "hi", "pl", "tr")
ONLY_FOR = {
    "data.languages": ("text", "audio", "multimodal"),
    "data.tokens": ("text", "multimodal"),
    "data.resolution": ("image", "video", "multimodal"),
}


@dataclass(frozen=True)
class Question:
    """One question: the key in the brief, what to ask and why, and what may be answered."""

    key: str
    ask: str
    why: str
    unit: str
    expert: bool
    kind: Any
    default: Any

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed words; empty where a number or free words are asked for."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()


def questions() -> tuple[Question, ...]:
    """List the questions for the sections data and constraints, in the order of the brief."""
    found = []
    for section, model in (("data", DataFacts), ("constraints", Constraints)):
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict):
                kind = _without_none(field.annotation)
                found.append(Question(f"{section}.{name}", kind=kind, default=field.default, **_typed(extra)))
    return tuple(found)


def _typed(extra: dict[str, Any]) -> dict[str, Any]:
    return {"ask": extra["ask"], "why": extra["why"], "unit": extra["unit"], "expert": extra["expert"]}


def _without_none(annotation: Any) -> Any:
    args = [arg for arg in get_args(annotation) if arg is not NoneType]
    if NoneType in get_args(annotation) and len(args) == 1:
        annotation = args[0]
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def applies(question: Question, modality: str) -> bool:
    """Say whether a question makes sense for what goes in."""
    return modality in ONLY_FOR.get(question.key, (modality,))


def ask(question: Question, read: Any = None) -> None:
    """Show the widget of a question; the answer goes into the draft, checked.

    :param question: the question.
    :param read: the value that was read from the data, None if there is none.
    """
    key = f"need.{question.key}"
    value = state.draft().answers.get(question.key)
    label = t(question.ask)
    if question.unit:
        label = f"{label} ({t(question.unit)})"
    common: dict[str, Any] = {"key": key, "on_change": answer, "args": (question.key, key)}
    if question.key in ("constraints.device", "constraints.train_device"):
        names = session.devices()
        known = value or question.default
        st.session_state[key] = known
        options = list(names) if known in names else [*names, known]
        st.selectbox(label, options, format_func=lambda id: names.get(id, id), **common)
    elif question.kind is bool:
        st.session_state[key] = bool(value)
        st.toggle(label, **common)
    elif question.choices:
        _choose(question, label, value, read, common)
    elif question.key == "data.languages":
        st.session_state[key] = list(value or ())
        options = list(dict.fromkeys([*LANGUAGES, *(value or ())]))
        hint = t("{value} (read from your data)", value=join(map(tongue, read))) if read else t("any")
        st.multiselect(
            label,
            options,
            format_func=at_once(tongue, options),
            accept_new_options=True,
            placeholder=hint,
            **common,
        )
    else:
        _number(question, label, value, read, common)
    complaint = st.session_state.get(f"complaint.{question.key}")
    if complaint:
        st.markdown(f":red[{session.safe(t(complaint))}]")
    mark = f" :primary[{t('Read from your data.')}]" if read is not None and value is None else ""
    st.caption(f"{t(question.why)}{mark}")


def _choose(question: Question, label: str, value: Any, read: Any, common: dict[str, Any]) -> None:
    words = CHOICES.get(question.key, {})

    def name(option: str) -> str:
        return t(words.get(option, option.capitalize() if "-" not in option else option))

    common["format_func"] = at_once(name, question.choices)
    st.session_state[common["key"]] = value if value is not None else question.default
    if sum(_width(name(option)) for option in question.choices) <= 32:
        required = question.default is not None
        st.segmented_control(label, question.choices, required=required, wrap=True, **common)
    else:
        hint = t("{value} (read from your data)", value=name(read)) if read else t("Not said")
        st.selectbox(label, question.choices, placeholder=hint, **common)


def _width(text: str) -> int:
    """Count Latin letters' widths; a Chinese character takes two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)


def _number(question: Question, label: str, value: Any, read: Any, common: dict[str, Any]) -> None:
    whole = question.kind is int
    least = 0 if question.key in ("data.examples", "data.unlabelled") else 1
    st.session_state[common["key"]] = value if value is None else question.kind(value)
    hint = t("{value} (read from your data)", value=f"{read:g}") if read is not None else t("not said")
    if whole:
        st.number_input(label, min_value=least, value=None, step=1, placeholder=hint, **common)
    else:
        low = 1.0 if question.key == "data.imbalance" else 1e-6
        st.number_input(label, min_value=low, value=None, step=None, format="%g", placeholder=hint, **common)


def ask_priority(criterion: str, page: str) -> None:
    """Show a slider for how much a criterion matters.

    :param criterion: a field of `Priorities`.
    :param page: the page, so that two pages may ask for the same priority.
    """
    dotted = f"priorities.{criterion}"
    key = f"{page}.{dotted}"
    default = Priorities.model_fields[criterion].default
    st.session_state[key] = int(state.draft().answers.get(dotted, default))
    st.slider(
        t(CRITERIA[criterion]),
        0,
        5,
        key=key,
        on_change=answer,
        args=(dotted, key),
        help=t("0 not at all, 5 most"),
    )


def ask_limit(name: str, page: str) -> None:
    """Show a slider for a limit, whose right end is no limit.

    :param name: a key of `LIMITS`.
    :param page: the page, so that two pages may ask for the same limit.
    """
    dotted = f"constraints.{name}"
    key = f"{page}.{dotted}"
    says, unit = LIMIT_NAMES[name]
    now = float(state.draft().answers.get(dotted) or math.inf)

    def write(stop: float) -> str:
        return t("no limit") if math.isinf(stop) else f"{look.number(stop)} {t(unit)}"

    stops = sorted({*map(float, LIMITS[name]), now, math.inf})
    st.session_state[key] = now
    st.select_slider(
        t(says),
        stops,
        key=key,
        format_func=at_once(write, stops),
        on_change=_limit,
        args=(dotted, key),
    )


def _limit(dotted: str, key: str) -> None:
    value = st.session_state[key]
    answers = {name: old for name, old in state.draft().answers.items() if name != dotted}
    state.change(answers=answers if math.isinf(value) else answers | {dotted: value})


def join(words: Iterable[str]) -> str:
    """List words in the session's language."""
    return ("、" if language() == "zh" else ", ").join(t(word) for word in words)


def answer(dotted: str, key: str) -> None:
    """Take the answer of a widget into the draft, or keep the old one and say what is wrong with the new.

    :param dotted: the key in the brief.
    :param key: the widget's key in the session.
    """
    value = st.session_state[key]
    answers = {name: old for name, old in state.draft().answers.items() if name != dotted}
    if value not in (None, "", []):
        answers[dotted] = value
    st.session_state.pop(f"complaint.{dotted}", None)
    try:
        Brief.parse({"task": "none"} | state.nest(answers), "The answer")
    except BriefError as error:
        st.session_state[f"complaint.{dotted}"] = error.what
        return
    state.change(answers=answers)
