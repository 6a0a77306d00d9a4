import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from advisor.transfer import Likeness, Traits, expect, likeness, percentiles, tables

BY = Likeness(
    domain=0.5, classes=0.05, examples=0.05, resolution=0.4, tokens=0.1, strength=0.8, own=0.45, models=20, noise=0.1
)  # fmt: skip
NOTHING = np.empty((8, 0))
SMALL, LARGE = Traits("general", 10, 50_000, 32), Traits("nature", 200, 5_000, 500)
traits = st.builds(
    Traits,
    st.sampled_from([None, "general", "nature", "food", "medical"]),
    *[st.none() | st.integers(1, 10**7) for _ in range(4)],
)


@given(traits, traits)
def test_likeness_is_symmetric_and_within_one(one: Traits, other: Traits) -> None:
    near = likeness(one, other, BY)
    assert near == likeness(other, one, BY)
    assert near is None or 0 < near <= 1
    if near is None:
        assert all(
            getattr(one, name) is None or getattr(other, name) is None for name in Traits.__dataclass_fields__
        )


@given(traits)
def test_nothing_is_more_like_a_data_set_than_itself(one: Traits) -> None:
    assert likeness(one, one, BY) == (None if one == Traits() else 1.0)


def test_a_distance_by_hand() -> None:
    """One octave of classes, three of resolution (capped), another domain, and examples told of one alone:

    exp(-(0.05 + 3 × 0.4 + 0.5 + half of 5 × 0.05)).
    """
    near = likeness(Traits("general", 10, None, 8), Traits("nature", 20, 100, 4096), BY)
    assert near == pytest.approx(np.exp(-1.875))
    kin = likeness(Traits("food"), Traits("nature"), BY)
    assert kin == pytest.approx(np.exp(-0.25))


def test_percentiles_by_hand() -> None:
    values = np.array([[0.9, 1.0], [0.1, 1.0], [0.5, np.nan], [0.5, 1.0]])
    scores = percentiles(values)
    assert scores[:, 0] == pytest.approx(np.array([1.5, -1.5, 0, 0]) / np.sqrt(4.5 / 4))
    assert scores[[0, 1, 3], 1] == pytest.approx([0, 0, 0]) and np.isnan(scores[2, 1])


def test_a_column_without_values_stays_unknown() -> None:
    assert np.isnan(percentiles(np.full((3, 1), np.nan))).all()


@given(arrays(np.int64, (7, 3), elements=st.integers(-1000, 1000)))
def test_percentiles_know_order_only(values: np.ndarray) -> None:
    grown = 2.0 * values**3 + 5
    assert percentiles(grown) == pytest.approx(percentiles(values.astype(float)))


def test_columns_that_share_models_make_a_table() -> None:
    known = np.zeros((12, 4), dtype=bool)
    known[:6, 0] = known[2:6, 1] = True
    known[6:, 2] = known[8:, 3] = True
    assert tables(known) == [[0, 1], [2, 3]]


def known_table(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two kinds of data sets, on each of which another ability counts."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, 8))
    columns = [first + 0.3 * rng.normal(size=8) for _ in range(3)]
    columns += [second + 0.3 * rng.normal(size=8) for _ in range(3)]
    return percentiles(np.array(columns).T), np.array([first, second]).T


def test_the_new_data_set_follows_those_like_it() -> None:
    scores, abilities = known_table()
    sets = [SMALL] * 3 + [LARGE] * 3
    for place, target in enumerate((SMALL, LARGE)):
        mean, _ = expect(scores, NOTHING, sets, target, BY)
        here, there = (np.corrcoef(mean, abilities[:, one])[0, 1] for one in (place, 1 - place))
        assert here > 0.9 and here > there


def test_without_traits_all_columns_count() -> None:
    scores, abilities = known_table()
    mean, _ = expect(scores, NOTHING, [Traits()] * 6, Traits(), BY)
    assert np.corrcoef(mean, abilities.sum(axis=1))[0, 1] > 0.9


def test_tables_that_agree_are_surer() -> None:
    rng = np.random.default_rng(1)
    ability = rng.normal(size=8)
    alike = percentiles(np.array([ability + 0.1 * rng.normal(size=8) for _ in range(5)]).T)
    mixed = percentiles(rng.normal(size=(8, 5)))
    sure, unsure = (expect(one, NOTHING, [Traits()] * 5, Traits(), BY)[1].mean() for one in (alike, mixed))
    assert sure < 0.6 < 0.9 < unsure


def test_what_else_is_known_helps_where_results_are_few() -> None:
    """A model without results stands where its size says, if size told the others apart."""
    ability = np.linspace(-1, 1, 8)
    scores = percentiles(np.array([ability, ability]).T)
    scores[7] = np.nan
    extra = percentiles(ability[:, None])
    mean, sd = expect(scores, extra, [Traits()] * 2, Traits(), BY)
    assert mean[7] > mean[6] > 0 > mean[0] and sd[7] > sd[6]
    bare, wide = expect(scores, NOTHING, [Traits()] * 2, Traits(), BY)
    assert (bare[7], wide[7]) == (0, 1)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)), st.permutations(range(6)))
def test_the_order_of_models_and_columns_does_not_matter(rows: list[int], columns: list[int]) -> None:
    scores, _ = known_table()
    scores[0, 1] = scores[3, 4] = np.nan
    sets = [SMALL] * 3 + [LARGE] * 3
    mean, sd = expect(scores, NOTHING, sets, SMALL, BY)
    other = expect(scores[rows][:, columns], NOTHING, [sets[one] for one in columns], SMALL, BY)
    assert other[0] == pytest.approx(mean[rows]) and other[1] == pytest.approx(sd[rows])
