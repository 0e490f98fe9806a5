"""Snow on a lake before and after its layers are renewed: snowfall, exchange with the air, snow that drops.

Source: Subin et al. (2012, doi:10.1029/2011MS000072), section 2.5, in the form of ELM's `LakeHydrology`.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.aerosol import top_snow_layer
from kiloland.land.biophysics.constants import (
    DENSITY_LIQUID,
    FREEZING_POINT,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
)
from kiloland.land.biophysics.lake_layers import HEAT_CAPACITY_WATER, LakeGrid, LakeWater
from kiloland.land.biophysics.safe_math import divide, sum_rows
from kiloland.land.biophysics.snow_cover import fresh_snow_density
from kiloland.land.biophysics.snow_layers import add_snowfall
from kiloland.land.biophysics.snow_pack import SnowGeometry, SnowLayers
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

FROST_DENSITY = 250.0
"""Of frost on bare ice, kg m-3."""
FROST_COLD = 0.1
"""So much below freezing a surface without snow layers must be to collect frost, K."""


@pytree_dataclass
class LakeSnow:
    """Snow on lakes."""

    layers: SnowLayers
    water: Float[Array, " column"]
    """All of it, kg m-2."""
    depth: Float[Array, " column"]
    """m."""
    geometry: SnowGeometry | None = None
    """Where the layers are, once they are final."""


class DroppedSnow(NamedTuple):
    """What is left when snow has dropped into unfrozen water."""

    snow: LakeSnow
    water: LakeWater
    removed: Float[Array, " column"]
    """kg m-2."""
    unaccounted: Float[Array, " column"]
    """Heat that the water has more than is left after melting, J m-2."""


def fall_on_lake(
    snow: LakeSnow, snowfall: Float[Array, " column"], air_temperature: Float[Array, " column"]
) -> LakeSnow:
    """Snow of a step (kg m-2) on the pack; without layers one begins at 0.04 m. Air temperature in K."""
    every = jnp.ones_like(snow.water)
    water = snow.water + snowfall
    depth = snow.depth + snowfall / fresh_snow_density(air_temperature)
    layers = add_snowfall(snow.layers, snowfall, water, depth, every, air_temperature, every > 0.0)
    return LakeSnow(layers, water, depth)


def exchange_with_lake(
    snow: LakeSnow,
    evaporation: Float[Array, " column"],
    surface_temperature: Float[Array, " column"],
    rain: Float[Array, " column"],
    timestep: float,
) -> SnowSurfaceWater:
    """How evaporation (negative: condensation, kg m-2 s-1) falls to liquid and ice.

    From snow layers at most the top layer evaporates, in the proportion of its liquid and ice; vapour
    becomes frost where surface and top layer are below freezing, else dew, but none on a single layer that
    melts. Without layers sublimation takes the snow, evaporation the lake; vapour becomes frost below
    T_f - 0.1 K.
    """
    top = top_snow_layer(snow.layers.snow_index)
    liquid = sum_rows(jnp.where(top, snow.layers.liquid_water, 0.0))
    content = liquid + sum_rows(jnp.where(top, snow.layers.ice, 0.0))
    layered = snow.layers.snow_index < 0
    upward, downward = jnp.maximum(evaporation, 0.0), jnp.maximum(-evaporation, 0.0)
    limited = jnp.minimum(upward, content / timestep)
    from_liquid = limited * divide(liquid, content)
    from_thin = jnp.minimum(upward, snow.water / timestep)
    top_temperature = sum_rows(jnp.where(top, snow.layers.temperature, 0.0))
    frosty = (surface_temperature < FREEZING_POINT) & (top_temperature < FREEZING_POINT)
    melting = (surface_temperature == FREEZING_POINT) & (top_temperature == FREEZING_POINT)
    wets = ~frosty & ((snow.layers.snow_index < -1) | melting)
    cold = surface_temperature < FREEZING_POINT - FROST_COLD
    return SnowSurfaceWater(
        sublimation=jnp.where(layered, limited - from_liquid, from_thin),
        evaporation=jnp.where(layered, from_liquid, upward - from_thin),
        frost=jnp.where(jnp.where(layered, frosty, cold), downward, 0.0),
        dew=jnp.where(jnp.where(layered, wets, ~cold), downward, 0.0),
        rain=rain,
    )


def exchange_of_thin_snow(
    snow: LakeSnow, surface: SnowSurfaceWater, capped: Bool[Array, " column"], timestep: float
) -> LakeSnow:
    """Frost on and sublimation of snow without layers, whose density stays; a capped pack takes no frost."""
    thin = snow.layers.snow_index == 0
    gain = jnp.where(capped, 0.0, surface.frost) - surface.sublimation
    water = jnp.maximum(snow.water + gain * timestep, 0.0)
    depth = jnp.where(snow.water > 0.0, snow.depth * divide(water, snow.water), water / FROST_DENSITY)
    return dataclasses.replace(
        snow, water=jnp.where(thin, water, snow.water), depth=jnp.where(thin, depth, snow.depth)
    )


def remove_melted_layer(
    snow: LakeSnow,
) -> tuple[LakeSnow, Float[Array, " column"], Float[Array, " column"]]:
    """A single layer without ice runs off.

    Returns the snow, what left (kg m-2) and its heat above freezing, which goes to the air (J m-2).
    """
    row = SNOW_LAYERS - 1
    melted = (snow.layers.snow_index == -1) & (snow.layers.ice[row] == 0.0)
    liquid = snow.layers.liquid_water[row]
    heat = HEAT_CAPACITY_LIQUID * liquid * (snow.layers.temperature[row] - FREEZING_POINT)
    removed = jnp.where(melted, snow.water, 0.0)
    return without_snow(snow, melted), removed, jnp.where(melted, heat, 0.0)


def drop_into_water(snow: LakeSnow, grid: LakeGrid, water: LakeWater) -> DroppedSnow:
    """Snow layers over unfrozen water fall in and melt, if the first layer of water does not freeze whole.

    Heat left in it, q = C (T - T_f) - sum (c_ice ice + c_liq liquid)(T_f - T_snow) - L_f ice. If q > 0 ELM
    sets T - q / C, which keeps the heat that the snow took instead of what is left; the difference is
    returned. Else the layer freezes in part: T_f and the ice share -q / (L_f 1000 dz).
    """
    exists = snow_layer_mask(snow.layers.snow_index)
    cold = jnp.where(exists, FREEZING_POINT - snow.layers.temperature, 0.0)
    ice = jnp.where(exists, snow.layers.ice, 0.0)
    taken = sum_rows(ice * HEAT_CAPACITY_ICE * cold + snow.layers.liquid_water * HEAT_CAPACITY_LIQUID * cold)
    taken = taken + sum_rows(ice) * LATENT_HEAT_FUSION
    capacity = HEAT_CAPACITY_WATER * grid.thickness[0]
    freezing = DENSITY_LIQUID * grid.thickness[0] * LATENT_HEAT_FUSION
    first = water.temperature[0]
    unfrozen = (first > FREEZING_POINT) & (water.ice_fraction[0] == 0.0) & (snow.layers.snow_index < 0)
    left = (first - FREEZING_POINT) * capacity - taken
    drops = unfrozen & (left + freezing > 0.0)
    kept = jnp.where(left > 0.0, first - left / capacity, FREEZING_POINT)
    frozen = jnp.where(left > 0.0, 0.0, -left / freezing)
    error = jnp.where(left > 0.0, (kept - FREEZING_POINT) * capacity - left, 0.0)
    return DroppedSnow(
        snow=without_snow(snow, drops),
        water=dataclasses.replace(
            water,
            temperature=water.temperature.at[0].set(jnp.where(drops, kept, first)),
            ice_fraction=water.ice_fraction.at[0].set(jnp.where(drops, frozen, water.ice_fraction[0])),
        ),
        removed=jnp.where(drops, snow.water, 0.0),
        unaccounted=jnp.where(drops, error, 0.0),
    )


def without_snow(snow: LakeSnow, where: Bool[Array, " column"]) -> LakeSnow:
    """The snow with nothing left in some columns."""
    bare: LakeSnow = jax.tree.map(lambda values: jnp.where(where, jnp.zeros_like(values), values), snow)
    return bare
