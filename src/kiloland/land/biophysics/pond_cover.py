"""Share of ground under surface water, and how snow and ponds share the ground."""

from __future__ import annotations

import math
import struct

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS

LEAST_POND = 1.0e-8
"""kg m-2; less water is no pond and drains into the first soil layer."""
_NEWTON_STEPS = 10
_LEAST_FRACTION = 0.01
_ROOT_TWO = math.sqrt(2.0)


def _single(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


_ROOT_TWO_SINGLE = _single(_ROOT_TWO)
"""ELM's root of 2 in this equation is a single-precision number."""


@pytree_dataclass
class PondCover:
    """The ground with the water that stands on it."""

    state: GroundState
    snow_fraction: Float[Array, " column"]
    """Share of ground under snow, which leaves room for ponds."""
    drained: Float[Array, " column"]
    """Water of vanished ponds that went into the first soil layer, kg m-2."""


def share_below(
    level: Float[Array, " column"], microrelief: Float[Array, " column"]
) -> Float[Array, " column"]:
    """Share of ground below a level d: (1 + erf(d / (s sqrt 2))) / 2, s deviation of height, both in mm."""
    return 0.5 * (1.0 + jax.scipy.special.erf(level / (microrelief * _ROOT_TWO_SINGLE)))


def flooded_fraction(
    pond_water: Float[Array, " column"], microrelief: Float[Array, " column"]
) -> Float[Array, " column"]:
    """Share of ground below the water level (ELM `FracH2OSfc`).

    Heights are normal with deviation s (mm); the level d (mm) solves
    W = d/2 (1 + erf(d / (s sqrt 2))) + s / sqrt(2 pi) exp(-d^2 / (2 s^2)) with ten Newton steps from 0;
    the share is `share_below`. Arguments: water (kg m-2), deviation of height (mm).
    """
    sigma = microrelief

    def newton(_: int, level: Array) -> Array:
        below = share_below(level, sigma)
        peak = sigma / math.sqrt(2.0 * math.pi) * jnp.exp(-level * level / (2.0 * sigma * sigma))
        return level - (level * below + peak - pond_water) / below

    level = jax.lax.fori_loop(0, _NEWTON_STEPS, newton, jnp.zeros_like(pond_water))
    return share_below(level, sigma)


def cover_with_pond(
    state: GroundState, snow_fraction: Float[Array, " column"], microrelief: Float[Array, " column"]
) -> PondCover:
    """Renew the share of ground under water; where snow leaves no room, both give way (ELM `FracH2OSfc`).

    If f_snow > 1 - f_pond: f_pond = max(1 - f_snow, 0.01) where it was above 0.01, then f_snow = 1 - f_pond.
    """
    water = state.pond_water
    present = water > LEAST_POND
    drained = jnp.where(present, 0.0, water)
    pond = jnp.where(present, flooded_fraction(jnp.where(present, water, 1.0), microrelief), 0.0)
    crowded = (snow_fraction > 1.0 - pond) & (state.snow_water > 0.0)
    narrowed = jnp.maximum(1.0 - snow_fraction, _LEAST_FRACTION)
    pond = jnp.where(crowded & (pond > _LEAST_FRACTION), narrowed, pond)
    snow = jnp.where(crowded, 1.0 - pond, snow_fraction)
    fields = {name: getattr(state, name) for name in GroundState.__dataclass_fields__}
    fields["pond_fraction"] = pond
    fields["pond_water"] = water - drained
    fields["liquid_water"] = state.liquid_water.at[SNOW_LAYERS].add(drained)
    fields["effective_snow_fraction"] = jnp.where(crowded, snow, state.effective_snow_fraction)
    return PondCover(state=GroundState(**fields), snow_fraction=snow, drained=drained)
