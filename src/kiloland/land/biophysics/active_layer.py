"""The active layer: how deep the ground is thawed, and the deepest thaw of this year and the last.

ELM's `ActiveLayerMod`, evaluated at the start of a step from the temperatures of the restart. The year of
the record begins with the first step of 1 January north of the equator, of 1 July on it and south of it.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import GROUND_LAYERS, ground_grid


@pytree_dataclass
class ActiveLayer:
    """Thaw of the ground at one moment."""

    depth: Float[Array, " column"]
    """Of the lowest thawed ground, m; 0 where all is frozen (`ALT`)."""
    layer: Int[Array, " column"]
    """Lowest ground layer above freezing, 1 for the uppermost; 0 where all is frozen."""


@pytree_dataclass
class ThawRecord:
    """The deepest thaw of the running year and of the last one, as :class:`ActiveLayer`."""

    deepest: Float[Array, " column"]
    """`altmax`, m."""
    deepest_layer: Int[Array, " column"]
    """`altmax_indx`."""
    last_year: Float[Array, " column"]
    """`altmax_lastyear`, m."""
    last_year_layer: Int[Array, " column"]
    """`altmax_lastyear_indx`."""


def active_layer(temperature: Float[Array, "ground column"]) -> ActiveLayer:
    """Depth of the lowest thaw: z_k + (T_k - T_f) (z_{k+1} - z_k) / (T_k - T_{k+1}).

    k is the lowest layer with T > T_f, whatever lies above it, so a talik counts. Where it is the lowest
    layer of the ground the depth is that of its node.

    Args:
        temperature: of the ground layers, K.
    """
    node = jnp.asarray(ground_grid().node)
    number = jnp.arange(1, GROUND_LAYERS + 1)[:, None]
    layer = jnp.max(jnp.where(temperature > FREEZING_POINT, number, 0), axis=0)
    above = jnp.clip(layer - 1, 0, GROUND_LAYERS - 2)
    upper, lower = (jnp.take_along_axis(temperature, (above + shift)[None], axis=0)[0] for shift in (0, 1))
    inside = (layer > 0) & (layer < GROUND_LAYERS)
    drop = jnp.where(inside, upper - lower, 1.0)
    share = (upper - FREEZING_POINT) * (node[above + 1] - node[above]) / drop
    whole = jnp.where(layer == 0, 0.0, node[-1])
    return ActiveLayer(depth=jnp.where(inside, node[above] + share, whole), layer=layer)


def record_thaw(record: ThawRecord, thaw: ActiveLayer, opened: Bool[Array, " column"]) -> ThawRecord:
    """The record with one more moment; where a year has ``opened`` its record moves to the last year.

    At a cold start ELM enters the initial temperatures once before the first step, without a new year.
    """
    last_year = jnp.where(opened, record.deepest, record.last_year)
    last_layer = jnp.where(opened, record.deepest_layer, record.last_year_layer)
    deepest = jnp.where(opened, 0.0, record.deepest)
    deepest_layer = jnp.where(opened, 0, record.deepest_layer)
    deeper = thaw.depth > deepest
    return ThawRecord(
        deepest=jnp.where(deeper, thaw.depth, deepest),
        deepest_layer=jnp.where(deeper, thaw.layer, deepest_layer),
        last_year=last_year,
        last_year_layer=last_layer,
    )


def year_opened(
    latitude: Float[Array, " column"], month: int, day: int, second_of_day: int, timestep: int
) -> Bool[Array, " column"]:
    """Columns whose year of thaw begins in a step that ends at this date; latitude in degrees.

    The second of the day counts at the end of the step, so the first step of a day ends at ``timestep``.
    """
    first = day == 1 and second_of_day // timestep == 1
    north = latitude > 0.0
    return jnp.where(north, first and month == 1, first and month == 7)


def cold_thaw_record(columns: int) -> ThawRecord:
    """A record without entries."""
    depth, layer = jnp.zeros(columns), jnp.zeros(columns, int)
    return ThawRecord(deepest=depth, deepest_layer=layer, last_year=depth, last_year_layer=layer)
