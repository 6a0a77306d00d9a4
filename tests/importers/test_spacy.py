"""The importer of spaCy's pipelines: sizes, licences and scores arrive as the table states them."""

import csv
from pathlib import Path

import pytest
import yaml

from advisor.importers import spacy
from advisor.knowledge import ModelCard, Result

COLUMNS = ["name", "version", "lang", "license", "size", "ents_f", "ner_labels", "sources"]


def row(name: str, **values: str) -> dict[str, str]:
    common = dict(
        zip(
            COLUMNS, (name, "3.8.0", name[:2], "MIT", "12 MB", "0.8433119744", "LOC|PER", "A; B"), strict=True
        )
    )
    return common | values


@pytest.mark.parametrize(
    ("name", "mark", "language"),
    [
        ("en_core_web_sm", "ontonotes5", "en"),
        ("zh_core_web_trf", "ontonotes5-zh", "zh"),
        ("xx_ent_wiki_sm", "wikiner", "mul"),
        ("ca_core_news_lg", "spacy-ner", "ca"),
    ],
)
def test_each_language_has_its_yardstick(name: str, mark: str, language: str) -> None:
    card = ModelCard.model_validate(
        {"family": "f", "tasks": ["token-classification"]} | spacy.card(row(name))
    )
    assert card.input.languages == (language,)
    assert card.size_mb is not None and card.size_mb.value == 12
    assert card.trained_on == ("A", "B")
    found = spacy.result(row(name))
    assert found is not None
    result = Result.model_validate(found)
    assert (result.benchmark, result.value) == (mark, 0.8433119744)


def test_gigabytes_and_share_alike_licences() -> None:
    card = spacy.card(row("da_core_news_lg", license="CC BY-SA 4.0", size="1.2 GB", sources=""))
    assert card["size_mb"]["value"] == 1200 and card["licence"]["class"] == "copyleft"
    assert card["trained_on"] is None


def test_command_leaves_out_what_names_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, knowledge = tmp_path / "spacy.csv", tmp_path / "knowledge"
    (knowledge / "models").mkdir(parents=True)
    curated = "family: c\nmodels:\n  - id: spacy/en_core_web_sm\n"
    (knowledge / "models" / "curated.yaml").write_text(curated, encoding="utf-8")
    rows = [row("en_core_web_sm"), row("de_core_news_sm"), row("de_dep_news_trf", ents_f="")]
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    assert spacy.main([str(table), "--knowledge", str(knowledge)]) == 0
    family = yaml.safe_load((knowledge / spacy.CARDS).read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["spacy/de_core_news_sm"]
    with (knowledge / spacy.RESULTS).open(encoding="utf-8", newline="") as stream:
        assert [found["model"] for found in csv.DictReader(stream)] == [
            "spacy/de_core_news_sm",
            "spacy/en_core_web_sm",
        ]
    assert spacy.main([str(tmp_path / "gone.csv"), "--knowledge", str(knowledge)]) == 2
    assert "gone.csv" in capsys.readouterr().err
