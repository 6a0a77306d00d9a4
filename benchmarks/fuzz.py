"""Fuzz the readers, guided by what of their code each input reaches (atheris; `pip install atheris`).

    python benchmarks/fuzz.py [--runs 50000] [--seconds 600] [--targets csv,zip] [--corpus DIR]

Each target runs in a process of its own. Found is whatever raises anything but the complaint that the reader may
make, takes longer than 20 s or more than 1.5 GB; the input is left in the corpus folder. Exit code 1 if any was found.
"""

import argparse
import contextlib
import io
import json
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

TABLE = "text,label\n" + "".join(f'"good one, {i}",pos\nbad one {i},neg\n' for i in range(4))
SECONDS, MEMORY_MB = 20, 1500


@contextlib.contextmanager
def placed(name: str) -> Iterator[Path]:
    """A path in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="advisor-fuzz-") as folder:
        yield Path(folder) / name


def table(name: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        from advisor.dataset.columns import choose_columns
        from advisor.dataset.table import read_table

        choose_columns(read_table(Path(name), data), name, None, None)

    return read


def image(data: bytes) -> None:
    from advisor.dataset.images import inspect

    inspect(data)


def packed(data: bytes) -> None:
    from advisor.dataset.layout import lay_out
    from advisor.dataset.tree import open_tree

    with placed("data.zip") as path:
        path.write_bytes(data)
        tree = open_tree(path)
        for name, _ in lay_out(tree).examples[:5]:
            with contextlib.suppress(OSError):
                tree.read(name, 10**6)


def header(data: bytes) -> None:
    from advisor.weights.header import footprint

    with placed("model.safetensors") as path:
        path.write_bytes(data)
        footprint(path)


def config(data: bytes) -> None:
    from advisor.weights.layout import loader_of, read_config

    with placed("config.json") as path:
        path.write_bytes(data)
        loader_of(read_config(path.parent))


def sealed(data: bytes) -> None:
    from advisor.files import unseal

    with contextlib.suppress(ValueError, RecursionError):
        unseal(data.decode("utf-8", "replace"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "csv": table("data.csv"),
    "tsv": table("data.tsv"),
    "jsonl": table("data.jsonl"),
    "parquet": table("data.parquet"),
    "xlsx": table("data.xlsx"),
    "image": image,
    "zip": packed,
    "safetensors": header,
    "config": config,
    "sealed": sealed,
}


def seeds(target: str) -> list[bytes]:
    """Sound inputs to begin with."""
    if target in ("csv", "tsv"):
        return [TABLE.encode(), TABLE.replace(",", "\t").encode("utf-16"), TABLE.encode("gb18030")]
    if target == "jsonl":
        return [b'{"text": "a b", "label": "x"}\n{"text": "c d", "label": 1.5e3}\n', b'[{"text": null}]']
    if target in ("parquet", "xlsx"):
        import pandas as pd

        stream = io.BytesIO()
        frame = pd.DataFrame([["a b", "x"], ["c d", "y"]], columns=["text", "label"])
        if target == "xlsx":
            frame.to_excel(stream, index=False)
        else:
            frame.to_parquet(stream)
        return [stream.getvalue()]
    if target == "image":
        from PIL import Image

        found = []
        for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
            stream = io.BytesIO()
            Image.linear_gradient("L").resize((9, 7)).convert("RGB").save(stream, form)
            found.append(stream.getvalue())
        return found
    if target == "zip":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
                archive.writestr(name, name)
        return [stream.getvalue()]
    if target == "safetensors":
        head = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
        return [struct.pack("<Q", len(head)) + head + bytes(8)]
    return [b'{"model_type": "bert", "auto_map": {}}', b'{"architecture": "resnet18", "num_classes": 0}']


def fuzz_one(target: str, options: list[str]) -> None:
    """Fuzz one target in this process; does not return."""
    import atheris

    with atheris.instrument_imports(
        include=["advisor.dataset", "advisor.weights", "advisor.files", "zipfile"]
    ):
        import advisor.dataset.columns
        import advisor.dataset.delimited
        import advisor.dataset.images
        import advisor.dataset.layout
        import advisor.dataset.reading
        import advisor.files
        import advisor.weights.header
        import advisor.weights.layout  # noqa: F401
    from advisor.errors import DataError, WeightsUnavailable

    read = TARGETS[target]

    def once(data: bytes) -> None:
        with contextlib.suppress(DataError, WeightsUnavailable):
            read(data)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50_000, help="executions of each target")
    parser.add_argument("--seconds", type=int, default=600, help="at most, for each target")
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument(
        "--corpus", type=Path, help="keep what was learnt here; a temporary folder if left out"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked, options = parser.parse_known_args()
    if asked.one:
        fuzz_one(asked.one, options)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris is not installed: `pip install atheris` (Linux, macOS)", file=sys.stderr)
        return 2
    total, found = 0, 0
    with tempfile.TemporaryDirectory(prefix="advisor-corpus-") as temporary:
        for target in asked.targets.split(","):
            folder = (asked.corpus or Path(temporary)) / target
            folder.mkdir(parents=True, exist_ok=True)
            for number, seed in enumerate(seeds(target)):
                (folder / f"seed-{number}").write_bytes(seed)
            command = [sys.executable, __file__, "--one", target, str(folder), f"-runs={asked.runs}"]
            command += [
                f"-max_total_time={asked.seconds}",
                f"-timeout={SECONDS}",
                f"-rss_limit_mb={MEMORY_MB}",
            ]
            command += [f"-seed={asked.seed}", f"-artifact_prefix={folder}/found-", "-max_len=4096"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            told = re.findall(r"^(?:Done |#)(\d+)", done.stderr, flags=re.MULTILINE)
            count = max(map(int, told), default=0)
            total += count
            found += done.returncode != 0
            print(
                f"{target:<12} {count:>9} executions  {'sound' if done.returncode == 0 else 'FOUND'}",
                flush=True,
            )
            if done.returncode != 0:
                print(done.stdout[-2500:] + done.stderr[-2500:], flush=True)
    print(f"{total} executions, {found} targets at fault")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
