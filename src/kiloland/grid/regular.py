"""Regular longitude/latitude grids, global or of a region."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kiloland.errors import InputError
from kiloland.grid.base import (
    EARTH_RADIUS,
    WGS84_ECCENTRICITY_SQUARED,
    WGS84_INVERSE_FLATTENING,
    WGS84_SEMI_MAJOR_AXIS,
    FloatArray,
    Grid,
    IntArray,
    east_longitude,
    nearest_turn,
)


class Figure(Enum):
    """The figure of the Earth on which latitudes are meant and areas are taken."""

    SPHERE = "sphere"
    """ELM's sphere of 6371.22 km: what ELM and its coupler assume for every lon/lat grid."""
    WGS84 = "WGS84"
    """The ellipsoid: true areas of geodetic latitudes, up to 0.9 % from the sphere's."""


@dataclass(frozen=True)
class RegularGrid(Grid):
    """Equal steps in longitude and in latitude between outer edges (degrees).

    Row 0 lies at ``latitude_first``, so rows run north where ``latitude_first < latitude_last`` (ELM's
    own order) and south otherwise. ``longitude_last`` may be written in either convention; an east edge
    below the west edge means a grid across the dateline or Greenwich.
    """

    longitude_first: float
    longitude_last: float
    columns: int
    latitude_first: float
    latitude_last: float
    rows: int
    figure: Figure = Figure.SPHERE

    def __post_init__(self) -> None:
        """Refuse a grid without cells, with latitudes beyond the poles or with overlapping columns."""
        if self.columns < 1 or self.rows < 1:
            raise InputError(
                "a grid needs cells", found=f"{self.columns} x {self.rows}", expected="1 x 1 or more"
            )
        if max(abs(self.latitude_first), abs(self.latitude_last)) > 90.0:
            raise InputError(
                "latitude edge beyond a pole",
                found=f"{self.latitude_first} to {self.latitude_last}",
                expected="-90 to 90",
            )
        if self.latitude_first == self.latitude_last:
            raise InputError("grid without extent in latitude", found=self.latitude_first)
        if (
            not -360.0 <= self.longitude_first <= 360.0
            or abs(self.longitude_last - self.longitude_first) > 360.0
        ):
            raise InputError(
                "longitude edges are no degrees of one turn",
                found=f"{self.longitude_first} to {self.longitude_last}",
            )

    @property
    def name(self) -> str:
        """The specification from which the same grid can be made again."""
        figure = "" if self.figure is Figure.SPHERE else ",WGS84"
        numbers = (
            f"{self.longitude_first!r},{self.longitude_last!r},{self.columns},"
            f"{self.latitude_first!r},{self.latitude_last!r},{self.rows}"
        )
        return f"regular:{numbers}{figure}"

    @property
    def has_projection(self) -> bool:
        """Never: longitude and latitude are the coordinates."""
        return False

    @property
    def width(self) -> float:
        """Extent in longitude (degrees), above 0 and at most 360."""
        width = (self.longitude_last - self.longitude_first) % 360.0
        return width if width > 0.0 else 360.0

    @property
    def longitude_step(self) -> float:
        """Cell size in longitude (degrees)."""
        return self.width / self.columns

    @property
    def latitude_step(self) -> float:
        """Step of latitude from row to row (degrees), negative where rows run south."""
        return (self.latitude_last - self.latitude_first) / self.rows

    def _longitude(self, position: ArrayLike) -> FloatArray:
        """Longitude (degrees, unwrapped) at a position counted in columns from the west edge."""
        return self.longitude_first + self.width * (np.asarray(position, dtype=np.float64) / self.columns)

    def _latitude(self, position: ArrayLike) -> FloatArray:
        """Latitude (degrees) at a position counted in rows from the first edge."""
        share = np.asarray(position, dtype=np.float64) / self.rows
        return self.latitude_first + (self.latitude_last - self.latitude_first) * share

    def centres(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Longitude (degrees, 0-360) and latitude of cell centres."""
        row, column = self.row_column(ids)
        return east_longitude(self._longitude(column + 0.5)), self._latitude(row + 0.5)

    def centres_xy(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """NaN: there are no projection coordinates."""
        nothing = np.full(np.shape(ids), np.nan)
        return nothing, nothing.copy()

    def vertices(self, ids: IntArray) -> tuple[FloatArray, FloatArray]:
        """Corners (4, cells) in degrees: south-west, south-east, north-east, north-west."""
        row, column = self.row_column(ids)
        centre = self.centres(ids)[0]
        west, east = self._longitude(column), self._longitude(column + 1)
        edges = self._latitude(row), self._latitude(row + 1)
        south, north = np.minimum(*edges), np.maximum(*edges)
        # A cell as wide as the globe has its edges 180 degrees from the centre: shift both by the same turns.
        turns = nearest_turn(self._longitude(column + 0.5), centre) - self._longitude(column + 0.5)
        return np.stack([west, east, east, west]) + turns, np.stack([south, south, north, north])

    def areas(self, ids: IntArray) -> FloatArray:
        """Exact areas (radian² of ELM's sphere: km² / 6371.22²) between two meridians and two parallels.

        Sphere: Δλ (sin φ₂ - sin φ₁), which needs no radius. Ellipsoid (Snyder 1987, eq. 3-12):
        Δλ a²/2 (q₂ - q₁) / 6371.22 km² with q = (1 - e²) (sin φ / (1 - e² sin² φ) + artanh(e sin φ) / e).
        """
        row, _ = self.row_column(ids)
        longitude_extent = np.deg2rad(self.longitude_step)
        area: FloatArray = longitude_extent * np.abs(self._zone(row + 1) - self._zone(row))
        return area

    def _zone(self, position: IntArray) -> FloatArray:
        """The area function of latitude (radian² per radian of longitude) at an edge between rows."""
        sine = np.sin(np.deg2rad(self._latitude(position)))
        if self.figure is Figure.SPHERE:
            return np.asarray(sine)
        e = np.sqrt(WGS84_ECCENTRICITY_SQUARED)
        q = (1.0 - e**2) * (sine / (1.0 - e**2 * sine**2) + np.arctanh(e * sine) / e)
        return np.asarray(0.5 * (WGS84_SEMI_MAJOR_AXIS / EARTH_RADIUS) ** 2 * q)

    def locate(self, longitude: FloatArray, latitude: FloatArray) -> IntArray:
        """Ids of the cells that hold points (degrees, either convention); -1 outside.

        A point on an edge belongs to the cell east of it and to the row that follows; the outermost edges
        belong to the grid.
        """
        east = np.asarray(longitude, dtype=np.float64) - self.longitude_first
        east = np.where((east == self.width), east, np.mod(east, 360.0))
        column = np.floor(east / self.longitude_step)
        column = np.where(east == self.width, 0 if self.width == 360.0 else self.columns - 1, column)
        latitude = np.asarray(latitude, dtype=np.float64)
        row = np.floor((latitude - self.latitude_first) / self.latitude_step)
        row = np.where(latitude == self.latitude_last, self.rows - 1, row)
        inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        whole = np.where(inside, row, -1).astype(np.int64)
        return self.identifier(whole, np.where(inside, column, -1).astype(np.int64))

    def window(self, west: float, south: float, east: float, north: float) -> tuple[slice, slice]:
        """Rows that hold every cell centre of the box, and all columns."""
        edges = sorted(
            (
                (south - self.latitude_first) / self.latitude_step,
                (north - self.latitude_first) / self.latitude_step,
            )
        )
        first, last = np.clip([np.floor(edges[0]) - 1, np.ceil(edges[1]) + 1], 0, self.rows)
        return slice(int(first), int(last)), slice(0, self.columns)

    def mapping(self) -> tuple[str, dict[str, Any]]:
        """CF grid mapping: longitude and latitude on the figure of the Earth of this grid."""
        attributes: dict[str, Any] = {
            "grid_mapping_name": "latitude_longitude",
            "longitude_of_prime_meridian": 0.0,
        }
        if self.figure is Figure.SPHERE:
            return "latitude_longitude", attributes | {"earth_radius": EARTH_RADIUS}
        return "latitude_longitude", attributes | {
            "semi_major_axis": WGS84_SEMI_MAJOR_AXIS,
            "inverse_flattening": WGS84_INVERSE_FLATTENING,
        }
