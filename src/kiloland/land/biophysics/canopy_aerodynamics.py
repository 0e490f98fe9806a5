"""Aerodynamics of a canopy: shape, resistances of leaves, of the air below and of litter."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import GRAVITY, VON_KARMAN
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.similarity import Stability, momentum_profile
from kiloland.land.parameters import VegetationStructure
from kiloland.land.pytree import pytree_dataclass

_DENSE_AREA = 2.0
_AIR_VISCOSITY = 1.5e-5
_LEAF_TRANSFER = 0.01
_DENSE_TRANSFER = 0.004
_STABLE_REDUCTION = 0.5
_MOST_STABLE = 10.0
_LITTER_AREA = 0.5
_LITTER_DEPTH = 0.05
_LITTER_TRANSFER = 0.004
_WIND_HEIGHT = 10.0


@pytree_dataclass
class CanopyShape:
    """Shape of a canopy as the wind feels it, m."""

    height: Float[Array, " patch"]
    """Reference height above the displacement height."""
    reference_height: Float[Array, " patch"]
    """Above the ground."""
    displacement: Float[Array, " patch"]
    """ELM `displa`."""
    roughness: Float[Array, " patch"]
    """Of momentum, heat and moisture (`z0mv`)."""
    top: Float[Array, " patch"]
    """Canopy height."""
    leaf_width: Float[Array, " patch"]


def canopy_shape(
    structure: VegetationStructure,
    area: Float[Array, " patch"],
    top: Float[Array, " patch"],
    ground_roughness: Float[Array, " patch"],
    reference_height: Float[Array, " patch"],
) -> CanopyShape:
    """Roughness and displacement between those of open ground and of a dense canopy (Zeng and Wang 2007).

    E = (1 - exp(-min(L, 2))) / (1 - exp(-2)); d = E r_d h; ln z0 = E ln(r_z h) + (1 - E) ln z0g. The
    reference height is that of the forcing above r_z h + r_d h. Arguments: leaf and stem area L, canopy
    top h, roughness of the ground, height of the forcing (m); where h = 0 the numbers are finite and mean
    nothing.
    """
    tall = jnp.where(top > 0.0, top, 1.0)
    dense_roughness = structure.roughness_ratio * tall
    dense_roughness = jnp.where(dense_roughness > 0.0, dense_roughness, 1.0)
    dense_displacement = structure.displacement_ratio * tall
    cover = (1.0 - jnp.exp(-jnp.minimum(area, _DENSE_AREA))) / (1.0 - jnp.exp(-_DENSE_AREA))
    displacement = cover * dense_displacement
    reference = reference_height + dense_roughness + dense_displacement
    return CanopyShape(
        height=reference - displacement,
        reference_height=reference,
        displacement=displacement,
        roughness=jnp.exp(cover * jnp.log(dense_roughness) + (1.0 - cover) * jnp.log(ground_roughness)),
        top=tall,
        leaf_width=jnp.where(structure.leaf_width > 0.0, structure.leaf_width, 1.0),
    )


def leaf_boundary_resistance(
    friction_velocity: Float[Array, " patch"], leaf_width: Float[Array, " patch"]
) -> Float[Array, " patch"]:
    """1 / (c u) with c = 0.01 / sqrt(u width), u wind in the canopy (= u*); s m-1."""
    transfer = _LEAF_TRANSFER / (jnp.sqrt(friction_velocity) * jnp.sqrt(leaf_width))
    return 1.0 / (transfer * friction_velocity)


def under_canopy_resistance(
    shape: CanopyShape,
    area: Float[Array, " patch"],
    ground_roughness: Float[Array, " patch"],
    friction_velocity: Float[Array, " patch"],
    canopy_air: Float[Array, " patch"],
    ground: Float[Array, " patch"],
) -> Float[Array, " patch"]:
    """Resistance between ground and canopy air, s m-1 (Zeng et al. 2005; Sakaguchi and Zeng 2009).

    1 / (C u*), C = C_bare w + C_dense (1 - w), w = exp(-L); C_bare = k / (0.13 (z0g u* / 1.5e-5)^0.45);
    C_dense = 0.004, divided by 1 + 0.5 min(S, 10) where the air is warmer than the ground,
    S = g h (T_a - T_g) / (T_a u*^2). Temperatures of canopy air and ground in K.
    """
    open_share = jnp.exp(-area)
    reynolds = ground_roughness * friction_velocity / _AIR_VISCOSITY
    bare = VON_KARMAN / (0.13 * power(reynolds, 0.45))
    warmer = canopy_air - ground
    stability = GRAVITY * shape.top * warmer / (canopy_air * friction_velocity * friction_velocity)
    stability = jnp.clip(stability, 0.0, _MOST_STABLE)
    dense = _DENSE_TRANSFER / (1.0 + _STABLE_REDUCTION * jnp.where(warmer > 0.0, stability, 0.0))
    return 1.0 / ((bare * open_share + dense * (1.0 - open_share)) * friction_velocity)


def litter_resistance(
    snow_depth: Float[Array, " patch"], friction_velocity: Float[Array, " patch"]
) -> Float[Array, " patch"]:
    """Of dry litter to vapour, s m-1: (1 - exp(-l)) / (0.004 u*), l = 0.5 (1 - min(snow depth / 0.05, 1))."""
    exposed = _LITTER_AREA * (1.0 - jnp.minimum(snow_depth / _LITTER_DEPTH, 1.0))
    return (1.0 - jnp.exp(-exposed)) / (_LITTER_TRANSFER * friction_velocity)


def ten_metre_wind(
    stability: Stability,
    friction_velocity: Float[Array, " patch"],
    height: Float[Array, " patch"],
    roughness: Float[Array, " patch"],
) -> Float[Array, " patch"]:
    """Wind 10 m above roughness and displacement, m s-1; that at the reference height where this is lower."""
    level = _WIND_HEIGHT + roughness
    between = momentum_profile(height, stability.obukhov_length, level)
    lower = stability.wind - friction_velocity / VON_KARMAN * between
    return jnp.where(height - roughness <= _WIND_HEIGHT, stability.wind, lower)
