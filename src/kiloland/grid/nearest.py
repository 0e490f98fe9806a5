"""The nearest land cell of a point, and how far it is: for reports, never to move a point."""

from __future__ import annotations

import numpy as np
import pyproj

from kiloland.grid.base import (
    WGS84_ECCENTRICITY_SQUARED,
    WGS84_SEMI_MAJOR_AXIS,
    BoolArray,
    FloatArray,
    Grid,
    IntArray,
)

TILE = 64
"""Rows and columns of the tiles that are searched as a whole."""
TILES_KEPT = 128


def cartesian(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    """Points on the WGS84 ellipsoid as (points, 3) coordinates from the centre of the Earth (m)."""
    sine, cosine = np.sin(np.deg2rad(latitude)), np.cos(np.deg2rad(latitude))
    normal = WGS84_SEMI_MAJOR_AXIS / np.sqrt(1.0 - WGS84_ECCENTRICITY_SQUARED * sine**2)
    east = np.deg2rad(longitude)
    polar = normal * (1.0 - WGS84_ECCENTRICITY_SQUARED) * sine
    return np.stack([normal * cosine * np.cos(east), normal * cosine * np.sin(east), polar], axis=-1)


def geodesic_km(
    longitude: FloatArray, latitude: FloatArray, other_longitude: FloatArray, other_latitude: FloatArray
) -> FloatArray:
    """Geodesic distance (km) on WGS84 between points and other points (degrees)."""
    geod = pyproj.Geod(ellps="WGS84")
    distance = geod.inv(longitude, latitude, other_longitude, other_latitude)[2]
    return np.asarray(distance, dtype=np.float64) / 1000.0


class NearestLand:
    """Finds the land cell whose centre is nearest to a point by the straight line through the Earth.

    Tiles of the grid are searched in the order of the least distance that a cell in them can have, until no
    other tile can hold a nearer cell; so the answer is that of a search of all cells.
    """

    def __init__(self, grid: Grid, land: BoolArray) -> None:
        self._grid = grid
        self._land = land.reshape(grid.rows, grid.columns)
        first_rows, first_columns = np.arange(0, grid.rows, TILE), np.arange(0, grid.columns, TILE)
        some = np.logical_or.reduceat(
            np.logical_or.reduceat(self._land, first_rows, axis=0), first_columns, axis=1
        )
        tile_row, tile_column = np.nonzero(some)
        self._first_row, self._first_column = first_rows[tile_row], first_columns[tile_column]
        self._centre, self._radius = self._bounds()
        self._cells: dict[int, tuple[IntArray, FloatArray]] = {}

    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        """Centre of each tile and the distance (m) within which all its cells lie."""
        last_row = np.minimum(self._first_row + TILE, self._grid.rows) - 1
        last_column = np.minimum(self._first_column + TILE, self._grid.columns) - 1
        rows = (self._first_row, (self._first_row + last_row) // 2, last_row)
        columns = (self._first_column, (self._first_column + last_column) // 2, last_column)
        points = {
            (i, j): cartesian(*self._grid.centres(self._grid.identifier(rows[i], columns[j])))
            for i in range(3)
            for j in range(3)
        }
        centre = points.pop((1, 1))
        radius = np.max([np.linalg.norm(point - centre, axis=1) for point in points.values()], axis=0)
        # The farthest cell of a tile is at its rim between those eight: a twentieth more covers it.
        return centre, np.asarray(1.05 * radius)

    def _tile(self, tile: int) -> tuple[IntArray, FloatArray]:
        """Ids and places of the land cells of a tile; the last tiles used are kept."""
        if tile not in self._cells:
            if len(self._cells) >= TILES_KEPT:
                self._cells.pop(next(iter(self._cells)))
            first_row, first_column = self._first_row[tile], self._first_column[tile]
            inside = self._land[first_row : first_row + TILE, first_column : first_column + TILE]
            row, column = np.nonzero(inside)
            ids = self._grid.identifier(row + first_row, column + first_column)
            self._cells[tile] = ids, cartesian(*self._grid.centres(ids))
        return self._cells[tile]

    def find(self, longitude: FloatArray, latitude: FloatArray) -> tuple[IntArray, FloatArray]:
        """Ids of the nearest land cells (-1 without land) and the geodesic distance (km) to their centres."""
        ids = np.array([self._find_one(point) for point in cartesian(longitude, latitude)], dtype=np.int64)
        if ids.size == 0 or self._radius.size == 0:
            return ids, np.full(ids.shape, np.nan)
        return ids, geodesic_km(longitude, latitude, *self._grid.centres(ids))

    def _find_one(self, point: FloatArray) -> int:
        least = np.linalg.norm(self._centre - point, axis=1) - self._radius
        nearest, best = -1, np.inf
        for tile in np.argsort(least, kind="stable"):
            if least[tile] > best:
                break
            ids, places = self._tile(int(tile))
            distance = np.linalg.norm(places - point, axis=1)
            at = int(np.argmin(distance))
            if distance[at] < best:
                nearest, best = int(ids[at]), float(distance[at])
        return nearest
