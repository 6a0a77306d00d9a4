"""Parameters and bytes of safetensors files, read from their headers without loading a tensor."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from advisor.errors import WeightsUnavailable

__all__ = ["Footprint", "footprint"]

HEADER_LIMIT = 100_000_000
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip
BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "position_ids")


@dataclass(frozen=True)
class Footprint:
    """What weight files hold.

    :ivar parameters: trained numbers; statistics and index buffers are not counted.
    :ivar bytes: size of all tensors, without the headers.
    :ivar dtypes: safetensors dtype → trained numbers stored in it.
    """

    parameters: int
    bytes: int
    dtypes: dict[str, int]


def footprint(folder_or_files: Path | Iterable[Path]) -> Footprint:
    """Add up the tensors of safetensors files.

    :param folder_or_files: a folder (all its `*.safetensors`), one file, or several.
    :return: the sums.
    :raises WeightsUnavailable: if there is no such file, or one's header does not fit its file.
    """
    files = _files(folder_or_files)
    parameters, size, dtypes = 0, 0, dict[str, int]()
    for path in files:
        for name, dtype, count, extent in _tensors(path):
            size += extent
            if not name.endswith(BUFFERS):
                parameters += count
                dtypes[dtype] = dtypes.get(dtype, 0) + count
    return Footprint(parameters, size, dtypes)


def _files(folder_or_files: Path | Iterable[Path]) -> list[Path]:
    if not isinstance(folder_or_files, Path):
        return list(folder_or_files)
    if not folder_or_files.is_dir():
        return [folder_or_files]
    files = sorted(folder_or_files.glob("*.safetensors"))
    if not files:
        raise WeightsUnavailable(f"{folder_or_files} holds no *.safetensors file", "safetensors only")
    return files


def _tensors(path: Path) -> list[tuple[str, str, int, int]]:
    found = []
    header, data = _header(path)
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            count = prod(shape)
            sound = (
                all(isinstance(side, int) and side >= 0 for side in shape)
                and 0 <= start <= end <= data
                and (end - start) * 8 == count * BITS.get(dtype, -1)
            )
        except (KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            raise _broken(path, f"the entry of the tensor {name[:80]!r} does not fit the file")
        found.append((name, dtype, count, end - start))
    return found


def _header(path: Path) -> tuple[dict[str, Any], int]:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or not 2 <= length <= min(HEADER_LIMIT, size - 8):
                raise _broken(path, f"a header of {length} bytes in a file of {size}")
            header = json.loads(stream.read(length))
    except OSError as error:
        raise WeightsUnavailable(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise _broken(path, "its header is not JSON") from None
    if not isinstance(header, dict):
        raise _broken(path, "its header is not a JSON object")
    return header, size - 8 - length


def _broken(path: Path, why: str) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{path} is not a sound safetensors file: {why}", fix="Fetch the file again; it may be cut off."
    )
