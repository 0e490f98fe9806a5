"""Running means and daily extremes: the first steps, the hours and days, and ELM's restarts."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.running_means import (
    CanopyMeans,
    DailyRange,
    MeanLengths,
    WeatherMeans,
    cold_daily_range,
    interval_mean,
    running_mean,
    update_canopy_means,
    update_daily_range,
    update_weather_means,
)
from kiloland.variables import FILL_VALUE
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.material import read_material
from kiloland.verify.oracle.rows import Skipped
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.running_means import running_means

TIMESTEP = 1800
LENGTHS = MeanLengths.of_timestep(TIMESTEP)


def day_of(values: np.ndarray, daily: DailyRange, first: int = 1) -> list[DailyRange]:
    """The daily range after each step of a series ``[step, patch]`` that begins at midnight."""
    found = []
    for number, value in enumerate(values):
        second = (number + 1) * TIMESTEP % 86400
        daily = update_daily_range(daily, jnp.asarray(value), LENGTHS, first + number, second, TIMESTEP)
        found.append(daily)
    return found


def test_the_mean_of_a_young_run_is_the_plain_mean() -> None:
    values = np.random.default_rng(1).uniform(200.0, 300.0, (20, 3))
    mean = jnp.full(3, FILL_VALUE)
    for step, value in enumerate(values, 1):
        mean = running_mean(mean, jnp.asarray(value), 480, step)
        np.testing.assert_allclose(mean, values[:step].mean(axis=0), rtol=1e-14)


def test_a_long_run_forgets_with_the_length_of_the_mean() -> None:
    mean = jnp.asarray([10.0])
    for step in range(1000, 1480):
        mean = running_mean(mean, jnp.asarray([0.0]), 480, step)
    np.testing.assert_allclose(mean, 10.0 * (1.0 - 1.0 / 480) ** 480, rtol=1e-12)


def test_hours_are_sums_until_they_are_full() -> None:
    first = interval_mean(jnp.asarray([99.0]), jnp.asarray([4.0]), 2, 1)
    second = interval_mean(first, jnp.asarray([6.0]), 2, 2)
    assert (float(first[0]), float(second[0])) == (4.0, 5.0)
    assert float(interval_mean(second, jnp.asarray([7.0]), 2, 3)[0]) == 7.0


def test_a_step_of_an_hour_or_more_is_its_own_hour() -> None:
    assert MeanLengths.of_timestep(3600).hour == MeanLengths.of_timestep(10800).hour == 1
    assert float(interval_mean(jnp.asarray([9.0]), jnp.asarray([4.0]), 1, 7)[0]) == 4.0


def test_extremes_of_a_day_are_those_of_its_hours_and_stay_for_one_moment() -> None:
    values = 280.0 + np.random.default_rng(2).normal(0.0, 5.0, (49, 2))
    found = day_of(values, cold_daily_range(2))
    hours = values[:48].reshape(24, 2, 2).mean(axis=1)
    np.testing.assert_allclose(found[47].minimum, hours.min(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found[47].maximum, hours.max(axis=0), rtol=1e-14)
    assert np.all(np.asarray(found[47].lowest) == FILL_VALUE)
    assert np.all(np.asarray(found[47].highest) == -FILL_VALUE)
    assert np.all(np.asarray(found[48].minimum) == FILL_VALUE)
    np.testing.assert_allclose(found[23].lowest, hours[:12].min(axis=0), rtol=1e-14)


def test_a_quantity_that_does_not_exist_has_no_extremes() -> None:
    found = day_of(np.full((48, 1), FILL_VALUE), cold_daily_range(1))
    assert float(found[47].minimum[0]) == float(found[47].maximum[0]) == FILL_VALUE


def test_a_constant_stays_constant_in_every_mean() -> None:
    weather = WeatherMeans(*(jnp.zeros(2) for _ in range(6)))
    canopy = CanopyMeans(*(jnp.zeros(2) for _ in range(6)))
    value = jnp.asarray([1.5, 3.25])
    for step in range(1, 60):
        weather = update_weather_means(weather, value, value, value, LENGTHS, step)
        canopy = update_canopy_means(canopy, value, value, value, value, LENGTHS, step)
    for field in (*astuple(weather), *astuple(canopy)):
        np.testing.assert_allclose(field, value, rtol=1e-15)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "run",
    [
        "s6_summer_restart_each_step",
        "q5w_4cells_winter_steps",
        "a6_cold_restart_each_step",
        "zoo/temperate/zjan",
        # From a run with hourly steps: the restart carries the lengths of its means.
        "zoo/tropics_wet/vjul",
    ],
)
def test_every_mean_and_extreme_of_the_next_restart(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    entry = next(item for item in material.runs if item.id == run)
    found = list(running_means(Bench(entry, material, Shelf())))
    assert not [item for item in found if isinstance(item, Skipped)]
    worst = {item.variable: item.largest_relative for item in found if not isinstance(item, Skipped)}
    assert len(worst) == 36
    assert max(item.largest_relative for item in found if not isinstance(item, Skipped)) < 1e-15
