"""The knowledge base: every kind of fault names file and line, and the shipped base is sound."""

import csv
import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_folder import (
    DEVICES,
    FILES,
    LATENCIES,
    MODELS,
    RESULTS,
    SOURCES,
    STARTERS,
    TASKS,
    build,
    line_of,
)

from advisor.errors import InputError, KnowledgeError
from advisor.knowledge import Knowledge, ModelCard, breadth, default_folder, load_knowledge


def complaint(folder: Path, **changed: str | None) -> str:
    with pytest.raises(KnowledgeError) as caught:
        load_knowledge(build(folder, **changed))
    return str(caught.value)


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load_knowledge()


def test_a_sound_base_loads(tmp_path: Path) -> None:
    knowledge = load_knowledge(build(tmp_path))
    card = knowledge.model("lab/small")
    assert card.family == "Lab nets"
    assert card.licence.klass == "permissive"
    assert [result.value for result in knowledge.results_of("lab/small")] == [0.7]
    assert [latency.ms for latency in knowledge.latencies_of("lab/small")] == [12.5]
    assert knowledge.results_of("lab/large") == ()
    assert knowledge.starter("lab/small").revision == "wheel:small-model==1.0.0"
    assert knowledge.starter("lab/large") is None
    assert [card.id for card in knowledge.for_task("image-classification")] == ["lab/small", "lab/large"]


def test_a_card_says_what_its_words_rest_on(tmp_path: Path) -> None:
    text = MODELS.replace("defaults:\n", "defaults:\n  cited: {explain: paper, tuning: paper}\n").replace(
        "    released: 2020-01-01\n",
        "    released: 2020-01-01\n    cited: {released: talk}\n    freeze_at: [stem, layer1]\n    gated: true\n"
        "    maintained: {value: slow, source: talk}\n    documentation: {value: thin, source: paper}\n",
    )
    sources = SOURCES + "- {id: talk, title: Hearsay, date: 2021-01-01, trust: unsourced}\n"
    knowledge = load_knowledge(build(tmp_path, **{"models/lab.yaml": text, "sources.yaml": sources}))
    card = knowledge.model("lab/small")
    assert card.cited == {"explain": "paper", "tuning": "paper", "released": "talk"}
    assert (card.freeze_at, card.gated) == (("stem", "layer1"), True)
    assert card.maintained is not None
    assert card.maintained.value == "slow"
    assert [knowledge.trust(card.cited.get(name)) for name in ("explain", "released", "tasks")] == [
        "read", "unsourced", "unsourced",
    ]  # fmt: skip


def test_a_card_counts_with_licence_size_input_and_a_sourced_result(tmp_path: Path) -> None:
    whole = MODELS.replace(
        "    parameters:",
        "    input: {resolution: 224}\n    size_mb: {value: 4, unit: MB, source: paper}\n    parameters:",
    )
    load = {"models/lab.yaml": whole}
    assert load_knowledge(build(tmp_path / "whole", **load)).lacks("lab/small") == ()
    knowledge = load_knowledge(build(tmp_path / "bare"))
    assert knowledge.lacks("lab/small") == ("size", "input")
    assert knowledge.lacks("lab/large") == ("size", "input", "quality")
    load["sources.yaml"] = SOURCES + "- {id: talk, title: Hearsay, date: 2021-01-01, trust: unsourced}\n"
    load["results/bench.csv"] = RESULTS.replace("paper", "talk")
    assert load_knowledge(build(tmp_path / "hearsay", **load)).lacks("lab/small") == ("quality",)
    load["models/lab.yaml"] = whole.replace("class: permissive", "class: unknown")
    assert load_knowledge(build(tmp_path / "unlicensed", **load)).lacks("lab/small") == ("licence", "quality")


def test_starters_may_be_missing_but_tasks_may_not(tmp_path: Path) -> None:
    assert load_knowledge(build(tmp_path / "a", **{"starters.yaml": None})).starters == ()
    assert "tasks.yaml:1: the file is missing" in complaint(tmp_path / "b", **{"tasks.yaml": None})


MODEL_FAULTS = [
    ("name: Large", "nmae: Large", "nmae", "nmae"),
    ("    name: Large\n", "", "Field required", "- id: lab/large"),
    ("{id: MIT, class: permissive, source: paper}", "{id: MIT, class: lax}", "lax", "- id: lab/small"),
    ("unit: parameters", "unit: M", "unknown unit 'M'", "- id: lab/small"),
    ("value: 1000000", "value: -1", "impossible value -1", "- id: lab/small"),
    ("value: 1000000", "value: .nan", "impossible value nan", "- id: lab/small"),
    ("unit: parameters, source: paper", "unit: parameters, source: papr", "Did you mean 'paper'", "- id: lab/small"),
    ("permissive, source: paper", "permissive, source: nowhere", "licence: unknown source", "- id: lab/small"),
    ("tasks: [image-classification]", "tasks: [image-clasification]", "mean 'image-classification'", "- id: lab/small"),
    ("ref: lab/large", "ref: not a hub id", "does not have the form of a huggingface reference", "ref: lab/large"),
    ("- id: lab/large", "- id: lab/small", "is already defined at models/lab.yaml:6", "- id: lab/large"),
    ("released: 2020-01-01", "released: 2020-01-01\n    superseded_by: lab/large", "which is older", "- id: lab/small"),
    ("released: 2020-01-01", "superseded_by: lab/none", "superseded_by: unknown model 'lab/none'", "- id: lab/small"),
    ("name: Large", "name: Large\n    cited: {released: papr}", "released: unknown source 'papr'", "- id: lab/large"),
    ("name: Large", "name: Large\n    cited: {nmae: paper}", "cited.nmae", "nmae: paper"),
    ("name: Large", "name: L\n    maintained: {value: slow, source: x}", "maintained: unknown", "- id: lab/large"),
    ("name: Large", "name: L\n    documentation: {value: huge, source: x}", "documentation.value", "documentation:"),
    ("name: Large", "name: Large\n    kind: api", "service belong together", "- id: lab/large"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message", "place"), MODEL_FAULTS)
def test_a_faulty_card_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, message: str, place: str
) -> None:
    assert old in MODELS
    text = MODELS.replace(old, new)
    found = complaint(tmp_path, **{"models/lab.yaml": text})
    assert message in found
    line = line_of(text if place in text else MODELS, place)
    assert re.search(rf"models/lab\.yaml:{line}: ", found), found


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("models/lab.yaml", "family: x\nmodels: {}\n", "models/lab.yaml:1: `models` must be a list"),
        ("models/lab.yaml", "family: x\nmodls: []\n", "models/lab.yaml:1: expected the keys family"),
        ("models/lab.yaml", "family: x\nmodels: [\n", "models/lab.yaml:3: not valid YAML"),
        ("tasks.yaml", "a: 1\n", "tasks.yaml:1: expected a list"),
        (
            "tasks.yaml",
            TASKS.replace("high: 0.9", "high: 0.6"),
            "tasks.yaml:1: image-classification: benchmark",
        ),
        ("devices.yaml", DEVICES.replace("cores: 4", "cores: 0"), "devices.yaml:1: cores"),
        (
            "devices.yaml",
            DEVICES.replace("source: paper", "source: rumour"),
            "devices.yaml:1: box: unknown source",
        ),
        (
            "starters.yaml",
            STARTERS.replace("lab/small", "lab/none"),
            "starters.yaml:1: lab/none: unknown model",
        ),
        ("starters.yaml", STARTERS.replace("abab", "zz"), "starters.yaml:6: sha256"),
        ("results/bench.csv", RESULTS.replace("lab/small", "lab/smal"), "results/bench.csv:2: unknown model"),
        ("results/bench.csv", RESULTS.replace("paper", "rumour"), "results/bench.csv:2: unknown source"),
        (
            "results/bench.csv",
            RESULTS.replace("top1", "top5"),
            "results/bench.csv:2: no task has the benchmark",
        ),
        ("results/bench.csv", RESULTS.replace("0.7", "70"), "top1 is a share, so 70.0 must be 0–1"),
        ("results/bench.csv", RESULTS.replace("0.7", "inf"), "results/bench.csv:2: impossible value inf"),
        ("results/bench.csv", RESULTS.replace("0.7", "good"), "results/bench.csv:2: "),
        (
            "results/bench.csv",
            RESULTS + RESULTS.splitlines()[1],
            "bench.csv:3: the same result stands already",
        ),
        (
            "results/latency.csv",
            LATENCIES.replace("box", "bax"),
            "results/latency.csv:2: unknown device 'bax'",
        ),
        (
            "results/latency.csv",
            LATENCIES.replace("lab/small", "x/y"),
            "results/latency.csv:2: unknown model",
        ),
        (
            "results/latency.csv",
            LATENCIES.replace("paper", "rumour"),
            "results/latency.csv:2: unknown source",
        ),
        ("results/latency.csv", LATENCIES.replace("12.5", "-1"), "results/latency.csv:2: "),
    ],
)
def test_every_other_fault_names_file_and_line(tmp_path: Path, file: str, text: str, expected: str) -> None:
    assert text != FILES[file]
    assert expected in complaint(tmp_path, **{file: text})


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = complaint(
        tmp_path,
        **{
            "results/bench.csv": RESULTS.replace("top1", "top5"),
            "devices.yaml": DEVICES.replace("cores: 4", "cores: 0"),
        },
    )
    assert "results/bench.csv:2" in found
    assert "devices.yaml:1" in found


def test_a_long_list_of_faults_is_cut(tmp_path: Path) -> None:
    rows = "".join(f"lab/small,imagenet-1k,top1,{value},paper,,p{value}\n" for value in range(2, 62))
    assert "… and 10 more" in complaint(tmp_path, **{"results/bench.csv": RESULTS + rows})


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    folder = build(tmp_path)
    assert load_knowledge(folder) is load_knowledge(folder)
    (folder / "results" / "more.csv").write_text(RESULTS.replace("lab/small", "lab/large"), encoding="utf-8")
    assert len(load_knowledge(folder).results) == 2


def test_a_missing_folder_is_a_clear_complaint(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="There is no knowledge folder"):
        load_knowledge(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("ask", "wrong", "near"),
    [
        ("model", "lab/smal", "lab/small"),
        ("task", "image-clasification", "image-classification"),
        ("device", "bo", "box"),
    ],
)
def test_a_wrong_id_names_the_nearest(tmp_path: Path, ask: str, wrong: str, near: str) -> None:
    knowledge = load_knowledge(build(tmp_path))
    with pytest.raises(InputError, match=f"Did you mean '{near}'"):
        getattr(knowledge, ask)(wrong)


def test_local_models_are_added_once(tmp_path: Path) -> None:
    knowledge = load_knowledge(build(tmp_path))
    known = knowledge.model("lab/small")
    new = known.model_copy(update={"id": "here/mine"})
    grown = knowledge.with_models((known, new))
    assert len(grown.models) == len(knowledge.models) + 1
    assert grown.model("here/mine") is new
    assert knowledge.with_models((known,)) is knowledge


@given(st.text(alphabet="abc/.-_ '()", min_size=1, max_size=20))
def test_a_place_to_get_a_model_is_checked_for_form(ref: str) -> None:
    wanted = re.fullmatch(r"[\w.-]+/[\w.-]+", ref) is not None
    content = {
        "id": "a/b", "name": "x", "family": "y", "tasks": ["t"], "licence": {"id": "MIT", "class": "permissive"},
        "where": [{"kind": "huggingface", "ref": ref}],
    }  # fmt: skip
    if wanted:
        assert ModelCard.model_validate(content).where[0].ref == ref
    else:
        with pytest.raises(ValueError, match="form of a huggingface reference"):
            ModelCard.model_validate(content)


REQUIRED_TASKS = [
    "image-classification",
    "image-embedding",
    "zero-shot-image-classification",
    "object-detection",
    "instance-segmentation",
    "semantic-segmentation",
    "promptable-segmentation",
    "depth-estimation",
    "pose-estimation",
    "ocr",
    "image-captioning",
    "visual-question-answering",
    "text-to-image",
    "image-generation",
    "text-classification",
    "token-classification",
    "extractive-qa",
    "summarisation",
    "translation",
    "text-generation",
    "fill-mask",
    "sentence-embedding",
    "text-retrieval",
    "reranking",
    "zero-shot-text-classification",
    "code-generation",
    "speech-recognition",
    "audio-classification",
    "text-to-speech",
    "speaker-verification",
    "tabular-classification",
    "tabular-regression",
    "time-series-forecasting",
    "time-series-classification",
]
REQUIRED_DEVICES = [
    "nvidia-t4",
    "nvidia-l4",
    "nvidia-a10",
    "nvidia-a100-80gb",
    "nvidia-h100",
    "rtx-4090",
    "rtx-3090",
    "apple-m2",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "intel-i7-12700h",
    "jetson-orin-nano",
    "cpu-cloud-2vcpu",
    "cpu-cloud-4vcpu",
    "cpu-cloud-8vcpu",
    "cpu-cloud-16vcpu",
    "coral-edge-tpu",
]
NAMED = [
    "resnet",
    "vgg",
    "inception",
    "densenet",
    "efficientnet",
    "mobilenet",
    "vit",
    "convnext",
    "swin",
    "dinov2",
    "eva",
    "yolo",
    "rcnn",
    "detr",
    "rtdetr",
    "dfine",
    "sam2",
    "segformer",
    "deeplab",
    "depth-anything",
    "pose",
    "trocr",
    "clip",
    "siglip",
    "blip",
    "dall-e",
    "stable-diffusion",
    "flux",
    "stylegan",
    "pgan",
    "vae",
]


def test_the_shipped_base_has_every_task_and_device(shipped: Knowledge) -> None:
    assert {task.id for task in shipped.tasks} >= set(REQUIRED_TASKS)
    assert {device.id for device in shipped.devices} >= set(REQUIRED_DEVICES)
    assert "this-machine" not in {device.id for device in shipped.devices}
    assert {task.id for task in shipped.tasks if task.probeable} == {
        "image-classification",
        "text-classification",
    }


def test_every_common_task_has_eight_models_that_count_and_no_task_but_one(shipped: Knowledge) -> None:
    tasks = breadth(shipped).tasks
    assert [one for one in tasks if one.task in REQUIRED_TASKS and one.counted < 8] == []
    assert [one for one in tasks if one.models < 2] == []


def test_the_named_systems_have_cards(shipped: Knowledge) -> None:
    text = " ".join(f"{card.id} {card.name} {card.family}".lower() for card in shipped.models)
    assert [name for name in NAMED if name not in text] == []


def test_every_task_speaks_both_languages(shipped: Knowledge) -> None:
    for task in shipped.tasks:
        for words in (task.name, task.says):
            assert words.en.strip()
            assert re.search(r"[\u4e00-\u9fff]", words.zh), task.id


def test_judgements_stand_in_both_languages(shipped: Knowledge) -> None:
    for card in shipped.models:
        for words in (card.good_for, card.weaknesses):
            if words is not None:
                assert words.en.strip()
                assert re.search(r"[\u4e00-\u9fff]", words.zh), card.id


def test_baselines_are_complete_and_free(shipped: Knowledge) -> None:
    baselines = {card.id: card for card in shipped.models if card.kind == "baseline"}
    assert set(baselines) >= {
        "baseline/majority",
        "baseline/colour-edges-logreg",
        "baseline/colour-edges-forest",
        "baseline/tfidf-logreg",
        "baseline/tfidf-forest",
    }
    assert all(card.licence.klass == "permissive" for card in baselines.values())


def test_every_kind_of_source_is_used(shipped: Knowledge) -> None:
    kinds = {where.kind for card in shipped.models for where in card.where}
    assert kinds == {
        "huggingface", "modelscope", "timm", "torchvision", "pytorch-hub", "tensorflow-hub", "kaggle", "package",
        "github", "api",
    }  # fmt: skip


def test_starters_name_weights_of_a_card_that_needs_no_hub(shipped: Knowledge) -> None:
    assert {starter.model for starter in shipped.starters} == {
        "timm/tf_efficientnet_lite0.in1k",
        "timm/tf_efficientnet_lite1.in1k",
        "timm/tf_efficientnet_lite2.in1k",
        "sentence-transformers/all-MiniLM-L6-v2",
        "google/universal-sentence-encoder-multilingual-3",
    }


def test_agpl_and_non_commercial_weights_carry_their_trap(shipped: Knowledge) -> None:
    for card in shipped.models:
        if card.licence.id.startswith("AGPL") or (
            card.id.startswith("timm/") and "nc" in card.licence.id.lower()
        ):
            assert card.licence.trap, card.id
    assert shipped.model("ultralytics/yolo11n").licence.klass == "copyleft"


def test_prices_of_devices_are_dated_and_sourced(shipped: Knowledge) -> None:
    for device in shipped.devices:
        if device.usd_per_hour is not None:
            assert device.price_date is not None, device.id
            assert device.price_source is not None, device.id


def test_no_fact_lies_in_the_future_of_its_curation(shipped: Knowledge) -> None:
    assert max(source.date for source in shipped.sources) <= dt.date(2026, 12, 31)


def test_sizes_agree_with_parameters(shipped: Knowledge) -> None:
    for card in shipped.models:
        if card.size_mb and card.parameters and card.size_mb.source == "derived-fp32-size":
            assert card.size_mb.value == pytest.approx(card.parameters.value * 4 / 1e6, rel=0.01, abs=0.02), (
                card.id
            )


def test_accuracies_that_everybody_knows(shipped: Knowledge) -> None:
    known = {
        "timm/resnet50.tv_in1k": 0.7615,
        "timm/vgg16.tv_in1k": 0.7159,
        "timm/tf_efficientnet_lite0.in1k": 0.7483,
    }
    for model, value in known.items():
        (found,) = [
            row for row in shipped.results_of(model) if (row.benchmark, row.metric) == ("imagenet-1k", "top1")
        ]
        assert found.value == pytest.approx(value, abs=0.002)


def test_image_classifiers_span_small_and_large(shipped: Knowledge) -> None:
    sizes = [card.size_mb.value for card in shipped.for_task("image-classification") if card.size_mb]
    assert len(sizes) >= 150
    assert min(sizes) < 15
    assert max(sizes) > 1000


def test_result_files_are_sorted_so_that_a_refresh_is_a_small_diff() -> None:
    for name in ("imagenet.csv", "detection.csv", "latency-timm.csv"):
        with (default_folder() / "results" / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))[1:]
        assert rows == sorted(rows), name
