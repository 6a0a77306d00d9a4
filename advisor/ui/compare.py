"""Models side by side: one row per fact, and behind each value its source, date and protocol."""

from collections.abc import Sequence

from advisor.facts import Known, list_facts
from advisor.knowledge import Knowledge, ModelCard
from advisor.language import Language
from advisor.ui import look
from advisor.ui.words import in_both, language, t

__all__ = ["compare"]

LABELS = {
    "size_mb": "Download",
    "parameters": "Parameters",
    "active_parameters": "Active parameters",
    "embedding_parameters": "Of these, embeddings",
    "flops": "Arithmetic per answer",
    "activations": "Activations per answer",
    "embedding_dim": "Width of the feature",
    "price_in": "Price in",
    "price_out": "Price out",
    "resolution": "Input",
    "tokens": "Longest text",
    "sampling_rate": "Sampling rate",
    "columns": "Most columns",
    "rows": "Most rows",
    "languages": "Languages",
    "licence": "Licence",
    "licence of the code": "Licence of the code",
    "released": "Released",
    "authors": "Made by",
    "architecture": "Architecture",
    "trained_on": "Learnt from",
    "superseded_by": "Newer",
    "frameworks": "Runs in",
    "exports": "Exports to",
    "tuning": "Can be tuned by",
    "lora_targets": "LoRA targets",
    "freeze_at": "Can be frozen up to",
    "explain": "Explained by",
    "gated": "Asks for consent",
    "maintained": "Maintained",
    "documentation": "Documentation",
    "downloads": "Downloads",
    "likes": "Likes",
}
MORE = "{n} more"
SCALES: dict[Language, tuple[tuple[float, str], ...]] = {
    "en": ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")),
    "zh": ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
}
SHOWN = 12
"""So many benchmarks stand open; the others are folded away."""
WORDS = (
    "frozen", "head", "last-block", "lora", "full", "from-scratch", "zero-shot", "prompt", "unknown",
    "high", "medium", "low", "active", "slow", "abandoned",
)  # fmt: skip
"""Values of facts that are words and no names."""
SELF_EVIDENT = ("parameters", "numbers", "likes", "activations", None)
LISTED = 6
"""So many words of a list stand open."""


def compare(cards: Sequence[ModelCard], knowledge: Knowledge) -> str:
    """Set models side by side (HTML).

    :param cards: one to four models.
    :param knowledge: the base that they are in.
    :return: a table: facts that at least one of them has; a value opens to its source, date and protocol.
    """
    known = [_by_name(list_facts(card, knowledge)) for card in cards]
    titles = {source.id: (source.title, source.url) for source in knowledge.sources}
    marks = {(mark.id, mark.metric): mark.name for task in knowledge.tasks for mark in task.benchmarks}
    names = {f"{id} {metric}": name for (id, metric), name in marks.items()}

    def row(name: str, label: str) -> str:
        cells = "".join(f"<td>{_cell(facts.get(name, ()), titles)}</td>" for facts in known)
        return f'<tr><th scope="row">{look.plain(t(label))}</th>{cells}</tr>'

    def having(wanted: Sequence[str]) -> list[str]:
        return [name for name in wanted if any(name in facts for facts in known)]

    heads = "".join(f"<th>{look.plain(card.name)}<small>{look.plain(card.id)}</small></th>" for card in cards)
    parts = [_words(cards), *(row(name, LABELS[name]) for name in having(list(LABELS)))]
    results = having(list(names))
    results.sort(key=lambda name: -sum(name in facts for facts in known))
    speeds = sorted({name for facts in known for name in facts if name.startswith("latency on ")})
    devices = {f"latency on {device.id}": device.name for device in knowledge.devices}
    legend = (
        f'<p class="fact faint">{t("An underlined value opens to its source, date and protocol.")} '
        f'<span class="down">?</span> {t("marks what names no source.")}</p>'
    )
    blocks = [
        legend,
        _table(heads, "".join(parts), len(cards)),
        _folded(t("Published results"), heads, [row(name, names[name]) for name in results], len(cards)),
        _folded(
            t("Published speeds"), heads, [row(name, devices.get(name, name)) for name in speeds], len(cards)
        ),
    ]
    return "".join(blocks)


def _words(cards: Sequence[ModelCard]) -> str:
    rows = ""
    for label, texts in (
        ("Good for", [in_both(card.good_for) if card.good_for else "" for card in cards]),
        ("Weak at", [in_both(card.weaknesses) if card.weaknesses else "" for card in cards]),
        ("Licence trap", [t(card.licence.trap or "") for card in cards]),
    ):
        if any(texts):
            cells = "".join(f"<td>{look.plain(text) or _NONE}</td>" for text in texts)
            rows += f'<tr><th scope="row">{t(label)}</th>{cells}</tr>'
    return rows


_NONE = '<span class="faint">–</span>'


def _table(heads: str, rows: str, models: int) -> str:
    head = f"<thead><tr><td></td>{heads}</tr></thead>"
    return f'<div class="scroll"><table class="beside n{models}">{head}<tbody>{rows}</tbody></table></div>'


def _folded(title: str, heads: str, rows: list[str], models: int) -> str:
    if not rows:
        return f'<p class="fact faint">{t("{what}: none is known.", what=title)}</p>'
    rest = f"<p>{title}</p>{_table(heads, ''.join(rows[:SHOWN]), models)}"
    if rows[SHOWN:]:
        more = _table(heads, "".join(rows[SHOWN:]), models)
        rest += f"<details><summary>{t('{n} more', n=str(len(rows) - SHOWN))}</summary>{more}</details>"
    return f'<section class="besides">{rest}</section>'


def _by_name(facts: Sequence[Known]) -> dict[str, tuple[Known, ...]]:
    named: dict[str, tuple[Known, ...]] = {}
    for fact in facts:
        named[fact.name] = (*named.get(fact.name, ()), fact)
    return named


def _cell(facts: Sequence[Known], titles: dict[str, tuple[str, str | None]]) -> str:
    return "".join(_value(fact, titles) for fact in facts) or _NONE


def _value(fact: Known, titles: dict[str, tuple[str, str | None]]) -> str:
    sure = "unsourced" if fact.trust == "unsourced" else fact.trust
    return f'<details class="known {sure}"><summary>{_says(fact)}</summary>{_origin(fact, titles)}</details>'


def _says(fact: Known) -> str:
    if isinstance(fact.value, bool):
        return t("yes" if fact.value else "no")
    if isinstance(fact.value, tuple):
        rest = len(fact.value) - LISTED
        more = t(" and {n} more", n=str(rest)) if rest > 0 else ""
        return look.plain(", ".join(map(_word, fact.value[:LISTED])) + more)
    if isinstance(fact.value, str):
        return look.plain(_word(fact.value))
    if fact.name == "size_mb":
        return look.megabytes(fact.value)
    if fact.unit == "share":
        return f"{fact.value:.4g}"
    unit = "" if fact.unit in SELF_EVIDENT else f" {t(fact.unit or '')}"
    return f"{_scaled(fact.value)}{look.plain(unit)}"


def _word(value: str) -> str:
    """Translate words such as 'frozen', not names: a name is no word that the pages use."""
    return t(value) if value in WORDS else value


def _scaled(value: float) -> str:
    for size, word in SCALES[language()]:
        if abs(value) >= size:
            return f"{look.number(value / size)} {word}"
    return look.number(value)


def _origin(fact: Known, titles: dict[str, tuple[str, str | None]]) -> str:
    said = (
        [look.plain(t("all: {names}", names=", ".join(fact.value)))]
        if _long(fact) and isinstance(fact.value, tuple)
        else []
    )
    if fact.source is None:
        said.append(t("No source is named."))
    else:
        title, url = titles.get(fact.source, (fact.source, None))
        words = look.plain(title)
        said.append(
            f'<a href="{look.plain(url)}" target="_blank" rel="noopener">{words}</a>' if url else words
        )
        trust = {"read": "", "derived": "derived from what was read"}.get(
            fact.trust, "general knowledge, not looked up"
        )
        said.append(" · ".join(word for word in (look.moment(str(fact.date)), t(trust)) if word))
    if isinstance(fact.value, float) and _rounded(fact):
        said.append(t("exactly {n} {unit}", n=f"{fact.value:.15g}", unit=look.plain(t(fact.unit or ""))))
    if fact.protocol:
        said.append(look.plain(t(fact.protocol)))
    return "".join(f"<div>{line}</div>" for line in said)


def _long(fact: Known) -> bool:
    return isinstance(fact.value, tuple) and len(fact.value) > LISTED


def _rounded(fact: Known) -> bool:
    return f"{fact.value:.15g}" not in _says(fact)
