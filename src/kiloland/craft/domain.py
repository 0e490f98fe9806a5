"""Making a domain file: a grid, a land mask and a region in, ELM's domain format out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kiloland.craft.areas import (
    AllLand,
    Area,
    Areas,
    Box,
    IdFile,
    PointFile,
    PolygonFile,
    Region,
    region_of,
    select_region,
)
from kiloland.craft.lakes import split_variable, with_lakes
from kiloland.errors import InputError
from kiloland.grid import (
    Domain,
    DomainHeader,
    Grid,
    LandMask,
    Selection,
    all_land,
    domain_blocks,
    grid_from_text,
    read_land_mask,
    rectangle_blocks,
    write_domain_blocks,
)
from kiloland.grid.domain import bounding_rectangle, rectangle_shape

__all__ = [
    "AllLand",
    "Area",
    "Areas",
    "Box",
    "DomainRequest",
    "DomainSummary",
    "IdFile",
    "PointFile",
    "PolygonFile",
    "Region",
    "craft_domain",
    "region_of",
    "select_region",
]


@dataclass(frozen=True)
class DomainRequest:
    """A domain to be made.

    ``grid`` is a specification as :func:`~kiloland.grid.grid_from_text` reads it; ``land_mask`` is FILE or
    FILE:VARIABLE, or None where every cell of the grid counts as land. With ``drop_outside`` requests that
    lie on no land cell are left out; else they end the work. ``lakes`` is FILE or FILE:VARIABLE of lakes that
    count as land, too (see :mod:`kiloland.craft.lakes`).
    """

    grid: str
    land_mask: str | None
    region: Region
    output: Path
    two_dimensional: bool = False
    drop_outside: bool = False
    lakes: str | None = None


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


@dataclass(frozen=True, eq=False)
class DomainWork:
    """What a request comes to, before a cell is worked out; ``shape`` is that of the file."""

    grid: Grid
    mask: LandMask
    selection: Selection
    shape: tuple[int, int]
    attributes: dict[str, str]
    two_dimensional: bool

    @property
    def header(self) -> DomainHeader:
        """What the file says besides its cells."""
        return DomainHeader.of_grid(self.grid, self.shape)

    def blocks(self) -> Iterator[Domain]:
        """The cells, some at a time."""
        make = rectangle_blocks if self.two_dimensional else domain_blocks
        return make(self.grid, self.selection.ids, self.mask)


def prepare_domain(request: DomainRequest) -> DomainWork:
    """Read grid, masks and areas and choose the cells; logs and raises as :func:`craft_domain`."""
    grid = grid_from_text(request.grid)
    mask = land_mask(request.land_mask, grid)
    attributes = {}
    if request.lakes is not None:
        mask = with_lakes(mask, request.lakes, grid)
        attributes["lakes"] = "count as land"
    selection = select_region(request.region, grid, mask, drop_outside=request.drop_outside)
    if selection.ids.size == 0:
        raise InputError("no land cell in the selection", found=selection.description)
    shape = (1, selection.ids.size)
    if request.two_dimensional:
        shape = rectangle_shape(*bounding_rectangle(grid, selection.ids))
    attributes |= {"selection": selection.description, "land_mask": mask.source}
    if mask.checksum:
        attributes["land_mask_sha256"] = mask.checksum
    return DomainWork(grid, mask, selection, shape, attributes, request.two_dimensional)


def craft_domain(request: DomainRequest) -> DomainSummary:
    """Make the domain file; report (as log messages) what was asked twice, lies outside or off centre.

    Cells are worked out and written in blocks, so memory does not grow with the domain beyond its ids and
    the land mask. Raises InputError for unusable input, for requests on no land cell (unless they are to be
    dropped), and for an empty area; nothing is written then.
    """
    started = time.perf_counter()
    work = prepare_domain(request)
    totals = _Totals()
    write_domain_blocks(request.output, work.header, totals.watch(work.blocks()), work.attributes)
    seconds = time.perf_counter() - started
    return DomainSummary(
        request.output, work.shape, totals.cells, math.fsum(totals.areas), totals.bounds, seconds
    )


def land_mask(text: str | None, grid: Grid) -> LandMask:
    """The mask that FILE or FILE:VARIABLE names; all cells where there is none."""
    if text is None:
        return all_land(grid)
    path, variable = split_variable(text)
    return read_land_mask(path, grid, variable)


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
