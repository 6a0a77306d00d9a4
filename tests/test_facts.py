"""Every fact of a model with its source, date and protocol."""

import datetime as dt
from pathlib import Path

from knowledge_folder import MODELS, RESULTS, SOURCES, build

from advisor.facts import list_facts
from advisor.knowledge import Fact, ModelCard, load_knowledge


def test_each_fact_says_what_it_rests_on(tmp_path: Path) -> None:
    text = MODELS.replace(
        "    released: 2020-01-01\n",
        "    released: 2020-01-01\n    cited: {released: paper}\n    explain: [grad-cam]\n"
        "    input: {resolution: 224, languages: [en, zh]}\n    weaknesses: {en: Small, zh: 小}\n"
        "    maintained: {value: slow, source: talk, date: 2026-01-02}\n    gated: false\n    embedding_dim: 64\n",
    ).replace("class: permissive", "class: permissive, code: BSD-3-Clause")
    folder = build(
        tmp_path,
        **{
            "models/lab.yaml": text,
            "sources.yaml": SOURCES + "- {id: talk, title: Hearsay, date: 2021-01-01, trust: unsourced}\n",
            "results/bench.csv": RESULTS.replace("paper,,", "paper,2022-02-02,224 px"),
        },
    )
    knowledge = load_knowledge(folder)
    rows = {row.name: row for row in list_facts(knowledge.model("lab/small"), knowledge)}
    first = rows["parameters"]
    assert (first.value, first.unit, first.source, first.date) == (
        1e6,
        "parameters",
        "paper",
        dt.date(2020, 1, 1),
    )
    shown = rows["imagenet-1k top1"]
    assert (shown.value, shown.unit, shown.protocol, shown.date) == (
        0.7,
        "share",
        "224 px",
        dt.date(2022, 2, 2),
    )
    speed = rows["latency on box"]
    assert (speed.value, speed.unit, speed.protocol) == (12.5, "ms", "batch 1, fp32, pytorch")
    assert (rows["released"].value, rows["released"].trust) == ("2020-01-01", "read")
    assert (rows["maintained"].trust, rows["maintained"].date) == ("unsourced", dt.date(2026, 1, 2))
    assert rows["resolution"].model_dump() == {
        "name": "resolution", "value": 224.0, "unit": "pixels", "source": None, "date": None, "protocol": None,
        "trust": "unsourced",
    }  # fmt: skip
    assert rows["languages"].value == ("en", "zh")
    assert rows["gated"].value is False
    assert rows["licence of the code"].value == "BSD-3-Clause"
    assert rows["weaknesses"].value == "Small"
    assert rows["embedding_dim"].value == 64
    assert {"explain", "licence"} <= set(rows)
    assert "superseded_by" not in rows


def test_no_fact_of_the_shipped_base_is_lost() -> None:
    knowledge = load_knowledge()
    for card in knowledge.models[::25]:
        rows = list_facts(card, knowledge)
        numbers = [name for name in ModelCard.model_fields if isinstance(getattr(card, name), Fact)]
        published = len(knowledge.results_of(card.id)) + len(knowledge.latencies_of(card.id))
        assert [row.name for row in rows[: len(numbers)]] == numbers
        assert len(rows) >= len(numbers) + published
        assert all((row.date is None) == (row.source is None) for row in rows)
