"""The nearest source cell with a value, by great circle and within a distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.source import SourceGrid
from kiloland.grid.base import EARTH_RADIUS, BoolArray, FloatArray

TIE: Final = 1.0 - 1e-12
"""A cell takes over below this share of the least (squared) distance: ties stay in the west and south."""


def haversine(kilometres: FloatArray | float) -> FloatArray:
    """sin²(d / 2R) of a distance on ELM's sphere; at most 1."""
    half = np.minimum(np.asarray(kilometres, np.float64) * 1000.0 / (2.0 * EARTH_RADIUS), np.pi / 2)
    return np.asarray(np.sin(half) ** 2)


def kilometres(squared: FloatArray) -> FloatArray:
    """Distance (km) on ELM's sphere from sin²(d / 2R)."""
    return np.asarray(2.0 * EARTH_RADIUS / 1000.0 * np.arcsin(np.sqrt(np.clip(squared, 0.0, 1.0))))


@dataclass(frozen=True)
class NearestValue:
    """Finds the nearest of the cells that hold a value; ``west_of`` and ``east_of`` are ``[row, column]``.

    In one row the nearest valid cell is the first one to the west or the first one to the east (distance
    grows with the difference of longitude up to 180 degrees). So each row costs two look-ups, and rows are
    tried outwards from the target until the next row is farther than the best cell. The answer is that of a
    search of all cells.
    """

    grid: SourceGrid
    west_of: NDArray[np.int32]
    """Nearest valid column at or west of column c - 1, around the Earth; -1 in a row without values."""
    east_of: NDArray[np.int32]
    """Nearest valid column at or east of column c."""

    @classmethod
    def among(cls, grid: SourceGrid, valid: BoolArray) -> NearestValue:
        """For the cells that are ``valid`` ``[cell]``."""
        rows = valid.reshape(grid.rows, grid.columns)
        columns = np.arange(grid.columns, dtype=np.int32)
        some = rows.any(axis=1)
        last = grid.columns - 1 - np.argmax(rows[:, ::-1], axis=1)
        first = np.argmax(rows, axis=1)
        west = np.maximum.accumulate(np.where(rows, columns, -1), axis=1)
        west = np.concatenate([np.full((grid.rows, 1), -1), west], axis=1)
        west = np.where(west < 0, last[:, None], west)
        east = np.minimum.accumulate(np.where(rows, columns, grid.columns)[:, ::-1], axis=1)[:, ::-1]
        east = np.concatenate([east, np.full((grid.rows, 1), grid.columns)], axis=1)
        east = np.where(east == grid.columns, first[:, None], east)
        west[~some], east[~some] = -1, -1
        return cls(grid, west.astype(np.int32), east.astype(np.int32))

    def find(
        self, longitude: FloatArray, latitude: FloatArray, limit_km: FloatArray | float
    ) -> tuple[NDArray[np.int32], FloatArray]:
        """Nearest cells (-1: none within the limit) and their distance (km, infinite without one)."""
        longitude, latitude = np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
        best = np.broadcast_to(haversine(limit_km) * (1.0 + 1e-12), longitude.shape).copy()
        found = np.full(longitude.shape, -1, dtype=np.int32)
        row, column = self.grid.position(longitude, latitude)
        middle = np.clip(np.rint(row), 0, self.grid.rows - 1).astype(np.int64)
        east = np.clip(np.floor(column) + 1, 0, self.grid.columns).astype(np.int64)
        active = np.arange(longitude.size)
        for away in range(self.grid.rows):
            least = np.full(active.size, np.inf)
            for way in (-1, 1) if away else (1,):
                at = middle[active] + way * away
                inside = (at >= 0) & (at < self.grid.rows)
                angle = np.deg2rad(self.grid.row_latitude(at) - latitude[active])
                least = np.where(inside, np.minimum(least, np.sin(0.5 * angle) ** 2), least)
                cells = active[inside]
                self._try_row(at[inside], east[cells], cells, longitude, latitude, best, found)
            # Rows farther out are at least as far as the nearer one of these two.
            active = active[least < best[active]]
            if active.size == 0:
                break
        return found, np.where(found >= 0, kilometres(best), np.inf)

    def _try_row(
        self,
        row: NDArray[np.int64],
        east: NDArray[np.int64],
        cells: NDArray[np.int64],
        longitude: FloatArray,
        latitude: FloatArray,
        best: FloatArray,
        found: NDArray[np.int32],
    ) -> None:
        """Take over the two candidates of one row for each of some targets where they are nearer."""
        north = np.deg2rad(self.grid.row_latitude(row))
        here = np.deg2rad(latitude[cells])
        fixed, scale = np.sin(0.5 * (north - here)) ** 2, np.cos(north) * np.cos(here)
        for table in (self.west_of, self.east_of):
            column = table[row, east]
            angle = np.deg2rad(self.grid.column_longitude(column) - longitude[cells])
            squared = fixed + scale * np.sin(0.5 * angle) ** 2
            nearer = (column >= 0) & (squared < best[cells] * TIE)
            best[cells[nearer]] = squared[nearer]
            found[cells[nearer]] = (row[nearer] * self.grid.columns + column[nearer]).astype(np.int32)
