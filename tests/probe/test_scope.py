"""Which layers learn, and how fast."""

from typing import Any

import pytest
from tiny_models import bert_model

from advisor.probe.adapters import attention
from advisor.probe.recipes import TUNING, epochs, recipe_for, visit_cost
from advisor.probe.scope import changed, depths, last_block, rates

TASKS = ("image-classification", "text-classification")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoModel

    return AutoModel.from_pretrained(bert_model(tmp_path_factory.mktemp("scope") / "bert"))


def test_an_encoders_layers_are_counted_from_its_embeddings(bert: Any) -> None:
    found = depths(bert)
    assert found.keys() == {name for name, _ in bert.named_parameters()}
    assert {depth for name, depth in found.items() if name.startswith("embeddings.")} == {0}
    assert {depth for name, depth in found.items() if ".layer.0." in name} == {1}
    assert {depth for name, depth in found.items() if ".layer.1." in name or "pooler" in name} == {2}


@pytest.mark.parametrize("architecture", ["test_resnet", "test_vit"])
def test_a_networks_layers_are_counted_from_its_stem(architecture: str) -> None:
    import timm

    module = timm.create_model(architecture, pretrained=False, num_classes=0)
    found, names = depths(module), [name for name, _ in module.named_parameters()]
    assert found.keys() == set(names)
    assert found[names[0]] == 0
    assert found[names[-1]] == max(found.values()) > 1


def test_the_lower_a_layer_the_slower_it_learns(bert: Any) -> None:
    recipe = recipe_for(TASKS[1], "full", 200, balanced=False)
    layer = depths(bert)
    for name, rate in rates(bert, recipe).items():
        assert rate == pytest.approx(1e-4 * 0.85 ** (2 - layer[name]))
    assert changed(bert, recipe) == layer.keys()
    block = rates(bert, recipe_for(TASKS[1], "longer", 200, balanced=False))
    assert block.keys() == last_block(bert).keys()
    assert set(block.values()) == {5e-4}


def test_adapters_stand_beside_what_makes_queries_keys_and_values() -> None:
    from torch import nn

    parts = {name: nn.Linear(2, 2) for name in ("Wqkv", "q_lin", "query_proj", "dense", "out_lin")}
    assert attention(nn.ModuleDict({"attn": nn.ModuleDict(parts)})) == (
        "attn.Wqkv",
        "attn.q_lin",
        "attn.query_proj",
    )
    assert attention(nn.ModuleDict({"query": nn.Embedding(2, 2)})) == ()


@pytest.mark.parametrize("task", TASKS)
def test_every_rung_that_tunes_has_a_recipe_and_a_cost(task: str) -> None:
    for rung in TUNING if task == TASKS[1] else sorted(set(TUNING) - {"lora"}):
        recipe = recipe_for(task, rung, 100, balanced=True)
        assert recipe.balanced
        assert recipe.epochs == epochs(rung, 100) > epochs(rung, 1500) >= 1
        assert epochs(rung, 10**6) == 1
        assert visit_cost(task, rung) > 1
    assert visit_cost(task, "full") > visit_cost(task, "longer") == visit_cost(task, "last-block")


def test_full_is_gentle_below_and_free_above() -> None:
    recipe = recipe_for(TASKS[0], "full", 200, balanced=False)
    assert (recipe.scope, recipe.layer_decay, recipe.weight_decay) == ("full", 0.85, 0.05)
    assert recipe.head_rate > recipe.body_rate
