"""The ground as the air sees it: roughness, emissivity, humidity, resistance to evaporation."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import (
    DENSITY_ICE,
    DENSITY_LIQUID,
    EMISSIVITY_SNOW,
    EMISSIVITY_SOIL,
    GAS_CONSTANT_WATER_VAPOUR,
    GRAVITY,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
    MINIMUM_SOIL_POTENTIAL,
    ROUGHNESS_SNOW,
    ROUGHNESS_SOIL,
)
from kiloland.land.biophysics.ground_state import GroundState, ground_temperature, top_temperature
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, ground_grid

_LEAST_SATURATION = 0.01


@pytree_dataclass
class GroundSurface:
    """Surface of each column at the start of a step."""

    temperature: Float[Array, " column"]
    """Mean over snow, soil and pond, K."""
    snow_temperature: Float[Array, " column"]
    """Of the uppermost layer, K."""
    soil_temperature: Float[Array, " column"]
    """Of the first soil layer, K."""
    pond_temperature: Float[Array, " column"]
    """K."""
    humidity: Float[Array, " column"]
    """Specific humidity at the surface, mean over snow, soil and pond, kg kg-1 (ELM `qg`)."""
    snow_humidity: Float[Array, " column"]
    soil_humidity: Float[Array, " column"]
    pond_humidity: Float[Array, " column"]
    humidity_slope: Float[Array, " column"]
    """Derivative of the mean with ground temperature, kg kg-1 K-1 (`dqgdT`)."""
    relative_humidity: Float[Array, " column"]
    """Of the pores of the soil, averaged with 1 over snow and pond (`soilalpha`)."""
    evaporation_factor: Float[Array, " column"]
    """Share of potential evaporation that the surface allows, 0..1 (`soilbeta`)."""
    roughness: Float[Array, " column"]
    """Of momentum, m."""
    emissivity: Float[Array, " column"]
    latent_heat: Float[Array, " column"]
    """Of sublimation where the uppermost layer has ice only, else of vaporisation, J kg-1."""


def ground_surface(
    soil: SoilProperties,
    state: GroundState,
    air_humidity: Float[Array, " column"],
    air_pressure: Float[Array, " column"],
) -> GroundSurface:
    """Surface properties of soil columns (ELM `CanopyTemperature`).

    Arguments: specific humidity of the air (kg kg-1) and pressure (Pa) above each column. Snow has
    q_sat(T_top), the pond q_sat(T_p), soil h q_sat(T_1) with h the humidity of its pores, or that of the air
    where q_sat > q_air > h q_sat. Without snow layers, snow takes the humidity of the soil, and the
    derivative over snow and soil is once more multiplied by (1 - f_p) h, as ELM does.
    """
    snow, pond = state.effective_snow_fraction, state.pond_fraction
    free = 1.0 - snow - pond
    top, soil_temperature = top_temperature(state), state.temperature[SNOW_LAYERS]
    relative = _pore_humidity(soil, state)

    over_snow = saturation(top, air_pressure)
    over_soil = saturation(soil_temperature, air_pressure)
    over_pond = saturation(state.pond_temperature, air_pressure)
    between = (over_soil.humidity > air_humidity) & (air_humidity > relative * over_soil.humidity)
    soil_humidity = jnp.where(between, air_humidity, relative * over_soil.humidity)
    soil_slope = jnp.where(between, 0.0, relative * over_soil.humidity_slope)

    layered = state.snow_index < 0
    snow_humidity = jnp.where(layered, over_snow.humidity, soil_humidity)
    slope = snow * over_snow.humidity_slope + free * soil_slope
    slope = jnp.where(layered, slope, (1.0 - pond) * relative * slope)
    return GroundSurface(
        temperature=ground_temperature(state),
        snow_temperature=top,
        soil_temperature=soil_temperature,
        pond_temperature=state.pond_temperature,
        humidity=snow * snow_humidity + free * soil_humidity + pond * over_pond.humidity,
        snow_humidity=snow_humidity,
        soil_humidity=soil_humidity,
        pond_humidity=over_pond.humidity,
        humidity_slope=slope + pond * over_pond.humidity_slope,
        relative_humidity=free * relative + snow + pond,
        evaporation_factor=_evaporation_factor(soil, state),
        roughness=jnp.where(snow > 0.0, ROUGHNESS_SNOW, ROUGHNESS_SOIL),
        emissivity=EMISSIVITY_SOIL * (1.0 - snow) + EMISSIVITY_SNOW * snow,
        latent_heat=latent_heat_of_top(state),
    )


def _top_soil_water(state: GroundState) -> Float[Array, " column"]:
    """Volumetric water content of the first soil layer, liquid and ice."""
    water = state.liquid_water[SNOW_LAYERS] / DENSITY_LIQUID + state.ice[SNOW_LAYERS] / DENSITY_ICE
    return water / float(ground_grid().thickness[0])


def _pore_humidity(soil: SoilProperties, state: GroundState) -> Float[Array, " column"]:
    """Relative humidity of the pores of the first layer, h = exp(psi g / (1000 R_v T)), psi in mm."""
    wetness = jnp.clip(_top_soil_water(state) / soil.porosity[0], _LEAST_SATURATION, 1.0)
    potential = -soil.saturated_suction[0] * power(wetness, -soil.retention_exponent[0])
    potential = jnp.maximum(potential, MINIMUM_SOIL_POTENTIAL)
    return jnp.exp(
        potential / (GAS_CONSTANT_WATER_VAPOUR / GRAVITY * 1000.0) / state.temperature[SNOW_LAYERS]
    )


def _evaporation_factor(soil: SoilProperties, state: GroundState) -> Float[Array, " column"]:
    """beta of Lee and Pielke (1992): 0.25 (1 - cos(pi x))^2, x = theta / theta_fc, 1 above field capacity."""
    covered = state.effective_snow_fraction + state.pond_fraction
    content, capacity = _top_soil_water(state), soil.field_capacity[0]
    drop = 1.0 - jnp.cos(math.pi * jnp.clip(content / capacity, _LEAST_SATURATION, 1.0))
    limited = (1.0 - covered) * 0.25 * drop * drop + covered
    return jnp.where(content < capacity, limited, 1.0)


def latent_heat_of_top(state: GroundState) -> Float[Array, " column"]:
    """Of sublimation where the uppermost layer has ice and no liquid, else of vaporisation, J kg-1."""
    row = (SNOW_LAYERS + state.snow_index)[None, :]
    liquid = jnp.take_along_axis(state.liquid_water, row, axis=0)[0]
    ice = jnp.take_along_axis(state.ice, row, axis=0)[0]
    only_ice = (liquid <= 0.0) & (ice > 0.0)
    return jnp.where(only_ice, LATENT_HEAT_SUBLIMATION, LATENT_HEAT_VAPORISATION)
