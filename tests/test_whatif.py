"""What if: known answers on a small base, and properties of every way that is proposed."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from knowledge_fixture import make_knowledge

from advisor.brief import Brief, Constraints, DataFacts, Priorities
from advisor.recommend import recommend
from advisor.recommendation import Recommendation
from advisor.score import CRITERIA
from advisor.whatif import Change, Winning, limit_costs, rank_moves, ways_to_win

KNOWLEDGE = make_knowledge()
IMAGES = Brief(
    task="image-classification",
    data=DataFacts(examples=500, classes=5),
    constraints=Constraints(device="laptop", train_device="laptop"),
)
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def advise(brief: Brief, models: Sequence[str] | None = None) -> Recommendation:
    return recommend(brief, KNOWLEDGE, models=models, limit=1, measured={})


def order(brief: Brief) -> list[str]:
    found = advise(brief)
    return [*(one.model for one in found.shortlist), *found.beyond_limit]


def changed(brief: Brief, changes: Sequence[Change]) -> Brief:
    content = brief.model_dump()
    for change in changes:
        section, _, name = change.key.partition(".")
        content[section][name] = change.after
    return Brief.model_validate(content)


def limited(**limits: object) -> Brief:
    return IMAGES.model_copy(update={"constraints": IMAGES.constraints.model_copy(update=limits)})


briefs = some.builds(
    lambda latency, memory, licence, priorities: IMAGES.model_copy(
        update={
            "constraints": Constraints(
                device="laptop", train_device="laptop", latency_ms=latency, memory_mb=memory, licence=licence
            ),
            "priorities": Priorities(**dict(zip(CRITERIA, priorities, strict=True))),
        }
    ),
    some.sampled_from([None, 5.0, 20.0, 80.0, 500.0]),
    some.sampled_from([None, 100.0, 600.0]),
    some.sampled_from(["any", "commercial", "permissive"]),
    some.lists(some.integers(0, 5), min_size=7, max_size=7),
)


@QUICK
@given(briefs, some.integers(0, 10))
def test_every_proposed_way_puts_the_model_first(brief: Brief, pick: int) -> None:
    ids = [card.id for card in KNOWLEDGE.for_task(brief.task)]
    model = ids[pick % len(ids)]
    found = ways_to_win(model, brief, advise)
    now = order(brief)
    assert found.rank == (now.index(model) + 1 if model in now else None)
    for way in found.ways:
        assert order(changed(brief, way.changes))[0] == model
        assert way.changes[: len(found.admitted)] == found.admitted
    assert [way.effort for way in found.ways] == sorted(way.effort for way in found.ways)
    if found.admitted and found.rank_admitted:
        assert model in order(changed(brief, found.admitted))


@QUICK
@given(briefs, some.integers(1, 5))
def test_no_smaller_step_of_a_priority_would_do(brief: Brief, place: int) -> None:
    now = order(brief)
    if place >= len(now):
        return
    model = now[place]
    steps = [
        abs(float(change.after or 0) - float(change.before or 0))
        for way in ways_to_win(model, brief, advise).ways
        for change in way.changes
        if change.key.startswith("priorities.")
    ]
    for step in range(1, int(min(steps, default=1))):
        for name, sign in product(CRITERIA, (1, -1)):
            value = getattr(brief.priorities, name) + sign * step
            if 0 <= value <= 5:
                other = changed(brief, [Change(key=f"priorities.{name}", before=None, after=value)])
                assert order(other)[0] != model


@QUICK
@given(briefs)
def test_costs_name_exactly_what_a_limit_keeps_out(brief: Brief) -> None:
    kept = set(order(brief))
    for cost in limit_costs(brief, advise):
        name = cost.key.removeprefix("constraints.")
        without = order(
            changed(brief, [Change(key=cost.key, before=None, after=Constraints.model_fields[name].default)])
        )
        assert set(cost.drops) == set(without) - kept
        assert cost.first_without == (without[0] if without else None)
        assert cost.limit == getattr(brief.constraints, name)


def test_a_limit_that_drops_nothing_costs_nothing_and_places_are_no_limits() -> None:
    assert limit_costs(IMAGES, advise) == ()
    costs = limit_costs(limited(latency_ms=1e9, memory_mb=150.0), advise)
    assert [cost.key for cost in costs] == ["constraints.memory_mb", "constraints.latency_ms"]
    assert costs[0].drops and costs[0].first_without == order(IMAGES)[0]


def test_two_priorities_are_moved_only_where_one_will_not_do() -> None:
    for model in order(IMAGES)[1:]:
        ways = ways_to_win(model, IMAGES, advise).ways
        assert len({len(way.changes) for way in ways}) <= 1
        for way in ways:
            if len(way.changes) == 2:
                assert all(order(changed(IMAGES, [one]))[0] != model for one in way.changes)


def test_what_is_first_already_needs_nothing() -> None:
    first = order(IMAGES)[0]
    assert ways_to_win(first, IMAGES, advise) == Winning(model=first, rank=1)


def test_a_limit_is_tightened_no_further_than_needed() -> None:
    tightened = []
    for model in order(IMAGES)[1:]:
        for way in ways_to_win(model, IMAGES, advise).ways:
            change = way.changes[-1]
            if change.key.startswith("constraints."):
                assert isinstance(change.after, float)
                tightened.append(change.key)
                looser = [change.model_copy(update={"after": change.after * 1.25})]
                assert order(changed(IMAGES, looser))[0] != model
    assert "constraints.latency_ms" in tightened


def test_a_model_behind_a_limit_is_first_let_in() -> None:
    best = order(IMAGES)[0]
    own = advise(IMAGES, models=[best]).shortlist[0].estimates.latency_ms.value
    assert own is not None
    brief = limited(latency_ms=own / 2, licence="permissive")
    assert best not in order(brief)
    found = ways_to_win(best, brief, advise)
    assert found.rank is None
    (change,) = found.admitted
    assert change.key == "constraints.latency_ms" and isinstance(change.after, float)
    assert own <= change.after <= 1.1 * own


def test_a_licence_is_given_up_only_as_far_as_needed() -> None:
    found = ways_to_win("vit/base", limited(licence="permissive"), advise)
    assert [change.after for change in found.admitted] == ["any"]


def test_a_model_for_something_else_is_barred_with_the_reason() -> None:
    found = ways_to_win("bert/base", IMAGES, advise)
    assert found.barred.startswith("task: made for text-classification")
    assert found.ways == () and found.rank is None


@pytest.mark.parametrize("most", [1, 3, 10])
def test_moves_follow_the_top_of_both(most: int) -> None:
    before = advise(IMAGES)
    after = advise(changed(IMAGES, [Change(key="priorities.latency", before=1.0, after=5.0)]))
    moves = rank_moves(before, after, most)
    was, now = order(IMAGES), [move.model for move in moves if move.after]
    assert {move.model for move in moves} >= set(was[:most])
    assert now == sorted(now, key=[*(c.model for c in after.shortlist), *after.beyond_limit].index)
    for move in moves:
        assert move.before == (was.index(move.model) + 1 if move.model in was else None)


def test_what_falls_out_comes_last() -> None:
    strict = advise(limited(latency_ms=5.0))
    moves = rank_moves(advise(IMAGES), strict)
    gone = [move for move in moves if move.after is None]
    assert gone and moves[-len(gone) :] == tuple(gone)
