"""Where the cells of a file are: from its own coordinates and ids, or from a domain file."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.grid import DaymetGrid, east_longitude, grid_from_text, read_domain

Float = NDArray[np.float64]
Int = NDArray[np.int64]

COORDINATES = (
    ("grid1d_lon", "grid1d_lat"),
    ("lon", "lat"),
    ("LONGXY", "LATIXY"),
    ("xc", "yc"),
)
"""Names of longitude and latitude, in order of preference."""
OFF_CENTRE = 30.0
"""Metres by which coordinates of single precision may miss the centre of their Daymet cell."""
SAME_STEP = 1.0e-3
"""Share of a step by which coordinates of a regular grid may miss their place."""


@dataclass(frozen=True)
class Raster:
    """Cells as true cells of a grid: row (southwards) and column of each, and the edges of the whole.

    ``edges``: west, east, south, north in the coordinates of the map (m, or degrees when ``daymet`` is None).
    """

    row: Int
    column: Int
    rows: int
    columns: int
    edges: tuple[float, float, float, float]
    daymet: DaymetGrid | None


@dataclass(frozen=True)
class CellPlaces:
    """Longitude (degrees, made continuous) and latitude of each cell; ids and raster where known."""

    longitude: Float
    latitude: Float
    gridcell_id: Int | None
    raster: Raster | None


def places_of(dataset: Dataset, shape: tuple[int, ...], domain: Path | None = None) -> CellPlaces:
    """The places of the cells of a field of this shape, flat in its order.

    Raises ``InputError`` where neither the file nor ``domain`` gives coordinates for as many cells.
    """
    if domain is not None:
        return places_of_domain(domain, prod(shape), dataset)
    longitude, latitude = coordinates(dataset, shape)
    ids = flat_ids(dataset, prod(shape))
    raster = daymet_raster(longitude, latitude) or regular_raster(longitude, latitude)
    return CellPlaces(continuous(longitude), latitude, ids, raster)


def places_of_domain(path: Path, cells: int, dataset: Dataset) -> CellPlaces:
    """The places in a domain file, which must have as many cells."""
    domain = read_domain(path)
    if domain.number_of_cells != cells:
        raise InputError(
            "the domain has another number of cells",
            file=path,
            found=domain.number_of_cells,
            expected=f"{cells} as in {dataset.path}",
        )
    raster = None
    if domain.grid_name.startswith("daymet"):
        grid = grid_from_text(domain.grid_name)
        if isinstance(grid, DaymetGrid):
            raster = raster_of_daymet(grid, domain.row.astype(np.int64), domain.column.astype(np.int64))
    raster = raster or daymet_raster(domain.longitude, domain.latitude)
    raster = raster or regular_raster(domain.longitude, domain.latitude)
    return CellPlaces(continuous(domain.longitude), domain.latitude, domain.gridcell_id, raster)


def coordinates(dataset: Dataset, shape: tuple[int, ...]) -> tuple[Float, Float]:
    """Longitude (0-360) and latitude of every cell, flat."""
    cells = prod(shape)
    for east, north in COORDINATES:
        if east not in dataset or north not in dataset:
            continue
        longitude, latitude = dataset[east].values(), dataset[north].values()
        if len(shape) == 2 and (longitude.shape, latitude.shape) == ((shape[1],), (shape[0],)):
            longitude, latitude = np.meshgrid(longitude, latitude)
        if longitude.size == latitude.size == cells:
            return east_longitude(as_float(longitude)), as_float(latitude)
    raise InputError(
        f"no coordinates of its {cells} cells",
        file=dataset.path,
        expected=" or ".join(f"{east} and {north}" for east, north in COORDINATES),
        hint="Give the domain file of the run with --domain",
    )


def as_float(values: NDArray[np.generic]) -> Float:
    return np.asarray(values, dtype=np.float64).reshape(-1)


def flat_ids(dataset: Dataset, cells: int) -> Int | None:
    """Gridcell ids, where the file has them."""
    if "gridID" not in dataset:
        return None
    ids = dataset["gridID"].read().reshape(-1).astype(np.int64)
    return ids if ids.size == cells else None


def continuous(longitude: Float) -> Float:
    """Longitudes without a jump inside the domain: 0-360, or around zero where that spans less.

    >>> continuous(np.array([359.0, 1.0])).tolist()
    [-1.0, 1.0]
    """
    east = east_longitude(longitude)
    centred = np.where(east > 180.0, east - 360.0, east)
    if not np.isfinite(east).any():
        return east
    return centred if np.nanmax(centred) - np.nanmin(centred) < np.nanmax(east) - np.nanmin(east) else east


def daymet_raster(longitude: Float, latitude: Float) -> Raster | None:
    """The cells as cells of the Daymet grid, where every one lies on a centre of it; else None."""
    grid = DaymetGrid()
    x, y = grid.to_xy(longitude, latitude)
    ids = grid.locate_xy(x, y)
    if not ids.size or (ids < 0).any():
        return None
    centre_x, centre_y = grid.centres_xy(ids)
    if np.hypot(x - centre_x, y - centre_y).max() > OFF_CENTRE:
        return None
    return raster_of_daymet(grid, *grid.row_column(ids))


def raster_of_daymet(grid: DaymetGrid, row: Int, column: Int) -> Raster:
    """The smallest window of the grid around the cells."""
    first_row, first_column = int(row.min()), int(column.min())
    last_row, last_column = int(row.max()) + 1, int(column.max()) + 1
    edges = (
        float(grid.x_edges[first_column]),
        float(grid.x_edges[last_column]),
        float(grid.y_edges[last_row]),
        float(grid.y_edges[first_row]),
    )
    return Raster(
        row - first_row, column - first_column, last_row - first_row, last_column - first_column, edges, grid
    )


def regular_raster(longitude: Float, latitude: Float) -> Raster | None:
    """The cells as cells of a regular grid, where both coordinates have equal steps; else None.

    A domain of one row or column takes the step of the other coordinate.
    """
    east = continuous(longitude)
    along, across = steps(east), steps(latitude)
    if along is None and across is None:
        return None
    step_x, step_y = along or across, across or along
    if step_x is None or step_y is None:
        return None
    column = (east - east.min()) / step_x
    row = (latitude.max() - latitude) / step_y
    if max(np.abs(column - np.rint(column)).max(), np.abs(row - np.rint(row)).max()) > SAME_STEP:
        return None
    whole_column, whole_row = np.rint(column).astype(np.int64), np.rint(row).astype(np.int64)
    rows, columns = int(whole_row.max()) + 1, int(whole_column.max()) + 1
    if rows * columns > 50 * east.size + 1000:
        return None
    edges = (
        float(east.min() - step_x / 2),
        float(east.max() + step_x / 2),
        float(latitude.min() - step_y / 2),
        float(latitude.max() + step_y / 2),
    )
    return Raster(whole_row, whole_column, rows, columns, edges, None)


def steps(values: Float) -> float | None:
    """The smallest distance of neighbouring coordinates; None for a single one.

    Coordinates closer than single precision can tell apart count as one.
    """
    unique = np.unique(values)
    gaps = np.diff(unique)
    gaps = gaps[gaps > 4.0 * np.spacing(np.float32(np.abs(unique).max(initial=1.0)))]
    if not gaps.size:
        return None
    counts = np.rint((unique[-1] - unique[0]) / gaps.min())
    return float((unique[-1] - unique[0]) / counts)
