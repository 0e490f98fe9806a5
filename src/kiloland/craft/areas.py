"""Areas of interest: the land cells that points, ids, boxes and polygons mean, one area or several."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.grid import (
    Coordinates,
    Grid,
    LandMask,
    Selection,
    read_ids,
    read_points,
    read_polygons,
    select_box,
    select_ids,
    select_land,
    select_points,
    select_polygons,
    select_xy,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AllLand:
    """Every land cell of the grid."""


@dataclass(frozen=True)
class PointFile:
    """The cells that hold the points of a file."""

    path: Path
    coordinates: Coordinates


@dataclass(frozen=True)
class IdFile:
    """The cells whose ids a file lists."""

    path: Path


@dataclass(frozen=True)
class Box:
    """The cells with centres in a longitude/latitude box (degrees)."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def from_text(cls, text: str) -> Box:
        """The box ``W,S,E,N``."""
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError as error:
            raise InputError("a box is W,S,E,N in degrees", found=text) from error
        if not np.isfinite((west, south, east, north)).all():
            raise InputError("a box is W,S,E,N in degrees", found=text)
        return cls(west, south, east, north)


@dataclass(frozen=True)
class PolygonFile:
    """The cells with centres in the polygons of a GeoJSON file or a shapefile."""

    path: Path


Area = PointFile | IdFile | Box | PolygonFile


@dataclass(frozen=True)
class Areas:
    """The cells of several areas; a cell of more than one of them counts once."""

    parts: tuple[Area, ...]


Region = AllLand | Area | Areas


def region_of(areas: Sequence[Area]) -> Region:
    """All land without an area, the only area, or several."""
    if not areas:
        return AllLand()
    return areas[0] if len(areas) == 1 else Areas(tuple(areas))


def select_region(region: Region, grid: Grid, mask: LandMask, *, drop_outside: bool = False) -> Selection:
    """The land cells of a region, ascending by id and each once.

    Logs what was asked for twice, lies outside or off centre, and cells that several areas share. Raises
    InputError for requests on no land cell (with ``drop_outside`` they are left out) and for an area without
    any land cell, alone or among others: nothing is left out in silence.
    """
    areas: Sequence[AllLand | Area] = region.parts if isinstance(region, Areas) else [region]
    selections = [_select(area, grid, mask) for area in areas]
    for area, selection in zip(areas, selections, strict=True):
        _report(selection, area, drop_outside)
    if len(selections) == 1:
        return selections[0]
    ids, counts = np.unique(np.concatenate([one.ids for one in selections]), return_counts=True)
    shared = ids[counts > 1]
    if shared.size:
        logger.warning("%s", shared_text(shared))
    text = f"{len(selections)} areas: " + "; ".join(one.description for one in selections)
    return Selection(ids, selections[0].report, text)


def shared_text(shared: NDArray[np.int64]) -> str:
    """Cells of more than one area, in words."""
    first = ", ".join(str(one) for one in shared[:5].tolist())
    more = f" and {shared.size - 5} more" if shared.size > 5 else ""
    return f"{shared.size} cells lie in more than one area and count once: {first}{more}"


def _select(area: AllLand | Area, grid: Grid, mask: LandMask) -> Selection:
    """The land cells of one area, with what its request got wrong."""
    match area:
        case AllLand():
            return select_land(mask)
        case PointFile(path, coordinates):
            points = read_points(path, coordinates)
            select = select_xy if coordinates is Coordinates.XY else select_points
            return select(grid, mask, points.first, points.second)
        case IdFile(path):
            return select_ids(grid, mask, read_ids(path))
        case Box(west, south, east, north):
            return select_box(grid, mask, west, south, east, north)
        case PolygonFile(path):
            return select_polygons(grid, mask, read_polygons(path))


def _report(selection: Selection, area: AllLand | Area, drop_outside: bool) -> None:
    """Log what the request got wrong; raise InputError where it cannot be served."""
    report = selection.report
    outside = report.outside.request.size
    findings = report.lines()
    level = logging.WARNING if len(findings) > 1 else logging.INFO
    for line in findings:
        logger.log(level, "%s", line)
    file = getattr(area, "path", None)
    if outside and not drop_outside:
        raise InputError(
            "requests on no land cell",
            file=file,
            found=f"{outside} of {report.requested}, the first: {_first_outside(selection)}",
            expected="land cells only",
            hint="With --drop-outside they are left out; none is moved to another cell",
        )
    if selection.ids.size == 0:
        raise InputError(
            "no land cell in the selection",
            file=file,
            found=selection.description,
            hint="Check the order (longitude, latitude; west, south, east, north) and the units",
        )


def _first_outside(selection: Selection) -> str:
    outside = selection.report.outside
    place = f"request {outside.request[0] + 1} at ({outside.longitude[0]:.5f}, {outside.latitude[0]:.5f})"
    if outside.nearest_id[0] < 0:
        return f"request {outside.request[0] + 1}, the id of no cell"
    return f"{place}, {outside.distance_km[0]:.3f} km from the nearest land"
