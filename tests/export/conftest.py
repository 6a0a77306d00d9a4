"""One small finished run of images and one of texts, with tiny models, for the tests of this room."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import bert_model, image_folder, ticket_table, timm_model

from advisor.brief import Brief
from advisor.jobs.finish import finish
from advisor.jobs.folder import Plan, RunFolder
from advisor.jobs.prepare import prepare
from advisor.jobs.request import ProbeRequest
from advisor.probe.worker import Worker

SIZES = {"train": 36, "select": 18, "report": 18}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("export")
    timm_model(folder / "models" / "a-net", "test_efficientnet", seed=1, model_id="tiny/a")
    bert_model(folder / "models" / "bert", seed=6, model_id="tiny/bert")
    image_folder(folder / "pictures")
    ticket_table(folder / "tickets.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(folder / "home"))
        patch.setenv("HF_HOME", str(folder / "hf"))
        patch.setenv("ADVISOR_MODELS", str(folder / "models"))
        yield folder


def probed(shop: Path, task: str, data: str, models: dict[str, list[str]]) -> RunFolder:
    plan = Plan.model_validate({"examples": SIZES, "models": models})
    request = ProbeRequest(Brief(task=task), shop / data, shop / f"run-{data}", plan=plan, offline=True)
    folder = prepare(request)
    Worker(folder, time.monotonic(), lambda: False).run()
    finish(folder)
    folder.set_state("done")
    return folder


@pytest.fixture(scope="session")
def image_run(shop: Path) -> RunFolder:
    return probed(shop, "image-classification", "pictures", {"tiny/a": ["linear-probe", "last-block"]})


@pytest.fixture(scope="session")
def text_run(shop: Path) -> RunFolder:
    return probed(shop, "text-classification", "tickets.csv", {"tiny/bert": ["linear-probe", "last-block"]})
