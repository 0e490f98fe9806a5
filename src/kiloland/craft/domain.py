"""Making a domain file: a grid, a land mask and a region in, ELM's domain format out."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kiloland.errors import InputError
from kiloland.grid import (
    Coordinates,
    Domain,
    DomainHeader,
    Grid,
    LandMask,
    Selection,
    all_land,
    domain_blocks,
    grid_from_text,
    read_ids,
    read_land_mask,
    read_points,
    read_polygons,
    rectangle_blocks,
    select_box,
    select_ids,
    select_land,
    select_points,
    select_polygons,
    select_xy,
    write_domain_blocks,
)
from kiloland.grid.domain import bounding_rectangle, rectangle_shape

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
        return cls(west, south, east, north)


@dataclass(frozen=True)
class PolygonFile:
    """The cells with centres in the polygons of a GeoJSON file or a shapefile."""

    path: Path


Region = AllLand | PointFile | IdFile | Box | PolygonFile


@dataclass(frozen=True)
class DomainRequest:
    """A domain to be made.

    ``grid`` is a specification as :func:`~kiloland.grid.grid_from_text` reads it; ``land_mask`` is FILE or
    FILE:VARIABLE, or None where every cell of the grid counts as land. With ``drop_outside`` requests that
    lie on no land cell are left out; else they end the work.
    """

    grid: str
    land_mask: str | None
    region: Region
    output: Path
    two_dimensional: bool = False
    drop_outside: bool = False


@dataclass(frozen=True)
class DomainSummary:
    """What was made."""

    path: Path
    shape: tuple[int, int]
    land_cells: int
    land_area_km2: float
    bounds: tuple[float, float, float, float]
    """West, south, east, north of the land cells' centres (degrees, east longitudes 0 to 360)."""
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        west, south, east, north = self.bounds
        rows, columns = self.shape
        return [
            f"{self.path}: {rows} x {columns} cells, {self.land_cells} land cells",
            f"area {self.land_area_km2:.3f} km2, {self.land_area_km2 / self.land_cells:.6f} km2 a land cell",
            f"longitudes {west:.5f} to {east:.5f}, latitudes {south:.5f} to {north:.5f}",
            f"made in {self.seconds:.1f} s",
        ]


def craft_domain(request: DomainRequest) -> DomainSummary:
    """Make the domain file; report (as log messages) what was asked twice, lies outside or off centre.

    Cells are worked out and written in blocks, so memory does not grow with the domain beyond its ids and
    the land mask. Raises InputError for unusable input, for requests on no land cell (unless they are to be
    dropped), and for an empty selection; nothing is written then.
    """
    started = time.perf_counter()
    grid = grid_from_text(request.grid)
    mask = _land_mask(request.land_mask, grid)
    selection = select_region(request.region, grid, mask)
    _report(selection, request)
    make, shape = domain_blocks, (1, selection.ids.size)
    if request.two_dimensional:
        make, shape = rectangle_blocks, rectangle_shape(*bounding_rectangle(grid, selection.ids))
    totals = _Totals()
    attributes = {"selection": selection.description, "land_mask": mask.source}
    if mask.checksum:
        attributes["land_mask_sha256"] = mask.checksum
    blocks = totals.watch(make(grid, selection.ids, mask))
    write_domain_blocks(request.output, DomainHeader.of_grid(grid, shape), blocks, attributes)
    seconds = time.perf_counter() - started
    return DomainSummary(request.output, shape, totals.cells, math.fsum(totals.areas), totals.bounds, seconds)


def select_region(region: Region, grid: Grid, mask: LandMask) -> Selection:
    """The land cells of a region."""
    match region:
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


def _land_mask(text: str | None, grid: Grid) -> LandMask:
    """The mask that FILE or FILE:VARIABLE names."""
    if text is None:
        return all_land(grid)
    path, _, variable = text.rpartition(":")
    if Path(text).exists() or not path:
        return read_land_mask(Path(text), grid)
    return read_land_mask(Path(path), grid, variable)


def _report(selection: Selection, request: DomainRequest) -> None:
    """Log what the request got wrong; raise InputError where it cannot be served."""
    report = selection.report
    outside = report.outside.request.size
    findings = report.lines()
    level = logging.WARNING if len(findings) > 1 else logging.INFO
    for line in findings:
        logger.log(level, "%s", line)
    file = getattr(request.region, "path", None)
    if outside and not request.drop_outside:
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


class _Totals:
    """Sums over blocks as they pass on their way to the file."""

    def __init__(self) -> None:
        self.cells = 0
        self.areas: list[float] = []
        self.bounds = (math.inf, math.inf, -math.inf, -math.inf)

    def watch(self, blocks: Iterator[Domain]) -> Iterator[Domain]:
        """The same blocks."""
        for block in blocks:
            land = block.mask == 1
            if land.any():
                longitude, latitude = block.longitude[land], block.latitude[land]
                self.cells += int(land.sum())
                self.areas.append(math.fsum(block.area_km2[land]))
                west, south, east, north = self.bounds
                self.bounds = (
                    min(west, float(longitude.min())),
                    min(south, float(latitude.min())),
                    max(east, float(longitude.max())),
                    max(north, float(latitude.max())),
                )
            yield block
