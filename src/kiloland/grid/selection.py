"""Choosing cells: by id, by points, by box, by polygon; what does not fit is reported, never moved.

Every selection is ordered by gridcell id, whatever the order of the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray, Grid, IntArray
from kiloland.grid.daymet import DaymetGrid
from kiloland.grid.mask import LandMask
from kiloland.grid.nearest import NearestLand, geodesic_km

BLOCK = 1 << 19
OFF_CENTRE_KM = 0.005
"""Points farther than this from the centre of their cell are counted in the report (5 m)."""
LINES = 10


@dataclass(frozen=True, eq=False)
class OutsidePoints:
    """Requests that lie on no land cell, with the nearest land cell and its distance."""

    request: IntArray
    """Place in the request, from zero."""
    longitude: FloatArray
    latitude: FloatArray
    on_grid: BoolArray
    """True for a cell of the grid that is not land, False for a place outside the grid."""
    nearest_id: IntArray
    distance_km: FloatArray


@dataclass(frozen=True, eq=False)
class SelectionReport:
    """What a request asked for and what became of it."""

    requested: int
    repeated_ids: IntArray
    """Cells that were asked for more than once (repeated ids, or several points in one cell)."""
    repeated_counts: IntArray
    outside: OutsidePoints
    distance_from_centre_km: FloatArray
    """For each accepted point, its distance from the centre of its cell."""

    def lines(self, limit: int = LINES) -> list[str]:
        """The report as text, at most ``limit`` lines for each kind of finding."""
        extra = int((self.repeated_counts - 1).sum())
        text = [f"requested {self.requested}, repeated {extra}, outside {self.outside.request.size}"]
        pairs = zip(self.repeated_ids[:limit], self.repeated_counts[:limit], strict=True)
        text += [f"  cell {cell} was asked for {count} times" for cell, count in pairs]
        text += _more(self.repeated_ids.size, limit)
        text += [self._outside_line(i) for i in range(min(limit, self.outside.request.size))]
        text += _more(self.outside.request.size, limit)
        away = self.distance_from_centre_km
        if (away > OFF_CENTRE_KM).any():
            text.append(
                f"{np.count_nonzero(away > OFF_CENTRE_KM)} points are more than {1000 * OFF_CENTRE_KM:g} m "
                f"from the centre of their cell; the farthest {away.max():.3f} km"
            )
        return text

    def _outside_line(self, number: int) -> str:
        outside = self.outside
        place = f"({outside.longitude[number]:.5f}, {outside.latitude[number]:.5f})"
        if not np.isfinite(outside.longitude[number]):
            return f"  request {outside.request[number] + 1} is the id of no cell"
        why = "is not on land" if outside.on_grid[number] else "is outside the grid"
        nearest = f"cell {outside.nearest_id[number]}, {outside.distance_km[number]:.3f} km away"
        return f"  request {outside.request[number] + 1} {place} {why}; the nearest land is {nearest}"


def _more(count: int, limit: int) -> list[str]:
    return [f"  ... and {count - limit} more"] if count > limit else []


@dataclass(frozen=True, eq=False)
class Selection:
    """Ids of land cells, ascending and each once, and the report."""

    ids: IntArray
    report: SelectionReport
    description: str


def select_ids(grid: Grid, mask: LandMask, ids: IntArray) -> Selection:
    """The land cells among ``ids``, in any order, repeated or not."""
    ids = np.asarray(ids, dtype=np.int64)
    known = grid.contains_id(ids)
    longitude, latitude = np.full(ids.shape, np.nan), np.full(ids.shape, np.nan)
    off_land = known & ~mask.land[np.where(known, ids, 0)]
    longitude[off_land], latitude[off_land] = grid.centres(ids[off_land])
    cells = np.where(known, ids, -1)
    return _assemble(grid, mask, cells, longitude, latitude, np.zeros(ids.shape), f"{ids.size} gridcell ids")


def select_points(grid: Grid, mask: LandMask, longitude: FloatArray, latitude: FloatArray) -> Selection:
    """The land cells that hold points (degrees, either longitude convention).

    Raises InputError for latitudes beyond the poles and longitudes outside -360..360.
    """
    for name, values, limit in (("latitude", latitude, 90.0), ("longitude", longitude, 360.0)):
        wrong = ~(np.abs(values) <= limit)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise InputError(
                f"{name} out of range",
                where=f"point {at + 1}",
                found=values[at],
                expected=f"-{limit:g} to {limit:g}",
                hint="The order is longitude, latitude, in degrees",
            )
    cells = grid.locate(longitude, latitude)
    away = _from_centres(grid, cells, longitude, latitude)
    return _assemble(grid, mask, cells, longitude, latitude, away, f"{cells.size} lon/lat points")


def select_xy(grid: Grid, mask: LandMask, x: FloatArray, y: FloatArray) -> Selection:
    """The land cells that hold points in the projection of the grid (m)."""
    if not isinstance(grid, DaymetGrid):
        raise InputError("x and y need a grid with a projection", found=grid.name, expected="daymet")
    if x.size and max(np.abs(x).max(), np.abs(y).max()) <= 360.0:
        raise InputError(
            "x and y look like degrees",
            found=f"x up to {np.abs(x).max():g}",
            expected="metres",
            hint="Use lonlat",
        )
    cells = grid.locate_xy(x, y)
    longitude, latitude = grid.to_longitude_latitude(x, y)
    away = _from_centres(grid, cells, longitude, latitude)
    return _assemble(grid, mask, cells, longitude, latitude, away, f"{cells.size} x/y points")


def select_box(grid: Grid, mask: LandMask, west: float, south: float, east: float, north: float) -> Selection:
    """The land cells whose centres lie in a box (degrees, either convention).

    East below west means a box across the dateline or Greenwich. Raises InputError for a box without extent
    or with south above north.
    """
    if not -90.0 <= south < north <= 90.0:
        raise InputError("a box needs south below north", found=f"south {south:g}, north {north:g}")
    if max(abs(west), abs(east)) > 360.0 or west == east:
        raise InputError("a box needs two longitudes in degrees", found=f"west {west:g}, east {east:g}")
    width = (east - west) % 360.0 or 360.0
    found = []
    for ids, longitude, latitude in _land_in_window(grid, mask, west, south, west + width, north):
        inside = ((longitude - west) % 360.0 <= width) & (latitude >= south) & (latitude <= north)
        found.append(ids[inside])
    return _region(found, f"box {west:g},{south:g},{east:g},{north:g} (west, south, east, north)")


def select_polygons(grid: Grid, mask: LandMask, polygons: Sequence[shapely.Polygon]) -> Selection:
    """The land cells whose centres lie in or on any of the polygons (degrees, edges straight in lon/lat)."""
    found = []
    for polygon in polygons:
        shapely.prepare(polygon)
        west, south, east, north = polygon.bounds
        for ids, longitude, latitude in _land_in_window(grid, mask, west, south, east, north):
            # Each polygon has its own convention: bring the cells to the turn that begins at its west end.
            unwrapped = west + np.mod(longitude - west, 360.0)
            found.append(ids[shapely.intersects_xy(polygon, unwrapped, latitude)])
    return _region(found, f"{len(polygons)} polygons")


def select_land(mask: LandMask) -> Selection:
    """All land cells."""
    return _region([mask.ids], "all land cells")


def _land_in_window(
    grid: Grid, mask: LandMask, west: float, south: float, east: float, north: float
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Ids, longitudes and latitudes of land cells that may lie in a box, in blocks of ascending ids."""
    rows, columns = grid.window(west, south, east, north)
    row, column = np.nonzero(mask.land.reshape(grid.rows, grid.columns)[rows, columns])
    ids = grid.identifier(row + rows.start, column + columns.start)
    for start in range(0, ids.size, BLOCK):
        part = ids[start : start + BLOCK]
        yield part, *grid.centres(part)


def _from_centres(grid: Grid, cells: IntArray, longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    """Distance (km) of points from the centres of their cells; NaN outside the grid."""
    away = np.full(cells.shape, np.nan)
    inside = cells >= 0
    if inside.any():
        away[inside] = geodesic_km(longitude[inside], latitude[inside], *grid.centres(cells[inside]))
    return away


def _assemble(
    grid: Grid,
    mask: LandMask,
    cells: IntArray,
    longitude: FloatArray,
    latitude: FloatArray,
    away: FloatArray,
    description: str,
) -> Selection:
    """The selection of requests whose cells (-1: none) are known."""
    on_grid = cells >= 0
    accepted = on_grid & mask.land[np.where(on_grid, cells, 0)]
    ids, counts = np.unique(cells[accepted], return_counts=True)
    outside = _outside(grid, mask, np.flatnonzero(~accepted), longitude, latitude, on_grid)
    report = SelectionReport(cells.size, ids[counts > 1], counts[counts > 1], outside, away[accepted])
    return Selection(ids, report, description)


def _outside(
    grid: Grid,
    mask: LandMask,
    request: IntArray,
    longitude: FloatArray,
    latitude: FloatArray,
    on_grid: BoolArray,
) -> OutsidePoints:
    longitude, latitude = longitude[request], latitude[request]
    nearest, distance = np.full(request.shape, -1, dtype=np.int64), np.full(request.shape, np.nan)
    placed = np.isfinite(longitude) & np.isfinite(latitude)
    if placed.any():
        search = NearestLand(grid, mask.land)
        nearest[placed], distance[placed] = search.find(longitude[placed], latitude[placed])
    return OutsidePoints(request, longitude, latitude, on_grid[request], nearest, distance)


def _region(found: list[IntArray], description: str) -> Selection:
    """The selection of a region, which can neither repeat a cell nor miss one."""
    ids = (
        np.unique(np.concatenate(found)) if len(found) > 1 else (found[0] if found else np.empty(0, np.int64))
    )
    nothing = np.empty(0, dtype=np.int64)
    no_numbers = np.empty(0)
    outside = OutsidePoints(nothing, no_numbers, no_numbers, np.empty(0, dtype=bool), nothing, no_numbers)
    return Selection(ids, SelectionReport(ids.size, nothing, nothing, outside, no_numbers), description)
