"""One step of water and energy on land ice and wetlands: a table of contents of what happens, in ELM's order.

A column has one patch, without plants, so that arrays of columns and of patches share their axis. Snow covers
the whole column or nothing of it in all but albedo, emissivity and roughness. Water in the ground freezes and
melts where it is; what falls, melts and evaporates beyond the snow passes the column as runoff.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.ground_heat import GroundHeat
from kiloland.land.biophysics.ground_state import ground_temperature
from kiloland.land.biophysics.lake_albedo import open_sky
from kiloland.land.biophysics.snicar import SnowPack, snow_radiation, stored_absorption
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.snow_step import SnowConditions, SnowStep, advance_snow
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.biophysics.surface_radiation import SurfaceRadiation
from kiloland.land.biophysics.unvegetated_ground import (
    GroundKind,
    bare_albedo,
    unvegetated_albedo,
)
from kiloland.land.full_inputs import AEROSOL_FIELDS, Surroundings
from kiloland.land.full_water import MELTING, snow_layers_of
from kiloland.land.ice_exchange import (
    IceExchange,
    IceFluxes,
    IcePrecipitation,
    absorb_sunlight,
    advance_heat,
    answer_of_ground,
    exchange_with_air,
    receive_precipitation,
    shed_ice,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.step import (
    Settings,
    Weather,
    with_fields,
)
from kiloland.land.vertical import SNOW_LAYERS, TOTAL_LAYERS, snow_layer_mask


@pytree_dataclass
class IceConstants:
    """What does not change during a run."""

    melt_shape: Float[Array, " column"]
    """Exponent of the depletion curve of the snow cover."""
    snow_optics: SnowOptics
    grain_tables: GrainTables


@pytree_dataclass
class IceWater:
    """Where the water of a step went, kg m-2 s-1."""

    runoff: Float[Array, " column"]
    """Precipitation less evaporation, less ice shed, less what was stored (ELM `QRGWL`); may be negative."""
    ice_runoff: Float[Array, " column"]
    """Snow and frost that a full pack sheds (`QSNWCPICE`)."""
    melt: Float[Array, " column"]
    """Water that left the snow."""


@pytree_dataclass
class IceOutput:
    """What a step tells beside the new state."""

    precipitation: IcePrecipitation
    radiation: SurfaceRadiation
    exchange: IceExchange
    heat: GroundHeat
    fluxes: IceFluxes
    snow: SnowStep
    water: IceWater


def ice_step(
    state: LandState,
    surroundings: Surroundings,
    constants: IceConstants,
    settings: Settings,
    kind: GroundKind,
) -> tuple[LandState, IceOutput]:
    """One step of glacier or wetland columns; the state at its end and all fluxes of it."""
    weather, timestep = surroundings.weather, settings.timestep
    fallen = receive_precipitation(state, weather, constants.melt_shape, timestep, kind)
    radiation = absorb_sunlight(state, fallen, weather)
    exchange = exchange_with_air(fallen, radiation, weather, kind)
    heat = advance_heat(fallen, exchange, timestep, kind)
    fluxes = answer_of_ground(exchange, radiation, heat, weather, timestep)
    snow = move_snow(state, fallen, heat, fluxes, surroundings, constants, timestep)
    column = next_column(state.column, fallen, heat, snow)
    water = water_of_step(state.column, column, fallen, fluxes, snow, weather, timestep)
    patch = next_patch(state.patch, exchange, fluxes, surroundings)
    state = renew_ice_albedo(LandState(column, patch), weather.cosine_zenith_next, constants, kind)
    return state, IceOutput(fallen, radiation, exchange, heat, fluxes, snow, water)


def move_snow(
    state: LandState,
    fallen: IcePrecipitation,
    heat: GroundHeat,
    fluxes: IceFluxes,
    surroundings: Surroundings,
    constants: IceConstants,
    timestep: float,
) -> SnowStep:
    """Water, compaction, layers, particles and grains of the snow."""
    column, update = state.column, fluxes.update
    exists = snow_layer_mask(column.snow_index)
    ice, liquid = column.ice[:SNOW_LAYERS], column.liquid_water[:SNOW_LAYERS]
    before = jnp.where(exists, ice + liquid, 1.0)
    every = jnp.ones_like(fallen.capped)
    conditions = SnowConditions(
        surface=SnowSurfaceWater(
            sublimation=update.sublimation,
            evaporation=update.liquid_evaporation,
            frost=update.frost,
            dew=update.dew,
            rain=fallen.rain,
        ),
        history=MeltHistory(
            melting=heat.phase.phase[:SNOW_LAYERS] == MELTING,
            water_before=jnp.where(exists, before, 0.0),
            ice_share_before=jnp.where(exists, ice / before, 0.0),
            accumulated_snow=heat.state.accumulated_snow,
            melt_shape=constants.melt_shape,
        ),
        snow_fraction=heat.state.effective_snow_fraction,
        capped=fallen.capped,
        capped_ice=shed_ice(fallen, fluxes, surroundings.weather),
        snowfall=fallen.snowfall,
        refrozen=heat.phase.snow_freezing_layer,
        deposition=surroundings.deposition,
        ground_temperature=heat.state.temperature[SNOW_LAYERS],
        subgrid_snow=~every,
        lake=~every,
    )
    return advance_snow(
        constants.grain_tables,
        snow_layers_of(column, heat.state, fallen.new_layer),
        heat.state.snow_water,
        heat.state.snow_depth,
        conditions,
        timestep,
    )


def next_column(
    column: ColumnState, fallen: IcePrecipitation, heat: GroundHeat, snow: SnowStep
) -> ColumnState:
    """The columns at the end of the step, albedos not yet renewed.

    The ground loses what the evaporation of a drying pack takes from it; water of a vanishing pack runs off.
    The temperature of the surface is that of the layers as they are left: where the top one melted away
    warm, it is that of the next, on which albedo and snowfall of wetlands depend.
    """
    ground, layers = heat.state, snow.layers
    temperature = ground.temperature.at[:SNOW_LAYERS].set(layers.temperature)
    left = replace(ground, snow_index=layers.snow_index, temperature=temperature)
    bare = snow.snow_water <= 0.0
    liquid = ground.liquid_water.at[SNOW_LAYERS].add(snow.ground_debt)
    particles = dict(zip(AEROSOL_FIELDS, layers.aerosol_mass, strict=True))
    return replace(
        column,
        snow_index=layers.snow_index,
        snow_thickness=layers.thickness,
        snow_node_depth=snow.geometry.node,
        snow_interface_depth=snow.geometry.upper_interface,
        temperature=temperature,
        liquid_water=liquid.at[:SNOW_LAYERS].set(layers.liquid_water),
        ice=ground.ice.at[:SNOW_LAYERS].set(layers.ice),
        ground_temperature=ground_temperature(left),
        pond_temperature=ground.pond_temperature,
        snow_water=snow.snow_water,
        snow_depth=snow.snow_depth,
        accumulated_snow=snow.accumulated_snow,
        snow_fraction=jnp.where(bare, 0.0, fallen.snow_fraction),
        effective_snow_fraction=ground.effective_snow_fraction,
        snow_melt=jnp.where(ground.snow_index < 0, snow.outflow, heat.phase.layerless_melt),
        snow_freezing=heat.phase.snow_freezing_layer,
        grain_radius=layers.grain_radius,
        **particles,
    )


def water_of_step(
    before: ColumnState,
    after: ColumnState,
    fallen: IcePrecipitation,
    fluxes: IceFluxes,
    snow: SnowStep,
    weather: Weather,
    timestep: float,
) -> IceWater:
    """Runoff as what is left over of the water balance (ELM `HydrologyDrainage`).

    QRGWL = rain + snow - evaporation - ice shed - (W' - W) / dt with all water W of snow and ground.
    """
    shed = shed_ice(fallen, fluxes, weather)
    gained = (stored_water(after) - stored_water(before)) / timestep
    return IceWater(
        runoff=weather.rain + weather.snow - fluxes.update.evaporation - shed - gained,
        ice_runoff=shed,
        melt=after.snow_melt,
    )


def stored_water(column: ColumnState) -> Float[Array, " column"]:
    """Water of snow and ground, kg m-2, summed from the top."""
    total = column.snow_water
    for row in range(SNOW_LAYERS, TOTAL_LAYERS):
        total = total + column.ice[row] + column.liquid_water[row]
    return total


def next_patch(
    patch: PatchState, exchange: IceExchange, fluxes: IceFluxes, surroundings: Surroundings
) -> PatchState:
    """The patches at the end of the step, albedos not yet renewed; leaves have the temperature of the air."""
    screen, samples = exchange.turbulence.screen_temperature, surroundings.ten_day_samples
    return replace(
        patch,
        leaf_temperature=surroundings.weather.temperature,
        longwave_out=fluxes.longwave_up,
        screen_temperature=screen,
        ten_day_temperature=((samples - 1.0) * patch.ten_day_temperature + screen) / samples,
    )


def renew_ice_albedo(
    state: LandState, cosine_zenith: Float[Array, " column"], constants: IceConstants, kind: GroundKind
) -> LandState:
    """The state with the albedos of a zenith, snow by its grains and particles."""
    column = state.column
    bare = bare_albedo(kind, column.ground_temperature, cosine_zenith)
    pack = SnowPack(
        snow_index=column.snow_index,
        liquid_water=column.liquid_water[:SNOW_LAYERS],
        ice=column.ice[:SNOW_LAYERS],
        snow_water=column.snow_water,
        grain_radius=column.grain_radius,
        aerosol_mass=jnp.stack([getattr(column, name) for name in AEROSOL_FIELDS]),
    )
    light = snow_radiation(constants.snow_optics, pack, bare, cosine_zenith)
    none = jnp.zeros_like(column.snow_index, bool)
    stored = stored_absorption(light, bare, bare, column.snow_fraction, none)
    ground = unvegetated_albedo(kind, column.ground_temperature, stored, column.snow_fraction, cosine_zenith)
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
    sky = open_sky(ground, cosine_zenith > 0.0)
    return LandState(column=renewed, patch=replace(state.patch, **with_fields(sky)))
