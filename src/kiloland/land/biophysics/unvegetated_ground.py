"""Land ice and wetland as the air, the sun and the heat below meet them: ground that is all water or ice.

Glaciers are ice down to the bottom; wetlands are ten layers of water or ice on bedrock. Neither has soil,
pores or plants, and their surface evaporates as a free one. Source: CLM4.5 technical note (Oleson et al.
2013), sections 3.2, 5.2 and 6.3, in the form that ELM computes.
"""

from __future__ import annotations

from enum import Enum

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.albedo import GroundAlbedo, SnowRadiation, ground_albedo
from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_BEDROCK,
    CONDUCTIVITY_ICE,
    CONDUCTIVITY_LIQUID,
    EMISSIVITY_SNOW,
    EMISSIVITY_SOIL,
    FREEZING_POINT,
    HEAT_CAPACITY_BEDROCK,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    ROUGHNESS_SNOW,
    ROUGHNESS_SOIL,
)
from kiloland.land.biophysics.ground_state import GroundState, ground_temperature, top_temperature
from kiloland.land.biophysics.ground_surface import GroundSurface, latent_heat_of_top
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.thermal_properties import ThermalProperties, layered_properties
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, ColumnGrid

EMISSIVITY_GLACIER = 0.97
"""With and without snow."""
FROZEN_ALBEDO = (0.60, 0.40)
"""Of ice, visible and near infrared: the glacier's, by the namelist, and that of a frozen wetland."""
_LEAST_COSINE = 0.001


class GroundKind(Enum):
    """What lies below the snow."""

    GLACIER = "glacier"
    WETLAND = "wetland"


def unvegetated_thermal_properties(
    kind: GroundKind, grid: ColumnGrid, state: GroundState
) -> ThermalProperties:
    """Conductivity and heat capacity of all layers (ELM `SoilThermProp`).

    Conductivity of ice below freezing, else of water, whatever a layer holds; heat capacity of what it
    holds, c_liq liquid + c_ice ice. Below the ten layers of a wetland lies dry rock, 3 W m-1 K-1 and
    2e6 J m-3 K-1.
    """
    ground = slice(SNOW_LAYERS, None)
    frozen = state.temperature[ground] < FREEZING_POINT
    conductivity = jnp.where(frozen, CONDUCTIVITY_ICE, CONDUCTIVITY_LIQUID)
    capacity = state.ice[ground] * HEAT_CAPACITY_ICE + state.liquid_water[ground] * HEAT_CAPACITY_LIQUID
    if kind is GroundKind.WETLAND:
        rock = (jnp.arange(GROUND_LAYERS) >= SOIL_LAYERS)[:, None]
        conductivity = jnp.where(rock, CONDUCTIVITY_BEDROCK, conductivity)
        capacity = jnp.where(rock, HEAT_CAPACITY_BEDROCK * grid.thickness[ground], capacity)
    return layered_properties(grid, state, conductivity, capacity)


def unvegetated_surface(
    kind: GroundKind,
    state: GroundState,
    snow_fraction: Float[Array, " column"],
    air_humidity: Float[Array, " column"],
    air_pressure: Float[Array, " column"],
) -> GroundSurface:
    """The surface at the start of a step (ELM `CanopyTemperature`).

    Humidity q_sat(T_g), the same over snow and ground, and no resistance to evaporation. Roughness 0.0024 m
    where snow lies, else 0.01 m. Emissivity 0.97 on glaciers, on wetlands 0.96 (1 - f) + 0.97 f. The snow
    covers the whole column in all but roughness, emissivity and albedo, which follow `snow_fraction`.
    """
    temperature = ground_temperature(state)
    over = saturation(temperature, air_pressure)
    # Where q_sat > q_air > q_sat, that is nowhere, ELM would take the humidity of the air.
    glacier = jnp.full_like(temperature, EMISSIVITY_GLACIER)
    mixed = EMISSIVITY_SOIL * (1.0 - snow_fraction) + EMISSIVITY_SNOW * snow_fraction
    every = jnp.ones_like(temperature)
    return GroundSurface(
        temperature=temperature,
        snow_temperature=top_temperature(state),
        soil_temperature=state.temperature[SNOW_LAYERS],
        pond_temperature=state.pond_temperature,
        humidity=over.humidity,
        snow_humidity=over.humidity,
        soil_humidity=over.humidity,
        pond_humidity=over.humidity,
        humidity_slope=over.humidity_slope,
        relative_humidity=every,
        evaporation_factor=every,
        roughness=jnp.where(snow_fraction > 0.0, ROUGHNESS_SNOW, ROUGHNESS_SOIL),
        emissivity=glacier if kind is GroundKind.GLACIER else mixed,
        latent_heat=latent_heat_of_top(state),
    )


def bare_albedo(
    kind: GroundKind,
    temperature: Float[Array, " column"],
    cosine_zenith: Float[Array, " column"],
) -> Float[Array, "band column"]:
    """Albedo without snow, the same for direct and diffuse light.

    Ice 0.6 and 0.4. A wetland whose surface (K) is above freezing: 0.05 / (max(0.001, mu) + 0.15).
    """
    ice = jnp.broadcast_to(jnp.asarray(FROZEN_ALBEDO)[:, None], (len(FROZEN_ALBEDO), *temperature.shape))
    if kind is GroundKind.GLACIER:
        return ice
    water = 0.05 / (jnp.maximum(_LEAST_COSINE, cosine_zenith) + 0.15)
    return jnp.where(temperature > FREEZING_POINT, water, ice)


def unvegetated_albedo(
    kind: GroundKind,
    temperature: Float[Array, " column"],
    snow: SnowRadiation,
    snow_fraction: Float[Array, " column"],
    cosine_zenith: Float[Array, " column"],
) -> GroundAlbedo:
    """Ground and snow by their shares of the surface; 0 at night."""
    bare = bare_albedo(kind, temperature, cosine_zenith)
    return ground_albedo(bare, snow, snow_fraction, cosine_zenith)


def melts_on_contact(kind: GroundKind, temperature: Float[Array, " column"]) -> Bool[Array, " column"]:
    """Surfaces (K) on which snow without layers does not lie: wetlands above freezing."""
    warm = temperature > FREEZING_POINT
    return warm if kind is GroundKind.WETLAND else jnp.zeros_like(warm)
