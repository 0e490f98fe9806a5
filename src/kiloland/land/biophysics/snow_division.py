"""Division of thick snow layers.

Source: Jordan (1991); CLM4.5 technical note, section 7.2.7, in ELM's order (`DivideSnowLayers`). Layers are
counted from the top down while they are divided.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.snow_layers import mixed_temperature
from kiloland.land.biophysics.snow_pack import SnowLayers, choose
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

LAKE_EXTRA = 0.03
"""All limits are so much higher on lakes, m."""
SINGLE_SPLIT = 0.03
"""A single layer thicker than this is halved, m."""
KEPT = (0.02, 0.05, 0.11, 0.23)
"""What a layer keeps, from the top down, where one lies below, m."""
SPLIT = (0.07, 0.18, 0.41)
"""The lowest layer is halved above this, the second to the fourth from the top, m."""


@pytree_dataclass
class _Layer:
    """One layer."""

    thickness: Float[Array, " column"]
    """m, mean over the column."""
    temperature: Float[Array, " column"]
    liquid_water: Float[Array, " column"]
    ice: Float[Array, " column"]
    grain_radius: Float[Array, " column"]
    aerosol_mass: Float[Array, "species column"]


def divide_layers(
    layers: SnowLayers, snow_fraction: Float[Array, " column"], lake: Bool[Array, " column"]
) -> SnowLayers:
    """Layers no thicker than their position allows, from the top down.

    Thickness counts as mean over the column (f dz). What exceeds the thickness kept moves to the layer below,
    with its share of water and particles; a lowest layer above its limit is halved, along the gradient of
    temperature unless the lower half would melt. A single layer is halved above 0.03 m.
    """
    fraction = jnp.where(snow_fraction > 0.0, snow_fraction, 1.0)
    exists = snow_layer_mask(layers.snow_index)
    mean = fraction * layers.thickness
    extra = jnp.where(lake, LAKE_EXTRA, 0.0)
    position = jnp.arange(SNOW_LAYERS)[:, None] - SNOW_LAYERS - layers.snow_index
    single = layers.snow_index == -1
    kept = jnp.asarray((*KEPT, jnp.inf))[jnp.maximum(position, 0)]
    thick = exists & (mean > jnp.where(single, SINGLE_SPLIT, kept) + extra)
    thick = thick & (single | (jnp.arange(SNOW_LAYERS)[:, None] < SNOW_LAYERS - 1))
    # Where no layer of a block is too thick, only the rounding of the mean over the column is left.
    answer: SnowLayers = jax.lax.cond(
        jnp.any(thick),
        lambda given: _divide_each(given, fraction, extra),
        lambda given: replace(given, thickness=jnp.where(exists, mean / fraction, given.thickness)),
        layers,
    )
    return answer


def _divide_each(
    layers: SnowLayers, fraction: Float[Array, " column"], extra: Float[Array, " column"]
) -> SnowLayers:
    """Layer by layer from the top down."""
    count = -layers.snow_index
    rows = [_from_top(layers, position, fraction) for position in range(SNOW_LAYERS)]
    single = (count == 1) & (rows[0].thickness > SINGLE_SPLIT + extra)
    half = _scaled(rows[0], 0.5)
    rows[0], rows[1] = _select(single, half, rows[0]), _select(single, half, rows[1])
    count = jnp.where(single, 2, count)
    for position, kept in enumerate(KEPT):
        upper, lower = rows[position], rows[position + 1]
        thick = (count > position + 1) & (upper.thickness > kept + extra)
        remaining, grown = _move_excess(upper, lower, kept + extra)
        rows[position], rows[position + 1] = _select(thick, remaining, upper), _select(thick, grown, lower)
        if position < len(SPLIT):
            lower = rows[position + 1]
            halved = thick & (count <= position + 2) & (lower.thickness > SPLIT[position] + extra)
            first, second = _halves(rows[position], lower)
            rows[position + 1] = _select(halved, first, lower)
            rows[position + 2] = _select(halved, second, rows[position + 2])
            count = jnp.where(halved, position + 3, count)
    return _to_rows(rows, count, fraction, layers)


def _from_top(layers: SnowLayers, position: int, fraction: Float[Array, " column"]) -> _Layer:
    """The layer at a position from the top (the lowest one again where there are fewer)."""
    row = jnp.minimum(SNOW_LAYERS + layers.snow_index + position, SNOW_LAYERS - 1)

    def pick(values: Array) -> Array:
        index = jnp.broadcast_to(row, (*values.shape[:-2], 1, row.shape[0]))
        return jnp.take_along_axis(values, index, axis=-2)[..., 0, :]

    return _Layer(
        thickness=fraction * pick(layers.thickness),
        temperature=pick(layers.temperature),
        liquid_water=pick(layers.liquid_water),
        ice=pick(layers.ice),
        grain_radius=pick(layers.grain_radius),
        aerosol_mass=pick(layers.aerosol_mass),
    )


def _to_rows(
    positions: list[_Layer],
    count: Int[Array, " column"],
    fraction: Float[Array, " column"],
    old: SnowLayers,
) -> SnowLayers:
    """Layers from the top back in rows, the existing ones last."""
    stacked: _Layer = jax.tree.map(lambda *values: jnp.stack(values, axis=-2), *positions)
    row = jnp.arange(SNOW_LAYERS)[:, None]
    position = jnp.clip(row - (SNOW_LAYERS - count), 0, SNOW_LAYERS - 1)

    def place(values: Array) -> Array:
        return jnp.take_along_axis(values, jnp.broadcast_to(position, values.shape), axis=-2)

    new = SnowLayers(
        snow_index=-count,
        thickness=place(stacked.thickness) / fraction,
        temperature=place(stacked.temperature),
        liquid_water=place(stacked.liquid_water),
        ice=place(stacked.ice),
        grain_radius=place(stacked.grain_radius),
        aerosol_mass=place(stacked.aerosol_mass),
    )
    return replace(choose(row >= SNOW_LAYERS - count, new, old), snow_index=-count)


def _scaled(layer: _Layer, share: Array | float) -> _Layer:
    """A share of a layer."""
    return replace(
        layer,
        thickness=layer.thickness * share,
        liquid_water=layer.liquid_water * share,
        ice=layer.ice * share,
        aerosol_mass=layer.aerosol_mass * share,
    )


def _move_excess(upper: _Layer, lower: _Layer, kept: Array) -> tuple[_Layer, _Layer]:
    """Both layers after what exceeds a thickness has moved down."""
    safe = jnp.where(upper.thickness > kept, upper.thickness, kept)
    excess = upper.thickness - kept
    moved = _scaled(upper, excess / safe)
    remaining = replace(_scaled(upper, kept / safe), thickness=kept)
    mass, more = lower.liquid_water + lower.ice, moved.liquid_water + moved.ice
    present = mass + more > 0.0
    radius = lower.grain_radius * mass + upper.grain_radius * more
    grown = _Layer(
        thickness=lower.thickness + excess,
        temperature=mixed_temperature(
            lower.ice, lower.liquid_water, lower.temperature, moved.ice, moved.liquid_water, upper.temperature
        ),
        liquid_water=lower.liquid_water + moved.liquid_water,
        ice=lower.ice + moved.ice,
        grain_radius=jnp.where(present, radius / jnp.where(present, mass + more, 1.0), lower.grain_radius),
        aerosol_mass=lower.aerosol_mass + moved.aerosol_mass,
    )
    return remaining, grown


def _halves(upper: _Layer, lower: _Layer) -> tuple[_Layer, _Layer]:
    """The lower layer in halves, their temperatures along the gradient between both layers."""
    distance = (upper.thickness + lower.thickness) / 2.0
    present = distance > 0.0
    gradient = jnp.where(
        present, (upper.temperature - lower.temperature) / jnp.where(present, distance, 1.0), 0.0
    )
    half = _scaled(lower, 0.5)
    difference = gradient * half.thickness / 2.0
    deeper = lower.temperature - difference
    melts = deeper >= FREEZING_POINT
    return (
        replace(half, temperature=jnp.where(melts, lower.temperature, lower.temperature + difference)),
        replace(half, temperature=jnp.where(melts, lower.temperature, deeper)),
    )


def _select(condition: Bool[Array, " column"], one: _Layer, other: _Layer) -> _Layer:
    selected: _Layer = jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
    return selected
