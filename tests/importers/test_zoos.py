"""The importers of model zoos: what a table states arrives unrounded, what it does not stays unknown."""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.importers import detectors, mieb, openclip, openmmlab, qaihub, torchvision
from advisor.importers.zoo import Zoo, ZooFamily, derived_size, find, read_zoo, taken, write_zoo
from advisor.knowledge import ModelCard, Result

WORDS = {"good_for": {"en": "All.", "zh": "全部。"}}


def family(zoo: str, match: str = "", **defaults: Any) -> ZooFamily:
    return ZooFamily(zoo, "all", "All", match, {"library": "other", **WORDS, **defaults})


def valid(zoo: Zoo) -> dict[str, ModelCard]:
    cards = [
        ModelCard.model_validate(
            {"family": kin.title, **kin.defaults, **{k: v for k, v in card.items() if v is not None}}
        )
        for kin, card in zoo.cards
    ]
    for row in zoo.results:
        Result.model_validate(row)
    return {card.id: card for card in cards}


def torchvision_row(**values: str) -> dict[str, str]:
    plain = {
        "model": "net",
        "weights": "IMAGENET1K_V1",
        "is_default": "1",
        "num_params": "1000",
        "gflops": "0.714",
        "file_size_mb": "233.087",
        "license": "",
        "task": "classification",
        "dataset": "ImageNet-1K",
        "metric": "acc@1",
        "value": "56.522",
    }
    return plain | values


def test_torchvision_sizes_are_binary_and_flops_are_doubled() -> None:
    zoo = torchvision.import_torchvision([torchvision_row()], [family("torchvision")], set())
    card = valid(zoo)["torchvision/net.IMAGENET1K_V1"]
    assert card.size_mb is not None and card.size_mb.value == pytest.approx(233.087 * 1.048576, abs=1e-3)
    assert card.flops is not None and card.flops.value == 1_428_000_000
    assert card.input.resolution == 224
    assert [row["value"] for row in zoo.results] == [0.56522]


def test_torchvision_tasks_follow_from_the_metrics() -> None:
    boxes = torchvision_row(
        task="detection", dataset="COCO-val2017", metric="box_map", value="37.0", weights="COCO_V1"
    )
    rows = [
        boxes,
        boxes | {"model": "mask"},
        boxes | {"model": "mask", "metric": "mask_map", "value": "34.6"},
        boxes | {"model": "points"},
        boxes | {"model": "points", "metric": "kp_map", "value": "65.0"},
    ]
    zoo = torchvision.import_torchvision(rows, [family("torchvision")], set())
    tasks = {card.id: card.tasks[0] for card in valid(zoo).values()}
    assert tasks == {
        "torchvision/net": "object-detection",
        "torchvision/mask": "instance-segmentation",
        "torchvision/points": "pose-estimation",
    }


def test_torchvision_leaves_out_what_is_handmade_unmeasured_or_without_family() -> None:
    rows = [
        torchvision_row(),
        torchvision_row(model="other", value="NaN"),
        torchvision_row(model="strange"),
    ]
    zoo = torchvision.import_torchvision(rows, [family("torchvision", "net|other")], {"torchvision/net"})
    assert not zoo.cards and not zoo.results


def test_torchvision_swag_weights_are_non_commercial() -> None:
    row = torchvision_row(model="vit_h_14", weights="IMAGENET1K_SWAG_E2E_V1", license="https://x.org/LICENSE")
    (card,) = valid(torchvision.import_torchvision([row], [family("torchvision")], set())).values()
    assert card.licence.klass == "non-commercial" and card.licence.trap
    assert card.input.resolution == 518


def detector_row(**values: str) -> dict[str, str]:
    plain = {
        "model": "YOLO11n",
        "task": "detection",
        "input_size": "640.0",
        "dataset": "COCO val2017",
        "metric": "mAP val 50-95",
        "value": "39.5",
        "metric2": "",
        "value2": "",
        "gpu_ms": "1.5",
        "gpu_col": "Speed T4 TensorRT10 (ms)",
        "params_m": "2.6",
        "flops_b": "6.5",
        "licence": "AGPL-3.0",
        "source": "PyPI ultralytics 8.3.100 METADATA README",
    }
    return plain | values


PLACE = [{"kind": "github", "ref": "https://github.com/a/b"}]


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("YOLO26l-seg", "ultralytics/yolo26l-seg"),
        ("yolov5n6u", "ultralytics/yolov5n6u"),
        ("YOLOv10-B", "jameslahm/yolov10b"),
        ("YOLO12n (turbo)", "sunsmarterjie/yolov12n-turbo"),
        ("YOLOv12x-cls", "sunsmarterjie/yolov12x-cls"),
        ("rtdetr_r50vd", "PekingU/rtdetr_r50vd"),
        ("rtdetr_18vd [COCO+Objects365 pretrain]", "PekingU/rtdetr_r18vd_coco_o365"),
        ("D-FINE-X", "ustc-community/dfine-xlarge-coco"),
        ("D-FINE-S [Objects365 pretrain]", "ustc-community/dfine-small-obj2coco"),
        ("D-FINE-L [Objects365 pretrain]", "ustc-community/dfine-large-obj2coco-e25"),
        ("RF-DETR-2XL", "roboflow/rf-detr-2xlarge"),
        ("RF-DETR-Seg-S", "roboflow/rf-detr-seg-small"),
        ("LW-DETR-T", "Atten4Vis/lw-detr-tiny"),
        ("sam2.1_hiera_base_plus", "facebook/sam2.1-hiera-base-plus"),
        ("sam2_hiera_tiny", "facebook/sam2-hiera-tiny"),
        ("DETR-R50", None),
    ],
)
def test_a_detector_gets_its_own_id(name: str, id: str | None) -> None:
    assert detectors.hub_id(name) == id


def test_detectors_state_results_speed_and_the_agpl_trap() -> None:
    row = detector_row(metric2="mAP val 50-95(e2e)", value2="38.9")
    zoo = detectors.import_detectors([row], [family("detectors", where=PLACE)], set())
    card = valid(zoo)["ultralytics/yolo11n"]
    assert card.licence.klass == "copyleft" and card.licence.trap
    assert card.parameters is not None and card.parameters.value == 2_600_000
    assert {row["protocol"]: row["value"] for row in zoo.results} == {
        "640 px": 0.395,
        "640 px, end to end": 0.389,
    }
    assert [(row["device"], row["ms"]) for row in zoo.latencies] == [("nvidia-t4", 1.5)]


def test_another_projects_measurement_of_a_model_is_not_its_makers() -> None:
    row = detector_row(source="roboflow/rf-detr docs", metric="COCO AP 50:95 (rf-detr protocol)")
    kin = [family("detectors", where=PLACE)]
    assert not detectors.import_detectors([row], kin, set()).cards
    own = row | {"model": "RF-DETR-Seg-N", "task": "instance-segmentation", "licence": "Apache-2.0"}
    zoo = detectors.import_detectors([own], kin, set())
    assert [row["metric"] for row in zoo.results] == ["mask-map"]
    assert valid(zoo)["roboflow/rf-detr-seg-nano"].licence.klass == "permissive"


def test_openclip_takes_one_row_for_each_set_of_weights() -> None:
    registry = [
        {"arch": "ViT-B-32", "tag": "openai", "hf_hub": "timm/b32.openai/"},
        {"arch": "ViT-B-32", "tag": "laion2b", "hf_hub": "laion/b32/"},
        {"arch": "Plus", "tag": "laion400m_e32", "hf_hub": "timm/plus.laion400m_e31/"},
    ]
    names = [
        ("ViT-B-32", "openai"),
        ("ViT-B-32-quickgelu", "openai"),
        ("ViT-B-32", "laion2b"),
        ("Plus", "laion400m_e32"),
        ("Unheard", "of"),
    ]
    assert openclip.hub_ids(registry, names) == {
        ("ViT-B-32-quickgelu", "openai"): "timm/b32.openai",
        ("ViT-B-32", "laion2b"): "laion/b32",
    }


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def openclip_folder(folder: Path) -> Path:
    key = {"name": "ViT-B-32", "pretrained": "laion2b_s34b"}
    row = key | {"params (M)": "151.28", "FLOPs (B)": "14.78", "ImageNet 1k": "0.6656"}
    write_csv(folder / "openclip_results.csv", [row | {"Average perf. on 38 datasets": "0.5600"}])
    write_csv(folder / "openclip_retrieval_results.csv", [key | {"MSCOCO image retr. R@1": "0.3940"}])
    registry = {"arch": "ViT-B-32", "tag": "laion2b_s34b", "hf_hub": "laion/b32/"}
    write_csv(folder / "openclip_pretrained_registry.csv", [registry])
    write_csv(folder / "model_profile.csv", [{"model": "ViT-B-32", "image_size": "224", "embed_dim": "512"}])
    return folder


def test_openclip_cards_and_results(tmp_path: Path) -> None:
    folder = openclip_folder(tmp_path)
    licence = {"laion/b32": {"id": "MIT", "class": "permissive"}}
    kin = [family("openclip", tasks=["image-embedding"])]
    zoo = openclip.import_openclip(folder, licence, kin, set())
    card = valid(zoo)["laion/b32"]
    assert card.flops is not None and card.flops.value == 14_780_000_000
    assert card.parameters is not None and card.parameters.value == 151_280_000
    assert {row["metric"]: row["value"] for row in zoo.results} == {
        "zero-shot-top1": 0.6656,
        "mean": 0.56,
        "image-recall1": 0.394,
    }
    assert not openclip.import_openclip(folder, licence, kin, {"laion/b32"}).cards


def mieb_tables() -> tuple[dict[str, str], dict[str, str]]:
    row = dict.fromkeys((*mieb.MARKS, "mean_tasktype"), "") | {
        "benchmark": "MIEB(eng)",
        "model": "maker/eyes-base-patch16-256",
        "complete": "0",
        "avg_ImageClassification": "72.35",
        "mean_tasktype": "51.0",
    }
    meta = dict.fromkeys(("release_date", "revision", "training_datasets", "embed_dim"), "") | {
        "name": "maker/eyes-base-patch16-256",
        "modalities": "image|text",
        "languages": "eng-Latn",
        "license": "mit",
        "n_parameters": "1000",
        "memory_usage_mb": "100",
        "max_tokens": "64.0",
    }
    return row, meta


def test_mieb_means_count_only_when_complete_and_handmade_cards_get_results() -> None:
    row, meta = mieb_tables()
    zoo = mieb.import_mieb([row], [meta], [family("mieb")], set())
    card = valid(zoo)["maker/eyes-base-patch16-256"]
    assert (card.input.resolution, card.input.tokens) == (256, 64)
    assert card.size_mb is not None and card.size_mb.value == pytest.approx(104.9)
    assert [row["benchmark"] for row in zoo.results] == ["mieb-eng-classification"]
    whole = mieb.import_mieb([row | {"complete": "1"}], [meta], [], {meta["name"]})
    assert not whole.cards
    assert {row["benchmark"] for row in whole.results} == {"mieb-eng-classification", "mieb-eng"}
    assert not mieb.import_mieb([row], [meta | {"modalities": "text"}], [family("mieb")], set()).cards


def mmpretrain_row(**values: str) -> dict[str, str]:
    plain = {
        "model": "swin-base_simmim_in1k-192px",
        "task": "Image Classification",
        "dataset": "ImageNet-1k",
        "metric": "Top 1 Accuracy",
        "value": "82.74",
        "params": "1000",
        "flops": "500",
        "paper": "https://arxiv.org/abs/2111.09886",
    }
    return plain | values


def test_mmpretrain_leaves_borrowed_classifiers_but_takes_borrowed_captioners() -> None:
    kin = [family("openmmlab", licence={"id": "Apache-2.0", "class": "permissive"})]
    caption = mmpretrain_row(
        model="blip-base_3rdparty_caption",
        task="Image Caption",
        dataset="COCO",
        metric="CIDER",
        value="132.82",
        flops="",
    )
    rows = [
        mmpretrain_row(),
        mmpretrain_row(model="vit_3rdparty_in1k"),
        caption,
        mmpretrain_row(model="b", params=""),
    ]
    zoo = openmmlab.import_openmmlab(rows, kin, set())
    cards = valid(zoo)
    assert set(cards) == {
        "open-mmlab/swin-base_simmim_in1k-192px",
        "open-mmlab/blip-base_3rdparty_caption",
    }
    swin = cards["open-mmlab/swin-base_simmim_in1k-192px"]
    assert swin.input.resolution == 192 and str(swin.released) == "2021-11-01"
    assert swin.flops is not None and swin.flops.value == 1000
    assert cards["open-mmlab/blip-base_3rdparty_caption"].flops is None
    assert {row["value"] for row in zoo.results} == {0.8274, 1.3282}


@pytest.mark.parametrize(
    ("text", "value"), [("94.3 MB", 98.881), ("447 KB", 0.458), ("255M", 267.387), ("", None), ("big", None)]
)
def test_hub_sizes_are_read_in_binary_units(text: str, value: float | None) -> None:
    assert qaihub.megabytes(text) == value


def qai_row(**values: str) -> dict[str, str]:
    plain = {
        "id": "depth_net",
        "name": "DepthNet",
        "license_type": "mit",
        "benchmark_dataset": "nyuv2",
        "benchmark_unit": "δ1",
        "benchmark_value": "97.2",
        "params": "24.7M",
        "paper": "https://arxiv.org/abs/2401.10891",
        "technical_details": '{"Input resolution": "518x518", "Model size (float)": "94.3 MB"}',
    }
    return plain | values


def test_hub_manifests_become_cards_even_when_cut_off() -> None:
    kin = [family("qaihub", tasks=["depth-estimation"])]
    cut = '{"Input resolution": "1 x 3 x 512 x 640", "Model checkpoint": "a.pth", "Note": "cut o'
    rows = [
        qai_row(),
        qai_row(id="cut", technical_details=cut, license_type="gpl-3.0", benchmark_dataset="?"),
    ]
    zoo = qaihub.import_qaihub(rows, kin, set())
    cards = valid(zoo)
    whole, half = cards["qualcomm-ai-hub/depth_net"], cards["qualcomm-ai-hub/cut"]
    assert whole.size_mb is not None and whole.input.resolution == 518
    assert half.size_mb is None and half.input.resolution == 640 and half.licence.klass == "copyleft"
    assert [row["value"] for row in zoo.results] == [0.972]


@given(st.integers(1, 10**12))
def test_a_derived_size_says_so(parameters: int) -> None:
    size = derived_size(parameters)
    assert size["source"] == "derived-fp32-size"
    assert abs(Decimal(str(size["value"])) * 10**6 / 4 - parameters) <= 2500


def test_the_first_family_that_fits_wins() -> None:
    families = [family("a", "res"), family("a", "r")]
    assert find("resnet", families) is families[0]
    assert find("regnet", families) is families[1]
    assert find("vgg", families) is None


def folder_with(tmp_path: Path, zoo: str, **defaults: Any) -> Path:
    folder = tmp_path / "knowledge"
    (folder / "models").mkdir(parents=True)
    entry = {"zoo": zoo, "slug": "all", "title": "All", "match": "", "defaults": {**WORDS, **defaults}}
    text = yaml.safe_dump([entry, entry | {"zoo": "elsewhere"}], allow_unicode=True)
    (folder / "zoo-families.yaml").write_text(text, encoding="utf-8")
    (folder / "models" / "mine.yaml").write_text("family: m\nmodels:\n- id: mine/own\n", encoding="utf-8")
    (folder / "models" / f"{zoo}-gone.yaml").write_text("family: g\nmodels:\n- id: g\n", encoding="utf-8")
    return folder


def test_a_zoo_is_written_whole_and_its_stale_files_go(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "z")
    (kin,) = read_zoo(folder, "z")
    assert taken(folder, "z") == {"mine/own"}
    write_zoo(folder, Zoo("z", [(kin, {"id": "b"}), (kin, {"id": "a"})], [], [{"model": "a", "ms": 1.0}]))
    found = yaml.safe_load((folder / "models" / "z-all.yaml").read_text(encoding="utf-8"))
    assert [card["id"] for card in found["models"]] == ["a", "b"]
    assert not (folder / "models" / "z-gone.yaml").exists()
    assert (folder / "results" / "latency-z.csv").exists()


@pytest.mark.parametrize(
    ("zoo", "main", "rows"),
    [
        ("torchvision", torchvision.main, [torchvision_row()]),
        ("detectors", detectors.main, [detector_row()]),
        ("openmmlab", openmmlab.main, [mmpretrain_row()]),
        ("qaihub", qaihub.main, [qai_row()]),
    ],
)
def test_the_commands_write_the_same_bytes_twice(
    tmp_path: Path, zoo: str, main: Callable[[list[str]], int], rows: list[dict[str, str]]
) -> None:
    folder = folder_with(tmp_path, zoo)
    table = write_csv(tmp_path / "table.csv", rows)
    arguments = [str(table), "--knowledge", str(folder)]
    assert main(arguments) == 0
    names = (f"models/{zoo}-all.yaml", f"results/{zoo}.csv")
    before = [(folder / name).read_bytes() for name in names]
    assert main(arguments) == 0
    assert [(folder / name).read_bytes() for name in names] == before


def test_the_commands_with_several_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_with(tmp_path / "one", "openclip", licence={"id": "MIT", "class": "permissive"})
    configs = write_csv(tmp_path / "cfgs.csv", [{"hf_hub_id": "laion/b32", "license": "cc-by-nc-4.0"}])
    options = ["--configs", str(configs), "--knowledge", str(folder)]
    assert openclip.main([str(openclip_folder(tmp_path)), *options]) == 0
    found = yaml.safe_load((folder / "models" / "openclip-all.yaml").read_text(encoding="utf-8"))
    assert found["models"][0]["licence"]["class"] == "non-commercial"
    folder = folder_with(tmp_path / "two", "mieb")
    row, meta = mieb_tables()
    tables = [write_csv(tmp_path / "m.csv", [row]), write_csv(tmp_path / "n.csv", [meta])]
    assert mieb.main([*map(str, tables), "--knowledge", str(folder)]) == 0
    assert (folder / "results" / "mieb.csv").exists()


@pytest.mark.parametrize("module", [torchvision, detectors, openmmlab, qaihub])
def test_a_missing_table_is_named(tmp_path: Path, module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    zoo = module.__name__.rpartition(".")[2]
    folder = folder_with(tmp_path, zoo)
    assert module.main([str(tmp_path / "gone.csv"), "--knowledge", str(folder)]) == 2
    assert "gone.csv" in capsys.readouterr().err
