"""The air above a lake: stability and resistances as the iteration of the surface temperature meets them.

After Subin, Riley and Mironov (2012, doi:10.1029/2011MS000072); CLM4.5 technical note (Oleson et al. 2013),
chapter 9.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air, air_density
from kiloland.land.biophysics.constants import VON_KARMAN
from kiloland.land.biophysics.lake_surface import (
    LakeShape,
    LakeSurface,
    Roughness,
    air_viscosity,
    latent_heat,
    roughness_lengths,
    unfrozen_surface,
    wave_roughness,
)
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.similarity import (
    Stability,
    initial_stability,
    next_stability,
    profiles,
    scalar_profile,
)

SCREEN_HEIGHT = 2.0
"""m."""
_LEAST_WIND = 1.0
_LAPSE = 0.0098
_VIRTUAL = 0.61


class LakeAir(NamedTuple):
    """The air above the lake, unchanged by the iteration."""

    air: Air
    density: Array
    wind: Array
    shape: LakeShape
    height: Array
    warmth: Array
    """Its temperature brought down to the surface, K."""
    virtual: Array
    """Virtual potential temperature, K."""
    longwave_down: Array


class Iterate(NamedTuple):
    """What an iteration hands to the next."""

    temperature: Array
    humidity: Array
    slope: Array
    latent_heat: Array
    stability: Stability
    roughness: Roughness


class Turbulence(NamedTuple):
    """Resistances, s m-1, and what scales differences to fluxes."""

    friction: Array
    momentum: Array
    heat: Array
    moisture: Array
    heat_scale: Array
    moisture_scale: Array


def first_iterate(
    shape: LakeShape, surface: LakeSurface, air: Air, longwave_down: Float[Array, " column"]
) -> tuple[LakeAir, Iterate]:
    """The air, and the first guess: roughness and temperature of the last step."""
    wind = jnp.sqrt(air.eastward_wind * air.eastward_wind + air.northward_wind * air.northward_wind)
    wind = jnp.maximum(wind, _LEAST_WIND)
    viscosity = air_viscosity(surface.temperature, air.pressure)
    unfrozen = unfrozen_surface(surface, surface.temperature)
    roughness = roughness_lengths(surface, unfrozen, surface.roughness, surface.friction_velocity, viscosity)
    height = air.height + roughness.momentum
    above = LakeAir(
        air=air,
        density=air_density(air),
        wind=wind,
        shape=shape,
        height=height,
        warmth=air.temperature + _LAPSE * height,
        virtual=air.potential_temperature * (1.0 + _VIRTUAL * air.humidity),
        longwave_down=longwave_down,
    )
    over = saturation(surface.temperature, air.pressure)
    excess = _virtual_of(air, above.warmth - surface.temperature, air.humidity - over.humidity)
    stability = initial_stability(wind, above.virtual, excess, height, roughness.momentum)
    return above, Iterate(
        surface.temperature,
        over.humidity,
        over.humidity_slope,
        latent_heat(surface.temperature),
        stability,
        roughness,
    )


def _virtual_of(air: Air, heat: Array, moisture: Array) -> Array:
    """Virtual temperature of a difference of temperature and humidity, K."""
    return heat * (1.0 + _VIRTUAL * air.humidity) + _VIRTUAL * air.potential_temperature * moisture


def turbulence_of(above: LakeAir, carry: Iterate) -> Turbulence:
    """Resistances and scales of an iterate."""
    profile = profiles(carry.stability, above.height, *carry.roughness)
    friction = profile.friction_velocity
    return Turbulence(
        friction=friction,
        momentum=carry.stability.wind / (friction * friction),
        heat=1.0 / (profile.heat * friction),
        moisture=1.0 / (profile.moisture * friction),
        heat_scale=profile.heat,
        moisture_scale=profile.moisture,
    )


def next_iterate(
    surface: LakeSurface, above: LakeAir, turbulence: Turbulence, temperature: Float[Array, " column"]
) -> Iterate:
    """Stability and roughness with a new surface temperature, K."""
    air, friction = above.air, turbulence.friction
    over = saturation(temperature, air.pressure)
    scale = _virtual_of(
        air,
        turbulence.heat_scale * (above.warmth - temperature),
        turbulence.moisture_scale * (air.humidity - over.humidity),
    )
    viscosity = air_viscosity(temperature, air.pressure)
    return Iterate(
        temperature,
        over.humidity,
        over.humidity_slope,
        latent_heat(temperature),
        next_stability(above.wind, friction, scale, above.virtual, above.height),
        roughness_lengths(
            surface,
            unfrozen_surface(surface, temperature),
            wave_roughness(above.shape, above.wind, friction, viscosity),
            friction,
            viscosity,
        ),
    )


def screen_air(above: LakeAir, carry: Iterate, last: Iterate, turbulence: Turbulence) -> tuple[Array, Array]:
    """Temperature (K) and specific humidity 2 m above the roughness of heat and moisture."""

    def scale(roughness: Array) -> Array:
        profile = scalar_profile(SCREEN_HEIGHT + roughness, carry.stability.obukhov_length, roughness)
        return VON_KARMAN / profile

    heat, moisture = scale(carry.roughness.heat), scale(carry.roughness.moisture)
    warmer, moister = above.warmth - last.temperature, above.air.humidity - last.humidity
    heat_scale, moisture_scale = turbulence.heat_scale, turbulence.moisture_scale
    return (
        above.warmth + heat_scale * warmer * (1.0 / heat - 1.0 / heat_scale),
        above.air.humidity + moisture_scale * moister * (1.0 / moisture - 1.0 / moisture_scale),
    )
