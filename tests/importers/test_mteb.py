"""The MTEB importer: stated facts arrive, missing ones stay missing, and a refresh changes nothing by itself."""

import csv
import datetime as dt
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import DataError
from advisor.importers import mteb
from advisor.importers.write import RESULT_COLUMNS, csv_text, yaml_text
from advisor.knowledge import ModelCard, Result

MERGED_COLUMNS = [
    *mteb.BENCHMARKS,
    "name",
    "release_date",
    "n_parameters",
    "n_embedding_parameters",
    "memory_usage_mb",
    "embed_dim",
    "max_tokens",
    "license",
    "multilingual_v2_tasks",
    "multilingual_v2_mean_partial",
]
META_COLUMNS = ["name", "revision", "framework", "languages", "training_datasets"]


def merged_row(**values: str) -> dict[str, str]:
    return dict.fromkeys(MERGED_COLUMNS, "") | {"name": "maker/encoder"} | values


def meta_row(**values: str) -> dict[str, str]:
    return dict.fromkeys(META_COLUMNS, "") | {"name": "maker/encoder"} | values


def full_rows() -> tuple[dict[str, str], dict[str, str]]:
    merged = merged_row(
        release_date="2024-02-29",
        n_parameters="1000",
        n_embedding_parameters="600",
        memory_usage_mb="100.0",
        embed_dim="64|128",
        max_tokens="512.0",
        license="apache-2.0",
        eng_v2_classification="69.25",
        cmn_classification="43.04",
        multilingual_v2_tasks="130",
        multilingual_v2_mean_partial="41.64",
    )
    meta = meta_row(
        revision="a" * 40,
        framework="ONNX|PyTorch|Sentence Transformers|safetensors",
        languages="eng-Latn|zho-Hans",
        training_datasets="NQ|MSMARCO",
    )
    return merged, meta


def test_card_holds_what_the_tables_state_and_is_a_valid_card() -> None:
    merged, meta = full_rows()
    card = ModelCard.model_validate({"family": "f"} | mteb.card(merged, meta, "meta"))
    assert card.id == "maker/encoder"
    assert card.parameters is not None and card.parameters.value == 1000
    assert card.size_mb is not None and card.size_mb.value == pytest.approx(104.9)
    assert card.embedding_dim == 128
    assert card.input.tokens == 512
    assert card.input.languages == ("en", "zh")
    assert card.released == dt.date(2024, 2, 29)
    assert card.trained_on == ("MSMARCO", "NQ")
    assert card.frameworks == ("pytorch", "onnx")
    assert card.licence.klass == "permissive"


def test_what_is_not_stated_is_unknown_rather_than_zero() -> None:
    card = ModelCard.model_validate({"family": "f"} | mteb.card(merged_row(), meta_row(), "meta"))
    assert card.parameters is None and card.size_mb is None and card.embedding_dim is None
    assert card.input.tokens is None and card.input.languages is None
    assert card.trained_on is None and card.released is None and card.revision is None
    assert card.licence.klass == "unknown"
    assert mteb.results(merged_row(), "scores") == []


def test_a_static_model_has_no_limit_and_is_not_fine_tuned() -> None:
    merged = merged_row(max_tokens="inf")
    card = mteb.card(merged, meta_row(framework="NumPy|Sentence Transformers|safetensors"), "meta")
    assert card["input"]["tokens"] is None
    assert card["library"] == "sentence-transformers"
    assert card["tuning"] == ["frozen", "head"]


@pytest.mark.parametrize(
    ("stated", "klass"),
    [
        ("mit", "permissive"),
        ("apache-2.0", "permissive"),
        ("cc-by-nc-4.0", "non-commercial"),
        ("cc-by-nc-sa-4.0", "non-commercial"),
        ("cc-by-sa-4.0", "copyleft"),
        ("gemma", "custom"),
        ("https://ai.google.dev/gemma/terms", "custom"),
        ("https://example.org/terms", "custom"),
        ("", "unknown"),
        ("not specified", "unknown"),
        ("own-invention-1.0", "unknown"),
    ],
)
def test_licence_classes(stated: str, klass: str) -> None:
    licence = mteb.licence(stated, "meta")
    assert licence["class"] == klass
    assert bool(licence.get("trap")) == (klass in ("custom", "non-commercial"))


def test_languages_become_bcp_47() -> None:
    assert mteb.languages("eng-Latn|zho-Hans|zho-Hant|cmn-Hans|python-Code|yue-Hant") == ("en", "yue", "zh")
    assert mteb.languages("") is None
    assert mteb.languages("python-Code") is None


def test_results_are_shares_with_their_source() -> None:
    merged, _ = full_rows()
    rows = [Result.model_validate(row) for row in mteb.results(merged, "scores")]
    found = {row.benchmark: row.value for row in rows}
    assert found == {
        "mteb-eng-v2-classification": 0.6925,
        "mteb-cmn-classification": 0.4304,
        "mteb-multilingual": 0.4164,
    }
    assert {row.source for row in rows} == {"scores"}


@given(st.integers(min_value=0, max_value=131))
def test_a_mean_over_few_tasks_is_no_result(tasks: int) -> None:
    merged = merged_row(multilingual_v2_tasks=str(tasks), multilingual_v2_mean_partial="50")
    assert bool(mteb.results(merged, "scores")) == (tasks >= mteb.ALL_BUT_TWO)


def write_tables(folder: Path) -> tuple[Path, Path]:
    merged, meta = full_rows()
    paths = folder / "merged.csv", folder / "meta.csv"
    for path, columns, row in ((paths[0], MERGED_COLUMNS, merged), (paths[1], META_COLUMNS, meta)):
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows([row, row | {"name": "maker/other"}, row | {"name": "curated/encoder"}])
    return paths


def test_command_adds_refreshes_and_leaves_curated_cards_alone(tmp_path: Path) -> None:
    merged, meta = write_tables(tmp_path)
    knowledge = tmp_path / "knowledge"
    (knowledge / "models").mkdir(parents=True)
    curated = knowledge / "models" / "curated.yaml"
    curated.write_text("family: c\nmodels:\n  - id: curated/encoder\n", encoding="utf-8")
    arguments = [str(merged), str(meta), "--knowledge", str(knowledge)]
    assert mteb.main([*arguments, "--add", "maker/encoder,curated/encoder"]) == 0
    family = yaml.safe_load((knowledge / mteb.CARDS).read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["maker/encoder"]
    with (knowledge / mteb.RESULTS).open(encoding="utf-8", newline="") as stream:
        assert {row["model"] for row in csv.DictReader(stream)} == {"maker/encoder", "curated/encoder"}
    before = [(knowledge / path).read_bytes() for path in (mteb.CARDS, mteb.RESULTS)]
    assert mteb.main(arguments) == 0
    assert [(knowledge / path).read_bytes() for path in (mteb.CARDS, mteb.RESULTS)] == before
    assert curated.read_text(encoding="utf-8") == "family: c\nmodels:\n  - id: curated/encoder\n"


def test_unknown_ids_and_missing_tables_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    merged, meta = write_tables(tmp_path)
    assert mteb.main([str(merged), str(meta), "--knowledge", str(tmp_path), "--add", "no/such"]) == 2
    assert "no/such" in capsys.readouterr().err
    assert mteb.main([str(tmp_path / "gone.csv"), str(meta), "--knowledge", str(tmp_path)]) == 2
    assert "gone.csv" in capsys.readouterr().err
    assert not (tmp_path / mteb.CARDS).exists()
    with pytest.raises(DataError, match="no/such"):
        mteb.refresh([], [], ["no/such"], [], "scores", "meta")


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)
scalars = st.one_of(
    texts,
    st.integers(-(10**12), 10**12),
    st.booleans(),
    st.dates(),
    st.floats(-1e6, 1e6).map(lambda x: round(x, 4)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["en", "zh", "no", "value"]), inner, max_size=3),
    ),
    max_leaves=3,
)
keys = st.sampled_from(["id", "name", "tasks", "input", "trained_on"])


@given(
    texts,
    st.dictionaries(keys, values, max_size=3),
    st.lists(st.dictionaries(keys, values, min_size=1, max_size=3), max_size=2),
)
def test_yaml_text_reads_back_as_it_was(
    family: str, defaults: dict[str, object], cards: list[dict[str, object]]
) -> None:
    read = yaml.safe_load(yaml_text(family, defaults, cards))
    assert read["family"] == family
    assert read.get("defaults", {}) == defaults
    assert (read["models"] or []) == cards


def test_yaml_text_leaves_unknown_out_and_wraps_long_lists() -> None:
    text = yaml_text("f", {}, [{"id": "a/b", "gone": None, "many": [f"dataset-{i}" for i in range(40)]}])
    assert "gone" not in text
    assert max(map(len, text.splitlines())) <= 110
    assert yaml.safe_load(text)["models"][0]["many"][39] == "dataset-39"


@given(st.lists(st.fixed_dictionaries({"model": st.sampled_from(["a", "b"]), "value": st.floats(0, 1)})))
def test_csv_text_does_not_depend_on_order_or_repeats(rows: list[dict[str, object]]) -> None:
    assert csv_text(rows) == csv_text([*reversed(rows), *rows])
    assert csv_text(rows).splitlines()[0] == ",".join(RESULT_COLUMNS)
