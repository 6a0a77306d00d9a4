"""The brief: defaults of the contract, round trips, and complaints that name key, value and way out."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from advisor.brief import Brief, Constraints, DataFacts, Priorities, read_brief
from advisor.errors import BriefError

TASK = {"task": "image-classification"}
positive = st.none() | st.floats(min_value=0.001, max_value=1e9)
rating = st.floats(min_value=0, max_value=5)
briefs = st.fixed_dictionaries(
    {"task": st.just("text-classification")},
    optional={
        "metric": st.sampled_from(
            ["accuracy", "balanced_accuracy", "macro_f1", "recall:差评", "precision:a:b"]
        ),
        "data": st.fixed_dictionaries(
            {},
            optional={
                "examples": st.none() | st.integers(0, 10**9),
                "languages": st.none() | st.lists(st.sampled_from(["en", "zh-Hans", "pt-BR"]), max_size=3),
                "imbalance": st.none() | st.floats(1, 1e6),
                "domain": st.sampled_from(["medical", "other", None]),
            },
        ),
        "constraints": st.fixed_dictionaries(
            {},
            optional={
                "latency_ms": positive,
                "size_mb": positive,
                "licence": st.sampled_from(["any", "commercial", "permissive"]),
                "offline": st.booleans(),
            },
        ),
        "priorities": st.fixed_dictionaries({}, optional={"accuracy": rating, "latency": rating}),
    },
)


def test_absent_keys_bind_nothing() -> None:
    brief = Brief.parse(TASK)
    assert brief.metric == "accuracy"
    limits = brief.constraints
    assert (limits.device, limits.train_device) == ("this-machine", "this-machine")
    assert (limits.licence, limits.privacy, limits.offline) == ("any", "any", False)
    named = {"device", "train_device", "licence", "privacy", "offline"}
    assert all(value is None for key, value in limits.model_dump().items() if key not in named)
    assert all(value is None for value in brief.data.model_dump().values())
    assert brief.priorities.accuracy == 5
    assert {value for key, value in brief.priorities.model_dump().items() if key != "accuracy"} == {1}


def test_the_contracts_example_is_accepted() -> None:
    content = {
        **TASK,
        "data": {
            "examples": 1000, "classes": 10, "domain": "medical", "languages": ["en"], "tokens": 120,
            "resolution": 224, "imbalance": 8.0, "unlabelled": 0,
        },
        "metric": "accuracy",
        "constraints": {
            "device": "nvidia-t4", "train_device": "this-machine", "train_minutes": 60, "latency_ms": 50,
            "throughput_per_s": 20, "memory_mb": 2000, "size_mb": 100, "licence": "commercial",
            "privacy": "local", "offline": True, "monthly_cost_usd": 200, "requests_per_month": 100000,
            "framework": "pytorch",
        },
        "priorities": {
            "accuracy": 5, "latency": 3, "memory": 1, "training_cost": 2, "cost": 1, "maturity": 1,
            "explainability": 0,
        },
    }  # fmt: skip
    brief = Brief.parse(content)
    dumped = json.loads(brief.model_dump_json())
    for room in ("data", "constraints", "priorities"):
        assert set(dumped[room]) == set(content[room])
        assert all(dumped[room][key] == value for key, value in content[room].items())


@given(briefs)
@settings(max_examples=50, deadline=None)
def test_survives_yaml_and_json(tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]) -> None:
    brief = Brief.parse(content)
    folder = tmp_path_factory.getbasetemp()
    (folder / "b.yaml").write_text(
        yaml.safe_dump(brief.model_dump(mode="json"), allow_unicode=True), encoding="utf-8"
    )
    (folder / "b.json").write_text(brief.model_dump_json(), encoding="utf-8")
    assert read_brief(folder / "b.yaml") == read_brief(folder / "b.json") == brief


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, ["'task' is missing", "advisor tasks"]),
        ({**TASK, "constrains": {}}, ["unknown key 'constrains'", "'constraints'"]),
        ({**TASK, "constraints": {"latncy_ms": 3}}, ["'constraints.latncy_ms'", "'latency_ms'", "memory_mb"]),
        ({**TASK, "data": {"example": 3}}, ["'data.example'", "'examples'"]),
        ({**TASK, "priorities": {"speed": 3}}, ["'priorities.speed'", "accuracy"]),
        ({**TASK, "constraints": {"licence": "comercial"}}, ["'comercial'", "permissive", "'commercial'"]),
        ({**TASK, "constraints": {"latency_ms": 0}}, ["constraints.latency_ms", "0", "greater than 0"]),
        ({**TASK, "constraints": {"latency_ms": float("inf")}}, ["constraints.latency_ms", "inf"]),
        ({**TASK, "constraints": {"memory_mb": "much"}}, ["constraints.memory_mb", "'much'"]),
        ({**TASK, "priorities": {"accuracy": 6}}, ["priorities.accuracy", "6", "5"]),
        ({**TASK, "priorities": {"accuracy": float("nan")}}, ["priorities.accuracy", "nan"]),
        ({**TASK, "data": {"languages": ["English"]}}, ["'English'", "BCP-47"]),
        ({**TASK, "data": {"classes": 0}}, ["data.classes", "0"]),
        ({**TASK, "metric": "f1"}, ["'f1'", "macro_f1"]),
        ({**TASK, "metric": "recall:"}, ["'recall:'"]),
        ({"task": 3}, ["task", "3"]),
        ({**TASK, "data": 3}, ["data", "3"]),
    ],
)
def test_complaints_name_key_value_and_way_out(content: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(BriefError) as caught:
        Brief.parse(content, "need.yaml")
    message = str(caught.value)
    assert message.startswith("need.yaml")
    assert all(part in message for part in said), message
    assert "pydantic" not in message


@pytest.mark.parametrize("content", [None, [], "task: x", 3])
def test_no_mapping(content: Any) -> None:
    with pytest.raises(BriefError, match="not a mapping"):
        Brief.parse(content)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("b.yaml", b"task: [", "not valid YAML"),
        ("b.json", b"{task: x}", "not valid YAML or JSON"),
        ("b.yaml", b"\xff\xfe\x00t", "cannot be read"),
        ("b.yaml", b"", "not a mapping"),
        ("b.yaml", b"!!python/object/apply:os.system [ls]", "not valid"),
        ("b.json", b"[" * 100_000, "not valid"),
    ],
)
def test_files_that_are_no_brief(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BriefError, match=said):
        read_brief(tmp_path / name)


def test_missing_file_and_byte_order_mark(tmp_path: Path) -> None:
    with pytest.raises(BriefError, match="cannot be read"):
        read_brief(tmp_path / "none.yaml")
    (tmp_path / "b.JSON").write_bytes(b'\xef\xbb\xbf{"task": "image-classification"}')
    assert read_brief(tmp_path / "b.JSON").task == "image-classification"


@pytest.mark.parametrize("room", [DataFacts, Constraints])
def test_every_question_is_asked_and_explained(room: type[BaseModel]) -> None:
    for name, field in room.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), name
        assert str(extra["ask"]).endswith("?"), name
        assert str(extra["why"]).endswith("."), name


def test_priorities_are_the_scores_criteria() -> None:
    from typing import get_args

    from advisor.recommendation import Criterion

    assert set(Priorities.model_fields) == set(get_args(Criterion))
