"""Snow and soil water in a step of soil columns."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.drainage import Drained, drainage
from kiloland.land.biophysics.ground_energy import SurfaceUpdate
from kiloland.land.biophysics.ground_heat import GroundHeat
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.snicar import FRESH_RADIUS
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_pack import SnowLayers
from kiloland.land.biophysics.snow_step import SnowConditions, SnowStep, advance_snow
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.biophysics.soil_water import SoilWater, soil_water
from kiloland.land.biophysics.surface_runoff import (
    SurfaceWaterFluxes,
    frozen_soil,
    saturated_fraction,
    surface_water,
)
from kiloland.land.biophysics.water_table import WaterTable, frost_table, recharge_table, water_volume
from kiloland.land.full_exchange import Exchange, PatchFluxes, Precipitation
from kiloland.land.full_inputs import AEROSOL_FIELDS, LandConstants, Surroundings
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import ColumnState, LandState
from kiloland.land.step import Settings
from kiloland.land.subgrid import BlockIndex, patch_to_column
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, snow_layer_mask

SOIL_ROWS = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
MELTING = 1


@pytree_dataclass
class ColumnWater:
    """Water of the soil after a step and where it went."""

    surface: SurfaceWaterFluxes
    soil: SoilWater
    drained: Drained
    frost_depth: Float[Array, " column"]
    root_uptake: Float[Array, "soil column"]
    at_ground: Float[Array, " column"]
    """Rain and water from snow that reach the soil, kg m-2 s-1 (`QTOPSOIL`)."""


def snow_layers_of(column: ColumnState, ground: GroundState, new_layer: Array) -> SnowLayers:
    """Snow in layers; a first layer has fresh grains and no particles."""
    lowest = (jnp.arange(SNOW_LAYERS) == SNOW_LAYERS - 1)[:, None]
    fresh = lowest & new_layer
    mass = jnp.stack([getattr(column, name) for name in AEROSOL_FIELDS])
    return SnowLayers(
        snow_index=ground.snow_index,
        thickness=ground.snow_thickness,
        temperature=ground.temperature[:SNOW_LAYERS],
        liquid_water=ground.liquid_water[:SNOW_LAYERS],
        ice=ground.ice[:SNOW_LAYERS],
        grain_radius=jnp.where(fresh, FRESH_RADIUS, column.grain_radius),
        aerosol_mass=jnp.where(fresh, 0.0, mass),
    )


def move_snow(
    state: LandState,
    fallen: Precipitation,
    heat: GroundHeat,
    fluxes: PatchFluxes,
    surroundings: Surroundings,
    constants: LandConstants,
    settings: Settings,
) -> SnowStep:
    """Water, compaction, layers, particles and grains of the snow."""
    column, index = state.column, constants.column.index
    exists = snow_layer_mask(column.snow_index)
    ice, liquid = column.ice[:SNOW_LAYERS], column.liquid_water[:SNOW_LAYERS]
    before = jnp.where(exists, ice + liquid, 1.0)
    fraction = heat.state.effective_snow_fraction
    none = jnp.zeros_like(fallen.capped)
    frost = patch_to_column(fluxes.update.frost, index)
    capped_ice = fallen.capped_ice + jnp.where(fallen.capped, frost * fraction, 0.0)
    conditions = SnowConditions(
        surface=SnowSurfaceWater(
            sublimation=patch_to_column(fluxes.update.sublimation, index),
            evaporation=patch_to_column(fluxes.update.liquid_evaporation, index),
            frost=frost,
            dew=patch_to_column(fluxes.update.dew, index),
            rain=fallen.rain,
        ),
        history=MeltHistory(
            melting=heat.phase.phase[:SNOW_LAYERS] == MELTING,
            water_before=jnp.where(exists, before, 0.0),
            ice_share_before=jnp.where(exists, ice / before, 0.0),
            accumulated_snow=heat.state.accumulated_snow,
            melt_shape=constants.melt_shape,
        ),
        snow_fraction=fraction,
        capped=fallen.capped,
        capped_ice=capped_ice,
        snowfall=fallen.snowfall,
        refrozen=heat.phase.snow_freezing_layer,
        deposition=surroundings.deposition,
        ground_temperature=heat.state.temperature[SNOW_LAYERS],
        subgrid_snow=~none,
        lake=none,
    )
    return advance_snow(
        constants.grain_tables,
        snow_layers_of(column, heat.state, fallen.new_layer),
        heat.state.snow_water,
        heat.state.snow_depth,
        conditions,
        settings.timestep,
    )


def move_water(
    state: LandState,
    fallen: Precipitation,
    heat: GroundHeat,
    exchange: Exchange,
    fluxes: PatchFluxes,
    snow: SnowStep,
    constants: LandConstants,
    settings: Settings,
) -> ColumnWater:
    """Runoff, infiltration, soil water, water tables and drainage."""
    column, soil, terrain = state.column, constants.column.soil, constants.terrain
    index, timestep, ground = constants.column.index, settings.timestep, heat.state
    layered = ground.snow_index < 0
    snow_fraction = jnp.where(layered, ground.effective_snow_fraction, 0.0)
    update = fluxes.update
    at_ground = jnp.where(
        layered,
        snow.outflow + (1.0 - snow_fraction) * fallen.rain,
        fallen.rain + heat.phase.layerless_melt,
    )
    evaporation = patch_to_column(update.evaporation_soil, index)
    liquid_evaporation = patch_to_column(update.liquid_evaporation, index)
    frozen = frozen_soil(soil, ground.ice)
    surface = surface_water(
        soil,
        frozen,
        terrain,
        saturated=saturated_fraction(terrain, column.water_table, column.perched_table, column.frost_table),
        water_input=at_ground,
        soil_evaporation=jnp.where(layered, evaporation, liquid_evaporation),
        pond_evaporation=patch_to_column(update.evaporation_pond, index),
        snow_fraction=snow_fraction,
        pond_fraction=ground.pond_fraction,
        dry_pond_fraction=ground.pond_fraction,
        pond_water=ground.pond_water,
        timestep=timestep,
    )
    uptake = patch_to_column(exchange.canopy.transpiration * exchange.stress.uptake, index)
    liquid = ground.liquid_water.at[SNOW_LAYERS].add(snow.ground_debt)
    moved = soil_water(
        soil,
        frozen,
        ground.temperature,
        liquid,
        water_volume(column.liquid_water, column.ice),
        column.water_table,
        surface.infiltration,
        uptake,
        timestep,
    )
    table = recharge_table(
        soil, WaterTable(column.water_table, column.aquifer_water), moved.recharge, timestep
    )
    liquid = liquid.at[SOIL_ROWS].set(moved.liquid_water)
    frost = frost_table(soil, ground.temperature, liquid, ground.ice, table.depth)
    liquid, ice = condense_on_soil(liquid, ground, update, layered, index, timestep)
    liquid = liquid.at[SNOW_LAYERS].add(snow.liquid_to_ground)
    ice = ice.at[SNOW_LAYERS].add(snow.ice_to_ground)
    drained = drainage(
        soil,
        frozen,
        terrain,
        liquid,
        ice,
        surface.pond_water,
        table,
        frost,
        constants.largest_drainage,
        timestep,
    )
    return ColumnWater(
        surface=surface,
        soil=moved,
        drained=drained,
        frost_depth=frost.depth,
        root_uptake=uptake,
        at_ground=at_ground,
    )


def condense_on_soil(
    liquid: Float[Array, "total column"],
    ground: GroundState,
    update: SurfaceUpdate,
    layered: Bool[Array, " column"],
    index: BlockIndex,
    timestep: float,
) -> tuple[Float[Array, "total column"], Float[Array, "total column"]]:
    """Dew, frost and sublimation of the first soil layer where no snow layer and no pond lie on it."""
    share = jnp.where(layered, 0.0, 1.0 - ground.pond_fraction) * timestep
    dew = patch_to_column(update.dew, index) * share
    frost = (patch_to_column(update.frost, index) - patch_to_column(update.sublimation, index)) * share
    return liquid.at[SNOW_LAYERS].add(dew), ground.ice.at[SNOW_LAYERS].add(frost)
