"""Melting and freezing of a lake's water, of the snow on it and the ground below.

After Subin et al. (2012, doi:10.1029/2011MS000072), section 2.3; CLM4.5 technical note, section 9.5.3.
Nothing is supercooled.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import (
    DENSITY_LIQUID,
    FREEZING_POINT,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
)
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.lake_layers import (
    LakeGrid,
    LakeWater,
    existing_rows,
    ground_capacity,
    water_capacity,
)
from kiloland.land.biophysics.safe_math import divide, sum_rows
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS

SMALL_ICE = 1.0e-12
"""Shares and masses (kg m-2, m) below this are none."""


@pytree_dataclass
class LakePhaseChange:
    """A lake after melting and freezing."""

    water: LakeWater
    ground: GroundState
    snow_melt: Float[Array, " column"]
    """Ice of the snow that melted, kg m-2."""
    snow_melting: Bool[Array, "snow column"]
    """Layers in which ice melted."""
    snow_freezing: Float[Array, "snow column"]
    """Water of the layers that froze, kg m-2."""
    layerless_melt: Float[Array, " column"]
    """Melt of snow without layers, kg m-2."""
    melted: Float[Array, " column"]
    """Latent heat taken up, J m-2."""


class _Melted(NamedTuple):
    """What phase change does to some rows."""

    amount: Array
    """kg m-2; negative where water froze."""
    temperature: Array
    """K."""


def change_phase(
    grid: LakeGrid, soil: SoilProperties, water: LakeWater, ground: GroundState
) -> LakePhaseChange:
    """Melt and freeze by the heat above or below the freezing point, c (T - T_f) / L_f at most.

    Snow without layers takes its heat from the first layer of water.
    """
    capacity = water_capacity(grid, water)
    water, bare, thin_melt = _melt_thin_snow(water, ground, capacity[0])

    mass = DENSITY_LIQUID * grid.thickness
    ice = water.ice_fraction * mass
    lake = _melt(water.temperature, ice, mass - ice, capacity)
    share = water.ice_fraction - lake.amount / mass
    share = jnp.where(share > 1.0 - SMALL_ICE, 1.0, _without_traces(share))
    share = jnp.where(lake.amount != 0.0, share, water.ice_fraction)

    exists = existing_rows(ground)
    below = _melt(ground.temperature, ground.ice, ground.liquid_water, ground_capacity(soil, ground))
    moved = jnp.where(exists, below.amount, 0.0)
    changed = moved != 0.0
    in_snow = moved[:SNOW_LAYERS]
    return LakePhaseChange(
        water=dataclasses.replace(water, temperature=lake.temperature, ice_fraction=share),
        ground=dataclasses.replace(
            bare,
            temperature=jnp.where(changed, below.temperature, ground.temperature),
            ice=jnp.where(changed, _without_traces(ground.ice - moved), ground.ice),
            liquid_water=jnp.where(
                changed, _without_traces(ground.liquid_water + moved), ground.liquid_water
            ),
        ),
        snow_melt=thin_melt + sum_rows(jnp.maximum(in_snow, 0.0)),
        snow_melting=in_snow > 0.0,
        snow_freezing=jnp.maximum(-in_snow, 0.0),
        layerless_melt=thin_melt,
        melted=LATENT_HEAT_FUSION * (thin_melt + sum_rows(lake.amount) + sum_rows(moved)),
    )


def _melt_thin_snow(
    water: LakeWater, ground: GroundState, capacity: Float[Array, " column"]
) -> tuple[LakeWater, GroundState, Float[Array, " column"]]:
    """Snow without layers melted by the first layer of water; the melt in kg m-2."""
    first = water.temperature[0]
    thin = (ground.snow_index == 0) & (ground.snow_water > 0.0) & (first > FREEZING_POINT)
    available = (first - FREEZING_POINT) * capacity
    melt = jnp.where(thin, jnp.minimum(ground.snow_water, available / LATENT_HEAT_FUSION), 0.0)
    left = jnp.maximum(available - melt * LATENT_HEAT_FUSION, 0.0)
    cooled = jnp.where(thin, FREEZING_POINT + left / capacity, first)
    shrunk = ground.snow_depth * (1.0 - divide(melt, ground.snow_water))
    bare = dataclasses.replace(
        ground,
        snow_water=jnp.where(thin, _without_traces(ground.snow_water - melt), ground.snow_water),
        snow_depth=jnp.where(thin, _without_traces(shrunk), ground.snow_depth),
    )
    return dataclasses.replace(water, temperature=water.temperature.at[0].set(cooled)), bare, melt


def _melt(temperature: Array, ice: Array, liquid: Array, capacity: Array) -> _Melted:
    """Ice that melts and water that freezes; what heat is left acts on the capacity of what there is then."""
    available = (temperature - FREEZING_POINT) * capacity
    possible = available / LATENT_HEAT_FUSION
    melting = (temperature > FREEZING_POINT) & (ice > 0.0)
    freezing = (temperature < FREEZING_POINT) & (liquid > 0.0)
    change = jnp.where(melting, jnp.minimum(ice, possible), 0.0)
    change = jnp.where(freezing, jnp.maximum(-liquid, possible), change)
    left = available - change * LATENT_HEAT_FUSION
    left = jnp.where(melting, jnp.maximum(left, 0.0), jnp.minimum(left, 0.0))
    after = FREEZING_POINT + left / (capacity + change * (HEAT_CAPACITY_LIQUID - HEAT_CAPACITY_ICE))
    return _Melted(change, jnp.where(change != 0.0, after, temperature))


def _without_traces(amount: Array) -> Array:
    return jnp.where(amount < SMALL_ICE, 0.0, amount)
