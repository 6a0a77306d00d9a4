"""Examples without labels: read from what people have, bounded, and never one that judges."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advisor.dataset import Dataset, read, read_unlabelled
from advisor.errors import DataError


def picture(seed: int, side: int = 48) -> Image.Image:
    """A smooth picture of its own: eight by eight random colours, enlarged."""
    cells = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("one", "two")):
        (folder / name).mkdir()
        for i in range(6):
            picture(10 * number + i).save(folder / name / f"{i}.png")
    return read(folder)


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("tickets") / "tickets.csv"
    rows = [f"ticket number {i} is late,delivery" for i in range(6)]
    rows += [f"invoice number {i} is wrong,billing" for i in range(6)]
    path.write_text("ticket,label\n" + "\n".join(rows), encoding="utf-8")
    return read(path, text="ticket")


def test_images_flat_and_nested_without_what_judges(photos: Dataset, tmp_path: Path) -> None:
    spare = tmp_path / "spare"
    (spare / "deep" / "er").mkdir(parents=True)
    for i in range(4):
        picture(100 + i).save(spare / f"{i}.png")
    picture(200).save(spare / "deep" / "er" / "x.jpg", quality=95)
    picture(100).save(spare / "deep" / "again.png")
    picture(0).save(spare / "judge.png")
    picture(1, 96).save(spare / "judge-again.jpg", quality=85)
    picture(2).save(spare / "learnt.png")
    (spare / "broken.png").write_bytes(b"no image")
    (spare / "notes.txt").write_text("ignored")
    (spare / ".hidden.png").write_bytes(b"ignored")
    found = read_unlabelled(spare, photos, judged=[0, 1])
    assert set(found.contents) == {"0.png", "1.png", "2.png", "3.png", "deep/er/x.jpg", "learnt.png"} or set(
        found.contents
    ) == {"deep/again.png", "1.png", "2.png", "3.png", "deep/er/x.jpg", "learnt.png"}
    assert found.total == 10 and found.of_images
    (told,) = found.findings
    assert told.kind == "unlabelled" and told.severity == "medium"
    for part in ("6 of 10 unlabelled images", "2 are, or look like", "1 repeat another", "1 cannot be read"):
        assert part in told.detail


def test_a_zip_of_images_is_read_like_a_folder(photos: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "spare.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(60):
            content = io.BytesIO()
            picture(300 + i).save(content, "PNG")
            archive.writestr(f"any/{i}.png", content.getvalue())
    found = read_unlabelled(path, photos, judged=[0, 1])
    assert len(found.contents) == 60 and found.findings[0].severity == "info"
    fewer = read_unlabelled(path, photos, most=20, seed=3)
    assert len(fewer.contents) == 20 and fewer.total == 60
    assert "20 of 60" in fewer.findings[0].detail and "No more than 20" in fewer.findings[0].detail
    assert fewer.contents == read_unlabelled(path, photos, most=20, seed=3).contents
    assert fewer.contents != read_unlabelled(path, photos, most=20, seed=4).contents


@pytest.mark.parametrize("name", ["spare.csv", "spare.txt", "spare.jsonl"])
def test_texts_of_a_table_or_a_line_each(tickets: Dataset, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    texts = [f"a new question {i}" for i in range(5)] + ["ticket  NUMBER 0 is late!", "a new question 0"]
    if name.endswith("csv"):
        path.write_text("id,ticket,label\n" + "\n".join(f"{i},{text},maybe" for i, text in enumerate(texts)))
    elif name.endswith("jsonl"):
        path.write_text("\n".join(f'{{"ticket": "{text}"}}' for text in texts))
    else:
        path.write_text("\n".join([*texts, "", "  "]))
    found = read_unlabelled(path, tickets, judged=[0, 1, 2])
    assert found.contents == tuple(f"a new question {i}" for i in range(5))
    assert found.total == 7 and not found.of_images
    assert "1 are, or look like" in found.findings[-1].detail and "1 repeat" in found.findings[-1].detail


def test_without_judges_everything_stays_and_long_texts_are_cut(tickets: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "spare.txt"
    path.write_text("\n".join(["x" * 30_000, "ticket number 0 is late", "\x07bell"]), encoding="utf-8")
    found = read_unlabelled(path, tickets)
    assert [len(content) for content in found.contents] == [10_000, 23, 4]
    assert "\x07" not in "".join(found.contents)


def test_of_a_large_text_file_the_beginning_is_read(
    tickets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.dataset.unlabelled.LARGE_BYTES", 100)
    path = tmp_path / "spare.txt"
    for encoding in ("utf-8", "utf-16"):
        path.write_bytes("\n".join(f"text {i} über" for i in range(60)).encode(encoding))
        found = read_unlabelled(path, tickets)
        assert 2 <= len(found.contents) <= 10
        assert found.contents[0] == "text 0 über"
        assert "were read" in found.findings[0].detail


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none", None, "no file or folder"),
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\n", "holds a text"),
        ("binary.txt", bytes(range(32)) * 50, "binary data"),
        ("a.pdf", b"%PDF", "no table or text file"),
        ("a.csv", b"alpha,beta\n1,2\n3,4\n", "holds the text"),
    ],
)
def test_bad_texts_are_explained(
    tickets: Dataset, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_unlabelled(path, tickets)


def test_the_text_column_is_that_of_the_labelled_table_or_found(tickets: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ticket,other\nhello there,1\nbye now,2\n")
    assert read_unlabelled(path, tickets).contents == ("hello there", "bye now")
    path.write_text("hello\nhello there\nbye now\n")
    assert read_unlabelled(path, tickets).contents == ("hello there", "bye now")
    path.write_text("content,other\nhello there,1\nbye now,2\n")
    assert read_unlabelled(path, tickets).contents == ("hello there", "bye now")


def test_bad_images_are_explained(photos: Dataset, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "table.csv").write_text("text\nhello\n")
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    (tmp_path / "rotten").mkdir()
    (tmp_path / "rotten" / "a.png").write_bytes(b"nothing")
    climbing = tmp_path / "climbing.zip"
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../a.png", b"x")
    for name, says in (
        ("empty", "holds no images"), ("table.csv", "no folder or zip"), ("broken.zip", "cannot be opened"),
        ("rotten", "None of the 1"), ("climbing.zip", "points outside"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=says):
            read_unlabelled(tmp_path / name, photos)
