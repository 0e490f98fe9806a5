"""Which pixels of a raster lie in which cells of a domain, and with how much area.

Pixels much smaller than a cell belong to the cell that holds their centre; less small ones are taken as
several samples; those of about a cell's size or more are cut exactly by the outlines of the cells. Either
way the pixels of a raster are shared out once: nothing is counted twice and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pyproj

from kiloland.craft.forcing.places import grid_of
from kiloland.craft.landcover.lattice import Lattice
from kiloland.craft.surface.overlap import shared_area
from kiloland.files.raster import RasterFile
from kiloland.grid import DaymetGrid, Domain, Grid
from kiloland.grid.base import (
    WGS84_ECCENTRICITY_SQUARED,
    WGS84_SEMI_MAJOR_AXIS,
    FloatArray,
    IntArray,
)

SAMPLES: Final = 32
"""Samples along a cell's side, at least, where pixels are not cut."""
LEAST_RATIO: Final = 4.0
"""Pixels along a cell's side below which they are cut by the outlines."""
STRIPE: Final = 512
"""Rows of samples that are worked on at once, counted from the raster's first row."""
TILE_PIXELS: Final = 4096
TILE_CELLS: Final = 128
METRES_PER_DEGREE: Final = 111_200.0
MISSED_PIXELS: Final = 1e-3
"""What places may be off by (pixels)."""
MISSED_AREA: Final = 1e-7
"""What areas may be off by (share)."""


@dataclass(frozen=True)
class Pieces:
    """Pixels of a window, or parts of them, in cells.

    ``pixel`` counts the window's pixels row by row, ``cell`` the cells asked for, ``area`` is true (km²).
    """

    rows: slice
    columns: slice
    pixel: IntArray
    cell: IntArray
    area: FloatArray


class PixelMap:
    """The pixels of one raster in the cells of one domain."""

    def __init__(self, raster: RasterFile, domain: Domain, domain_file: Path) -> None:
        self.raster, self.domain = raster, domain
        self.grid: Grid = grid_of(domain, domain_file)
        self._plane_is_daymet = isinstance(self.grid, DaymetGrid)
        self._scale = None if raster.crs.is_geographic else pyproj.Proj(raster.crs)

    @cached_property
    def pixel_metres(self) -> float:
        """Side of a pixel (m) as the raster counts it; in latitude where it counts degrees."""
        grid, unit = self.raster.grid, self.raster.metres_per_unit
        if unit is None:
            return abs(grid.step_y) * METRES_PER_DEGREE
        return float(np.sqrt(grid.step_x * abs(grid.step_y))) * unit

    @cached_property
    def ratio(self) -> float:
        """Pixels along the side of a cell; of the grid and the raster alone, whatever the domain."""
        if isinstance(self.grid, DaymetGrid):
            return self.grid.cell_size / self.pixel_metres
        first, second = self.grid.centres(np.array([0, self.grid.columns % self.grid.number_of_cells]))[1]
        return max(abs(float(second - first)), 1e-9) * METRES_PER_DEGREE / self.pixel_metres

    @property
    def samples(self) -> int:
        """Samples along the side of a pixel; 0 where pixels are cut by outlines."""
        return 0 if self.ratio < LEAST_RATIO else max(1, int(np.ceil(SAMPLES / self.ratio)))

    @property
    def method(self) -> str:
        """How pixels are shared out, in words."""
        if self.samples == 0:
            return "pixels cut by the outlines of the cells"
        if self.samples == 1:
            return "centres of pixels"
        return f"{self.samples} x {self.samples} samples a pixel"

    def tiles(self) -> list[IntArray]:
        """Places of the domain's cells, tile by tile; a tile is a square of the grid."""
        side = int(np.clip(TILE_PIXELS // max(self.ratio, 1.0), 1, TILE_CELLS))
        row, column = self.grid.row_column(self.domain.gridcell_id)
        tile = (row // side) * (self.grid.columns // side + 1) + column // side
        order = np.argsort(tile, kind="stable")
        starts = np.flatnonzero(np.diff(tile[order])) + 1
        return [np.asarray(part, np.int64) for part in np.split(order, starts)]

    def pieces(self, cells: IntArray) -> Iterator[Pieces]:
        """The pixels in some cells of the domain, window by window from the north-west of the raster.

        The pieces of a cell come in the same order and with the same bits whatever other cells are asked for.
        """
        rows, columns = self._corners(cells)
        if self.samples == 0:
            yield self._cut(rows, columns)
            return
        locate = _Locator(self.grid, self.domain.gridcell_id[cells])
        height = max(1, STRIPE // self.samples)
        for window_rows, window_columns in self._windows(rows, columns):
            for start in range(window_rows.start // height * height, window_rows.stop, height):
                stripe = slice(max(start, window_rows.start), min(start + height, window_rows.stop))
                yield self._sampled(stripe, window_columns, locate)

    def inside(self, cells: IntArray) -> np.ndarray:
        """Whether all corners of cells lie within the raster."""
        rows, columns = self._corners(cells)
        grid = self.raster.grid
        within = (rows >= 0) & (rows <= grid.height) & (columns >= 0) & (columns <= grid.width)
        if self._around:
            within = (rows >= 0) & (rows <= grid.height)
        return np.asarray(within.all(axis=0))

    @property
    def _around(self) -> bool:
        """True where the columns go once around the Earth."""
        grid = self.raster.grid
        return self.raster.crs.is_geographic and abs(grid.width * grid.step_x - 360.0) < 1e-3 * grid.step_x

    @cached_property
    def _lattice(self) -> Lattice:
        step = int(np.clip(16_000.0 // self.pixel_metres, 1, 32))
        if self._plane_is_daymet:
            place = MISSED_PIXELS * self.pixel_metres
        else:
            place = MISSED_PIXELS * self.pixel_metres / METRES_PER_DEGREE
        area = MISSED_AREA * (self.pixel_metres / 1000.0) ** 2
        return Lattice(self._functions, step, np.array([place, place, area]))

    def _functions(self, row: FloatArray, column: FloatArray) -> FloatArray:
        """The place in the plane of the grid and the area (km²) of a pixel there, ``[3, ...]``."""
        grid = self.raster.grid
        x, y = grid.left + grid.step_x * column, grid.first + grid.step_y * row
        longitude, latitude = self.raster.to_longitude_latitude(x, y)
        with np.errstate(invalid="ignore"):
            area = self._pixel_area(longitude, latitude)
            place = (longitude, latitude)
            if isinstance(self.grid, DaymetGrid):
                place = self.grid.to_xy(longitude, latitude)
        return np.stack([*place, area])

    def _pixel_area(self, longitude: FloatArray, latitude: FloatArray) -> FloatArray:
        """True area (km²) of pixels: dx dy / areal scale, or M N cos φ dφ dλ on WGS84 for degrees."""
        grid, unit = self.raster.grid, self.raster.metres_per_unit
        flat = grid.step_x * abs(grid.step_y)
        if self._scale is None or unit is None:
            sine = np.sin(np.deg2rad(latitude))
            rest = 1.0 - WGS84_ECCENTRICITY_SQUARED * sine**2
            radii = WGS84_SEMI_MAJOR_AXIS**2 * (1.0 - WGS84_ECCENTRICITY_SQUARED) / rest**2
            return np.asarray(
                radii * np.cos(np.deg2rad(latitude)) * np.deg2rad(1.0) ** 2 * flat / 1e6, np.float64
            )
        scale = self._scale.get_factors(longitude, latitude, errcheck=False).areal_scale
        return np.asarray(flat * unit**2 / 1e6 / np.asarray(scale), np.float64)

    def _corners(self, cells: IntArray) -> tuple[FloatArray, FloatArray]:
        """Rows and columns (pixels, with fractions) of the corners ``[4, cell]``, no cell torn apart."""
        longitude, latitude = self.grid.vertices(self.domain.gridcell_id[cells])
        x, y = self.raster.to_xy(longitude, latitude)
        grid = self.raster.grid
        columns = (x - grid.left) / grid.step_x
        if self.raster.crs.is_geographic:
            turn = 360.0 / grid.step_x
            columns = columns - turn * np.round((columns - columns[:1]) / turn)
            beyond = columns.mean(axis=0) > 0.5 * (grid.width + turn)
            columns = np.where(beyond, columns - turn, columns)
        return (y - grid.first) / grid.step_y, columns

    def _windows(self, rows: FloatArray, columns: FloatArray) -> Iterator[tuple[slice, slice]]:
        """Rows and columns of the raster that can hold the cells; two where these lie on both its edges."""
        grid = self.raster.grid
        there = np.isfinite(rows).all(axis=0) & np.isfinite(columns).all(axis=0)
        rows, columns = rows[:, there], columns[:, there]
        if not rows.size:
            return
        groups, shifts = [np.ones(rows.shape[1], dtype=bool)], [0.0]
        if self._around:
            east = columns[0] >= 0.5 * grid.width
            groups, shifts = [east, ~east], [-float(grid.width), 0.0, float(grid.width)]
        across = _padded(rows, grid.height)
        spans = [_padded(columns[:, group] + shift, grid.width) for group in groups for shift in shifts
                 if group.any()]  # fmt: skip
        for span in _merged(spans):
            if across.start < across.stop:
                yield across, span

    def _sampled(self, rows: slice, columns: slice, locate: _Locator) -> Pieces:
        """The pixels of a window by their samples."""
        number = self.samples
        pixels, cells, areas = [], [], []
        row, column = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
        for down in range(number):
            for right in range(number):
                place = self._lattice.at(row + (down + 0.5) / number, column + (right + 0.5) / number)
                cell = locate.cells(place[0], place[1]).ravel()
                pixel = np.flatnonzero(cell >= 0)
                pixels.append(pixel)
                cells.append(cell[pixel])
                areas.append(place[2].ravel()[pixel] / number**2)
        return Pieces(rows, columns, np.concatenate(pixels), np.concatenate(cells), np.concatenate(areas))

    def _cut(self, rows: FloatArray, columns: FloatArray) -> Pieces:
        """Pixels cut by the outlines of cells with corners ``[4, cell]``, straight in the raster."""
        grid = self.raster.grid
        there = np.isfinite(rows).all(axis=0) & np.isfinite(columns).all(axis=0)
        rows, columns = np.where(there, rows, -9.0), np.where(there, columns, -9.0)
        first_row, last_row = np.floor(rows.min(axis=0)), np.ceil(rows.max(axis=0))
        first_column, last_column = np.floor(columns.min(axis=0)), np.ceil(columns.max(axis=0))
        first_row, last_row = np.clip(first_row, 0, grid.height), np.clip(last_row, 0, grid.height)
        if not self._around:
            first_column = np.clip(first_column, 0, grid.width)
            last_column = np.clip(last_column, 0, grid.width)
        width = np.maximum(last_column - first_column, 0).astype(np.int64)
        count = width * np.maximum(last_row - first_row, 0).astype(np.int64)
        cell = np.repeat(np.arange(count.size), count)
        place = np.arange(cell.size) - np.repeat(np.cumsum(count) - count, count)
        row = first_row[cell].astype(np.int64) + place // np.maximum(width[cell], 1)
        column = first_column[cell].astype(np.int64) + place % np.maximum(width[cell], 1)
        left, top = (column - first_column[cell]).astype(np.float64), (row - first_row[cell]).astype(float)
        share = shared_area(
            (columns - first_column)[:, cell], (rows - first_row)[:, cell], left, left + 1.0, top, top + 1.0
        )
        # Rounding of outlines that touch is no overlap.
        real = share > 1e-10
        cell, row, column, share = cell[real], row[real], np.mod(column[real], grid.width), share[real]
        if not cell.size:
            return Pieces(slice(0, 0), slice(0, 0), cell, cell, share)
        window = slice(int(row.min()), int(row.max()) + 1), slice(int(column.min()), int(column.max()) + 1)
        pixel = (row - window[0].start) * (window[1].stop - window[1].start) + column - window[1].start
        area = share * self._functions(row + 0.5, column + 0.5)[2]
        return Pieces(*window, pixel, cell, area)


class _Locator:
    """Finds which of some cells holds a point of the grid's plane."""

    def __init__(self, grid: Grid, ids: IntArray) -> None:
        self._grid = grid
        row, column = grid.row_column(ids)
        self._row, self._column = int(row.min()), int(column.min())
        self._table = np.full((int(row.max()) - self._row + 1, int(column.max()) - self._column + 1), -1)
        self._table[row - self._row, column - self._column] = np.arange(ids.size)

    def cells(self, first: FloatArray, second: FloatArray) -> IntArray:
        """Places of the cells among those asked for; -1 where another or none holds the point."""
        grid = self._grid
        with np.errstate(invalid="ignore"):
            if isinstance(grid, DaymetGrid):
                ids = grid.locate_xy(first, second)
            else:
                ids = grid.locate(first, second)
        row, column = grid.row_column(np.maximum(ids, 0))
        row, column = row - self._row, column - self._column
        inside = (ids >= 0) & (row >= 0) & (row < self._table.shape[0])
        inside &= (column >= 0) & (column < self._table.shape[1])
        return np.where(inside, self._table[np.where(inside, row, 0), np.where(inside, column, 0)], -1)


def _padded(positions: FloatArray, size: int) -> slice:
    """Whole pixels around positions, with room for outlines that bend."""
    low, high = float(positions.min()), float(positions.max())
    margin = 2.0 + 0.02 * (high - low)
    first, last = np.clip([np.floor(low - margin), np.ceil(high + margin)], 0, size)
    return slice(int(first), int(last))


def _merged(spans: list[slice]) -> list[slice]:
    """Slices without overlaps that cover the same, empty ones left out."""
    merged: list[slice] = []
    for span in sorted((span for span in spans if span.start < span.stop), key=lambda span: span.start):
        if merged and span.start <= merged[-1].stop:
            merged[-1] = slice(merged[-1].start, max(merged[-1].stop, span.stop))
        else:
            merged.append(span)
    return merged
