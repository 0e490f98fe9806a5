"""Turbulent fluxes between bare ground and the air."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import (
    GAS_CONSTANT_DRY_AIR,
    HEAT_CAPACITY_AIR,
    VON_KARMAN,
)
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.similarity import (
    Profiles,
    Stability,
    initial_stability,
    next_stability,
    profiles,
    scalar_profile,
)
from kiloland.land.pytree import pytree_dataclass

_ITERATIONS = 3
_AIR_VISCOSITY = 1.5e-5
_LEAST_WIND = 1.0
_LAPSE = 0.0098
_VIRTUAL = 0.61
_SCREEN_HEIGHT = 2.0


@pytree_dataclass
class Air:
    """The air above each patch, at the reference height."""

    temperature: Float[Array, " patch"]
    """K."""
    potential_temperature: Float[Array, " patch"]
    """K."""
    humidity: Float[Array, " patch"]
    """Specific humidity, kg kg-1."""
    pressure: Float[Array, " patch"]
    """Pa."""
    eastward_wind: Float[Array, " patch"]
    """m s-1."""
    northward_wind: Float[Array, " patch"]
    """m s-1."""
    height: Float[Array, " patch"]
    """Reference height above the surface, m."""


@pytree_dataclass
class TurbulentFluxes:
    """Fluxes from the ground to the air at the start of a step, and their derivatives.

    Sensible heat in W m-2, evaporation in kg m-2 s-1, both positive upwards.
    """

    sensible: Float[Array, " patch"]
    sensible_snow: Float[Array, " patch"]
    sensible_soil: Float[Array, " patch"]
    sensible_pond: Float[Array, " patch"]
    evaporation: Float[Array, " patch"]
    evaporation_snow: Float[Array, " patch"]
    evaporation_soil: Float[Array, " patch"]
    evaporation_pond: Float[Array, " patch"]
    sensible_derivative: Float[Array, " patch"]
    """With ground temperature, W m-2 K-1 (ELM `cgrnds`)."""
    evaporation_derivative: Float[Array, " patch"]
    """With ground temperature, kg m-2 s-1 K-1 (`cgrndl`)."""
    eastward_stress: Float[Array, " patch"]
    """kg m-1 s-2, on the air (`taux`)."""
    northward_stress: Float[Array, " patch"]
    momentum_resistance: Float[Array, " patch"]
    """s m-1."""
    heat_resistance: Float[Array, " patch"]
    """s m-1."""
    moisture_resistance: Float[Array, " patch"]
    """s m-1."""
    friction_velocity: Float[Array, " patch"]
    """m s-1."""
    obukhov_length: Float[Array, " patch"]
    """m, of the state after the last iteration."""
    screen_temperature: Float[Array, " patch"]
    """At 2 m, K."""
    screen_humidity: Float[Array, " patch"]
    """Specific, at 2 m, kg kg-1."""


def air_density(air: Air) -> Float[Array, " patch"]:
    """(p - 0.378 e) / (R_d T), e = q p / (0.622 + 0.378 q); kg m-3."""
    vapour = air.humidity * air.pressure / (0.622 + 0.378 * air.humidity)
    return (air.pressure - 0.378 * vapour) / (GAS_CONSTANT_DRY_AIR * air.temperature)


def bare_ground_fluxes(air: Air, ground: GroundSurface) -> TurbulentFluxes:
    """Fluxes over ground without exposed vegetation (ELM `BareGroundFluxes`).

    Three iterations of similarity with z0h = z0 exp(-0.13 (u* z0 / 1.5e-5)^0.45);
    H = -rho cp (theta - T) / r_ah with theta = T_air + 0.0098 z; E = -rho beta (q - q_g) / r_aw, beta = 1 for
    dew. `ground` has the axis of the patches here.
    """
    height = air.height + ground.roughness
    warm_air = air.temperature + _LAPSE * height
    virtual = air.potential_temperature * (1.0 + _VIRTUAL * air.humidity)
    wind = jnp.sqrt(air.eastward_wind * air.eastward_wind + air.northward_wind * air.northward_wind)
    wind = jnp.maximum(wind, _LEAST_WIND)
    heat_difference = warm_air - ground.temperature
    moisture_difference = air.humidity - ground.humidity

    def virtual_of(heat: Array, moisture: Array) -> Array:
        return heat * (1.0 + _VIRTUAL * air.humidity) + _VIRTUAL * air.potential_temperature * moisture

    def refine(_: int, carry: tuple[Stability, Array]) -> tuple[Stability, Array]:
        stability, roughness = carry
        shape = profiles(stability, height, ground.roughness, roughness, roughness)
        scale = virtual_of(shape.heat * heat_difference, shape.moisture * moisture_difference)
        after = next_stability(wind, shape.friction_velocity, scale, virtual, height)
        reynolds = shape.friction_velocity * ground.roughness / _AIR_VISCOSITY
        return after, ground.roughness / jnp.exp(0.13 * power(reynolds, 0.45))

    start = initial_stability(
        wind, virtual, virtual_of(heat_difference, moisture_difference), height, ground.roughness
    )
    stability, roughness = jax.lax.fori_loop(0, _ITERATIONS - 1, refine, (start, ground.roughness))
    shape = profiles(stability, height, ground.roughness, roughness, roughness)
    after, _ = refine(0, (stability, roughness))
    screen = _SCREEN_HEIGHT + roughness
    at_screen = VON_KARMAN / scalar_profile(screen, stability.obukhov_length, roughness)
    return _fluxes(air, ground, after, shape, at_screen, warm_air)


def _fluxes(
    air: Air,
    ground: GroundSurface,
    stability: Stability,
    shape: Profiles,
    at_screen: Float[Array, " patch"],
    warm_air: Float[Array, " patch"],
) -> TurbulentFluxes:
    density = air_density(air)
    friction = shape.friction_velocity
    momentum_resistance = stability.wind / (friction * friction)
    heat_resistance = 1.0 / (shape.heat * friction)
    moisture_resistance = 1.0 / (shape.moisture * friction)
    heat_conductance = density * HEAT_CAPACITY_AIR / heat_resistance
    heat_difference = warm_air - ground.temperature
    moisture_difference = air.humidity - ground.humidity
    factor = jnp.where(moisture_difference > 0.0, 1.0, ground.evaporation_factor)
    moisture_conductance = factor * density / moisture_resistance
    return TurbulentFluxes(
        sensible=-heat_conductance * heat_difference,
        sensible_snow=-heat_conductance * (warm_air - ground.snow_temperature),
        sensible_soil=-heat_conductance * (warm_air - ground.soil_temperature),
        sensible_pond=-heat_conductance * (warm_air - ground.pond_temperature),
        evaporation=-moisture_conductance * moisture_difference,
        evaporation_snow=-moisture_conductance * (air.humidity - ground.snow_humidity),
        evaporation_soil=-moisture_conductance * (air.humidity - ground.soil_humidity),
        evaporation_pond=-moisture_conductance * (air.humidity - ground.pond_humidity),
        sensible_derivative=heat_conductance,
        evaporation_derivative=moisture_conductance * ground.humidity_slope,
        eastward_stress=-density * air.eastward_wind / momentum_resistance,
        northward_stress=-density * air.northward_wind / momentum_resistance,
        momentum_resistance=momentum_resistance,
        heat_resistance=heat_resistance,
        moisture_resistance=moisture_resistance,
        friction_velocity=friction,
        obukhov_length=stability.obukhov_length,
        screen_temperature=warm_air + shape.heat * heat_difference * (1.0 / at_screen - 1.0 / shape.heat),
        screen_humidity=air.humidity
        + shape.moisture * moisture_difference * (1.0 / at_screen - 1.0 / shape.moisture),
    )
