"""Snowfall on the ground: share of it under snow, depth, and the first snow layer."""

from __future__ import annotations

import math
import struct

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.safe_math import divide, power
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

FIRST_LAYER_DEPTH = 0.01
"""Mean depth over the column from which a pack has a layer, m."""
CAPPED_WATER = 1000.0
"""A pack of more water takes no further snow, kg m-2."""
_CAPPED_ACCUMULATION = 500.0
_MOST_ACCUMULATION = 1.0e8
_SHARE_OF_CHANGE = struct.unpack("f", struct.pack("f", 0.1))[0]
"""Growth of the cover with snowfall, m2 kg-1; ELM's constant is a single-precision 0.1."""
_LEAST_COVER = 1.0e-6


@pytree_dataclass
class Snowfall:
    """The ground after snowfall."""

    state: GroundState
    snow_fraction: Float[Array, " column"]
    """Share of ground under snow."""
    new_layer: Bool[Array, " column"]
    """Packs that got their first layer: aerosol in it is none, its grains are fresh, nothing is old ice."""
    new_snow: Float[Array, " column"]
    """kg m-2 of the column."""


def fresh_snow_density(air_temperature: Float[Array, " column"]) -> Float[Array, " column"]:
    """50 + 1.7 (T - T_f + 15)^1.5 kg m-3, T limited to -15..2 C (Anderson 1976), on soil and lakes."""
    warmth = jnp.clip(air_temperature - FREEZING_POINT, -15.0, 2.0) + 15.0
    # The gradient of the root is infinite at 0, where the warmth is limited.
    return 50.0 + 1.7 * warmth * jnp.sqrt(jnp.where(warmth > 0.0, warmth, 1.0))


def melt_shape(elevation_deviation: Float[Array, " column"]) -> Float[Array, " column"]:
    """Shape of the depletion curve from the deviation of surface height (m): 200 / max(10, s)."""
    return 200.0 / jnp.maximum(elevation_deviation, 10.0)


def accumulate_snow(
    state: GroundState,
    snow_fraction: Float[Array, " column"],
    last_melt: Float[Array, " column"],
    snowfall: Float[Array, " column"],
    air_temperature: Float[Array, " column"],
    shape: Float[Array, " column"],
    timestep: float,
) -> Snowfall:
    """Snow cover and depth after the snowfall of a step on soil columns (ELM `CanopyHydrology`).

    After melt the cover is 1 - (acos(2 W/A - 1) / pi)^n with pack W and accumulated snow A; new snow s adds
    1 - (1 - tanh(0.1 s))(1 - f) and sets A = (W + s) / (0.5 (cos(pi (1 - f)^(1/n)) + 1)). The depth of the
    covered part grows by s / (density f). A pack of 0.01 m mean depth gets a layer at the temperature of the
    air, at most freezing. A pack above 1000 kg m-2 takes nothing: f = 1, A = 500.

    Arguments: share of ground under snow; melt of the last step and snowfall that reaches the ground
    (kg m-2 s-1), air temperature (K), shape n of the depletion curve, timestep (s).
    """
    new = snowfall * timestep
    pack, capped = state.snow_water, state.snow_water > CAPPED_WATER
    present, falls = pack > 0.0, new > 0.0
    accumulated = jnp.maximum(state.accumulated_snow, pack)
    melted = present & (last_melt * timestep > 0.0)
    cover = jnp.where(melted, _depleted_cover(pack, accumulated, shape), snow_fraction)
    cover = jnp.where(present, cover, 0.0)
    grown = 1.0 - (1.0 - jnp.tanh(_SHARE_OF_CHANGE * new)) * (1.0 - cover)
    grown = jnp.where(present, grown, jnp.tanh(_SHARE_OF_CHANGE * new))
    cover = jnp.where(falls, grown, cover)
    accumulated = jnp.where(falls, _accumulation(pack + new, cover, shape), accumulated) + new

    deeper = divide(new, fresh_snow_density(air_temperature) * cover)
    depth = jnp.where(cover > 0.0, jnp.where(present, state.snow_depth, 0.0) + deeper, 0.0)
    depth = jnp.where(capped, state.snow_depth, depth)
    cover = jnp.where(capped, 1.0, cover)
    pack = jnp.where(capped, pack, pack + new)
    first = (state.snow_index == 0) & falls & (cover * depth >= FIRST_LAYER_DEPTH)
    grown_state = _on_top(state, jnp.where(capped, 0.0, new), depth - state.snow_depth, first)
    return Snowfall(
        state=GroundState(
            **{
                **grown_state,
                **_first_layer(grown_state, first, depth, pack, air_temperature),
                "snow_water": pack,
                "snow_depth": depth,
                "accumulated_snow": jnp.where(capped, _CAPPED_ACCUMULATION, accumulated),
                "effective_snow_fraction": cover,
            }
        ),
        snow_fraction=cover,
        new_layer=first,
        new_snow=new,
    )


def _depleted_cover(pack: Array, accumulated: Array, shape: Array) -> Array:
    ratio = 2.0 * jnp.minimum(divide(pack, accumulated), 1.0) - 1.0
    partial = ratio < 1.0
    angle = jnp.arccos(jnp.where(partial, ratio, 0.0)) / math.pi
    return jnp.where(partial, 1.0 - power(angle, shape), 1.0)


def _accumulation(pack: Array, cover: Array, shape: Array) -> Array:
    bare = power(1.0 - jnp.maximum(cover, _LEAST_COVER), 1.0 / shape)
    return jnp.minimum(pack / (0.5 * (jnp.cos(math.pi * bare) + 1.0)), _MOST_ACCUMULATION)


def _on_top(state: GroundState, new: Array, deeper: Array, first: Bool[Array, " column"]) -> dict[str, Array]:
    """Snow and depth added to the uppermost layer of packs that had layers; its node stays."""
    exists = snow_layer_mask(state.snow_index)
    top = exists & ~jnp.concatenate([jnp.zeros_like(exists[:1]), exists[:-1]])
    fields = {name: getattr(state, name) for name in GroundState.__dataclass_fields__}
    fields["ice"] = state.ice.at[:SNOW_LAYERS].add(jnp.where(top, new, 0.0))
    fields["snow_thickness"] = state.snow_thickness + jnp.where(top, deeper, 0.0)
    return fields


def _first_layer(
    fields: dict[str, Array],
    first: Bool[Array, " column"],
    depth: Array,
    pack: Array,
    air_temperature: Array,
) -> dict[str, Array]:
    row = SNOW_LAYERS - 1

    def put(name: str, value: Array | float) -> Array:
        return fields[name].at[row].set(jnp.where(first, value, fields[name][row]))

    index: Int[Array, " column"] = fields["snow_index"]
    return {
        "snow_index": jnp.where(first, -1, index),
        "snow_thickness": put("snow_thickness", depth),
        "snow_node_depth": put("snow_node_depth", -0.5 * depth),
        "snow_interface_depth": put("snow_interface_depth", -depth),
        "temperature": put("temperature", jnp.minimum(air_temperature, FREEZING_POINT)),
        "ice": put("ice", pack),
        "liquid_water": put("liquid_water", 0.0),
    }
