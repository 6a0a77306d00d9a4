"""The user's own folders: what becomes of each, and what their cards claim to know."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from model_folders import BERT_CONFIG, bert_files, card, knowledge, tensors, timm_files, write

from advisor.errors import WeightsUnavailable
from advisor.knowledge import ModelCard
from advisor.weights import availability, local_cards, local_folders, locate
from advisor.weights.licence import licence_class

PARAMETERS = 64 * 64 + 64


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    parent = tmp_path / "models"
    parent.mkdir()
    monkeypatch.setenv("ADVISOR_MODELS", str(parent))
    return parent


def only_card() -> ModelCard:
    (found,) = local_cards()
    return found


def problem() -> WeightsUnavailable:
    (found,) = local_folders()
    own = card(found.id)
    with pytest.raises(WeightsUnavailable) as caught:
        locate(own, knowledge(own), offline=True)
    told = availability(own, knowledge(own), offline=True)
    assert not told.loadable and caught.value.what in told.because
    return caught.value


def test_a_timm_folder_is_a_candidate_of_which_only_the_files_facts_are_known(models: Path) -> None:
    files = timm_files()
    write(models / "mine", files)
    found = only_card()
    assert (found.id, found.name, found.family, found.library) == ("mine", "mine", "resnet10t", "timm")
    assert found.tasks == ("image-classification",)
    assert found.input.resolution == 48 and found.input.languages is None
    assert found.parameters and (found.parameters.value, found.parameters.source) == (
        PARAMETERS,
        "local-file",
    )
    assert found.size_mb and found.size_mb.value == len(files["model.safetensors"]) / 1e6
    assert (found.licence.id, found.licence.klass) == ("apache-2.0", "permissive")
    assert found.trained_on == ("noise",)
    assert found.flops is None and found.released is None


def test_a_text_folder_is_a_candidate_for_both_text_tasks(models: Path) -> None:
    write(models / "mine", bert_files())
    found = only_card()
    assert found.tasks == ("text-classification", "sentence-embedding")
    assert found.input.tokens == 48 and found.embedding_dim == 32
    assert found.licence.klass == "unknown"


def test_the_id_is_the_config_s_and_the_card_of_that_id_is_used(models: Path) -> None:
    write(models / "mine", timm_files(model_id="org/tiny"))
    own = card("org/tiny")
    weights = locate(own, knowledge(own), offline=True)
    assert weights.model == only_card().id == "org/tiny"
    assert weights.origin == "local" and weights.folder == models / "mine"
    known = knowledge(own).with_models(local_cards())
    assert known.models == (own,)


@pytest.mark.parametrize("id", ["../x", "..", ".x", "a/..", "a/b/c", "", 3, None, "a b"])
def test_an_impossible_id_gives_way_to_the_folder_s_name(models: Path, id: Any) -> None:
    write(models / "mine", timm_files(model_id=id))
    assert only_card().id == "mine"


def test_the_revision_follows_the_content(models: Path) -> None:
    write(models / "mine", timm_files())
    own = only_card()
    first = locate(own, knowledge(own), offline=True)
    assert first.revision.startswith("local:") and len(first.revision) == len("local:") + 12
    assert first.architecture == "resnet10t" and first.licence == "apache-2.0"
    write(models / "mine", {"model.safetensors": tensors(seed=1)})
    os.utime(models / "mine" / "model.safetensors", ns=(1, 1))
    assert locate(own, knowledge(own), offline=True).revision != first.revision


def test_several_parents_are_looked_through_and_the_first_of_one_id_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "one" / "a", timm_files())
    write(tmp_path / "two" / "a", timm_files())
    write(tmp_path / "two" / "b", timm_files())
    write(tmp_path / "two" / ".hidden", timm_files())
    (tmp_path / "two" / "empty").mkdir()
    (tmp_path / "two" / "file").write_text("", encoding="utf-8")
    parents = [tmp_path / "one", tmp_path / "absent", tmp_path / "two"]
    environ = {"ADVISOR_MODELS": os.pathsep.join(["", *map(str, parents)])}
    assert [found.folder for found in local_folders(environ)] == [
        tmp_path / "one" / "a",
        tmp_path / "two" / "b",
    ]
    assert local_folders({}) == ()


def test_a_changed_config_is_read_again(models: Path) -> None:
    write(models / "mine", timm_files())
    assert only_card().id == "mine"
    write(models / "mine", timm_files(model_id="renamed"))
    os.utime(models / "mine" / "config.json", ns=(1, 1))
    assert only_card().id == "renamed"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "checkpoint.pth"])
def test_pickles_only_is_refused(models: Path, name: str) -> None:
    files = timm_files()
    files[name] = files.pop("model.safetensors")
    write(models / "mine", files)
    assert problem().allowed == "safetensors only"
    assert only_card().size_mb is None


def test_pickles_without_config_are_refused_too(models: Path) -> None:
    write(models / "mine", {"model.pt": b""})
    assert "config.json cannot be read" in problem().what
    assert local_cards() == ()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"config.json": b"[1]"}, "holds a list"),
        ({"config.json": b"{"}, "not valid JSON"),
        ({"config.json": b"\xff"}, "not valid JSON"),
        ({"config.json": b"[" * 100_000}, "not valid JSON"),
        ({"config.json": b" " * 20_000_001}, "20000001 bytes"),
        ({"config.json": b"{}"}, "names no model"),
        ({"config.json": b'{"model_type": "x", "auto_map": {"AutoModel": "m.X"}}'}, "auto_map"),
        ({"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["m.X", null]}}'}, "auto_map"),
        ({"model.safetensors": b""}, "header of 0 bytes"),
    ],
)
def test_an_unsound_folder_ends_with_its_reason(models: Path, files: dict[str, bytes], reason: str) -> None:
    write(models / "mine", {**timm_files(), **files})
    assert reason in problem().what


def test_a_model_whose_task_cannot_be_told_is_no_candidate(models: Path) -> None:
    write(models / "mine", {**bert_files(), "config.json": b'{"model_type": "whisper"}'})
    assert local_cards() == ()
    assert local_folders()[0].problem is None


def test_odd_values_of_a_config_do_not_spoil_the_card(models: Path) -> None:
    odd = {
        **BERT_CONFIG,
        "hidden_size": "wide",
        "max_position_embeddings": -1,
        "license": 7,
        "trained_on": [1],
    }
    write(
        models / "text",
        {**bert_files(), "config.json": json.dumps(odd).encode(), "tokenizer_config.json": b"{}"},
    )
    write(models / "image", timm_files(pretrained_cfg={"input_size": "large"}))
    image, text = local_cards()
    assert image.input.resolution is None
    assert text.input.tokens is None and text.embedding_dim is None and text.trained_on is None


def test_roberta_loses_two_positions(models: Path) -> None:
    config = json.dumps({"model_type": "xlm-roberta", "max_position_embeddings": 514}).encode()
    write(models / "mine", {**bert_files(), "config.json": config, "tokenizer_config.json": b"{}"})
    assert only_card().input.tokens == 512


def test_a_transformers_image_encoder_is_a_candidate_for_images(models: Path) -> None:
    config = json.dumps({"model_type": "vit", "image_size": 224}).encode()
    write(models / "mine", {"config.json": config, "model.safetensors": tensors()})
    assert only_card().tasks == ("image-classification",) and only_card().input.resolution == 224


def test_the_licence_stands_in_the_front_matter_of_the_readme(models: Path) -> None:
    write(
        models / "mine",
        {**bert_files(), "README.md": b"---\nlanguage: en\nlicense: cc-by-nc-4.0\n---\n# x\n"},
    )
    assert only_card().licence.klass == "non-commercial"
    own = only_card()
    assert locate(own, knowledge(own), offline=True).licence == "cc-by-nc-4.0"


@pytest.mark.parametrize(
    ("id", "klass"),
    [
        ("Apache-2.0", "permissive"),
        ("mit", "permissive"),
        ("cc-by-4.0", "permissive"),
        ("gpl-3.0", "copyleft"),
        ("cc-by-sa-4.0", "copyleft"),
        ("cc-by-nc-sa-4.0", "non-commercial"),
        ("llama3", "custom"),
        ("other", "unknown"),
    ],
)
def test_licences_are_classed_by_their_hub_id(id: str, klass: str) -> None:
    assert licence_class(id) == klass


def test_a_baseline_needs_no_weights() -> None:
    majority = card("baseline/majority", kind="baseline")
    told = availability(majority, knowledge(majority), offline=True)
    assert told.loadable and told.origin is None and told.download_mb == 0
