"""Briefs with the answer that an expert would accept, over the shipped knowledge."""

import re
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.brief import Brief
from advisor.knowledge import Knowledge, load_knowledge
from advisor.recommend import recommend

FILE = Path(__file__).with_name("expert_briefs.yaml")
ENTRIES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
KEYS = {"id", "says", "brief", "top3", "because", "not_in_top3", "not_admitted"}


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    return load_knowledge()


def matches(model: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(model.lower(), pattern.lower()) for pattern in patterns)


def test_the_file_is_complete() -> None:
    assert len(ENTRIES) >= 60 and len({entry["id"] for entry in ENTRIES}) == len(ENTRIES)
    assert {entry["brief"]["task"] for entry in ENTRIES} == {task.id for task in knowledge().tasks}
    for entry in ENTRIES:
        assert set(entry) <= KEYS and entry["top3"] and entry["because"].strip() and entry["says"].strip()
        for rule in [*entry.get("not_in_top3", ()), *entry.get("not_admitted", ())]:
            assert rule["models"] and rule["because"].strip()


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_an_expert_would_accept_the_answer(entry: dict[str, Any]) -> None:
    found = recommend(Brief.parse(entry["brief"], entry["id"]), knowledge(), measured={})
    top = [one.model for one in found.shortlist[:3]]
    admitted = [one.model for one in found.shortlist] + list(found.beyond_limit)
    assert any(matches(model, entry["top3"]) for model in top), f"first three: {top}"
    for rule in entry.get("not_in_top3", ()):
        wrong = [model for model in top if matches(model, rule["models"])]
        assert not wrong, f"{wrong} among the first three, but {rule['because']}"
    for rule in entry.get("not_admitted", ()):
        wrong = [model for model in admitted if matches(model, rule["models"])]
        assert not wrong, f"{wrong} admitted, but {rule['because']}"


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_every_pattern_means_a_model(entry: dict[str, Any]) -> None:
    of_task = [card.id.lower() for card in knowledge().for_task(entry["brief"]["task"])]
    assert any(matches(model, entry["top3"]) for model in of_task)
    everywhere = [card.id.lower() for card in knowledge().models]
    for rule in [*entry.get("not_in_top3", ()), *entry.get("not_admitted", ())]:
        for pattern in rule["models"]:
            meant = re.compile(translate(pattern.lower()))
            assert any(meant.fullmatch(model) for model in everywhere), f"{pattern} means no model"
