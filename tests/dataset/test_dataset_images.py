import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advisor.dataset import ImageReader, load_image, profile, read, split
from advisor.dataset.images import inspect


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A smooth random picture: each seed another one."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def photos(folder: Path, count: int = 12) -> Path:
    for number in range(count):
        place = folder / ("one", "two")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        scene(number).save(place / f"{number}.jpg", quality=92)
    return folder


def zipped(folder: Path, base: str = "") -> Path:
    target = folder.with_name(f"{base.strip('/') or 'plain'}.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, base + path.relative_to(folder).as_posix())
    return target


def test_folder_and_zip_are_the_same_data(tmp_path: Path) -> None:
    folder = photos(tmp_path / "data")
    done: list[tuple[int, int]] = []
    one = read(folder, progress=lambda now, total: done.append((now, total)))
    two, three = read(zipped(folder)), read(zipped(folder, "wrapped/"))
    assert one.sha256 == two.sha256 == three.sha256
    assert one.ids == two.ids and one.labels == two.labels == three.labels
    assert three.contents[0] == f"wrapped/{one.contents[0]}"
    assert done[-1] == (12, 12)
    for dataset in (one, two, three):
        image = load_image(dataset.origin, dataset.contents[0])
        assert image.mode == "RGB" and image.size == (160, 120)
    assert split(one) == split(two)


def test_a_changed_byte_or_name_changes_the_sha(tmp_path: Path) -> None:
    folder = photos(tmp_path / "data")
    before = read(folder).sha256
    scene(99).save(folder / "one" / "0.jpg")
    after = read(folder).sha256
    (folder / "one" / "0.jpg").rename(folder / "one" / "00.jpg")
    assert len({before, after, read(folder).sha256}) == 3


def test_copies_and_near_copies_stay_together(tmp_path: Path) -> None:
    folder = photos(tmp_path / "data")
    (folder / "one" / "copy.jpg").write_bytes((folder / "one" / "0.jpg").read_bytes())
    scene(2).save(folder / "one" / "worse.jpg", quality=60)
    scene(4, (80, 60)).save(folder / "one" / "smaller.png")
    dataset = read(folder)
    group = dict(zip(dataset.ids, dataset.groups, strict=True))
    assert group["one/copy.jpg"] == group["one/0.jpg"]
    assert group["one/worse.jpg"] == group["one/2.jpg"]
    assert group["one/smaller.png"] == group["one/4.jpg"]
    assert len(set(dataset.groups)) == 12
    kinds = {finding.kind for finding in dataset.findings}
    assert {"duplicates", "near-duplicates"} <= kinds and "conflicting-labels" not in kinds
    assert profile(dataset).duplicates == 3


def test_plain_pictures_of_other_shades_are_no_copies(tmp_path: Path) -> None:
    for number in range(60):
        place = tmp_path / ("one", "two")[number % 2]
        place.mkdir(exist_ok=True)
        Image.new("RGB", (40, 40), (number * 4, 20, 90)).save(place / f"{number}.png")
    dataset = read(tmp_path)
    assert len(set(dataset.groups)) == 60


def test_profile_of_images(tmp_path: Path) -> None:
    folder = photos(tmp_path / "data")
    for number in range(4):
        scene(50 + number, (64, 300)).convert("L").save(folder / "two" / f"grey{number}.png")
    described = profile(read(folder))
    assert described.sizes[0] == 64 and described.sizes[-1] == 120
    assert described.grey_share == pytest.approx(0.25)
    assert described.counts == {"two": 10, "one": 6}
    assert described.imbalance == pytest.approx(10 / 6)
    assert described.lengths == () and described.languages == {}


def encoded(image: Image.Image, form: str = "PNG", **more: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **more)
    return stream.getvalue()


RAMP = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
MODES = {
    "16-bit": (encoded(Image.fromarray(RAMP.astype(np.uint16))), 0, 255),
    "32-bit": (encoded(Image.fromarray(RAMP.astype(np.int32)), "TIFF"), 0, 255),
    "float": (encoded(Image.fromarray((RAMP / 65535).astype(np.float32)), "TIFF"), 0, 255),
    "8-bit range in 32": (encoded(Image.fromarray((RAMP / 1000).astype(np.int32)), "TIFF"), 0, 65),
    "transparent": (encoded(Image.new("RGBA", (9, 9), (255, 0, 0, 0))), 255, 255),
    "grey with alpha": (encoded(Image.new("LA", (9, 9), (0, 255))), 0, 0),
    "one bit": (encoded(Image.new("1", (9, 9), 1)), 255, 255),
    "palette": (encoded(Image.new("RGB", (9, 9), (0, 0, 0)).convert("P")), 0, 0),
    "CMYK": (encoded(Image.new("CMYK", (9, 9), (0, 0, 0, 0)), "JPEG"), 250, 255),
}


@pytest.mark.parametrize("mode", MODES)
def test_modes_become_rgb(mode: str, tmp_path: Path) -> None:
    content, low, high = MODES[mode]
    (tmp_path / "x.png").write_bytes(content)
    image = ImageReader(tmp_path)("x.png")
    values = np.asarray(image)
    assert image.mode == "RGB"
    assert abs(int(values.min()) - low) <= 5 and abs(int(values.max()) - high) <= 5
    assert not inspect(content).because


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "x.jpg", exif=exif)
    assert load_image(tmp_path, "x.jpg").size == (20, 40)


def test_missing_and_broken_images_are_os_errors(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"junk")
    reader = ImageReader(tmp_path)
    for name in ("bad.jpg", "absent.jpg"):
        with pytest.raises(OSError):
            reader(name)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"junk")
    with pytest.raises(OSError):
        load_image(tmp_path / "data.zip", "a/2.jpg")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_from_chinese_windows_and_macos(encoding: str, tmp_path: Path) -> None:
    """Such zips lack the mark that says UTF-8: the names are patched in after writing placeholders."""
    names = {
        "猫狗".encode(encoding): b"A" * len("猫狗".encode(encoding)),
        "老鼠".encode(encoding): b"B" * len("老鼠".encode(encoding)),
    }
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index, placeholder in enumerate(names.values()):
            for number in range(3):
                content = encoded(scene(10 * index + number), "JPEG")
                archive.writestr(f"{placeholder.decode()}/{number}.jpg", content)
    raw = path.read_bytes()
    for name, placeholder in names.items():
        raw = raw.replace(placeholder + b"/", name + b"/")
    path.write_bytes(raw)
    dataset = read(path)
    assert dataset.classes == ("猫狗", "老鼠")
    assert load_image(path, dataset.contents[0]).size == (160, 120)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    folder = photos(tmp_path / "data")
    (folder / "three").symlink_to(folder / "one", target_is_directory=True)
    dataset = read(folder)
    assert dataset.classes == ("one", "two")
    assert {finding.kind for finding in dataset.findings} >= {"ignored-files"}


def test_train_and_test_as_class_names(tmp_path: Path) -> None:
    """Folders named like splits that share no class are classes themselves."""
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        for number in range(3):
            scene(len(name) * 10 + number).save(tmp_path / name / f"{number}.jpg")
    assert read(tmp_path).classes == ("test", "train")
