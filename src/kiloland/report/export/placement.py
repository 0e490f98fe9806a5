"""On which pixel of a map each cell of a file lies: by its coordinates, checked against the grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import LambertConformalConic2SPConversion

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.files.raster import RasterGrid
from kiloland.grid import DaymetGrid, Grid, RegularGrid, east_longitude, grid_from_text
from kiloland.grid.base import nearest_turn
from kiloland.grid.daymet import CENTRAL_MERIDIAN, LATITUDE_OF_ORIGIN, STANDARD_PARALLELS
from kiloland.report.places import (
    COORDINATES,
    OFF_CENTRE,
    SAME_STEP,
    as_float,
    coordinates,
    daymet_raster,
    regular_raster,
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]
BLOCK = 500_000
"""Cells that are located at once."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Cells of a file on a rectangle of a grid whose rows run south.

    ``pixel[i]`` is ``row * columns + column`` of cell i in the rectangle, -1 where the cell has no
    coordinates; None stands for cells that fill the rectangle in its own order. ``shape`` is that of the
    cells on file.
    """

    grid: DaymetGrid | RegularGrid
    first_row: int
    first_column: int
    rows: int
    columns: int
    shape: tuple[int, ...]
    pixel: Int | None

    @property
    def crs(self) -> pyproj.CRS:
        """The coordinate system of the map: Daymet's on WGS84, or EPSG:4326."""
        return daymet_crs() if isinstance(self.grid, DaymetGrid) else pyproj.CRS.from_epsg(4326)

    @property
    def raster_grid(self) -> RasterGrid:
        """The rectangle by its outer edges (m or degrees): centres lie half a step inside."""
        if isinstance(self.grid, DaymetGrid):
            step_x = step_y = self.grid.cell_size
            left, top = self.grid.left, self.grid.top
        else:
            step_x, step_y = self.grid.longitude_step, -self.grid.latitude_step
            left, top = self.grid.longitude_first, self.grid.latitude_first
        edges = left + step_x * self.first_column, top - step_y * self.first_row
        return RasterGrid(*edges, step_x, -step_y, self.columns, self.rows)

    @property
    def in_order(self) -> bool:
        """Whether cells follow each other as their pixels do, so that rows are stretches of the file."""
        return self.pixel is None or self._sorted[0] is None

    @cached_property
    def _sorted(self) -> tuple[Int | None, Int]:
        """Cells in the order of their pixels (None: they are already) and these pixels."""
        assert self.pixel is not None
        if bool((self.pixel[1:] > self.pixel[:-1]).all()) and (self.pixel.size == 0 or self.pixel[0] >= 0):
            return None, self.pixel
        order = np.argsort(self.pixel, kind="stable")
        order = order[np.searchsorted(self.pixel[order], 0) :]
        return order, self.pixel[order]

    def cells_in_rows(self, start: int, stop: int) -> tuple[slice | Int, Int | None]:
        """Cells that lie in rows of the rectangle, and their pixels from the first of these rows on."""
        if self.pixel is None:
            return slice(start * self.columns, stop * self.columns), None
        order, pixels = self._sorted
        first, last = np.searchsorted(pixels, [start * self.columns, stop * self.columns])
        cells = slice(int(first), int(last)) if order is None else order[first:last]
        return cells, pixels[first:last] - start * self.columns

    def row_blocks(self, height: int) -> Iterator[tuple[int, int]]:
        """First row and the row after the last of blocks that cover the rectangle."""
        for start in range(0, self.rows, height):
            yield start, min(start + height, self.rows)

    def ids(self, start: int, stop: int) -> Int:
        """Ids of the grid [row, column] of some rows of the rectangle."""
        row = self.first_row + np.arange(start, stop, dtype=np.int64)[:, np.newaxis]
        column = self.first_column + np.arange(self.columns, dtype=np.int64)
        return row * self.grid.columns + column

    def on_whole_grid(self) -> Placement:
        """The same cells on the whole grid."""
        size = self.grid.rows, self.grid.columns
        if (self.rows, self.columns) == size:
            return self
        pixel = np.arange(self.rows * self.columns, dtype=np.int64) if self.pixel is None else self.pixel
        row, column = np.divmod(pixel, self.columns)
        whole = (row + self.first_row) * self.grid.columns + column + self.first_column
        return Placement(self.grid, 0, 0, *size, self.shape, np.where(pixel < 0, np.int64(-1), whole))


def daymet_crs() -> pyproj.CRS:
    """Daymet's projection, on the WGS84 ellipsoid and datum."""
    first, second = STANDARD_PARALLELS
    conversion = LambertConformalConic2SPConversion(
        latitude_first_parallel=first,
        latitude_second_parallel=second,
        latitude_false_origin=LATITUDE_OF_ORIGIN,
        longitude_false_origin=CENTRAL_MERIDIAN,
    )
    return ProjectedCRS(conversion, name="Daymet Lambert conformal conic", geodetic_crs="EPSG:4326")


def place_cells(dataset: Dataset, shape: tuple[int, ...], domain: Path | None = None) -> Placement:
    """Where the cells of a field of this shape lie, by the coordinates of its file or of a domain.

    Coordinates are read and located in blocks; ids are kept only where the cells do not fill a rectangle row
    by row. Raises ``InputError`` where there are no coordinates, the cells lie on no regular grid, a cell
    misses the centre of its pixel, or two cells share one.
    """
    if domain is None:
        return _place(dataset, shape)
    with open_dataset(domain) as other:
        size = other["xc"].shape
        if prod(size) != prod(shape):
            raise InputError(
                "the domain has another number of cells",
                file=domain,
                found=prod(size),
                expected=f"{prod(shape)} as in {dataset.path}",
            )
        return replace(_place(other, size if len(size) == 2 and size[0] > 1 else (prod(size),)), shape=shape)


def _place(dataset: Dataset, shape: tuple[int, ...]) -> Placement:
    grid = northern_first(grid_of(dataset, shape))
    ids, filled = _located(dataset, shape, grid)
    if filled is not None:
        top, left = divmod(filled, grid.columns)
        return Placement(grid, top, left, shape[0], shape[1], shape, None)
    whole = np.concatenate(ids)
    found = whole >= 0
    if not found.any():
        raise InputError("no cell has coordinates", file=dataset.path)
    row, column = np.divmod(whole, grid.columns)
    first_row, first_column = int(row[found].min()), int(column[found].min())
    rows, columns = int(row[found].max()) - first_row + 1, int(column[found].max()) - first_column + 1
    pixel = np.where(found, (row - first_row) * columns + column - first_column, np.int64(-1))
    _check_alone(pixel, whole, dataset.path)
    return Placement(grid, first_row, first_column, rows, columns, shape, pixel)


def _located(
    dataset: Dataset, shape: tuple[int, ...], grid: DaymetGrid | RegularGrid
) -> tuple[list[Int], int | None]:
    """Ids of all cells in blocks, or the first id where the cells fill a rectangle of the grid in order."""
    blocks: list[Int] = []
    first: int | None = None
    rectangle = len(shape) == 2 and shape[0] > 1
    start = 0
    for longitude, latitude in coordinate_blocks(dataset, shape):
        ids = located(grid, longitude, latitude, dataset.path, start)
        if rectangle:
            first = int(ids[0]) if first is None else first
            rectangle = first >= 0 and bool((ids == _expected(first, start, ids.size, shape, grid)).all())
            if not rectangle:
                blocks = [_expected(first, 0, start, shape, grid)] if start else []
        if not rectangle:
            blocks.append(ids)
        start += ids.size
    return blocks, first if rectangle else None


def _expected(first: int, start: int, size: int, shape: tuple[int, ...], grid: Grid) -> Int:
    """Ids of consecutive cells of a rectangle whose upper left cell is ``first``."""
    row, column = np.divmod(np.arange(start, start + size, dtype=np.int64), shape[1])
    return first + row * grid.columns + column


def _check_alone(pixel: Int, ids: Int, path: Path) -> None:
    if bool((pixel[1:] > pixel[:-1]).all()):
        return
    order = np.argsort(pixel, kind="stable")
    same = np.flatnonzero((np.diff(pixel[order]) == 0) & (pixel[order[1:]] >= 0))
    if same.size:
        first, second = sorted((int(order[same[0]]), int(order[same[0] + 1])))
        raise InputError(
            "two cells lie in one pixel",
            file=path,
            where=f"cells {first} and {second} (of {same.size} such pairs)",
            found=f"both in cell {ids[first]} of the grid",
            hint="Copies of cells share their place: export the file they were made of",
        )


def coordinate_blocks(dataset: Dataset, shape: tuple[int, ...]) -> Iterator[tuple[Float, Float]]:
    """Longitude and latitude of consecutive cells, whole rows at once where there are rows."""
    cells = prod(shape)
    names = next((pair for pair in COORDINATES if _fits(dataset, pair, shape)), None)
    if names is None:
        # Says which names would do.
        yield coordinates(dataset, shape)
        return
    east, north = dataset[names[0]], dataset[names[1]]
    width = shape[-1] if len(shape) == 2 else 1
    step = max(1, BLOCK // width)
    for first in range(0, cells // width, step):
        part = slice(first, min(first + step, cells // width))
        if len(shape) == 2 and len(east.shape) == 1 and east.shape != (cells,):
            grid = np.meshgrid(as_float(east.values()), as_float(north.values((part,))))
            yield grid[0].reshape(-1), grid[1].reshape(-1)
            continue
        index = (0, part) if len(east.shape) == 2 and len(shape) == 1 else (part,)
        yield as_float(east.values(index)), as_float(north.values(index))


def _fits(dataset: Dataset, names: tuple[str, str], shape: tuple[int, ...]) -> bool:
    if names[0] not in dataset or names[1] not in dataset:
        return False
    found = dataset[names[0]].shape, dataset[names[1]].shape
    alike = [shape] if len(shape) == 2 else [shape, (1, *shape)]
    return found in [(one, one) for one in alike] or (len(shape) == 2 and found == ((shape[1],), (shape[0],)))


def grid_of(dataset: Dataset, shape: tuple[int, ...]) -> DaymetGrid | RegularGrid:
    """The grid: the one that the file names, else Daymet's, else a regular one that fits the coordinates."""
    name = str(dataset.attributes.get("grid", ""))
    if name.partition(":")[0] in ("daymet", "daymet_lcc", "regular"):
        named = grid_from_text(name)
        if isinstance(named, DaymetGrid | RegularGrid):
            return named
    longitude, latitude = next(coordinate_blocks(dataset, shape))
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if daymet_raster(longitude[known][:1000], latitude[known][:1000]) is not None:
        return DaymetGrid()
    raster = regular_raster(*coordinates(dataset, shape))
    if raster is None:
        raise InputError(
            "the cells lie on no grid: neither Daymet's nor one of equal steps of longitude and latitude",
            file=dataset.path,
            found=f"first cell at {longitude[0]:.6f}, {latitude[0]:.6f}",
            hint="Give the domain file with --domain if it names the grid",
        )
    west, east, south, north = raster.edges
    return RegularGrid(west, east, raster.columns, max(south, -90.0), min(north, 90.0), raster.rows)


def northern_first(grid: DaymetGrid | RegularGrid) -> DaymetGrid | RegularGrid:
    """The same cells with rows that run south and, where that can be, longitudes of -180 to 180."""
    if isinstance(grid, DaymetGrid):
        return grid
    first, last = grid.latitude_first, grid.latitude_last
    west, width, step = grid.longitude_first, grid.width, grid.longitude_step
    columns_to_dateline = (180.0 - west) / step
    if width == 360.0 and abs(columns_to_dateline - round(columns_to_dateline)) < SAME_STEP:
        west = -180.0
    elif width < 360.0:
        west = (west + 180.0) % 360.0 - 180.0
    return replace(
        grid,
        longitude_first=west,
        longitude_last=west + width,
        latitude_first=max(first, last),
        latitude_last=min(first, last),
    )


def located(
    grid: DaymetGrid | RegularGrid, longitude: Float, latitude: Float, path: Path, start: int = 0
) -> Int:
    """Ids of cells with their centres at these places; -1 for places that are not numbers.

    Raises ``InputError`` naming the first cell (counted from ``start``) that misses a centre.
    """
    known = np.isfinite(longitude) & np.isfinite(latitude)
    ids = np.full(longitude.size, -1, dtype=np.int64)
    ids[known] = grid.locate(longitude[known], latitude[known])
    inside = np.maximum(ids, 0)
    if isinstance(grid, DaymetGrid):
        x, y = grid.to_xy(np.where(known, longitude, 0.0), np.where(known, latitude, 0.0))
        centre_x, centre_y = grid.centres_xy(inside)
        missed = np.hypot(x - centre_x, y - centre_y) > OFF_CENTRE
    else:
        centre_x, centre_y = grid.centres(inside)
        apart = np.abs(nearest_turn(east_longitude(longitude), centre_x) - centre_x)
        # Longitudes near 360 in single precision are rounded to 3e-5 degrees.
        slack = 2.0 * float(np.spacing(np.float32(360.0)))
        missed = apart > SAME_STEP * grid.longitude_step + slack
        missed |= np.abs(latitude - centre_y) > SAME_STEP * abs(grid.latitude_step) + slack
    bad = np.flatnonzero(known & ((ids < 0) | missed))
    if bad.size:
        cell = int(bad[0])
        raise InputError(
            "a cell does not lie on a centre of the grid",
            file=path,
            where=f"cell {start + cell} at {longitude[cell]:.6f}, {latitude[cell]:.6f}",
            found=f"{bad.size} such cells of {longitude.size}",
            expected=f"cell centres of {grid.name}",
        )
    return ids
