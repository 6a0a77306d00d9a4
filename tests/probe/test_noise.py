"""Labels that look wrong: known answers on made-up features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.probe.noise import FEWEST, deal_folds, label_issues, likely_labels, out_of_fold


def clusters(per_class: int = 40, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = np.repeat(np.arange(classes), per_class)
    centres = draw.normal(0, 4, (classes, 8))
    return centres[truth] + draw.normal(0, 1, (len(truth), 8)), truth


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=80), st.integers(0, 9))
def test_every_fold_holds_its_share_of_every_class(labels: list[int], seed: int) -> None:
    truth = np.asarray(labels)
    fold = deal_folds(truth, seed)
    for label in np.unique(truth):
        counts = np.bincount(fold[truth == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(fold, minlength=5)) <= 1


def test_planted_noise_is_found_and_the_likely_label_is_the_old_one() -> None:
    features, truth = clusters()
    given_labels = truth.copy()
    wrong = np.arange(3, len(truth), 10)
    given_labels[wrong] = (truth[wrong] + 1) % 3
    told: list[tuple[int, int]] = []
    probabilities = out_of_fold(
        features, given_labels, 3, seed=0, progress=lambda done, total: told.append((done, total))
    )
    suspects, quality = label_issues(given_labels, probabilities)
    assert set(suspects.tolist()) <= set(wrong.tolist())
    assert len(suspects) >= 0.9 * len(wrong)
    assert (likely_labels(probabilities, given_labels)[wrong] == truth[wrong]).all()
    assert (np.diff(quality[suspects]) >= 0).all()
    assert told == [(done, 5) for done in range(6)]


def test_clean_labels_are_left_alone() -> None:
    features, truth = clusters()
    suspects, quality = label_issues(truth, out_of_fold(features, truth, 3, seed=0))
    assert len(suspects) == 0
    assert (quality > 0.5).all()


def test_renaming_the_classes_changes_nothing() -> None:
    features, truth = clusters()
    noisy = truth.copy()
    noisy[::9] = (truth[::9] + 2) % 3
    swapped = np.asarray([2, 0, 1])[noisy]
    one, _ = label_issues(noisy, out_of_fold(features, noisy, 3, seed=0))
    two, _ = label_issues(swapped, out_of_fold(features, swapped, 3, seed=0))
    assert len(set(one.tolist()) ^ set(two.tolist())) <= 2


def test_rare_classes_are_not_judged() -> None:
    features, truth = clusters()
    few = FEWEST - 1
    truth = np.concatenate([truth, np.full(few, 3)])
    features = np.concatenate([features, np.random.default_rng(1).normal(0, 9, (few, 8))])
    suspects, quality = label_issues(truth, out_of_fold(features, truth, 5, seed=0))
    assert np.isnan(quality[-few:]).all()
    assert not set(suspects.tolist()) & set(range(len(truth) - few, len(truth)))


def test_a_single_class_often_enough_gives_no_suspects() -> None:
    truth = np.asarray([0] * 20 + [1, 2])
    suspects, quality = label_issues(truth, np.full((22, 3), 1 / 3, dtype=np.float32))
    assert len(suspects) == 0
    assert np.isnan(quality).all()


def test_what_progress_raises_ends_the_work() -> None:
    features, truth = clusters(10)

    def stop(done: int, total: int) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        out_of_fold(features, truth, 3, seed=0, progress=stop)
