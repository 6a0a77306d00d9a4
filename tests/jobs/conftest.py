"""Every module of this room has its own home, run register and models, and no network but loopback."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import bert_model, image_folder, ticket_table, timm_model

sys.path.append(str(Path(__file__).parents[1] / "weights"))
VARIABLES = ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `models`, `pictures` and `tickets.csv`."""
    folder = tmp_path_factory.mktemp("workshop")
    models = folder / "models"
    timm_model(models / "a-net", "test_efficientnet", seed=1, model_id="tiny/a")
    timm_model(models / "b-net", "test_resnet", seed=2, model_id="tiny/b")
    timm_model(models / "slow-net", "test_resnet", seed=3, side=256, model_id="tiny/slow")
    broken = timm_model(models / "broken-net", "test_efficientnet", seed=4, model_id="tiny/broken")
    other = timm_model(folder / "other", "test_resnet", seed=5)
    (other / "model.safetensors").replace(broken / "model.safetensors")
    bert_model(models / "bert", seed=6, model_id="tiny/bert")
    bert_model(models / "bert-half", seed=7, half=True, model_id="tiny/bert-half")
    image_folder(folder / "pictures")
    ticket_table(folder / "tickets.csv")
    return folder


@pytest.fixture(scope="module")
def workshop(stock: Path) -> Iterator[Path]:
    """The stock, named to every process by the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*VARIABLES, *PROXIES):
            patch.delenv(name, raising=False)
        patch.setenv("ADVISOR_HOME", str(stock / "home"))
        patch.setenv("HF_HOME", str(stock / "hf"))
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        patch.setenv("ADVISOR_MODELS", str(stock / "models"))
        yield stock


@pytest.fixture(autouse=True)
def own_home(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Features are shared by all tests of a module; whole rungs that an earlier test has finished are not."""
    monkeypatch.setenv("ADVISOR_HOME", str(workshop / "home"))
    for path in (workshop / "home" / "features").glob("*/finished-*.npz"):
        path.unlink()
    return workshop / "home"
