"""The importer of speech recognisers: error rates are shares, sizes are stated, proprietary models are left out."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.importers import asr
from advisor.knowledge import ModelCard, Result

LINE: dict[str, Any] = {
    "slug": "made",
    "family": "Made",
    "authors": "Maker",
    "architecture": "Conformer",
    "released": "2024-01-02",
    "licence": {"id": "mit", "class": "permissive", "source": "maker-licence"},
    "languages": ["en"],
    "lora": ["q_proj"],
    "match": ["maker/.*"],
    "words": {"en": "fast captions", "zh": "快速字幕"},
}


def row(name: str, size: str, table: str = "en_shortform.csv", key: str = "model") -> dict[str, str]:
    return {key: name, "Model size (B)": size} | dict.fromkeys(asr.MARKS[table], "5.42")


def tables() -> dict[str, list[dict[str, str]]]:
    short = [row("maker/small", "0.12"), row("maker/hidden", "-1"), row("stranger/x", "2")]
    short[0]["AMI WER"] = ""
    return {
        "en_shortform.csv": short,
        "en_longform.csv": [row("curated/asr", "", "en_longform.csv", "model_id")],
        "multilingual.csv": [row("maker/many", "7.801041536", "multilingual.csv")],
    }


def test_error_rates_are_shares_and_blanks_are_no_results() -> None:
    found = [Result.model_validate(item) for item in asr.results(tables())]
    small = {item.benchmark: item.value for item in found if item.model == "maker/small"}
    assert small == dict.fromkeys(("open-asr", "librispeech", "librispeech-other", "earnings22"), 0.0542)
    assert {item.benchmark for item in found if item.model == "maker/many"} == {"open-asr-multilingual"}


@given(st.floats(0.001, 30).map(lambda value: f"{value:.6f}"))
def test_every_stated_size_gives_a_valid_card(billions: str) -> None:
    card = ModelCard.model_validate(
        {"family": "f", "tasks": ["speech-recognition"]} | asr.card("maker/x", LINE, billions)
    )
    assert card.parameters is not None and card.size_mb is not None
    assert card.parameters.value == pytest.approx(float(billions) * 1e9)
    assert card.size_mb.value == pytest.approx(card.parameters.value * 2 / 1e6)
    assert card.input.sampling_rate == 16000 and card.weaknesses is not None


def test_command_writes_the_claimed_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rows in tables().items():
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    knowledge = tmp_path / "knowledge"
    models = knowledge / "models"
    models.mkdir(parents=True)
    (models / "curated.yaml").write_text("family: c\nmodels:\n  - id: curated/asr\n", encoding="utf-8")
    (knowledge / "asr-lines.yaml").write_text(yaml.safe_dump([LINE]), encoding="utf-8")
    arguments = [str(tmp_path), "--knowledge", str(knowledge)]
    assert asr.main(arguments) == 0
    made = models / "asr-made.yaml"
    family = yaml.safe_load(made.read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["maker/many", "maker/small"]
    with (knowledge / asr.RESULTS).open(encoding="utf-8", newline="") as stream:
        assert {item["model"] for item in csv.DictReader(stream)} == {
            "maker/many",
            "maker/small",
            "curated/asr",
        }
    before = made.read_bytes()
    assert asr.main(arguments) == 0 and made.read_bytes() == before
    (tmp_path / "multilingual.csv").unlink()
    assert asr.main(arguments) == 2
    assert "multilingual.csv" in capsys.readouterr().err
