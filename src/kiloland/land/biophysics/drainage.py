"""Drainage of the soil: from tables perched on frost, from the base of the column, and what does not fit.

CLM4.5 technical note (Oleson et al. 2013), 7.5 and 7.6. Depths in m, water in kg m-2.
"""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.safe_math import divide
from kiloland.land.biophysics.soil_water import layer_above_table
from kiloland.land.biophysics.surface_runoff import FrozenSoil, Terrain, impedance
from kiloland.land.biophysics.water_table import DEEPEST_TABLE, FrostTable, WaterTable, specific_yield
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

MINIMUM_LIQUID = 0.01
"""Liquid that is left in every layer, kg m-2 (ELM `watmin`)."""
LARGEST_AQUIFER = 5000.0
"""Water that the aquifer holds at most, kg m-2; more rises into the lowest soil layer."""
LARGEST_DRAINAGE = 10.0
"""Drainage of a flat-lying table at the surface for a slope of 90 degrees, kg m-2 s-1."""
PERCHED_RATE = 1.0e-5
_MM = 1000.0


@pytree_dataclass
class Drained:
    """Water after drainage."""

    liquid_water: Float[Array, "soil column"]
    ice: Float[Array, "soil column"]
    pond_water: Float[Array, " column"]
    table: WaterTable
    perched_depth: Float[Array, " column"]
    base_drainage: Float[Array, " column"]
    """kg m-2 s-1 (`QDRAI`); negative where the column had to take up water."""
    perched_drainage: Float[Array, " column"]
    """kg m-2 s-1 (`QDRAI_PERCH`)."""
    ice_runoff: Float[Array, " column"]
    """Ice that the first layer has no room for, kg m-2 s-1."""


@pytree_dataclass
class _Column:
    """What drainage moves."""

    liquid: Float[Array, "soil column"]
    depth: Float[Array, " column"]
    aquifer: Float[Array, " column"]


def drainage(
    soil: SoilProperties,
    frozen: FrozenSoil,
    terrain: Terrain,
    liquid_water: Float[Array, "total column"],
    ice: Float[Array, "total column"],
    pond_water: Float[Array, " column"],
    table: WaterTable,
    frost: FrostTable,
    largest_drainage: Float[Array, ""] | float,
    timestep: float,
) -> Drained:
    """Drain a column and bring every layer back into its bounds.

    Args:
        liquid_water, ice: kg m-2, all rows of the column.
        pond_water: kg m-2; takes what the first layer cannot hold.
        largest_drainage: bound on the drainage of the base, kg m-2 s-1 (parameter `rsub_top_globalmax`).
        timestep: s.
    """
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    deep_yield = specific_yield(soil, table.depth)[-1]
    column = _Column(liquid=liquid_water[rows], depth=table.depth, aquifer=table.aquifer)
    column, perched_depth, perched = _perched(soil, frozen, terrain, frost, column, timestep)
    column, base = _base(soil, frozen, terrain, column, deep_yield, largest_drainage, timestep)
    column = dataclasses.replace(column, depth=jnp.clip(column.depth, 0.0, DEEPEST_TABLE))
    liquid = _push_up(column.liquid, frozen)
    liquid, risen, first_ice, lost_ice = _fit_first_layer(soil, liquid, ice[rows][0])
    liquid, depth, missing = _fill_up(frozen, liquid, column.depth)
    return Drained(
        liquid_water=liquid,
        ice=ice[rows].at[0].set(first_ice),
        pond_water=pond_water + risen,
        table=WaterTable(depth=depth, aquifer=column.aquifer),
        perched_depth=perched_depth,
        base_drainage=base - missing / timestep,
        perched_drainage=perched,
        ice_runoff=lost_ice / timestep,
    )


def _perched(
    soil: SoilProperties,
    frozen: FrozenSoil,
    terrain: Terrain,
    frost: FrostTable,
    column: _Column,
    timestep: float,
) -> tuple[_Column, Float[Array, " column"], Float[Array, " column"]]:
    """Lateral drainage of water that stands on frozen ground.

    q = 1e-5 sin(slope) k_mean (z_frost - z_table); the table is the water table itself where that lies above
    the frost, else the perched one. Taken from the layers under the table, downwards.
    """
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS] * _MM)[:, None]
    index = jnp.arange(SOIL_LAYERS)[:, None]
    above = layer_above_table(column.depth)
    own = (column.depth < frost.depth) & frost.frozen
    table = jnp.where(own, column.depth, frost.perched_depth)
    first = jnp.where(own, above, frost.perched_layer)
    active = own | (frost.layer > frost.perched_layer)
    inside = (index >= first) & (index <= frost.layer) & active
    ice = 0.5 * (frozen.ice_fraction + jnp.concatenate([frozen.ice_fraction[1:], frozen.ice_fraction[-1:]]))
    conductance = impedance(ice) * soil.saturated_conductivity[:SOIL_LAYERS] * thickness
    total, height = jnp.zeros_like(table), jnp.zeros_like(table)
    for layer in range(SOIL_LAYERS):
        total = total + jnp.where(inside[layer], conductance[layer], 0.0)
        height = height + jnp.where(inside[layer], thickness[layer], 0.0)
    rate = PERCHED_RATE * jnp.sin(math.pi / 180.0 * terrain.slope) * divide(total, height)
    rate = jnp.where(active, rate * (frost.depth - table), 0.0)

    begin = jnp.where(own, first, first + 1)
    left, open_step = -rate * timestep, active
    liquid, moved = list(column.liquid), table
    edges = ground_grid().interface[1 : SOIL_LAYERS + 1]
    for layer in range(SOIL_LAYERS):
        reached = open_step & (layer >= begin) & (layer <= frost.layer)
        bound = -(liquid[layer] - MINIMUM_LIQUID)
        taken = jnp.where(reached, jnp.minimum(jnp.maximum(left, bound), 0.0), 0.0)
        left = left - taken
        liquid[layer] = liquid[layer] + taken
        stops = reached & (left >= 0.0)
        moved = jnp.where(stops, moved - taken / frozen.effective_porosity[layer] / _MM, moved)
        moved = jnp.where(reached & ~stops, edges[layer], moved)
        open_step = open_step & ~stops
    drained = jnp.where(active, rate + left / timestep, 0.0)
    column = dataclasses.replace(column, liquid=jnp.stack(liquid), depth=jnp.where(own, moved, column.depth))
    return column, jnp.where(own, frost.perched_depth, moved), drained


def _base(
    soil: SoilProperties,
    frozen: FrozenSoil,
    terrain: Terrain,
    column: _Column,
    deep_yield: Float[Array, " column"],
    largest_drainage: Float[Array, ""] | float,
    timestep: float,
) -> tuple[_Column, Float[Array, " column"]]:
    """Drainage from the table: q = 10^(-6 ice) min(10 sin(slope), largest) exp(-f z).

    ice is the mean ice fraction of the layers from the one above the table down. Below the soil the aquifer
    gives the water, in it the layers from the table down, each S_y times the fall of the table.
    """
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS] * _MM)[:, None]
    edges = ground_grid().interface[1 : SOIL_LAYERS + 1]
    index = jnp.arange(SOIL_LAYERS)[:, None]
    above = layer_above_table(column.depth)
    counted = index >= jnp.maximum(above - 1, 0)
    ice, height = jnp.zeros_like(column.depth), jnp.zeros_like(column.depth)
    for layer in range(SOIL_LAYERS):
        ice = ice + jnp.where(counted[layer], frozen.ice_fraction[layer] * thickness[layer], 0.0)
        height = height + jnp.where(counted[layer], thickness[layer], 0.0)
    fastest = jnp.minimum(LARGEST_DRAINAGE * jnp.sin(math.pi / 180.0 * terrain.slope), largest_drainage)
    rate = impedance(ice / height) * fastest * jnp.exp(-terrain.drainage_decay * column.depth)

    in_soil: Bool[Array, " column"] = above < SOIL_LAYERS
    aquifer = column.aquifer - rate * timestep
    surplus = jnp.maximum(0.0, aquifer - LARGEST_AQUIFER)
    deep_depth = column.depth + rate * timestep / _MM / deep_yield

    left, open_step = jnp.where(in_soil, -rate * timestep, 0.0), in_soil
    liquid, depth = list(column.liquid), column.depth
    for layer in range(SOIL_LAYERS):
        of_layer = specific_yield(soil, depth)[layer]
        reached = open_step & (layer >= above)
        bound = -of_layer * (edges[layer] - depth) * _MM
        taken = jnp.where(reached, jnp.minimum(jnp.maximum(left, bound), 0.0), 0.0)
        liquid[layer] = liquid[layer] + taken
        left = left - taken
        stops = reached & (left >= 0.0)
        depth = jnp.where(stops, depth - taken / of_layer / _MM, depth)
        depth = jnp.where(reached & ~stops, edges[layer], depth)
        open_step = open_step & ~stops
    depth = depth - left / _MM / deep_yield
    liquid[-1] = liquid[-1] + jnp.where(in_soil, 0.0, surplus)
    return (
        _Column(
            liquid=jnp.stack(liquid),
            depth=jnp.where(in_soil, depth, deep_depth),
            aquifer=jnp.where(in_soil, column.aquifer + left, jnp.minimum(aquifer, LARGEST_AQUIFER)),
        ),
        rate,
    )


def _push_up(liquid: Float[Array, "soil column"], frozen: FrozenSoil) -> Float[Array, "soil column"]:
    """Water above the pores that ice leaves rises into the layer above, from the bottom up."""
    thickness = ground_grid().thickness[:SOIL_LAYERS] * _MM
    layers = list(liquid)
    for layer in range(SOIL_LAYERS - 1, 0, -1):
        room = frozen.effective_porosity[layer] * thickness[layer]
        excess = jnp.maximum(layers[layer] - room, 0.0)
        layers[layer] = jnp.minimum(room, layers[layer])
        layers[layer - 1] = layers[layer - 1] + excess
    return jnp.stack(layers)


def _fit_first_layer(
    soil: SoilProperties, liquid: Float[Array, "soil column"], ice: Float[Array, " column"]
) -> tuple[Float[Array, "soil column"], Array, Array, Array]:
    """Water and ice of the first layer within its pores: liquid rises to the pond, ice runs off."""
    room = soil.porosity[0] * (ground_grid().thickness[0] * _MM)
    space = jnp.maximum(0.0, room - ice - MINIMUM_LIQUID)
    risen = jnp.maximum(jnp.maximum(liquid[0] - MINIMUM_LIQUID, 0.0) - space, 0.0)
    first = liquid[0] - risen
    lost = jnp.maximum(jnp.maximum(ice, 0.0) - jnp.maximum(0.0, room - first), 0.0)
    kept = jnp.minimum(jnp.maximum(0.0, room - first), ice)
    return liquid.at[0].set(first), risen, kept, lost


def _fill_up(
    frozen: FrozenSoil, liquid: Float[Array, "soil column"], depth: Float[Array, " column"]
) -> tuple[Float[Array, "soil column"], Float[Array, " column"], Float[Array, " column"]]:
    """Layers below the least amount of liquid take from below, the lowest from above, at last from drainage.

    Returns:
        liquid, depth of the table, and the water taken from drainage, kg m-2.
    """
    above = layer_above_table(depth)
    layers = list(liquid)
    for layer in range(SOIL_LAYERS - 1):
        short = jnp.maximum(MINIMUM_LIQUID - layers[layer], 0.0)
        # The layer just above the table draws it down.
        fall = short / frozen.effective_porosity[layer] / _MM
        depth = depth + jnp.where((layer + 1 == above) & (short > 0.0), fall, 0.0)
        layers[layer] = layers[layer] + short
        layers[layer + 1] = layers[layer + 1] - short
    short = jnp.maximum(MINIMUM_LIQUID - layers[-1], 0.0)
    for layer in range(SOIL_LAYERS - 2, -1, -1):
        spare = jnp.minimum(jnp.maximum(layers[layer] - MINIMUM_LIQUID - short, 0.0), short)
        layers[-1] = layers[-1] + spare
        layers[layer] = layers[layer] - spare
        short = short - spare
    layers[-1] = layers[-1] + short
    return jnp.stack(layers), depth, short
