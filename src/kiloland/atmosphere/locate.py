"""Which entries of a forcing file belong to which cells of a domain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.forcing import Places
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COORDINATE_TOLERANCE: Final = 0.001
"""Largest difference of coordinates between a forcing file and the domain [degrees], ELM's own limit."""


@dataclass(frozen=True)
class CellIndex:
    """Places in the entries of a variable: ``rows`` and ``columns`` of its last two dimensions ``[cell]``."""

    rows: IntArray
    columns: IntArray
    shape: tuple[int, int]

    def take(self, cells: IntArray) -> CellIndex:
        """The index of some of the places."""
        return replace(self, rows=self.rows[cells], columns=self.columns[cells])

    @property
    def _box(self) -> tuple[slice, slice]:
        """Smallest rectangle of entries that holds all places."""
        if not self.rows.size:
            return slice(0, 0), slice(0, 0)
        rows = slice(int(self.rows.min()), int(self.rows.max()) + 1)
        return rows, slice(int(self.columns.min()), int(self.columns.max()) + 1)

    @property
    def span(self) -> int:
        """Entries that are read for one sample."""
        rows, columns = self._box
        return int((rows.stop - rows.start) * (columns.stop - columns.start))

    def check(self, dataset: Dataset, variable: Variable, places: Places) -> None:
        """InputError where another file of the stream has another shape or other cells at these entries."""
        if variable.shape[-2:] != self.shape:
            raise InputError(
                "the file holds other cells than the first file of its stream",
                file=dataset.path,
                variable=variable.name,
                found=variable.shape[-2:],
                expected=self.shape,
            )
        if "gridID" not in dataset or places.gridcell_id is None or not self.rows.size:
            return
        rows, columns = self._box
        box = dataset["gridID"].read((rows, columns))
        ids = box[self.rows - rows.start, self.columns - columns.start]
        other = np.flatnonzero(ids != places.gridcell_id)
        if other.size:
            raise InputError(
                "the file holds other cells than the first file of its stream",
                file=dataset.path,
                variable="gridID",
                found=f"{int(ids[other[0]])}, {other.size} cells in all",
                expected=int(places.gridcell_id[other[0]]),
            )

    def read(self, variable: Variable, first: int, end: int) -> FloatArray:
        """Samples ``first`` to ``end`` (excluded) at the places ``[time, cell]``, missing ones as NaN."""
        rows, columns = self._box
        block = variable.values((slice(first, end), rows, columns))
        return np.asarray(block[:, self.rows - rows.start, self.columns - columns.start], dtype=np.float64)


def locate_cells(dataset: Dataset, variable: Variable, places: Places) -> CellIndex:
    """Find places in a file: by gridcell id where it has ``gridID``, by order where the numbers agree, on a
    grid by its axes.

    Coordinates must agree (0.001 degrees; on a grid half a spacing). InputError names the first cell that is
    absent, out of order or elsewhere.
    """
    if len(variable.shape) != 3:
        raise InputError(
            "forcing must be [time, nj, ni] or [time, lat, lon]",
            file=dataset.path,
            variable=variable.name,
            found=dict(zip(variable.dims, variable.shape, strict=True)),
        )
    shape = (variable.shape[1], variable.shape[2])
    if variable.dims[1] in dataset and variable.dims[2] in dataset:
        return _on_grid(dataset, variable, places, shape)
    positions = _positions(dataset, places, shape)
    _compare_coordinates(dataset, places, positions)
    return CellIndex(positions // shape[1], positions % shape[1], shape)


def _positions(dataset: Dataset, places: Places, shape: tuple[int, int]) -> IntArray:
    """Flat positions of the places, by id or by order."""
    count = shape[0] * shape[1]
    if "gridID" not in dataset or places.gridcell_id is None:
        if count != places.count:
            raise InputError(
                "the forcing has another number of cells than the domain",
                file=dataset.path,
                variable="gridID",
                found=f"{count} cells, no ids to choose by",
                expected=f"{places.count} cells",
            )
        return np.arange(count, dtype=np.int64)
    ids = dataset["gridID"].read().reshape(-1).astype(np.int64)
    back = np.flatnonzero(np.diff(ids) <= 0)
    if back.size:
        raise InputError(
            "the cells of the forcing are not in the order of the domain",
            file=dataset.path,
            variable="gridID",
            where=f"entries {int(back[0])} and {int(back[0]) + 1}",
            found=f"{int(ids[back[0]])} then {int(ids[back[0] + 1])}",
            expected="ascending ids, each once",
        )
    positions = np.minimum(np.searchsorted(ids, places.gridcell_id), count - 1)
    absent = np.flatnonzero(ids[positions] != places.gridcell_id)
    if absent.size:
        raise InputError(
            "the forcing is of different cells than the domain",
            file=dataset.path,
            variable="gridID",
            where=f"gridcell {int(places.gridcell_id[absent[0]])}",
            found=f"{absent.size} cells of the domain absent, the file has {int(ids[0])} to {int(ids[-1])}",
            expected="every cell of the domain",
        )
    return positions


def _compare_coordinates(dataset: Dataset, places: Places, positions: IntArray) -> None:
    """InputError where LONGXY and LATIXY of the file differ from the domain."""
    for name, wanted, period in (("LATIXY", places.latitude, None), ("LONGXY", places.longitude, 360.0)):
        if name not in dataset:
            continue
        found = dataset[name].values().reshape(-1)[positions]
        away = found - wanted
        if period is not None:
            away = (away + period / 2.0) % period - period / 2.0
        bad = np.flatnonzero(~(np.abs(away) <= COORDINATE_TOLERANCE))
        if bad.size:
            cell = int(bad[0])
            raise InputError(
                "the cells of the forcing lie elsewhere than those of the domain",
                file=dataset.path,
                variable=name,
                where=f"cell {cell}"
                if places.gridcell_id is None
                else f"gridcell {int(places.gridcell_id[cell])}",
                found=f"{found[cell]:.5f}, {bad.size} cells in all",
                expected=f"{wanted[cell]:.5f} within {COORDINATE_TOLERANCE} degrees",
            )


def _on_grid(dataset: Dataset, variable: Variable, places: Places, shape: tuple[int, int]) -> CellIndex:
    """Index of places on a longitude/latitude grid: the grid point whose cell holds them."""
    latitude, longitude = (dataset[dim].values().astype(np.float64).reshape(-1) for dim in variable.dims[1:])
    rows = _nearest(latitude, places.latitude, None, dataset, variable.dims[1])
    columns = _nearest(longitude, places.longitude, 360.0, dataset, variable.dims[2])
    return CellIndex(rows, columns, shape)


def _nearest(
    axis: FloatArray, wanted: FloatArray, period: float | None, dataset: Dataset, name: str
) -> IntArray:
    """Position on a regular axis; InputError beyond half a spacing."""
    if len(axis) < 2:
        raise InputError("a grid axis of one point has no spacing", file=dataset.path, variable=name)
    spacing = (axis[-1] - axis[0]) / (len(axis) - 1)
    distance = wanted - axis[0]
    if period is not None:
        distance = (distance + abs(spacing) / 2.0) % period - abs(spacing) / 2.0 if spacing > 0 else distance
    position = np.rint(distance / spacing)
    bad = np.flatnonzero(~((position >= 0) & (position < len(axis))))
    if bad.size:
        raise InputError(
            "a cell of the domain lies outside the grid of the forcing",
            file=dataset.path,
            variable=name,
            where=f"cell {int(bad[0])}",
            found=f"{wanted[bad[0]]:.4f}, {bad.size} cells in all",
            expected=f"{axis[0]:.4f} to {axis[-1]:.4f}",
        )
    return np.asarray(position, dtype=np.int64)
