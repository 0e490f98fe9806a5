"""Which cells a file has, by gridcell id, and which of them a request means."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.domain import Box, IdFile, PointFile
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.grid import (
    Coordinates,
    DaymetGrid,
    Domain,
    Grid,
    grid_from_text,
    read_domain,
    read_ids,
    read_points,
)
from kiloland.verify.copies import IDENTIFIERS

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

COORDINATE_TOLERANCE: Final = 1.0e-3
"""Degrees by which ELM lets surface data and domain differ."""
LONGITUDES: Final = ("LONGXY", "xc", "grid1d_lon", "lon")
LATITUDES: Final = ("LATIXY", "yc", "grid1d_lat", "lat")
NAMED: Final = 10
"""Ids that a message names at most."""


@dataclass(frozen=True)
class DomainFile:
    """The cells of a domain file, in its order."""

    path: Path


@dataclass(frozen=True)
class AllCells:
    """Every cell of the file."""


Request = IdFile | DomainFile | Box | PointFile | AllCells


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one file, in its order; ``ids`` and ``grid`` are None where nothing says them."""

    file: Path
    ids: IntArray | None
    longitude: FloatArray | None
    """Degrees, in either convention."""
    latitude: FloatArray | None
    grid: str | None

    def required_ids(self) -> IntArray:
        """The ids, each once; InputError where the file has none or repeats one."""
        if self.ids is None:
            raise InputError(
                "the file does not say the ids of its cells",
                file=self.file,
                expected="a variable gridID",
                hint="Name the domain that it belongs to with --source-domain",
            )
        ids, counts = np.unique(self.ids, return_counts=True)
        if (counts > 1).any():
            raise InputError(
                "the same gridcell id twice", file=self.file, variable="gridID", found=named(ids[counts > 1])
            )
        return self.ids


def named(ids: IntArray) -> str:
    """The first few ids, and how many more there are."""
    more = f" and {ids.size - NAMED} more" if ids.size > NAMED else ""
    return ", ".join(str(one) for one in ids[:NAMED].tolist()) + more


def cells_of(dataset: Dataset, source_domain: Path | None = None) -> Cells:
    """The cells of a file; ids and grid come from ``source_domain`` where the file itself has none.

    Raises InputError where the file and that domain have other cells, by number or by coordinates.
    """
    identifier = next((dataset[name] for name in dataset if name in IDENTIFIERS), None)
    ids = None if identifier is None else identifier.read().reshape(-1).astype(np.int64)
    longitude, latitude = coordinate(dataset, LONGITUDES), coordinate(dataset, LATITUDES)
    if latitude is None or longitude is None or longitude.shape != latitude.shape:
        longitude = latitude = None
    grid = dataset.attributes.get("grid")
    cells = Cells(dataset.path, ids, longitude, latitude, str(grid) if grid else None)
    return cells if source_domain is None else with_domain(cells, source_domain)


def coordinate(dataset: Dataset, names: tuple[str, ...]) -> FloatArray | None:
    """The first of these variables, over all cells in file order."""
    found: Variable | None = next((dataset[name] for name in names if name in dataset), None)
    return None if found is None else found.read().reshape(-1).astype(np.float64)


def with_domain(cells: Cells, path: Path) -> Cells:
    """Cells with the ids and the grid of the domain that they belong to."""
    domain = read_domain(path)
    if cells.ids is not None and not np.array_equal(cells.ids, domain.gridcell_id):
        raise InputError("the ids are not those of the domain", file=cells.file, expected=f"those of {path}")
    count = None if cells.latitude is None else cells.latitude.size
    if count is not None and count != domain.number_of_cells:
        raise InputError(
            "other cells than the domain",
            file=cells.file,
            found=count,
            expected=f"{domain.number_of_cells} as {path}",
        )
    if cells.longitude is not None and cells.latitude is not None:
        require_same_places(cells, cells.longitude, cells.latitude, domain, path)
    return Cells(cells.file, domain.gridcell_id, domain.longitude, domain.latitude, domain.grid_name)


def require_same_places(
    cells: Cells, longitude: FloatArray, latitude: FloatArray, domain: Domain, path: Path
) -> None:
    """Raise InputError where coordinates differ from those of a domain by more than ELM lets them."""
    east = np.abs((longitude - domain.longitude + 180.0) % 360.0 - 180.0)
    apart = ~(np.maximum(east, np.abs(latitude - domain.latitude)) <= COORDINATE_TOLERANCE)
    if apart.any():
        cell = int(np.argmax(apart))
        raise InputError(
            "the cells lie elsewhere than those of the domain",
            file=cells.file,
            where=f"cell {cell} and {int(apart.sum()) - 1} more",
            found=f"({longitude[cell]:.5f}, {latitude[cell]:.5f})",
            expected=f"({domain.longitude[cell]:.5f}, {domain.latitude[cell]:.5f}) as {path}",
        )


def chosen_positions(cells: Cells, request: Request) -> IntArray:
    """Places in the file of the cells that a request means.

    Those of a domain in its order; others in ascending order of id, as domains are made (in the order of the
    file where it has no ids). Raises InputError for ids that the file has not, and where nothing is meant.
    """
    match request:
        case AllCells():
            found = ordered(cells, np.ones(count_of(cells), dtype=bool))
        case DomainFile(path):
            found = positions_of(cells, read_domain(path).gridcell_id, path)
        case IdFile(path):
            found = positions_of(cells, once(read_ids(path), path), path)
        case PointFile(path, coordinates):
            found = positions_of(cells, once(located(cells, path, coordinates), path), path)
        case Box():
            found = ordered(cells, inside(cells, request))
    if found.size == 0:
        raise InputError("no cell of the file is meant", file=cells.file, found=described(request))
    return found


def described(request: Request) -> str:
    """A request in words."""
    if isinstance(request, Box):
        return f"box {request.west:g},{request.south:g},{request.east:g},{request.north:g}"
    return "all cells" if isinstance(request, AllCells) else str(request.path)


def count_of(cells: Cells) -> int:
    """Number of cells."""
    known = cells.ids if cells.ids is not None else cells.latitude
    if known is None:
        raise InputError(
            "the file says neither ids nor coordinates of its cells",
            file=cells.file,
            hint="Name the domain that it belongs to with --source-domain",
        )
    return int(known.size)


def ordered(cells: Cells, among: NDArray[np.bool_]) -> IntArray:
    """Places of some cells in ascending order of id."""
    places = np.flatnonzero(among)
    if cells.ids is None:
        return places
    return places[np.argsort(cells.required_ids()[places], kind="stable")]


def once(ids: IntArray, path: Path) -> IntArray:
    """Each id once, ascending; what is repeated is logged."""
    unique = np.unique(ids)
    if unique.size != ids.size:
        logger.warning("%s: %d requests repeat a cell", path, ids.size - unique.size)
    return unique


def positions_of(cells: Cells, wanted: IntArray, requested_by: Path) -> IntArray:
    """Place in the file of every wanted id; InputError naming those that it has not."""
    ids = cells.required_ids()
    order = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids[order], wanted), ids.size - 1)
    found: IntArray = order[place]
    missing = wanted[ids[found] != wanted]
    if missing.size:
        raise InputError(
            "cells are missing",
            file=cells.file,
            found=f"{missing.size} of {wanted.size} ids absent: {named(missing)}",
            expected=f"all cells of {requested_by}",
        )
    return found


def inside(cells: Cells, box: Box) -> NDArray[np.bool_]:
    """Which cells have their centre in a box; east below west crosses the dateline or Greenwich."""
    if cells.longitude is None or cells.latitude is None:
        raise InputError(
            "the file has no coordinates of its cells",
            file=cells.file,
            expected=f"{' or '.join(LONGITUDES)}",
            hint="Name the domain that it belongs to with --source-domain",
        )
    if not -90.0 <= box.south < box.north <= 90.0:
        raise InputError("a box needs south below north", found=f"south {box.south:g}, north {box.north:g}")
    width = (box.east - box.west) % 360.0 or 360.0
    across = (cells.longitude - box.west) % 360.0 <= width
    result: NDArray[np.bool_] = across & (cells.latitude >= box.south) & (cells.latitude <= box.north)
    return result


def located(cells: Cells, path: Path, coordinates: Coordinates) -> IntArray:
    """Ids of the cells that hold the points of a file, by the grid of the cells."""
    if cells.grid is None or cells.grid == "unnamed":
        raise InputError(
            "the file does not say the grid of its cells, so no point can be placed",
            file=cells.file,
            expected="a global attribute grid",
            hint="Name the domain that it belongs to with --source-domain",
        )
    grid, points = grid_from_text(cells.grid), read_points(path, coordinates)
    ids = located_on(grid, points.first, points.second, coordinates)
    outside = np.flatnonzero(ids < 0)
    if outside.size:
        raise InputError(
            "points outside the grid",
            file=path,
            where=f"point {int(outside[0]) + 1} and {outside.size - 1} more",
            found=f"({points.first[outside[0]]:g}, {points.second[outside[0]]:g})",
            expected=grid.name,
        )
    return ids


def located_on(grid: Grid, first: FloatArray, second: FloatArray, coordinates: Coordinates) -> IntArray:
    """Ids of the cells of a grid that hold points; -1 outside."""
    if coordinates is Coordinates.LONGITUDE_LATITUDE:
        return grid.locate(first, second)
    if not isinstance(grid, DaymetGrid):
        raise InputError("x and y need a grid with a projection", found=grid.name, expected="daymet")
    return grid.locate_xy(first, second)
