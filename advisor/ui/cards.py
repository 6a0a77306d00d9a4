"""Parts of the pages that show models: badges, the trade-off, and everything known about one of them."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from advisor.knowledge import Fact, ModelCard
from advisor.recommendation import Adaptation, Candidate, Recommendation
from advisor.ui import look, questions, session
from advisor.ui.words import in_both, t, tongue

__all__ = [
    "BRIEFLY",
    "STRATEGY",
    "adaptation",
    "bullets",
    "candidate",
    "downloads",
    "facts",
    "licence_mark",
    "moved",
    "trade_off",
    "where",
]

STRATEGY = {
    "zero-shot": "Use it as it is",
    "frozen": "Keep it frozen and fit a small classifier on its features",
    "head": "Train a new head, keep the rest",
    "last-block": "Train the head and the last block",
    "lora": "Train small added matrices (LoRA)",
    "full": "Train all of it",
    "from-scratch": "Train from scratch",
    "prompt": "Describe the task in words (prompt)",
}
BRIEFLY = {
    "zero-shot": "as it is",
    "frozen": "frozen, small classifier",
    "head": "new head",
    "adapted": "adapted to unlabelled data",
    "last-block": "last block tuned",
    "contrast": "tuned on pairs",
    "lora": "LoRA",
    "full": "all of it tuned",
    "from-scratch": "fitted from scratch",
    "prompt": "prompt",
}
PLACES = {
    "huggingface": "Hugging Face Hub",
    "modelscope": "ModelScope",
    "timm": "timm",
    "torchvision": "torchvision",
    "pytorch-hub": "PyTorch Hub",
    "tensorflow-hub": "TensorFlow Hub",
    "kaggle": "Kaggle Models",
    "package": "Python package",
    "github": "GitHub",
    "api": "Hosted service",
    "local": "Folder on this machine",
}
NAMED = {
    "parameters": "Parameters",
    "active_parameters": "Active parameters",
    "size_mb": "Download",
    "flops": "Arithmetic per answer",
    "price_in": "Price in",
    "price_out": "Price out",
    "downloads": "Downloads",
    "likes": "Likes",
}
MOST_TONGUES = 12


def moved(gained: int | None) -> str:
    """Mark how many places a model gained or lost (HTML)."""
    if gained is None:
        return f' <span class="up">{t("new")}</span>'
    if gained == 0:
        return ""
    sign, word = ("▲", "up") if gained > 0 else ("▼", "down")
    return f' <span class="{word}">{sign}{abs(gained)}</span>'


def licence_mark(card: ModelCard) -> str:
    """Mark the licence in a line of text; its meaning is one hover away (HTML)."""
    _, meaning = look.LICENCE[card.licence.klass]
    return (
        f'<span class="licence {card.licence.klass}" title="{look.plain(t(meaning))}">'
        f"{look.plain(card.licence.id)}</span>"
    )


def trade_off(found: Recommendation) -> None:
    """Chart expected quality against latency, with the Pareto front and the limits."""
    from advisor import charts
    from advisor.ui import figures

    figures.show(
        charts.quality_latency(found.shortlist, found.brief.constraints.latency_ms), "trade-off", wide=True
    )


def candidate(found: Candidate, card: ModelCard) -> None:
    """Show all that is known about a shortlisted model."""
    from advisor import charts
    from advisor.ui import figures

    figures.show(charts.score_parts(found), f"parts {card.id}")
    why, how = st.columns(2, gap="large")
    with why:
        st.subheader(t("Why it is here"), anchor=False)
        bullets(found.because)
        st.subheader(t("Where to get it"), anchor=False)
        where(card)
    with how:
        st.subheader(t("How to adapt it"), anchor=False)
        adaptation(found.adaptation)
    st.subheader(t("What is expected on your device"), anchor=False)
    names = {
        "latency_ms": "One answer",
        "throughput_per_s": "Answers per second",
        "memory_mb": "Memory",
        "size_mb": "Download",
        "train_minutes": "Training",
        "monthly_cost_usd": "A month",
    }
    rows = "".join(
        f'<tr><td>{t(label)}</td><td class="r">{look.quantity(value)}</td><td>{look.basis(value)}</td>'
        f'<td class="faint">{look.plain(t(value.source))}</td></tr>'
        for name, label in names.items()
        if (value := getattr(found.estimates, name)).value is not None
    )
    st.html(f'<div class="scroll"><table class="race">{rows}</table></div>')
    st.subheader(t("Every fact and its source"), anchor=False)
    facts(card)


def adaptation(plan: Adaptation) -> None:
    """Say in words how to fit a model to the user's data."""
    st.markdown(f"**{t(STRATEGY.get(plan.strategy, plan.strategy))}** · {session.safe(t(plan.because))}")
    lines = []
    if plan.learning_rate:
        low, high = plan.learning_rate
        lines.append(t("learning rate {low} to {high}", low=f"{low:.0e}", high=f"{high:.0e}"))
    if plan.epochs:
        lines.append(t("about {n} passes over the data", n=str(plan.epochs)))
    if plan.augmentation:
        lines.append(t("augment with {ways}", ways=questions.join(plan.augmentation)))
    if plan.class_weights:
        lines.append(t("weigh the classes, as they are uneven"))
    if plan.early_stopping:
        lines.append(t("stop early"))
    if plan.compression:
        lines.append(t("to make it smaller: {ways}", ways=questions.join(plan.compression)))
    bullets((*lines, *plan.advice))


def bullets(lines: Sequence[str]) -> None:
    """List sentences, close together."""
    if lines:
        st.markdown("\n".join(f"- {session.safe(t(line))}" for line in lines))


def where(card: ModelCard) -> None:
    """List the places where a model can be had."""
    for place in card.where:
        name = t(PLACES[place.kind])
        if place.ref.startswith("https://"):
            st.markdown(f"{name}: [{session.safe(place.ref)}]({place.ref})")
        elif place.kind == "huggingface":
            st.markdown(f"{name}: [{session.safe(place.ref)}](https://huggingface.co/{place.ref})")
        else:
            st.markdown(f"{name}: `{place.ref}`")


def facts(card: ModelCard) -> None:
    """Show every number of a card with its source."""
    sources = {source.id: source for source in session.knowledge().sources}

    def cite(id: str) -> str:
        source = sources.get(id)
        if source is None:
            return look.plain(id)
        title = look.plain(source.title)
        link = (
            f'<a href="{look.plain(source.url)}" target="_blank" rel="noopener">{title}</a>'
            if source.url
            else title
        )
        return f"{link}, {source.date}"

    rows = [
        _row(
            t(label),
            f"{look.number(fact.value)} {look.plain(t(fact.unit))}",
            t(fact.protocol or ""),
            cite(fact.source),
        )
        for name, label in NAMED.items()
        if isinstance(fact := getattr(card, name), Fact)
    ]
    rows += [
        _row(
            look.plain(r.benchmark),
            f"{look.number(r.value)} {look.plain(r.metric)}",
            t(r.protocol or ""),
            cite(r.source),
        )
        for r in session.knowledge().results_of(card.id)[:40]
    ]
    licence = card.licence
    rows.append(
        _row(
            t("Licence"),
            look.plain(licence.id),
            t(licence.trap or ""),
            cite(licence.source) if licence.source else "",
        )
    )
    for label, value in _words(card).items():
        rows.append(_row(t(label), look.plain(value), "", ""))
    st.html(f'<div class="scroll"><table class="race">{"".join(rows)}</table></div>')


def _row(label: str, value: str, note: str, source: str) -> str:
    return (
        f'<tr><td>{label}</td><td class="r">{value}</td><td class="faint">{look.plain(note)}</td>'
        f'<td class="faint">{source}</td></tr>'
    )


def _words(card: ModelCard) -> dict[str, Any]:
    words = {
        "Released": card.released,
        "Learnt from": ", ".join(card.trained_on) if card.trained_on else None,
        "Languages": _languages(card.input.languages),
        "Input": t("{n} pixels", n=str(card.input.resolution)) if card.input.resolution else None,
        "Longest text": t("{n} tokens", n=str(card.input.tokens)) if card.input.tokens else None,
        "Good for": in_both(card.good_for) if card.good_for else None,
        "Weak at": in_both(card.weaknesses) if card.weaknesses else None,
        "Newer": card.superseded_by,
    }
    return {label: value for label, value in words.items() if value}


def _languages(tags: Sequence[str] | None) -> str | None:
    if not tags:
        return None
    more = len(tags) - MOST_TONGUES
    return questions.join([*map(tongue, tags[:MOST_TONGUES]), *([f"+{more}"] if more > 0 else [])])


def downloads(models: tuple[str, ...], offline: bool) -> None:
    """List what would be fetched, with sizes, before anything is."""
    total = 0.0
    rows = []
    for id in models:
        there = session.availability(id, offline)
        total += there.download_mb or 0.0
        size = t("already here") if there.download_mb == 0 else look.megabytes(there.download_mb)
        rows.append(
            f'<tr title="{look.plain(t(there.because))}"><td>{look.plain(session.model_name(id))}</td>'
            f'<td class="r">{size}</td></tr>'
        )
    if not rows:
        st.caption(t("Only the baselines, which need no download."))
        return
    head = f'<tr><th>{t("Model")}</th><th class="r">{t("Download")}</th></tr>'
    st.html(f'<div class="scroll"><table class="race">{head}{"".join(rows)}</table></div>')
    st.caption(
        t("{size} would be downloaded.", size=look.megabytes(total))
        if total
        else t("Nothing needs to be downloaded.")
    )
