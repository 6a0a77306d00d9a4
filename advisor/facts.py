"""Everything that is known of a model as one list: value, unit, source, date, protocol."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from advisor.knowledge import Fact, Knowledge, ModelCard, Trust, Words
from advisor.knowledge.cards import Citable
from advisor.quantity import Frozen

__all__ = ["Known", "list_facts"]

INPUT = {
    "resolution": "pixels",
    "tokens": "tokens",
    "sampling_rate": "Hz",
    "columns": "columns",
    "rows": "rows",
    "languages": None,
}
CITED: tuple[Citable, ...] = (
    "released",
    "authors",
    "architecture",
    "trained_on",
    "superseded_by",
    "frameworks",
    "exports",
    "tuning",
    "lora_targets",
    "freeze_at",
    "explain",
    "gated",
    "weaknesses",
)


class Known(Frozen):
    """One fact of a model. Without a source it is unsourced; `unit` is None where it is no number."""

    name: str
    value: float | str | bool | tuple[str, ...]
    unit: str | None = None
    source: str | None = None
    date: dt.date | None = None
    protocol: str | None = None
    trust: Trust


def list_facts(card: ModelCard, knowledge: Knowledge) -> tuple[Known, ...]:
    """List what is known of a model.

    :param card: the model.
    :param knowledge: the base, whose sources give a fact its date where it has none of its own.
    :return: numbers first, then inputs and words, then published results (`benchmark metric`) and speeds.
    """
    dates = {source.id: source.date for source in knowledge.sources}

    def known(
        name: str, value: float | str | bool | tuple[str, ...], source: str | None, **more: object
    ) -> Known:
        date = more.pop("date", None) or dates.get(source or "")
        trust = knowledge.trust(source)
        return Known.model_validate(
            {"name": name, "value": value, "source": source, "date": date, "trust": trust, **more}
        )

    def gather() -> Iterator[Known]:
        for name in ModelCard.model_fields:
            fact = getattr(card, name)
            if isinstance(fact, Fact):
                yield known(
                    name, fact.value, fact.source, unit=fact.unit, date=fact.date, protocol=fact.protocol
                )
        if card.embedding_dim is not None:
            yield known("embedding_dim", card.embedding_dim, None, unit="numbers")
        for name, unit in INPUT.items():
            value = getattr(card.input, name)
            if value is not None:
                yield known(name, value, card.cited.get("input"), unit=unit)
        licence = card.licence
        yield known("licence", licence.id, licence.source)
        if licence.code is not None:
            yield known("licence of the code", licence.code, licence.source)
        for name in ("maintained", "documentation"):
            said = getattr(card, name)
            if said is not None:
                yield known(name, said.value, said.source, date=said.date)
        for cited in CITED:
            value = getattr(card, cited)
            if value not in (None, ()):
                yield known(cited, _text(value), card.cited.get(cited))
        for row in knowledge.results_of(card.id):
            yield known(
                f"{row.benchmark} {row.metric}",
                row.value,
                row.source,
                unit="share" if 0 <= row.value <= 1 else row.metric,
                date=row.date,
                protocol=row.protocol,
            )
        for speed in knowledge.latencies_of(card.id):
            how = f"batch {speed.batch}, {speed.precision}, {speed.runtime}"
            yield known(
                f"latency on {speed.device}", speed.ms, speed.source, unit="ms", date=speed.date, protocol=how
            )

    return tuple(gather())


def _text(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.en if isinstance(value, Words) else value
