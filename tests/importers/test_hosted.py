"""The importer of hosted models: exact rows only, prices as stated, embeddings have no price for output."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.importers import hosted
from advisor.knowledge import ModelCard, Result

COLUMNS = ["model", "mode", "max_input_tokens", "usd_per_m_input_tokens", "usd_per_m_output_tokens"]
LINE: dict[str, Any] = {
    "id": "maker/chat-1",
    "row": "chat-1",
    "name": "Chat 1",
    "authors": "Maker",
    "tasks": ["text-generation"],
    "where": "https://example.org/models",
    "released": "2024-05-13",
    "aider": "chat-1 (high)",
    "words": {"en": "Long letters", "zh": "长信"},
}


def row(name: str = "chat-1", mode: str = "chat") -> dict[str, str]:
    return dict(zip(COLUMNS, (name, mode, "128000", "2.5", "10.0"), strict=True))


@pytest.mark.parametrize(("mode", "out"), [("chat", 10.0), ("embedding", None)])
def test_prices_arrive_as_stated(mode: str, out: float | None) -> None:
    made = {key: value for key, value in hosted.card(LINE, row(mode=mode)).items() if value is not None}
    common = {"family": "f", "kind": "api", "licence": {"id": "terms of service", "class": "service"}}
    card = ModelCard.model_validate(common | made)
    assert card.price_in is not None and card.price_in.value == 2.5
    assert (card.price_out.value if card.price_out else None) == out
    assert card.input.tokens == 128000
    assert ("frozen" in card.tuning) == (mode == "embedding")


def test_only_exact_titles_give_results_and_the_first_run_counts() -> None:
    runs = [
        {"model": title, "pass_rate_2": rate, "date": "2025-04-16"}
        for title, rate in (("chat-1", 1.0), ("chat-1 (high)", 72.0), ("chat-1 (high)", 2.0))
    ]
    found = [Result.model_validate(item) for item in hosted.aider_results(runs, [LINE])]
    assert [(item.model, item.value) for item in found] == [("maker/chat-1", 0.72)]


def test_command_names_a_row_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices, board, knowledge = tmp_path / "prices.csv", tmp_path / "board.yml", tmp_path / "knowledge"
    with prices.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerow(row())
    board.write_text("- {model: chat-1 (high), pass_rate_2: 72.0, date: 2025-04-16}\n", encoding="utf-8")
    knowledge.mkdir()
    lines = knowledge / "hosted-lines.yaml"
    elsewhere = {"id": "maker/open", "aider": "chat-1"}
    lines.write_text(yaml.safe_dump([LINE, elsewhere]), encoding="utf-8")
    arguments = [str(prices), str(board), "--knowledge", str(knowledge)]
    assert hosted.main(arguments) == 0
    family = yaml.safe_load((knowledge / hosted.CARDS).read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["maker/chat-1"]
    assert "maker/chat-1,aider-polyglot,pass2,0.72" in (knowledge / hosted.RESULTS).read_text(
        encoding="utf-8"
    )
    lines.write_text(yaml.safe_dump([LINE | {"row": "chat-2"}]), encoding="utf-8")
    assert hosted.main(arguments) == 2
    assert "chat-2" in capsys.readouterr().err
