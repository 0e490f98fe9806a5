"""The vertical grid of the ground and of snow.

Row order of layer arrays, as on ELM's files: 5 snow rows (the active ones last) and 15 ground rows.
Depths grow downwards from the soil surface; snow has negative depths.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.pytree import pytree_dataclass

SNOW_LAYERS = 5
GROUND_LAYERS = 15
TOTAL_LAYERS = SNOW_LAYERS + GROUND_LAYERS
SOIL_LAYERS = 10
"""Ground layers that hold water and organic matter; those below are bedrock."""

_SCALE = 0.025
_STRETCH = 0.5


@pytree_dataclass
class GroundGrid:
    """The ground layers, the same in every column."""

    node: Float[np.ndarray, " ground"]
    """Depth of the node, m."""
    thickness: Float[np.ndarray, " ground"]
    """Thickness, m."""
    interface: Float[np.ndarray, " edge"]
    """Depth of the interfaces, m, from the surface (0) to the bottom; 16 values."""


@pytree_dataclass
class ColumnGrid:
    """Snow and ground layers of each column; inactive snow rows have arbitrary, finite values."""

    node: Float[Array, "total column"]
    """Depth of the node, m."""
    thickness: Float[Array, "total column"]
    """Thickness, m."""
    upper_interface: Float[Array, "total column"]
    """Depth of the interface above, m."""
    active: Bool[Array, "total column"]
    """Layers that exist."""
    top: Bool[Array, "total column"]
    """The uppermost layer that exists."""


def ground_grid() -> GroundGrid:
    """Nodes, thicknesses and interfaces of the 15 ground layers (ELM `initVertical`).

    z_j = 0.025 (exp(0.5 (j - 0.5)) - 1);  dz_j half the distance of the neighbouring nodes (dz_1 from the
    first two, dz_15 from the last two);  interfaces halfway between nodes, the last at z_15 + dz_15 / 2.
    """
    node = np.array([_SCALE * (math.exp(_STRETCH * (j - 0.5)) - 1.0) for j in range(1, GROUND_LAYERS + 1)])
    inner = 0.5 * (node[2:] - node[:-2])
    thickness = np.concatenate([[0.5 * (node[0] + node[1])], inner, [node[-1] - node[-2]]])
    between = 0.5 * (node[:-1] + node[1:])
    interface = np.concatenate([[0.0], between, [node[-1] + 0.5 * thickness[-1]]])
    return GroundGrid(node=node, thickness=thickness, interface=interface)


def snow_layer_mask(snow_index: Int[Array, " column"]) -> Bool[Array, "snow column"]:
    """Snow rows that exist, from minus their number (-5..0): the last ones of the five."""
    row = jnp.arange(SNOW_LAYERS)[:, None]
    return row >= SNOW_LAYERS + snow_index[None, :]


def column_grid(
    snow_index: Int[Array, " column"],
    snow_thickness: Float[Array, "snow column"],
    snow_node_depth: Float[Array, "snow column"],
    snow_interface_depth: Float[Array, "snow column"],
) -> ColumnGrid:
    """Stack the snow layers of each column on the ground grid.

    Inactive snow rows get unit thickness at unit distances, so that nothing computed there is infinite.
    """
    ground = ground_grid()
    exists = snow_layer_mask(snow_index)
    columns = snow_index.shape[0]
    filler = -jnp.arange(SNOW_LAYERS, 0, -1, dtype=snow_thickness.dtype)[:, None]

    def stack(
        snow: Float[Array, "snow column"], fill: Array, below: np.ndarray
    ) -> Float[Array, "total column"]:
        rows = jnp.broadcast_to(jnp.asarray(below)[:, None], (GROUND_LAYERS, columns))
        return jnp.concatenate([jnp.where(exists, snow, fill), rows])

    active = jnp.concatenate([exists, jnp.ones((GROUND_LAYERS, columns), dtype=bool)])
    above = jnp.concatenate([jnp.zeros((1, columns), dtype=bool), active[:-1]])
    return ColumnGrid(
        node=stack(snow_node_depth, filler + 0.5 - SNOW_LAYERS, ground.node),
        thickness=stack(snow_thickness, jnp.ones_like(filler), ground.thickness),
        upper_interface=stack(snow_interface_depth, filler - SNOW_LAYERS, ground.interface[:-1]),
        active=active,
        top=active & ~above,
    )
