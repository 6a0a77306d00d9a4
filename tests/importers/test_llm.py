"""The importer of language models: only claimed models become cards, and every score keeps its source."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.importers import llm
from advisor.knowledge import ModelCard, Result

OPEN = ["fullname", "#Params (B)", "MMLU-PRO", "BBH", "MATH Lvl 5"]
LINE: dict[str, Any] = {
    "slug": "made",
    "family": "Made",
    "authors": "Maker",
    "architecture": "Llama",
    "licence": {"id": "mit", "class": "permissive", "source": "maker-licence"},
    "tokens": 2048,
    "languages": ["en"],
    "lora": ["q_proj"],
    "match": ["maker/.*"],
    "words": {"en": "short answers", "zh": "简短应答"},
}


def open_row(
    name: str = "maker/base-7b", size: str = "7.242", score: str = "51.85062056737589"
) -> dict[str, str]:
    return dict(zip(OPEN, (name, size, score, "", "0.0"), strict=True))


def plus(link: str, size: float | None = 7.0, **scores: float | None) -> dict[str, Any]:
    return {"link": link, "size": size, "pass@1": scores}


def test_scores_are_shares_and_the_first_submission_counts() -> None:
    rows = llm.open_llm_results([open_row(), open_row(score="10")])
    found = {row.benchmark: row.value for row in map(Result.model_validate, rows)}
    assert found == {"open-llm-mmlu-pro": 0.5185062056737589, "open-llm-math": 0.0}


def test_only_exact_hub_links_become_results() -> None:
    document = {
        "A": plus("https://huggingface.co/maker/coder", humaneval=81.7, mbpp=None),
        "B": plus("https://arxiv.org/abs/2203.13474", humaneval=32.9),
    }
    assert [(row["model"], row["benchmark"], row["value"]) for row in llm.evalplus_results(document)] == [
        ("maker/coder", "humaneval", 0.817)
    ]


def test_the_arena_counts_only_titles_that_a_person_has_matched() -> None:
    rows = [
        {"model": title, "arena_score": "1100", "votes": "9", "95_pct_ci": "+1/-1"}
        for title in ("Base 7B", "Base 7B", "Base 8B")
    ]
    found = llm.arena_results(rows, {"Base 7B": "maker/base-7b"})
    assert [(row["model"], row["value"], row["protocol"]) for row in found] == [
        ("maker/base-7b", 1100.0, "9 votes, +1/-1")
    ]


@given(st.floats(1e8, 5e11))
def test_every_size_gives_a_valid_card(value: float) -> None:
    parameters = {"value": value, "unit": "parameters", "source": "s"}
    card = ModelCard.model_validate({"family": "f"} | llm.card("maker/x-instruct", LINE, parameters, None))
    assert card.size_mb is not None and card.size_mb.value == pytest.approx(value * 2 / 1e6)
    assert card.size_mb.source == "derived-bf16-size"
    assert card.input.tokens == 2048 and not card.cited


def test_a_specification_gives_context_and_active_parameters() -> None:
    spec = {"hf_id": "maker/moe", "context_length": "131072", "size_b": "20", "activated_size_b": "3_6"}
    parameters = {"value": 20e9, "unit": "parameters", "source": "s"}
    card = ModelCard.model_validate({"family": "f"} | llm.card("maker/moe", LINE, parameters, spec))
    assert card.input.tokens == 131072 and card.cited == {"input": "xinference-2026-08"}
    assert card.active_parameters is not None and card.active_parameters.value == 3_600_000_000


def test_the_width_of_a_weight_sets_the_size() -> None:
    parameters = {"value": 4e9, "unit": "parameters", "source": "s"}
    size = llm.card("maker/x", LINE | {"bytes": 1}, parameters, None)["size_mb"]
    assert size == {"value": 4000, "unit": "MB", "source": "derived-fp8-size"}


def test_models_of_a_line_may_have_come_out_on_several_days() -> None:
    line = LINE | {"dates": {".*-v2": "2024-05-22"}}
    parameters = {"value": 4e9, "unit": "parameters", "source": "s"}
    assert llm.card("maker/x-v2", line, parameters, None)["released"] == "2024-05-22"
    assert "released" not in llm.card("maker/x-v1", line, parameters, None)


@pytest.mark.parametrize(
    ("id", "tasks", "size", "start"),
    [
        ("maker/base", None, 7e9, "A base model"),
        ("maker/coder", ["code-generation"], 7e9, "States wrong"),
        ("maker/mini-instruct", None, 1e9, "Knows few"),
        ("maker/huge-chat", None, 7e10, "Needs several"),
    ],
)
def test_weaknesses_follow_from_kind_and_size(
    id: str, tasks: list[str] | None, size: float, start: str
) -> None:
    line = LINE | ({"tasks": tasks} if tasks else {})
    card = llm.card(id, line, {"value": size, "unit": "parameters", "source": "s"}, None)
    assert card["weaknesses"]["en"].startswith(start)


def write_inputs(folder: Path) -> list[str]:
    open_rows = [
        open_row(),
        open_row("maker/curated", "1"),
        open_row("stranger/x", "1"),
        open_row("maker/sizeless", "-1"),
    ]
    specs = [{"hf_id": "maker/routed", "size_b": "20", "activated_size_b": "3_6", "context_length": "4096"}]
    arena = [{"model": "Routed", "arena_score": "1200", "votes": "5", "95_pct_ci": "+9/-9"}]
    for name, rows in (("open.csv", open_rows), ("specs.csv", specs), ("arena.csv", arena)):
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    document = {
        "C": plus("https://huggingface.co/maker/coder", 6.7, humaneval=50.0),
        "R": plus("https://huggingface.co/maker/routed", 3.6, humaneval=60.0),
    }
    (folder / "plus.json").write_text(json.dumps(document), encoding="utf-8")
    knowledge = folder / "knowledge"
    (knowledge / "models").mkdir(parents=True)
    lines = [LINE | {"slug": "routed", "match": ["maker/routed"], "routed": True}, LINE]
    (knowledge / "llm-lines.yaml").write_text(yaml.safe_dump(lines), encoding="utf-8")
    (knowledge / "arena-names.yaml").write_text("Routed: maker/routed\n", encoding="utf-8")
    curated = "family: c\nmodels:\n  - id: maker/curated\n"
    (knowledge / "models" / "curated.yaml").write_text(curated, encoding="utf-8")
    arguments = ["--open-llm", str(folder / "open.csv"), "--evalplus", str(folder / "plus.json")]
    arguments += ["--arena", str(folder / "arena.csv"), "--specs", str(folder / "specs.csv")]
    return [*arguments, "--knowledge", str(knowledge)]


def test_command_makes_the_same_files_again(tmp_path: Path) -> None:
    arguments = write_inputs(tmp_path)
    assert llm.main(arguments) == 0
    models = tmp_path / "knowledge" / "models"
    made = yaml.safe_load((models / "llm-made.yaml").read_text(encoding="utf-8"))
    assert [card["id"] for card in made["models"]] == ["maker/base-7b", "maker/coder"]
    assert (
        made["defaults"]["licence"]["id"] == "mit"
        and made["models"][1]["parameters"]["value"] == 6_700_000_000
    )
    routed = yaml.safe_load((models / "llm-routed.yaml").read_text(encoding="utf-8"))["models"][0]
    assert routed["parameters"]["value"] == 20_000_000_000
    results = tmp_path / "knowledge" / llm.RESULTS
    with results.open(encoding="utf-8", newline="") as stream:
        found = {row["model"] for row in csv.DictReader(stream)}
    assert found == {"maker/base-7b", "maker/coder", "maker/curated", "maker/routed"}
    before = {path: path.read_bytes() for path in [*models.iterdir(), results]}
    assert llm.main(arguments) == 0
    assert {path: path.read_bytes() for path in before} == before


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = write_inputs(tmp_path)
    (tmp_path / "plus.json").unlink()
    assert llm.main(arguments) == 2
    assert "plus.json" in capsys.readouterr().err
