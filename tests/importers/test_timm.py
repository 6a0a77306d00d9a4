"""The timm importer: tables in, reviewable files out."""

import csv
from pathlib import Path

import pytest
import yaml

from advisor.errors import InputError
from advisor.importers.timm import Imported, import_timm, main, timm_card
from advisor.importers.timm_families import TimmFamily, family_of, read_families
from advisor.importers.timm_words import praise

COLUMNS = "model,arch,img_size,top1,real_top1,v2_top1,sketch_top1,a_top1,r_top1,params_m,gmacs,hf_hub_id,license,module"
ROWS = (
    "resnet18.a1_in1k,resnet18,288,73.164,81.047,,,,,11.69,3.01,timm/resnet18.a1_in1k,apache-2.0,resnet",
    "resnet18.a1_in1k,resnet18,224,71.504,79.450,60.1,,,33.3,11.69,1.82,timm/resnet18.a1_in1k,apache-2.0,resnet",
    'big.mim_m38m_ft_in22k_in1k,big,448,90.0,91.0,,,,,"1,012.6",,timm/big.mim_m38m_ft_in22k_in1k,mit,eva',
    "nc.fcmae_ft_in1k,nc,224,80.0,,,,,,28.6,4.47,timm/nc.fcmae_ft_in1k,cc-by-nc-4.0,convnext",
    "own.cvnets_in1k,own,256,78.0,,,,,,5.6,2.0,timm/own.cvnets_in1k,cvnets-license,mobilevit",
    "riddle.x_in1k,riddle,224,70.0,,,,,,5.6,2.0,timm/riddle.x_in1k,unknown,riddle_net",
    "old.in1k,old,224,70.0,,,,,,5.6,2.0,,apache-2.0,resnet",
)
WORDS = {"good_for": {"en": "All.", "zh": "全部。"}, "weaknesses": {"en": "None.", "zh": "无。"}}
FAMILIES = (
    TimmFamily("resnet", "ResNet", "resnet", **WORDS, paper="1512.03385", authors="Some lab"),
    TimmFamily("eva", "EVA", "big|nc", **WORDS, rollout=True),
    TimmFamily("rest", "The rest", "", **WORDS),
)
LAYERS = {
    "resnet18": {"embedding_dim": "512", "freeze_at": "act1 layer1", "lora_targets": ""},
    "big": {"embedding_dim": "1408", "freeze_at": "blocks.0 blocks.39", "lora_targets": "qkv proj"},
}
NAMES = [
    "resnet18.a1_in1k",
    "big.mim_m38m_ft_in22k_in1k",
    "nc.fcmae_ft_in1k",
    "own.cvnets_in1k",
    "riddle.x_in1k",
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "timm_merged.csv"
    path.write_text("\n".join((COLUMNS, *ROWS)) + "\n", encoding="utf-8")
    (tmp_path / "timm_pretrained_cfgs.csv").write_text(
        "model,num_features,paper_ids\nresnet18.a1_in1k,512,arXiv:1512.03385\n", encoding="utf-8"
    )
    (tmp_path / "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv").write_text(
        "model,infer_img_size,infer_samples_per_sec,infer_batch_size\n"
        "resnet18,224,10000,1024\nresnet18,288,8000,512\n",
        encoding="utf-8",
    )
    return path


def imported(table: Path, names: list[str], handmade: tuple[str, ...] = ()) -> Imported:
    return import_timm(table, names, handmade, FAMILIES, LAYERS)


def cards_of(files: dict[str, str]) -> dict[str, dict[str, object]]:
    return {
        card["id"]: card
        for name, text in files.items()
        if name.endswith(".yaml")
        for card in yaml.safe_load(text)["models"]
    }


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_a_card_is_made_at_the_native_size(table: Path) -> None:
    card = cards_of(imported(table, NAMES).files)["timm/resnet18.a1_in1k"]
    assert card["input"] == {"resolution": 224}
    assert card["parameters"]["value"] == 11_690_000
    assert card["size_mb"] == {"value": 46.76, "unit": "MB", "source": "derived-fp32-size"}
    assert card["flops"]["value"] == 3_640_000_000  # 2 × 1.82 GMACs
    assert card["embedding_dim"] == 512
    assert str(card["released"]) == "2015-12-01"
    assert card["trained_on"] == ["imagenet-1k"]


def test_thousands_commas_and_unknown_work_are_understood(table: Path) -> None:
    card = cards_of(imported(table, NAMES).files)["timm/big.mim_m38m_ft_in22k_in1k"]
    assert card["parameters"]["value"] == 1_012_600_000
    assert "flops" not in card
    assert set(card["trained_on"]) == {"imagenet-1k", "imagenet-21k", "merged-38m"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18.a1_in1k", "permissive"),
        ("nc.fcmae_ft_in1k", "non-commercial"),
        ("own.cvnets_in1k", "custom"),
        ("riddle.x_in1k", "unknown"),
    ],
)
def test_licences_get_their_class(table: Path, name: str, expected: str) -> None:
    licence = cards_of(imported(table, NAMES).files)[f"timm/{name}"]["licence"]
    assert licence["class"] == expected
    assert ("trap" in licence) == (expected in ("non-commercial", "custom"))


def test_results_are_shares_at_the_native_size(table: Path) -> None:
    rows = rows_of(imported(table, NAMES).files["results/imagenet.csv"])
    found = {row["benchmark"]: row for row in rows if row["model"] == "timm/resnet18.a1_in1k"}
    assert float(found["imagenet-1k"]["value"]) == pytest.approx(0.71504)
    assert set(found) == {"imagenet-1k", "imagenet-real", "imagenet-v2", "imagenet-r"}
    assert {row["protocol"] for row in found.values()} == {"224 px"}
    assert all(0 <= float(row["value"]) <= 1 for row in rows)


def test_latency_is_of_the_whole_published_batch(table: Path) -> None:
    (row,) = rows_of(imported(table, NAMES).files["results/latency-timm.csv"])
    assert (row["model"], row["device"], row["batch"]) == ("timm/resnet18.a1_in1k", "rtx-4090", "1024")
    assert float(row["ms"]) == pytest.approx(102.4)


def test_handmade_cards_are_left_alone_but_get_results(table: Path) -> None:
    files = imported(table, NAMES, ("resnet18.a1_in1k",)).files
    assert "timm/resnet18.a1_in1k" not in cards_of(files)
    assert "timm/resnet18.a1_in1k" in files["results/imagenet.csv"]


def test_order_of_wishes_changes_nothing(table: Path) -> None:
    assert imported(table, NAMES).files == imported(table, NAMES[::-1]).files


def test_an_unknown_checkpoint_names_the_nearest(table: Path) -> None:
    with pytest.raises(InputError, match=r"resnet18\.a1_in1k"):
        imported(table, ["resnet18.a1_in1"])


def test_a_checkpoint_without_hub_id_is_refused(table: Path) -> None:
    with pytest.raises(InputError, match="has no hub id"):
        imported(table, ["old.in1k"])


def test_a_missing_table_is_a_clear_complaint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        imported(tmp_path / "absent.csv", [])


def test_the_first_family_that_fits_wins_and_none_is_a_clear_complaint() -> None:
    assert family_of("resnet18", FAMILIES).title == "ResNet"
    assert family_of("anything", FAMILIES).slug == "rest"
    with pytest.raises(InputError, match="riddle"):
        family_of("riddle", FAMILIES[:2])


def test_families_are_read_in_order_and_their_keys_checked(tmp_path: Path) -> None:
    path = tmp_path / "timm-families.yaml"
    assert read_families(path) == ()
    entry = {"slug": "a", "title": "A", "match": "a"} | WORDS
    path.write_text(yaml.safe_dump([entry, entry | {"slug": "b"}]), encoding="utf-8")
    assert [family.slug for family in read_families(path)] == ["a", "b"]
    path.write_text(yaml.safe_dump([entry | {"colour": "red"}]), encoding="utf-8")
    with pytest.raises(InputError, match="colour"):
        read_families(path)


def test_transformers_can_be_tuned_by_lora_and_convnets_not(table: Path) -> None:
    files = imported(table, NAMES).files
    cards = cards_of(files)
    assert cards["timm/big.mim_m38m_ft_in22k_in1k"]["lora_targets"] == ["qkv", "proj"]
    assert "lora" in cards["timm/big.mim_m38m_ft_in22k_in1k"]["tuning"]  # type: ignore[operator]
    assert "lora" not in yaml.safe_load(files["models/timm-resnet.yaml"])["defaults"]["tuning"]
    assert cards["timm/resnet18.a1_in1k"]["freeze_at"] == ["act1", "layer1"]


def test_a_family_tells_its_cards_authors_month_and_method(table: Path) -> None:
    files = imported(table, NAMES).files
    common = yaml.safe_load(files["models/timm-resnet.yaml"])["defaults"]
    assert (str(common["released"]), common["authors"]) == ("2015-12-01", "Some lab")
    assert common["explain"] == ["grad-cam", "occlusion"]
    assert "attention-rollout" in yaml.safe_load(files["models/timm-eva.yaml"])["defaults"]["explain"]


def test_words_of_the_family_begin_the_card_and_its_own_facts_follow() -> None:
    words = {"en": "All.", "zh": "全部。"}
    assert praise(words, "a1_in1k", 25e6, 224, None, None) == words
    tiny = praise(words, "in1k", 1e6, 160, 3.0, None)
    assert tiny["en"].startswith("All. Tiny") and "160" in tiny["en"]
    large = praise(words, "mim_m38m_ft_in22k_in1k", 1e9, 448, 5000.0, 0.7)
    assert "GPU" in large["en"] and "38 million" in large["en"]
    assert large["zh"].startswith("全部。") and len(large["zh"]) > len("全部。")


@pytest.mark.parametrize("name", NAMES)
def test_a_card_without_configuration_or_layers_leaves_facts_unknown(name: str) -> None:
    rows = {row["model"]: row for row in csv.DictReader([COLUMNS, *ROWS])}
    card = timm_card(rows[name], {}, FAMILIES[2], {})
    assert card["released"] is None
    assert not {"embedding_dim", "freeze_at", "lora_targets"} & set(card)


def test_the_command_rewrites_a_folder_and_removes_stale_families(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    (folder / "models").mkdir(parents=True)
    (folder / "timm.txt").write_text("# wanted\nresnet18.a1_in1k\n\nnc.fcmae_ft_in1k\n", encoding="utf-8")
    entry = {"slug": "all", "title": "All", "match": ""} | WORDS
    (folder / "timm-families.yaml").write_text(yaml.safe_dump([entry]), encoding="utf-8")
    (folder / "timm-layers.csv").write_text(
        "architecture,embedding_dim,freeze_at,lora_targets\nnc,8,a b,\n", encoding="utf-8"
    )
    (folder / "models" / "timm-gone.yaml").write_text("family: gone\nmodels: []\n", encoding="utf-8")
    (folder / "models" / "mine.yaml").write_text(
        "family: x\nmodels:\n- id: timm/resnet18.a1_in1k\n", encoding="utf-8"
    )
    main([str(table), "--knowledge", str(folder)])
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert names == {
        "timm.txt",
        "timm-families.yaml",
        "timm-layers.csv",
        "models/mine.yaml",
        "models/timm-all.yaml",
        "results/imagenet.csv",
        "results/latency-timm.csv",
    }
    assert "timm/resnet18.a1_in1k" in (folder / "results/imagenet.csv").read_text(encoding="utf-8")
    before = {name: (folder / name).read_bytes() for name in names}
    main([str(table), "--knowledge", str(folder)])
    assert before == {name: (folder / name).read_bytes() for name in names}
