"""Which entries of a gridded file belong to the cells of a domain: by gridcell id, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.grid import DaymetGrid, Domain, Grid, grid_from_text

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

AXIS_TOLERANCE: Final = 0.05
"""Largest distance of a coordinate from the centre of its cell, in cells: single precision stays below."""
COORDINATE_TOLERANCE: Final = 0.01
"""Largest difference of longitude and latitude between file and domain [degrees]: a cell of 1 km."""
UNNAMED: Final = "unnamed"
COARSE: Final = 4096
"""Longest list of ids that is always read whole, and marks by which a longer one is searched."""


class Cells(Protocol):
    """Cells with ids and places [degrees]: a domain, or a part of its list."""

    @property
    def gridcell_id(self) -> IntArray: ...

    @property
    def longitude(self) -> FloatArray: ...

    @property
    def latitude(self) -> FloatArray: ...

    @property
    def number_of_cells(self) -> int: ...


@dataclass(frozen=True)
class CellPlaces:
    """Rows and columns of cells in the last two dimensions of a file ``[cell]``, and the shape of these."""

    rows: IntArray
    columns: IntArray
    shape: tuple[int, int]

    def part(self, cells: slice | IntArray) -> CellPlaces:
        """The places of some of the cells, in the order asked for."""
        return CellPlaces(self.rows[cells], self.columns[cells], self.shape)


def land_of(domain: Domain, file: Path) -> Domain:
    """The land cells, which every forcing file holds in this order; InputError where there are none."""
    land = domain.land()
    if not land.number_of_cells:
        raise InputError("the domain has no land", file=file, variable="mask")
    return land


def grid_of(domain: Domain, file: Path) -> Grid:
    """The grid whose ids the domain has; a file that does not say is tried as Daymet's.

    Raises InputError where ids and projection coordinates do not belong together.
    """
    grid = DaymetGrid() if domain.grid_name == UNNAMED else grid_from_text(domain.grid_name)
    if domain.grid_name == UNNAMED:
        known = grid.contains_id(domain.gridcell_id).all()
        apart = np.inf
        if known:
            longitude, latitude = grid.centres(domain.gridcell_id)
            east = np.abs((longitude - domain.longitude + 180.0) % 360.0 - 180.0)
            apart = float(np.maximum(east, np.abs(latitude - domain.latitude)).max())
        if not apart <= COORDINATE_TOLERANCE:
            raise InputError(
                "the domain does not name its grid, and its ids are not those of Daymet",
                file=file,
                variable="gridID",
                hint="Make the domain with `kiloland craft domain`, which writes the grid",
            )
    return grid


def match_cells(
    dataset: Dataset, variable: Variable, domain: Cells, grid: Grid, *, compare: bool = True
) -> CellPlaces:
    """Find the cells in a file ``[time, y, x]`` by gridcell id.

    The ids of the file come from its variable ``gridID``, from its axes ``x`` and ``y``, from its axes
    ``lon`` and ``lat``, or from its shape where that is the whole grid; and with ``compare`` longitude and
    latitude are compared where the file has them. InputError names the first cell that is absent or lies
    elsewhere.
    """
    if len(variable.shape) != 3:
        raise InputError(
            "gridded forcing must be [time, y, x]",
            file=dataset.path,
            variable=variable.name,
            found=variable.dims,
        )
    shape = (variable.shape[1], variable.shape[2])
    row, column = grid.row_column(domain.gridcell_id)
    if "gridID" in dataset and dataset["gridID"].shape == shape:
        places = _by_id(dataset, domain, shape)
    elif isinstance(grid, DaymetGrid) and {"x", "y"} <= dataset.variables.keys():
        y, x = dataset["y"].values(), dataset["x"].values()
        rows = _on_axis(dataset, "y", (grid.top - y) / grid.cell_size - 0.5, row, domain)
        columns = _on_axis(dataset, "x", (x - grid.left) / grid.cell_size - 0.5, column, domain)
        places = CellPlaces(rows, columns, shape)
    elif shape == (grid.rows, grid.columns):
        places = CellPlaces(row, column, shape)
    else:
        raise InputError(
            "the file does not say which cells it holds",
            file=dataset.path,
            variable=variable.name,
            found=f"{shape[0]} x {shape[1]} entries",
            expected=f"gridID, x and y of {grid.name}, or all of its {grid.rows} x {grid.columns} cells",
        )
    if compare:
        _compare(dataset, domain, places)
    return places


def _by_id(dataset: Dataset, domain: Cells, shape: tuple[int, int]) -> CellPlaces:
    """Places from the variable ``gridID``."""
    found = places_by_id(dataset["gridID"], domain.gridcell_id)
    if found is None:
        present = np.isin(domain.gridcell_id, dataset["gridID"].read())
        _require(dataset, "gridID", present, domain)
    assert found is not None
    return CellPlaces(found // shape[1], found % shape[1], shape)


def places_by_id(ids: Variable, wanted: IntArray) -> IntArray | None:
    """Where some ids stand in a variable, counted over all its entries; None unless all are there."""
    found = _among_ascending(ids, wanted)
    if found is not None:
        return found
    whole = ids.read().reshape(-1).astype(np.int64)
    order = np.argsort(whole, kind="stable")
    found = order[np.minimum(np.searchsorted(whole, wanted, sorter=order), whole.size - 1)]
    return found if np.array_equal(whole[found], wanted) else None


def _among_ascending(ids: Variable, wanted: IntArray) -> IntArray | None:
    """The same in a list that ascends, of which only the part around them is read; None where they are not
    found so."""
    count, lead = ids.shape[-1], (0,) * (len(ids.shape) - 1)
    if any(length != 1 for length in ids.shape[:-1]) or count <= COARSE:
        return None
    step = count // COARSE
    marks = ids.read((*lead, slice(None, None, step))).astype(np.int64)
    first = max(int(np.searchsorted(marks, wanted.min(), side="right")) - 1, 0) * step
    end = min(int(np.searchsorted(marks, wanted.max(), side="right")) * step, count)
    part = ids.read((*lead, slice(first, end))).astype(np.int64)
    if not part.size or (np.diff(part) <= 0).any():
        return None
    found = np.minimum(np.searchsorted(part, wanted), part.size - 1)
    return np.asarray(first + found) if np.array_equal(part[found], wanted) else None


def _on_axis(dataset: Dataset, name: str, positions: FloatArray, wanted: IntArray, domain: Cells) -> IntArray:
    """Indices on an axis whose entries have these ``positions`` in rows or columns of the grid."""
    entries = np.asarray(np.rint(positions), dtype=np.int64)
    away = np.abs(positions - entries)
    if not (away <= AXIS_TOLERANCE).all():
        worst = int(np.argmax(away))
        raise InputError(
            "the axis does not lie on the grid of the domain",
            file=dataset.path,
            variable=name,
            where=f"entry {worst}",
            found=f"{away[worst]:.3f} cells from a cell centre",
            expected=f"at most {AXIS_TOLERANCE}",
            hint="Is the file of another projection, region or ellipsoid?",
        )
    order = np.argsort(entries, kind="stable")
    found = order[np.minimum(np.searchsorted(entries, wanted, sorter=order), entries.size - 1)]
    _require(dataset, name, entries[found] == wanted, domain)
    return found


def _require(dataset: Dataset, name: str, present: NDArray[np.bool_], domain: Cells) -> None:
    """InputError where cells are absent."""
    absent = np.flatnonzero(~present)
    if absent.size:
        raise InputError(
            "cells of the domain are not in the file",
            file=dataset.path,
            variable=name,
            where=f"gridcell {int(domain.gridcell_id[absent[0]])}",
            found=f"{absent.size} of {domain.number_of_cells} cells absent",
            expected="every land cell of the domain",
        )


def _compare(dataset: Dataset, domain: Cells, places: CellPlaces) -> None:
    """InputError where longitude and latitude of the file are not those of the domain."""
    for name, wanted in (("lat", domain.latitude), ("lon", domain.longitude)):
        if name not in dataset or dataset[name].shape != places.shape:
            continue
        rows = slice(int(places.rows.min()), int(places.rows.max()) + 1)
        box = dataset[name].values(rows)
        found = box[places.rows - rows.start, places.columns]
        away = np.abs((found - wanted + 180.0) % 360.0 - 180.0)
        if name == "lon":
            away = away * np.cos(np.radians(domain.latitude))
        bad = np.flatnonzero(~(away <= COORDINATE_TOLERANCE))
        if bad.size:
            cell = int(bad[0])
            raise InputError(
                "the cells of the file lie elsewhere than those of the domain",
                file=dataset.path,
                variable=name,
                where=f"gridcell {int(domain.gridcell_id[cell])}",
                found=f"{found[cell]:.5f}, {bad.size} cells in all",
                expected=f"{wanted[cell]:.5f} within {COORDINATE_TOLERANCE} degrees",
            )
