"""One day of the two stores of water, and what moisture does to microbes and plants.

transpiration of a zone = PET fveg root_share min(1, 2 s),  s = (theta - wilting) / (capacity - wilting)
soil evaporation = PET (1 - fveg) s_upper^2;   a share of the water above field capacity drains per day
moisture scalar of decomposition = offset + slope ln(theta / saturation), within 0.08 and 1
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.spinup.generator.constants import ZONE_THICKNESS
from kiloland.spinup.generator.state import Soil, zone_mass

_DEPTH = jnp.asarray(ZONE_THICKNESS)[:, None] * 1000.0
_FIRST = zone_mass()[:, None]


DRIEST_SCALAR = 0.08


class Moisture(NamedTuple):
    """Water of the day."""

    scalar: Float[Array, "zone cell"]
    """Factor of water on decomposition."""
    oxygen: Float[Array, "zone cell"]
    """Factor of oxygen: wet soils breathe less."""
    wetness: Float[Array, "zone cell"]
    """theta / saturation."""
    plants: Float[Array, " cell"]
    """Factor of water on the plants, 0 to 1."""
    zone: Float[Array, "zone cell"]
    """Relative water of each zone, 0 to 1 between wilting and field capacity."""


def moisture(water: Float[Array, "zone cell"], soil: Soil) -> Moisture:
    """What the water at the start of the day means."""
    theta = water / _FIRST
    wetness = theta / soil.saturation
    scalar = jnp.clip(soil.potential_offset + soil.potential_slope * jnp.log(wetness), DRIEST_SCALAR, 1.0)
    oxygen = 1.0 - 4.0 * jnp.maximum(wetness - 0.8, 0.0)
    zone = jnp.clip((theta - soil.wilting) / (soil.field_capacity - soil.wilting), 0.0, 1.0)
    plants = jnp.sum(soil.root_share * jnp.minimum(2.0 * zone, 1.0), axis=0)
    return Moisture(scalar, oxygen, wetness, plants, zone)


class WaterFluxes(NamedTuple):
    """mm day-1."""

    transpiration: Float[Array, " cell"]
    evaporation: Float[Array, " cell"]
    runoff: Float[Array, " cell"]
    drained: Float[Array, " cell"]
    """Water that drains, relative to all water: the share of dissolved nutrients that it takes."""


def flow(
    water: Float[Array, "zone cell"],
    soil: Soil,
    now: Moisture,
    liquid: Float[Array, " cell"],
    potential: Float[Array, " cell"],
    cover: Float[Array, " cell"],
) -> tuple[Float[Array, "zone cell"], WaterFluxes]:
    """The water after a day, and its fluxes; ``cover`` is the share of light that leaves absorb."""
    amount = water * (_DEPTH / _FIRST)
    floor = soil.wilting * _DEPTH
    transpiration = potential * cover * soil.root_share * jnp.minimum(2.0 * now.zone, 1.0)
    evaporation = potential * (1.0 - cover) * now.zone[0] * now.zone[0]
    # A zone gives at most half of what is above wilting in a day.
    usable = jnp.maximum(amount - floor, 0.0)
    taken_upper = jnp.minimum(transpiration[0] + evaporation, 0.5 * usable[0])
    taken_lower = jnp.minimum(transpiration[1], 0.5 * usable[1])
    upper = amount[0] - taken_upper + liquid
    capacity = soil.field_capacity * _DEPTH
    down = soil.drainage * jnp.maximum(upper - capacity[0], 0.0)
    over = jnp.maximum(upper - down - soil.saturation[0] * _DEPTH[0], 0.0)
    lower = amount[1] - taken_lower + down
    drain = 0.3 * soil.drainage * jnp.maximum(lower - capacity[1], 0.0)
    spill = jnp.maximum(lower - drain - soil.saturation[1] * _DEPTH[1], 0.0)
    out = jnp.stack([upper - down - over, lower - drain - spill])
    share = evaporation / jnp.maximum(transpiration[0] + evaporation, 1e-30)
    bare = taken_upper * share
    drained = (drain + spill) / jnp.maximum(upper + lower, 1e-30)
    return out * (_FIRST / _DEPTH), WaterFluxes(
        taken_upper - bare + taken_lower, bare, over + drain + spill, drained
    )
