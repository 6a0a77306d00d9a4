"""The parsed base on disk: the same base again, or none at all."""

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowledge_folder import MODELS, RESULTS, build

from advisor.errors import KnowledgeError
from advisor.knowledge import Knowledge, ModelCard, cache, load_knowledge, loading
from advisor.knowledge.cache import content_key, recall, remember

KEY = "a key"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def load_as_if_new(folder: Path) -> Knowledge:
    loading._load.cache_clear()
    return load_knowledge(folder)


def kept(home: Path) -> Path:
    (path,) = (home / "knowledge").iterdir()
    return path


def never(folder: Path) -> Knowledge:
    raise AssertionError(f"{folder} was read although its parsed base is there")


def test_the_shipped_base_comes_back_equal(tmp_path: Path) -> None:
    whole = load_knowledge()
    remember(tmp_path, Path("x"), KEY, whole)
    again = recall(tmp_path, Path("x"), KEY)
    assert again == whole
    assert again is not None
    card, known = again.models[0], whole.models[0]
    assert ModelCard.model_validate(card.model_dump(by_alias=True)) == known
    assert card.model_copy(update={"id": "x"}).id == "x"
    assert [again.trust(source.id) for source in again.sources] == [s.trust for s in whole.sources]
    with pytest.raises(ValueError, match="frozen"):
        card.id = "y"  # type: ignore[misc]


def test_a_second_start_reads_no_yaml(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build(tmp_path / "base")
    first = load_as_if_new(folder)
    monkeypatch.setattr(loading, "_read", never)
    assert load_as_if_new(folder) == first


@pytest.mark.parametrize("name", ["models/lab.yaml", "results/bench.csv", "tasks.yaml"])
def test_a_changed_file_is_read_anew_even_with_the_old_time_and_length(
    home: Path, tmp_path: Path, name: str
) -> None:
    folder = build(tmp_path / "base")
    before = load_as_if_new(folder)
    path = folder / name
    times, text = path.stat(), path.read_text(encoding="utf-8")
    old, new = {
        "models/lab.yaml": ("Small", "Smart"), "results/bench.csv": ("0.7", "0.8"), "tasks.yaml": ("class?", "genus?"),
    }[name]  # fmt: skip
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert load_as_if_new(folder) != before


def test_a_base_at_fault_is_never_kept(home: Path, tmp_path: Path) -> None:
    folder = build(tmp_path / "base", **{"results/bench.csv": RESULTS.replace("0.7", "70")})
    for _ in range(2):
        with pytest.raises(KnowledgeError, match="must be 0–1"):
            load_as_if_new(folder)
    assert not (home / "knowledge").exists()


def test_other_code_makes_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build(tmp_path / "base")
    files = loading._files(folder)
    assert content_key(files, folder) == content_key(files, folder)
    assert content_key(files, folder) != content_key(files[1:], folder)
    before = content_key(files, folder)
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "other" / "cache.py"))
    assert content_key(files, folder) != before


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_torn_or_tampered_cache_is_read_anew(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    tmp_path = tmp_path_factory.mktemp("torn")
    folder = build(tmp_path / "base")
    remember(tmp_path, folder, KEY, loading._read(folder))
    path = kept(tmp_path)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    put = data.draw(st.binary(max_size=4))
    torn = whole[:cut] + put + whole[cut + data.draw(st.integers(1, 20)) :]
    path.write_bytes(torn)
    assert torn == whole or recall(tmp_path, folder, KEY) is None


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        None,
        [1, 2],
        [{}, []],
        [{"Words": [], "Licence": [], "Input": []}, [[1]] * 7],
        [[[1]], []],
        "x",
    ],
)
def test_a_foreign_body_with_a_true_checksum_is_read_anew(tmp_path: Path, body: object) -> None:
    folder = build(tmp_path / "base")
    remember(tmp_path, folder, KEY, loading._read(folder))
    text = json.dumps(body).encode()
    kept(tmp_path).write_bytes(json.dumps({"key": KEY, "sum": cache._sum(text)}).encode() + b"\n" + text)
    assert recall(tmp_path, folder, KEY) is None


def test_another_key_is_no_match(tmp_path: Path) -> None:
    folder = build(tmp_path / "base")
    remember(tmp_path, folder, KEY, loading._read(folder))
    assert recall(tmp_path, folder, KEY) is not None
    assert recall(tmp_path, folder, "another") is None
    assert recall(tmp_path, tmp_path, KEY) is None


def test_a_home_that_cannot_be_written_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("ADVISOR_HOME", str(blocked))
    folder = build(tmp_path / "base")
    assert load_as_if_new(folder).model("lab/small").family == "Lab nets"
    assert load_as_if_new(folder).model("lab/small").family == "Lab nets"


def test_only_the_owner_may_write_and_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knowledge = loading._read(build(tmp_path / "base"))
    for number in range(cache.KEPT + 3):
        remember(tmp_path, Path(f"folder-{number}"), KEY, knowledge)
    files = list((tmp_path / "knowledge").iterdir())
    assert len(files) == cache.KEPT
    assert recall(tmp_path, Path(f"folder-{cache.KEPT + 2}"), KEY) == knowledge
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o022 == 0 for path in files)


def test_a_card_of_every_kind_of_field_survives(tmp_path: Path) -> None:
    text = MODELS.replace(
        "    released: 2020-01-01\n",
        "    released: 2020-01-01\n    cited: {released: paper}\n    gated: false\n    trained_on: []\n"
        "    good_for: {en: Much, zh: 很多}\n    input: {resolution: 224, languages: [en, zh]}\n"
        "    maintained: {value: slow, source: paper, date: 2026-01-02}\n",
    )
    folder = build(tmp_path / "base", **{"models/lab.yaml": text})
    knowledge = loading._read(folder)
    remember(tmp_path, folder, KEY, knowledge)
    assert recall(tmp_path, folder, KEY) == knowledge
