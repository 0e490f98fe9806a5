"""Scores say what they promise, splits keep test and training apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.spinup.benchmark import scores, splits

CELLS = 400


@pytest.fixture
def places() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(7)
    return draw.uniform(-60.0, 75.0, CELLS), draw.uniform(0.0, 360.0, CELLS)


def scored(predicted: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> scores.Score:
    return scores.score(predicted, truth, weight, np.zeros(truth.shape[0], np.int64))


def test_a_perfect_prediction_has_no_error() -> None:
    truth = np.random.default_rng(1).lognormal(size=(CELLS, 3))
    found = scored(truth, truth, np.ones_like(truth))
    assert (found.r2, found.log_error, found.bias, found.false_share) == (1.0, 0.0, 0.0, 0.0)
    assert found.biomes == {0: 0.0}


def test_r2_equals_its_definition_in_words() -> None:
    draw = np.random.default_rng(2)
    truth, predicted = draw.lognormal(size=(CELLS, 2)), draw.lognormal(size=(CELLS, 2))
    expected = 1.0 - np.mean((predicted - truth) ** 2) / np.var(truth)
    assert scored(predicted, truth, np.ones_like(truth)).r2 == pytest.approx(expected, rel=1e-12)


def test_empty_slots_count_for_false_mass_alone() -> None:
    truth = np.array([[2.0, 0.0], [4.0, 0.0], [6.0, np.nan]])
    weight = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    good = scored(np.where(np.isnan(truth), 0.0, truth), truth, weight)
    assert good.count == 3
    assert good.false_share == 0.0
    bad = scored(np.array([[2.0, 3.0], [4.0, 0.0], [6.0, 5.0]]), truth, weight)
    assert bad.r2 == good.r2 == 1.0
    assert bad.false_share == pytest.approx(2.0 / 3.0)
    assert bad.false_mass == pytest.approx(3.0 / 12.0)
    assert bad.bias == pytest.approx(3.0 / 12.0)


def test_leaving_cells_out_does_not_help() -> None:
    truth = np.random.default_rng(3).lognormal(size=(CELLS, 1))
    predicted = truth.copy()
    predicted[:10] = np.nan
    found = scored(predicted, truth, np.ones_like(truth))
    assert found.r2 < 1.0
    assert found.bias < 0.0


def test_totals_of_biomes_are_weighted_by_area() -> None:
    truth = np.ones((40, 1))
    predicted = truth.copy()
    predicted[0] = 2.0
    weight = np.ones((40, 1))
    weight[0] = 21.0
    biome = np.repeat([3, 8], 20)
    found = scores.score(predicted, truth, weight, biome)
    assert found.biomes[3] == pytest.approx(21.0 / 40.0)
    assert found.biomes[8] == 0.0


def test_a_small_biome_has_no_total_of_its_own() -> None:
    biome = np.array([1] * 30 + [2] * 5)
    found = scores.score(np.ones((35, 1)), np.ones((35, 1)), np.ones((35, 1)), biome)
    assert list(found.biomes) == [1]


def test_pooled_r2_is_the_mean_over_variables_of_any_scale() -> None:
    draw = np.random.default_rng(4)
    truth = [draw.normal(size=100), 1.0e6 * draw.normal(size=100)]
    given = [truth[0] + draw.normal(size=100), truth[1]]
    each = [scores.explained(a, b) for a, b in zip(given, truth, strict=True)]
    assert scores.pooled(given, truth) == pytest.approx(np.mean(each))


def test_spread_of_seeds() -> None:
    found = scores.spread([0.99, 0.98, float("nan"), 1.0])
    assert (found.number, found.low, found.high) == (3, 0.98, 1.0)
    assert found.text(2) == "0.99 (0.98 to 1.00)"
    assert scores.spread([]).text() == "-"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_parts_of_a_split_share_no_cell_and_leave_none_out(
    places: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    latitude, longitude = places
    for split in (
        splits.random_split(CELLS, seed),
        splits.block_split(latitude, longitude, seed),
        splits.coldest_split(300.0 - np.abs(latitude), seed),
    ):
        together = np.concatenate([split.train, split.validation, split.test])
        assert np.array_equal(np.sort(together), np.arange(CELLS))
        assert 0.15 * CELLS <= split.test.size <= 0.3 * CELLS
        assert split.validation.size >= 0.05 * CELLS


def test_no_block_is_on_both_sides(places: tuple[np.ndarray, np.ndarray]) -> None:
    split = splits.block_split(*places, seed=1)
    block = splits.block_numbers(*places)
    assert not set(block[split.test]) & set(block[np.concatenate([split.train, split.validation])])


def test_every_test_cell_is_colder_than_all_training_cells(places: tuple[np.ndarray, np.ndarray]) -> None:
    temperature = 300.0 - np.abs(places[0])
    split = splits.coldest_split(temperature, seed=1)
    assert temperature[split.test].max() <= temperature[split.train].min()


def test_few_shot_keeps_the_test() -> None:
    split = splits.random_split(CELLS, 1)
    few = splits.few_shot(split, 0.05)
    assert np.array_equal(few.test, split.test)
    assert few.train.size == round(0.05 * split.train.size)
    assert set(few.train) <= set(split.train)


def test_a_split_comes_back_from_its_file_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    split = splits.random_split(CELLS, 3)
    path = tmp_path / "split.json"
    splits.write_split(path, split)
    assert splits.read_split(path).sha256 == split.sha256 != splits.random_split(CELLS, 4).sha256
    content = json.loads(path.read_text())
    content["test"], content["train"] = content["test"][1:], [*content["train"], content["test"][0]]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="hash"):
        splits.read_split(path)
    path.write_text("{}")
    with pytest.raises(InputError, match="is not a split"):
        splits.read_split(path)
