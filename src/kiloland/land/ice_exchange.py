"""Precipitation on land ice and wetlands, and the exchange of their surface with the air and the ground."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.bare_ground_fluxes import TurbulentFluxes, bare_ground_fluxes
from kiloland.land.biophysics.canopy_fluxes import emitted_fourth
from kiloland.land.biophysics.constants import STEFAN_BOLTZMANN
from kiloland.land.biophysics.ground_energy import (
    GroundRadiation,
    SurfaceUpdate,
    evaporation_limit,
    surface_heat,
    update_surface_fluxes,
)
from kiloland.land.biophysics.ground_heat import GroundHeat, advance_layers, grid_of
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.snow_cover import CAPPED_WATER, accumulate_snow
from kiloland.land.biophysics.surface_radiation import IncidentRadiation, SurfaceRadiation, surface_radiation
from kiloland.land.biophysics.unvegetated_ground import (
    GroundKind,
    melts_on_contact,
    unvegetated_surface,
    unvegetated_thermal_properties,
)
from kiloland.land.full_exchange import air_of_patches
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import LandState
from kiloland.land.step import (
    Weather,
    canopy_of,
    ground_albedo_of,
    ground_state,
    snow_of,
    top_layer,
)


@pytree_dataclass
class IcePrecipitation:
    """The column after the precipitation of a step."""

    ground: GroundState
    snow_fraction: Float[Array, " column"]
    rain: Float[Array, " column"]
    """On ground or snow, kg m-2 s-1; that on a full pack runs off."""
    snowfall: Float[Array, " column"]
    capped: Bool[Array, " column"]
    """Packs that are full."""
    new_layer: Bool[Array, " column"]
    """Packs that got their first layer."""
    melted_on_contact: Float[Array, " column"]
    """Snow without layers that is gone at once, kg m-2 s-1."""


@pytree_dataclass
class IceExchange:
    """Fluxes between surface and air before the ground answers."""

    surface: GroundSurface
    radiation: GroundRadiation
    turbulence: TurbulentFluxes
    fourth: Float[Array, " column"]
    """Mean of T^4 over snow and ground, K4."""


@pytree_dataclass
class IceFluxes:
    """Fluxes of the whole step; upwards unless said otherwise."""

    update: SurfaceUpdate
    longwave_up: Float[Array, " column"]
    """W m-2."""
    ground_heat: Float[Array, " column"]
    """Into snow and ground, W m-2 (`FGR`)."""


def receive_precipitation(
    state: LandState,
    weather: Weather,
    melt_shape: Float[Array, " column"],
    timestep: float,
    kind: GroundKind,
) -> IcePrecipitation:
    """Snow cover and depth and first snow layers (ELM `CanopyHydrology`).

    As on soil, but the snow covers the whole column, and on a wetland above freezing snow without layers
    is gone at once.
    """
    before, column = ground_state(state), state.column
    capped = column.snow_water > CAPPED_WATER
    snow = accumulate_snow(
        before,
        column.snow_fraction,
        column.snow_melt,
        weather.snow,
        weather.temperature,
        melt_shape,
        timestep,
    )
    gone = melts_on_contact(kind, column.ground_temperature)
    new_layer = snow.new_layer & ~gone
    lying = {name: getattr(snow.state, name) for name in GroundState.__dataclass_fields__}
    unlayered = gone & snow.new_layer
    ground = {name: jnp.where(unlayered, getattr(before, name), value) for name, value in lying.items()}
    ground["snow_water"] = jnp.where(gone, 0.0, lying["snow_water"])
    ground["snow_depth"] = jnp.where(gone, 0.0, lying["snow_depth"])
    ground["accumulated_snow"] = lying["accumulated_snow"]
    ground["effective_snow_fraction"] = jnp.ones_like(snow.snow_fraction)
    return IcePrecipitation(
        ground=GroundState(**ground),
        snow_fraction=snow.snow_fraction,
        rain=jnp.where(capped, 0.0, weather.rain),
        snowfall=jnp.where(capped, 0.0, weather.snow),
        capped=capped,
        new_layer=new_layer,
        melted_on_contact=jnp.where(gone & (ground["snow_index"] == 0), lying["snow_water"], 0.0) / timestep,
    )


def absorb_sunlight(state: LandState, fallen: IcePrecipitation, weather: Weather) -> SurfaceRadiation:
    """Sunlight absorbed and reflected, with the albedos that the last step left."""
    column, patch = state.column, state.patch
    return surface_radiation(
        canopy_of(patch),
        ground_albedo_of(column),
        snow_of(column),
        IncidentRadiation(direct=weather.shortwave_direct, diffuse=weather.shortwave_diffuse),
        patch.leaf_area,
        -fallen.ground.snow_index,
        jnp.arange(column.snow_index.shape[0]),
    )


def exchange_with_air(
    fallen: IcePrecipitation, radiation: SurfaceRadiation, weather: Weather, kind: GroundKind
) -> IceExchange:
    """Radiation and turbulent fluxes with the temperature at the start of the step."""
    ground, light = fallen.ground, radiation.ground
    surface = unvegetated_surface(
        kind, ground, fallen.snow_fraction, weather.specific_humidity, weather.pressure
    )
    air = air_of_patches(weather, jnp.arange(surface.temperature.shape[0]))
    return IceExchange(
        surface=surface,
        radiation=GroundRadiation(
            absorbed_soil=light.absorbed_by_soil,
            absorbed_snow_top=top_layer(light.absorbed_by_layer, ground.snow_index),
            absorbed_layer=light.absorbed_by_layer,
            longwave_down=surface.emissivity * weather.longwave_down,
        ),
        turbulence=bare_ground_fluxes(air, surface),
        fourth=emitted_fourth(ground),
    )


def advance_heat(
    fallen: IcePrecipitation, exchange: IceExchange, timestep: float, kind: GroundKind
) -> GroundHeat:
    """Temperatures and phases of snow and ground."""
    grid = grid_of(fallen.ground)
    return advance_layers(
        grid,
        unvegetated_thermal_properties(kind, grid, fallen.ground),
        None,
        fallen.ground,
        surface_heat(exchange.radiation, exchange.surface, exchange.turbulence),
        timestep,
    )


def answer_of_ground(
    exchange: IceExchange, radiation: SurfaceRadiation, heat: GroundHeat, weather: Weather, timestep: float
) -> IceFluxes:
    """Fluxes of the whole step, with the answer of the ground's temperature (ELM `SoilFluxes`).

    Longwave up = (1 - e) L + e sigma mean(T^4) + 4 e sigma T^3 dT.
    """
    surface, turbulence = exchange.surface, exchange.turbulence
    warming = heat.ground_temperature - surface.temperature
    answered = turbulence.evaporation + warming * turbulence.evaporation_derivative
    liquid = top_layer(heat.state.liquid_water, heat.state.snow_index)
    ice = top_layer(heat.state.ice, heat.state.snow_index)
    supply = evaporation_limit(jnp.maximum(answered, 0.0), liquid, ice, timestep)
    update = update_surface_fluxes(surface, turbulence, warming, supply, liquid, ice, heat.ground_temperature)
    cubed = surface.temperature * surface.temperature * surface.temperature
    emitted = surface.emissivity * STEFAN_BOLTZMANN * exchange.fourth
    answer = 4.0 * surface.emissivity * STEFAN_BOLTZMANN * cubed * warming
    reflected = (1.0 - surface.emissivity) * weather.longwave_down
    light, layered = radiation.ground, heat.state.snow_index < 0
    sunlight = jnp.where(layered, light.absorbed_by_snow, light.absorbed)
    net = sunlight + exchange.radiation.longwave_down - (emitted + answer)
    return IceFluxes(
        update=update,
        longwave_up=reflected + emitted + answer,
        ground_heat=net - update.sensible - update.latent,
    )


def shed_ice(fallen: IcePrecipitation, fluxes: IceFluxes, weather: Weather) -> Float[Array, " column"]:
    """Snowfall and frost that a full pack does not take, kg m-2 s-1."""
    return jnp.where(fallen.capped, weather.snow + fluxes.update.frost, 0.0)
