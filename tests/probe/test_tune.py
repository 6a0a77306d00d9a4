"""Brief fine-tuning: only the last block and the head move, and separable data are learnt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import WORDS, bert_model, picture, sentence, timm_model
from torch import nn

from advisor.errors import Cancelled
from advisor.probe.backbone import Backbone, load_backbone
from advisor.probe.clock import Clock, OutOfTime
from advisor.probe.features import embed
from advisor.probe.head import fit_head
from advisor.probe.recipes import Recipe
from advisor.probe.scope import changed, last_block
from advisor.probe.tune import TunedHead, tune
from advisor.weights import Weights

pytestmark = pytest.mark.usefixtures("one_thread")

TRUTH = np.arange(30) % 3
RECIPE = Recipe(epochs=3, body_rate=3e-3, head_rate=3e-2, batch_size=8)
CONTENTS = {
    "timm": [f"{colour}/{i}" for i, colour in enumerate(["red", "green", "blue"] * 10)],
    "transformers": [sentence(list(WORDS)[i % 3], i) for i in range(30)],
}


def open_picture(content: str) -> Image.Image:
    colour, seed = content.split("/")
    return picture(colour, int(seed))


def weights(folder: Path, loader: Any, architecture: str | None = None) -> Weights:
    files = (folder / "model.safetensors",)
    return Weights("m", "local", loader, "local:0", folder, files, 0.1, architecture, None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("tuned")
    return {"timm": timm_model(place / "timm"), "transformers": bert_model(place / "bert")}


@pytest.fixture(params=["timm", "transformers"])
def loader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def body(folders: dict[str, Path], loader: str) -> Backbone:
    return load_backbone(weights(folders[loader], loader), open_picture)


def clock(**more: Any) -> Clock:
    return Clock(None, 0.0, more.get("stop", lambda: False))


def start(body: Backbone, contents: Sequence[str]) -> TunedHead:
    return TunedHead(fit_head(embed(body, contents, clock()), TRUTH, 3, seed=0, strength=0.001))


def copies(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def test_only_the_last_block_and_the_head_move(body: Backbone, loader: str) -> None:
    assert body.module is not None
    head = start(body, CONTENTS[loader])
    before, centre, told = copies(body.module), copies(head), list[tuple[int, int, float]]()
    last = tune(
        body, head, CONTENTS[loader], TRUTH, RECIPE, clock(), seed=0, progress=lambda *step: told.append(step)
    )
    moved = {name for name, tensor in copies(body.module).items() if not torch.equal(tensor, before[name])}
    assert moved
    assert moved <= set(last_block(body.module)), "running statistics and earlier layers stay"
    after = copies(head)
    assert {name for name in after if not torch.equal(after[name], centre[name])} == {
        "linear.weight",
        "linear.bias",
    }
    assert [step for step, _, _ in told] == list(range(1, 13))
    first = np.mean([loss for _, _, loss in told[:4]])
    assert last.loss < 0.7 * first, "separable data are learnt"
    assert not body.module.training
    assert not any(parameter.requires_grad for parameter in body.module.parameters())


def test_all_layers_learn_where_the_recipe_says_so(body: Backbone, loader: str) -> None:
    assert body.module is not None
    recipe = Recipe(3, 3e-3, head_rate=3e-2, batch_size=8, scope="full", layer_decay=0.5)
    before = copies(body.module)
    tuned = tune(body, start(body, CONTENTS[loader]), CONTENTS[loader], TRUTH, recipe, clock(), seed=0)
    assert tuned.epochs == 3
    same = {name for name, tensor in copies(body.module).items() if torch.equal(tensor, before[name])}
    learnt = {name for name, _ in body.module.named_parameters() if "pooler" not in name}
    assert not same & learnt
    assert same, "buffers, such as the statistics of batch norm, stay"
    assert not any(parameter.requires_grad for parameter in body.module.parameters())


def test_adapters_learn_and_become_part_of_the_attention(folders: dict[str, Path]) -> None:
    texts = CONTENTS["transformers"]
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    assert body.module is not None
    recipe = Recipe(3, 1e-2, head_rate=3e-2, batch_size=8, scope="lora")
    before, head = copies(body.module), start(body, texts)
    first = float(np.mean(head.probabilities(embed(body, texts, clock())).argmax(axis=1) == TRUTH))
    tune(body, head, texts, TRUTH, recipe, clock(), seed=0)
    after = copies(body.module)
    assert after.keys() == before.keys(), "nothing of the adapters stays"
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert moved == changed(body.module, recipe)
    assert {name.split(".")[-2] for name in moved} == {"query", "key", "value"}
    assert {name.split(".")[2] for name in moved} == {"0", "1"}, "in every layer"
    last = float(np.mean(head.probabilities(embed(body, texts, clock())).argmax(axis=1) == TRUTH))
    assert last >= first
    assert not any(parameter.requires_grad for parameter in body.module.parameters())


def test_adapters_need_attention(folders: dict[str, Path]) -> None:
    body = load_backbone(weights(folders["timm"], "timm"), open_picture)
    recipe = Recipe(1, 1e-3, scope="lora")
    with pytest.raises(ValueError, match="no attention that adapters"):
        tune(body, start(body, CONTENTS["timm"]), CONTENTS["timm"], TRUTH, recipe, clock(), seed=0)


def test_short_of_time_fewer_passes_are_made(folders: dict[str, Path]) -> None:
    """A second a step, four steps a pass, nine seconds: after the first pass there is time for one more."""
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    told: list[tuple[int, int]] = []
    slow = Clock(9.5, 0.0, lambda: False, lambda: float(len(told)))
    tuned = tune(
        body, start(body, CONTENTS["transformers"]), CONTENTS["transformers"], TRUTH, RECIPE, slow, seed=0,
        progress=lambda step, steps, loss: told.append((step, steps)),
    )  # fmt: skip
    assert tuned.epochs == 2
    assert [steps for _, steps in told] == [12] * 4 + [8] * 4
    told.clear()
    tuned = tune(
        body, start(body, CONTENTS["transformers"]), CONTENTS["transformers"], TRUTH, RECIPE, slow, seed=0,
        reserve_s=9.0, progress=lambda step, steps, loss: told.append((step, steps)),
    )  # fmt: skip
    assert tuned.epochs == 1, "what comes afterwards needs its time"


def test_rates_that_have_fallen_to_their_end_do_not_rise_again(folders: dict[str, Path]) -> None:
    """After a slow first pass there is time for one more; that it is quick leaves time over, and it is the last."""
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    told: list[tuple[int, int]] = []
    quick = Clock(9.5, 0.0, lambda: False, lambda: min(len(told), 4) + 0.1 * max(0, len(told) - 4))
    tuned = tune(
        body, start(body, CONTENTS["transformers"]), CONTENTS["transformers"], TRUTH, RECIPE, quick, seed=0,
        progress=lambda step, steps, loss: told.append((step, steps)),
    )  # fmt: skip
    assert (tuned.made, told[-1]) == (2, (8, 8))


def test_short_of_time_for_one_pass_a_part_of_it_is_made(folders: dict[str, Path]) -> None:
    """A second a step, twelve steps a pass, nine seconds less two for what comes afterwards."""
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    told: list[tuple[int, int]] = []
    slow = Clock(9.5, 0.0, lambda: False, lambda: float(len(told)))
    recipe = Recipe(1, 1e-3, batch_size=2)
    tuned = tune(
        body, start(body, CONTENTS["transformers"]), CONTENTS["transformers"], TRUTH, recipe, slow, seed=0,
        reserve_s=2.0, progress=lambda step, steps, loss: told.append((step, steps)),
    )  # fmt: skip
    assert (tuned.epochs, tuned.made, tuned.seen) == (0, 0, 2 * 7)
    assert told[-1] == (7, 7)


def test_the_head_begins_as_the_probe(body: Backbone, loader: str) -> None:
    features = embed(body, CONTENTS[loader], clock())
    probe = fit_head(features, TRUTH, 3, seed=0)
    assert np.allclose(TunedHead(probe).probabilities(features), probe.probabilities(features), atol=1e-4)


def test_same_seed_same_weights(folders: dict[str, Path], loader: str) -> None:
    results = []
    for _ in range(2):
        body = load_backbone(weights(folders[loader], loader), open_picture)
        head = start(body, CONTENTS[loader])
        tune(body, head, CONTENTS[loader], TRUTH, Recipe(epochs=1, body_rate=1e-3), clock(), seed=3)
        results.append(copies(head)["linear.weight"])
    assert torch.equal(*results)


def test_a_smaller_batch_in_memory_gives_the_same_step(folders: dict[str, Path], loader: str) -> None:
    results = []
    for size in (8, 3):
        body = load_backbone(weights(folders[loader], loader), open_picture)
        body.batch_size = size
        head = start(body, CONTENTS[loader])
        tune(body, head, CONTENTS[loader], TRUTH, Recipe(1, 1e-4, batch_size=8), clock(), seed=0)
        results.append(copies(head)["linear.weight"])
    assert torch.allclose(*results, atol=2e-3)


def test_a_step_goes_through_in_even_parts(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    body = load_backbone(weights(folders["timm"], "timm"), open_picture)
    head = start(body, CONTENTS["timm"])
    body.batch_size, true_forward, seen = 6, body.forward, list[int]()

    def counted(batch: Any) -> torch.Tensor:
        if torch.is_grad_enabled():
            seen.append(len(batch))
        return true_forward(batch)

    monkeypatch.setattr(body, "forward", counted)
    recipe, held = Recipe(1, 1e-4, batch_size=8), np.array([], dtype=np.int64)
    tune(body, head, CONTENTS["timm"], TRUTH, recipe, clock(), seed=0, held=held)
    rest = len(TRUTH) % 8
    assert seen[: len(TRUTH) // 8 * 2] == [4] * (len(TRUTH) // 8 * 2), "8 as 4 and 4, not as 6 and 2"
    assert sum(seen) == len(TRUTH) and (rest == 0 or max(seen[len(TRUTH) // 8 * 2 :]) <= 6)


def test_the_batch_backs_off_when_memory_is_short(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    head = start(body, CONTENTS["transformers"])
    true_forward = body.forward

    def short(batch: Any) -> torch.Tensor:
        if len(batch["input_ids"]) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return true_forward(batch)

    monkeypatch.setattr(body, "forward", short)
    tuned = tune(body, head, CONTENTS["transformers"], TRUTH, RECIPE, clock(), seed=0)
    assert body.batch_size == 2
    assert np.isfinite(tuned.loss)

    def none(batch: Any) -> torch.Tensor:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(body, "forward", none)
    with pytest.raises(RuntimeError, match="out of memory"):
        tune(body, head, CONTENTS["transformers"], TRUTH, RECIPE, clock(), seed=0)


def test_the_clock_stops_between_steps(folders: dict[str, Path]) -> None:
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    head = start(body, CONTENTS["transformers"])
    told: list[int] = []
    stopping = clock(stop=lambda: len(told) >= 2)
    with pytest.raises(Cancelled):
        tune(
            body, head, CONTENTS["transformers"], TRUTH, RECIPE, stopping, seed=0,
            progress=lambda step, steps, loss: told.append(step),
        )  # fmt: skip
    assert told == [1, 2]
    with pytest.raises(OutOfTime):
        tune(body, head, CONTENTS["transformers"], TRUTH, RECIPE, Clock(1, 0.0, lambda: False), seed=0)


def test_rare_classes_weigh_more(folders: dict[str, Path]) -> None:
    """Of thirty pictures that are all the same, three have another class: only the share can be learnt."""
    body = load_backbone(weights(folders["timm"], "timm"), open_picture)
    truth = np.where(np.arange(30) % 10 == 0, 0, 1)
    contents = ["red/1"] * 30
    body.batch_size = 30
    features = embed(body, contents, clock())
    shares = []
    for balanced in (False, True):
        head = TunedHead(fit_head(features, truth, 3, seed=0, strength=1.0))
        recipe = Recipe(epochs=15, body_rate=0.0, head_rate=0.3, batch_size=30, balanced=balanced)
        tune(body, head, contents, truth, recipe, clock(), seed=0)
        shares.append(float(head.probabilities(features)[0, 0]))
    assert shares[0] < 0.25
    assert shares[1] > 0.35


@pytest.mark.parametrize(
    "architecture", ["test_resnet", "test_efficientnet", "test_vit", "mobilenetv3_small_050", "resnet10t"]
)
def test_the_last_block_is_at_the_end_and_holds_a_fair_part(architecture: str) -> None:
    import timm

    module = timm.create_model(architecture, pretrained=False, num_classes=0)
    names = [name for name, _ in module.named_parameters()]
    block = last_block(module)
    assert block
    assert set(block) < set(names)
    assert names[0] not in block, "the stem stays"
    assert max(names.index(name) for name in block) == len(names) - 1
    held = sum(p.numel() for p in block.values()) / sum(p.numel() for p in module.parameters())
    assert 0.02 < held < 0.95


def test_the_last_encoder_layer_is_the_last_block(folders: dict[str, Path]) -> None:
    body = load_backbone(weights(folders["transformers"], "transformers"), open_picture)
    block = last_block(body.module)
    assert block
    assert {name.split(".")[2] for name in block} == {"1"}
