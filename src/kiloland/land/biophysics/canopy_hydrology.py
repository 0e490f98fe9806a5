"""Water on leaves and stems: interception, drip, wet and dry fractions, precipitation onto the ground."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.safe_math import divide, power
from kiloland.land.pytree import pytree_dataclass

STORAGE = 0.1
"""Water that leaves and stems hold, kg m-2 per unit of leaf and stem area."""
_LARGEST_INTERCEPTION = 0.25
_INTERCEPTION_EXTINCTION = 0.5
_WETNESS_EXPONENT = 0.666666666666


@pytree_dataclass
class Interception:
    """What a canopy does with the precipitation of a step; fluxes in kg m-2 s-1."""

    canopy_water: Float[Array, " patch"]
    """On leaves and stems after interception and drip, kg m-2 (ELM `h2ocan`)."""
    wet_fraction: Float[Array, " patch"]
    """Share of leaves and stems that is wet (`fwet`)."""
    dry_fraction: Float[Array, " patch"]
    """Share of leaves and stems that is dry leaf and transpires (`fdry`)."""
    intercepted: Float[Array, " patch"]
    """Precipitation caught by the canopy (`QINTR`)."""
    drip: Float[Array, " patch"]
    """Water and snow that fall off the canopy (`QDRIP`)."""
    rain_to_ground: Float[Array, " patch"]
    """Rain and drip that reach the ground (`QFLX_RAIN_GRND`)."""
    snow_to_ground: Float[Array, " patch"]
    """Snow that reaches the ground or the pack (`QFLX_SNOW_GRND`)."""
    capped_rain: Float[Array, " patch"]
    """Rain that runs off a pack which holds all it may (`QSNWCPLIQ`)."""
    capped_snow: Float[Array, " patch"]
    """Snow that leaves as ice from such a pack (`QSNWCPICE`)."""


def intercept(
    leaf_area: Float[Array, " patch"],
    stem_area: Float[Array, " patch"],
    exposed: Bool[Array, " patch"],
    canopy_water: Float[Array, " patch"],
    rain: Float[Array, " patch"],
    snow: Float[Array, " patch"],
    capped: Bool[Array, " patch"],
    timestep: float,
) -> Interception:
    """Interception and what reaches the ground (ELM `CanopyHydrology`, `FracWet`).

    Of precipitation P the share f = 0.25 (1 - exp(-L/2)) is caught, L leaf and stem area; the canopy holds
    0.1 L kg m-2, the rest drips, rain and snow in the shares of P. Wet fraction min(1, (W / 0.1 L)^(2/3)),
    dry leaves (1 - wet) elai / L. Drip exists only in steps with precipitation.

    Arguments: areas (m2 m-2), vegetation above the snow, water on the canopy (kg m-2), rain and snow
    (kg m-2 s-1), packs that held more than they may at the start of the step, timestep (s).
    """
    area = jnp.where(exposed, leaf_area + stem_area, 1.0)
    falling = rain + snow
    caught = exposed & (falling > 0.0)
    share = _LARGEST_INTERCEPTION * (1.0 - jnp.exp(-_INTERCEPTION_EXTINCTION * area))
    intercepted = jnp.where(caught, falling * share, 0.0)
    capacity = STORAGE * area
    filled = jnp.maximum(canopy_water + timestep * intercepted, 0.0)
    drip = jnp.where(caught, jnp.maximum((filled - capacity) / timestep, 0.0), 0.0)
    water = jnp.where(caught, jnp.minimum(filled, capacity), canopy_water)

    through = jnp.where(exposed, 1.0 - share, 1.0)
    rain_below = rain * through + drip * divide(rain, falling)
    snow_below = snow * through + drip * divide(snow, falling)
    wet = jnp.minimum(power(water / capacity, _WETNESS_EXPONENT), 1.0)
    wet = jnp.where(exposed, wet, 0.0)
    none = jnp.zeros_like(water)
    return Interception(
        canopy_water=water,
        wet_fraction=wet,
        dry_fraction=jnp.where(exposed, (1.0 - wet) * leaf_area / area, 0.0),
        intercepted=intercepted,
        drip=drip,
        rain_to_ground=jnp.where(capped, none, rain_below),
        snow_to_ground=jnp.where(capped, none, snow_below),
        capped_rain=jnp.where(capped, rain_below, none),
        capped_snow=jnp.where(capped, snow_below, none),
    )
