"""What timm's own code tells of its architectures, read without weights."""

import csv
from pathlib import Path

import pytest

from advisor.probe.timm_layers import COLUMNS, layers_of, main


@pytest.mark.parametrize(
    ("architecture", "width", "attention"), [("test_vit", 64, ["qkv", "proj"]), ("test_resnet", 96, [])]
)
def test_width_stages_and_attention(architecture: str, width: int, attention: list[str]) -> None:
    found = layers_of(architecture)
    assert (found["embedding_dim"], found["lora_targets"]) == (width, attention)
    assert 2 <= len(found["freeze_at"]) <= 5


def test_the_command_writes_one_row_for_each_known_architecture(tmp_path: Path) -> None:
    names, output = tmp_path / "names.txt", tmp_path / "layers.csv"
    names.write_text("# list\ntest_vit.r160_in1k\ntest_vit.other\nno_such_net.x\n", encoding="utf-8")
    assert main([str(names), "-o", str(output)]) == 0
    with output.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["architecture"] for row in rows] == ["test_vit"]
