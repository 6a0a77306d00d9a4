from pathlib import Path

import pytest
from knowledge_folder import build

from advisor.errors import KnowledgeError
from advisor.knowledge import load_knowledge

TABLE = "- {id: birds, name: Birds, also: [Birds200], tasks: [image-classification], classes: 200, source: paper}\n"
ROWS = "model,benchmark,metric,value,source,date,protocol\nlab/small,Birds200,accuracy,0.8,paper,,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(tmp_path)
    (tmp_path / "datasets.yaml").write_text(TABLE, encoding="utf-8")
    (tmp_path / "results" / "transfer.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


def test_rows_on_a_described_data_set_are_sound(folder: Path) -> None:
    known = load_knowledge(folder)
    assert [one.names for one in known.datasets] == [("birds", "Birds200")]
    assert any(row.benchmark == "Birds200" for row in known.results)


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("results/transfer.csv", "Birds200", "Birds20", "datasets.yaml has no such data set"),
        ("datasets.yaml", "source: paper", "source: papyrus", "unknown source 'papyrus'"),
        ("datasets.yaml", "[image-classification]", "[image-clasification]", "unknown task"),
        (
            "datasets.yaml",
            TABLE,
            TABLE + TABLE.replace("id: birds", "id: more"),
            "stands already with 'birds'",
        ),
        ("datasets.yaml", "classes: 200", "classes: 0", "greater than 0"),
        ("datasets.yaml", "classes: 200", "domain: zoo", "domain"),
    ],
)
def test_a_fault_names_its_file(folder: Path, file: str, old: str, new: str, fault: str) -> None:
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(KnowledgeError) as raised:
        load_knowledge(folder)
    assert fault in str(raised.value) and file in str(raised.value)


def test_coefficients_must_be_complete(folder: Path) -> None:
    (folder / "prior.yaml").write_text("- {id: domain, value: 0.5, says: distance}\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"prior\.yaml.*strength"):
        load_knowledge(folder)


def test_every_shipped_coefficient_is_read() -> None:
    from dataclasses import fields

    from advisor.knowledge import default_folder
    from advisor.transfer import Likeness

    shipped = (default_folder() / "prior.yaml").read_text(encoding="utf-8")
    assert all(f"id: {one.name}," in shipped for one in fields(Likeness))
