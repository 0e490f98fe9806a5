"""Points of a regular longitude/latitude grid around cells, and weights between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NAMES: Final = (("lon", "longitude", "LONGXY"), ("lat", "latitude", "LATIXY"))


@dataclass(frozen=True)
class GridWindow:
    """The rows and columns of a source grid that some cells need ``[row]``, ``[column]``; a point of the
    window is ``row * columns + column``."""

    rows: IntArray
    columns: IntArray

    @property
    def row_slice(self) -> slice:
        """The rows as one slice of the file."""
        return slice(int(self.rows[0]), int(self.rows[-1]) + 1)

    def take(self, block: FloatArray) -> FloatArray:
        """Values ``[time, point]`` from those of the rows ``[time, row, all columns]``."""
        return np.ascontiguousarray(block[:, :, self.columns]).reshape(block.shape[0], -1)

    def points(self, longitude: FloatArray, latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of the points ``[point]``."""
        shape = (self.rows.size, self.columns.size)
        east = np.broadcast_to(longitude[self.columns][None, :], shape)
        north = np.broadcast_to(latitude[self.rows][:, None], shape)
        return east.ravel(), north.ravel()


@dataclass(frozen=True)
class Weights:
    """Bilinear weights ``[4, cell]`` of points ``[4, cell]`` of a window, the nearest point ``[cell]``, and
    the nine points around it ``[9, cell]``."""

    window: GridWindow
    point: IntArray
    weight: FloatArray
    nearest: IntArray
    around: IntArray

    def finite(self, values: FloatArray, variable: str, file: str) -> FloatArray:
        """The values ``[time, point]`` with 0 at points that no cell needs.

        InputError where a point that has a weight lacks a value.
        """
        bad = ~np.isfinite(values)
        if not bad.any():
            return values
        point_lacks = np.asarray(bad.any(axis=0))
        lacking = np.flatnonzero((point_lacks[self.point] & (self.weight > 0.0)).any(axis=0))
        if lacking.size:
            raise InputError(
                "the reanalysis lacks values around a cell",
                file=file,
                variable=variable,
                where=f"cell {int(lacking[0])}",
                found=f"{lacking.size} such cells",
            )
        return np.where(bad, 0.0, values)

    def bilinear(self, values: FloatArray, cells: slice | IntArray) -> FloatArray:
        """Values ``[time, cell]`` at some of the cells from finite ones ``[time, point]``."""
        total = np.zeros((values.shape[0], self.nearest[cells].size))
        for point, weight in zip(self.point[:, cells], self.weight[:, cells], strict=True):
            part = values[:, point]
            part *= weight
            total += part
        return total


def source_axes(dataset: Dataset, variable: Variable) -> tuple[FloatArray, FloatArray] | None:
    """Longitude and latitude of the last two dimensions of a variable; None where it has no such axes.

    One-dimensional axes, or two-dimensional ones that do not change along the other dimension. InputError for
    entries that are no numbers.
    """
    axes = []
    for along, names in zip((1, 0), NAMES, strict=True):
        length = variable.shape[1 + along]
        name = next((name for name in names if name in dataset), None)
        if name is None:
            return None
        values = dataset[name].values().astype(np.float64)
        if values.ndim == 2 and values.shape == variable.shape[1:]:
            line = values[0] if along else values[:, 0]
            other = line[None, :] if along else line[:, None]
            values = line if np.abs(values - other).max() < 1.0e-4 else values
        if values.ndim != 1 or values.size != length or length < 2:
            return None
        if not np.isfinite(values).all():
            bad = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InputError(
                "is not a number",
                file=dataset.path,
                variable=name,
                where=f"entry {bad}",
                found=float(values[bad]),
            )
        axes.append(values)
    return axes[0], axes[1]


def grid_weights(
    longitude: FloatArray,
    latitude: FloatArray,
    cell_longitude: FloatArray,
    cell_latitude: FloatArray,
    valid: NDArray[np.bool_] | None,
    file: str,
) -> Weights:
    """Weights of cells on a grid of either longitude convention and direction of latitude.

    ``valid`` ``[lat, lon]``: points with values; the others get no weight. Cells may lie up to half a spacing
    beyond the outermost points. InputError for a cell farther out, or without any point with a value.
    """
    row = _fraction(latitude, cell_latitude, None, file, "latitude")
    column = _fraction(longitude, cell_longitude, 360.0, file, "longitude")
    around_world = (
        abs(abs(longitude[-1] - longitude[0]) * longitude.size / (longitude.size - 1) - 360.0) < 0.1
    )
    low_row = np.clip(np.floor(row), 0, latitude.size - 2).astype(np.int64)
    low_column = np.floor(column).astype(np.int64)
    if not around_world:
        low_column = np.clip(low_column, 0, longitude.size - 2)
    north, east = np.clip(row - low_row, 0.0, 1.0), np.clip(column - low_column, 0.0, 1.0)
    rows = np.stack([low_row, low_row, low_row + 1, low_row + 1])
    columns = np.stack([low_column, low_column + 1] * 2) % longitude.size
    weight = np.stack([(1 - north) * (1 - east), (1 - north) * east, north * (1 - east), north * east])
    if valid is not None:
        weight = weight * valid[rows, columns]
    total = weight.sum(axis=0)
    if (total <= 0.0).any():
        cell = int(np.argmin(total))
        raise InputError(
            "the reanalysis has no value around a cell",
            file=file,
            where=f"cell {cell} at {cell_longitude[cell]:.4f}, {cell_latitude[cell]:.4f}",
            found=f"{int((total <= 0.0).sum())} such cells",
        )
    weight = weight / total
    best = weight.argmax(axis=0)[None]
    near_row, near_column = (np.take_along_axis(part, best, axis=0)[0] for part in (rows, columns))
    window = _window(near_row, near_column, latitude.size, longitude.size)

    def point(at_row: IntArray, at_column: IntArray) -> IntArray:
        inside = np.searchsorted(window.columns, at_column)
        return np.asarray((at_row - window.rows[0]) * window.columns.size + inside, dtype=np.int64)

    down, right = (part.ravel()[:, None] for part in np.mgrid[-1:2, -1:2])
    near = point(near_row, near_column)
    around_rows = np.clip(near_row[None] + down, 0, latitude.size - 1)
    beside = near_column[None] + right
    around_columns = beside % longitude.size if around_world else np.clip(beside, 0, longitude.size - 1)
    return Weights(window, point(rows, columns), weight, near, point(around_rows, around_columns))


def _window(row: IntArray, column: IntArray, rows: int, columns: int) -> GridWindow:
    """The points within one step of some points."""
    first, last = max(int(row.min()) - 1, 0), min(int(row.max()) + 1, rows - 1)
    needed = np.unique(np.concatenate([column - 1, column, column + 1]) % columns)
    return GridWindow(np.arange(first, last + 1), needed)


def _fraction(axis: FloatArray, wanted: FloatArray, period: float | None, file: str, name: str) -> FloatArray:
    """Positions on a regular axis in steps; InputError beyond half a step outside."""
    step = (axis[-1] - axis[0]) / (axis.size - 1)
    if np.abs(axis - (axis[0] + step * np.arange(axis.size))).max() > 1.0e-3 * abs(step) + 1.0e-4:
        raise InputError("steps of the reanalysis are not equal", file=file, variable=name)
    distance = wanted - axis[0]
    if period is not None:
        # Between half a step before the first point and one turn on.
        direction = np.sign(step)
        distance = direction * ((direction * distance + abs(step) / 2) % period - abs(step) / 2)
    position = distance / step
    bad = np.flatnonzero(~((position >= -0.5 - 1e-9) & (position <= axis.size - 0.5 + 1e-9)))
    if bad.size:
        raise InputError(
            "a cell lies outside the grid of the reanalysis",
            file=file,
            variable=name,
            where=f"cell {int(bad[0])}",
            found=f"{wanted[bad[0]]:.4f}, {bad.size} cells in all",
            expected=f"{axis[0]:.4f} to {axis[-1]:.4f}",
        )
    return np.asarray(position, dtype=np.float64)
