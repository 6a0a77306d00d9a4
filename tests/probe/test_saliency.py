"""Where a model looked, on models whose answer hangs on one corner, or on one word."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_models import FILLER, WORDS, bert_model
from torch import nn

from advisor.probe.after.heat import NotExplainable, as_seen, heat_map, last_map
from advisor.probe.after.reading import joined, read
from advisor.probe.after.saliency import some
from advisor.probe.backbone import ImageBackbone, TextBackbone

SIDE, CELLS = 32, 8


def plain(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)


def backbone_of(module: nn.Module) -> ImageBackbone:
    return ImageBackbone(module, plain, lambda content: Image.open(content))


class Corner(nn.Module):
    """Averages brightness over the picture: what is bright decides, wherever it lies."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 4, stride=4, bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(1 / 48)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self.conv(pixels)).mean(dim=(2, 3))


class Tokens(nn.Module):
    """A vision transformer's outside: a class token that reads only from the patch of one place."""

    num_features = 3

    def __init__(self, place: int) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 3, 8, stride=8)
        self.patch_embed.grid_size = (4, 4)  # type: ignore[assignment]
        self.blocks = nn.ModuleList([nn.Module()])
        self.blocks[0].norm1 = nn.Identity()
        self.place = place

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = nn.functional.avg_pool2d(pixels, 8).flatten(2).transpose(1, 2)
        whole = torch.cat([torch.zeros(len(pixels), 1, 3), patches], dim=1)
        return cast(torch.Tensor, self.blocks[0].norm1(whole))[:, 1 + self.place]


def lit(row: int, column: int, side: int = SIDE) -> torch.Tensor:
    pixels = torch.zeros(1, 3, side, side)
    pixels[:, :, row : row + 8, column : column + 8] = 1.0
    return pixels


def head(weight: Sequence[Sequence[float]]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.zero_()
    return layer


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 24), (24, 0), (16, 8)])
def test_the_map_peaks_where_the_evidence_lies(row: int, column: int) -> None:
    backbone = backbone_of(Corner())
    pixels = lit(row, column)
    layer = last_map(backbone.module, lambda: backbone.forward(pixels))  # type: ignore[arg-type]
    assert (layer.name, layer.layout, layer.grid) == ("conv", "channels first", (CELLS, CELLS))
    heat = heat_map(backbone, head([[1, 1], [-1, -1]]), layer, pixels, 0)
    hot = np.zeros((CELLS, CELLS), dtype=bool)
    hot[row // 4 : row // 4 + 2, column // 4 : column // 4 + 2] = True
    assert heat.max() == 1.0
    assert (heat[hot] > 0.99).all() and heat[~hot].max() < 0.01


def test_a_head_that_weighs_nothing_gives_a_flat_map() -> None:
    backbone = backbone_of(Corner())
    pixels = lit(0, 0)
    layer = last_map(backbone.module, lambda: backbone.forward(pixels))  # type: ignore[arg-type]
    assert not heat_map(backbone, head([[0, 0], [0, 0]]), layer, pixels, 0).any()


def test_a_picture_that_is_alike_everywhere_gives_a_flat_map() -> None:
    backbone = backbone_of(Corner())
    pixels = torch.ones(1, 3, SIDE, SIDE)
    layer = last_map(backbone.module, lambda: backbone.forward(pixels))  # type: ignore[arg-type]
    assert not heat_map(backbone, head([[1, 1], [-1, -1]]), layer, pixels, 0).any()


def test_tokens_are_laid_out_as_their_grid() -> None:
    backbone = backbone_of(Tokens(place=6))
    pixels = torch.ones(1, 3, SIDE, SIDE)
    layer = last_map(backbone.module, lambda: backbone.forward(pixels))  # type: ignore[arg-type]
    assert (layer.layout, layer.grid, layer.before) == ("tokens", (4, 4), 1)
    heat = heat_map(backbone, head([[1, 1, 1], [0, 0, 0]]), layer, pixels, 0)
    assert np.argwhere(heat > 0).tolist() == [[1, 2]]


def test_a_small_picture_is_looked_at_before_it_shrinks_to_one_cell() -> None:
    class Shrinking(nn.Module):
        num_features = 5

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 4, 8, stride=8)
            self.last = nn.Conv2d(4, 5, 4)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return cast(torch.Tensor, self.last(self.first(pixels))).flatten(1)

    backbone = backbone_of(Shrinking())
    layer = last_map(backbone.module, lambda: backbone.forward(lit(0, 0)))  # type: ignore[arg-type]
    assert (layer.name, layer.grid) == ("first", (4, 4))


def test_a_net_without_a_map_says_so() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 4))
    backbone = backbone_of(net)
    with pytest.raises(NotExplainable, match="map of features"):
        last_map(net, lambda: backbone.forward(lit(0, 0)))


def test_fine_maps_are_made_coarser() -> None:
    backbone = backbone_of(Corner())
    pixels = lit(0, 0, side=128)
    layer = last_map(backbone.module, lambda: backbone.forward(pixels))  # type: ignore[arg-type]
    heat = heat_map(backbone, head([[1, 1], [-1, -1]]), layer, pixels, 0)
    assert layer.grid == (32, 32) and heat.shape == (16, 16)
    assert np.unravel_index(heat.argmax(), heat.shape) == (0, 0)


def test_the_picture_is_as_the_model_was_fed() -> None:
    backbone = backbone_of(Corner())
    pixels = torch.zeros(3, 320, 200)
    pixels[0] = 1.0
    with Image.open(io.BytesIO(base64.b64decode(as_seen(backbone, pixels)))) as image:
        assert image.size == (100, 160)
        assert all(abs(a - b) < 6 for a, b in zip(image.getpixel((50, 80)), (255, 0, 0), strict=True))  # type: ignore[arg-type]

    class Normalised:
        transforms = (type("Normal", (), {"mean": [0.5] * 3, "std": [0.25] * 3})(),)

    backbone.transform = Normalised()  # type: ignore[assignment]
    with Image.open(io.BytesIO(base64.b64decode(as_seen(backbone, torch.zeros(3, 40, 40))))) as image:
        assert all(abs(value - 128) < 6 for value in image.getpixel((20, 20)))  # type: ignore[union-attr]


class OneWord(nn.Module):
    """A body whose features are those of one token's embedding, wherever it stands, and nothing else."""

    def __init__(self, size: int, loud: int) -> None:
        super().__init__()
        self.table = nn.Embedding(size, 4)
        with torch.no_grad():
            self.table.weight.mul_(0.001)
            self.table.weight[loud] = torch.tensor([3.0, 0.0, 0.0, 0.0])

    def get_input_embeddings(self) -> nn.Module:
        return self.table

    def forward(self, input_ids: torch.Tensor, **more: Any) -> Any:
        return type("Out", (), {"last_hidden_state": torch.tanh(self.table(input_ids))})()


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(bert_model(tmp_path_factory.mktemp("bert") / "model", seed=1))


def test_the_word_that_decides_weighs_most_and_all_words_add_up(tokenizer: Any) -> None:
    loud = tokenizer.convert_tokens_to_ids("refund")
    backbone = TextBackbone(OneWord(len(tokenizer), loud), tokenizer, 32)
    top = head([[1, 0, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 0]])
    text = "please my Refund, I want it now"
    found = read(backbone, top, text, 0)
    assert "".join(word.text + word.gap for word in found.words) == text
    heaviest = max(found.words, key=lambda word: abs(word.weight))
    assert heaviest.text == "Refund" and heaviest.weight > 0
    rest = sum(abs(word.weight) for word in found.words) - heaviest.weight
    assert rest < 0.05 * heaviest.weight
    whole = sum(word.weight for word in found.words)
    assert whole == pytest.approx(found.score - found.blank_score, rel=0.01)
    against = read(backbone, top, text, 1)
    assert max(against.words, key=lambda word: abs(word.weight)).weight < 0


def test_weights_add_up_in_a_transformer(tokenizer: Any, tmp_path: Path) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(bert_model(tmp_path / "model", seed=3))
    backbone = TextBackbone(model, tokenizer, 32)
    torch.manual_seed(0)
    top = nn.Linear(24, 3)
    text = " ".join([*WORDS["refund"].split()[:4], *FILLER.split()[:5]])
    for target in range(3):
        found = read(backbone, top, text, target, steps=32)
        whole = sum(word.weight for word in found.words)
        assert whole == pytest.approx(found.score - found.blank_score, abs=0.02)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_constant_head_gives_words_without_weight(tokenizer: Any) -> None:
    backbone = TextBackbone(OneWord(len(tokenizer), 7), tokenizer, 32)
    found = read(backbone, head([[0.0] * 4] * 3), "please my refund", 2)
    assert [word.weight for word in found.words] == [0.0, 0.0, 0.0]


def test_a_tokenizer_without_places_says_so() -> None:
    slow = type("Slow", (), {"is_fast": False})()
    backbone = TextBackbone(OneWord(9, 7), slow, 32)
    with pytest.raises(NotExplainable, match="tokenizer"):
        read(backbone, head([[0.0] * 4] * 2), "please", 0)


@pytest.mark.parametrize(
    ("text", "pieces", "words"),
    [
        ("unhappy dog", [((0, 2), 1.0), ((2, 7), 2.0), ((7, 11), 4.0)], [("unhappy", 3.0, " "), ("dog", 4.0, "")]),
        ("房间很好", [((0, 1), 1.0), ((1, 2), 2.0), ((2, 4), 3.0)],
         [("房", 1.0, ""), ("间", 2.0, ""), ("很好", 3.0, "")]),
        ("so: yes", [((0, 2), 1.0), ((2, 3), 0.5), ((4, 7), 2.0)],
         [("so", 1.0, ""), (":", 0.5, " "), ("yes", 2.0, "")]),
        ("a😀", [((0, 1), 1.0), ((1, 2), 0.25), ((1, 2), 0.5)], [("a", 1.0, ""), ("😀", 0.75, "")]),
        (" a", [((0, 1), 0.5), ((1, 2), 1.0)], [("a", 1.5, "")]),
        ("a ", [((0, 1), 1.0), ((1, 2), 0.5)], [("a", 1.5, "")]),
        ("", [], []),
    ],
)  # fmt: skip
def test_pieces_are_joined_to_words(
    text: str, pieces: list[tuple[tuple[int, int], float]], words: list[tuple[str, float, str]]
) -> None:
    assert [(word.text, word.weight, word.gap) for word in joined(text, pieces)] == words


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1, max_size=4), st.floats(-5, 5)), min_size=1, max_size=12))
def test_joining_loses_no_weight_and_no_letter(parts: list[tuple[str, float]]) -> None:
    text, spans, at = "", [], 0
    for part, weight in parts:
        text += part
        spans.append(((at, at + len(part)), weight))
        at += len(part)
    words = joined(text, spans)
    if words:
        assert sum(word.weight for word in words) == pytest.approx(
            sum(weight for _, weight in parts), abs=1e-9
        )
    letters = [letter for word in words for letter in word.text if not letter.isspace()]
    assert letters == [letter for letter in text if not letter.isspace()]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 5))
def test_a_handful_wrong_and_right_in_turn(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    probabilities = rng.dirichlet(np.ones(k), n).astype(np.float32)
    chosen = some(truth, probabilities)
    named = probabilities.argmax(axis=1)
    wrong = [place for place in chosen if named[place] != truth[place]]
    right = [place for place in chosen if named[place] == truth[place]]
    assert len(set(chosen)) == len(chosen)
    assert len(wrong) == min(4, int(np.sum(named != truth)))
    assert len(right) == min(4, int(np.sum(named == truth)))
    sure = [float(probabilities[place, named[place]]) for place in wrong]
    assert sure == sorted(sure, reverse=True)
    assert len({int(truth[place]) for place in right}) == min(4, len(set(truth[named == truth].tolist())))
    assert chosen == some(truth, probabilities)
