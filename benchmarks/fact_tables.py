"""Where the published tables state what the knowledge base states: source id → values to compare with.

Written against the tables themselves, not against the importers, so that an importer's mistake is not repeated here.
Values are exact decimals; a published per cent becomes a share by moving the point.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

__all__ = ["Claim", "Tables", "sources_checked"]

Row = dict[str, str]


class Claim:
    """One fact of the base: of which model, what, how much, by which source.

    :ivar what: the name of a card's fact, `benchmark/metric` of a result, or `device/precision/runtime` of a speed.
    """

    def __init__(
        self,
        model: str,
        what: str,
        value: float,
        source: str,
        protocol: str | None = None,
        refs: tuple[str, ...] = (),
        batch: int = 1,
        parameters: float | None = None,
    ) -> None:
        self.model, self.what, self.value, self.source = model, what, value, source
        self.protocol, self.refs, self.batch, self.parameters = protocol or "", refs, batch, parameters

    def __str__(self) -> str:
        how = f" ({self.protocol})" if self.protocol else ""
        return f"{self.model} {self.what} = {self.value!r}{how} [{self.source}]"


class Tables:
    """The folder of source tables."""

    def __init__(self, folder: Path) -> None:
        self.roots = [folder, folder / "sources", folder / "groundtruth", folder.parent / "groundtruth"]

    @cache  # noqa: B019
    def rows(self, name: str) -> tuple[Row, ...]:
        """Read one table; raises FileNotFoundError if it is not in the folder."""
        path = next((root / name for root in self.roots if (root / name).is_file()), None)
        if path is None:
            raise FileNotFoundError(name)
        with path.open(encoding="utf-8", newline="") as stream:
            return tuple(csv.DictReader(stream))

    @cache  # noqa: B019
    def index(self, name: str, *columns: str) -> dict[tuple[str, ...], list[Row]]:
        """Group a table's rows by the text of some columns, case and outer blanks aside."""
        found: dict[tuple[str, ...], list[Row]] = {}
        for row in self.rows(name):
            found.setdefault(tuple(row[column].strip().lower() for column in columns), []).append(row)
        return found

    def look_up(self, claim: Claim) -> list[Decimal] | None:
        """List the values that the source states for a claim; None if its table, or what it asks, is not mapped."""
        finder = FINDERS.get(claim.source)
        if finder is None:
            return None
        try:
            return list(finder(self, claim))
        except (FileNotFoundError, KeyError):
            return None


def sources_checked() -> tuple[str, ...]:
    """List the sources that can be looked up when their tables are there."""
    return tuple(FINDERS)


def _number(text: str, times: str = "1") -> Iterator[Decimal]:
    plain = text.replace(",", "").strip()
    if plain and plain.lower() != "nan":
        yield Decimal(plain) * Decimal(times)


def _rounded(value: Decimal, digits: int) -> Decimal:
    return Decimal(f"{value:.{digits}g}")


TIMM_SETS = {
    "imagenet-1k": "results-imagenet.csv",
    "imagenet-real": "results-imagenet-real.csv",
    "imagenet-v2": "results-imagenetv2-matched-frequency.csv",
    "imagenet-r": "results-imagenet-r.csv",
    "imagenet-a": "results-imagenet-a.csv",
    "imagenet-sketch": "results-sketch.csv",
}
TIMM_SPEEDS = {
    ("intel-i7-12700h", "pytorch-dynamo"): "fp32-nchw-pt240-cpu-i7_12700h-dynamo",
    ("rtx-3090", "pytorch"): "amp-nchw-pt240-cu124-rtx3090",
    ("rtx-4090", "pytorch"): "amp-nchw-pt240-cu124-rtx4090",
    ("rtx-4090", "pytorch-dynamo"): "amp-nchw-pt240-cu124-rtx4090-dynamo",
    ("rtx-5090", "pytorch"): "amp-nchw-pt291-cu130-5090",
    ("rtx-5090", "pytorch-dynamo"): "amp-nchw-pt291-cu130-5090-dynamo",
    ("rtx-pro-6000-maxq", "pytorch"): "amp-nchw-pt291-cu130-pro6000maxq",
    ("rtx-pro-6000-maxq", "pytorch-dynamo"): "amp-nchw-pt291-cu130-pro6000maxq-dynamo",
}


def _timm(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    folder = "vision_timm/"
    names = {claim.model.removeprefix("timm/").lower(), *(ref.lower() for ref in claim.refs)}
    accuracy = tables.index(folder + "results-imagenet.csv", "model")
    if (set_ := claim.what.partition("/")[0]) in TIMM_SETS:
        side = claim.protocol.split()[0]
        for name in names:
            for row in tables.index(folder + TIMM_SETS[set_], "model", "img_size").get((name, side), ()):
                yield from _number(row["top1"], "0.01")
        return
    for name in names:
        rows = accuracy.get((name,), [])
        if not rows:
            continue
        native = str(min(int(row["img_size"]) for row in rows))
        if claim.what == "parameters":
            for row in rows:
                yield from _number(row["param_count"], "1000000")
        elif claim.what in ("flops", "activations"):
            column, times = (
                ("infer_gmacs", "2000000000") if claim.what == "flops" else ("infer_macts", "1000000")
            )
            for file in TIMM_SPEEDS.values():
                key = (name.partition(".")[0], native)
                table = tables.index(f"{folder}benchmark-infer-{file}.csv", "model", "infer_img_size")
                for row in table.get(key, ()):
                    yield from _number(row.get(column, ""), times)
        else:
            device, _, runtime = claim.what.split("/")
            file = TIMM_SPEEDS[device, runtime]
            table = tables.index(f"{folder}benchmark-infer-{file}.csv", "model", "infer_img_size")
            for side in {row["img_size"] for row in rows}:
                for row in table.get((name.partition(".")[0], side), ()):
                    if int(row["infer_batch_size"]) == claim.batch:
                        speed = Decimal(row["infer_samples_per_sec"])
                        yield _rounded(Decimal(1000 * claim.batch) / speed, 6)


def _derived(bytes_each: int) -> Callable[[Tables, Claim], Iterator[Decimal]]:
    def find(tables: Tables, claim: Claim) -> Iterator[Decimal]:
        if claim.parameters is not None:
            size = Decimal(str(claim.parameters)) * bytes_each / 10**6
            for digits in (0, 1, 2, 3):
                yield round(size, digits)
            yield size

    return find


MTEB = {
    "mteb-eng-v1": "MTEB(eng, v1)",
    "mteb-eng-v2": "MTEB(eng, v2)",
    "mteb-cmn": "MTEB(cmn, v1)",
    "mteb-multilingual": "MTEB(Multilingual, v2)",
}
MTEB |= {f"mteb-{code}": f"MTEB({code}, v1)" for code in ("deu", "fra", "jpn", "kor", "rus")}
MTEB |= {f"mteb-{name.lower()}": f"MTEB({name}, v1)" for name in ("Indic", "Code", "Law", "Medical")}
MTEB_PARTS = {
    "classification": "avg_Classification",
    "retrieval": "avg_Retrieval",
    "reranking": "avg_Reranking",
    "sts": "avg_STS",
}


def _mteb(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    benchmark = claim.what.partition("/")[0]
    stem, _, part = benchmark.rpartition("-")
    column = "mean_task" if benchmark in MTEB else MTEB_PARTS[part]
    name = MTEB[benchmark if benchmark in MTEB else stem].lower()
    table = tables.index("text/mteb_benchmark_averages.csv", "benchmark", "model")
    for row in table.get((name, claim.model.lower()), ()):
        yield from _number(row[column], "0.01")


def _mteb_meta(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    columns = {
        "parameters": ("n_parameters", "1"),
        "embedding_parameters": ("n_embedding_parameters", "1"),
        "size_mb": ("memory_usage_mb", "1.048576"),
    }
    name = claim.protocol.removeprefix("as in ") if claim.protocol.startswith("as in ") else claim.model
    rows = tables.index("text/mteb_model_meta.csv", "name").get((name.lower(),), ())
    if claim.what == "active_parameters":
        for row in rows:
            yield Decimal(row["n_active_parameters"]) + Decimal(row["n_embedding_parameters"] or 0)
        return
    column, times = columns[claim.what]
    for row in rows:
        for value in _number(row.get(column, ""), times):
            yield from {value, round(value, 1), round(value, 2), round(value, 3)}


def _mieb(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    columns = {
        "mieb-eng-classification": "avg_ImageClassification",
        "mieb-eng-zero-shot": "avg_ZeroShotClassification",
        "mieb-eng-documents": "avg_DocumentUnderstanding",
        "mieb-eng-retrieval": "avg_Any2AnyRetrieval",
        "mieb-eng": "mean_tasktype",
    }
    column = columns[claim.what.partition("/")[0]]
    table = tables.index("multimodal/mieb_maeb_averages.csv", "benchmark", "model")
    for row in table.get(("mieb(eng)", claim.model.lower()), ()):
        yield from _number(row[column], "0.01")


def _maeb(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    parts = {
        "classification": "avg_AudioClassification",
        "zero-shot": "avg_AudioZeroshotClassification",
        "retrieval": "avg_Any2AnyRetrieval",
        "clustering": "avg_AudioClustering",
    }
    column = parts[claim.what.partition("/")[0].removeprefix("maeb-")]
    table = tables.index("multimodal/mieb_maeb_averages.csv", "model")
    for row in table.get((claim.model.lower(),), ()):
        if row["benchmark"].startswith("MAEB"):
            yield from _number(row[column], "0.01")


OPENCLIP_HAND = {
    "openai/clip-vit-base-patch32": ("ViT-B-32", "openai"),
    "openai/clip-vit-base-patch16": ("ViT-B-16", "openai"),
    "openai/clip-vit-large-patch14": ("ViT-L-14", "openai"),
    "google/siglip-base-patch16-224": ("ViT-B-16-SigLIP", "webli"),
    "google/siglip-so400m-patch14-384": ("ViT-SO400M-14-SigLIP-384", "webli"),
    "google/siglip-base-patch16-256-multilingual": ("ViT-B-16-SigLIP-i18n-256", "webli"),
}
OPENCLIP_COLUMNS = {
    "imagenet-1k/zero-shot-top1": ("ImageNet 1k", "1"),
    "openclip-38/mean": ("Average perf. on 38 datasets", "1"),
    "flickr30k/image-recall1": ("Flickr image retr. R@1", "1"),
    "flickr30k/text-recall1": ("Flickr text retr. R@1", "1"),
    "coco-retrieval/image-recall1": ("MSCOCO image retr. R@1", "1"),
    "coco-retrieval/text-recall1": ("MSCOCO text retr. R@1", "1"),
    "parameters": ("params (M)", "1000000"),
    "flops": ("FLOPs (B)", "1000000000"),
}


def _openclip(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    folder = "multimodal/"
    keys = {OPENCLIP_HAND[claim.model]} if claim.model in OPENCLIP_HAND else set()
    for row in tables.rows(folder + "openclip_pretrained_registry.csv"):
        if row["hf_hub"].strip("/") == claim.model:
            keys |= {(row["arch"], row["tag"]), (row["arch"] + "-quickgelu", row["tag"])}
    if claim.protocol.startswith("OpenCLIP "):
        keys = {key for key in keys if claim.protocol == f"OpenCLIP {key[0]} {key[1]}"}
    column, times = OPENCLIP_COLUMNS[claim.what]
    for name in ("openclip_results.csv", "openclip_retrieval_results.csv"):
        for row in tables.rows(folder + name):
            if (row["name"], row["pretrained"]) in keys and column in row:
                yield from _number(row[column], times)


TORCHVISION_METRICS = {
    "imagenet-1k/top1": ("acc@1", "0.01"),
    "kinetics-400/top1": ("acc@1", "0.01"),
    "coco-val2017/map": ("box_map", "0.01"),
    "coco-val2017/mask-map": ("mask_map", "0.01"),
    "coco-keypoints/map": ("kp_map", "0.01"),
    "coco-voc-labels/miou": ("miou", "0.01"),
    "sintel-clean/epe": ("epe", "1"),
    "sintel-final/epe": ("epe", "1"),
}


def _torchvision(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    model, _, weights = claim.model.removeprefix("torchvision/").partition(".")
    for row in tables.rows("vision_timm/torchvision_weights.csv"):
        same = row["weights"] == weights if weights else row["is_default"] == "1"
        if row["model"] != model or not same:
            continue
        if claim.what == "parameters":
            yield from _number(row["num_params"])
        elif claim.what == "flops":
            yield from _number(row["gflops"], "2000000000")
        elif claim.what == "size_mb":
            for size in _number(row["file_size_mb"], "1.048576"):
                yield round(size, 3)
        else:
            metric, times = TORCHVISION_METRICS[claim.what]
            scene = {"sintel-clean": "Clean", "sintel-final": "Final"}.get(claim.what.partition("/")[0], "")
            if row["metric"] == metric and scene in row["dataset"]:
                yield from _number(row["value"], times)


def _mmpretrain(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    marks = {
        "imagenet-1k/top1": ("Image Classification", "Top 1 Accuracy"),
        "coco-caption/cider": ("Image Caption", "CIDER"),
        "coco-caption/bleu4": ("Image Caption", "BLEU-4"),
        "vqav2/accuracy": ("Visual Question Answering", "Accuracy"),
        "refcoco-test-a/accuracy": ("Visual Grounding", "Accuracy (testA)"),
        "coco-retrieval/text-recall1": ("Image-To-Text Retrieval", "Recall@1"),
        "coco-retrieval/image-recall1": ("Text-To-Image Retrieval", "Recall@1"),
    }
    table = tables.index("vision_timm/mmpretrain_model_zoo.csv", "model")
    for row in table.get((claim.model.removeprefix("open-mmlab/").lower(),), ()):
        if claim.what == "parameters":
            yield from _number(row["params"])
        elif claim.what == "flops":
            yield from _number(row["flops"], "2")
        elif (row["task"], row["metric"]) == marks[claim.what]:
            yield from _number(row["value"], "0.01")


SIZES = {"nano": "n", "tiny": "t", "small": "s", "medium": "m", "large": "l", "xlarge": "x", "2xlarge": "2xl"}
DETECTOR_HAND = {
    "PekingU/rtdetr_v2_r18vd": "RT-DETRv2-S",
    "PekingU/rtdetr_v2_r34vd": "RT-DETRv2-M *",
    "lyuwenyu/rtdetrv2_r50vd_m": "RT-DETRv2-M",
    "PekingU/rtdetr_v2_r50vd": "RT-DETRv2-L",
    "PekingU/rtdetr_v2_r101vd": "RT-DETRv2-X",
    "PekingU/rtdetr_r18vd_coco_o365": "rtdetr_18vd [COCO+Objects365 pretrain]",
    "PekingU/rtdetr_r50vd_coco_o365": "rtdetr_r50vd [COCO+Objects365 pretrain]",
    "PekingU/rtdetr_r101vd_coco_o365": "rtdetr_r101vd [COCO+Objects365 pretrain]",
    "facebook/detr-resnet-50": "DETR-R50",
    "facebook/detr-resnet-101": "DETR-R101",
}
DETECTOR_METRICS = {
    "coco-val2017/map": r"(mAP (val|box) 50-95|COCO AP 50:95)",
    "coco-val2017/mask-map": r"(mAP mask 50-95|COCO AP 50:95)",
    "coco-keypoints/map": r"mAP pose 50-95",
    "open-images-v7/map": r"mAP val 50-95",
    "dota-v1/map50": r"mAP test 50(\(|$)",
    "dota-v1/map": r"mAP test 50-95",
    "cityscapes/miou": r"mIoU val",
    "imagenet-1k/top1": r"(acc top1|Acc\. top-1)",
    "sa-v-test/jf": r"SA-V test",
    "mose-val/jf": r"MOSE val",
    "rf100-vl/map": r"RF100-VL",
}


def _detector_name(model: str) -> str:
    if model in DETECTOR_HAND:
        return DETECTOR_HAND[model].lower()
    name = model.partition("/")[2].lower()
    for word, letter in SIZES.items():
        name = re.sub(rf"^((?:rf-detr|rf-detr-seg|lw-detr|dfine)-){word}(?=-|$)", rf"\g<1>{letter}", name)
    if name.startswith(("rf-detr", "lw-detr")):
        return name.replace("-x", "-xl") if name in ("rf-detr-x", "rf-detr-seg-x") else name
    if found := re.match(r"dfine-(\w)-(coco|obj2coco)", name):
        return f"d-fine-{found[1]}" + (" [objects365 pretrain]" if found[2] == "obj2coco" else "")
    if found := re.match(r"yolov12(\w)(-turbo)?$", name):
        return f"yolo12{found[1]} ({'turbo' if found[2] else 'v1.0'})"
    if found := re.match(r"yolov10(\w)$", name):
        return f"yolov10-{found[1]}"
    return name.replace("-", "_").replace("sam2.1_", "sam2.1_") if name.startswith("sam2") else name


def _detectors(start: str) -> Callable[[Tables, Claim], Iterator[Decimal]]:
    def find(tables: Tables, claim: Claim) -> Iterator[Decimal]:
        table = tables.index("detection/detectors_normalised.csv", "model")
        for row in table.get((_detector_name(claim.model),), ()):
            if start not in row["source"]:
                continue
            if claim.what == "parameters":
                yield from _number(row["params_m"], "1000000")
            elif claim.what == "flops":
                yield from _number(row["flops_b"], "1000000000")
            elif claim.what.count("/") == 2:
                yield from _number(row["gpu_ms"])
                yield from _number(row["cpu_onnx_ms"])
            else:
                pattern = DETECTOR_METRICS[claim.what]
                for metric, value in ((row["metric"], row["value"]), (row["metric2"], row["value2"])):
                    if re.match(pattern, metric):
                        yield from _number(value, "0.01")

    return find


QAI_HAND = {
    "depth-anything/Depth-Anything-V2-Small-hf": "depth_anything_v2",
    "depth-anything/DA3-SMALL": "depth_anything_v3",
    "intel-isl/MiDaS_small": "midas",
    "HRNet/pose-hrnet-w32": "hrnet_pose",
    "rwightman/posenet-mobilenet": "posenet_mobilenet",
    "xingyizhou/centernet-pose": "centernet_pose",
    "open-mmlab/rtmpose-m": "rtmpose_body2d",
    "google/movenet-lightning": "movenet",
    "google/mediapipe-pose": "mediapipe_pose",
    "google/owlv2-base-patch16-ensemble": "owlv2",
    "megvii/yolox-s": "yolox",
    "facebook/detr-resnet-50": "detr_resnet50",
    "JaidedAI/EasyOCR": "easyocr",
    "ChaoningZhang/MobileSAM": "mobilesam",
    "nvidia/segformer-b0-finetuned-ade-512-512": "segformer_base",
}
BINARY = {"KB": "0.001024", "MB": "1.048576", "M": "1.048576", "GB": "1073.741824"}
POWERS = {"K": "1000", "M": "1000000", "B": "1000000000"}


def _qai(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    if claim.what.count("/") == 2:
        yield from _qai_speed(tables, claim)
        return
    id = claim.model.removeprefix("qualcomm-ai-hub/")
    for row in tables.index("misc/qai_hub_model_manifests.csv", "id").get(
        (QAI_HAND.get(id, id).lower(),), ()
    ):
        if claim.what == "parameters":
            if found := re.fullmatch(r"([\d.]+)([KMB])", row["params"]):
                yield from _number(found[1], POWERS[found[2]])
        elif claim.what == "size_mb":
            for size, unit in re.findall(
                r'"Model size[^"]*": "([\d.]+) ?(KB|MB|M|GB)"', row["technical_details"]
            ):
                for value in _number(size, BINARY[unit]):
                    yield from {round(value, 1), round(value, 2), round(value, 3)}
        else:
            yield from _number(row["benchmark_value"], "1" if claim.what.endswith("psnr") else "0.01")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _qai_speed(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    """Speeds on a device: rows of the same precision whose device and value are the claim's."""
    device, precision, _ = claim.what.split("/")
    kinds = {"fp16": "float", "fp32": "float", "int8": "w8a8"}
    wanted = _plain(device).removesuffix("npu")
    for row in tables.rows("hardware/qai_hub_on_device_latency.csv"):
        if row["precision"] != kinds.get(precision, precision) or Decimal(row["ms"]) != Decimal(
            str(claim.value)
        ):
            continue
        if wanted in _plain(row["device"]) or _plain(row["device"]) in wanted:
            yield Decimal(row["ms"])


def _ncnn(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    """Speeds of ncnn's table: it names devices in long form, so only the value can be found again."""
    for row in tables.rows("hardware/ncnn_benchmark.csv"):
        if any(Decimal(row[column]) == Decimal(str(claim.value)) for column in ("min_ms", "avg_ms")):
            yield Decimal(str(claim.value))
            return


def _spacy(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    for row in tables.index("text/spacy_models_3.8.csv", "name").get(
        (claim.model.partition("/")[2].lower(),), ()
    ):
        if claim.what == "size_mb":
            yield from _number(row["size"].removesuffix("MB"))
        else:
            for column in ("ents_f", "tag_acc", "pos_acc", "dep_las"):
                yield from _number(row[column])


def _encoders(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    column = {"parameters": "params_base_model", "embedding_parameters": "embedding_params"}[claim.what]
    rows = tables.index("text/encoders_curated.csv", "hf_id").get((claim.model.lower(),))
    if rows is None and claim.protocol.startswith(("base model without head", "the architecture of")):
        rows = list(tables.rows("text/encoders_curated.csv"))
        rows = [row for row in rows if row[column] and Decimal(row[column]) == Decimal(str(claim.value))]
    for row in rows or ():
        yield from _number(row[column])


def _open_asr(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    short = {
        "open-asr": "Avg. WER",
        "ami": "AMI WER",
        "earnings22": "Earnings22 WER",
        "librispeech": "LS Clean WER",
        "librispeech-other": "LS Other WER",
    }
    other = {
        "open-asr-long": ("open_asr/en_longform.csv", "model_id", ("Avg (without CORAAL)", "Average")),
        "open-asr-multilingual": ("open_asr/multilingual.csv", "model", ("Avg",)),
    }
    benchmark = claim.what.partition("/")[0]
    if claim.what == "parameters":
        for row in tables.index("open_asr/en_shortform.csv", "model").get((claim.model.lower(),), ()):
            yield from _number(row["Model size (B)"], "1000000000")
        for row in tables.index("open_asr/en_longform.csv", "model_id").get((claim.model.lower(),), ()):
            yield from _number(row["Model size (B)"], "1000000000")
        for row in tables.index("open_asr/multilingual.csv", "model").get((claim.model.lower(),), ()):
            yield from _number(row["Model size (B)"], "1000000000")
        for row in tables.index("speech/open_asr_leaderboard.csv", "model").get((claim.model.lower(),), ()):
            yield from _number(row["params_b"], "1000000000")
        return
    file, key, columns = other.get(
        benchmark, ("open_asr/en_shortform.csv", "model", (short.get(benchmark, ""),))
    )
    for row in tables.index(file, key).get((claim.model.lower(),), ()):
        for column in columns:
            for value in _number(row.get(column, ""), "0.01"):
                yield from {value, round(value, 6), Decimal(str(float(value)))}


def _named_size(name: str) -> Iterator[Decimal]:
    """The count of parameters that a model's own name states, as in `gemma-2-27b-it`."""
    for number, unit in re.findall(r"(\d+(?:\.\d+)?)([MB])(?![a-z])", name.upper().replace("-IT", " ")):
        yield from _number(number, POWERS[unit])


def _arena(file: str) -> Callable[[Tables, Claim], Iterator[Decimal]]:
    def find(tables: Tables, claim: Claim) -> Iterator[Decimal]:
        """Scores carry the arena's own names of models; votes or the name in the protocol tell the row."""
        if claim.what == "parameters":
            yield from _named_size(claim.model)
            return
        words = [word for word in (_plain(claim.protocol), _plain(claim.model.partition("/")[2])) if word]
        votes = re.match(r"(\d+) votes", claim.protocol)
        for row in tables.rows(file):
            name = _plain(row["model"])
            named = name and any(name in word or word in name for word in words)
            if named or (votes and row["votes"] == votes[1]):
                yield from _number(row["arena_score"])

    return find


def _gift(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    column = {"mase": "mase_rel_seasonal_naive_gmean", "crps": "crps_rel_seasonal_naive_gmean"}
    name = claim.what.partition("/")[2]
    if claim.what == "parameters":
        yield from _named_size(claim.model)
        for row in tables.rows("tabular_ts/timeseries_models.csv"):
            for cell in row.values():
                yield from _named_size(str(cell)) if claim.model.rpartition("/")[2] in str(row) else ()
        return
    words = {_plain(claim.model.partition("/")[2])} - {""}
    for row in tables.rows("tabular_ts/gift_eval_aggregated.csv"):
        link, plain = _plain(row["model_link"]), _plain(row["model"])
        if name in column and any(word in link or word in plain or plain in word for word in words):
            yield from _number(row[column[name]])


def _epoch(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    for row in tables.rows("llm/epoch_benchmark_runs.csv"):
        name = re.sub(r"-20\d\d-\d\d-\d\d$", "", row["model"].lower())
        words = re.findall(r"[a-z]+|\d+", name)
        if all(word in claim.model.lower() for word in words):
            yield from _number(row["best_score"])


def _pages(tables: Tables, file: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Read the tables of a README that were kept as they stood: header and rows."""
    path = next((root / "tables" / file for root in tables.roots if (root / "tables" / file).is_file()), None)
    if path is None:
        raise FileNotFoundError(file)
    for page in json.loads(path.read_text(encoding="utf-8")):
        for table in page["tables"]:
            yield table["header"], table["rows"]


README_COLUMNS = {"vqav2": "VQAv2", "mmmu": "MMMU", "ocrbench": "OCRBench", "docvqa": "DocVQA_VAL"}


def _llava(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    if claim.what == "parameters":
        yield from _named_size(claim.model)
        return
    name = claim.model.partition("/")[2].removesuffix("-hf")
    column = README_COLUMNS[claim.what.partition("/")[0]]
    for header, rows in _pages(tables, "haotian-liu__LLaVA.json"):
        for row in rows if "Checkpoint" in header and column in header else ():
            tail = row[header.index("Checkpoint")].partition("/")[2]
            if tail in (name, name.replace("llava-", "llava-v", 1)):
                yield from _number(row[header.index(column)], "0.01")


def _minicpm(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    """A model's own name without its maker stands in the first column."""
    name, column = _plain(claim.model.partition("/")[2]), README_COLUMNS[claim.what.partition("/")[0]]
    for header, rows in _pages(tables, "OpenBMB__MiniCPM-V.json"):
        for row in rows if column in header else ():
            if _plain(row[0]).removesuffix("instruct") == name.removesuffix("instruct"):
                yield from _number(row[header.index(column)], "0.001" if column == "OCRBench" else "0.01")


def _qwen_vl(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    names = {"mmmu": "MMMU", "docvqa": "DocVQA"}
    if claim.what == "parameters":
        yield from _named_size(claim.model)
        return
    wanted = claim.model.partition("/")[2].removesuffix("-Instruct")
    for header, rows in _pages(tables, "QwenLM__Qwen2.5-VL.json"):
        for place, head in enumerate(header):
            for row in rows if head.startswith(wanted) else ():
                if row[0] == names.get(claim.what.partition("/")[0]):
                    yield from _number(row[place], "0.01")


def _arena_pictures(tables: Tables, claim: Claim) -> Iterator[Decimal]:
    for file in ("llm/lmarena_vision.csv", "llm/lmarena_image.csv"):
        yield from _arena(file)(tables, claim)


FINDERS: dict[str, Callable[[Tables, Claim], Iterator[Decimal]]] = {
    "timm-results-2026-08": _timm,
    "derived-fp32-size": _derived(4),
    "derived-bf16-size": _derived(2),
    "derived-fp8-size": _derived(1),
    "mteb-results-2026-08": _mteb,
    "mteb-2.26.24": _mteb_meta,
    "mieb-2026-08": _mieb,
    "maeb-results-2026-08": _maeb,
    "openclip-2026-06": _openclip,
    "torchvision-0.28": _torchvision,
    "mmpretrain-1.2": _mmpretrain,
    "ultralytics-8.3": _detectors("ultralytics 8.3"),
    "ultralytics-8.4": _detectors("ultralytics 8.4"),
    "yolov8-docs": _detectors("docs/en/models/yolov8"),
    "yolov5u-docs": _detectors("docs/en/models/yolov5"),
    "yolov10-readme": _detectors("THU-MIG/yolov10 README"),
    "yolov5-readme": _detectors("ultralytics/yolov5"),
    "yolov12-readme": _detectors("sunsmarterjie/yolov12"),
    "rtdetr-readme": _detectors("lyuwenyu/RT-DETR"),
    "dfine-readme": _detectors("Peterande/D-FINE"),
    "rfdetr-benchmarks": _detectors("roboflow/rf-detr"),
    "sam2-readme": _detectors("facebookresearch/sam2"),
    "detr-readme": _detectors("facebookresearch/detr"),
    "qai-hub-0.65": _qai,
    "ncnn-benchmark": _ncnn,
    "spacy-models-3.8": _spacy,
    "encoders-meta-2026-11": _encoders,
    "open-asr-leaderboard": _open_asr,
    "lmarena-2025-08": _arena("llm/lmarena_text.csv"),
    "lmarena-vision-2025-08": _arena_pictures,
    "llava-zoo": _llava,
    "minicpm-readme": _minicpm,
    "qwen25-vl-readme": _qwen_vl,
    "gift-eval-results": _gift,
    "epoch-benchmarks-2025-05": _epoch,
}
