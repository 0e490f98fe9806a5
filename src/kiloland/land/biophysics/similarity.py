"""Monin-Obukhov similarity: profiles of wind, heat and moisture above a surface.

After Zeng, Zhao and Dickinson (1998); ELM `FrictionVelocityMod`. Heights in m, speeds in m s-1.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import GRAVITY, VON_KARMAN
from kiloland.land.biophysics.safe_math import power
from kiloland.land.pytree import pytree_dataclass

_VERY_UNSTABLE_MOMENTUM = 1.574
_VERY_UNSTABLE_HEAT = 0.465
_CONVECTIVE_HEIGHT = 1000.0
_CONVECTIVE_EXPONENT = 0.333
_INITIAL_CONVECTIVE_VELOCITY = 0.5
_MINIMUM_WIND = 0.1
_STABLE_LIMITS = (0.01, 2.0)
_UNSTABLE_LIMITS = (-100.0, -0.01)
_HALF_PI = 1.5707963267948966


@pytree_dataclass
class Stability:
    """What the profiles depend on."""

    wind: Float[Array, "..."]
    """Wind with the convective velocity, m s-1."""
    obukhov_length: Float[Array, "..."]
    """m."""


@pytree_dataclass
class Profiles:
    """Friction velocity and the transfer factors of scalars."""

    friction_velocity: Float[Array, "..."]
    """u*, m s-1."""
    heat: Float[Array, "..."]
    """theta* = heat * (theta_reference - theta_surface)."""
    moisture: Float[Array, "..."]
    """q* = moisture * (q_reference - q_surface)."""


def initial_stability(
    wind: Float[Array, "..."],
    virtual_temperature: Float[Array, "..."],
    virtual_difference: Float[Array, "..."],
    height: Float[Array, "..."],
    roughness: Float[Array, "..."],
) -> Stability:
    """First guess from the bulk Richardson number (ELM `MoninObukIni`).

    Arguments: m s-1, virtual potential temperature of the air and air minus surface (K), height above
    displacement (m), roughness of momentum (m).
    """
    stable = virtual_difference >= 0.0
    calm = jnp.sqrt(wind * wind + _INITIAL_CONVECTIVE_VELOCITY * _INITIAL_CONVECTIVE_VELOCITY)
    speed = jnp.where(stable, jnp.maximum(wind, _MINIMUM_WIND), calm)
    richardson = GRAVITY * height * virtual_difference / (virtual_temperature * speed * speed)
    bulk = richardson * jnp.log(height / roughness)
    damped = bulk / (1.0 - 5.0 * jnp.minimum(richardson, 0.19))
    zeta = _limit(jnp.where(richardson >= 0.0, damped, bulk), richardson >= 0.0)
    return Stability(wind=speed, obukhov_length=height / zeta)


def next_stability(
    wind: Float[Array, "..."],
    friction_velocity: Float[Array, "..."],
    virtual_scale: Float[Array, "..."],
    virtual_temperature: Float[Array, "..."],
    height: Float[Array, "..."],
) -> Stability:
    """Stability from the fluxes: zeta = z k g theta_v* / (u*^2 theta_v), limited, and the convective wind.

    Unstable: u_m^2 = u^2 + w*^2, w*^3 = -g u* theta_v* 1000 m / theta_v.
    """
    square = friction_velocity * friction_velocity
    zeta = height * VON_KARMAN * GRAVITY * virtual_scale / (square * virtual_temperature)
    stable = zeta >= 0.0
    zeta = _limit(zeta, stable)
    buoyancy = -GRAVITY * friction_velocity * virtual_scale * _CONVECTIVE_HEIGHT / virtual_temperature
    convective = power(buoyancy, _CONVECTIVE_EXPONENT)
    gusty = jnp.sqrt(wind * wind + convective * convective)
    speed = jnp.where(stable, jnp.maximum(wind, _MINIMUM_WIND), gusty)
    return Stability(wind=speed, obukhov_length=height / zeta)


def profiles(
    stability: Stability,
    height: Float[Array, "..."],
    roughness: Float[Array, "..."],
    roughness_heat: Float[Array, "..."],
    roughness_moisture: Float[Array, "..."],
) -> Profiles:
    """u* and the transfer factors at a height above displacement (all m)."""
    length = stability.obukhov_length
    momentum = momentum_profile(height, length, roughness)
    return Profiles(
        friction_velocity=VON_KARMAN * stability.wind / momentum,
        heat=VON_KARMAN / scalar_profile(height, length, roughness_heat),
        moisture=VON_KARMAN / scalar_profile(height, length, roughness_moisture),
    )


def momentum_profile(
    height: Float[Array, "..."], length: Float[Array, "..."], roughness: Float[Array, "..."]
) -> Float[Array, "..."]:
    """k u / u* between a roughness length and a height, in four ranges of zeta = height / length."""
    limit = _VERY_UNSTABLE_MOMENTUM
    zeta = height / length
    unstable = zeta < 0.0
    cold = jnp.where(unstable, zeta, -1.0)
    edge = -limit * jnp.where(unstable, length, -1.0)
    near = _psi_momentum(jnp.where(unstable, roughness / length, -1.0))
    very_unstable = (
        jnp.log(edge / roughness)
        - _psi_momentum(jnp.full_like(zeta, -limit))
        + near
        + 1.14 * (power(-cold, 0.333) - limit**0.333)
    )
    moderately_unstable = jnp.log(height / roughness) - _psi_momentum(cold) + near
    unstable_profile = jnp.where(zeta < -limit, very_unstable, moderately_unstable)
    return jnp.where(unstable, unstable_profile, _stable_profile(height, length, roughness))


def scalar_profile(
    height: Float[Array, "..."], length: Float[Array, "..."], roughness: Float[Array, "..."]
) -> Float[Array, "..."]:
    """k theta / theta* between a roughness length and a height, in four ranges of zeta."""
    limit = _VERY_UNSTABLE_HEAT
    zeta = height / length
    unstable = zeta < 0.0
    cold = jnp.where(unstable, zeta, -1.0)
    edge = -limit * jnp.where(unstable, length, -1.0)
    near = _psi_scalar(jnp.where(unstable, roughness / length, -1.0))
    very_unstable = (
        jnp.log(edge / roughness)
        - _psi_scalar(jnp.full_like(zeta, -limit))
        + near
        + 0.8 * (limit**-0.333 - power(-cold, -0.333))
    )
    moderately_unstable = jnp.log(height / roughness) - _psi_scalar(cold) + near
    unstable_profile = jnp.where(zeta < -limit, very_unstable, moderately_unstable)
    return jnp.where(unstable, unstable_profile, _stable_profile(height, length, roughness))


def _stable_profile(height: Array, length: Array, roughness: Array) -> Array:
    """ln(z/z0) + 5 zeta - 5 z0/L up to zeta = 1; ln(L/z0) + 5 - 5 z0/L + 5 ln zeta + zeta - 1 beyond."""
    zeta = height / length
    stable = zeta >= 0.0
    safe_length = jnp.where(stable, length, 1.0)
    safe_zeta = jnp.where(stable & (zeta > 1.0), zeta, 1.0)
    near = 5.0 * roughness / safe_length
    moderate = jnp.log(height / roughness) + 5.0 * zeta - near
    very = jnp.log(safe_length / roughness) + 5.0 - near + (5.0 * jnp.log(safe_zeta) + safe_zeta - 1.0)
    return jnp.where(zeta > 1.0, very, moderate)


def _psi_momentum(zeta: Array) -> Array:
    square = jnp.sqrt(1.0 - 16.0 * zeta)
    x = jnp.sqrt(square)
    return 2.0 * jnp.log((1.0 + x) * 0.5) + jnp.log((1.0 + square) * 0.5) - 2.0 * jnp.arctan(x) + _HALF_PI


def _psi_scalar(zeta: Array) -> Array:
    square = jnp.sqrt(1.0 - 16.0 * zeta)
    return 2.0 * jnp.log((1.0 + square) * 0.5)


def _limit(zeta: Array, stable: Array) -> Array:
    return jnp.where(stable, jnp.clip(zeta, *_STABLE_LIMITS), jnp.clip(zeta, *_UNSTABLE_LIMITS))
