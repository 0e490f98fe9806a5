"""What towns are made of: their five surfaces, and the parameters of each density class.

A town is one urban landunit: a canyon between two walls over a road, and roofs beside it. Column arrays
of towns have the surface as the slower axis: column = surface * towns + town.
"""

from __future__ import annotations

from enum import IntEnum

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.pytree import pytree_dataclass
from kiloland.land.subgrid import ColumnType

URBAN_LAYERS = 5
"""Layers of roofs and walls."""


class Surface(IntEnum):
    """Position of a surface on the axis of surfaces."""

    ROOF = 0
    SUNLIT_WALL = 1
    SHADED_WALL = 2
    IMPERVIOUS_ROAD = 3
    PERVIOUS_ROAD = 4


COLUMN_TYPES = (
    ColumnType.ROOF,
    ColumnType.SUNLIT_WALL,
    ColumnType.SHADED_WALL,
    ColumnType.IMPERVIOUS_ROAD,
    ColumnType.PERVIOUS_ROAD,
)
"""Type of the columns of each surface on ELM's files."""


@pytree_dataclass
class UrbanParameters:
    """Properties of towns, from the surface file."""

    height_to_width: Float[Array, " town"]
    """Height of the buildings over the width of the street (`CANYON_HWR`)."""
    roof_share: Float[Array, " town"]
    """Of the plan area of the town (`WTLUNIT_ROOF`)."""
    pervious_share: Float[Array, " town"]
    """Of the road (`WTROAD_PERV`)."""
    roof_height: Float[Array, " town"]
    """m (`HT_ROOF`)."""
    wind_height: Float[Array, " town"]
    """Height above the road that the wind of the canyon is taken for, m (`WIND_HGT_CANYON`)."""
    roof_thickness: Float[Array, " town"]
    """m."""
    wall_thickness: Float[Array, " town"]
    """m."""
    coldest_building: Float[Array, " town"]
    """Temperature below which buildings are heated, K (`T_BUILDING_MIN`)."""
    warmest_building: Float[Array, " town"]
    """Temperature above which buildings are cooled, K (`T_BUILDING_MAX`)."""
    emissivity: Float[Array, "surface town"]
    """Without snow."""
    albedo_direct: Float[Array, "band surface town"]
    """Without snow."""
    albedo_diffuse: Float[Array, "band surface town"]
    paved_layers: Int[Array, "surface town"]
    """Layers from the top that are building material; the others are soil and bedrock."""
    conductivity: Float[Array, "urban surface town"]
    """Of the layers of building material, W m-1 K-1; 1 where there is none."""
    heat_capacity: Float[Array, "urban surface town"]
    """J m-3 K-1; 1 where there is none."""


def by_surface(columns: Float[Array, "*field column"]) -> Float[Array, "*field surface town"]:
    """Column values with an axis of surfaces and one of towns."""
    return columns.reshape(*columns.shape[:-1], len(Surface), -1)


def by_column(values: Float[Array, "*field surface town"]) -> Float[Array, "*field column"]:
    """Values of surfaces and towns in the order of columns."""
    return values.reshape(*values.shape[:-2], -1)


def of_towns(values: Float[Array, "*field town"]) -> Float[Array, "*field column"]:
    """Values of towns repeated for their five columns."""
    return jnp.tile(values, (*([1] * (values.ndim - 1)), len(Surface)))


def surface_areas(parameters: UrbanParameters) -> Float[Array, "surface town"]:
    """Area of each surface over the plan area of the town: walls count with their own area.

    Roof w_r, each wall (1 - w_r) H/W, roads (1 - w_r)(1 - p) and (1 - w_r) p.
    """
    canyon = 1.0 - parameters.roof_share
    wall = canyon * parameters.height_to_width
    pervious = canyon * parameters.pervious_share
    return jnp.stack(
        [parameters.roof_share, wall, wall, canyon * (1.0 - parameters.pervious_share), pervious]
    )
