"""Water on and below the surfaces of a town.

Roofs and impervious roads hold a film of at most 1 kg m-2, the rest runs off; below the pervious road water
moves as in soil. CLM4 urban technical note (Oleson et al. 2010), chapter 5; ELM `SoilHydrology`.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.drainage import Drained, drainage
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.soil_water import soil_water
from kiloland.land.biophysics.surface_runoff import Terrain, frozen_soil, saturated_fraction
from kiloland.land.biophysics.urban_surface import LARGEST_POND
from kiloland.land.biophysics.water_table import FrostTable, WaterTable, frost_table, recharge_table
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS

_FIRST = SNOW_LAYERS


@pytree_dataclass
class SurfaceExchange:
    """Exchange of water between the uppermost layer of each column and the air, kg m-2 s-1."""

    evaporation: Float[Array, " column"]
    """Of liquid water."""
    sublimation: Float[Array, " column"]
    dew: Float[Array, " column"]
    frost: Float[Array, " column"]


@pytree_dataclass
class PavedWater:
    """Water of roofs and impervious roads after a step, below any snow."""

    liquid: Float[Array, " column"]
    """Of the first layer, kg m-2."""
    ice: Float[Array, " column"]
    runoff: Float[Array, " column"]
    """kg m-2 s-1."""


@pytree_dataclass
class RoadWater:
    """Result of `water_below_road`."""

    drained: Drained
    frost: FrostTable
    saturated_fraction: Float[Array, " town"]
    surface_runoff: Float[Array, " town"]
    """kg m-2 s-1."""
    infiltration: Float[Array, " town"]
    recharge: Float[Array, " town"]
    base_drainage: Float[Array, " town"]
    """With what the first layer cannot hold, kg m-2 s-1."""
    liquid_water: Float[Array, "soil town"]
    ice: Float[Array, "soil town"]


def condense(
    liquid: Float[Array, " column"],
    ice: Float[Array, " column"],
    exchange: SurfaceExchange,
    bare: Bool[Array, " column"],
    timestep: float,
) -> tuple[Float[Array, " column"], Float[Array, " column"]]:
    """Dew, frost and sublimation on first layers without snow layers; ice never falls below 0."""
    wet = liquid + exchange.dew * timestep
    frozen = ice + exchange.frost * timestep
    frozen = jnp.maximum(frozen - exchange.sublimation * timestep, 0.0)
    return jnp.where(bare, wet, liquid), jnp.where(bare, frozen, ice)


def water_on_pavement(
    state: GroundState,
    at_ground: Float[Array, " column"],
    exchange: SurfaceExchange,
    timestep: float,
) -> PavedWater:
    """Film of water of sealed columns.

    Without snow layers the film takes rain and melt (`at_ground`, kg m-2 s-1) less evaporation up to
    1 kg m-2; under layers all that leaves the snow runs off.
    """
    bare = state.snow_index == 0
    liquid, ice = state.liquid_water[_FIRST], state.ice[_FIRST]
    excess = jnp.maximum(0.0, liquid / timestep + at_ground - exchange.evaporation - LARGEST_POND / timestep)
    film = jnp.maximum(0.0, liquid + (at_ground - exchange.evaporation) * timestep)
    film = jnp.where(excess > 0.0, LARGEST_POND, film)
    liquid, ice = condense(jnp.where(bare, film, liquid), ice, exchange, bare, timestep)
    return PavedWater(liquid, ice, jnp.where(bare, excess, jnp.maximum(0.0, at_ground)))


def water_below_road(
    soil: SoilProperties,
    terrain: Terrain,
    state: GroundState,
    volume: Float[Array, "soil town"],
    at_ground: Float[Array, " town"],
    exchange: SurfaceExchange,
    root_uptake: Float[Array, "soil town"],
    table: WaterTable,
    perched_table: Float[Array, " town"],
    frost_depth: Float[Array, " town"],
    from_snow: tuple[Float[Array, " town"], Float[Array, " town"]],
    largest_drainage: Float[Array, ""] | float,
    timestep: float,
) -> RoadWater:
    """Soil water of pervious roads.

    Args:
        state: after the temperatures; its first layer owes what snow lacked.
        volume: water and ice per volume at the end of the last step.
        at_ground: rain and melt, kg m-2 s-1. All that does not run off a saturated road infiltrates.
        root_uptake: kg m-2 s-1 out of each layer.
        table, perched_table, frost_depth: of the last step, m.
        from_snow: liquid and ice of snow layers that vanished, kg m-2.
        largest_drainage: bound on base drainage, kg m-2 s-1.
    """
    bare = state.snow_index == 0
    frozen = frozen_soil(soil, state.ice)
    saturated = saturated_fraction(terrain, table.depth, perched_table, frost_depth)
    runoff = saturated * at_ground
    infiltration = at_ground - runoff - jnp.where(bare, exchange.evaporation, 0.0)
    moved = soil_water(
        soil,
        frozen,
        state.temperature,
        state.liquid_water,
        volume,
        table.depth,
        infiltration,
        root_uptake,
        timestep,
    )
    recharged = recharge_table(soil, table, moved.recharge, timestep)
    rows = slice(_FIRST, _FIRST + SOIL_LAYERS)
    liquid = state.liquid_water.at[rows].set(moved.liquid_water)
    frost = frost_table(soil, state.temperature, liquid, state.ice, recharged.depth)
    wet, iced = condense(liquid[_FIRST], state.ice[_FIRST], exchange, bare, timestep)
    drained = drainage(
        soil,
        frozen,
        terrain,
        liquid.at[_FIRST].set(wet + from_snow[0]),
        state.ice.at[_FIRST].set(iced + from_snow[1]),
        jnp.zeros_like(saturated),
        recharged,
        frost,
        largest_drainage,
        timestep,
    )
    return RoadWater(
        drained=drained,
        frost=frost,
        saturated_fraction=saturated,
        surface_runoff=runoff,
        infiltration=infiltration,
        recharge=moved.recharge,
        # Towns have no ponds: what the first layer cannot hold drains.
        base_drainage=drained.base_drainage + drained.pond_water / timestep,
        liquid_water=drained.liquid_water,
        ice=drained.ice,
    )


def dried_by_snow(state: GroundState, debt: Float[Array, " column"]) -> GroundState:
    """The ground with the water (kg m-2, not positive) that evaporation from snow takes from it."""
    return replace(state, liquid_water=state.liquid_water.at[_FIRST].add(debt))
