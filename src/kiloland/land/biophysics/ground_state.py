"""What the heat balance of the ground reads and advances."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS


@pytree_dataclass
class GroundState:
    """Snow, pond and ground of soil columns; fields of the same names as in the state of the land.

    Values of inactive snow rows are carried and never used.
    """

    snow_index: Int[Array, " column"]
    """Minus the number of snow layers, -5..0."""
    snow_thickness: Float[Array, "snow column"]
    """m."""
    snow_node_depth: Float[Array, "snow column"]
    """m, negative."""
    snow_interface_depth: Float[Array, "snow column"]
    """Upper interface of the layer, m, negative."""
    temperature: Float[Array, "total column"]
    """K."""
    liquid_water: Float[Array, "total column"]
    """kg m-2."""
    ice: Float[Array, "total column"]
    """kg m-2."""
    pond_temperature: Float[Array, " column"]
    """K."""
    pond_water: Float[Array, " column"]
    """kg m-2 of the column."""
    pond_fraction: Float[Array, " column"]
    """Share of the column under surface water."""
    snow_water: Float[Array, " column"]
    """kg m-2 of the column."""
    snow_depth: Float[Array, " column"]
    """m."""
    accumulated_snow: Float[Array, " column"]
    """kg m-2."""
    effective_snow_fraction: Float[Array, " column"]
    """Share of the column under snow."""


def layered_snow_fraction(state: GroundState) -> Float[Array, " column"]:
    """Share of the column under snow that has layers; 0 where the pack has none."""
    return jnp.where(state.snow_index < 0, state.effective_snow_fraction, 0.0)


def top_temperature(state: GroundState) -> Float[Array, " column"]:
    """Temperature of the uppermost layer that exists, K."""
    row = (SNOW_LAYERS + state.snow_index)[None, :]
    return jnp.take_along_axis(state.temperature, row, axis=0)[0]


def ground_temperature(state: GroundState) -> Float[Array, " column"]:
    """Temperature of the surface seen by the atmosphere, K: T_g = f_s T_top + (1 - f_s - f_p) T_1 + f_p T_p.

    f_s counts only snow with layers. Source: ELM `SoilTemperature`.
    """
    snow, pond = layered_snow_fraction(state), state.pond_fraction
    soil = state.temperature[SNOW_LAYERS]
    return snow * top_temperature(state) + (1.0 - snow - pond) * soil + pond * state.pond_temperature
