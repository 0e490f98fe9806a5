"""Layers of a lake: their depths, the water in them, its density and heat capacity.

After Subin, Riley and Mironov (2012, doi:10.1029/2011MS000072); CLM4.5 technical note (Oleson et al. 2013),
chapter 9.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_ICE,
    DENSITY_ICE,
    DENSITY_LIQUID,
    FREEZING_POINT,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
)
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.safe_math import power, sum_rows
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, column_grid

LAKE_LAYERS = 10
DENSEST_WATER = 277.0
"""Temperature of the highest density of water, K."""
HEAT_CAPACITY_WATER = HEAT_CAPACITY_LIQUID * DENSITY_LIQUID
"""J m-3 K-1."""
HEAT_CAPACITY_LAKE_ICE = HEAT_CAPACITY_ICE * DENSITY_LIQUID
"""J m-3 K-1 of the volume that its water has: ice does not lift the lake."""
CONDUCTIVITY_LAKE_ICE = CONDUCTIVITY_ICE * DENSITY_ICE / DENSITY_LIQUID
"""W m-1 K-1, of the same volume."""
_STANDARD_THICKNESS = np.array([0.1, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 7.0, 10.45, 10.45])
_STANDARD_NODE = np.array([0.05, 0.6, 2.1, 4.6, 8.1, 12.6, 18.6, 25.6, 34.325, 44.775])


@pytree_dataclass
class LakeGrid:
    """Layers of the water."""

    node: Float[Array, "lake column"]
    """m."""
    thickness: Float[Array, "lake column"]
    """m."""


@pytree_dataclass
class LakeWater:
    """State of the water."""

    temperature: Float[Array, "lake column"]
    """K."""
    ice_fraction: Float[Array, "lake column"]
    """Share of the mass of each layer that is ice."""
    eddy_conductivity: Float[Array, " column"]
    """Of the first layer, W m-1 K-1."""


def lake_grid(depth: Float[Array, " column"]) -> LakeGrid:
    """Layers of a lake: the standard ones of 50 m, scaled to its depth but for the first of 0.1 m.

    Lakes of 1 m and less scale the first layer too; of deeper ones the last layer makes up for it.
    """
    standard = jnp.asarray(_STANDARD_THICKNESS)[:, None]
    ratio = depth / (_STANDARD_NODE[-1] + 0.5 * _STANDARD_THICKNESS[-1])
    thickness = standard * ratio
    first = jnp.full_like(depth, _STANDARD_THICKNESS[0])
    deep = thickness.at[0].set(first).at[-1].add(-(first - thickness[0]))
    steps = 0.5 * (deep[:-1] + deep[1:])
    nodes = [jnp.full_like(depth, _STANDARD_NODE[0])]
    for layer in range(LAKE_LAYERS - 1):
        nodes.append(nodes[-1] + steps[layer])
    shallow = depth <= 1.0
    return LakeGrid(
        node=jnp.where(shallow, jnp.asarray(_STANDARD_NODE)[:, None] * ratio, jnp.stack(nodes)),
        thickness=jnp.where(shallow, thickness, deep),
    )


def water_density(
    temperature: Float[Array, "lake column"], ice_fraction: Float[Array, "lake column"]
) -> Float[Array, "lake column"]:
    """Density, kg m-3: 1000 (1 - 1.9549e-5 |T - 277|^1.68) for water, 917 for ice, by mass share."""
    liquid = 1000.0 * (1.0 - 1.9549e-5 * power(jnp.abs(temperature - DENSEST_WATER), 1.68))
    return (1.0 - ice_fraction) * liquid + ice_fraction * DENSITY_ICE


def water_capacity(grid: LakeGrid, water: LakeWater) -> Float[Array, "lake column"]:
    """Heat capacity of the layers of water and ice, J m-2 K-1."""
    ice = water.ice_fraction
    return grid.thickness * (HEAT_CAPACITY_WATER * (1.0 - ice) + HEAT_CAPACITY_LAKE_ICE * ice)


def ground_capacity(soil: SoilProperties, ground: GroundState) -> Float[Array, "total column"]:
    """Heat capacity of snow and ground layers, J m-2 K-1; 1 in snow rows that do not exist."""
    rows = column_grid(
        ground.snow_index, ground.snow_thickness, ground.snow_node_depth, ground.snow_interface_depth
    )
    water = HEAT_CAPACITY_LIQUID * ground.liquid_water + HEAT_CAPACITY_ICE * ground.ice
    solids = soil.solid_heat_capacity * (1.0 - soil.porosity) * rows.thickness[SNOW_LAYERS:]
    snow = jnp.where(rows.active[:SNOW_LAYERS], water[:SNOW_LAYERS], 1.0)
    return jnp.concatenate([snow, solids + water[SNOW_LAYERS:]])


def existing_rows(ground: GroundState) -> Bool[Array, "total column"]:
    """Rows of snow and ground that exist."""
    row = jnp.arange(ground.temperature.shape[0])[:, None]
    return row >= SNOW_LAYERS + ground.snow_index[None]


def sensible_heat(
    grid: LakeGrid, soil: SoilProperties, water: LakeWater, ground: GroundState
) -> Float[Array, " column"]:
    """Sensible heat above freezing of all layers, J m-2."""
    below = ground_capacity(soil, ground) * (ground.temperature - FREEZING_POINT)
    below = jnp.where(existing_rows(ground), below, 0.0)
    return sum_rows(water_capacity(grid, water) * (water.temperature - FREEZING_POINT)) + sum_rows(below)
