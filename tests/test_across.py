"""Several data sets: known answers, properties, what is said, and what is unknown."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from across_fixture import a_set, lay_run
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from test_decide import result
from typer.testing import CliRunner

from advisor import cli
from advisor.across import Across, across
from advisor.charts import in_language
from advisor.charts.across import regrets
from advisor.cli import app
from advisor.errors import InputError
from advisor.jobs import read_probed
from advisor.posterior import Posterior
from advisor.report.across import render_across, stability_words, standing
from advisor.result import ModelResult
from advisor.stability import stability

TWO = {"x/a": 0.95, "x/b": 0.6, "x/c": 0.85, "baseline/majority": 0.25}
TURNED = {"x/a": 0.6, "x/b": 0.95, "x/c": 0.85, "baseline/majority": 0.25}


@pytest.fixture(scope="module")
def turned() -> Across:
    return across([a_set("photos", TWO, n=800), a_set("scans", TURNED, n=800)])


def test_the_second_best_everywhere_is_chosen_over_two_specialists(turned: Across) -> None:
    assert turned.choice == turned.safest == "x/c"
    rows = {row.model: row for row in turned.models}
    for model, worst in (("x/a", "scans"), ("x/b", "photos")):
        cost = rows[model].overall
        assert cost is not None and cost.worst_on == worst
        assert 0.15 < cost.worst_regret.value < 0.4
        assert cost.mean_regret.value == pytest.approx(cost.worst_regret.value / 2, abs=0.03)
    own = rows["x/c"].overall
    assert own is not None and own.p_best == max(row.overall.p_best for row in turned.models if row.overall)
    assert 0.03 < own.mean_regret.value < 0.12
    assert turned.models[0].model == "x/c"
    assert [stand.rank for stand in rows["x/a"].stands] == [1, 3]
    said = " ".join(turned.because)
    assert "On photos a model of its own pays: x/a is better by" in said
    assert "On scans a model of its own pays: x/b is better by" in said


def test_pairs_that_turn_round_are_counted_without_the_baselines(turned: Across) -> None:
    found = turned.stability
    assert set(found.models) == {"x/a", "x/b", "x/c"}
    assert (found.kept, len(found.turned), found.unsure) == (0, 3, 0)
    (pair,) = [one for one in found.turned if set(one.models) == {"x/a", "x/b"}]
    ahead = {pair.models[0]: pair.first_ahead_on, pair.models[1]: pair.second_ahead_on}
    assert ahead == {"x/a": 0, "x/b": 1}
    assert found.correlation is not None and found.correlation.value == pytest.approx(-1, abs=0.05)
    words = " ".join(stability_words(turned))
    assert "0 keep their order, 3 turn round and 0 cannot be told" in words
    assert "x/a is ahead of x/b on photos, and behind it on scans." in words


def test_the_winner_of_every_set_is_chosen_without_regret() -> None:
    found = across([a_set(name, TWO, n=300, seed=seed) for seed, name in enumerate(("one", "two", "three"))])
    assert found.choice == "x/a"
    (first, *_) = found.models
    assert first.overall is not None and first.overall.mean_regret.value < 0.002
    assert "of its own pays" not in " ".join(found.because)
    assert found.next_steps == ()
    assert found.stability.kept == 3 and found.stability.turned == ()
    assert found.stability.correlation is not None and found.stability.correlation.value > 0.95


def test_what_was_not_probed_is_unknown_and_named_next() -> None:
    late = ModelResult(model="x/b", kind="weights", status="stopped", because="out of time")
    found = across(
        [
            a_set("photos", {"x/star": 0.99, "x/b": 0.8, "x/c": 0.7}),
            a_set("scans", {"x/c": 0.7, "baseline/majority": 0.2}, rows=(late,)),
        ]
    )
    rows = {row.model: row for row in found.models}
    assert [stand.status for stand in rows["x/star"].stands] == ["ok", "not probed"]
    assert [stand.status for stand in rows["x/b"].stands] == ["ok", "stopped"]
    assert rows["x/star"].stands[1].metric is None and rows["x/star"].stands[1].regret is None
    assert rows["x/star"].overall is None and rows["x/b"].overall is None
    assert found.choice == "x/c"
    cost = rows["x/c"].overall
    assert cost is not None and cost.worst_on == "photos", "the best of a set counts, wherever it is missing"
    assert found.next_steps == ("Probe x/star on scans too: it is the winner on photos and unknown there.",)
    cells = {row[0]: row[1:3] for row in standing(found)}
    assert cells["x/star"][1] == "not probed" and cells["x/b"][1] == "not reached"
    assert found.stability.models == ("x/c",)
    assert "no order to compare" in stability_words(found)[0]


def test_without_a_model_measured_on_all_sets_none_is_chosen() -> None:
    found = across([a_set("photos", {"x/a": 0.9}), a_set("scans", {"x/b": 0.9})])
    assert found.choice is None and found.safest is None
    assert found.because[0].startswith("No model was measured on all 2 sets")
    assert all(row.overall is None for row in found.models)
    assert b"No model was measured" in render_across(found, "x.md")


def test_a_model_over_a_limit_on_one_set_cannot_be_chosen_for_all() -> None:
    big = result("x/a", size_mb=900.0)
    found = across(
        [a_set("photos", TWO), a_set("scans", TWO, seed=9, rows=(big,), size_mb=100)],
    )
    rows = {row.model: row for row in found.models}
    assert rows["x/a"].overall is None
    assert rows["x/a"].stands[1].broken == ("is 900 MB where 100 MB are allowed",)
    assert found.choice == "x/c"


@given(
    st.lists(st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3), min_size=2, max_size=3),
    st.integers(20, 60),
)
@settings(max_examples=12, deadline=None)
def test_what_always_holds(shares: list[list[float]], n: int) -> None:
    names = ("x/a", "x/b", "baseline/c")
    sets = [a_set(f"s{i}", dict(zip(names, row, strict=True)), n=n, seed=i) for i, row in enumerate(shares)]
    found = across(sets)
    costs = [row.overall for row in found.models if row.overall]
    assert sum(cost.p_best for cost in costs) == pytest.approx(1)
    assert len(costs) == 3
    for cost in costs:
        for one in (cost.mean_regret, cost.worst_regret):
            assert 0 <= one.low <= one.value <= one.high
        assert cost.mean_regret.value <= cost.worst_regret.value + 1e-12
    chosen = min(costs, key=lambda cost: cost.mean_regret.value)
    assert found.models[0].model == found.choice and found.models[0].overall == chosen
    assert found.choice not in found.tied_with
    pairs = found.stability
    assert pairs.kept + len(pairs.turned) + pairs.unsure == 1
    assert Across.model_validate_json(found.model_dump_json(by_alias=True)) == found


def test_the_order_of_the_sets_does_not_matter() -> None:
    sets = [a_set("photos", TWO, n=100), a_set("scans", TURNED, n=100, seed=5)]
    one, other = across(sets), across(sets[::-1])
    assert one.choice == other.choice
    for row in one.models:
        mirrored = next(found for found in other.models if found.model == row.model)
        assert [stand.metric for stand in mirrored.stands[::-1]] == [stand.metric for stand in row.stands]
        assert row.overall is not None and mirrored.overall is not None
        assert mirrored.overall.mean_regret.value == pytest.approx(row.overall.mean_regret.value, abs=0.01)


def test_the_correlation_is_scipys_and_chance_that_of_random_orders() -> None:
    draw = np.random.default_rng(3)
    models = ("a", "b", "c")
    certain = [Posterior(models, np.tile(draw.normal(size=3), (50, 1))) for _ in range(3)]
    found = stability(certain, models)
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean([spearmanr(certain[i].draws[0], certain[j].draws[0]).statistic for i, j in pairs])
    assert found.correlation is not None and found.correlation.value == pytest.approx(expected)
    alike = stability([certain[0], certain[0]], models)
    assert alike.correlation is not None and alike.correlation.value == pytest.approx(1)
    assert alike.chance == pytest.approx(1 / 6, abs=0.02), "two of six orders of three agree by chance"
    against = stability([certain[0], Posterior(models, -certain[0].draws)], models)
    assert against.correlation is not None and against.correlation.value == pytest.approx(-1)
    assert against.chance == 1.0 and len(against.turned) == 3
    assert stability(certain, models[:2]).correlation is None


def test_the_same_examples_and_other_machines_are_remarked_on() -> None:
    here, there = {"name": "a", "memory_mb": 1.0}, {"name": "a", "memory_mb": 2.0}
    one = a_set("photos", TWO, sha256="s", machine=here)
    again = across([one, a_set("photos again", TWO, seed=4, sha256="s", machine=there)])
    assert "photos and photos again are the same examples" in again.notes[0] and len(again.notes) == 1
    other = across([one, a_set("scans", TWO, machine={"name": "b"})])
    assert other.notes == (
        "The runs were made on different machines, so their latencies cannot be compared.",
    )


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ([a_set("one", TWO)], "1 run cannot be compared"),
        (
            [a_set("one", TWO), a_set("two", TWO, judged_by="macro_f1")],
            "different metrics: accuracy, macro_f1",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(sets: list, said: str) -> None:
    with pytest.raises(InputError, match=said):
        across(sets)


def test_a_comparison_takes_the_form_that_its_name_asks_for(turned: Across) -> None:
    assert json.loads(render_across(turned, "x.json"))["schema"] == 1
    page = render_across(turned, "x.html").decode()
    assert "x/c" in page and "<svg" in page and "Kendall" not in page
    assert render_across(turned, "x.md").decode().startswith("# Models across data sets: photos, scans")
    with pytest.raises(InputError, match=r"x\.doc"):
        render_across(turned, "x.doc")


def test_the_chart_draws_what_is_known_and_says_what_is_not() -> None:
    found = across([a_set("photos", TWO), a_set("scans", {"x/c": 0.8})])
    shown = regrets(found)
    spec = json.dumps(shown.chart.to_dict())
    assert spec.count('"not probed"') == 3
    assert "Not measured: a (scans); b (scans); majority (scans)." in shown.alt
    assert re.search(r": c \d+\.\d \(photos\), 0\.0 \(scans\); a 0\.", shown.alt)
    spoken = in_language(shown, "zh")
    assert "not probed" not in json.dumps(spoken.chart.to_dict(validate=False), ensure_ascii=False)
    many = {f"x/m{i}": 0.5 + i / 40 for i in range(12)}
    few = regrets(across([a_set("photos", many), a_set("scans", many)]), limit=5)
    assert "7 further models not drawn" in json.dumps(few.chart.to_dict())


def test_runs_on_disk_are_read_and_compared_by_the_command(tmp_path: Path) -> None:
    first = lay_run(tmp_path / "one", "mail.csv", {"x/a": 0.9, "x/b": 0.6, "baseline/majority": 0.5})
    second = lay_run(tmp_path / "two", "mail.csv", {"x/a": 0.85, "x/b": 0.6, "baseline/majority": 0.5})
    names = [one.name for one in read_probed([first, second])]
    assert names == ["mail.csv (one)", "mail.csv (two)"], "two sets of one name are told apart"
    with pytest.raises(InputError, match="named twice"):
        read_probed([first, first])
    with pytest.raises(InputError, match="cannot be read"):
        read_probed([tmp_path / "nowhere", first])
    runner, page = CliRunner(), tmp_path / "both.md"
    done = runner.invoke(app, ["across", str(first), str(second), "-o", str(page)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Use x/a for all 2 sets" in done.output and "mail.csv (two)" in done.output
    assert "Use x/a for all 2 sets" in page.read_text(encoding="utf-8")
    printed = runner.invoke(app, ["across", str(first), str(second), "--json"], catch_exceptions=False)
    assert json.loads(printed.stdout)["choice"] == "x/a"


def test_the_models_of_a_run_are_probed_again_on_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(cli.runs, "_probe", lambda request, engine: asked.append(request))
    run = lay_run(tmp_path / "one", "mail.csv", {"x/a": 0.9, "x/b": 0.6, "baseline/majority": 0.5})
    need = tmp_path / "brief.yaml"
    need.write_text("task: text-classification", encoding="utf-8")
    words = ["run", "-b", str(need), "-d", "calls.csv", "-o", str(tmp_path / "two"), "--models-of", str(run)]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    assert asked[0].models == ("x/a", "x/b"), "baselines run beside them anyway"
    refused = CliRunner().invoke(app, [*words, "--models", "x/a"])
    assert isinstance(refused.exception, InputError) and "one of the two" in str(refused.exception)
    bare = lay_run(tmp_path / "bare", "mail.csv", {"baseline/majority": 0.5})
    refused = CliRunner().invoke(app, [*words[:-1], str(bare)])
    assert isinstance(refused.exception, InputError) and "probed no pretrained model" in str(
        refused.exception
    )
