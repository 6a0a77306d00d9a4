"""The importer of Firefox' translation models: one card per measured model, the same files each time."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.importers import firefox
from advisor.knowledge import ModelCard, Result

META: dict[str, Any] = {
    "architecture": "tiny",
    "byteSize": 17140899,
    "flores": {"bleu": 39.1, "comet": 0.8674},
    "modelStatistics": {"parameters": 16907062},
    "sourceLanguage": "bg",
    "targetLanguage": "en",
    "path": "models/tiny/bgen",
}


def test_card_and_result_keep_the_stated_numbers() -> None:
    common = {"family": "f", "tasks": ["translation"], "licence": {"id": "mpl-2.0", "class": "copyleft"}}
    card = ModelCard.model_validate(common | firefox.card(META))
    assert card.size_mb is not None and card.size_mb.value == 17.140899
    assert card.parameters is not None and card.parameters.value == 16907062
    assert card.input.languages == ("bg", "en")
    assert card.good_for is not None and card.good_for.en.startswith("Bulgarian into English")
    found = firefox.result(META)
    assert found is not None
    result = Result.model_validate(found)
    assert (result.model, result.value, result.protocol) == (card.id, 0.8674, "bg-en")


@pytest.mark.parametrize("lacking", [{"flores": None}, {"flores": {"bleu": 1.0}}])
def test_an_unmeasured_model_has_no_result(lacking: dict[str, Any]) -> None:
    assert firefox.result(META | lacking) is None


def test_unknown_parameters_stay_unknown() -> None:
    assert firefox.card(META | {"modelStatistics": None})["parameters"] is None


def test_command_reads_a_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout, knowledge = tmp_path / "checkout", tmp_path / "knowledge"
    assert firefox.main([str(checkout), "--knowledge", str(knowledge)]) == 2
    assert "metadata.json" in capsys.readouterr().err
    for architecture, flores in (("tiny", META["flores"]), ("base", None)):
        folder = checkout / "models" / architecture / "bgen"
        folder.mkdir(parents=True)
        meta = META | {"architecture": architecture, "flores": flores}
        (folder / "metadata.json").write_text(json.dumps(meta), encoding="utf-8")
    assert firefox.main([str(checkout), "--knowledge", str(knowledge)]) == 0
    family = yaml.safe_load((knowledge / firefox.CARDS).read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["mozilla/firefox-translations-tiny-bg-en"]
    with (knowledge / firefox.RESULTS).open(encoding="utf-8", newline="") as stream:
        assert [row["value"] for row in csv.DictReader(stream)] == ["0.8674"]
