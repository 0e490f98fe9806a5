"""Convection in lakes keeps heat and ice and leaves nothing unstable."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.lake_convection import overturn
from kiloland.land.biophysics.lake_layers import (
    DENSEST_WATER,
    LAKE_LAYERS,
    LakeGrid,
    LakeWater,
    lake_grid,
    water_capacity,
    water_density,
)

overturned = jax.jit(overturn)


def random_lakes(columns: int = 500) -> tuple[LakeGrid, LakeWater]:
    """Lakes of 0.5 to 100 m; layers of water, of ice and, at the freezing point, of both, in any order."""
    generator = np.random.default_rng(7)
    shape = (LAKE_LAYERS, columns)
    kind = generator.integers(0, 3, shape)
    ice = np.where(kind == 0, 0.0, np.where(kind == 1, 1.0, generator.random(shape)))
    warm, cold = 30.0 * generator.random(shape), -30.0 * generator.random(shape)
    above = np.where(kind == 0, warm, np.where(kind == 1, cold, 0.0))
    grid = lake_grid(jnp.asarray(10.0 ** generator.uniform(np.log10(0.5), 2.0, columns)))
    water = LakeWater(jnp.asarray(FREEZING_POINT + above), jnp.asarray(ice), jnp.ones(columns))
    return grid, water


def heat(grid: LakeGrid, water: LakeWater) -> np.ndarray:
    return np.asarray(jnp.sum(water_capacity(grid, water) * (water.temperature - FREEZING_POINT), axis=0))


def ice_mass(grid: LakeGrid, water: LakeWater) -> np.ndarray:
    return np.asarray(jnp.sum(grid.thickness * water.ice_fraction, axis=0))


def test_mixing_keeps_heat_and_ice() -> None:
    grid, water = random_lakes()
    mixed = overturned(grid, water)
    content = jnp.abs(water_capacity(grid, water) * (water.temperature - FREEZING_POINT))
    depth = np.asarray(jnp.sum(grid.thickness, axis=0))
    lost = np.abs(heat(grid, mixed) - heat(grid, water))
    assert (lost <= 1e-13 * np.asarray(jnp.sum(content, axis=0)) + 1e-7).all()
    assert (np.abs(ice_mass(grid, mixed) - ice_mass(grid, water)) <= 1e-13 * depth).all()
    assert bool(jnp.all((mixed.ice_fraction >= 0.0) & (mixed.ice_fraction <= 1.0)))


def test_water_that_is_heavier_on_top_sinks() -> None:
    grid = lake_grid(jnp.array([5.0, 50.0]))
    profile = jnp.linspace(278.0, 290.0, LAKE_LAYERS)[:, None]
    upside_down = LakeWater(
        jnp.broadcast_to(profile, (LAKE_LAYERS, 2)), jnp.zeros((LAKE_LAYERS, 2)), jnp.ones(2)
    )
    mixed = overturned(grid, upside_down)
    density = np.asarray(water_density(mixed.temperature, mixed.ice_fraction))
    assert (np.diff(density, axis=0) >= -1e-9).all()


def test_a_stable_lake_stays_as_it_is() -> None:
    grid = lake_grid(jnp.array([5.0]))
    profile = jnp.linspace(290.0, 278.0, LAKE_LAYERS)[:, None]
    water = LakeWater(profile, jnp.zeros((LAKE_LAYERS, 1)), jnp.ones(1))
    mixed = overturned(grid, water)
    assert bool(jnp.all(mixed.temperature == water.temperature))


def test_ice_rises_to_the_surface() -> None:
    grid = lake_grid(jnp.array([5.0]))
    ice = jnp.zeros((LAKE_LAYERS, 1)).at[4].set(0.5)
    temperature = jnp.full((LAKE_LAYERS, 1), DENSEST_WATER).at[4].set(FREEZING_POINT)
    mixed = overturned(grid, LakeWater(temperature, ice, jnp.ones(1)))
    assert float(mixed.ice_fraction[0, 0]) == 1.0
    assert float(mixed.ice_fraction[4, 0]) == 0.0


def test_warmth_from_the_sediment_rises_no_higher_than_the_profile_is_unstable() -> None:
    grid = lake_grid(jnp.array([5.0]))
    profile = jnp.linspace(290.0, 280.0, LAKE_LAYERS).at[-1].set(282.0)[:, None]
    water = LakeWater(profile, jnp.zeros((LAKE_LAYERS, 1)), jnp.ones(1))
    mixed = overturned(grid, water)
    assert bool(jnp.all(mixed.temperature[:7] == water.temperature[:7]))
    assert float(mixed.temperature[-1, 0]) < 282.0
    assert abs(float(mixed.temperature[-2, 0] - mixed.temperature[-1, 0])) < 1e-9
