"""The source: a surface file, or any file of fields, on a regular longitude/latitude grid.

Whatever the order of rows and the convention of longitudes on file, cells are numbered here from south to
north and from west to east, so that the same data in another layout give the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.table import surface_table
from kiloland.craft.surface.values import LATITUDES, LONGITUDES, Values, coordinate_name, physical
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.grid.base import FloatArray, IntArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceGrid:
    """Cells of equal steps, rows from south to north.

    ``west`` is the longitude of the first column's centre, ``south`` the latitude of the first row's
    centre, both in degrees; ``cyclic`` where the columns go once around the Earth.
    """

    west: float
    south: float
    longitude_step: float
    latitude_step: float
    columns: int
    rows: int
    cyclic: bool

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    def row_latitude(self, row: NDArray[Any]) -> FloatArray:
        """Latitude (degrees) at a row, whole numbers being centres."""
        return np.asarray(self.south + self.latitude_step * np.asarray(row, np.float64))

    def column_longitude(self, column: NDArray[Any]) -> FloatArray:
        """Longitude (degrees, unwrapped) at a column, whole numbers being centres."""
        return np.asarray(self.west + self.longitude_step * np.asarray(column, np.float64))

    def edge_latitude(self, row: IntArray) -> FloatArray:
        """Latitude (degrees) of the southern edge of a row, never beyond a pole."""
        return np.clip(self.row_latitude(np.asarray(row) - 0.5), -90.0, 90.0)

    def position(self, longitude: FloatArray, latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Row and column, with fractions, of places; columns from -0.5 on, turns taken off."""
        first_edge = self.west - 0.5 * self.longitude_step
        turned = np.mod(np.asarray(longitude) - first_edge, 360.0)
        # What lies west of a regional grid is counted from its west edge, not from once around the Earth.
        width = self.columns * self.longitude_step
        turned = np.where(turned > 0.5 * (width + 360.0), turned - 360.0, turned)
        column = turned / self.longitude_step - 0.5
        if self.cyclic:
            column = np.where(column >= self.columns - 0.5, column - self.columns, column)
        return (np.asarray(latitude) - self.south) / self.latitude_step, column

    def areas(self) -> FloatArray:
        """Areas (radian²) of the cells of each row: Δλ (sin φ₂ - sin φ₁)."""
        edges = np.sin(np.deg2rad(self.edge_latitude(np.arange(self.rows + 1))))
        return np.asarray(np.deg2rad(self.longitude_step) * np.diff(edges))

    def diagonal_km(self) -> float:
        """Greatest distance (km) from a centre to a corner, on the equator."""
        return 111.2 * float(np.hypot(self.longitude_step, self.latitude_step)) / 2.0


@dataclass(frozen=True)
class Source(Values):
    """An open file with its grid and how its rows lie on file."""

    grid: SourceGrid
    southward: bool
    """True where the first row on file is the northernmost."""
    rows: slice
    """Rows on file that are read; the others are too far from the targets."""
    turn: int
    """Columns by which the file starts before the first column of the grid."""

    @property
    def cells(self) -> int:
        """Number of cells of the rows that are read."""
        return self.grid.cells

    def layer(self, variable: Variable, index: tuple[int, ...]) -> FloatArray:
        """One layer ``[cell]`` in float64, missing entries NaN; ``index`` counts the leading dimensions."""
        values = physical(variable, variable.read((*index, self.rows)))
        values = values[::-1] if self.southward else values
        values = np.roll(values, -self.turn, axis=1) if self.turn else values
        return np.ascontiguousarray(values).reshape(-1)

    def place(self, cell: int) -> str:
        """A source cell in words."""
        row, column = divmod(cell, self.grid.columns)
        longitude = float(self.grid.column_longitude(np.array(column)))
        latitude = float(self.grid.row_latitude(np.array(row)))
        return f"source cell at {longitude:.4f} E, {latitude:.4f} N"


def read_source(
    dataset: Dataset, south: float = -90.0, north: float = 90.0, names: Mapping[str, str] | None = None
) -> Source:
    """The grid of a file, from LONGXY and LATIXY or from lon and lat.

    Only rows from ``south`` to ``north`` (degrees), and one beyond them, are used; memory is theirs.
    ``names`` are the variables it stands for (None: all of the table that it has).

    Raises InputError for a file without regular coordinates, for a list of cells, and for one cell alone.
    """
    if "gridcell" in dataset.dimensions:
        raise InputError(
            "the source is a list of cells",
            file=dataset.path,
            expected="lsmlat, lsmlon of a regular grid",
            hint="Lists of cells may stand over the source with --product",
        )
    longitude, dims = _axis(dataset, LONGITUDES, -1)
    latitude, more = _axis(dataset, LATITUDES, 0)
    cell_dims = dims if len(dims) == 2 else (more[0], dims[0])
    longitude = _unwrapped(longitude)
    if longitude.size > 1 and longitude[1] < longitude[0]:
        raise InputError("columns run from east to west", file=dataset.path, variable="longitude")
    southward = bool(latitude.size > 1 and latitude[1] < latitude[0])
    if southward:
        latitude = latitude[::-1]
    step_east, step_north = _step(longitude, dataset, "longitude"), _step(latitude, dataset, "latitude")
    if not step_east and not step_north:
        raise InputError("a single cell is no grid", file=dataset.path, expected="two cells or more")
    step_east, step_north = step_east or step_north, step_north or step_east
    grid = _grid(longitude, latitude, step_east, step_north, dataset)
    first = int(np.clip(np.floor((south - grid.south) / step_north) - 1, 0, grid.rows - 1))
    last = int(np.clip(np.ceil((north - grid.south) / step_north) + 1, first, grid.rows - 1))
    rows = slice(grid.rows - 1 - last, grid.rows - first) if southward else slice(first, last + 1)
    # A grid around the Earth starts at its first column east of Greenwich, wherever the file starts.
    turn = int(np.argmin(np.mod(grid.column_longitude(np.arange(grid.columns)), 360.0))) if grid.cyclic else 0
    west = float(np.mod(grid.column_longitude(np.array(turn)), 360.0))
    south_centre = float(grid.row_latitude(np.array(first)))
    grid = replace(grid, west=west, south=south_centre, rows=last - first + 1)
    names = {name: name for name in surface_table() if name in dataset} if names is None else names
    return Source(dataset, (cell_dims[0], cell_dims[1]), names, grid, southward, rows, turn)


def _grid(
    longitude: FloatArray, latitude: FloatArray, step_east: float, step_north: float, dataset: Dataset
) -> SourceGrid:
    """The grid, moved by half a cell where the coordinates can only be corners."""
    west, south = float(longitude[0]), float(latitude[0])
    north = float(latitude[-1])
    beyond = max(-90.0 - (south - step_north / 2), north + step_north / 2 - 90.0)
    if abs(south + 90.0) < 1e-3 * step_north and abs(latitude.size * step_north - 180.0) < 1e-3 * step_north:
        logger.warning(
            "%s: coordinates are the south-west corners of the cells; moved by half a cell", dataset.path.name
        )
        west, south = west + step_east / 2, south + step_north / 2
    elif beyond > 1e-3 * step_north and abs((latitude.size - 1) * step_north - 180.0) > 1e-3 * step_north:
        raise InputError(
            "rows reach beyond a pole", file=dataset.path, variable="latitude", found=f"{south} to {north}"
        )
    width = longitude.size * step_east
    if width > 360.0 * (1.0 + 1e-4):
        raise InputError(
            "columns go around the Earth more than once", file=dataset.path, found=f"{width} degrees"
        )
    cyclic = abs(width - 360.0) < 1e-3 * step_east
    step_east = 360.0 / longitude.size if cyclic else step_east
    return SourceGrid(west, south, step_east, step_north, longitude.size, latitude.size, cyclic)


def _axis(dataset: Dataset, names: tuple[str, ...], along: int) -> tuple[FloatArray, tuple[str, ...]]:
    """Values along one axis, and the dimensions of the variable that gave them."""
    name = coordinate_name(dataset, names)
    variable = dataset[name]
    values = np.asarray(variable.values(), np.float64)
    if values.ndim == 2:
        axis = values[0] if along == -1 else values[:, 0]
        spread = np.abs(values - (axis if along == -1 else axis[:, None]))
        if not (spread <= 1e-5).all():
            raise InputError("is no regular lon/lat grid", file=dataset.path, variable=name)
        values = axis
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise InputError("is no axis of a regular grid", file=dataset.path, variable=name)
    if along == 0 and np.abs(values).max() > 90.0 + 1e-6:
        raise InputError("latitude out of range", file=dataset.path, variable=name, expected="-90 to 90")
    return values, variable.dims


def _unwrapped(longitude: FloatArray) -> FloatArray:
    """Longitudes with jumps of a turn taken out, so that an axis across the dateline ascends."""
    jumps = np.round(np.diff(longitude) / 360.0)
    return longitude - 360.0 * np.concatenate([[0.0], np.cumsum(jumps)])


def _step(axis: FloatArray, dataset: Dataset, variable: str) -> float:
    """The step of an axis; 0 with one value. Steps may differ by what single precision rounds."""
    if axis.size == 1:
        return 0.0
    step = float((axis[-1] - axis[0]) / (axis.size - 1))
    off = np.abs(axis - axis[0] - step * np.arange(axis.size)).max()
    tolerance = 1e-4 * abs(step) + 4.0 * float(np.spacing(np.float32(np.abs(axis).max())))
    if step <= 0.0 or off > tolerance:
        raise InputError("steps are not equal", file=dataset.path, variable=variable, found=f"{off:.3g} off")
    return step
