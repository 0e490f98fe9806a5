"""One step of water and energy on soil columns: a table of contents of what happens, in ELM's order.

Precipitation on canopy and ground, sunlight, water stress, fluxes of canopies and of bare ground, the heat of
snow, pond and soil, the water of snow and soil, drainage, and the albedos for the next step.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.albedo import (
    CanopySurface,
    soil_albedo,
    surface_albedo,
    surface_water_content,
)
from kiloland.land.biophysics.ground_heat import GroundHeat, advance_temperature
from kiloland.land.biophysics.ground_state import ground_temperature
from kiloland.land.biophysics.snicar import SnowPack, snow_radiation, stored_absorption
from kiloland.land.biophysics.snow_step import SnowStep
from kiloland.land.biophysics.surface_radiation import SurfaceRadiation
from kiloland.land.full_burial import bury
from kiloland.land.full_exchange import (
    Exchange,
    PatchFluxes,
    Precipitation,
    answer_of_ground,
    exchange_with_air,
    receive_precipitation,
    with_snow_index,
)
from kiloland.land.full_inputs import AEROSOL_FIELDS, LandConstants, Plants, Surroundings, Vegetation
from kiloland.land.full_water import SOIL_ROWS, ColumnWater, move_snow, move_water
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.step import Settings, absorb_sunlight, with_fields
from kiloland.land.vertical import SNOW_LAYERS, ground_grid, snow_layer_mask


@pytree_dataclass
class FullOutput:
    """What a step tells beside the new state."""

    precipitation: Precipitation
    radiation: SurfaceRadiation
    exchange: Exchange
    heat: GroundHeat
    fluxes: PatchFluxes
    snow: SnowStep
    water: ColumnWater


def step_of_water_and_energy(
    state: LandState, surroundings: Surroundings, constants: LandConstants, settings: Settings
) -> tuple[LandState, FullOutput]:
    """One step; the state at its end and all fluxes of it."""
    weather, columns = surroundings.weather, constants.column
    fallen = receive_precipitation(state, weather, constants, settings)
    radiation = absorb_sunlight(with_snow_index(state, fallen.ground), weather, columns)
    exchange = exchange_with_air(state, fallen, radiation, surroundings, constants, settings)
    heat = advance_temperature(columns.soil, fallen.ground, exchange.heat, settings.timestep)
    fluxes = answer_of_ground(exchange, heat, weather, columns.index, settings)
    snow = move_snow(state, fallen, heat, fluxes, surroundings, constants, settings)
    water = move_water(state, fallen, heat, exchange, fluxes, snow, constants, settings)
    column = next_column(state.column, fallen, heat, snow, water)
    patch = next_patch(
        state.patch, fallen, radiation, exchange, fluxes, surroundings, columns.index.patch_column
    )
    state = LandState(column, with_vegetation(patch, column, surroundings.vegetation, constants))
    state = renew_albedo(state, weather.cosine_zenith_next, constants)
    return state, FullOutput(
        precipitation=fallen,
        radiation=radiation,
        exchange=exchange,
        heat=heat,
        fluxes=fluxes,
        snow=snow,
        water=water,
    )


def next_column(
    column: ColumnState, fallen: Precipitation, heat: GroundHeat, snow: SnowStep, water: ColumnWater
) -> ColumnState:
    """The columns at the end of the step, albedos not yet renewed."""
    ground, layers, drained = heat.state, snow.layers, water.drained
    bare = snow.snow_water <= 0.0
    had_layers = ground.snow_index < 0
    # Rows without a layer keep what they had, as in ELM's files.
    exists = snow_layer_mask(layers.snow_index)
    snow_rows = jnp.where(exists, layers.temperature, ground.temperature[:SNOW_LAYERS])
    temperature = ground.temperature.at[:SNOW_LAYERS].set(snow_rows)
    left = replace(ground, snow_index=layers.snow_index, temperature=temperature)
    particles = dict(zip(AEROSOL_FIELDS, layers.aerosol_mass, strict=True))
    return replace(
        column,
        snow_index=layers.snow_index,
        snow_thickness=layers.thickness,
        snow_node_depth=snow.geometry.node,
        snow_interface_depth=snow.geometry.upper_interface,
        temperature=temperature,
        liquid_water=ground.liquid_water.at[:SNOW_LAYERS]
        .set(layers.liquid_water)
        .at[SOIL_ROWS]
        .set(drained.liquid_water),
        ice=ground.ice.at[:SNOW_LAYERS].set(layers.ice).at[SOIL_ROWS].set(drained.ice),
        ground_temperature=ground_temperature(left),
        pond_temperature=ground.pond_temperature,
        pond_water=drained.pond_water,
        pond_fraction=ground.pond_fraction,
        snow_water=snow.snow_water,
        snow_depth=snow.snow_depth,
        accumulated_snow=snow.accumulated_snow,
        snow_fraction=jnp.where(bare, 0.0, fallen.snow_fraction),
        # A pack without layers that melts away leaves its share behind until the next step, as in ELM.
        effective_snow_fraction=jnp.where(bare & had_layers, 0.0, ground.effective_snow_fraction),
        snow_melt=jnp.where(had_layers, snow.outflow, heat.phase.layerless_melt),
        snow_freezing=heat.phase.snow_freezing_layer,
        water_table=drained.table.depth,
        aquifer_water=drained.table.aquifer,
        perched_table=drained.perched_depth,
        frost_table=water.frost_depth,
        grain_radius=layers.grain_radius,
        **particles,
    )


def next_patch(
    patch: PatchState,
    fallen: Precipitation,
    radiation: SurfaceRadiation,
    exchange: Exchange,
    fluxes: PatchFluxes,
    surroundings: Surroundings,
    of_patch: Int[Array, " patch"],
) -> PatchState:
    """The patches at the end of the step, albedos not yet renewed."""
    exposed = patch.vegetation_exposed > 0
    screen = exchange.turbulence.screen_temperature
    # Without exposed leaves theirs is the temperature of the air.
    air = surroundings.weather.temperature[of_patch]
    samples = surroundings.ten_day_samples
    mean = ((samples - 1.0) * patch.ten_day_temperature + screen) / samples
    return replace(
        patch,
        leaf_temperature=jnp.where(exposed, exchange.canopy.leaf_temperature, air),
        wet_fraction=fallen.canopy.wet_fraction,
        canopy_water=jnp.where(exposed, exchange.canopy.canopy_water, fallen.canopy.canopy_water),
        sunlit_fraction=radiation.light.sunlit_fraction,
        longwave_out=fluxes.longwave_up,
        screen_temperature=screen,
        ten_day_temperature=mean,
    )


def with_vegetation(
    patch: PatchState, column: ColumnState, plants: Vegetation | Plants | None, constants: LandConstants
) -> PatchState:
    """The patches with vegetation from outside, less what the snow of the columns buries."""
    if plants is None:
        return patch
    if isinstance(plants, Plants):
        of_patch = constants.index.patch_column
        woody = constants.plants.structure.woodiness >= 1.0
        plants = bury(plants, woody, column.snow_depth[of_patch], column.snow_fraction[of_patch])
    return replace(
        patch,
        leaf_area=plants.leaf_area,
        stem_area=plants.stem_area,
        canopy_top=plants.canopy_top,
        vegetation_exposed=plants.exposed,
    )


def renew_albedo(
    state: LandState, cosine_zenith: Float[Array, " column"], constants: LandConstants
) -> LandState:
    """The state with the albedos of a zenith, snow by its grains and particles."""
    column, patch, index = state.column, state.patch, constants.column.index
    thickness = ground_grid().thickness[0]
    water = surface_water_content(column.liquid_water[SNOW_LAYERS], column.ice[SNOW_LAYERS], thickness)
    soil = soil_albedo(constants.column.soil_colour, water)
    pack = SnowPack(
        snow_index=column.snow_index,
        liquid_water=column.liquid_water[:SNOW_LAYERS],
        ice=column.ice[:SNOW_LAYERS],
        snow_water=column.snow_water,
        grain_radius=column.grain_radius,
        aerosol_mass=jnp.stack([getattr(column, name) for name in AEROSOL_FIELDS]),
    )
    light = snow_radiation(constants.snow_optics, pack, soil, cosine_zenith)
    none = jnp.zeros_like(column.snow_index, bool)
    stored = stored_absorption(light, soil, soil, column.snow_fraction, none)
    ground, canopy = surface_albedo(
        constants.column.parameters.optics.gather(index.patch_type),
        CanopySurface(
            leaf_area=patch.leaf_area,
            stem_area=patch.stem_area,
            wet_fraction=patch.wet_fraction,
            leaf_temperature=patch.leaf_temperature,
        ),
        stored,
        soil,
        column.snow_fraction,
        cosine_zenith,
        index.patch_column,
    )
    direct, diffuse = stored.layer_absorption_direct, stored.layer_absorption_diffuse
    renewed = replace(
        column,
        cosine_zenith=cosine_zenith,
        snow_albedo_direct=stored.albedo_direct,
        snow_albedo_diffuse=stored.albedo_diffuse,
        absorption_direct_visible=direct[0],
        absorption_direct_near_infrared=direct[1],
        absorption_diffuse_visible=diffuse[0],
        absorption_diffuse_near_infrared=diffuse[1],
        **with_fields(ground),
    )
    return LandState(column=renewed, patch=replace(patch, **with_fields(canopy)))
