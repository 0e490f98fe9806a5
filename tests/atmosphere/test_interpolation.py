"""Interpolation in time: hand-made numbers, conservation, cycles, gaps."""

from __future__ import annotations

import numpy as np
import pytest

from kiloland.atmosphere.calendar import seconds_of_date
from kiloland.atmosphere.interpolate import (
    ConservingCosineZenith,
    CosineZenith,
    Interpolation,
    Linear,
    Lower,
    Nearest,
    Sun,
    TimeCycle,
    Upper,
    bracket_times,
    check_time_limit,
    unwrapped_axis,
)
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.errors import InputError

ORBIT = orbital_parameters(1990)
THREE_HOURS = 10800


def sun_at(latitudes: list[float], longitude: float = 200.0) -> Sun:
    return Sun(ORBIT, np.full(len(latitudes), longitude), np.array(latitudes))


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Lower(), [1.0, 1.0, 1.0, 5.0]),
        (Upper(), [5.0, 5.0, 5.0, 9.0]),
        (Nearest(), [1.0, 1.0, 5.0, 5.0]),
        (Linear(), [1.0, 3.0, 4.0, 5.0]),
    ],
)
def test_simple_methods(method: Interpolation, expected: list[float]) -> None:
    axis = np.array([0, 100, 200, 300])
    bracket = bracket_times(axis, np.array([0, 50, 75, 100]))
    values = method.weights(bracket, sun_at([0.0]), 50).apply(np.array([[1.0], [5.0], [9.0], [13.0]]))
    np.testing.assert_array_equal(values[:, 0], expected)


def test_weights_serve_all_cells() -> None:
    axis = np.array([0, 100, 200])
    samples = np.random.default_rng(1).normal(size=(3, 7))
    bracket = bracket_times(axis, np.array([25]))
    together = Linear().weights(bracket, sun_at([0.0] * 7), 50).apply(samples)
    for cell in range(7):
        alone = Linear().weights(bracket, sun_at([0.0]), 50).apply(samples[:, cell : cell + 1])
        np.testing.assert_array_equal(alone[:, 0], together[:, cell])


def daily(month: int) -> tuple[np.ndarray, np.ndarray]:
    """Axis of two days at three hours and the half-hourly steps of the first."""
    start = seconds_of_date(10000 + month * 100 + 21)
    return start + THREE_HOURS * np.arange(17), start + 1800 * np.arange(48)


LATITUDES = [-89.9, -66.0, -30.0, 0.0, 2.0, 47.563, 66.0, 69.0, 83.0]


@pytest.mark.parametrize("month", [1, 3, 6, 9, 12])
def test_conserving_shortwave_keeps_every_interval_mean(month: int) -> None:
    axis, steps = daily(month)
    samples = np.random.default_rng(month).uniform(0.1, 800.0, (17, len(LATITUDES)))
    weights = ConservingCosineZenith().weights(bracket_times(axis, steps), sun_at(LATITUDES), 1800)
    values = weights.apply(samples)
    assert values.min() >= 0.0
    means = values.reshape(8, 6, -1).mean(axis=1)
    np.testing.assert_allclose(means, samples[:8], rtol=1e-14, atol=0)


def test_conserving_shortwave_does_not_depend_on_how_steps_are_cut() -> None:
    axis, steps = daily(6)
    samples = np.random.default_rng(3).uniform(0.1, 800.0, (17, len(LATITUDES)))
    method, sun = ConservingCosineZenith(), sun_at(LATITUDES)
    whole = method.weights(bracket_times(axis, steps), sun, 1800).apply(samples)
    pieces = [
        method.weights(bracket_times(axis, part), sun, 1800).apply(samples) for part in np.split(steps, 12)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_data_atmosphere_shortwave_by_hand() -> None:
    axis, steps = daily(6)
    sun = sun_at([47.563])
    values = CosineZenith().weights(bracket_times(axis, steps), sun, 1800).apply(np.full((17, 1), 300.0))
    for number in (0, 7, 20, 33):
        left = steps[number] // THREE_HOURS * THREE_HOURS + 1800 * np.arange(6)
        mean = np.maximum(sun.cosine(left)[:, 0], 0.001).mean()
        here = sun.cosine(steps[number : number + 1])[0, 0]
        expected = 300.0 * here / mean if here > 0.001 else 0.0
        assert values[number, 0] == pytest.approx(expected, rel=1e-13)


def test_data_atmosphere_shortwave_loses_energy_only_at_low_sun() -> None:
    axis, steps = daily(12)
    sun = sun_at([0.0, 69.0])
    values = CosineZenith().weights(bracket_times(axis, steps), sun, 1800).apply(np.full((17, 2), 100.0))
    lit = (sun.mean_cosine(axis[:8], THREE_HOURS) > 0.05)[:, 0]
    means = values.reshape(8, 6, 2).mean(axis=1)
    np.testing.assert_allclose(means[lit, 0], 100.0, rtol=0.02)
    assert means[:, 1].sum() < 8 * 100.0


def test_conserving_shortwave_refuses_steps_across_intervals() -> None:
    axis, _ = daily(6)
    with pytest.raises(InputError, match="divide"):
        ConservingCosineZenith().weights(bracket_times(axis, axis[:1] + 900), sun_at([0.0]), 1800)


@pytest.mark.parametrize(
    ("cycle", "model_year", "data_year"),
    [
        (TimeCycle(1980, 2014, 1), 1, 1980),
        (TimeCycle(1980, 2014, 1), 35, 2014),
        (TimeCycle(1980, 2014, 1), 36, 1980),
        (TimeCycle(1980, 2014, 1980), 1979, 2014),
        (TimeCycle(2013, 2019, 1850), 1, 2013 + (1 - 1850) % 7),
    ],
)
def test_cycle_of_years(cycle: TimeCycle, model_year: int, data_year: int) -> None:
    moment = seconds_of_date(model_year * 10000 + 704, 3600)
    assert moment + cycle.shift(moment) == seconds_of_date(data_year * 10000 + 704, 3600)


def test_axis_wraps_around_its_cycle() -> None:
    cycle = TimeCycle(2001, 2001, 1)
    axis = unwrapped_axis(cycle.start + THREE_HOURS * np.arange(2920) + 5400, cycle)
    np.testing.assert_array_equal(np.diff(axis), THREE_HOURS)
    bracket = bracket_times(axis, np.array([cycle.start, cycle.start + cycle.length - 1]))
    assert bracket.lower.tolist() == [0, 2920]


def test_gap_is_an_error_with_its_place() -> None:
    axis = np.delete(seconds_of_date(20010101) + THREE_HOURS * np.arange(248), slice(80, 88))
    with pytest.raises(InputError, match="gap in time") as caught:
        check_time_limit(axis, 1.5, "x.nc")
    assert "2001-01-10 21:00:00 to 2001-01-12 00:00:00" in str(caught.value)


def test_time_outside_the_axis_is_an_error() -> None:
    with pytest.raises(InputError, match="does not cover"):
        bracket_times(np.array([0, 100]), np.array([100]))
