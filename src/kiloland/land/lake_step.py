"""One step of lakes: a table of contents of what happens, in ELM's order.

Radiation uses the albedos that the last step left; snow falls after the heat of the step; the albedos for
the next step come at the end.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air
from kiloland.land.biophysics.lake_fluxes import LakeFluxes, lake_fluxes
from kiloland.land.biophysics.lake_hydrology import LakeHydrology, LakeWeather, lake_hydrology
from kiloland.land.biophysics.lake_layers import LakeGrid
from kiloland.land.biophysics.lake_surface import (
    LakeShape,
    LakeSunlight,
    LakeSurface,
    snow_conductivity,
)
from kiloland.land.biophysics.lake_temperature import LakeHeat, lake_temperature
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.surface_radiation import SurfaceRadiation
from kiloland.land.lake_radiation import absorb_sunlight, renew_lake_albedo
from kiloland.land.lake_state import (
    LakeState,
    lake_ground_of,
    lake_snow_of,
    lake_water_of,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.step import Settings, Weather, top_layer


@pytree_dataclass
class LakeConstants:
    """What does not change during a run."""

    shape: LakeShape
    grid: LakeGrid
    soil: SoilProperties
    """Of the ground below."""
    optics: SnowOptics
    grains: GrainTables


@pytree_dataclass
class LakeBudgets:
    """What the budgets of a step miss."""

    radiation: Float[Array, " column"]
    """Sunlight: incident less absorbed and reflected, W m-2."""
    surface: Float[Array, " column"]
    """Absorbed radiation less the fluxes into the air and what entered the column, W m-2."""
    heat: Float[Array, " column"]
    """Storage and phase change less what entered the column, before the sensible heat takes it up, W m-2."""
    water: Float[Array, " column"]
    """kg m-2."""
    snow: Float[Array, " column"]
    """kg m-2."""


@pytree_dataclass
class LakeOutput:
    """What a step tells beside the new state."""

    radiation: SurfaceRadiation
    sunlight: LakeSunlight
    fluxes: LakeFluxes
    """As the surface left them; `sensible` is that of the whole step."""
    heat: LakeHeat
    hydrology: LakeHydrology
    budgets: LakeBudgets


def lake_step(
    state: LakeState,
    weather: Weather,
    deposition: Float[Array, "species column"],
    constants: LakeConstants,
    settings: Settings,
) -> tuple[LakeState, LakeOutput]:
    """One step of lakes; `deposition` of particles in kg m-2 s-1."""
    radiation, sunlight = absorb_sunlight(state, weather)
    surface_fluxes = exchange_with_air(state, weather, sunlight, constants)
    heat = advance_heat(state, surface_fluxes, sunlight, constants, settings)
    hydrology = move_water(state, weather, deposition, surface_fluxes, heat, constants, settings)
    fluxes = fluxes_of_step(surface_fluxes, heat, hydrology)
    state = advanced_state(state, weather, fluxes, hydrology, heat)
    state = renew_lake_albedo(state, weather.cosine_zenith_next, constants.optics)
    budgets = budgets_of_step(weather, radiation, sunlight, fluxes, heat, hydrology)
    return state, LakeOutput(radiation, sunlight, fluxes, heat, hydrology, budgets)


def exchange_with_air(
    state: LakeState, weather: Weather, sunlight: LakeSunlight, constants: LakeConstants
) -> LakeFluxes:
    """Surface temperature and turbulent fluxes; all wind blows from the west, as in ELM's site mode."""
    air = Air(
        temperature=weather.temperature,
        potential_temperature=weather.potential_temperature,
        humidity=weather.specific_humidity,
        pressure=weather.pressure,
        eastward_wind=weather.wind,
        northward_wind=jnp.zeros_like(weather.wind),
        height=weather.reference_height,
    )
    surface = lake_surface(state, constants.grid)
    return lake_fluxes(constants.shape, surface, air, sunlight, weather.longwave_down)


def lake_surface(state: LakeState, grid: LakeGrid) -> LakeSurface:
    """What the air meets at the start of a step."""
    layered = state.snow_index < 0
    snow = state.snow_thickness
    thickness = top_layer(jnp.concatenate([snow, jnp.ones_like(snow[:1])]), state.snow_index)
    ice, liquid = top_layer(state.ice, state.snow_index), top_layer(state.liquid_water, state.snow_index)
    return LakeSurface(
        temperature=state.ground_temperature,
        first_layer=state.water_temperature[0],
        top_snow_temperature=top_layer(state.temperature, state.snow_index),
        top_snow_conductivity=snow_conductivity(ice, liquid, thickness),
        half_top_layer=jnp.where(layered, thickness / 2.0, grid.thickness[0] / 2.0),
        snow_layers=layered,
        eddy_conductivity=state.eddy_conductivity,
        friction_velocity=state.friction_velocity,
        roughness=state.roughness,
    )


def advance_heat(
    state: LakeState,
    fluxes: LakeFluxes,
    sunlight: LakeSunlight,
    constants: LakeConstants,
    settings: Settings,
) -> LakeHeat:
    """Temperatures of snow, water and ground after conduction, phase change and convection."""
    return lake_temperature(
        constants.shape,
        constants.grid,
        constants.soil,
        lake_water_of(state),
        lake_ground_of(state),
        fluxes,
        sunlight,
        settings.timestep,
    )


def move_water(
    state: LakeState,
    weather: Weather,
    deposition: Float[Array, "species column"],
    fluxes: LakeFluxes,
    heat: LakeHeat,
    constants: LakeConstants,
    settings: Settings,
) -> LakeHydrology:
    """Snow, sediment and runoff."""
    return lake_hydrology(
        constants.grains,
        constants.soil,
        constants.grid,
        lake_ground_of(state),
        lake_snow_of(state, heat.ground),
        heat,
        LakeWeather(
            rain=weather.rain,
            snow=weather.snow,
            air_temperature=weather.temperature,
            evaporation=fluxes.evaporation,
            surface_temperature=fluxes.temperature,
            deposition=deposition,
        ),
        settings.timestep,
    )


def fluxes_of_step(fluxes: LakeFluxes, heat: LakeHeat, hydrology: LakeHydrology) -> LakeFluxes:
    """Fluxes with the sensible heat that rounding and a melted snow layer leave to the air."""
    more = hydrology.released_heat - heat.residual
    return dataclasses.replace(fluxes, sensible=fluxes.sensible + more, net_heat=fluxes.net_heat - more)


def advanced_state(
    state: LakeState, weather: Weather, fluxes: LakeFluxes, hydrology: LakeHydrology, heat: LakeHeat
) -> LakeState:
    """The state after all but the albedo."""
    ground, water = hydrology.ground, hydrology.water
    shared = {
        field.name: getattr(ground, field.name)
        for field in dataclasses.fields(ground)
        if not field.name.startswith("pond")
    }
    return dataclasses.replace(
        state,
        **shared,
        water_temperature=water.temperature,
        ice_fraction=water.ice_fraction,
        eddy_conductivity=water.eddy_conductivity,
        friction_velocity=fluxes.friction_velocity,
        roughness=fluxes.roughness,
        ground_temperature=fluxes.temperature,
        snow_melt=hydrology.snow_melt,
        snow_freezing=heat.snow_freezing,
        grain_radius=hydrology.layers.grain_radius,
        aerosol_mass=hydrology.layers.aerosol_mass,
        leaf_temperature=weather.temperature,
        longwave_out=fluxes.longwave_up,
        screen_temperature=fluxes.screen_temperature,
    )


def budgets_of_step(
    weather: Weather,
    radiation: SurfaceRadiation,
    sunlight: LakeSunlight,
    fluxes: LakeFluxes,
    heat: LakeHeat,
    hydrology: LakeHydrology,
) -> LakeBudgets:
    """What each budget of a step misses.

    The heat of a melted layer that runs off reaches the air from the snow, after the heat balance. Water is
    closed by the runoff, which ELM takes from this balance; snow is a balance of its own.
    """
    net = sunlight.absorbed + weather.longwave_down - fluxes.longwave_up - fluxes.sensible - fluxes.latent
    entered = heat.entered + heat.residual
    return LakeBudgets(
        radiation=radiation.balance_error,
        surface=net + hydrology.released_heat - entered,
        heat=heat.residual,
        water=hydrology.water_error,
        snow=hydrology.snow_error,
    )
