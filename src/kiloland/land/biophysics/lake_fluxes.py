"""Exchange of a lake's surface with the air: surface temperature, heat, evaporation, momentum.

After Subin, Riley and Mironov (2012, doi:10.1029/2011MS000072); CLM4.5 technical note (Oleson et al. 2013),
chapter 9.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air
from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_ICE,
    FREEZING_POINT,
    HEAT_CAPACITY_AIR,
    STEFAN_BOLTZMANN,
    VON_KARMAN,
)
from kiloland.land.biophysics.lake_layers import DENSEST_WATER
from kiloland.land.biophysics.lake_surface import (
    EMISSIVITY,
    LakeShape,
    LakeSunlight,
    LakeSurface,
    latent_heat,
    open_water,
)
from kiloland.land.biophysics.lake_turbulence import (
    SCREEN_HEIGHT,
    Iterate,
    LakeAir,
    Turbulence,
    first_iterate,
    next_iterate,
    screen_air,
    turbulence_of,
)
from kiloland.land.biophysics.safe_math import power
from kiloland.land.pytree import pytree_dataclass

_ITERATIONS = 4
_LARGEST_STEP = 20.0


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


class _Balance(NamedTuple):
    """Surface temperature that balances the fluxes, K, and the fluxes, W m-2 and kg m-2 s-1."""

    temperature: Array
    sensible: Array
    evaporation: Array


def lake_fluxes(
    shape: LakeShape,
    surface: LakeSurface,
    air: Air,
    sunlight: LakeSunlight,
    longwave_down: Float[Array, " column"],
) -> LakeFluxes:
    """Surface temperature from the balance of radiation, turbulence and conduction, four iterations.

    T_g = (b S + e L + 3 e s T^3 T + rho cp th / r_ah - L_v rho (q_s - q_s' T - q) / r_aw + k T_1 / z)
          / (4 e s T^3 + rho cp / r_ah + L_v rho q_s' / r_aw + k / z)

    with absorbed sunlight S and the part b of it that stays at the surface, longwave L (W m-2) and the
    emissivity e; no iteration changes it by more than 20 K.

    Args:
        shape, surface, sunlight: the lake.
        air: at the reference height above the surface.
        longwave_down: from the sky, W m-2.
    """
    above, first = first_iterate(shape, surface, air, longwave_down)

    def refine(_: int, carry: Iterate) -> Iterate:
        turbulence = turbulence_of(above, carry)
        balance = _balance(surface, above, sunlight, carry, turbulence)
        return next_iterate(surface, above, turbulence, balance.temperature)

    carry = jax.lax.fori_loop(0, _ITERATIONS - 1, refine, first)
    turbulence = turbulence_of(above, carry)
    balance = _balance(surface, above, sunlight, carry, turbulence)
    last = next_iterate(surface, above, turbulence, balance.temperature)
    settled = _settle(surface, above, turbulence, balance, last)
    return _fluxes(shape, sunlight, above, carry, last, turbulence, settled)


def _balance(
    surface: LakeSurface, above: LakeAir, sunlight: LakeSunlight, carry: Iterate, turbulence: Turbulence
) -> _Balance:
    """The linearised balance of the surface, equation in :func:`lake_fluxes`."""
    before, air, density = carry.temperature, above.air, above.density
    conductivity = jnp.where(
        open_water(surface, before),
        surface.eddy_conductivity,
        jnp.where(surface.snow_layers, surface.top_snow_conductivity, CONDUCTIVITY_ICE),
    )
    below = jnp.where(surface.snow_layers, surface.top_snow_temperature, surface.first_layer)
    cubed = EMISSIVITY * STEFAN_BOLTZMANN * before * before * before
    vapour = carry.latent_heat * density / turbulence.moisture
    conduction = conductivity / surface.half_top_layer
    known = (
        sunlight.surface_share * sunlight.absorbed
        + EMISSIVITY * above.longwave_down
        + 3.0 * cubed * before
        + density * HEAT_CAPACITY_AIR / turbulence.heat * above.warmth
        - vapour * (carry.humidity - carry.slope * before - air.humidity)
        + conduction * below
    )
    response = 4.0 * cubed + density * HEAT_CAPACITY_AIR / turbulence.heat + vapour * carry.slope + conduction
    temperature = jnp.clip(known / response, before - _LARGEST_STEP, before + _LARGEST_STEP)
    humidity = carry.humidity + carry.slope * (temperature - before)
    return _Balance(
        temperature=temperature,
        sensible=density * HEAT_CAPACITY_AIR * (temperature - above.warmth) / turbulence.heat,
        evaporation=density * (humidity - air.humidity) / turbulence.moisture,
    )


def _settle(
    surface: LakeSurface, above: LakeAir, turbulence: Turbulence, balance: _Balance, last: Iterate
) -> _Balance:
    """The balance after melting or convection fixed the surface temperature.

    Snow layers or freezing water cannot be above freezing at the surface; where the first layer would
    overturn, the surface takes its temperature.
    """
    temperature, first, density = balance.temperature, surface.first_layer, above.density
    melting = (surface.snow_layers | (first <= FREEZING_POINT)) & (temperature > FREEZING_POINT)
    sinking = (first > temperature) & (temperature > DENSEST_WATER)
    rising = (first < temperature) & (first > FREEZING_POINT) & (temperature < DENSEST_WATER)
    mixing = (sinking | rising) & ~melting
    fixed = jnp.where(melting, FREEZING_POINT, jnp.where(mixing, first, temperature))
    sensible = density * HEAT_CAPACITY_AIR * (fixed - above.warmth) / turbulence.heat
    humid = last.humidity + last.slope * (fixed - temperature) - above.air.humidity
    return _Balance(
        temperature=fixed,
        sensible=jnp.where(melting | mixing, sensible, balance.sensible),
        evaporation=jnp.where(melting | mixing, density * humid / turbulence.moisture, balance.evaporation),
    )


def _fluxes(
    shape: LakeShape,
    sunlight: LakeSunlight,
    above: LakeAir,
    carry: Iterate,
    last: Iterate,
    turbulence: Turbulence,
    settled: _Balance,
) -> LakeFluxes:
    """Everything that leaves the surface, from the balance that has settled."""
    density, temperature = above.density, settled.temperature
    latent = latent_heat(temperature) * settled.evaporation
    square = temperature * temperature
    longwave_up = (1.0 - EMISSIVITY) * above.longwave_down + EMISSIVITY * STEFAN_BOLTZMANN * square * square
    light = sunlight.surface_share * sunlight.absorbed
    screen_temperature, screen_humidity = screen_air(above, carry, last, turbulence)
    low_wind = turbulence.friction / VON_KARMAN * jnp.log(SCREEN_HEIGHT / last.roughness.momentum)
    low_wind = jnp.maximum(0.1, low_wind)
    return LakeFluxes(
        temperature=temperature,
        sensible=settled.sensible,
        evaporation=settled.evaporation,
        latent=latent,
        longwave_up=longwave_up,
        net_heat=light + above.longwave_down - (longwave_up + settled.sensible + latent),
        eastward_stress=-density * above.air.eastward_wind / turbulence.momentum,
        northward_stress=-density * above.air.northward_wind / turbulence.momentum,
        momentum_resistance=turbulence.momentum,
        friction_velocity=turbulence.friction,
        roughness=last.roughness.momentum,
        roughness_heat=last.roughness.heat,
        roughness_moisture=last.roughness.moisture,
        screen_temperature=screen_temperature,
        screen_humidity=screen_humidity,
        stirring=1.2e-3 * low_wind,
        stirring_decay=6.6 * jnp.sqrt(shape.coriolis_sine) * power(low_wind, -1.84),
    )
