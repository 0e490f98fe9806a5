"""The Daymet grid of North America: Lambert conformal conic on the WGS84 ellipsoid, 1 km cells.

The projection is defined on the *ellipsoid*. A definition with a radius (``+R=6378137``) is a sphere,
even where an inverse flattening stands beside it, and puts Alaska 7 to 8 km away from its true place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyproj

from kiloland.errors import InputError
from kiloland.grid.base import (
    EARTH_RADIUS,
    WGS84_INVERSE_FLATTENING,
    WGS84_SEMI_MAJOR_AXIS,
    CellGeometry,
    FloatArray,
    Grid,
    IntArray,
    east_longitude,
    nearest_turn,
)
from kiloland.grid.lambert import LambertConformal

PROJECTION = "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +x_0=0 +y_0=0 +ellps=WGS84 +units=m"
STANDARD_PARALLELS = (25.0, 60.0)
LATITUDE_OF_ORIGIN = 42.5
CENTRAL_MERIDIAN = -100.0
LAMBERT = LambertConformal(STANDARD_PARALLELS, LATITUDE_OF_ORIGIN, CENTRAL_MERIDIAN)
"""The same projection as PROJECTION, from x and y to longitude and latitude."""


@dataclass(frozen=True)
class DaymetGrid(Grid):
    """Daymet's grid, or a rectangular grid of other size and cells in the same projection.

    ``gridID = row * columns + column``, from zero at the upper left (north-west) cell; rows run south.
    ``left`` and ``top`` (m) are the outer edges of that first cell, ``cell_size`` is in metres.
    """

    rows: int = 8075
    columns: int = 7814
    left: float = -4_560_750.0
    top: float = 4_984_500.0
    cell_size: float = 1000.0

    def __post_init__(self) -> None:
        """Refuse an empty grid, and cells too large for the area rule (its error grows as their area)."""
        if self.rows < 1 or self.columns < 1:
            raise InputError(
                "a grid needs cells", found=f"{self.columns} x {self.rows}", expected="1 x 1 or more"
            )
        if not 0.0 < self.cell_size <= 5000.0:
            raise InputError(
                "cell size out of range", found=f"{self.cell_size} m", expected="above 0, at most 5000 m"
            )

    @property
    def name(self) -> str:
        """``daymet`` for the North American grid of 1 km; the geometry is spelled out for any other."""
        if self == DaymetGrid():
            return "daymet"
        return f"daymet_lcc:{self.left:g},{self.top:g},{self.cell_size:g},{self.columns},{self.rows}"

    @property
    def has_projection(self) -> bool:
        """Always: the coordinates are Daymet's x and y."""
        return True

    @cached_property
    def x_centres(self) -> FloatArray:
        """Centres of the columns (m), west to east."""
        return self.left + self.cell_size * (np.arange(self.columns, dtype=np.float64) + 0.5)

    @cached_property
    def y_centres(self) -> FloatArray:
        """Centres of the rows (m), north to south."""
        return self.top - self.cell_size * (np.arange(self.rows, dtype=np.float64) + 0.5)

    @cached_property
    def x_edges(self) -> FloatArray:
        """Edges of the columns (m), one more than columns."""
        return self.left + self.cell_size * np.arange(self.columns + 1, dtype=np.float64)

    @cached_property
    def y_edges(self) -> FloatArray:
        """Edges of the rows (m), north to south, one more than rows."""
        return self.top - self.cell_size * np.arange(self.rows + 1, dtype=np.float64)

    @cached_property
    def _projection(self) -> pyproj.Proj:
        return pyproj.Proj(PROJECTION)

    def to_xy(self, longitude: FloatArray, latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Projection coordinates (m) of points (degrees, either convention); infinite where undefined."""
        x, y = self._projection(np.asarray(longitude, np.float64), np.asarray(latitude, np.float64))
        return np.asarray(x), np.asarray(y)

    def to_longitude_latitude(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitude (degrees, 0-360) and latitude of projection coordinates (m)."""
        longitude, latitude = LAMBERT.inverse(x, y)
        return east_longitude(longitude), latitude

    def locate_xy(self, x: FloatArray, y: FloatArray) -> IntArray:
        """Ids of the cells that hold points (m); -1 outside. An edge is of the cell east or south."""
        column = np.floor((np.asarray(x, dtype=np.float64) - self.left) / self.cell_size)
        row = np.floor((self.top - np.asarray(y, dtype=np.float64)) / self.cell_size)
        inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(
            inside, np.where(inside, row, 0) * self.columns + np.where(inside, column, 0), -1
        ).astype(np.int64)

    def locate(self, longitude: FloatArray, latitude: FloatArray) -> IntArray:
        """Ids of the cells that hold points (degrees, either convention); -1 outside."""
        return self.locate_xy(*self.to_xy(longitude, latitude))

    def centres_xy(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Projection coordinates (m) of cell centres."""
        row, column = self.row_column(ids)
        return self.x_centres[column], self.y_centres[row]

    def centres(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Longitude (degrees, 0-360) and latitude of cell centres, from x and y by the inverse projection."""
        return self.to_longitude_latitude(*self.centres_xy(ids))

    def vertices(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Corners of cells, (4, cells) in degrees; a corner shared by several cells is projected once."""
        return self._vertices_around(*self.row_column(ids), self.centres(ids)[0])

    def _vertices_around(
        self, row: IntArray, column: IntArray, centre_longitude: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        if row.size == 0:
            return np.empty((4, 0)), np.empty((4, 0))
        corner = corner_table(row, column)
        longitude, latitude = self.to_longitude_latitude(
            self.x_edges[corner.columns], self.y_edges[corner.rows]
        )
        at = np.stack([corner.index(row + down, column + right) for down, right in CORNERS])
        return nearest_turn(longitude[at], centre_longitude[np.newaxis, :]), latitude[at]

    def geometry(self, ids: IntArray) -> CellGeometry:
        """Everything about the place of some cells, with one inverse projection per centre and per corner."""
        row, column = self.row_column(ids)
        x, y = self.x_centres[column], self.y_centres[row]
        longitude, latitude = self.to_longitude_latitude(x, y)
        vertices = self._vertices_around(row, column, longitude)
        return CellGeometry(row, column, longitude, latitude, x, y, *vertices, self.areas_at(x, y, latitude))

    def areas(self, ids: IntArray) -> FloatArray:
        """True area of cells on the WGS84 ellipsoid (km² / 6371.22²); see :meth:`areas_at`."""
        x, y = self.centres_xy(ids)
        return self.areas_at(x, y, self.to_longitude_latitude(x, y)[1])

    def areas_at(self, x: FloatArray, y: FloatArray, latitude: FloatArray) -> FloatArray:
        """True area (radian² of ELM's sphere) of cells centred at x, y (m), of known latitude (degrees).

        A conformal projection maps areas by k², so A = ∫∫ k⁻² dx dy over the cell. k⁻² at the centre is the
        midpoint rule; the next term, cell²/24 times the Laplacian of k⁻², is near 1e-8 of the area for
        cells of 1 km.
        """
        return LAMBERT.inverse_areal_scale(x, y, latitude) * (self.cell_size / EARTH_RADIUS) ** 2

    def window(self, west: float, south: float, east: float, north: float) -> tuple[slice, slice]:
        """Rows and columns that hold every cell centre of a lon/lat box (degrees, east >= west).

        The projection is continuous away from the pole and from the meridian opposite to its centre (80E):
        there the image of a box lies within the bounds of the image of its outline.
        """
        everything = (slice(0, self.rows), slice(0, self.columns))
        cut = CENTRAL_MERIDIAN + 180.0
        if north > 89.0 or np.floor((west - cut) / 360.0) != np.floor((east - cut) / 360.0):
            return everything
        along = np.linspace(0.0, 1.0, 2001)
        lower = max(south, -60.0)
        meridian, parallel = lower + (north - lower) * along, west + (east - west) * along
        longitude = np.concatenate([parallel, parallel, np.full_like(along, west), np.full_like(along, east)])
        latitude = np.concatenate(
            [np.full_like(along, lower), np.full_like(along, north), meridian, meridian]
        )
        x, y = self.to_xy(longitude, latitude)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return everything
        margin = 10.0 * self.cell_size + 5_000.0
        return (
            clipped(
                (self.top - y.max() - margin) / self.cell_size,
                (self.top - y.min() + margin) / self.cell_size,
                self.rows,
            ),
            clipped(
                (x.min() - self.left - margin) / self.cell_size,
                (x.max() - self.left + margin) / self.cell_size,
                self.columns,
            ),
        )

    def mapping(self) -> tuple[str, dict[str, Any]]:
        """CF grid mapping: Lambert conformal conic, with the ellipsoid that the coordinates really use."""
        return "lambert_conformal_conic", {
            "grid_mapping_name": "lambert_conformal_conic",
            "standard_parallel": np.array(STANDARD_PARALLELS),
            "longitude_of_central_meridian": CENTRAL_MERIDIAN,
            "latitude_of_projection_origin": LATITUDE_OF_ORIGIN,
            "false_easting": 0.0,
            "false_northing": 0.0,
            "longitude_of_prime_meridian": 0.0,
            "semi_major_axis": WGS84_SEMI_MAJOR_AXIS,
            "inverse_flattening": WGS84_INVERSE_FLATTENING,
            "reference_ellipsoid_name": "WGS 84",
            "prime_meridian_name": "Greenwich",
            "horizontal_datum_name": "World Geodetic System 1984",
            "proj4": PROJECTION,
        }


CORNERS = ((1, 0), (1, 1), (0, 1), (0, 0))
"""Lower left, lower right, upper right, upper left as (rows down, columns right) of the upper-left corner."""


@dataclass(frozen=True)
class CornerTable:
    """The different corners of some cells: their edge rows and columns, and where each stands."""

    rows: IntArray
    columns: IntArray
    index: Callable[[IntArray, IntArray], IntArray]


def corner_table(row: IntArray, column: IntArray) -> CornerTable:
    """All different corners of the cells: by a bitmap of their bounding box, by a sort where they scatter."""
    first_row, first_column = int(row.min()), int(column.min())
    height, width = int(row.max()) - first_row + 2, int(column.max()) - first_column + 2

    def flat(edge_row: IntArray, edge_column: IntArray) -> IntArray:
        return (edge_row - first_row) * width + (edge_column - first_column)

    if height * width <= 16 * row.size + 1024:
        used = np.zeros(height * width, dtype=bool)
        for down, right in CORNERS:
            used[flat(row + down, column + right)] = True
        flat_corners = np.flatnonzero(used)
        place = np.empty(height * width, dtype=np.int64)
        place[flat_corners] = np.arange(flat_corners.size)
        return CornerTable(
            flat_corners // width + first_row,
            flat_corners % width + first_column,
            lambda edge_row, edge_column: place[flat(edge_row, edge_column)],
        )
    flat_corners = np.unique(np.concatenate([flat(row + down, column + right) for down, right in CORNERS]))
    return CornerTable(
        flat_corners // width + first_row,
        flat_corners % width + first_column,
        lambda edge_row, edge_column: np.searchsorted(flat_corners, flat(edge_row, edge_column)),
    )


def clipped(first: float, last: float, size: int) -> slice:
    """The slice from floor(first) to ceil(last), within 0..size."""
    return slice(int(np.clip(np.floor(first), 0, size)), int(np.clip(np.ceil(last), 0, size)))
