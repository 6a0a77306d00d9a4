"""Neglect is named with file and line, and a base without it passes."""

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_folder import DEVICES, LATENCIES, MODELS, RESULTS, SOURCES, TASKS, build, line_of

from advisor.errors import KnowledgeError
from advisor.knowledge import load_knowledge
from advisor.upkeep import PRICE_DAYS, TAG, check_knowledge

TODAY = dt.date(2020, 6, 1)
CARD = "models/lab.yaml"
SMALL, LARGE = "- id: lab/small", "- id: lab/large"
HOSTED = """\
family: Hosted
models:
  - id: lab/hosted
    name: Hosted
    kind: api
    tasks: [image-classification]
    licence: {id: terms, class: service, source: paper}
    where: [{kind: api, ref: "https://example.org/api"}]
    price_in: {value: 1, unit: USD per image, source: paper}
"""


def found(folder: Path, **changed: str | None) -> str:
    with pytest.raises(KnowledgeError) as caught:
        check_knowledge(build(folder, **changed), TODAY)
    return str(caught.value)


def test_a_well_kept_base_passes(tmp_path: Path) -> None:
    folder = build(tmp_path, **{"models/hosted.yaml": HOSTED})
    assert check_knowledge(folder, TODAY) == load_knowledge(folder)


def test_the_shipped_base_is_well_kept() -> None:
    newest = max(source.date for source in load_knowledge().sources)
    assert len(check_knowledge(None, newest).models) > 0


NEGLECTED_CARDS = [
    ("released: 2020-01-01", "released: 2031-01-01", "released: 2031-01-01 is in the future", SMALL),
    ("source: paper}\n  - id", "source: paper, date: 2031-01-01}\n  - id", "its date 2031-01-01 is in the", SMALL),
    ("value: 1000000", "value: 0", "impossible value 0; leave out what is unknown", SMALL),
    ("    parameters:", "    active_parameters: {value: 2e6, unit: parameters, source: paper}\n    parameters:",
     "active_parameters: impossible value 2e+06, more than all 1e+06 parameters", SMALL),
    ("    parameters:", "    size_mb: {value: 4000, unit: MB, source: paper}\n    parameters:",
     "size_mb: impossible value 4000 with 1e+06 parameters: 4e+03 bytes for each", SMALL),
    ("    parameters:", "    size_mb: {value: 0.004, unit: MB, source: paper}\n    parameters:", "0.004 bytes", SMALL),
    ("    parameters:", "    input: {languages: [English]}\n    parameters:", "'English' is no BCP-47 tag", SMALL),
    ("    parameters:", "    input: {languages: [zh_CN]}\n    parameters:", "'zh_CN' is no BCP-47 tag", SMALL),
    ("    parameters:", "    input: {languages: [eng]}\n    parameters:", "'eng' has a shorter form, 'en'", SMALL),
    ("    parameters:", "    input: {languages: [en, en]}\n    parameters:", "one stands there twice", SMALL),
    ("class: permissive", "class: copyleft", "licence: MIT is permissive, not copyleft", LARGE),
    ("{id: MIT, class: permissive,", "{id: AGPL-3.0, class: permissive, trap: Oh,", "AGPL-3.0 is copyleft, not", LARGE),
    ("{id: MIT, class: permissive,", "{id: AGPL-3.0, class: copyleft,", "so its trap must be named", LARGE),
    ("name: Large", "name: Large\n    superseded_by: lab/large", "is in the end superseded by this model", LARGE),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message", "place"), NEGLECTED_CARDS)
def test_a_neglected_card_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, message: str, place: str
) -> None:
    assert old in MODELS
    text = MODELS.replace(old, new)
    said = found(tmp_path, **{CARD: text})
    assert message in said
    assert re.search(rf"models/lab\.yaml:{line_of(text, place)}: .*{re.escape(message)}", said), said


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "sources.yaml",
            SOURCES + "- {id: idle, title: Idle, date: 2020-01-01}\n",
            "sources.yaml:2: idle: no fact rests on this source",
        ),
        (
            "sources.yaml",
            SOURCES.replace("2020-01-01", "2030-01-01"),
            "sources.yaml:1: paper: its date 2030-01-01 is in the future",
        ),
        ("tasks.yaml", TASKS.replace("metrics: [accuracy]", "metrics: []"), "tasks.yaml:5: metrics:"),
        ("tasks.yaml", TASKS.replace("  metrics: [accuracy]\n", ""), "tasks.yaml:1: metrics: Field required"),
        (
            "tasks.yaml",
            TASKS + "    - {id: imagenet-1k, metric: top1, name: Again, low: 0.5, high: 0.9}\n",
            "tasks.yaml:1: image-classification: the benchmark imagenet-1k with top1 stands there twice",
        ),
        (
            "results/bench.csv",
            RESULTS.replace(",,", ",2031-01-01,"),
            "bench.csv:2: lab/small: its date 2031-01-01",
        ),
        (
            "results/latency.csv",
            LATENCIES + LATENCIES.splitlines()[1],
            "results/latency.csv:3: lab/small: the same speed stands already at results/latency.csv:2",
        ),
        (
            "devices.yaml",
            DEVICES.replace("cores: 4", "tflops: {fp32: 1}, sustained_tflops: 2"),
            "devices.yaml:1: box: sustained_tflops: impossible value 2, more than its peak 1",
        ),
        (
            "devices.yaml",
            DEVICES.replace("cores: 4", "usd_per_hour: 1"),
            "devices.yaml:1: box: usd_per_hour: a price without a date",
        ),
        (
            "devices.yaml",
            DEVICES.replace("cores: 4", "usd_per_hour: 1, price_date: 2019-01-01, price_source: paper"),
            "devices.yaml:1: box: usd_per_hour: the price of 2019-01-01 is stale",
        ),
        (
            "models/hosted.yaml",
            HOSTED.replace("image, source: paper", "image, source: paper, date: 2019-01-01"),
            "models/hosted.yaml:3: lab/hosted: price_in: the price of 2019-01-01 is stale",
        ),
    ],
)
def test_every_other_neglect_names_file_and_line(tmp_path: Path, file: str, text: str, expected: str) -> None:
    assert expected in found(tmp_path, **{file: text})


@pytest.mark.parametrize(
    ("metric", "low", "high", "value", "possible"),
    [
        ("ndcg10", 0.2, 0.6, "0.61", True),
        ("ndcg10", 0.2, 0.6, "61", False),
        ("ndcg10", 0.2, 0.6, "-0.1", False),
        ("mos", 3, 4.5, "4.2", True),
        ("mos", 3, 4.5, "5.2", False),
        ("elo", 900, 1500, "1320", True),
        ("fid", 30, 2, "-1", False),
        ("fid", 30, 2, "130", True),
        ("spearman", 0.2, 0.9, "-0.2", True),
        ("dollars", 0.2, 90, "-300", True),
    ],
)
def test_a_result_must_be_possible_for_its_metric(
    tmp_path: Path, metric: str, low: float, high: float, value: str, possible: bool
) -> None:
    tasks = TASKS.replace("metric: top1", f"metric: {metric}").replace("low: 0.6", f"low: {low}")
    files = {
        "tasks.yaml": tasks.replace("high: 0.9", f"high: {high}"),
        "results/bench.csv": RESULTS.replace("top1,0.7", f"{metric},{value}"),
    }
    if possible:
        assert check_knowledge(build(tmp_path, **files), TODAY).results
    else:
        assert re.search(r"results/bench\.csv:2: lab/small: impossible value", found(tmp_path, **files))


@given(st.integers(0, 2 * PRICE_DAYS))
def test_a_price_is_stale_after_its_time_and_not_before(
    tmp_path_factory: pytest.TempPathFactory, age: int
) -> None:
    said = TODAY - dt.timedelta(days=age)
    folder = build(tmp_path_factory.mktemp("price"))
    (folder / "models" / "hosted.yaml").write_text(
        HOSTED.replace("image, source: paper", f"image, source: paper, date: {said}"), encoding="utf-8"
    )
    if age <= PRICE_DAYS:
        assert check_knowledge(folder, TODAY).model("lab/hosted").kind == "api"
    else:
        with pytest.raises(KnowledgeError, match="is stale"):
            check_knowledge(folder, TODAY)


@pytest.mark.parametrize(
    "tag", ["en", "zh-Hans", "pt-BR", "yue", "es-419", "sl-rozaj", "zh-Hant-TW", "de-1996", "mul"]
)
def test_tags_of_the_standard_pass(tag: str) -> None:
    assert TAG.fullmatch(tag)


@pytest.mark.parametrize("tag", ["", "EN", "english", "zh_Hans", "zh-hans", "pt-br", "e", "en-", "中文"])
def test_other_tags_do_not(tag: str) -> None:
    assert not TAG.fullmatch(tag)


def test_faults_and_neglect_are_told_together(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        **{
            "sources.yaml": SOURCES + "- {id: idle, title: Idle, date: 2020-01-01}\n",
            "results/bench.csv": RESULTS.replace("top1", "top5"),
        },
    )
    assert "sources.yaml:2" in said
    assert "results/bench.csv:2" in said
