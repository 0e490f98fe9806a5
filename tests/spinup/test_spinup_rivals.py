"""Rivals learn from training cells alone, rows are kept and used again, bars are told as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learn_cells import learn_table
from spinup_small_world import small_table, write_small_world

from kiloland.errors import InputError
from kiloland.spinup.benchmark.bars import Bar, Exhibit, exhibit_from_json, split_bars
from kiloland.spinup.benchmark.corrections import Rounds, corrected_row
from kiloland.spinup.benchmark.drift import DriftRow
from kiloland.spinup.benchmark.exhibits import finished, kept
from kiloland.spinup.benchmark.features import features_of, signed_log
from kiloland.spinup.benchmark.lines import OURS, RIVALS, lines_of
from kiloland.spinup.benchmark.members import Member, in_slots
from kiloland.spinup.benchmark.rivals.log_ratio import LogRatio, log_ratio
from kiloland.spinup.benchmark.rivals.residual_network import ResidualNetwork
from kiloland.spinup.benchmark.rivals.simple import Persistence, Scaling
from kiloland.spinup.benchmark.rivals.statistical import Ridge, Trees
from kiloland.spinup.benchmark.rows import RowStore, row_of, run_rows
from kiloland.spinup.benchmark.splits import random_split
from kiloland.spinup.benchmark.table import page, result
from kiloland.spinup.benchmark.task import Budget, Prediction, Rival, Task
from kiloland.spinup.benchmark.world import SOLID_WOOD, World, judged, read_world
from kiloland.spinup.benchmark.wrong_operator import wrong_operator
from kiloland.spinup.dataset.run import RunFiles
from kiloland.spinup.dataset.table import write_table
from kiloland.spinup.subgrid import SubgridKeys

QUIET = Budget(trials=1, epochs=12)
LEARNERS = (Ridge(), Trees(iterations=15), ResidualNetwork())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return read_world(write_small_world(tmp_path_factory.mktemp("world") / "small.nc"))


@pytest.fixture(scope="module")
def task(world: World) -> Task:
    names = ("soil4c_vr", "soil3c_vr", "deadstemc", "tlai")
    return Task(world, features_of(world), random_split(world.cells, 1), 1, names, QUIET)


def headline(task: Task, rival: Rival) -> float:
    found = row_of(task, rival, rival.predict(task))["headline_r2"]
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("regressor", LEARNERS, ids=lambda one: one.name)
def test_a_rival_that_learns_beats_scaling(task: Task, regressor: Ridge | Trees | ResidualNetwork) -> None:
    assert headline(task, LogRatio(regressor)) > max(0.5, headline(task, Scaling()))


def test_scaling_and_persistence_differ_by_the_factors_of_acceleration(task: Task) -> None:
    kept, scaled = Persistence().predict(task).pools, Scaling().predict(task).pools
    there = scaled["soil4c_vr"] > 0.0
    ratio = scaled["soil4c_vr"][there] / kept["soil4c_vr"][there]
    np.testing.assert_allclose(ratio, 27.4, rtol=0.01)
    np.testing.assert_array_equal(scaled["tlai"], kept["tlai"])


@pytest.mark.parametrize("regressor", LEARNERS, ids=lambda one: one.name)
def test_the_truth_of_test_cells_is_never_seen(
    task: Task, regressor: Ridge | Trees | ResidualNetwork
) -> None:
    spoilt = {name: values.copy() for name, values in task.world.truth.items()}
    for values in spoilt.values():
        values[task.split.test] *= 1000.0
    blind = replace(task, world=replace(task.world, truth=spoilt))
    first, second = (LogRatio(regressor).predict(one).pools for one in (task, blind))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_absent_plant_types_stay_empty(task: Task) -> None:
    pools = LogRatio(Ridge()).predict(task).pools
    absent = task.world.cover[task.split.test] == 0.0
    assert (pools["deadstemc"][absent] == 0.0).all()


def test_ratios_are_missing_where_there_is_nothing_to_learn(world: World) -> None:
    ratio = log_ratio(world, "deadstemc")
    empty = ~(world.before["deadstemc"] > 0.0)
    assert np.isnan(ratio[empty]).all()
    assert np.isfinite(ratio[~empty & (world.cover > 0.0)]).all()


def test_signed_logarithms_keep_order_and_sign() -> None:
    values = np.array([-1.0e3, -1.0, 0.0, 1.0e-6, 5.0])
    found = signed_log(values)
    assert (np.diff(found) > 0.0).all()
    assert found[2] == 0.0


class Counted:
    """Scaling that counts how often it is asked."""

    name = OURS
    calls = 0

    def predict(self, task: Task) -> Prediction:
        self.calls += 1
        return Scaling().predict(task)


def test_a_finished_row_is_used_again_and_a_changed_budget_is_not(task: Task, tmp_path: Path) -> None:
    store, rival = RowStore(tmp_path), Counted()
    first = list(run_rows([task], [rival], store, lambda _: None))
    assert list(run_rows([task], [rival], store, lambda _: None)) == first
    assert rival.calls == 1
    other = replace(task, budget=replace(QUIET, trials=2))
    list(run_rows([other], [rival], store, lambda _: None))
    assert rival.calls == 2
    assert [row["rival"] for row in store.all()] == [OURS]


def test_the_table_says_what_is_met_missed_and_not_measured(task: Task) -> None:
    rows = [row_of(task, Scaling(), Scaling().predict(task)) | {"rival": rival} for rival in RIVALS]
    exhibit = Exhibit(
        "Drift", "Twenty years.", ("what", "share"), (("land", 0.5),), (Bar("d", ">", "0", False),)
    )
    verdicts = {bar.name: bar.verdict for bar in split_bars(lines_of(rows))}
    assert verdicts["rows of the table"] == "met"
    assert "MISSED" in verdicts.values()
    assert "not measured" in verdicts.values()
    text = page(rows, [exhibit], {"machine": "any"})
    for rival in RIVALS:
        assert f"| {rival} |" in text
    assert "## Drift" in text
    assert task.split.sha256[:12] in text
    content = result(rows, [exhibit], {})
    assert exhibit_from_json(content["exhibits"][0]) == exhibit


def test_a_data_set_without_truth_is_refused(world: World, tmp_path: Path) -> None:
    table = small_table(30)
    columns = {name: column for name, column in table.columns.items() if not name.startswith("Y_")}
    path = tmp_path / "blind.nc"
    write_table(path, columns, iter([table]), 30, 1, {})
    with pytest.raises(InputError, match="no pool with its equilibrium"):
        read_world(path)


def test_an_exhibit_is_made_once_for_the_same_data(tmp_path: Path) -> None:
    made = []

    def make() -> Exhibit:
        made.append(1)
        return Exhibit("Title", "Text.", ("a",), ((1,),), (Bar("b", ">", "1", True),))

    first = kept(tmp_path, "some, exhibit", {"dataset_sha256": "x"}, make, lambda _: None)
    assert kept(tmp_path, "some, exhibit", {"dataset_sha256": "x"}, make, lambda _: None) == first
    kept(tmp_path, "some, exhibit", {"dataset_sha256": "y"}, make, lambda _: None)
    assert len(made) == 2
    assert finished(tmp_path, {"dataset_sha256": "x"}) == []
    assert finished(tmp_path, {"dataset_sha256": "y"}) == [first]


def test_a_wrong_operator_has_other_rates_and_nothing_else() -> None:
    table = learn_table(12)
    wrong = wrong_operator(table, 1)
    for name, values in table.values.items():
        assert np.array_equal(values, wrong[name]) == (name != "operator_decay"), name
    ratio = wrong["operator_decay"] / table["operator_decay"]
    assert np.median(np.abs(np.log(ratio))) > 0.1


def test_patches_find_their_slot_by_plant_type_not_by_place() -> None:
    none = np.zeros(2)
    ones = np.ones(2, np.int64)
    keys = SubgridKeys(ones, ones, ones, none, none, np.array([1, 0, 1]), np.array([4, 7, 0]))
    slots = in_slots(keys, np.array([1.0, 2.0, 3.0]))
    assert slots[1, 4] == 1.0
    assert slots[0, 7] == 2.0
    assert slots[1, 0] == 3.0
    assert slots.sum() == 6.0


def test_land_in_equilibrium_is_counted_by_area_and_where_it_was_run() -> None:
    drift = np.array([[5.0, -4.0, np.nan, 2.0], [0.5, -2.0, np.nan, 0.1]])
    carbon = 100.0 + np.concatenate([np.zeros((1, 4)), np.cumsum(np.repeat(drift, 2, axis=0), axis=0)])
    row, everything, area = DriftRow("any", carbon, 2), np.arange(4), np.array([1.0, 3.0, 100.0, 4.0])
    np.testing.assert_allclose(row.drift, drift)
    assert row.share(area, everything) == pytest.approx(5.0 / 8.0)
    assert row.percentile(everything, 100) == pytest.approx(2.0)
    assert row.years_until(0.6, area, everything) == 4
    assert row.years_until(0.7, area, everything) is None
    assert row.bias(carbon[-1], area, everything) == pytest.approx(0.0)


def test_cells_whose_truth_is_denser_than_wood_are_not_judged(world: World) -> None:
    truth = {name: values.copy() for name, values in world.truth.items()}
    large = 0.6 * SOLID_WOOD
    # Cell 5: two pools of one layer together. Cell 7: the same amounts in two layers. Cell 9: nitrogen.
    truth["soil4c_vr"][5, 2] = truth["cwdc_vr"][5, 2] = large
    truth["soil4c_vr"][7, 2] = truth["cwdc_vr"][7, 3] = large
    truth["soil4n_vr"][9, 2] = 10.0 * SOLID_WOOD
    cells = np.array([9, 5, 7, 3])
    predicted = {"soil4c_vr": np.arange(40.0).reshape(4, 10)}
    kept, left = judged(replace(world, truth=truth), predicted, cells)
    np.testing.assert_array_equal(left, [9, 7, 3])
    np.testing.assert_array_equal(kept["soil4c_vr"][:, 0], [0.0, 20.0, 30.0])


def test_what_corrections_add_is_no_drift(tmp_path: Path) -> None:
    member = Member(tmp_path, RunFiles(tmp_path, (), tmp_path, tmp_path), np.array([2, 0]))
    start = np.array([[100.0, 10.0], [150.0, 10.0], [158.0, 9.0]])
    rounds = Rounds(start, start + np.array([[8.0, -4.0], [2.0, 0.0], [-1.0, 0.4]]))
    row = corrected_row("corrected", [(member, rounds)], 3, 2)
    nothing = np.full(3, np.nan)
    np.testing.assert_allclose(row.drift.T, [[-2.0, 0.0, 0.2], nothing, [4.0, 1.0, -0.5]])
    assert row.share(np.ones(3), np.arange(3)) == 1.0
    np.testing.assert_array_equal(row.carbon[-1], [9.4, np.nan, 157.0])
