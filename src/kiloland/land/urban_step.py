"""One step of towns: precipitation, radiation, fluxes, temperatures, water, snow, albedo."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.snow_water import SnowWater
from kiloland.land.biophysics.urban_energy import (
    AddedHeat,
    UrbanAnswer,
    answer_of_temperature,
    heat_into_surfaces,
    heat_of_people,
)
from kiloland.land.biophysics.urban_fluxes import CanyonAir, UrbanFluxes, urban_fluxes
from kiloland.land.biophysics.urban_hydrology import (
    RoadWater,
    dried_by_snow,
    water_on_pavement,
)
from kiloland.land.biophysics.urban_radiation import UrbanRadiation
from kiloland.land.biophysics.urban_snow import (
    TownPrecipitation,
    TownSnow,
    TownSnowfall,
)
from kiloland.land.biophysics.urban_surface import TownSurface, town_surface
from kiloland.land.biophysics.urban_temperature import UrbanHeat, advance_urban_temperature
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.step import Weather
from kiloland.land.urban_balance import UrbanBudget, urban_budget
from kiloland.land.urban_parts import (
    UrbanConstants,
    UrbanSettings,
    advanced_state,
    air_of,
    precipitation_of,
    radiation_of,
    renew_albedo,
    road_water_of,
    settled_snow,
    snow_exchange,
    snow_water_of,
    snowfall_of,
    surface_runoff,
)
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_town import by_column, by_surface


@pytree_dataclass
class UrbanOutput:
    """What a step tells beside the new state."""

    precipitation: TownPrecipitation
    snowfall: TownSnowfall
    radiation: UrbanRadiation
    surface: TownSurface
    fluxes: UrbanFluxes
    added: AddedHeat
    heat: UrbanHeat
    answer: UrbanAnswer
    outflow: Float[Array, " column"]
    """Of snow with layers, kg m-2 s-1."""
    moved_snow: SnowWater
    snow: TownSnow
    road: RoadWater
    runoff: Float[Array, " column"]
    """From the surface, kg m-2 s-1."""
    budget: UrbanBudget


def urban_step(
    state: UrbanState,
    weather: Weather,
    deposition: Float[Array, "species town"],
    constants: UrbanConstants,
    settings: UrbanSettings,
) -> tuple[UrbanState, UrbanOutput]:
    """Advance towns by one step; `weather` and `deposition` (kg m-2 s-1) have the axis of towns."""
    parameters, timestep = constants.parameters, settings.timestep
    sky = precipitation_of(state, weather, constants)
    fallen = snowfall_of(state, sky, weather, constants, timestep)
    radiation = radiation_of(state, weather, fallen, constants)
    surface = town_surface(
        constants.soil, fallen.state, fallen.snow_fraction, weather.specific_humidity, weather.pressure
    )
    fluxes = urban_fluxes(
        parameters, air_of(weather), surface, CanyonAir(state.air_temperature, state.air_humidity)
    )
    added = heat_of_people(parameters, by_surface(state.cooling), traffic=settings.traffic)
    into, slope = heat_into_surfaces(parameters, surface, radiation, fluxes, added)
    heat = advance_urban_temperature(
        parameters,
        constants.soil,
        fallen.state,
        by_column(into),
        by_column(slope),
        timestep,
        settings.conditioned,
    )
    warmed = by_surface(heat.surface_temperature)
    answer = answer_of_temperature(
        parameters, surface, radiation, fluxes, added, heat.state, warmed, timestep
    )
    exchange = snow_exchange(answer.exchange, sky)
    moved = snow_water_of(fallen, heat.state, exchange, sky, timestep)
    snow = settled_snow(state, fallen, heat, moved, exchange, sky, deposition, constants, timestep)
    at_ground = jnp.where(heat.state.snow_index < 0, moved.outflow, sky.rain + heat.phase.layerless_melt)
    owing = dried_by_snow(heat.state, moved.ground_debt)
    paved = water_on_pavement(owing, at_ground, answer.exchange, timestep)
    road = road_water_of(state, owing, at_ground, answer.exchange, fluxes, surface, snow, constants, timestep)
    advanced = advanced_state(state, heat, moved, snow, paved, road, fluxes)
    new = renew_albedo(advanced, weather, parameters)
    runoff = surface_runoff(paved, road)
    budget = urban_budget(
        state, new, weather, parameters, sky, radiation, answer, fluxes, heat, road, runoff, timestep
    )
    return new, UrbanOutput(
        precipitation=sky,
        snowfall=fallen,
        radiation=radiation,
        surface=surface,
        fluxes=fluxes,
        added=added,
        heat=heat,
        answer=answer,
        outflow=moved.outflow,
        moved_snow=moved,
        snow=snow,
        road=road,
        runoff=runoff,
        budget=budget,
    )
