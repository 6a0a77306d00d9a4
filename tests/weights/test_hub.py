"""The hub path, against a hub on loopback: what arrives, what is kept, and how each failure ends."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hub_server import Hub, Repo
from model_folders import bert_files, card, knowledge, tensors, timm_files

from advisor.errors import Cancelled, WeightsUnavailable
from advisor.weights import Weights, availability, hub_cache, locate

CARD = card()


def fetch(offline: bool = False, **options: object) -> Weights:
    return locate(CARD, knowledge(CARD), offline=offline, **options)  # type: ignore[arg-type]


def refusal(**options: object) -> WeightsUnavailable:
    with pytest.raises(WeightsUnavailable) as caught:
        fetch(**options)  # type: ignore[arg-type]
    assert caught.value.allowed or caught.value.fix
    return caught.value


@pytest.fixture
def repo(hub_server: Hub) -> Repo:
    hub_server.repos["org/tiny"] = Repo(timm_files())
    return hub_server.repos["org/tiny"]


def test_a_download_reports_its_progress_and_what_it_fetched(hub_server: Hub, repo: Repo) -> None:
    seen: list[tuple[str, int, int | None]] = []
    weights = fetch(progress=lambda *step: seen.append(step))
    total = sum(map(len, repo.files.values()))
    assert weights.origin == "hub" and weights.loader == "timm" and weights.revision == repo.commit
    assert weights.licence == "apache-2.0"
    assert weights.size_mb == len(repo.files["model.safetensors"]) / 1e6
    assert [path.read_bytes() for path in weights.files] == [repo.files["model.safetensors"]]
    assert {name for name, _, _ in seen} == set(repo.files)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1] == ("model.safetensors", total, total)


def test_a_fetched_model_is_found_without_another_request_and_offline(hub_server: Hub, repo: Repo) -> None:
    first = fetch()
    count = len(hub_server.log)
    assert fetch() == first == fetch(offline=True)
    assert len(hub_server.log) == count
    assert availability(CARD, knowledge(CARD), offline=True).origin == "hub cache"


def test_huggingface_hub_finds_what_was_fetched(hub_server: Hub, repo: Repo) -> None:
    from huggingface_hub import try_to_load_from_cache

    weights = fetch()
    found = try_to_load_from_cache("org/tiny", "model.safetensors", cache_dir=hub_cache.cache_folder())
    assert found == str(weights.files[0])


def test_of_a_repository_only_safetensors_json_and_text_are_fetched(hub_server: Hub) -> None:
    tiny = card(library="transformers")
    hub_server.repos["org/tiny"] = Repo(bert_files())
    weights = locate(tiny, knowledge(tiny), offline=False)
    fetched = {str(path.relative_to(weights.folder)) for path in weights.folder.rglob("*") if path.is_file()}
    assert fetched == set(bert_files()) - {"README.md", "modeling_tiny.py", "pytorch_model.bin"}
    assert weights.loader == "transformers"


def test_all_shards_are_fetched(hub_server: Hub) -> None:
    files = timm_files()
    files.pop("model.safetensors")
    shards = {f"model-0000{number}-of-00002.safetensors": tensors(seed=number) for number in (1, 2)}
    hub_server.repos["org/tiny"] = Repo({**files, **shards})
    assert [path.name for path in fetch().files] == sorted(shards)


@pytest.mark.parametrize("cdn", [False, True])
def test_a_listing_without_sizes_is_completed_by_asking_for_each_file(
    hub_server: Hub, repo: Repo, cdn: bool
) -> None:
    repo.bare, hub_server.cdn = True, cdn
    seen: list[int | None] = []
    fetch(progress=lambda name, done, total: seen.append(total))
    assert seen[-1] == sum(map(len, repo.files.values()))


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_is_resumed_within_the_call(hub_server: Hub, repo: Repo, ranges: bool) -> None:
    hub_server.cut("model.safetensors", after=9000, times=1)
    hub_server.ranges = ranges
    weights = fetch()
    assert weights.files[0].read_bytes() == repo.files["model.safetensors"]
    assert [headers.get("range") for headers in hub_server.requests("model.safetensors")] == [
        None,
        "bytes=9000-",
    ]


def test_a_download_that_was_given_up_is_resumed_by_the_next(hub_server: Hub, repo: Repo) -> None:
    hub_server.cut("model.safetensors", after=9000, times=1)
    hub_server.fail("model.safetensors", 503)
    assert "503" in refusal().what
    assert not availability(CARD, knowledge(CARD), offline=True).loadable
    hub_server.faults.clear()
    fetch()
    assert hub_server.requests("model.safetensors")[-1]["range"] == "bytes=9000-"
    assert len(hub_server.requests("config.json")) == 1


def test_a_download_that_always_breaks_is_given_up(hub_server: Hub, repo: Repo) -> None:
    hub_server.cut("model.safetensors", after=0)
    assert "broke off" in refusal().what


def test_a_spoilt_remainder_of_an_earlier_try_is_fetched_anew(hub_server: Hub, repo: Repo) -> None:
    sha256 = hashlib.sha256(repo.files["model.safetensors"]).hexdigest()
    blobs = hub_cache.storage_folder(hub_cache.cache_folder(), "org/tiny") / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{sha256}.advisor.incomplete").write_bytes(b"x" * 100)
    assert fetch().files[0].read_bytes() == repo.files["model.safetensors"]


def test_a_wrong_checksum_deletes_the_file_and_names_both(
    hub_server: Hub, repo: Repo, own_home: Path
) -> None:
    repo.announced_sha256["model.safetensors"] = "a" * 64
    error = refusal()
    assert (
        "a" * 64 in error.what and hashlib.sha256(repo.files["model.safetensors"]).hexdigest() in error.what
    )
    assert not list(own_home.rglob("*.incomplete")) and not list(own_home.rglob("a" * 64))
    assert not availability(CARD, knowledge(CARD), offline=True).loadable


def test_a_file_longer_than_announced_is_not_kept(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Repo.sibling
    monkeypatch.setattr(
        Repo,
        "sibling",
        lambda self, name: {**honest(self, name), "size": 5} if name == "config.json" else honest(self, name),
    )
    assert "instead of 5" in refusal().what


def test_a_token_is_asked_for_sent_and_never_shown(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.token = "hf_secret"
    error = refusal()
    assert "401" in error.what and "HF_TOKEN" in error.fix
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    error = refusal()
    assert "does not accept the token" in error.what and "hf_" not in str(error)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert fetch().revision == repo.commit


def test_the_token_is_not_sent_on_to_another_host(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.token, hub_server.cdn = "hf_secret", True
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch()
    hosts = [
        (headers["host"].split(":")[0], "authorization" in headers)
        for headers in hub_server.requests("model.safetensors")
    ]
    assert hosts == [("127.0.0.1", True), ("localhost", False)]


def test_a_gated_model_says_that_its_licence_must_be_accepted(hub_server: Hub, repo: Repo) -> None:
    repo.gated = True
    error = refusal()
    assert "403" in error.what and "licence" in error.fix and "HF_TOKEN" in error.fix


@pytest.mark.parametrize("status", [400, 418, 451])
def test_any_other_refusal_is_shown_with_its_status(hub_server: Hub, repo: Repo, status: int) -> None:
    hub_server.fail("config.json", status)
    assert f"({status})" in refusal().what
    assert len(hub_server.requests("config.json")) == 1


def test_a_model_that_is_not_there_says_so(hub_server: Hub) -> None:
    assert "404" in refusal().what


def test_a_revision_that_is_not_there_says_so(hub_server: Hub, repo: Repo) -> None:
    wrong = card(revision="f" * 40)
    with pytest.raises(WeightsUnavailable, match="no such revision"):
        locate(wrong, knowledge(wrong), offline=False)


def test_a_pinned_revision_is_used(hub_server: Hub, repo: Repo) -> None:
    pinned = card(revision=repo.commit)
    assert locate(pinned, knowledge(pinned), offline=False).revision == repo.commit
    assert hub_server.log[0][1].endswith(f"/revision/{repo.commit}")


@pytest.mark.parametrize("stated", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"])
def test_too_many_requests_is_waited_for(hub_server: Hub, repo: Repo, stated: str) -> None:
    hub_server.fail("revision/main", 429, times=2, Retry_After=stated)
    assert fetch().revision == repo.commit
    assert len(hub_server.requests("revision/main")) == 3


def test_the_stated_wait_is_kept(hub_server: Hub, repo: Repo) -> None:
    hub_server.fail("revision/main", 429, times=1, Retry_After="1")
    begun = time.monotonic()
    fetch()
    assert time.monotonic() - begun >= 1


def test_a_wait_beyond_patience_is_not_begun(hub_server: Hub, repo: Repo) -> None:
    hub_server.fail("model.safetensors", 429, Retry_After="3600")
    begun = time.monotonic()
    assert "3600 s" in refusal().what
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("tail", ["revision/main", "config.json", "model.safetensors"])
def test_a_hub_that_stays_busy_or_broken_is_given_up(
    hub_server: Hub, repo: Repo, status: int, tail: str
) -> None:
    hub_server.fail(tail, status)
    assert f"({status}), 4 times in a row" in refusal().what
    assert len(hub_server.requests(tail)) == 4


def test_pickles_only_is_refused_without_fetching_them(hub_server: Hub) -> None:
    hub_server.repos["org/tiny"] = Repo({"config.json": b"{}", "pytorch_model.bin": b"\x80"})
    error = refusal()
    assert "pytorch_model.bin" in error.what and error.allowed == "safetensors only"
    assert not hub_server.requests("pytorch_model.bin")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_remote_code_is_refused_before_the_weights_are_fetched(hub_server: Hub, name: str) -> None:
    files = {**bert_files(), name: b'{"model_type": "tiny", "auto_map": {"AutoModel": "modeling_tiny.Tiny"}}'}
    hub_server.repos["org/tiny"] = Repo(files)
    error = refusal()
    assert "never remote code" in error.allowed
    assert not hub_server.requests("model.safetensors") and not hub_server.requests(".py")
    assert "never remote code" in refusal(offline=False).allowed


def test_names_that_lead_out_of_the_folder_are_ignored(hub_server: Hub, repo: Repo, own_home: Path) -> None:
    repo.files.update({"../../evil.json": b"{}", "a/b/c.json": b"{}", ".hidden.json": b"{}"})
    fetch()
    assert not list(own_home.rglob("evil.json")) and not list(own_home.rglob(".hidden.json"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"model.safetensors": b""}, "no config.json"),
        ({"config.json": b"{}"}, "no weight file"),
        ({**timm_files(), "config.json": b"[]"}, "a list"),
        ({**timm_files(), "config.json": b"{"}, "not valid JSON"),
        ({**timm_files(), "config.json": b"{}"}, "names no model"),
        ({**timm_files(), "model.safetensors": b"<html>"}, "not a sound safetensors file"),
        ({"config.json": b"{}", "model-00001-of-00003.safetensors": b""}, "1 of 3"),
    ],
)
def test_an_unsound_repository_ends_with_its_reason(
    hub_server: Hub, files: dict[str, bytes], reason: str
) -> None:
    hub_server.repos["org/tiny"] = Repo(files)
    assert reason in refusal().what


def test_no_network_ends_soon_and_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://user:hf_pass@127.0.0.1:9")
    error = refusal()
    assert "127.0.0.1:9 cannot be reached" in error.what and "hf_pass" not in str(error)


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "http://[", "http://h:99999", "nonsense"])
def test_an_endpoint_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert "HF_ENDPOINT" in str(refusal())


@pytest.mark.parametrize("commit", ["../..", "..", "", "x" * 65])
def test_an_answer_that_is_no_hub_s_is_named(hub_server: Hub, repo: Repo, commit: str) -> None:
    repo.commit = commit
    assert "does not say which commit" in refusal().what


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b"[]", b"[" * 100_000])
def test_a_log_in_page_is_not_taken_for_a_hub(hub_server: Hub, repo: Repo, body: bytes) -> None:
    hub_server.say("revision/main", body)
    error = refusal()
    assert "JSON" in error.what and "proxy" in error.fix


def test_a_listing_without_end_is_not_read_to_its_end(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor.weights import wire

    monkeypatch.setattr(wire, "JSON_LIMIT", 1000)
    hub_server.say("revision/main", b" " * 5000)
    assert "more than 1000 bytes" in refusal().what


def test_a_redirected_question_about_a_file_is_followed_without_the_token(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.bare, repo.token = True, "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    path = f"/org/tiny/resolve/{repo.commit}/model.safetensors"
    hub_server.redirect("model.safetensors", path)
    hub_server.redirect("model.safetensors", hub_server.url.replace("127.0.0.1", "localhost") + path)
    fetch()
    asked = hub_server.requests("model.safetensors", "HEAD")
    assert ["authorization" in headers for headers in asked] == [True, True, False]


def test_redirects_without_end_and_a_file_without_etag_are_named(hub_server: Hub, repo: Repo) -> None:
    repo.bare = True
    hub_server.redirect("config.json", f"/org/tiny/resolve/{repo.commit}/config.json", times=9)
    assert "redirects without end" in refusal().what
    hub_server.faults.clear()
    hub_server.say("config.json", b"")
    assert "gives no ETag" in refusal().what


@pytest.mark.parametrize("etag", ["..", "a/b", "x" * 200])
def test_an_etag_that_cannot_name_a_file_is_refused(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    repo.bare = True
    monkeypatch.setattr(Repo, "etag", lambda self, name: etag)
    assert "unusable ETag" in refusal().what


def test_a_file_whose_size_nobody_says_is_fetched_whole(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor.weights import download, hub

    honest = download.announced
    monkeypatch.setattr(hub, "announced", lambda *asked: replace(honest(*asked), size=None))
    hub_server.cut("model.safetensors", after=9000, times=1)
    totals = set()
    fetch(progress=lambda name, done, total: totals.add(total))
    assert totals == {None}
    assert [headers.get("range") for headers in hub_server.requests("model.safetensors")] == [None, None]


def test_a_file_that_another_process_is_fetching_is_waited_for(
    hub_server: Hub, repo: Repo, own_home: Path
) -> None:
    from filelock import FileLock

    etag = repo.etag("config.json")
    lock = hub_cache.cache_folder() / ".locks" / "models--org--tiny" / f"{etag}.lock"
    lock.parent.mkdir(parents=True)
    begun = time.monotonic()
    with FileLock(lock), pytest.raises(Cancelled):
        fetch(cancelled=lambda: time.monotonic() - begun > 0.4)
    assert not hub_server.requests("config.json")
    assert fetch().revision == repo.commit


def test_where_links_are_not_possible_files_are_kept_as_such(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    weights = fetch()
    assert not weights.files[0].is_symlink() and fetch(offline=True) == weights


def test_the_cache_is_where_huggingface_hub_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for environ, folder in (
        ({"HF_HUB_CACHE": "$SOME/a", "HF_HOME": "x"}, tmp_path / "a"),
        ({"HF_HOME": "~/b"}, tmp_path / "b" / "hub"),
        ({"XDG_CACHE_HOME": "/c"}, Path("/c/huggingface/hub")),
        ({}, tmp_path / ".cache" / "huggingface" / "hub"),
    ):
        assert hub_cache.cache_folder(environ) == folder


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_asks_nobody(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    assert "not in the hub cache" in refusal(offline=True).what
    monkeypatch.setenv(variable, "1")
    assert "not in the hub cache" in refusal().what
    assert not availability(CARD, knowledge(CARD), offline=False).loadable
    assert not hub_server.log


def test_cancelling_between_chunks_keeps_what_was_fetched(hub_server: Hub, repo: Repo) -> None:
    repo.files["model.safetensors"] = tensors(size=600)
    received = [0]

    def note(name: str, done: int, total: int | None) -> None:
        received[0] = done if name == "model.safetensors" else 0

    with pytest.raises(Cancelled):
        fetch(progress=note, cancelled=lambda: received[0] > 0)
    weights = fetch()
    assert weights.files[0].read_bytes() == repo.files["model.safetensors"]
    assert hub_server.requests("model.safetensors")[-1]["range"].startswith("bytes=")


def test_cancelling_while_waiting_does_not_wait_on(hub_server: Hub, repo: Repo) -> None:
    hub_server.fail("revision/main", 429, Retry_After="2")
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(cancelled=lambda: time.monotonic() - begun > 0.2)
    assert time.monotonic() - begun < 1


def test_a_full_disk_is_said_before_the_download(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from advisor.weights import hub

    monkeypatch.setattr(hub.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10})())
    error = refusal()
    assert "free" in error.what and "HF_HOME" in error.fix
    assert not hub_server.requests("model.safetensors")


def test_a_cache_that_cannot_be_written_is_named(
    hub_server: Hub, repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "file"))
    assert "cannot be kept" in refusal().what


def test_a_snapshot_without_tokenizer_is_not_complete(hub_server: Hub) -> None:
    tiny = card(library="transformers")
    hub_server.repos["org/tiny"] = Repo(bert_files())
    weights = locate(tiny, knowledge(tiny), offline=False)
    for name in ("tokenizer.json", "vocab.txt"):
        (weights.folder / name).unlink()
    assert not availability(tiny, knowledge(tiny), offline=True).loadable
    assert locate(tiny, knowledge(tiny), offline=False) == weights
    assert (weights.folder / "tokenizer.json").is_file()


def test_a_timm_reference_names_its_repository(hub_server: Hub) -> None:
    hub_server.repos["timm/resnet10t.noise"] = Repo(timm_files())
    tiny = card(where=({"kind": "timm", "ref": "resnet10t.noise"},))
    assert locate(tiny, knowledge(tiny), offline=False).loader == "timm"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"library": "other"}, "library 'other'"),
        ({"where": ({"kind": "torchvision", "ref": "torchvision.models.resnet18()"},)}, "not on the hub"),
        ({"kind": "api"}, "hosted service"),
        ({"kind": "classical"}, "no weights"),
    ],
)
def test_what_the_hub_cannot_give_is_said_without_asking(changes: dict[str, object], reason: str) -> None:
    odd = card(**changes)
    with pytest.raises(WeightsUnavailable, match=reason):
        locate(odd, knowledge(odd), offline=False)
    told = availability(odd, knowledge(odd), offline=False)
    assert not told.loadable and reason in told.because


def test_an_absent_model_would_be_downloaded() -> None:
    big = card(size_mb={"value": 12.5, "unit": "MB", "source": "s"})
    told = availability(big, knowledge(big), offline=False)
    assert told.loadable and told.origin == "hub download" and told.download_mb == 12.5
    assert not availability(big, knowledge(big), offline=True).loadable


def test_a_fetched_timm_model_computes_what_its_maker_did(hub_server: Hub, tmp_path: Path) -> None:
    import timm
    import torch

    torch.manual_seed(0)
    made = timm.create_model("mobilenetv3_small_050", pretrained=False, num_classes=4).eval()
    timm.models.save_for_hf(made, tmp_path / "made", model_config={"license": "mit"}, safe_serialization=True)
    hub_server.repos["org/tiny"] = Repo(
        {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    )
    weights = fetch()
    loaded = timm.create_model(f"local-dir:{weights.folder}", pretrained=True).eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        np.testing.assert_allclose(loaded(image), made(image), rtol=1e-5, atol=1e-6)
    assert [path.suffix for path in weights.files] == [".safetensors"]


def test_a_fetched_bert_reads_what_its_maker_did(hub_server: Hub, tmp_path: Path) -> None:
    import torch
    import transformers

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "my", "order", "is", "late"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(vocab=str(tmp_path / "vocab.txt"))
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    made = transformers.BertModel(config).eval()
    made.save_pretrained(tmp_path / "made")
    tokenizer.save_pretrained(tmp_path / "made")
    hub_server.repos["org/tiny"] = Repo(
        {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    )
    tiny = card(library="transformers", tasks=("text-classification",))
    weights = locate(tiny, knowledge(tiny), offline=False)
    loaded = transformers.AutoModel.from_pretrained(weights.folder, use_safetensors=True).eval()
    reader = transformers.AutoTokenizer.from_pretrained(weights.folder)
    with torch.inference_mode():
        expected = made(**tokenizer("my order is late", return_tensors="pt")).last_hidden_state
        found = loaded(**reader("my order is late", return_tensors="pt")).last_hidden_state
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
