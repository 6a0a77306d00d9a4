"""The MTEB importer: stated facts arrive, missing ones stay missing, and a refresh changes nothing by itself."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import DataError
from advisor.importers import mteb
from advisor.importers.tables import exact
from advisor.importers.terms import languages, licence
from advisor.importers.write import RESULT_COLUMNS, csv_text, yaml_text
from advisor.knowledge import ModelCard, Result

META_COLUMNS = [
    "name",
    "revision",
    "release_date",
    "n_parameters",
    "n_active_parameters",
    "n_embedding_parameters",
    "memory_usage_mb",
    "embed_dim",
    "max_tokens",
    "license",
    "open_weights",
    "modalities",
    "model_type",
    "languages",
    "framework",
    "adapted_from",
    "superseded_by",
    "training_datasets",
]
MEAN_COLUMNS = ["benchmark", "model", "n_tasks", "complete", "mean_task", *mteb.PARTS]
LINES: list[dict[str, Any]] = [
    {
        "slug": "made",
        "family": "Made",
        "match": ["maker/.*"],
        "lora": ["query"],
        "words": {"en": "x", "zh": "某"},
    }
]


def meta_row(**values: str) -> dict[str, str]:
    return dict.fromkeys(META_COLUMNS, "") | {"name": "maker/encoder", "model_type": "dense"} | values


def full_meta(**values: str) -> dict[str, str]:
    return (
        meta_row(
            revision="a" * 40,
            release_date="2024-02-29",
            n_parameters="1000",
            n_active_parameters="300",
            n_embedding_parameters="600",
            memory_usage_mb="0.004",
            embed_dim="64|128",
            max_tokens="512.0",
            license="apache-2.0",
            open_weights="True",
            modalities="text",
            languages="eng-Latn|zho-Hans",
            framework="ONNX|PyTorch|Sentence Transformers|safetensors",
            training_datasets="NQ|MSMARCO",
        )
        | values
    )


def mean_row(**values: str) -> dict[str, str]:
    row = dict.fromkeys(MEAN_COLUMNS, "") | {"model": "maker/encoder", "benchmark": "MTEB(eng, v2)"}
    return row | {"n_tasks": "41", "complete": "0"} | values


def test_card_holds_what_the_table_states_and_is_a_valid_card() -> None:
    card = ModelCard.model_validate({"family": "f"} | mteb.card(full_meta(), LINES[0], "meta"))
    assert card.id == "maker/encoder"
    assert card.parameters is not None and card.parameters.value == 1000
    assert card.active_parameters is not None and card.active_parameters.value == 900
    assert card.size_mb is not None and card.size_mb.value == 0.004194304
    assert card.embedding_dim == 128
    assert card.input.tokens == 512
    assert card.input.languages == ("en", "zh")
    assert card.released == dt.date(2024, 2, 29)
    assert card.trained_on == ("MSMARCO", "NQ")
    assert card.frameworks == ("pytorch", "onnx")
    assert card.licence.klass == "permissive"
    assert card.cited["trained_on"] == "meta"


def test_what_is_not_stated_is_unknown_rather_than_zero() -> None:
    card = ModelCard.model_validate({"family": "f"} | mteb.card(meta_row(), LINES[0], "meta"))
    assert card.parameters is None and card.size_mb is None and card.embedding_dim is None
    assert card.input.tokens is None and card.input.languages is None
    assert card.trained_on is None and card.released is None and card.revision is None
    assert card.licence.klass == "unknown" and not card.cited
    assert mteb.results([mean_row()], "scores") == []


def test_a_static_model_has_no_limit_and_is_not_fine_tuned() -> None:
    static = full_meta(max_tokens="inf", framework="NumPy|Sentence Transformers|safetensors")
    card = mteb.card(static, LINES[0], "meta")
    assert card["input"]["tokens"] is None
    assert card["library"] == "sentence-transformers"
    assert card["tuning"] == ["frozen", "head"] and card["lora_targets"] == []


@pytest.mark.parametrize(
    ("count", "en", "heavy"), [("1000", "light enough", False), ("7000000000", "x.", True)]
)
def test_words_follow_from_languages_length_and_size(count: str, en: str, heavy: bool) -> None:
    card = mteb.card(full_meta(n_parameters=count, max_tokens="8192"), LINES[0], "meta")
    assert card["good_for"]["en"].startswith("Chinese and English texts, long ones too: x")
    assert en in card["good_for"]["en"] and "某" in card["good_for"]["zh"]
    assert ("weaknesses" in card) == heavy


@pytest.mark.parametrize(
    ("codes", "start"),
    [
        ("", "Texts and code"),
        ("jpn-Jpan", "Japanese"),
        ("deu-Latn|eng-Latn", "German and English"),
        ("deu-Latn|eng-Latn|fra-Latn", "Texts in 3"),
    ],
)
def test_scope_names_the_languages(codes: str, start: str) -> None:
    assert mteb.card(full_meta(languages=codes), LINES[0], "m")["good_for"]["en"].startswith(start)


def test_a_size_that_is_not_stated_or_cannot_be_is_derived_and_says_so() -> None:
    for count, size, source in (
        ("3000000", 12, "derived-fp32-size"),
        ("2000000000", 4000, "derived-bf16-size"),
    ):
        for stated in ("", "0", "400000"):
            card = mteb.card(full_meta(memory_usage_mb=stated, n_parameters=count), LINES[0], "meta")
            assert card["size_mb"] == {"value": size, "unit": "MB", "source": source}


@pytest.mark.parametrize(
    ("stated", "klass"),
    [
        ("mit", "permissive"),
        ("Apache 2.0", "permissive"),
        ("cc-by-nc-4.0", "non-commercial"),
        ("cc-by-nc-sa-4.0", "non-commercial"),
        ("CC BY-SA 4.0", "copyleft"),
        ("GNU GPL 3.0", "copyleft"),
        ("gemma", "custom"),
        ("Llama 3.1 Community", "custom"),
        ("https://ai.google.dev/gemma/terms", "custom"),
        ("https://example.org/terms", "custom"),
        ("", "unknown"),
        ("not specified", "unknown"),
        ("own-invention-1.0", "unknown"),
    ],
)
def test_licence_classes(stated: str, klass: str) -> None:
    found = licence(stated, "meta")
    assert found["class"] == klass
    assert bool(found.get("trap")) == (klass in ("custom", "non-commercial", "copyleft"))


def test_languages_become_bcp_47() -> None:
    assert languages("eng-Latn|zho-Hans|zho-Hant|cmn-Hans|python-Code|yue-Hant") == ("en", "yue", "zh")
    assert languages("") is None
    assert languages("python-Code") is None


def test_results_are_shares_with_their_source() -> None:
    means = [
        mean_row(complete="1", mean_task="69.25", avg_Classification="80.01"),
        mean_row(benchmark="MTEB(cmn, v1)", avg_STS="43.04"),
        mean_row(benchmark="MTEB(Multilingual, v2)", n_tasks="130", mean_task="41.64"),
        mean_row(benchmark="MTEB(kor, v1)", avg_STS="50"),
        mean_row(benchmark="MTEB(unheard of)", complete="1", mean_task="1"),
        mean_row(benchmark="MTEB(rus, v1)", avg_Retrieval="-1"),
    ]
    rows = [Result.model_validate(row) for row in mteb.results(means, "scores")]
    assert {(row.benchmark, row.metric): row.value for row in rows} == {
        ("mteb-eng-v2", "mean_task"): 0.6925,
        ("mteb-eng-v2-classification", "accuracy"): 0.8001,
        ("mteb-cmn-sts", "spearman"): 0.4304,
        ("mteb-multilingual", "mean_task"): 0.4164,
    }
    assert {row.source for row in rows} == {"scores"}


@given(st.integers(min_value=0, max_value=131))
def test_a_mean_over_few_tasks_is_no_result(tasks: int) -> None:
    row = mean_row(benchmark="MTEB(Multilingual, v2)", n_tasks=str(tasks), mean_task="50")
    assert bool(mteb.results([row], "scores")) == (tasks >= mteb.ALL_BUT_TWO)


@given(st.decimals(min_value=0, max_value=10000, places=4))
def test_units_change_without_rounding(value: object) -> None:
    assert exact(str(value)) == float(str(value))
    assert exact(str(value), "0.01") == float(Decimal(str(value)) / 100)


def write_tables(folder: Path) -> tuple[Path, Path]:
    paths = folder / "meta.csv", folder / "means.csv"
    full = full_meta()
    metas = [full, full | {"name": "curated/encoder"}, full | {"name": "maker/image", "modalities": "image"}]
    metas.append(full | {"name": "maker/old", "superseded_by": "maker/encoder"})
    metas += [full | {"name": "maker/no-score"}, full | {"name": "maker/no-licence", "license": ""}]
    means = [
        mean_row(model=row["name"], complete="1", mean_task="50")
        for row in metas
        if row["name"] != "maker/no-score"
    ]
    for path, columns, rows in ((paths[0], META_COLUMNS, metas), (paths[1], MEAN_COLUMNS, means)):
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(rows)
    return paths


def test_command_refreshes_and_leaves_curated_cards_alone(tmp_path: Path) -> None:
    meta, means = write_tables(tmp_path)
    knowledge = tmp_path / "knowledge"
    models = knowledge / "models"
    models.mkdir(parents=True)
    (knowledge / "embedding-lines.yaml").write_text(yaml.safe_dump(LINES), encoding="utf-8")
    curated = models / "curated.yaml"
    curated.write_text("family: c\nmodels:\n  - id: curated/encoder\n", encoding="utf-8")
    (models / "embeddings-gone.yaml").write_text("family: g\nmodels:\n  - id: gone/x\n", encoding="utf-8")
    arguments = [str(meta), str(means), "--knowledge", str(knowledge)]
    assert mteb.main(arguments) == 0
    made = models / "embeddings-made.yaml"
    family = yaml.safe_load(made.read_text(encoding="utf-8"))
    assert [card["id"] for card in family["models"]] == ["maker/encoder", "maker/old"]
    assert family["models"][1]["superseded_by"] == "maker/encoder"
    assert not (models / "embeddings-gone.yaml").exists()
    with (knowledge / mteb.RESULTS).open(encoding="utf-8", newline="") as stream:
        assert {row["model"] for row in csv.DictReader(stream)} == {
            "maker/encoder",
            "maker/old",
            "curated/encoder",
        }
    before = [path.read_bytes() for path in (made, knowledge / mteb.RESULTS)]
    assert mteb.main(arguments) == 0
    assert [path.read_bytes() for path in (made, knowledge / mteb.RESULTS)] == before
    assert curated.read_text(encoding="utf-8") == "family: c\nmodels:\n  - id: curated/encoder\n"


def test_lines_can_ask_for_type_languages_and_base() -> None:
    metas = [full_meta(), full_meta(name="maker/late", model_type="late-interaction", adapted_from="base/x")]
    means = [mean_row(model=row["name"], complete="1", mean_task="50") for row in metas]
    words = {"words": {"en": "x", "zh": "某"}}
    lines: list[dict[str, Any]] = [
        {"slug": "late", "family": "Late", "type": "late-interaction", "base": "^base/"} | words,
        {"slug": "japanese", "family": "Japanese", "languages": ["ja"]} | words,
        {"slug": "rest", "family": "Rest"} | words,
    ]
    files = mteb.refresh(metas, means, lines, [])
    assert "maker/late" in files["models/embeddings-late.yaml"]
    assert "maker/encoder" in files["models/embeddings-rest.yaml"]
    assert "models/embeddings-japanese.yaml" not in files


def test_homeless_models_and_missing_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meta, means = write_tables(tmp_path)
    arguments = [str(means), "--knowledge", str(tmp_path)]
    assert mteb.main([str(tmp_path / "gone.csv"), *arguments]) == 2
    assert "gone.csv" in capsys.readouterr().err
    assert mteb.main([str(meta), *arguments]) == 2
    assert "embedding-lines.yaml" in capsys.readouterr().err
    assert not (tmp_path / mteb.RESULTS).exists()
    with pytest.raises(DataError, match="maker/encoder"):
        mteb.refresh([full_meta()], [mean_row(complete="1", mean_task="50")], [], [])


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
