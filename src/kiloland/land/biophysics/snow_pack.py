"""Layers of snow as the snow processes pass them on, and what follows from them.

Five rows, the existing layers last. Values of rows that do not exist are carried and never used, until
`cleared` sets them to 0.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask


@pytree_dataclass
class SnowLayers:
    """Snow in layers."""

    snow_index: Int[Array, " column"]
    """Minus the number of layers, -5..0."""
    thickness: Float[Array, "snow column"]
    """m, of the covered part."""
    temperature: Float[Array, "snow column"]
    """K."""
    liquid_water: Float[Array, "snow column"]
    """kg m-2 of the column."""
    ice: Float[Array, "snow column"]
    """kg m-2 of the column."""
    grain_radius: Float[Array, "snow column"]
    """um."""
    aerosol_mass: Float[Array, "species snow column"]
    """kg m-2 of the column."""


@pytree_dataclass
class SnowGeometry:
    """Depths of snow layers, negative above the ground; 0 where there is no layer."""

    node: Float[Array, "snow column"]
    """m."""
    upper_interface: Float[Array, "snow column"]
    """m."""


def layer_water(layers: SnowLayers) -> Float[Array, "snow column"]:
    """Liquid water and ice of existing layers, kg m-2; 0 in the others."""
    return jnp.where(snow_layer_mask(layers.snow_index), layers.liquid_water + layers.ice, 0.0)


def snow_geometry(layers: SnowLayers) -> SnowGeometry:
    """Nodes in the middle of layers that lie on the ground: z = zi_below - dz/2, zi = zi_below - dz."""
    exists = snow_layer_mask(layers.snow_index)
    below = jnp.zeros_like(layers.thickness[0])
    nodes, interfaces = [], []
    for row in reversed(range(SNOW_LAYERS)):
        thickness = jnp.where(exists[row], layers.thickness[row], 0.0)
        nodes.append(jnp.where(exists[row], below - 0.5 * thickness, 0.0))
        below = below - thickness
        interfaces.append(jnp.where(exists[row], below, 0.0))
    return SnowGeometry(jnp.stack(nodes[::-1]), jnp.stack(interfaces[::-1]))


def snow_depth(layers: SnowLayers) -> Float[Array, " column"]:
    """Sum of the thicknesses, m."""
    return sum_rows(jnp.where(snow_layer_mask(layers.snow_index), layers.thickness, 0.0))


def cleared(layers: SnowLayers) -> SnowLayers:
    """The same layers with 0 in rows that do not exist."""
    exists = snow_layer_mask(layers.snow_index)
    return replace(choose(exists, layers, jax.tree.map(jnp.zeros_like, layers)), snow_index=layers.snow_index)


def choose(
    condition: Bool[Array, " column"] | Bool[Array, "snow column"], one: SnowLayers, other: SnowLayers
) -> SnowLayers:
    """Layers of one where a condition holds, else of the other (the number of layers of the other)."""
    chosen: SnowLayers = jax.tree.map(
        lambda a, b: b if a.ndim == 1 else jnp.where(condition, a, b), one, other
    )
    return chosen
