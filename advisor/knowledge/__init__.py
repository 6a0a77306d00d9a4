"""The knowledge base: model cards, tasks, devices, sources and published results, read and checked."""

from advisor.knowledge.base import Knowledge, Lack
from advisor.knowledge.breadth import Breadth, breadth
from advisor.knowledge.cards import (
    Documentation,
    Fact,
    Input,
    Licence,
    LicenceClass,
    Maintained,
    ModelCard,
    Strategy,
    Where,
    Words,
)
from advisor.knowledge.entries import (
    Benchmark,
    Coefficient,
    DataSet,
    Device,
    Latency,
    Modality,
    Result,
    Source,
    Starter,
    Task,
    Trust,
)
from advisor.knowledge.loading import default_folder, load_knowledge

__all__ = [
    "Benchmark",
    "Breadth",
    "Coefficient",
    "DataSet",
    "Device",
    "Documentation",
    "Fact",
    "Input",
    "Knowledge",
    "Lack",
    "Latency",
    "Licence",
    "LicenceClass",
    "Maintained",
    "Modality",
    "ModelCard",
    "Result",
    "Source",
    "Starter",
    "Strategy",
    "Task",
    "Trust",
    "Where",
    "Words",
    "breadth",
    "default_folder",
    "load_knowledge",
]
