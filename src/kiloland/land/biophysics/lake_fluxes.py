"""Exchange of a lake's surface with the air: surface temperature, heat, evaporation, momentum.

After Subin, Riley and Mironov (2012, doi:10.1029/2011MS000072); CLM4.5 technical note (Oleson et al. 2013),
chapter 9. A lake column has one patch, so all fields are per column.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air, air_density
from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_AIR,
    CONDUCTIVITY_ICE,
    FREEZING_POINT,
    GRAVITY,
    HEAT_CAPACITY_AIR,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
    ROUGHNESS_SNOW,
    STEFAN_BOLTZMANN,
    VON_KARMAN,
)
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.similarity import (
    Stability,
    initial_stability,
    next_stability,
    profiles,
    scalar_profile,
)
from kiloland.land.pytree import pytree_dataclass

EMISSIVITY = 0.97
DENSEST_WATER = 277.0
"""Temperature of the highest density of water, K."""
ROUGHNESS_ICE = 0.001
"""m, of a frozen lake without snow."""
LEAST_ROUGHNESS = 1.0e-5
_ITERATIONS = 4
_LEAST_WIND = 1.0
_LAPSE = 0.0098
_VIRTUAL = 0.61
_VISCOSITY = 1.51e-5
# ELM writes these two in single precision; at 1e-8 it shows.
_PRANDTL = float(np.float32(0.713))
_SCHMIDT = float(np.float32(0.66))
_LEAST_CHARNOCK = 0.01
_CHARNOCK_RANGE = 0.1
_SMOOTH_FLOW = 0.1
_CRITICAL_FETCH = 22.0
_THIN_SNOW = 0.5
_SCREEN_HEIGHT = 2.0


@pytree_dataclass
class LakeShape:
    """What a lake is, constant in a run."""

    depth: Float[Array, " column"]
    """m."""
    fetch: Float[Array, " column"]
    """Length over which the wind blows, m."""
    extinction: Float[Array, " column"]
    """Of light in the water, m-1."""
    coriolis_sine: Float[Array, " column"]
    """|sin(latitude)|."""


@pytree_dataclass
class LakeSurface:
    """The surface of a lake at the start of a step."""

    temperature: Float[Array, " column"]
    """K."""
    first_layer: Float[Array, " column"]
    """Temperature of the first layer of water, K."""
    top_snow_temperature: Float[Array, " column"]
    """K."""
    top_snow_conductivity: Float[Array, " column"]
    """W m-1 K-1."""
    half_top_layer: Float[Array, " column"]
    """Half the thickness of the uppermost layer, snow or water, m."""
    snow_layers: Bool[Array, " column"]
    """Whether snow with layers lies on the lake."""
    snow_water: Float[Array, " column"]
    """kg m-2."""
    eddy_conductivity: Float[Array, " column"]
    """Of the first layer of water, from the last step, W m-1 K-1."""
    friction_velocity: Float[Array, " column"]
    """From the last step, m s-1."""
    roughness: Float[Array, " column"]
    """From the last step, m."""


@pytree_dataclass
class LakeFluxes:
    """Fluxes of a step, upwards in W m-2 and kg m-2 s-1, and the surface they leave."""

    temperature: Float[Array, " column"]
    sensible: Float[Array, " column"]
    evaporation: Float[Array, " column"]
    latent: Float[Array, " column"]
    longwave_up: Float[Array, " column"]
    net_heat: Float[Array, " column"]
    """Into the uppermost layer, W m-2 (ELM `EFLX_GNET`)."""
    eastward_stress: Float[Array, " column"]
    northward_stress: Float[Array, " column"]
    momentum_resistance: Float[Array, " column"]
    friction_velocity: Float[Array, " column"]
    roughness: Float[Array, " column"]
    roughness_heat: Float[Array, " column"]
    roughness_moisture: Float[Array, " column"]
    screen_temperature: Float[Array, " column"]
    screen_humidity: Float[Array, " column"]
    stirring: Float[Array, " column"]
    """Friction velocity in the water, m s-1."""
    stirring_decay: Float[Array, " column"]
    """Its decay with depth, m-1."""


class _Roughness(NamedTuple):
    momentum: Array
    heat: Array
    moisture: Array


class _Carry(NamedTuple):
    temperature: Array
    humidity: Array
    slope: Array
    latent_heat: Array
    stability: Stability
    roughness: _Roughness


def snow_conductivity(ice: Array, liquid: Array, thickness: Array) -> Array:
    """Conductivity of snow, W m-1 K-1 (Jordan 1991): k_a + (7.75e-5 d + 1.105e-6 d^2)(k_i - k_a), d kg m-3."""
    density = (ice + liquid) / thickness
    return CONDUCTIVITY_AIR + (7.75e-5 * density + 1.105e-6 * density * density) * (
        CONDUCTIVITY_ICE - CONDUCTIVITY_AIR
    )


def lake_fluxes(
    shape: LakeShape,
    surface: LakeSurface,
    air: Air,
    absorbed: Float[Array, " column"],
    surface_share: Float[Array, " column"],
    longwave_down: Float[Array, " column"],
) -> LakeFluxes:
    """Surface temperature from the balance of radiation, turbulence and conduction, four iterations.

    T_g = (b S + e L + 3 e s T^3 T + rho cp th / r_ah - L_v rho (q_s - q_s' T - q) / r_aw + k T_1 / z)
          / (4 e s T^3 + rho cp / r_ah + L_v rho q_s' / r_aw + k / z)

    Args:
        shape, surface: the lake.
        air: at the reference height above the surface.
        absorbed: sunlight, W m-2.
        surface_share: the part of it that the uppermost layer takes, see :func:`surface_share_of_light`.
        longwave_down: from the sky, W m-2.
    """
    wind = jnp.sqrt(air.eastward_wind * air.eastward_wind + air.northward_wind * air.northward_wind)
    wind = jnp.maximum(wind, _LEAST_WIND)
    density = air_density(air)
    charnock = _charnock(shape, wind)
    open_water = _open_water(surface, surface.temperature)
    viscosity = _viscosity(surface.temperature, air.pressure)
    start = _roughness(surface, open_water, surface.roughness, surface.friction_velocity, viscosity)
    height = air.height + start.momentum
    warm_air = air.temperature + _LAPSE * height
    virtual = air.potential_temperature * (1.0 + _VIRTUAL * air.humidity)

    def virtual_of(heat: Array, moisture: Array) -> Array:
        return heat * (1.0 + _VIRTUAL * air.humidity) + _VIRTUAL * air.potential_temperature * moisture

    def turbulence(carry: _Carry) -> tuple[Array, Array, Array, Array, Array, Array]:
        shape_ = profiles(carry.stability, height, *carry.roughness)
        friction = shape_.friction_velocity
        momentum = carry.stability.wind / (friction * friction)
        return (
            friction,
            momentum,
            1.0 / (shape_.heat * friction),
            1.0 / (shape_.moisture * friction),
            shape_.heat,
            shape_.moisture,
        )

    def balance(carry: _Carry, heat: Array, moisture: Array) -> tuple[Array, Array, Array]:
        before = carry.temperature
        unfrozen = _open_water(surface, before)
        conductivity = jnp.where(
            unfrozen,
            surface.eddy_conductivity,
            jnp.where(surface.snow_layers, surface.top_snow_conductivity, CONDUCTIVITY_ICE),
        )
        below = jnp.where(surface.snow_layers, surface.top_snow_temperature, surface.first_layer)
        cubed = EMISSIVITY * STEFAN_BOLTZMANN * before * before * before
        vapour = carry.latent_heat * density / moisture
        conduction = conductivity / surface.half_top_layer
        known = (
            surface_share * absorbed
            + EMISSIVITY * longwave_down
            + 3.0 * cubed * before
            + density * HEAT_CAPACITY_AIR / heat * warm_air
            - vapour * (carry.humidity - carry.slope * before - air.humidity)
            + conduction * below
        )
        answer = 4.0 * cubed + density * HEAT_CAPACITY_AIR / heat + vapour * carry.slope + conduction
        temperature = known / answer
        sensible = density * HEAT_CAPACITY_AIR * (temperature - warm_air) / heat
        humidity = carry.humidity + carry.slope * (temperature - before)
        return temperature, sensible, density * (humidity - air.humidity) / moisture

    def refine(_: int, carry: _Carry) -> _Carry:
        friction, _m, heat, moisture, scale_heat, scale_moisture = turbulence(carry)
        temperature, _s, _e = balance(carry, heat, moisture)
        over = saturation(temperature, air.pressure)
        scale = virtual_of(
            scale_heat * (warm_air - temperature), scale_moisture * (air.humidity - over.humidity)
        )
        stability = next_stability(wind, friction, scale, virtual, height)
        unfrozen = _open_water(surface, temperature)
        viscosity = _viscosity(temperature, air.pressure)
        charnock_roughness = jnp.maximum(
            _SMOOTH_FLOW * viscosity / jnp.maximum(friction, 1.0e-4), charnock * friction * friction / GRAVITY
        )
        roughness = _roughness(surface, unfrozen, charnock_roughness, friction, viscosity)
        return _Carry(
            temperature, over.humidity, over.humidity_slope, _latent_heat(temperature), stability, roughness
        )

    over = saturation(surface.temperature, air.pressure)
    first = virtual_of(warm_air - surface.temperature, air.humidity - over.humidity)
    carry = _Carry(
        surface.temperature,
        over.humidity,
        over.humidity_slope,
        _latent_heat(surface.temperature),
        initial_stability(wind, virtual, first, height, start.momentum),
        start,
    )
    carry = jax.lax.fori_loop(0, _ITERATIONS - 1, refine, carry)
    friction, momentum, heat, moisture, scale_heat, scale_moisture = turbulence(carry)
    temperature, sensible, evaporation = balance(carry, heat, moisture)
    last = refine(0, carry)
    fixed, replaced = _melting_or_mixing(surface, temperature)
    at_fixed = density * HEAT_CAPACITY_AIR * (fixed - warm_air) / heat
    sensible = jnp.where(replaced, at_fixed, sensible)
    humid = last.humidity + last.slope * (fixed - temperature) - air.humidity
    evaporation = jnp.where(replaced, density * humid / moisture, evaporation)

    latent = _latent_heat(fixed) * evaporation
    square = fixed * fixed
    longwave_up = (1.0 - EMISSIVITY) * longwave_down + EMISSIVITY * STEFAN_BOLTZMANN * square * square
    net = surface_share * absorbed + longwave_down - (longwave_up + sensible + latent)
    screen_heat = VON_KARMAN / scalar_profile(
        _SCREEN_HEIGHT + carry.roughness.heat, carry.stability.obukhov_length, carry.roughness.heat
    )
    screen_moisture = VON_KARMAN / scalar_profile(
        _SCREEN_HEIGHT + carry.roughness.moisture, carry.stability.obukhov_length, carry.roughness.moisture
    )
    difference_heat, difference_moisture = warm_air - last.temperature, air.humidity - last.humidity
    roughness = last.roughness
    low_wind = jnp.maximum(0.1, friction / VON_KARMAN * jnp.log(_SCREEN_HEIGHT / roughness.momentum))
    return LakeFluxes(
        temperature=fixed,
        sensible=sensible,
        evaporation=evaporation,
        latent=latent,
        longwave_up=longwave_up,
        net_heat=net,
        eastward_stress=-density * air.eastward_wind / momentum,
        northward_stress=-density * air.northward_wind / momentum,
        momentum_resistance=momentum,
        friction_velocity=friction,
        roughness=roughness.momentum,
        roughness_heat=roughness.heat,
        roughness_moisture=roughness.moisture,
        screen_temperature=warm_air + scale_heat * difference_heat * (1.0 / screen_heat - 1.0 / scale_heat),
        screen_humidity=air.humidity
        + scale_moisture * difference_moisture * (1.0 / screen_moisture - 1.0 / scale_moisture),
        stirring=1.2e-3 * low_wind,
        stirring_decay=6.6 * jnp.sqrt(shape.coriolis_sine) * power(low_wind, -1.84),
    )


def surface_share_of_light(
    absorbed: Float[Array, " column"],
    near_infrared: Float[Array, " column"],
    absorbed_by_snow_top: Float[Array, " column"],
    snow_layers: Bool[Array, " column"],
) -> Float[Array, " column"]:
    """Share of the absorbed sunlight that stays at the surface (ELM `betaprime`).

    The near infrared of open water and ice, what the uppermost layer takes of snow. All W m-2.
    """
    taken = jnp.where(snow_layers, absorbed_by_snow_top, jnp.minimum(near_infrared, absorbed))
    return taken / jnp.maximum(1.0e-5, absorbed)


def _latent_heat(temperature: Array) -> Array:
    return jnp.where(temperature > FREEZING_POINT, LATENT_HEAT_VAPORISATION, LATENT_HEAT_SUBLIMATION)


def _viscosity(temperature: Array, pressure: Array) -> Array:
    """Kinematic viscosity of the air at the surface, m2 s-1."""
    return _VISCOSITY * power(temperature / 293.15, 1.5) * 1.013e5 / pressure


def _open_water(surface: LakeSurface, temperature: Array) -> Array:
    warm = (temperature > FREEZING_POINT) & (surface.first_layer > FREEZING_POINT)
    return warm & ~surface.snow_layers


def _charnock(shape: LakeShape, wind: Array) -> Array:
    """Charnock's parameter: 0.01 + 0.1 exp(-min(A, B)), limited by fetch and depth (Vickers, Mahrt 1997)."""
    square = wind * wind
    by_fetch = power(shape.fetch * GRAVITY / square, 1.0 / 3.0) / _CRITICAL_FETCH
    by_depth = jnp.sqrt(shape.depth * GRAVITY / square)
    return _LEAST_CHARNOCK + _CHARNOCK_RANGE * jnp.exp(-jnp.minimum(by_fetch, by_depth))


def _roughness(
    surface: LakeSurface, open_water: Array, of_water: Array, friction: Array, viscosity: Array
) -> _Roughness:
    """Roughness lengths of water, ice or snow, m (water: Zilitinkevich et al. 2001)."""
    water = jnp.maximum(of_water, LEAST_ROUGHNESS)
    root = jnp.sqrt(jnp.maximum(water * friction / viscosity, 0.1))
    water_heat = jnp.maximum(water * jnp.exp(-VON_KARMAN / _PRANDTL * (4.0 * root - 3.2)), LEAST_ROUGHNESS)
    water_vapour = jnp.maximum(water * jnp.exp(-VON_KARMAN / _SCHMIDT * (4.0 * root - 4.2)), LEAST_ROUGHNESS)
    frozen = jnp.where(surface.snow_layers, ROUGHNESS_SNOW, ROUGHNESS_ICE)
    frozen_scalar = frozen / jnp.exp(0.13 * power(friction * frozen / 1.5e-5, 0.45))
    return _Roughness(
        jnp.where(open_water, water, frozen),
        jnp.where(open_water, water_heat, frozen_scalar),
        jnp.where(open_water, water_vapour, frozen_scalar),
    )


def _melting_or_mixing(surface: LakeSurface, temperature: Array) -> tuple[Array, Array]:
    """Surface temperature after melting or convection fixed it, and where they did.

    A surface of snow or of freezing water cannot be above freezing; where the first layer would overturn,
    the surface takes its temperature.
    """
    melting = (surface.snow_water > _THIN_SNOW) | (surface.first_layer <= FREEZING_POINT)
    melting = melting & (temperature > FREEZING_POINT)
    first = surface.first_layer
    sinking = (first > temperature) & (temperature > DENSEST_WATER)
    rising = (first < temperature) & (first > FREEZING_POINT) & (temperature < DENSEST_WATER)
    mixing = (sinking | rising) & ~melting
    fixed = jnp.where(melting, FREEZING_POINT, jnp.where(mixing, first, temperature))
    return fixed, melting | mixing
