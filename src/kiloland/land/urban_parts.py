"""The parts of a step of towns: how each reads the state, and how the new state is put together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air
from kiloland.land.biophysics.ground_state import GroundState, top_temperature
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_water import SnowSurfaceWater, SnowWater, move_snow_water
from kiloland.land.biophysics.surface_runoff import Terrain
from kiloland.land.biophysics.urban_albedo import urban_albedo
from kiloland.land.biophysics.urban_fluxes import UrbanFluxes
from kiloland.land.biophysics.urban_hydrology import (
    PavedWater,
    RoadWater,
    SurfaceExchange,
    water_below_road,
)
from kiloland.land.biophysics.urban_radiation import UrbanRadiation, urban_radiation
from kiloland.land.biophysics.urban_snow import (
    TownPrecipitation,
    TownSnow,
    TownSnowfall,
    TownSnowStep,
    layers_of,
    precipitation_on_town,
    settle_town_snow,
    snow_on_town,
    town_snow_fraction,
)
from kiloland.land.biophysics.urban_surface import TownSurface
from kiloland.land.biophysics.urban_temperature import UrbanHeat, town_grid
from kiloland.land.biophysics.water_table import WaterTable, water_volume
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.step import Weather
from kiloland.land.urban_state import UrbanState, ground_of, snow_layers_of
from kiloland.land.urban_town import Surface, UrbanParameters, by_column, by_surface, of_towns
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, snow_layer_mask

_MELTING = 1
_Tree = TypeVar("_Tree")


@pytree_dataclass
class UrbanConstants:
    """What does not change during a run."""

    parameters: UrbanParameters
    soil: SoilProperties
    """Below the roads, with the axis of columns."""
    terrain: Terrain
    """Of the pervious roads, with the axis of towns."""
    melt_shape: Float[Array, " town"]
    """Shape of the depletion curve of snow."""
    grains: GrainTables
    largest_drainage: Float[Array, ""]
    """kg m-2 s-1."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class UrbanSettings:
    """Settings that are compiled in."""

    timestep: float = field(metadata={"static": True})
    """s."""
    conditioned: bool = field(default=True, metadata={"static": True})
    """Whether buildings are heated and cooled (`urban_hac`)."""
    traffic: bool = field(default=False, metadata={"static": True})
    """Whether traffic warms the roads (`urban_traffic`)."""


def air_of(weather: Weather) -> Air:
    """Air above towns; all wind is eastward, as ELM takes that of a site."""
    return Air(
        temperature=weather.temperature,
        potential_temperature=weather.potential_temperature,
        humidity=weather.specific_humidity,
        pressure=weather.pressure,
        eastward_wind=weather.wind,
        northward_wind=jnp.zeros_like(weather.wind),
        height=weather.reference_height,
    )


def precipitation_of(state: UrbanState, weather: Weather, constants: UrbanConstants) -> TownPrecipitation:
    """Rain and snow on each surface."""
    walls = jnp.asarray([row in (Surface.SUNLIT_WALL, Surface.SHADED_WALL) for row in Surface])
    wall = by_column(jnp.broadcast_to(walls[:, None], constants.parameters.emissivity.shape))
    return precipitation_on_town(of_towns(weather.rain), of_towns(weather.snow), wall, state.snow_water)


def snowfall_of(
    state: UrbanState,
    sky: TownPrecipitation,
    weather: Weather,
    constants: UrbanConstants,
    timestep: float,
) -> TownSnowfall:
    """Snow cover and layers after snowfall."""
    return snow_on_town(
        ground_of(state),
        snow_layers_of(state),
        state.snow_fraction,
        state.snow_melt,
        sky.snow,
        of_towns(weather.temperature),
        of_towns(constants.melt_shape),
        timestep,
    )


def radiation_of(
    state: UrbanState, weather: Weather, fallen: TownSnowfall, constants: UrbanConstants
) -> UrbanRadiation:
    """Radiation with the temperatures of the last step and the snow cover of this one."""
    return urban_radiation(
        constants.parameters,
        state.albedo,
        weather.shortwave_direct,
        weather.shortwave_diffuse,
        weather.longwave_down,
        by_surface(top_temperature(ground_of(state))),
        by_surface(fallen.snow_fraction),
    )


def snow_exchange(exchange: SurfaceExchange, sky: TownPrecipitation) -> SnowSurfaceWater:
    """Exchange of snow layers with the air."""
    return SnowSurfaceWater(
        sublimation=exchange.sublimation,
        evaporation=exchange.evaporation,
        frost=exchange.frost,
        dew=exchange.dew,
        rain=sky.rain,
    )


def snow_water_of(
    fallen: TownSnowfall,
    warmed: GroundState,
    exchange: SnowSurfaceWater,
    sky: TownPrecipitation,
    timestep: float,
) -> SnowWater:
    """Water moved through snow layers."""
    layers = layers_of(warmed, fallen.layers)
    return move_snow_water(layers, exchange, jnp.ones_like(sky.rain), sky.capped, timestep)


def settled_snow(
    state: UrbanState,
    fallen: TownSnowfall,
    heat: UrbanHeat,
    moved: SnowWater,
    exchange: SnowSurfaceWater,
    sky: TownPrecipitation,
    deposition: Float[Array, "species town"],
    constants: UrbanConstants,
    timestep: float,
) -> TownSnow:
    """Snow layers at the end of the step."""
    exists = snow_layer_mask(state.snow_index)
    ice, liquid = state.ice[:SNOW_LAYERS], state.liquid_water[:SNOW_LAYERS]
    water = jnp.where(exists, ice + liquid, 1.0)
    new_layer = (state.snow_index == 0) & (heat.state.snow_index < 0)
    lowest = (jnp.arange(SNOW_LAYERS) == SNOW_LAYERS - 1)[:, None] & new_layer
    share = jnp.where(exists, ice / jnp.where(water != 0.0, water, 1.0), 0.0)
    history = MeltHistory(
        melting=heat.phase.phase[:SNOW_LAYERS] == _MELTING,
        water_before=jnp.where(exists, water, 0.0),
        ice_share_before=jnp.where(lowest, 1.0, share),
        accumulated_snow=fallen.state.accumulated_snow,
        melt_shape=of_towns(constants.melt_shape),
    )
    grid = town_grid(constants.parameters, heat.state)
    step = TownSnowStep(
        surface=exchange,
        history=history,
        capped_ice=sky.capped_snow + jnp.where(sky.capped, exchange.frost, 0.0),
        snowfall=sky.snow,
        refrozen=heat.phase.snow_freezing_layer,
        deposition=of_towns(deposition),
        ground_temperature=heat.state.temperature[SNOW_LAYERS],
        ground_thickness=grid.thickness[SNOW_LAYERS],
    )
    return settle_town_snow(
        constants.grains, moved, heat.state.snow_water, heat.state.snow_depth, step, timestep
    )


def road_water_of(
    state: UrbanState,
    owing: GroundState,
    at_ground: Float[Array, " column"],
    exchange: SurfaceExchange,
    fluxes: UrbanFluxes,
    surface: TownSurface,
    snow: TownSnow,
    constants: UrbanConstants,
    timestep: float,
) -> RoadWater:
    """Soil water of the pervious roads."""
    before = road_of(ground_of(state))
    return water_below_road(
        road_of(constants.soil),
        constants.terrain,
        road_of(owing),
        water_volume(before.liquid_water, before.ice),
        road_of(at_ground),
        road_of(exchange),
        surface.root_share * fluxes.transpiration,
        WaterTable(depth=state.water_table, aquifer=state.aquifer_water),
        state.perched_table,
        state.frost_table,
        road_of(snow.to_ground),
        constants.largest_drainage,
        timestep,
    )


def road_of(tree: _Tree) -> _Tree:
    """The pervious roads of column arrays."""
    chosen: _Tree = jax.tree.map(lambda values: by_surface(values)[..., Surface.PERVIOUS_ROAD, :], tree)
    return chosen


def surface_runoff(paved: PavedWater, road: RoadWater) -> Float[Array, " column"]:
    """Runoff from the surface, kg m-2 s-1; none from walls."""
    runoff = by_surface(paved.runoff)
    for row in (Surface.SUNLIT_WALL, Surface.SHADED_WALL):
        runoff = runoff.at[row].set(0.0)
    return by_column(runoff.at[Surface.PERVIOUS_ROAD].set(road.surface_runoff))


def advanced_state(
    state: UrbanState,
    heat: UrbanHeat,
    moved: SnowWater,
    snow: TownSnow,
    paved: PavedWater,
    road: RoadWater,
    fluxes: UrbanFluxes,
) -> UrbanState:
    """The state at the end of the step; albedos are still those of its start."""
    rows = slice(0, SNOW_LAYERS)
    layered = heat.state.snow_index < 0
    liquid = ground_water(heat.state.liquid_water, paved.liquid, snow.to_ground[0], road.liquid_water)
    ice = ground_water(heat.state.ice, paved.ice, snow.to_ground[1], road.ice)
    return replace(
        state,
        snow_index=snow.layers.snow_index,
        snow_thickness=snow.layers.thickness,
        snow_node_depth=snow.geometry.node,
        snow_interface_depth=snow.geometry.upper_interface,
        temperature=heat.state.temperature.at[rows].set(snow.layers.temperature),
        liquid_water=liquid.at[rows].set(snow.layers.liquid_water),
        ice=ice.at[rows].set(snow.layers.ice),
        snow_water=snow.snow_water,
        snow_depth=snow.snow_depth,
        accumulated_snow=snow.accumulated_snow,
        snow_fraction=town_snow_fraction(snow.snow_depth),
        snow_melt=jnp.where(layered, moved.outflow, heat.phase.layerless_melt),
        snow_freezing=heat.phase.snow_freezing_layer,
        grain_radius=snow.layers.grain_radius,
        aerosol_mass=snow.layers.aerosol_mass,
        cooling=heat.cooling,
        heating=heat.heating,
        air_temperature=fluxes.air.temperature,
        air_humidity=fluxes.air.humidity,
        water_table=road.drained.table.depth,
        aquifer_water=road.drained.table.aquifer,
        perched_table=road.drained.perched_depth,
        frost_table=road.frost.depth,
    )


def ground_water(
    before: Float[Array, "total column"],
    paved: Float[Array, " column"],
    from_snow: Float[Array, " column"],
    road: Float[Array, "soil town"],
) -> Float[Array, "total column"]:
    """Water of the ground rows: films of roofs and impervious roads, layers below pervious roads."""
    values = by_surface(before)
    film = by_surface(paved + from_snow)
    for row in (Surface.ROOF, Surface.IMPERVIOUS_ROAD):
        values = values.at[SNOW_LAYERS, row].set(film[row])
    soil = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    return by_column(values.at[soil, Surface.PERVIOUS_ROAD].set(road))


def renew_albedo(state: UrbanState, weather: Weather, parameters: UrbanParameters) -> UrbanState:
    """Albedos for the sun of the next step."""
    albedo = urban_albedo(
        parameters,
        weather.cosine_zenith_next,
        by_surface(state.snow_fraction),
        by_surface(state.snow_water),
    )
    return replace(state, albedo=albedo, cosine_zenith=weather.cosine_zenith_next)
