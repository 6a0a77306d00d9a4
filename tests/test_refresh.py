"""The refresh against a hub on loopback: what it proposes, what it leaves alone, and how it fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from knowledge_folder import MODELS, build
from listing_hub import ListingHub, serve_listing
from typer.testing import CliRunner

from advisor import hub_listing
from advisor.card_edit import edited
from advisor.cli import app
from advisor.errors import Cancelled, InputError
from advisor.knowledge import load_knowledge

OLD = "b" * 40
NEW = "a" * 40
CARDS = MODELS.replace(
    "    released: 2020-01-01\n",
    f"    released: 2020-01-01\n    revision: {OLD}\n    good_for: {{en: Much, zh: 很多很多}}  # 注\n"
    "    downloads: {value: 500, unit: downloads per month, source: paper}\n",
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListingHub]:
    with serve_listing() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
        served.add("lab/small", kept=[OLD])
        served.add("lab/large")
        yield served


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return build(tmp_path / "base", **{"models/lab.yaml": CARDS})


def propose(base: Path, out: Path) -> str:
    result = CliRunner().invoke(app, ["knowledge", "refresh", "-o", str(out), "--knowledge", str(base)])
    if result.exception is not None:
        raise result.exception
    return (out / "summary.md").read_text(encoding="utf-8")


def applied(base: Path, out: Path, tmp_path: Path) -> Path:
    """Apply all patches to a copy of the base, as a reviewer would."""
    copy = tmp_path / "applied"
    shutil.copytree(base, copy)
    for patch in sorted((out / "patches").iterdir()):
        with patch.open("rb") as stream:
            subprocess.run(["git", "apply", "-p1", "-"], cwd=copy, stdin=stream, check=True, timeout=30)
    return copy


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_the_hub_says_becomes_patches_that_apply_and_load(
    hub: ListingHub, base: Path, tmp_path: Path
) -> None:
    hub.models["lab/large"] |= {
        "gated": "manual",
        "tags": ["license:cc-by-nc-4.0"],
        "downloads": 77,
        "likes": 3,
    }
    before = snapshot(base)
    summary = propose(base, tmp_path / "out")
    assert snapshot(base) == before
    knowledge = load_knowledge(applied(base, tmp_path / "out", tmp_path))
    small, large = knowledge.model("lab/small"), knowledge.model("lab/large")
    assert (small.downloads.value, small.revision, small.gated) == (1000, OLD, None)
    assert small.good_for is not None
    assert small.good_for.zh == "很多很多"
    assert small.licence == load_knowledge(base).model("lab/small").licence
    assert (large.gated, large.downloads.value, large.likes.value, large.revision) == (True, 77, 3, NEW)
    assert (large.licence.id, large.licence.klass) == ("cc-by-nc-4.0", "non-commercial")
    assert large.licence.trap
    assert knowledge.trust(large.licence.source) == "read"
    for words in (
        "licence: MIT (permissive), the hub says cc-by-nc-4.0",
        "gated: yes",
        "500 downloads per month, now 1000",
    ):
        assert words in summary
    content = json.loads((tmp_path / "out" / "changes.json").read_text(encoding="utf-8"))
    assert content["schema"] == 1
    assert {change["model"] for change in content["changes"]} == {"lab/small", "lab/large"}


def test_what_has_not_changed_is_not_proposed(hub: ListingHub, base: Path, tmp_path: Path) -> None:
    hub.models["lab/small"] |= {"downloads": 505, "likes": 10}
    propose(base, tmp_path / "first")
    copy = applied(base, tmp_path / "first", tmp_path)
    assert "0 changes of 0 models in 0 files" in propose(copy, tmp_path / "second")
    assert list((tmp_path / "second" / "patches").iterdir()) == []


def test_a_lost_revision_a_lost_model_and_a_disabled_one(hub: ListingHub, base: Path, tmp_path: Path) -> None:
    hub.models["lab/small"] |= {"kept": [], "disabled": True}
    del hub.models["lab/large"]
    summary = propose(base, tmp_path / "out")
    assert f"revision {OLD} is no longer there" in summary
    assert "disabled: the hub no longer serves it" in summary
    assert "`lab/large`: gone: the hub knows no lab/large" in summary
    assert load_knowledge(applied(base, tmp_path / "out", tmp_path)).model("lab/small").revision == NEW


def test_an_unclear_licence_and_a_move_are_left_to_a_person(
    hub: ListingHub, base: Path, tmp_path: Path
) -> None:
    hub.models["lab/small"] |= {"cardData": {"license": "other", "license_name": "lab-terms"}}
    hub.models["lab/large"] |= {"id": "lab/larger"}
    summary = propose(base, tmp_path / "out")
    assert "the hub says lab-terms; read it and judge its class" in summary
    assert "moved: lab/large is now lab/larger" in summary
    assert load_knowledge(applied(base, tmp_path / "out", tmp_path)).model("lab/small").licence.id == "MIT"


def test_new_members_of_a_family_are_named(hub: ListingHub, base: Path, tmp_path: Path) -> None:
    hub.add("lab/small-v2", downloads=9)
    hub.add("lab/unrelated", downloads=10**6)
    hub.add("lab/large-dead", disabled=True)
    summary = propose(base, tmp_path / "out")
    assert "- lab: `lab/small-v2` (9 downloads)\n" in summary


def test_it_works_in_part_and_each_failure_has_its_reason(
    hub: ListingHub, base: Path, tmp_path: Path
) -> None:
    hub.statuses |= {"lab/large": 500, "lab": 403}
    summary = propose(base, tmp_path / "out")
    assert "1 of 3 calls answered, 2 failed." in summary
    assert "- `lab/large`: HfHubHTTPError:" in summary
    assert "- `lab/*`: " in summary
    assert "now 1000" in summary


def test_no_more_calls_at_once_than_allowed(hub: ListingHub, tmp_path: Path) -> None:
    hub.slow_s = 0.05
    text = "family: M\ndefaults:\n  tasks: [image-classification]\n  licence: {id: MIT, class: permissive}\nmodels:\n"
    for number in range(30):
        hub.add(f"many/m{number}")
        text += f"  - {{id: many/m{number}, name: M, where: [{{kind: huggingface, ref: many/m{number}}}]}}\n"
    propose(build(tmp_path / "base", **{"models/many.yaml": text}), tmp_path / "out")
    assert 1 < hub.busiest <= 8
    assert len(hub.asked) == 34


def test_offline_is_a_clear_complaint(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids it"):
        propose(base, tmp_path / "out")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9 cannot be reached"):
        propose(base, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_it_writes_and_what_it_can_ask_are_checked_first(
    hub: ListingHub, base: Path, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="is not empty"):
        propose(base, tmp_path / "full")
    elsewhere = MODELS.replace("kind: huggingface, ref: lab/small", "kind: timm, ref: small").replace(
        "kind: huggingface, ref: lab/large", "kind: timm, ref: large"
    )
    with pytest.raises(InputError, match="No card of this base is on the hub"):
        propose(build(tmp_path / "other", **{"models/lab.yaml": elsewhere}), tmp_path / "out")
    assert hub.asked == []


def test_a_cancel_keeps_what_was_reached(
    hub: ListingHub, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, calls = hub_listing.wait, []

    def interrupted(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return wait(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(hub_listing, "wait", interrupted)
    with pytest.raises(Cancelled, match="of 3 calls; what they said is in"):
        propose(base, tmp_path / "out")
    assert "then cancelled: this is what was reached." in (tmp_path / "out" / "summary.md").read_text(
        encoding="utf-8"
    )


def test_an_interrupt_ends_with_130(hub: ListingHub, base: Path, tmp_path: Path) -> None:
    hub.slow_s = 3.0
    command = [sys.executable, "-c", "from advisor.cli import main; main()", "knowledge", "refresh"]
    command += ["-o", str(tmp_path / "out"), "--knowledge", str(base)]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not hub.busy and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    hub.pause.set()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert (tmp_path / "out" / "summary.md").is_file()


def test_an_edit_changes_its_keys_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    text = (
        "# 头\nfamily: F\nmodels:\n  - id: a/b\n    licence:\n      id: x  # why\n      class: custom\n\n    # among\n"
        "    name: 名\n  - id: c/d\n    name: D\n    tasks:\n      - one\n      - two\n# end\n"
    )
    path.write_text(text, encoding="utf-8")
    assert edited(path, {}) == text
    new = edited(path, {"a/b": {"licence": {"id": "y"}, "gated": True}, "c/d": {"name": "E: e", "likes": 3}})
    for kept in ("# 头\n", "\n    # among\n", "# end\n", "      - one\n      - two\n", "    name: 名\n"):
        assert kept in new
    one, two = yaml.safe_load(new)["models"]
    assert one == {"id": "a/b", "licence": {"id": "y"}, "name": "名", "gated": True}
    assert two == {"id": "c/d", "name": "E: e", "tasks": ["one", "two"], "likes": 3}
