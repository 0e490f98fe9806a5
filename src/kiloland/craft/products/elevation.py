"""``kiloland craft elevation``: elevation, its spread and slopes of every cell from a raster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.landcover.pixels import PixelMap
from kiloland.craft.products.moments import Moments
from kiloland.craft.products.output import ProductVariable, write_product
from kiloland.craft.products.terrain import Terrain, ground_ways, terrain
from kiloland.errors import InputError
from kiloland.files.raster import RasterFile, open_raster
from kiloland.grid import read_domain
from kiloland.grid.base import FloatArray, IntArray

LOWEST: Final = -500.0
HIGHEST: Final = 9000.0
"""Elevations (m) that land has."""
VARIABLES: Final = {
    "TOPO": ("m", "mean elevation"),
    "STD_ELEV": ("m", "standard deviation of elevation"),
    "SLOPE": ("degrees", "mean slope"),
    "SINSL_COSAS": ("1", "mean of sin(slope) cos(aspect)"),
    "SINSL_SINAS": ("1", "mean of sin(slope) sin(aspect)"),
}
METRE_NAMES: Final = ("", "m", "meter", "meters", "metre", "metres")


@dataclass(frozen=True)
class ElevationRequest:
    """A terrain product to be made; ``minimum`` is the least share of a cell (0 to 1) with elevations."""

    raster: Path
    domain: Path
    output: Path
    crs: str | None = None
    minimum: float = 0.5


@dataclass(frozen=True)
class ElevationSummary:
    """What was made."""

    path: Path
    cells: int
    known: int
    lowest: float
    highest: float
    method: str
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        return [
            f"{self.path}: {self.cells} cells, {self.known} with elevations of {self.lowest:.1f} to "
            f"{self.highest:.1f} m; pixels: {self.method}",
            f"made in {self.seconds:.1f} s",
        ]


def craft_elevation(
    request: ElevationRequest, report: Callable[[str], None] = lambda text: None
) -> ElevationSummary:
    """Make the product. Memory: a window of the raster and 40 bytes a cell.

    Slopes are those of the raster at its own resolution (Horn), averaged over the cell by area; the standard
    deviation is that of the pixels. Raises InputError for a raster without coordinate system, with other
    units than metres, with elevations that do not occur, or that covers no cell.
    """
    started = time.perf_counter()
    domain = read_domain(request.domain)
    values = {name: np.full(domain.number_of_cells, np.nan) for name in VARIABLES}
    coverage = np.zeros(domain.number_of_cells)
    with open_raster(request.raster, request.crs) as raster:
        _check_units(raster)
        pixels = PixelMap(raster, domain, request.domain)
        tiles = pixels.tiles()
        for number, cells in enumerate(tiles):
            found, area = _tile(pixels, raster, cells)
            for name, part in found.items():
                values[name][cells] = part
            coverage[cells] = area / domain.area_km2[cells]
            if (number + 1) * 10 // len(tiles) != number * 10 // len(tiles):
                report(f"{number + 1} of {len(tiles)} tiles done")
        if not coverage.any():
            raise InputError(
                "the raster does not cover the domain",
                file=request.raster,
                found=f"edges {raster.grid.edges} in {raster.crs.name}",
            )
        method, comment = pixels.method, raster.comment
    known = coverage >= request.minimum
    variables = [
        ProductVariable(name, units, text, np.where(known, values[name], np.nan))
        for name, (units, text) in VARIABLES.items()
    ]
    variables.append(ProductVariable("coverage", "1", "share of the cell with elevations", coverage))
    facts = {"raster_file": request.raster.name, "pixels": method, "least_coverage": request.minimum}
    facts |= {"raster_comment": comment} if comment else {}
    write_product(request.output, domain, request.domain, variables, "craft elevation", facts)
    heights = values["TOPO"][known]
    return ElevationSummary(
        request.output, domain.number_of_cells, int(known.sum()), float(heights.min(initial=np.inf)),
        float(heights.max(initial=-np.inf)), method, time.perf_counter() - started,
    )  # fmt: skip


def _tile(pixels: PixelMap, raster: RasterFile, cells: IntArray) -> tuple[dict[str, FloatArray], FloatArray]:
    """All variables of some cells, and the area (km²) of their pixels with elevations."""
    moments = {name: Moments(cells.size) for name in ("TOPO", "SLOPE", "SINSL_COSAS", "SINSL_SINAS")}
    for pieces in pixels.pieces(cells):
        if not pieces.pixel.size:
            continue
        elevation, shape = _window(raster, pieces.rows, pieces.columns)
        fields = {
            "TOPO": elevation[1:-1, 1:-1],
            "SLOPE": shape.slope,
            "SINSL_COSAS": shape.north_facing,
            "SINSL_SINAS": shape.east_facing,
        }
        for name, field in fields.items():
            moments[name].add(pieces.cell, field.ravel()[pieces.pixel], pieces.area)
    found = {name: moment.means for name, moment in moments.items()}
    return found | {"STD_ELEV": moments["TOPO"].deviations}, moments["TOPO"].weight


def _window(raster: RasterFile, rows: slice, columns: slice) -> tuple[FloatArray, Terrain]:
    """Elevations ``[row + 2, column + 2]`` of a window with its neighbours, NaN beyond the raster; slopes."""
    grid = raster.grid
    wide = slice(max(rows.start - 1, 0), min(rows.stop + 1, grid.height))
    long = slice(max(columns.start - 1, 0), min(columns.stop + 1, grid.width))
    elevation = np.full((rows.stop - rows.start + 2, columns.stop - columns.start + 2), np.nan)
    values = raster.values(0, wide, long)
    _check_range(raster, values, wide, long)
    top, left = wide.start - rows.start + 1, long.start - columns.start + 1
    elevation[top : top + values.shape[0], left : left + values.shape[1]] = values
    y = grid.first + grid.step_y * (np.arange(rows.start - 1, rows.stop + 1) + 0.5)
    x = grid.left + grid.step_x * (np.arange(columns.start - 1, columns.stop + 1) + 0.5)
    longitude, latitude = raster.to_longitude_latitude(*np.meshgrid(x, y))
    return elevation, terrain(elevation, ground_ways(longitude, latitude))


def _check_units(raster: RasterFile) -> None:
    units = raster.bands[0].units.strip().lower()
    if units not in METRE_NAMES:
        raise InputError("elevations are not in metres", file=raster.path, found=units, expected="m")


def _check_range(raster: RasterFile, values: FloatArray, rows: slice, columns: slice) -> None:
    wrong = (values < LOWEST) | (values > HIGHEST)
    if wrong.any():
        row, column = (int(part[0]) for part in np.nonzero(wrong))
        raise InputError(
            "elevations that do not occur",
            file=raster.path,
            variable=raster.bands[0].name,
            where=f"row {row + rows.start}, column {column + columns.start}",
            found=f"{values[row, column]:g} m",
            expected=f"{LOWEST:g} to {HIGHEST:g} m",
            hint="The raster may use this number for no data without saying so",
        )
