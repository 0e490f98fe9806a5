"""The domain: the cells of a run, with their places, areas, land mask and land fraction."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.grid.base import KM2_PER_RADIAN2, BoolArray, FloatArray, Grid, IntArray, nearest_turn
from kiloland.grid.mask import LandMask

BLOCK = 1 << 18
"""Cells whose geometry is worked out at once: about 100 MB of arrays in each thread."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Cells of a grid; all arrays over cells, the corners (4, cells).

    A domain made here is ordered by gridcell id; one read from a file keeps the order of the file, since
    every other file of a run follows it. ``shape`` is (1, cells), or (rows, columns) of a two-dimensional
    domain, whose cells are in row-major order and include those off land (``mask`` 0).
    """

    gridcell_id: IntArray
    row: IntArray
    column: IntArray
    longitude: FloatArray
    """Degrees east, 0 to 360."""
    latitude: FloatArray
    """Degrees north."""
    x: FloatArray
    """Projection coordinate (m), NaN where the grid has none."""
    y: FloatArray
    vertex_longitude: FloatArray
    """Corners, counter-clockwise, within 180 degrees of the centre; NaN where a file has none."""
    vertex_latitude: FloatArray
    area: FloatArray
    """True area (radian² of a sphere of 6371.22 km)."""
    mask: NDArray[np.int32]
    """1 on land, 0 elsewhere."""
    fraction: FloatArray
    """Share of the cell that is land (0 to 1)."""
    grid_name: str
    shape: tuple[int, int]

    @property
    def number_of_cells(self) -> int:
        """Number of cells, those off land included."""
        return int(self.gridcell_id.size)

    @property
    def area_km2(self) -> FloatArray:
        """True area of the cells (km²)."""
        return self.area * KM2_PER_RADIAN2

    @property
    def ordered(self) -> bool:
        """True where ids ascend strictly."""
        return bool((np.diff(self.gridcell_id) > 0).all())

    def take(self, cells: IntArray | BoolArray | slice) -> Domain:
        """The domain of some of these cells, one-dimensional, in the order asked for."""
        picked: dict[str, Any] = {
            field.name: value[..., cells]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **picked, shape=(1, int(picked["gridcell_id"].size)))

    def land(self) -> Domain:
        """The land cells alone, one-dimensional."""
        return self.take(self.mask == 1)


def build_domain(grid: Grid, ids: IntArray, mask: LandMask | None = None) -> Domain:
    """The one-dimensional domain of cells by id, in ascending order of id.

    Cells count as land where ``mask`` is None. Raises InputError for ids of no cell, repeated ids, and none.
    """
    ordered = np.sort(np.asarray(ids, dtype=np.int64))
    _require_cells(grid, ordered)
    return _block(grid, ordered, mask, None, (1, ordered.size))


def build_rectangle(grid: Grid, ids: IntArray, mask: LandMask | None = None) -> Domain:
    """The two-dimensional domain of the smallest rectangle that holds the cells; only these have mask 1."""
    ordered = np.sort(np.asarray(ids, dtype=np.int64))
    _require_cells(grid, ordered)
    rectangle = bounding_rectangle(grid, ordered)
    return _block(grid, rectangle_ids(grid, *rectangle), mask, ordered, rectangle_shape(*rectangle))


def domain_blocks(
    grid: Grid, ids: IntArray, mask: LandMask | None = None, *, block: int = BLOCK, threads: int | None = None
) -> Iterator[Domain]:
    """The domain of :func:`build_domain` in consecutive blocks of cells, for domains larger than memory.

    ``ids`` must ascend strictly. The numbers depend neither on ``block`` nor on ``threads`` (default: the
    processors of this process).
    """
    _require_cells(grid, ids)
    parts = (ids[start : start + block] for start in range(0, ids.size, block))
    return _ahead((partial(_block, grid, part, mask, None, (1, part.size)) for part in parts), threads)


def rectangle_blocks(
    grid: Grid, ids: IntArray, mask: LandMask | None = None, *, block: int = BLOCK, threads: int | None = None
) -> Iterator[Domain]:
    """The domain of :func:`build_rectangle` in blocks of whole rows, else as :func:`domain_blocks`."""
    _require_cells(grid, ids)
    rows, columns = bounding_rectangle(grid, ids)
    height = max(1, block // (columns.stop - columns.start))
    parts = (slice(start, min(start + height, rows.stop)) for start in range(rows.start, rows.stop, height))
    makers = (
        partial(_block, grid, rectangle_ids(grid, part, columns), mask, ids, rectangle_shape(part, columns))
        for part in parts
    )
    return _ahead(makers, threads)


def processors() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ahead(makers: Iterator[Callable[[], Domain]], threads: int | None) -> Iterator[Domain]:
    """The blocks in order, the next ones being worked out by threads while one is in use."""
    workers = threads or processors()
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Domain]] = deque()
        for maker in makers:
            waiting.append(pool.submit(maker))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def bounding_rectangle(grid: Grid, ids: IntArray) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle of the grid that holds the cells."""
    row, column = grid.row_column(ids)
    return slice(int(row.min()), int(row.max()) + 1), slice(int(column.min()), int(column.max()) + 1)


def rectangle_ids(grid: Grid, rows: slice, columns: slice) -> IntArray:
    """Ids of all cells of a rectangle, row by row."""
    row = np.arange(rows.start, rows.stop, dtype=np.int64)
    column = np.arange(columns.start, columns.stop, dtype=np.int64)
    return (row[:, np.newaxis] * grid.columns + column).ravel()


def rectangle_shape(rows: slice, columns: slice) -> tuple[int, int]:
    """Number of rows and columns."""
    return rows.stop - rows.start, columns.stop - columns.start


def _require_cells(grid: Grid, ids: IntArray) -> None:
    if ids.size == 0:
        raise InputError("a domain without cells")
    if not grid.contains_id(ids[[0, -1]]).all():
        wrong = ids[~grid.contains_id(ids)]
        raise InputError(
            "id of no cell of the grid", found=int(wrong[0]), expected=f"0 to {grid.number_of_cells - 1}"
        )
    step = np.diff(ids)
    if (step <= 0).any():
        at = int(np.argmax(step <= 0))
        raise InputError("ids repeat or do not ascend", where=f"cell {at + 1}", found=int(ids[at + 1]))


def _block(
    grid: Grid, ids: IntArray, mask: LandMask | None, selected: IntArray | None, shape: tuple[int, int]
) -> Domain:
    """Cells ``ids`` as a domain; land is what is among ``selected`` (all where None) and land in the mask."""
    geometry = grid.geometry(ids)
    inside = np.ones(ids.size, dtype=bool)
    if selected is not None:
        place = np.minimum(np.searchsorted(selected, ids), selected.size - 1)
        inside = selected[place] == ids
    fraction = np.ones(ids.size) if mask is None else mask.fraction_of(ids)
    land = inside if mask is None else inside & mask.land[ids]
    return Domain(
        gridcell_id=ids,
        mask=land.astype(np.int32),
        fraction=np.where(land, fraction, 0.0),
        grid_name=grid.name,
        shape=shape,
        **{field.name: getattr(geometry, field.name) for field in fields(geometry)},
    )


def check_domain(domain: Domain, file: Path | None = None) -> None:
    """Raise InputError with file, variable and cell where a domain cannot be right.

    Checked: finite numbers, latitudes and longitudes in range, mask of 0 and 1 that agrees with the fraction,
    different ids, areas positive and near (a factor of 2) the area between the corners where those are given.
    """
    for variable, values in (
        ("xc", domain.longitude),
        ("yc", domain.latitude),
        ("area", domain.area),
        ("frac", domain.fraction),
    ):
        _refuse(~np.isfinite(values), "not a finite number", domain, variable, values, "a number", file)
    latitude, fraction, mask = domain.latitude, domain.fraction, domain.mask
    _refuse(np.abs(latitude) > 90.0, "latitude out of range", domain, "yc", latitude, "-90 to 90", file)
    _refuse((mask != 0) & (mask != 1), "mask is neither 0 nor 1", domain, "mask", mask, "0 or 1", file)
    out_of_range = (fraction < 0.0) | (fraction > 1.0 + 1e-10)
    _refuse(out_of_range, "land fraction out of range", domain, "frac", fraction, "0 to 1", file)
    disagree = (mask == 1) != (fraction > 0.0)
    _refuse(
        disagree, "mask and frac disagree", domain, "frac", fraction, "above 0 exactly where mask is 1", file
    )
    _check_ids(domain, file)
    _check_areas(domain, file)


def _refuse(
    wrong: BoolArray,
    problem: str,
    domain: Domain,
    variable: str,
    values: NDArray[np.float64] | NDArray[np.int32],
    expected: str,
    file: Path | None,
    hint: str | None = None,
) -> None:
    if not wrong.any():
        return
    cell, count = int(np.argmax(wrong)), int(np.count_nonzero(wrong))
    more = f" and {count - 1} more" if count > 1 else ""
    raise InputError(
        problem,
        file=file,
        variable=variable,
        where=f"cell {cell} (gridcell id {int(domain.gridcell_id[cell])}){more}",
        found=values[cell],
        expected=expected,
        hint=hint,
    )


def _check_ids(domain: Domain, file: Path | None) -> None:
    if domain.ordered:
        return
    order = np.argsort(domain.gridcell_id, kind="stable")
    same = np.diff(domain.gridcell_id[order]) == 0
    if same.any():
        at = int(np.argmax(same))
        raise InputError(
            "the same gridcell id twice",
            file=file,
            variable="gridID",
            where=f"cells {order[at]} and {order[at + 1]}",
            found=int(domain.gridcell_id[order[at]]),
            expected="different ids",
        )


def _check_areas(domain: Domain, file: Path | None) -> None:
    area = domain.area
    hint = "ELM takes area as radian², that is km² / 6371.22²"
    _refuse(area <= 0.0, "area is not positive", domain, "area", area, "above 0 radian²", file, hint)
    between = corner_area(domain)
    ratio = area / np.where(between > 0.0, between, np.nan)
    wrong = (ratio > 2.0) | (ratio < 0.5) | (area > 4.0 * np.pi)
    if not wrong.any():
        return
    cell = int(np.argmax(wrong))
    expected = f"about {between[cell]:.3e} radian² between its corners" if between[cell] > 0 else "below 4 pi"
    _refuse(wrong, "area disagrees with the corners of the cell", domain, "area", area, expected, file, hint)


def corner_area(domain: Domain) -> FloatArray:
    """Area between the corners (radian²) in a plane that is true at the cell's latitude; NaN without corners.

    Good to some per cent for cells of up to ten degrees: made to find wrong units, not to be an area.
    """
    longitude = np.deg2rad(nearest_turn(domain.vertex_longitude, domain.longitude))
    latitude = np.deg2rad(domain.vertex_latitude)
    east, north = longitude - longitude[:1], latitude - latitude[:1]
    cross = east * np.roll(north, -1, axis=0) - np.roll(east, -1, axis=0) * north
    doubled: FloatArray = np.abs(cross.sum(axis=0)) * np.cos(np.deg2rad(domain.latitude))
    return 0.5 * doubled
