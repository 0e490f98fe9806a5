"""A step of towns: water and heat are neither made nor lost, hard weather leaves finite numbers."""

from __future__ import annotations

from dataclasses import fields

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from urban_samples import constants, state, weather

from kiloland.land.urban_parts import UrbanSettings
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_step import UrbanOutput, urban_step
from kiloland.land.urban_town import Surface, by_surface

# Compiling the step takes most of a minute.
pytestmark = pytest.mark.slow

STEPS = 6
TEMPERATURE = np.array([233.0, 263.0, 272.9, 274.0, 285.0, 300.0, 323.0, 290.0])
SNOW = np.array([60.0, 30.0, 8.0, 20.0, 0.0, 0.0, 0.0, 1200.0])
RAIN = np.array([0.0, 0.0, 0.0, 4e-4, 1e-3, 0.0, 0.0, 2e-4])
FALL = np.array([0.0, 3e-4, 4e-4, 1e-4, 0.0, 0.0, 0.0, 1e-4])
"""Polar night, snowfall, thaw, rain on snow, downpour, heat, 323 K, a capped pack, side by side."""

STEP = jax.jit(urban_step, static_argnames="settings")
Outcome = list[tuple[UrbanState, UrbanOutput]]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """Some steps of towns in all weathers, one compiled call a step."""
    fixed = constants(np.array([0.3, 0.7, 1.0, 1.6, 3.5, 8.0, 0.4, 1.2]))
    now = state(fixed, TEMPERATURE, SNOW)
    night = np.where(TEMPERATURE < 240.0, -0.3, 0.5)
    calm = np.where(TEMPERATURE > 310.0, 0.0, 3.0)
    above = weather(TEMPERATURE, rain=RAIN, snow=FALL, cosine_zenith_next=night, wind=calm)
    falling = jnp.full((8, len(TEMPERATURE)), 1e-12)
    results = []
    for _ in range(STEPS):
        now, told = STEP(now, above, falling, fixed, UrbanSettings(timestep=1800.0))
        results.append((now, told))
    return results


def test_no_weather_makes_a_number_that_is_none(outcome: Outcome) -> None:
    """Polar night, calm, 323 K, downpour, thaw: every number of the state is finite."""
    for now, _ in outcome:
        for leaf in jax.tree.leaves(now):
            assert bool(jnp.isfinite(leaf).all())
        assert float(now.temperature[5:10].min()) > 200.0
        # Cooling a room below walls of 323 K puts that heat on the road.
        assert float(now.temperature[5:10].max()) < 450.0


def test_water_of_every_surface_is_kept(outcome: Outcome) -> None:
    """Precipitation is evaporation, runoff and storage, to 1e-9 kg m-2."""
    for _, told in outcome:
        assert float(jnp.abs(told.budget.water).max()) < 1e-9


def test_heat_of_every_surface_is_kept(outcome: Outcome) -> None:
    """Heat into surfaces and from rooms is storage and melt, to 1e-7 W m-2."""
    for _, told in outcome:
        for name in ("heat", "surface"):
            assert float(jnp.abs(getattr(told.budget, name)).max()) < 1e-7


def test_radiation_of_every_town_closes(outcome: Outcome) -> None:
    """But for reflections too weak to follow: 1e-5 of the light, 1e-3 W m-2 of longwave."""
    for _, told in outcome:
        assert float(jnp.abs(told.budget.sunlight).max()) < 2e-5 * 600.0
        assert float(jnp.abs(told.budget.longwave).max()) < 5e-3


def test_films_on_roofs_and_sealed_roads_stay_thin(outcome: Outcome) -> None:
    """At most 1 kg m-2 stands where no snow lies; the rest of a downpour runs off."""
    now, told = outcome[-1]
    film = by_surface(now.liquid_water[5] + now.ice[5])
    for row in (Surface.ROOF, Surface.IMPERVIOUS_ROAD):
        bare = np.asarray(by_surface(now.snow_index)[row] == 0) & (SNOW == 0.0)
        assert float(np.asarray(film[row])[bare].max()) <= 1.0 + 1e-12
    downpour = np.asarray(by_surface(told.runoff))[Surface.ROOF, 4]
    assert downpour == pytest.approx(RAIN[4], rel=0.2)


def test_walls_carry_neither_water_nor_snow(outcome: Outcome) -> None:
    """Walls stay dry in every weather."""
    for now, told in outcome:
        for row in (Surface.SUNLIT_WALL, Surface.SHADED_WALL):
            assert float(jnp.abs(by_surface(now.snow_water)[row]).max()) == 0.0
            assert float(jnp.abs(by_surface(told.runoff)[row]).max()) == 0.0


def test_rooms_are_heated_in_the_cold_and_cooled_in_the_heat(outcome: Outcome) -> None:
    """Only one of both at a time, and never on roads."""
    now, told = outcome[-1]
    assert bool(told.heat.building.heats[0] & told.heat.building.cools[6])
    assert float((now.heating * now.cooling).max()) == 0.0
    assert float(by_surface(now.heating + now.cooling)[Surface.IMPERVIOUS_ROAD :].max()) == 0.0


def test_two_towns_do_not_know_of_each_other(outcome: Outcome) -> None:
    """A town beside others has the bits of a town of another order."""
    fixed = constants(np.array([1.2, 0.3, 0.7, 1.0, 1.6, 3.5, 8.0, 0.4]))
    order = np.array([7, 0, 1, 2, 3, 4, 5, 6])
    now = state(fixed, TEMPERATURE[order], SNOW[order])
    night = np.where(TEMPERATURE[order] < 240.0, -0.3, 0.5)
    calm = np.where(TEMPERATURE[order] > 310.0, 0.0, 3.0)
    above = weather(
        TEMPERATURE[order], rain=RAIN[order], snow=FALL[order], cosine_zenith_next=night, wind=calm
    )
    falling = jnp.full((8, len(order)), 1e-12)
    now, _ = STEP(now, above, falling, fixed, UrbanSettings(timestep=1800.0))
    for item in fields(UrbanState):
        if item.name != "albedo":
            mine, other = getattr(now, item.name), getattr(outcome[0][0], item.name)
            if mine.shape[-1] != len(order):
                mine, other = by_surface(mine), by_surface(other)
            np.testing.assert_array_equal(np.asarray(mine), np.asarray(other)[..., order])
