"""Rows of published tables of speeds become rows of the base, by names that stand in a file."""

import csv
from pathlib import Path

import pytest
import yaml
from knowledge_fixture import image

from advisor.errors import InputError
from advisor.importers.latency import import_latencies, main, own_timings
from advisor.knowledge import default_folder

NAMES = {
    "models": {
        "ncnn": {"resnet50": ["new/resnet50", "old/resnet50"]}, "qai": {"resnet50": ["old/resnet50"]},
        "opencv": {"image_ppresnet50": ["old/resnet50"]}, "coral": {"VGG16": ["vgg/16"]},
        "yolo": {"YOLOv8n": ["yolo/8n"]},
    },
    "devices": {
        "ncnn": {"Raspberry Pi 5, Cortex": "raspberry-pi-5"}, "qai": {"Samsung Galaxy S24": "galaxy-s24"},
        "opencv": {"Khadas VIM3": "khadas-vim3"}, "coral": {"Coral USB": "coral"},
        "yolo": {"Jetson Orin Nano": "jetson"},
    },
}  # fmt: skip
KNOWN = {"old/resnet50", "vgg/16", "yolo/8n"}


def write(folder: Path, name: str, columns: str, *rows: str) -> None:
    (folder / name).write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")


def ncnn(folder: Path, *rows: str) -> None:
    write(folder, "ncnn_benchmark.csv", "device,num_threads,gpu_device,model,min_ms,max_ms,avg_ms", *rows)


def test_the_quickest_number_of_threads_on_the_processor_counts(tmp_path: Path) -> None:
    ncnn(
        tmp_path,
        '"Raspberry Pi 5, Cortex-A76",1,-1,resnet50,90,99,95',
        '"Raspberry Pi 5, Cortex-A76",4,-1,resnet50,40,49,45',
        '"Raspberry Pi 5, Cortex-A76",4,-1,resnet50_int8,30,39,35',
        '"Raspberry Pi 5, Cortex-A76",4,0,resnet50,400,490,450',
        '"Raspberry Pi 5, Cortex-A76",4,-1,alexnet,44,49,45',
        '"Some other board",4,-1,resnet50,4,4,4',
    )
    rows = import_latencies(tmp_path, NAMES, KNOWN)
    assert [(row["model"], row["device"], row["ms"], row["precision"]) for row in rows] == [
        ("old/resnet50", "raspberry-pi-5", 40.0, "fp16"), ("old/resnet50", "raspberry-pi-5", 30.0, "int8"),
    ]  # fmt: skip
    assert import_latencies(tmp_path, NAMES, {"new/resnet50"})[0]["model"] == "new/resnet50"
    assert import_latencies(tmp_path, NAMES, set()) == []


def test_only_whole_models_on_the_neural_unit_are_taken(tmp_path: Path) -> None:
    write(
        tmp_path, "qai_hub_on_device_latency.csv",
        "model,component,precision,device,runtime,ms,peak_mem_max_mb,compute_unit",
        "resnet50,ResNet50,float,Samsung Galaxy S24,onnx,1.5,9,NPU",
        "resnet50,ResNet50,float,Samsung Galaxy S24,tflite,1.4,9,NPU",
        "resnet50,ResNet50,w8a8,Samsung Galaxy S24,onnx,0.7,9,NPU",
        "resnet50,ResNet50,w4a16,Samsung Galaxy S24,onnx,0.7,9,NPU",
        "resnet50,ResNet50,float,Samsung Galaxy S99,onnx,1.5,9,NPU",
    )  # fmt: skip
    rows = import_latencies(tmp_path, NAMES, KNOWN)
    assert [(row["ms"], row["precision"], row["runtime"]) for row in rows] == [
        (1.4, "fp16", "qualcomm-npu"), (0.7, "w8a8", "qualcomm-npu"),
    ]  # fmt: skip
    write(
        tmp_path, "qai_hub_on_device_latency.csv",
        "model,component,precision,device,runtime,ms,peak_mem_max_mb,compute_unit",
        "resnet50,Encoder,float,Samsung Galaxy S24,onnx,1.5,9,NPU",
        "resnet50,Decoder,float,Samsung Galaxy S24,onnx,1.5,9,NPU",
    )  # fmt: skip
    assert import_latencies(tmp_path, NAMES, KNOWN) == []


def test_the_smaller_tables_are_read_too(tmp_path: Path) -> None:
    write(
        tmp_path, "opencv_zoo_benchmark.csv", "device,unit,mean_ms,median_ms,min_ms,input_size,model",
        "Khadas VIM3,CPU,9,8,7,\"224, 224\",X with ['image_ppresnet50.onnx']",
        "Khadas VIM3,CPU,5,4,3,\"224, 224\",X with ['image_ppresnet50_int8.onnx']",
        "Khadas VIM3,NPU,2,2,2,\"224, 224\",X with ['image_ppresnet50.onnx']",
        "Khadas VIM3,CPU,2,2,2,\"224, 224\",X with two files",
    )  # fmt: skip
    write(
        tmp_path, "edge_measured_latency.csv", "device,runtime,model,input,ms,fps,source,note",
        "Coral USB,EdgeTPU int8,VGG16,224x224,296,3,s,", "Coral USB,TFLite,VGG16,224x224,900,1,s,",
        "Jetson Orin Nano,TensorRT FP16,YOLOv8n,640x640,7.3,137,s,",
        "Jetson Orin Nano,PyTorch GPU,YOLOv8n,640x640,21.9,45,s,",
    )  # fmt: skip
    rows = import_latencies(tmp_path, NAMES, KNOWN)
    assert [(row["model"], row["ms"], row["runtime"], row["precision"]) for row in rows] == [
        ("old/resnet50", 8.0, "opencv", "fp32"), ("old/resnet50", 4.0, "opencv", "int8"),
        ("vgg/16", 296.0, "edgetpu", "int8"), ("yolo/8n", 7.3, "tensorrt", "fp16"),
    ]  # fmt: skip


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table of speeds"):
        import_latencies(tmp_path, NAMES, KNOWN)


def test_own_timings_go_to_cards_of_that_architecture_and_size() -> None:
    cards = [
        image("a/one", 1e6, 1, architecture="resnet50", input={"resolution": 224}),
        image("a/two", 1e6, 1, architecture="resnet50", input={"resolution": 288}),
        image("a/three", 1e6, 1),
    ]
    rows = own_timings([{"architecture": "resnet50", "resolution": "224", "ms": "70.5"}], cards)
    assert [(row["model"], row["ms"]) for row in rows] == [("a/one", 70.5)]


def test_the_command_writes_tables_that_the_base_accepts(tmp_path: Path) -> None:
    import shutil

    from advisor.knowledge import load_knowledge

    folder = tmp_path / "knowledge"
    shutil.copytree(default_folder(), folder)
    ncnn(tmp_path, '"Raspberry Pi 5 Broadcom BCM2712, Cortex-A76",4,-1,resnet50,40,49,45')
    main([str(tmp_path), "--knowledge", str(folder)])
    with (folder / "results" / "latency-edge.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    known = load_knowledge(folder)
    assert any(one.model == row["model"] and one.ms == 40 for one in known.latencies)


def test_the_shipped_names_are_of_known_cards_and_devices() -> None:
    from advisor.knowledge import load_knowledge

    known = load_knowledge()
    names = yaml.safe_load((default_folder() / "latency-names.yaml").read_text(encoding="utf-8"))
    devices = {device.id for device in known.devices}
    assert {id for table in names["devices"].values() for id in table.values()} <= devices
    cards = {card.id for card in known.models}
    for table in names["models"].values():
        found = [any(id in cards for id in ids) for ids in table.values()]
        assert sum(found) >= len(found) / 2
