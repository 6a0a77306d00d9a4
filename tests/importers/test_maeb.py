"""The importer of audio encoders: stated facts arrive, the maker's licence wins, unclaimed models stay out."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.importers import maeb
from advisor.knowledge import ModelCard, Result

META = {
    "name": "maker/ear",
    "revision": "b" * 40,
    "release_date": "2023-01-02",
    "n_parameters": "1000",
    "memory_usage_mb": "2.0",
    "embed_dim": "768",
    "license": "mit",
    "open_weights": "True",
    "languages": "eng-Latn",
    "training_datasets": "B|A",
}
LINE: dict[str, Any] = {
    "slug": "made",
    "family": "Made",
    "authors": "Maker",
    "architecture": "CNN",
    "sampling_rate": 16000,
    "match": ["maker/.*"],
    "words": {"en": "barks and bells", "zh": "犬吠与铃声"},
}


def mean(model: str = "maker/ear", benchmark: str = "MAEB(v1, audio-only)") -> dict[str, str]:
    scores = {"avg_AudioClassification": "45.7", "avg_AudioZeroshotClassification": "30.01"}
    return {"model": model, "benchmark": benchmark} | scores


def test_card_holds_what_the_table_states() -> None:
    card = ModelCard.model_validate(
        {"family": "f", "tasks": ["audio-classification"]} | maeb.card(META, LINE)
    )
    assert card.input.sampling_rate == 16000 and card.input.languages == ("en",)
    assert card.size_mb is not None and card.size_mb.value == 2.097152
    assert card.trained_on == ("A", "B") and card.embedding_dim == 768
    assert card.licence.klass == "permissive"


def test_the_makers_licence_wins_and_the_unknown_stays_out() -> None:
    strict = {"id": "cc-by-nc-4.0", "class": "non-commercial", "source": "maker-licence"}
    assert maeb.card(META, LINE | {"licence": strict})["licence"] == strict
    bare = META | {"release_date": "", "revision": "main", "embed_dim": "64|128", "training_datasets": ""}
    assert {"released", "revision", "embedding_dim", "trained_on"}.isdisjoint(maeb.card(bare, LINE))


@pytest.mark.parametrize(
    ("benchmark", "mark", "value"),
    [
        ("MAEB(v1, audio-only)", "maeb-classification", 0.457),
        ("MAEB(v1)", "maeb-zero-shot", 0.3001),
    ],
)
def test_means_are_shares(benchmark: str, mark: str, value: float) -> None:
    found = [Result.model_validate(row) for row in maeb.results([mean(benchmark=benchmark)])]
    assert [(row.benchmark, row.value) for row in found] == [(mark, value)]


def test_command_writes_claimed_models_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    knowledge = tmp_path / "knowledge"
    models = knowledge / "models"
    models.mkdir(parents=True)
    (models / "curated.yaml").write_text("family: c\nmodels:\n  - id: curated/ear\n", encoding="utf-8")
    (knowledge / "audio-lines.yaml").write_text(yaml.safe_dump([LINE]), encoding="utf-8")
    metas = [META, META | {"name": "maker/nameless", "license": ""}, META | {"name": "stranger/ear"}]
    means = [mean(name) for name in ("maker/ear", "maker/nameless", "stranger/ear", "curated/ear")]
    for name, rows in (("meta.csv", metas), ("means.csv", means)):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    arguments = [str(tmp_path / "meta.csv"), str(tmp_path / "means.csv"), "--knowledge", str(knowledge)]
    assert maeb.main(arguments) == 0
    made = models / "audio-features-made.yaml"
    family = yaml.safe_load(made.read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["maker/ear"]
    with (knowledge / maeb.RESULTS).open(encoding="utf-8", newline="") as stream:
        assert {row["model"] for row in csv.DictReader(stream)} == {"maker/ear", "curated/ear"}
    before = made.read_bytes()
    assert maeb.main(arguments) == 0 and made.read_bytes() == before
    (knowledge / "audio-lines.yaml").unlink()
    assert maeb.main(arguments) == 2
    assert "audio-lines.yaml" in capsys.readouterr().err
