"""The water table: how recharge moves it, and tables that stand on frozen ground.

CLM4.5 technical note (Oleson et al. 2013), 7.5 and 7.6. Depths in m, water in kg m-2.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID, FREEZING_POINT
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.soil_water import layer_above_table
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

MINIMUM_YIELD = 0.02
SATURATED_SHARE = float(np.float32(0.9))
"""Share of the pores that full in a layer of a perched table; a single-precision number in ELM."""
DEEPEST_TABLE = 80.0
"""m."""
_MM = 1000.0


@pytree_dataclass
class WaterTable:
    """Where water stands."""

    depth: Float[Array, " column"]
    """Water table, m."""
    aquifer: Float[Array, " column"]
    """Water in the unconfined aquifer, kg m-2."""


@pytree_dataclass
class FrostTable:
    """The first frozen layer below thawed soil, and water that stands on it."""

    depth: Float[Array, " column"]
    """Node of the frozen layer, m; of the lowest soil layer where there is none."""
    layer: Int[Array, " column"]
    """Its index from 0."""
    frozen: Bool[Array, " column"]
    """Whether that layer is frozen."""
    perched_depth: Float[Array, " column"]
    """Table perched on the frost, m; the frost table where there is none."""
    perched_layer: Int[Array, " column"]
    """Index from 0 of the layer in which the perched water begins."""


def specific_yield(soil: SoilProperties, depth: Float[Array, " column"]) -> Float[Array, "soil column"]:
    """Water that a layer yields as the table falls through it, m3 m-3.

    S_y = theta_s (1 - (1 + 1000 z / psi_s)^(-1/b)) >= 0.02 with z the depth of the table.
    """
    suction = soil.saturated_suction[:SOIL_LAYERS]
    drained = power(1.0 + _MM * depth / suction, -1.0 / soil.retention_exponent[:SOIL_LAYERS])
    return jnp.maximum(soil.porosity[:SOIL_LAYERS] * (1.0 - drained), MINIMUM_YIELD)


def recharge_table(
    soil: SoilProperties, table: WaterTable, recharge: Float[Array, " column"], timestep: float
) -> WaterTable:
    """Move the table by the water that crosses it.

    In the soil, layer after layer upwards (or downwards) until the water of the step is placed, each layer
    taking S_y times its height; below the soil the aquifer takes it with the yield of the lowest layer. A
    table that falls to the bottom of the soil stops there for the step, as in ELM.
    """
    edges = ground_grid().interface[: SOIL_LAYERS + 1]
    above = layer_above_table(table.depth)
    water = recharge * timestep
    in_soil = above < SOIL_LAYERS
    rising, falling = in_soil & (water > 0.0), in_soil & (water <= 0.0)
    deep_yield = specific_yield(soil, table.depth)[-1]

    depth, left = table.depth, jnp.where(rising, water, 0.0)
    for layer in range(SOIL_LAYERS - 1, -1, -1):
        of_layer = specific_yield(soil, depth)[layer]
        room = of_layer * (depth - edges[layer]) * _MM
        placed = jnp.where(rising & (layer <= above), jnp.maximum(jnp.minimum(left, room), 0.0), 0.0)
        depth = depth - placed / of_layer / _MM
        left = left - placed

    left = jnp.where(falling, water, 0.0)
    open_step = falling
    for layer in range(SOIL_LAYERS):
        of_layer = specific_yield(soil, depth)[layer]
        room = -of_layer * (edges[layer + 1] - depth) * _MM
        reached = open_step & (layer >= above)
        placed = jnp.where(reached, jnp.minimum(jnp.maximum(left, room), 0.0), 0.0)
        left = left - placed
        stops = reached & (left >= 0.0)
        depth = jnp.where(stops, depth - placed / of_layer / _MM, depth)
        depth = jnp.where(reached & ~stops, edges[layer + 1], depth)
        open_step = open_step & ~stops

    return WaterTable(
        depth=jnp.where(in_soil, depth, table.depth - water / _MM / deep_yield),
        aquifer=table.aquifer + jnp.where(in_soil, 0.0, water),
    )


def frost_table(
    soil: SoilProperties,
    temperature: Float[Array, "total column"],
    liquid_water: Float[Array, "total column"],
    ice: Float[Array, "total column"],
    water_table: Float[Array, " column"],
) -> FrostTable:
    """Find the frost table and the water perched on it.

    The frost table is the first frozen layer under a thawed one. Where the water table lies below it, the
    perched table is where saturation falls to 0.9 above it, linear between nodes.
    """
    node = jnp.asarray(ground_grid().node[:SOIL_LAYERS])
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    cold = temperature[rows] <= FREEZING_POINT
    begins = cold & jnp.concatenate([jnp.ones_like(cold[:1]), ~cold[:-1]])
    layer = jnp.where(begins.any(axis=0), jnp.argmax(begins, axis=0), SOIL_LAYERS - 1).astype(jnp.int32)
    depth = node[layer]
    frozen = jnp.take_along_axis(cold, layer[None], axis=0)[0]

    saturation = water_volume(liquid_water, ice) / soil.porosity[:SOIL_LAYERS]
    index = jnp.arange(SOIL_LAYERS)[:, None]
    drier = (saturation <= SATURATED_SHARE) & (index <= layer)
    lowest_dry = jnp.max(jnp.where(drier, index, 0), axis=0).astype(jnp.int32)
    perched_layer = jnp.where(frozen, lowest_dry, layer)
    perches = ~((water_table < depth) & frozen) & (layer > perched_layer)
    next_layer = jnp.minimum(perched_layer + 1, SOIL_LAYERS - 1)

    def at(values: Array, where: Array) -> Array:
        taken: Array = jnp.take_along_axis(values, where[None], axis=0)[0]
        return taken

    rise = at(saturation, next_layer) - at(saturation, perched_layer)
    slope = (node[next_layer] - node[perched_layer]) / jnp.where(rise != 0.0, rise, 1.0)
    offset = node[next_layer] - slope * at(saturation, next_layer)
    perched = jnp.maximum(0.0, slope * SATURATED_SHARE + offset)
    return FrostTable(
        depth=depth,
        layer=layer,
        frozen=frozen,
        perched_depth=jnp.where(perches, perched, depth),
        perched_layer=perched_layer,
    )


def water_volume(
    liquid_water: Float[Array, "total column"], ice: Float[Array, "total column"]
) -> Float[Array, "soil column"]:
    """Water and ice per volume of the soil layers: liq / (rho_w dz) + ice / (rho_i dz)."""
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS])[:, None]
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    return liquid_water[rows] / (thickness * DENSITY_LIQUID) + ice[rows] / (thickness * DENSITY_ICE)
