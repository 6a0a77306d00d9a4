"""Features that outlive a run: found by what they are made of, whole or not there, and bounded."""

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.probe.cache import FeatureCache, body_key
from advisor.probe.earlier import Costs, costs_path, read_costs, read_source, write_costs, write_source
from advisor.probe.source_head import SourceHead
from advisor.result import LatencyMeasured
from advisor.weights import Weights

BODY = "ab" * 32


def key(text: str) -> bytes:
    return sha256(text.encode()).digest()


def rows(*texts: str, d: int = 4) -> dict[bytes, np.ndarray]:
    return {key(text): np.full(d, float(len(text)), dtype=np.float32) for text in texts}


def weights(folder: Path) -> Weights:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    return Weights("m", "local", "timm", "local:0", folder, (), 0.1, "resnet18", None)


@given(
    st.lists(st.sets(st.text(max_size=5), max_size=6), max_size=4), st.sets(st.text(max_size=5), max_size=8)
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_kept_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, kept: list[set[str]], asked: set[str]
) -> None:
    cache = FeatureCache(tmp_path_factory.mktemp("cache"))
    for texts in kept:
        cache.keep(BODY, rows(*texts))
    found = FeatureCache(cache.root).find(BODY, [key(text) for text in asked])
    assert set(found) == {key(text) for text in asked & set().union(*kept)}
    for text in asked:
        if key(text) in found:
            assert np.array_equal(found[key(text)], rows(text)[key(text)])
    assert FeatureCache(cache.root).find("cd" * 32, [key(text) for text in asked]) == {}


def test_both_kinds_of_layers_go_into_one_row_and_come_back(tmp_path: Path) -> None:
    kept = {
        key(text): np.random.default_rng(n).normal(size=(2, 6)).astype(np.float32)
        for n, text in enumerate("abc")
    }
    FeatureCache(tmp_path).keep(BODY, kept)
    found = FeatureCache(tmp_path).find(BODY, [key("c"), key("a"), key("never")])
    assert set(found) == {key("a"), key("c")}
    assert all(np.array_equal(row, kept[content]) for content, row in found.items())


def test_a_damaged_file_does_not_count_and_goes(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.keep(BODY, rows("a"))
    cache.keep(BODY, rows("b"))
    spoilt = sorted(tmp_path.glob("*/*.npz"))[0]
    spoilt.write_bytes(spoilt.read_bytes()[:40])
    assert len(cache.find(BODY, [key("a"), key("b")])) == 1
    assert not spoilt.exists()


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, limit_mb=0.025)
    cache.keep(BODY, rows("old", d=2500))
    cache.keep(BODY, rows("used", d=2500))
    for age, path in enumerate(sorted(tmp_path.glob("*/*.npz"))):
        os.utime(path, (1000 + age, 1000 + age))
    cache.find(BODY, [key("old")])
    cache.keep(BODY, rows("new", d=2500))
    assert set(cache.find(BODY, [key(text) for text in ("old", "used", "new")])) == {key("old"), key("new")}
    FeatureCache(tmp_path / "none", limit_mb=0).keep(BODY, rows("a"))
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"file|directory"):
        FeatureCache(tmp_path / "file" / "cache").keep(BODY, rows("a"))


def test_the_key_changes_with_all_that_features_depend_on(tmp_path: Path) -> None:
    one = weights(tmp_path / "a")
    keys = {
        body_key(one, 256),
        body_key(one, 128),
        body_key(replace(one, model="n"), 256),
        body_key(replace(one, revision="local:1"), 256),
        body_key(replace(one, architecture="resnet50"), 256),
        body_key(replace(one, loader="transformers"), 256),
    }
    (one.folder / "config.json").write_text('{"crop_pct": 1.0}')
    keys.add(body_key(one, 256))
    assert len(keys) == 7
    assert body_key(one, 256) == body_key(one, 256)


def test_costs_are_known_again_for_the_same_requests_only(tmp_path: Path) -> None:
    costs = Costs(latency_ms=LatencyMeasured(p50=1.0, p95=2.0), throughput_per_s=None, peak_memory_mb=12.0)
    path = costs_path(tmp_path, BODY, [key("a")], 2)
    assert read_costs(path) is None
    write_costs(path, costs)
    assert read_costs(path) == costs
    assert (
        len({path, costs_path(tmp_path, BODY, [key("b")], 2), costs_path(tmp_path, BODY, [key("a")], 1)}) == 3
    )
    path.write_text("{")
    assert read_costs(path) is None


def test_the_source_head_is_kept_and_so_is_that_there_is_none(tmp_path: Path) -> None:
    head = SourceHead(weight=np.eye(3, 4, dtype=np.float32), bias=np.arange(3, dtype=np.float32))
    assert read_source(tmp_path / "body") == (False, None)
    write_source(tmp_path / "body", head)
    kept, found = read_source(tmp_path / "body")
    assert kept
    assert found is not None
    assert np.array_equal(found.weight, head.weight)
    assert np.array_equal(found.bias, head.bias)
    write_source(tmp_path / "body", None)
    assert read_source(tmp_path / "body") == (True, None)
    (tmp_path / "body" / "source.npz").write_bytes(b"PK")
    assert read_source(tmp_path / "body") == (False, None)
    (tmp_path / "file").write_text("in the way")
    write_source(tmp_path / "file" / "body", head)
