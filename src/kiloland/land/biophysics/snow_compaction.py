"""Compaction of snow layers by metamorphism, load and melt.

Source: Anderson (1976); CLM4.5 technical note, section 7.2.3, in the form of ELM's `SnowCompaction`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID, FREEZING_POINT
from kiloland.land.biophysics.safe_math import divide, power, sum_rows
from kiloland.land.biophysics.snow_pack import SnowLayers, layer_water
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import snow_layer_mask

SETTLING_RATE = 2.777e-6
"""s-1, at the freezing point."""
SETTLING_COOLING = 0.04
"""K-1."""
SETTLING_DENSITY = 100.0
"""kg m-3, above which settling slows."""
WET_FACTOR = 2.0
"""Settling is so much faster in wet snow."""
VISCOSITY = 9.0e5
"""kg s m-2, of snow of no density at the freezing point."""
VISCOSITY_COOLING = 0.08
"""K-1."""
VISCOSITY_DENSITY = 0.023
"""m3 kg-1."""
LEAST_VOID = 0.001
LEAST_ICE = 0.1
"""Layers with less ice than this are not compacted, kg m-2."""


@pytree_dataclass
class MeltHistory:
    """What compaction by melt must know of the step."""

    melting: Bool[Array, "snow column"]
    """Layers whose ice melted."""
    water_before: Float[Array, "snow column"]
    """Water of the layers at the start of the step, before snowfall, kg m-2."""
    ice_share_before: Float[Array, "snow column"]
    """Ice over water of the layers at the start of the step."""
    accumulated_snow: Float[Array, " column"]
    """What the snow cover fraction remembers of snowfall, kg m-2."""
    melt_shape: Float[Array, " column"]
    """Exponent of the cover of a melting pack: 200/max(10, standard deviation of surface height in m)."""


def compact(
    layers: SnowLayers,
    history: MeltHistory,
    snow_fraction: Float[Array, " column"],
    subgrid_snow: Bool[Array, " column"],
    lake: Bool[Array, " column"],
    timestep: float,
) -> SnowLayers:
    """Layers with the thickness after a step: dz (1 + (settling + load + melt) dt), not below solid ice.

    `snow_fraction` is the covered share of the column, `subgrid_snow` marks columns (soil) where it follows
    from the snow; on lakes a layer without voids is first made as thick as its content. Layers with voids up
    to a share of 0.001 or ice up to 0.1 kg m-2 stay as they are.
    """
    exists = snow_layer_mask(layers.snow_index)
    fraction = jnp.where(snow_fraction > 0.0, snow_fraction, 1.0)
    solid = layers.ice / DENSITY_ICE + layers.liquid_water / DENSITY_LIQUID
    void = 1.0 - divide(solid, fraction * layers.thickness)
    full = lake & exists & (void < 0.0)
    thickness = jnp.where(full, solid, layers.thickness)
    void = jnp.where(full, 0.0, void)
    yields = exists & (void > LEAST_VOID) & (layers.ice > LEAST_ICE)

    volume = jnp.where(yields, fraction * thickness, 1.0)
    density = layers.ice / volume
    cold = jnp.where(yields, FREEZING_POINT - layers.temperature, 0.0)
    water = jnp.where(yields, layers.liquid_water + layers.ice, 1.0)
    rate = _settling(layers, density, cold, volume) + _load(layers, density, cold, water)
    rate = rate + _melt(layers, history, water, fraction, subgrid_snow, timestep)
    compacted = jnp.maximum(thickness * (1.0 + rate * timestep), solid / fraction)
    return replace(layers, thickness=jnp.where(yields, compacted, thickness))


def _settling(layers: SnowLayers, density: Array, cold: Array, volume: Array) -> Float[Array, "snow column"]:
    """-2.777e-6 exp(-0.04 (T_f - T)), times exp(-0.046 (b - 100)) above 100 kg m-3, twice that where wet."""
    rate = -SETTLING_RATE * jnp.exp(-SETTLING_COOLING * cold)
    dense = density > SETTLING_DENSITY
    slowed = jnp.exp(-46.0e-3 * (jnp.where(dense, density, SETTLING_DENSITY) - SETTLING_DENSITY))
    rate = jnp.where(dense, rate * slowed, rate)
    return jnp.where(layers.liquid_water > 0.01 * volume, rate * WET_FACTOR, rate)


def _load(layers: SnowLayers, density: Array, cold: Array, water: Array) -> Float[Array, "snow column"]:
    """-(P + m/2) exp(-0.08 (T_f - T) - 0.023 b)/9e5 with the load P of the layers above, its water m."""
    above = jnp.zeros_like(water[0])
    load = []
    for row in layer_water(layers):
        load.append(above)
        above = above + row
    stiffness = jnp.exp(-VISCOSITY_COOLING * cold - VISCOSITY_DENSITY * density)
    return -(jnp.stack(load) + water / 2.0) * stiffness / VISCOSITY


def _melt(
    layers: SnowLayers,
    history: MeltHistory,
    water: Float[Array, "snow column"],
    fraction: Float[Array, " column"],
    subgrid_snow: Bool[Array, " column"],
    timestep: float,
) -> Float[Array, "snow column"]:
    """Share of thickness lost by melt, s-1, in melting layers.

    On soil the relative loss of water, less what the shrinking of the covered area explains, which may make
    the layer thicker; nothing for a layer that lost no water. Elsewhere the relative loss of share of ice.
    """
    lost = jnp.clip((history.water_before - water) / water, 0.0, 1.0)
    shrinking = jnp.maximum(0.0, (_melting_cover(layers, history) - fraction) / fraction)
    share = layers.ice / water
    before = history.ice_share_before
    on_others = jnp.maximum(0.0, divide(before - share, before))
    loss = jnp.where(subgrid_snow, jnp.where(lost > 0.0, lost - shrinking, 0.0), on_others)
    return jnp.where(history.melting, -loss / timestep, 0.0)


def _melting_cover(layers: SnowLayers, history: MeltHistory) -> Float[Array, " column"]:
    """Covered share of a melting pack: 1 - (acos(min(1, 2 W/A - 1))/pi)^n, water W, accumulated snow A."""
    remaining = divide(sum_rows(layer_water(layers)), history.accumulated_snow)
    partial = remaining < 1.0
    argument = 2.0 * jnp.where(partial, remaining, 0.5) - 1.0
    bare = power(jnp.arccos(jnp.maximum(argument, -1.0)) / math.pi, history.melt_shape)
    return jnp.where(partial, 1.0 - bare, 1.0)
