"""A step of lakes: budgets closed, ice from above, nothing undefined in any depth, gradients finite."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from lake_samples import (
    COLUMNS,
    advance,
    all_finite,
    changed,
    lake_constants,
    lake_state,
    weather,
    widen,
)

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.lake_radiation import absorb_sunlight
from kiloland.land.lake_state import LakeState
from kiloland.land.lake_step import (
    LakeConstants,
    LakeOutput,
    advance_heat,
    exchange_with_air,
)
from kiloland.land.step import Settings, Weather

DEPTHS = (0.5, 0.9, 1.1, 5.0, 20.0, 30.0, 100.0, 400.0)


def assert_closed(output: LakeOutput) -> None:
    """Every budget of a step, deep lakes with the rounding of their heat (1e9 J m-2 and more)."""
    budgets = output.budgets
    assert float(jnp.abs(budgets.radiation).max()) <= 1e-10
    assert float(jnp.abs(budgets.surface).max()) <= 1e-7
    assert float(jnp.abs(budgets.heat).max()) <= 1e-7
    assert float(jnp.abs(budgets.water).max()) <= 1e-9
    assert float(jnp.abs(budgets.snow).max()) <= 1e-9


@pytest.mark.parametrize("sun", [0.0, 800.0], ids=["night", "day"])
def test_summer_in_every_depth(sun: float) -> None:
    constants = lake_constants(DEPTHS)
    state, output = advance(lake_state(constants, 290.0), weather(295.0, sun=sun, rain=1e-4), constants, 8)
    assert all_finite(state)
    assert all_finite(output)
    assert_closed(output)
    assert bool(jnp.all(state.ice_fraction == 0.0))


@pytest.mark.parametrize(
    ("start", "air"),
    [
        (285.0, {"temperature": 285.0, "wind": 0.0, "sun": 300.0}),
        (265.0, {"temperature": 233.0, "longwave_down": 110.0, "specific_humidity": 1e-4}),
        (300.0, {"temperature": 323.0, "longwave_down": 480.0, "sun": 1000.0, "specific_humidity": 0.005}),
        (FREEZING_POINT, {"temperature": FREEZING_POINT, "snow": 2e-3, "rain": 2e-3}),
    ],
    ids=["zero wind", "polar night", "323 K", "at the freezing point"],
)
def test_cells_of_lakes_alone_bear_days_of_hard_weather(start: float, air: dict[str, float]) -> None:
    constants = lake_constants(DEPTHS)
    state = lake_state(constants, start)
    dark = {"cosine_zenith_next": -0.2} if "sun" not in air else {}
    for _ in range(12):
        state, output = advance(state, weather(**{**air, **dark}), constants, 8)
        assert_closed(output)
        assert all_finite(state)
        assert all_finite(output)


def test_a_cold_winter_in_every_depth_freezes_from_above() -> None:
    constants = lake_constants(DEPTHS)
    cold = weather(243.0, longwave_down=150.0, specific_humidity=2e-4, wind=8.0)
    state = lake_state(constants, FREEZING_POINT + 0.5)
    for _ in range(12):
        state, output = advance(state, cold, constants, 4)
        assert_closed(output)
    assert all_finite(state)
    assert float(state.ice_fraction[0].min()) > 0.0
    assert bool(jnp.all(jnp.diff(state.ice_fraction, axis=0) <= 0.0))
    assert bool(jnp.all(state.ground_temperature < FREEZING_POINT))


def test_snow_gathers_ages_and_melts_with_closed_budgets() -> None:
    constants = lake_constants(DEPTHS)
    state = lake_state(constants, 268.0)
    state, output = advance(state, weather(265.0, snow=5e-3, specific_humidity=1e-3), constants, 8)
    assert_closed(output)
    assert bool(jnp.all(state.snow_index < -1))
    assert bool(jnp.all(state.grain_radius[-1] > 54.0))
    assert float(state.aerosol_mass.sum()) > 0.0
    before = state.snow_water
    np.testing.assert_allclose(before, 8 * 5e-3 * 1800.0, rtol=0.05)
    for _ in range(10):
        state, output = advance(state, weather(283.0, sun=700.0, rain=1e-3), constants, 4)
        assert_closed(output)
    assert all_finite(state)
    assert bool(jnp.all(state.snow_water < before))


def test_a_pack_of_a_tonne_sheds_what_falls_on_it() -> None:
    constants = lake_constants()
    state = lake_state(constants, 260.0)
    state, _ = advance(state, weather(258.0, snow=0.6, specific_humidity=1e-3), constants, 1)
    assert float(state.snow_water[0]) > 1000.0
    after, output = advance(state, weather(258.0, snow=1e-3, specific_humidity=1e-4), constants, 1)
    assert_closed(output)
    assert float(output.hydrology.capped_ice[0]) >= 1e-3
    assert float(after.snow_water[0]) <= float(state.snow_water[0])


def test_runoff_is_what_the_lake_does_not_keep() -> None:
    constants = lake_constants(DEPTHS)
    _state, output = advance(lake_state(constants, 285.0), weather(280.0, rain=2e-4), constants, 1)
    expected = 2e-4 - output.fluxes.evaporation
    np.testing.assert_allclose(output.hydrology.runoff, expected, atol=1e-12)


def test_warm_sediment_drives_convection_from_below() -> None:
    constants = lake_constants((2.0, 5.0))
    state = lake_state(constants, 277.5)
    warm = state.temperature.at[5:].set(300.0)
    state, output = advance(
        changed(state, temperature=warm), weather(277.5, longwave_down=330.0), constants, 24
    )
    assert_closed(output)
    water = np.asarray(state.water_temperature)
    assert (water[-1] > 277.5).all()
    assert (np.diff(water, axis=0) <= 1e-9).all()


def test_the_state_keeps_its_types_and_shapes() -> None:
    constants = lake_constants()
    before = lake_state(constants, 280.0)
    after, _ = advance(before, weather(280.0), constants, 1)
    for field in dataclasses.fields(LakeState):
        one, other = getattr(before, field.name), getattr(after, field.name)
        assert (one.shape, one.dtype) == (other.shape, other.dtype), field.name


def test_columns_do_not_see_each_other() -> None:
    constants = lake_constants(5.0)
    mixed = lake_state(constants, (260.0, 290.0, 275.0))
    alone = lake_state(constants, 290.0)
    one, _ = advance(mixed, weather(270.0, snow=1e-3), constants, 2)
    other, _ = advance(alone, weather(270.0, snow=1e-3), constants, 2)
    assert bool(jnp.all(one.water_temperature[:, 1] == other.water_temperature[:, 1]))
    assert float(one.ground_temperature[1]) == float(other.ground_temperature[1])


def warming(offset: Array, state: LakeState, above: Weather, constants: LakeConstants) -> Array:
    """Heat into the air and temperature of the first layer of all lakes, the water warmer by an offset."""
    shifted = changed(state, water_temperature=state.water_temperature + offset)
    _, sunlight = absorb_sunlight(shifted, above)
    fluxes = exchange_with_air(shifted, above, sunlight, constants)
    heat = advance_heat(shifted, fluxes, sunlight, constants, Settings(1800.0))
    return jnp.sum(fluxes.latent + fluxes.sensible) + jnp.sum(heat.water.temperature[0])


def test_gradients_of_a_step_are_finite_and_right() -> None:
    constants, slope_of = lake_constants(DEPTHS), jax.jit(jax.value_and_grad(warming))
    for water, air in ((285.0, 290.0), (260.0, 255.0)):
        state, above = lake_state(constants, water), weather(air, sun=400.0)
        _, slope = slope_of(jnp.array(0.0), state, above, constants)
        up, down = (slope_of(jnp.array(step), state, above, constants)[0] for step in (1e-4, -1e-4))
        assert np.isfinite(float(slope))
        assert float(slope) == pytest.approx(float(up - down) / 2e-4, rel=1e-5)


def test_samples_fill_every_column() -> None:
    assert widen(DEPTHS).shape == (COLUMNS,)
