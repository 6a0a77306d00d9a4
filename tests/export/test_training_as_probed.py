"""A training script tunes with what the probe found on these examples: changed views or none, and searched settings."""

from typing import Any

import pytest
from report_fixture import LITE0, make_report

from advisor.export import Training, plan_training, script
from advisor.knowledge import load_knowledge
from advisor.result import CurvePoint, Expected, NamedMetric

RATES = {
    "learning_rate": 1e-4, "head_learning_rate": 1e-3, "layer_decay": 0.85, "weight_decay": 0.05, "epochs": 6,
}  # fmt: skip


def planned(rung: str, strategy: Any, examples: int = 300, **settings: Any) -> Training:
    """Plan the training of a model whose best rung had these settings."""
    report = make_report()
    named = NamedMetric(name="accuracy", value=0.9, low=0.85, high=0.95)
    points = (
        CurvePoint(rung="last-block", examples=300, epochs=4, seconds=1.0, metric=named),
        CurvePoint(rung=rung, examples=300, epochs=6, seconds=1.0, metric=named),
    )
    more = {"curve": points, "strategy": strategy, "hyperparameters": {**RATES, **settings}}
    rows = tuple(row.model_copy(update=more) if row.model == LITE0 else row for row in report.probe.results)
    stated = Expected(metric="accuracy", value=0.8, low=0.7, high=0.9, strategy=strategy)
    assert report.dataset is not None
    changed = report.model_copy(
        update={
            "probe": report.probe.model_copy(update={"results": rows}),
            "decision": report.decision.model_copy(update={"expected": {LITE0: stated}}),
            "dataset": report.dataset.model_copy(update={"examples": examples}),
        }
    )
    return plan_training(changed, load_knowledge(), model=LITE0)


@pytest.mark.parametrize("examples", [300, 5000])
def test_images_are_changed_where_that_helped_and_only_there(examples: int) -> None:
    on = planned("full", "full", examples, augmentation="on")
    assert len(on.augmentation) == 3 and not on.word_dropout
    source = script(on)
    assert "RandomResizedCrop(side, scale=(0.5, 1.0)" in source
    assert "RandomHorizontalFlip" in source and "ColorJitter" in source
    off = planned("full", "full", examples, augmentation="off")
    assert off.augmentation == () and not off.word_dropout
    assert "transforms" not in script(off).replace("create_transform", "")


def test_searched_settings_are_repeated() -> None:
    one = planned("search", "last-block", trials=4, dropout=0.35)
    assert one.epochs == 6, "its own passes: it did not go on from the last block's"
    assert one.dropout == 0.35
    assert "Dropout(0.35)" in script(one)
    assert planned("longer", "last-block").epochs == 4, "the better of both, the earlier where they are alike"
