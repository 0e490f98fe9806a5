"""What every grid offers: numbered cells, their places and true areas, and the cell of a point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

EARTH_RADIUS = 6_371_220.0
"""Radius (m) by which ELM turns an ``area`` in radian² into m² (``SHR_CONST_REARTH``)."""
WGS84_SEMI_MAJOR_AXIS = 6_378_137.0
WGS84_INVERSE_FLATTENING = 298.257223563
WGS84_ECCENTRICITY_SQUARED = (2.0 - 1.0 / WGS84_INVERSE_FLATTENING) / WGS84_INVERSE_FLATTENING
KM2_PER_RADIAN2 = (EARTH_RADIUS / 1000.0) ** 2


def east_longitude(longitude: FloatArray) -> FloatArray:
    """Longitude (degrees) of any convention as 0 <= longitude < 360; NaN stays NaN."""
    east = np.mod(longitude, 360.0)
    # A tiny negative longitude rounds up to 360 itself.
    return np.where(east >= 360.0, 0.0, east)


def nearest_turn(longitude: FloatArray, reference: FloatArray) -> FloatArray:
    """``longitude`` shifted by whole turns to lie within 180 degrees of ``reference`` (both in degrees)."""
    shifted: FloatArray = longitude - 360.0 * np.round((longitude - reference) / 360.0)
    return shifted


@dataclass(frozen=True, eq=False)
class CellGeometry:
    """Where some cells are: all arrays over cells, the corners (4, cells); degrees, metres, radian²."""

    row: IntArray
    column: IntArray
    longitude: FloatArray
    latitude: FloatArray
    x: FloatArray
    y: FloatArray
    vertex_longitude: FloatArray
    vertex_latitude: FloatArray
    area: FloatArray


class Grid(ABC):
    """Cells in ``rows`` × ``columns``; the id of a cell is ``row * columns + column``, from zero.

    All methods are vectorised: arrays of any one shape in, float64 or int64 arrays of that shape out.
    A result for one cell never depends on which other cells are asked for.
    """

    rows: int
    columns: int

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name, written to files."""

    @property
    @abstractmethod
    def has_projection(self) -> bool:
        """True where cells also have projection coordinates x and y (m)."""

    @abstractmethod
    def centres(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Longitude (degrees, 0-360) and latitude (degrees) of cell centres."""

    @abstractmethod
    def centres_xy(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Projection coordinates (m) of cell centres; NaN where the grid has none."""

    @abstractmethod
    def vertices(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude (degrees) of the corners, shape (4, cells), counter-clockwise on the map.

        The order is lower left, lower right, upper right, upper left. A corner's longitude lies within 180
        degrees of its cell's centre, so a cell across the meridian of 0 has corners below 0 or above 360.
        """

    @abstractmethod
    def areas(self, ids: IntArray) -> FloatArray:
        """True cell areas (radian² of ELM's sphere: km² / 6371.22²)."""

    @abstractmethod
    def locate(self, longitude: FloatArray, latitude: FloatArray) -> IntArray:
        """Ids of the cells that hold the points (degrees, any longitude convention); -1 outside."""

    @abstractmethod
    def window(self, west: float, south: float, east: float, north: float) -> tuple[slice, slice]:
        """Rows and columns that hold every cell centre of a lon/lat box (degrees, east >= west)."""

    @abstractmethod
    def mapping(self) -> tuple[str, dict[str, Any]]:
        """Name and attributes of the CF grid mapping variable."""

    def geometry(self, ids: IntArray) -> CellGeometry:
        """Everything about the place of some cells at once."""
        return CellGeometry(
            *self.row_column(ids),
            *self.centres(ids),
            *self.centres_xy(ids),
            *self.vertices(ids),
            self.areas(ids),
        )

    @property
    def number_of_cells(self) -> int:
        """Number of cells, land or not."""
        return self.rows * self.columns

    def contains_id(self, ids: IntArray) -> BoolArray:
        """True where an id is one of this grid's."""
        inside: BoolArray = (ids >= 0) & (ids < self.number_of_cells)
        return inside

    def row_column(self, ids: IntArray) -> tuple[IntArray, IntArray]:
        """Row and column of cells, from zero."""
        row, column = np.divmod(np.asarray(ids, dtype=np.int64), self.columns)
        return row, column

    def identifier(self, row: IntArray, column: IntArray) -> IntArray:
        """Ids of cells by row and column; -1 where these lie outside."""
        row, column = np.asarray(row, dtype=np.int64), np.asarray(column, dtype=np.int64)
        inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(inside, row * self.columns + column, np.int64(-1))
