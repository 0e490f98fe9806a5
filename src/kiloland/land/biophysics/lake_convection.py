"""Convection in a lake: layers that are heavier than those below them, or lie under ice, are mixed.

After Hostetler and Bartlein (1990) and Subin et al. (2012, doi:10.1029/2011MS000072), section 2.4.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.lake_layers import (
    HEAT_CAPACITY_LAKE_ICE,
    HEAT_CAPACITY_WATER,
    LAKE_LAYERS,
    LakeGrid,
    LakeWater,
    water_density,
)
from kiloland.land.biophysics.safe_math import divide, sum_rows


def overturn(grid: LakeGrid, water: LakeWater) -> LakeWater:
    """Mix layers that are heavier than those below, or that lie under water and hold ice.

    From the top down, each unstable pair with all layers above it. Convection that begins in the lowest
    layer, warmed by the sediment, only reaches as high as the profile is unstable. Heat and ice are kept.
    """
    index = jnp.arange(LAKE_LAYERS)[:, None]
    carry = (water.temperature, water.ice_fraction)

    def down(layer: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        return mix(grid, *carry, (index <= layer + 1) & _unstable(*carry, layer))

    temperature, ice = jax.lax.fori_loop(0, LAKE_LAYERS - 2, down, carry)
    from_bottom = _unstable(temperature, ice, jnp.asarray(LAKE_LAYERS - 2))

    def up(turn: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        layer = LAKE_LAYERS - 2 - turn
        return mix(grid, *carry, (index >= layer) & from_bottom & _unstable(*carry, layer))

    temperature, ice = jax.lax.fori_loop(0, LAKE_LAYERS - 1, up, (temperature, ice))
    return dataclasses.replace(water, temperature=temperature, ice_fraction=ice)


def _unstable(temperature: Array, ice: Array, layer: Array) -> Array:
    """Whether a layer is heavier than the next, or water lies over ice."""
    density = water_density(temperature, ice)
    return (density[layer] > density[layer + 1]) | ((ice[layer] < 1.0) & (ice[layer + 1] > 0.0))


def mix(grid: LakeGrid, temperature: Array, ice: Array, mixed: Array) -> tuple[Array, Array]:
    """Temperature (K) and ice of layers after the marked, consecutive ones share their heat and ice.

    All ice comes to the top. Heat above freezing warms the water, heat below cools the ice; a layer with
    both has the temperature that keeps its heat.
    """
    thickness = jnp.where(mixed, grid.thickness, 0.0)
    lower = jnp.cumsum(thickness, axis=0)
    upper = lower - thickness
    heat = thickness * (temperature - FREEZING_POINT)
    heat = heat * ((1.0 - ice) * HEAT_CAPACITY_WATER + ice * HEAT_CAPACITY_LAKE_ICE)
    height = sum_rows(thickness)
    safe = jnp.where(height > 0.0, height, 1.0)
    mean_heat, mean_ice = sum_rows(heat) / safe, sum_rows(ice * thickness) / safe
    of_water = divide(jnp.maximum(mean_heat, 0.0), (1.0 - mean_ice) * HEAT_CAPACITY_WATER)
    of_ice = divide(jnp.minimum(mean_heat, 0.0), mean_ice * HEAT_CAPACITY_LAKE_ICE)
    all_ice = lower / safe <= mean_ice
    some_ice = upper / safe < mean_ice
    share = (mean_ice * safe - upper) / grid.thickness
    ice_part, water_part = share * HEAT_CAPACITY_LAKE_ICE, (1.0 - share) * HEAT_CAPACITY_WATER
    blended = (share * of_ice * HEAT_CAPACITY_LAKE_ICE + (1.0 - share) * of_water * HEAT_CAPACITY_WATER) / (
        jnp.where(some_ice, ice_part + water_part, 1.0)
    )
    new_ice = jnp.where(all_ice, 1.0, jnp.where(some_ice, share, 0.0))
    new_temperature = jnp.where(all_ice, of_ice, jnp.where(some_ice, blended, of_water)) + FREEZING_POINT
    return jnp.where(mixed, new_temperature, temperature), jnp.where(mixed, new_ice, ice)
