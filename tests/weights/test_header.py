"""Parameters and bytes from safetensors headers, held against what was written; broken ones are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from advisor.errors import WeightsUnavailable
from advisor.weights import footprint

ARRAYS = st.dictionaries(
    st.text("abcdef.", min_size=1, max_size=8),
    st.tuples(
        st.lists(st.integers(0, 4), max_size=3),
        st.sampled_from(["float32", "float16", "int64", "int8", "bool"]),
    ),
    max_size=6,
)
NAMES = {"float32": "F32", "float16": "F16", "int64": "I64", "int8": "I8", "bool": "BOOL"}


@given(ARRAYS)
def test_the_sums_are_those_of_the_arrays(tmp_path_factory: pytest.TempPathFactory, arrays: dict) -> None:
    held = {name: np.zeros(shape, dtype) for name, (shape, dtype) in arrays.items()}
    path = tmp_path_factory.mktemp("header") / "model.safetensors"
    path.write_bytes(save(held, metadata={"format": "np"}))
    found = footprint(path)
    assert found.parameters == sum(array.size for array in held.values()) == sum(found.dtypes.values())
    assert found.bytes == sum(array.nbytes for array in held.values())
    assert set(found.dtypes) == {NAMES[dtype] for _, dtype in arrays.values()}


def test_statistics_are_no_parameters_but_take_room(tmp_path: Path) -> None:
    arrays = {"a": np.zeros(5, np.float32), "bn.running_var": np.zeros(3, np.float32)}
    (tmp_path / "model.safetensors").write_bytes(save(arrays))
    found = footprint(tmp_path)
    assert (found.parameters, found.bytes) == (5, 32)
    assert footprint([tmp_path / "model.safetensors"] * 2).parameters == 10


def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def entry(**changes: object) -> bytes:
    return json.dumps({"t": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}).encode()


def test_the_well_formed_file_that_the_broken_ones_are_made_from_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(raw(entry(), bytes(8)))
    assert footprint(tmp_path).parameters == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        raw(entry(), bytes(8), length=10**18),
        raw(entry(), bytes(8), length=1),
        raw(b"not json!"),
        raw(b"[1, 2, 3]"),
        raw(b"[" * 100_000),
        raw(b"\xff\xfe\xff\xfe"),
        raw(entry(), bytes(4)),
        raw(entry(data_offsets=[8, 0]), bytes(8)),
        raw(entry(data_offsets=[-8, 0]), bytes(8)),
        raw(entry(data_offsets=[0]), bytes(8)),
        raw(entry(shape=[3]), bytes(8)),
        raw(entry(shape=[-1, -2]), bytes(8)),
        raw(entry(shape="2"), bytes(8)),
        raw(entry(shape=[2.0]), bytes(8)),
        raw(entry(dtype="F33"), bytes(8)),
        raw(entry(dtype=None), bytes(8)),
        raw(b'{"t": 1}', bytes(8)),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsUnavailable, match="not a sound safetensors file"):
        footprint(tmp_path)


@given(st.binary(max_size=200))
def test_no_content_whatever_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "model.safetensors"
    path.write_bytes(content)
    try:
        assert footprint(path).parameters >= 0
    except WeightsUnavailable as error:
        assert error.fix


def test_a_folder_without_safetensors_and_an_absent_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"holds no \*\.safetensors"):
        footprint(tmp_path)
    with pytest.raises(WeightsUnavailable, match="cannot be read"):
        footprint(tmp_path / "absent.safetensors")
