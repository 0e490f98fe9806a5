"""Coordinates against gridcell ids on the Daymet grid: on the ellipsoid, on a sphere, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyproj

from kiloland.craft.check.cells import CellTable, FloatArray, IntArray
from kiloland.craft.check.findings import Finding, finding
from kiloland.grid import EARTH_RADIUS, DaymetGrid
from kiloland.grid.daymet import PROJECTION

SPHERE: Final = PROJECTION.replace("+ellps=WGS84", "+R=6378137")
NEAR: Final = 30.0
"""Metres by which coordinates of single precision may miss the centre of their cell."""
SAME_GRID: Final = 30_000.0
"""Metres within which cells are taken for those of the grid, though misplaced."""


def distance(lon_a: FloatArray, lat_a: FloatArray, lon_b: FloatArray, lat_b: FloatArray) -> FloatArray:
    """Great-circle distance [m] by the haversine; degrees."""
    a, b = np.radians(lat_a), np.radians(lat_b)
    east = np.radians(lon_a - lon_b)
    h = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(east / 2) ** 2
    return np.asarray(2.0 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))))


def daymet_grid_ids(cells: CellTable, declared: bool) -> IntArray | None:
    """Ids as cells of the North American Daymet grid; None where the file is of another grid.

    A file that does not say its grid is taken for one where ids and coordinates agree within 30 km.
    """
    ids, grid = cells.grid_ids, DaymetGrid()
    if ids is None or not ids.size:
        return None
    if declared:
        return ids
    inside = grid.contains_id(ids)
    if not inside.all() or cells.longitude is None or cells.latitude is None:
        return None
    away = distance(cells.longitude, cells.latitude, *grid.centres(ids))
    return ids if float(np.nanmedian(away)) < SAME_GRID else None


def check_daymet_places(check: str, cells: CellTable, ids: IntArray) -> Iterator[Finding]:
    """Longitude and latitude of every cell against the centre that its id has on WGS84."""
    grid = DaymetGrid()
    if cells.longitude is None or cells.latitude is None:
        return
    inside = grid.contains_id(ids)
    safe = np.where(inside, ids, 0)
    longitude, latitude = grid.centres(safe)
    away = np.where(inside, distance(cells.longitude, cells.latitude, longitude, latitude), 0.0)
    bad = ~(away <= NEAR)
    if not bad.any():
        return
    worst = int(np.argmax(np.where(np.isfinite(away), away, np.inf)))
    yield finding(
        check,
        cells.file,
        "longitude, latitude",
        _cause(cells, safe, bad),
        f"{away[worst]:,.0f} m away at most, {float(np.nanmean(away[bad])):,.0f} m in the mean",
        f"{longitude[worst]:.5f}, {latitude[worst]:.5f} within {NEAR:g} m",
        place=cells.place(worst),
        cells=int(bad.sum()),
    )


def _cause(cells: CellTable, ids: IntArray, bad: np.ndarray) -> str:
    """What misplaced the cells, as far as the displacement tells."""
    assert cells.longitude is not None
    assert cells.latitude is not None
    grid, picked = DaymetGrid(), np.flatnonzero(bad)[:5000]
    x, y = grid.centres_xy(ids[picked])
    here = cells.longitude[picked], cells.latitude[picked]
    lon, lat = pyproj.Proj(SPHERE)(x, y, inverse=True)
    if float(np.nanmedian(distance(*here, np.asarray(lon), np.asarray(lat)))) < NEAR:
        return "projected on a sphere (+R=6378137) instead of the WGS84 ellipsoid"
    for east, north in ((-0.5, 0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, -0.5)):
        shifted = grid.to_longitude_latitude(x + east * grid.cell_size, y + north * grid.cell_size)
        if float(np.nanmedian(distance(*here, *shifted))) < NEAR:
            return "corners of the cells instead of their centres"
    located = grid.locate(*here)
    other = int(np.count_nonzero((located >= 0) & (located != ids[picked])))
    if other:
        return f"the coordinates lie in other cells than the ids say ({other} of {picked.size} looked at)"
    return "the coordinates are not those of the cell's centre"
