"""What a lake is and what the air sees of it: shape, state of its surface, roughness.

After Subin, Riley and Mironov (2012, doi:10.1029/2011MS000072); CLM4.5 technical note (Oleson et al. 2013),
chapter 9. A lake column has one patch, so all fields are per column.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_AIR,
    CONDUCTIVITY_ICE,
    FREEZING_POINT,
    GRAVITY,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
    ROUGHNESS_SNOW,
    VON_KARMAN,
)
from kiloland.land.biophysics.safe_math import power
from kiloland.land.pytree import pytree_dataclass

EMISSIVITY = 0.97
ROUGHNESS_ICE = 0.001
"""m, of a frozen lake without snow."""
LEAST_ROUGHNESS = 1.0e-10
"""m."""
_VISCOSITY = 1.51e-5
# ELM writes these two in single precision; at 1e-8 it shows.
_PRANDTL = float(np.float32(0.713))
_SCHMIDT = float(np.float32(0.66))
_LEAST_CHARNOCK = 0.01
_CHARNOCK_RANGE = 0.1
_SMOOTH_FLOW = 0.1
_CRITICAL_FETCH = 100.0
_SHALLOW = 4.0
_SMALL_FETCH = 100.0
_FETCH_OF_DEPTH = 25.0


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
    eddy_conductivity: Float[Array, " column"]
    """Of the first layer of water, from the last step, W m-1 K-1."""
    friction_velocity: Float[Array, " column"]
    """From the last step, m s-1."""
    roughness: Float[Array, " column"]
    """From the last step, m."""


@pytree_dataclass
class LakeSunlight:
    """Sunlight that a lake absorbs, W m-2."""

    absorbed: Float[Array, " column"]
    surface_share: Float[Array, " column"]
    """Part of it that the uppermost layer takes (ELM `betaprime`)."""
    by_layer: Float[Array, "snow1 column"]
    """In snow layers and, last, below them."""


class Roughness(NamedTuple):
    """Roughness lengths, m."""

    momentum: Array
    heat: Array
    moisture: Array


def fetch_of_depth(depth: Float[Array, " column"]) -> Float[Array, " column"]:
    """Fetch of a lake of which none is known, m: 100 below 4 m depth, else 25 times the depth."""
    return jnp.where(depth < _SHALLOW, _SMALL_FETCH, _FETCH_OF_DEPTH * depth)


def extinction_of_depth(depth: Float[Array, " column"]) -> Float[Array, " column"]:
    """Extinction of light where none is known, m-1: 1.1925 max(depth, 1)^-0.424 (Hakanson 1995)."""
    return 1.1925 * power(jnp.maximum(depth, 1.0), -0.424)


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


def snow_conductivity(ice: Array, liquid: Array, thickness: Array) -> Array:
    """Of snow of density d, W m-1 K-1: k_a + (7.75e-5 d + 1.105e-6 d^2)(k_i - k_a) (Jordan 1991)."""
    density = (ice + liquid) / thickness
    return CONDUCTIVITY_AIR + (7.75e-5 * density + 1.105e-6 * density * density) * (
        CONDUCTIVITY_ICE - CONDUCTIVITY_AIR
    )


def latent_heat(temperature: Array) -> Array:
    """Of the vapour that a surface gives off, J kg-1."""
    return jnp.where(temperature > FREEZING_POINT, LATENT_HEAT_VAPORISATION, LATENT_HEAT_SUBLIMATION)


def unfrozen_surface(surface: LakeSurface, temperature: Array) -> Array:
    """Whether a surface of some temperature (K) is above freezing and without snow layers."""
    return (temperature > FREEZING_POINT) & ~surface.snow_layers


def open_water(surface: LakeSurface, temperature: Array) -> Array:
    """Whether the first layer too is above freezing."""
    return unfrozen_surface(surface, temperature) & (surface.first_layer > FREEZING_POINT)


def air_viscosity(temperature: Array, pressure: Array) -> Array:
    """Kinematic viscosity of the air at the surface, m2 s-1: 1.51e-5 (T/293.15)^1.5 (1.013e5/p)."""
    return _VISCOSITY * power(temperature / 293.15, 1.5) * 1.013e5 / pressure


def charnock_parameter(shape: LakeShape, wind: Array, friction: Array) -> Array:
    """Charnock's parameter: 0.01 + 0.1 exp(-min(A, B)), waves limited by fetch F and depth D.

    A = (F g / u*^2)^(1/3) / 100 (Vickers and Mahrt 1997), B = sqrt(D g) / U with the wind U.
    """
    by_fetch = power(shape.fetch * GRAVITY / (friction * friction), 1.0 / 3.0) / _CRITICAL_FETCH
    by_depth = jnp.sqrt(shape.depth * GRAVITY / (wind * wind))
    return _LEAST_CHARNOCK + _CHARNOCK_RANGE * jnp.exp(-jnp.minimum(by_fetch, by_depth))


def wave_roughness(shape: LakeShape, wind: Array, friction: Array, viscosity: Array) -> Array:
    """Roughness of open water, m: max(0.1 v / max(u*, 1e-4), a u*^2 / g) with Charnock's parameter a."""
    charnock = charnock_parameter(shape, wind, friction)
    smooth = _SMOOTH_FLOW * viscosity / jnp.maximum(friction, 1.0e-4)
    return jnp.maximum(smooth, charnock * friction * friction / GRAVITY)


def roughness_lengths(
    surface: LakeSurface, unfrozen: Array, of_water: Array, friction: Array, viscosity: Array
) -> Roughness:
    """Roughness lengths of water, ice or snow, m (water: Zilitinkevich et al. 2001)."""
    water = jnp.maximum(of_water, LEAST_ROUGHNESS)
    root = jnp.sqrt(jnp.maximum(water * friction / viscosity, 0.1))
    water_heat = jnp.maximum(water * jnp.exp(-VON_KARMAN / _PRANDTL * (4.0 * root - 3.2)), LEAST_ROUGHNESS)
    water_vapour = jnp.maximum(water * jnp.exp(-VON_KARMAN / _SCHMIDT * (4.0 * root - 4.2)), LEAST_ROUGHNESS)
    frozen = jnp.where(surface.snow_layers, ROUGHNESS_SNOW, ROUGHNESS_ICE)
    frozen_scalar = frozen / jnp.exp(0.13 * power(friction * frozen / 1.5e-5, 0.45))
    return Roughness(
        jnp.where(unfrozen, water, frozen),
        jnp.where(unfrozen, water_heat, frozen_scalar),
        jnp.where(unfrozen, water_vapour, frozen_scalar),
    )
