"""``kiloland craft landcover``: shares of land units and plant types from a raster of classes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.craft.landcover.areas import ClassAreas, Counter
from kiloland.craft.landcover.climate import ClimateRequest, coldest_month
from kiloland.craft.landcover.legend import DENSITIES, PLANT_TYPES, Legend, read_legend
from kiloland.craft.landcover.parts import Parts, array_facts, file_facts, fingerprint
from kiloland.craft.landcover.pixels import PixelMap
from kiloland.craft.landcover.shares import UNITS, LandShares, land_shares
from kiloland.errors import InputError
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.files.raster import RasterFile, open_raster
from kiloland.grid import Domain, read_domain
from kiloland.grid.base import FloatArray, IntArray

BLOCK: Final = 1 << 16
"""Cells whose shares are worked out at once."""
KEPT_TILES: Final = 80
CELL: Final = ("gridcell",)


@dataclass(frozen=True)
class LandCoverRequest:
    """Class fractions to be made.

    ``climate`` may be None for a legend without splits by temperature; ``crs`` gives the coordinate system of
    a raster that has none; cells with a class on less than ``minimum`` (0 to 1) of their area are left to the
    surface source.
    """

    raster: Path
    domain: Path
    output: Path
    climate: ClimateRequest | None = None
    legend: str = "nalcms"
    crs: str | None = None
    minimum: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.minimum <= 1.0:
            raise InputError(
                "least coverage out of range",
                found=self.minimum,
                expected="above 0, at most 1",
                hint="It is a fraction, not percent" if self.minimum > 1.0 else None,
            )


@dataclass(frozen=True)
class LandCoverSummary:
    """What was made: areas (km²) of the classes over the domain, cells left to the surface source."""

    path: Path
    cells: int
    class_names: tuple[str, ...]
    class_areas: FloatArray
    missing_area: float
    known: int
    uncovered: int
    method: str
    tiles: int
    kept: int
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        total = float(self.class_areas.sum())
        lines = [
            f"{self.path}: {self.cells} cells, {self.known} with shares, "
            f"{self.cells - self.known} left to the surface source",
            f"pixels: {self.method}; {self.tiles} tiles, {self.kept} of them from an earlier attempt",
        ]
        for name, area in zip(self.class_names, self.class_areas, strict=True):
            if area > 0.0:
                lines.append(f"  {name}: {area:.2f} km2 ({100.0 * area / total:.3f} %)")
        share = 100.0 * self.missing_area / max(total + self.missing_area, 1e-300)
        lines.append(f"  no data: {self.missing_area:.2f} km2 ({share:.3f} % of the pixels' area)")
        return [*lines, f"made in {self.seconds:.1f} s"]


def craft_landcover(
    request: LandCoverRequest, report: Callable[[str], None] = lambda text: None
) -> LandCoverSummary:
    """Make the file of class fractions.

    Finished tiles are kept beside the output until it is whole, and used by the next call for the same
    inputs. Memory: a window of the raster, the tiles along a stretch of cells, 8 bytes a cell for the
    climate. Raises InputError for a raster without coordinate system, codes that are not in the legend, a
    raster or climate that does not cover the domain.
    """
    started = time.perf_counter()
    legend, domain = read_legend(request.legend), read_domain(request.domain)
    temperature, origin = _temperature(request, legend, domain)
    with open_raster(request.raster, request.crs) as raster:
        pixels = PixelMap(raster, domain, request.domain)
        work = _Work(request, legend, domain, temperature, origin, pixels, pixels.tiles())
        parts = Parts.beside(request.output, _mark(work))
        try:
            kept = _count_tiles(work, parts, raster, report)
            summary = _write(work, parts, kept)
        except InputError:
            parts.clear()
            raise
    parts.clear()
    return replace(summary, seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class _Work:
    """What all steps need."""

    request: LandCoverRequest
    legend: Legend
    domain: Domain
    temperature: FloatArray
    origin: str
    pixels: PixelMap
    tiles: list[IntArray]


def _temperature(request: LandCoverRequest, legend: Legend, domain: Domain) -> tuple[FloatArray, str]:
    if request.climate is not None:
        return coldest_month(request.climate, domain)
    if legend.needs_temperature:
        raise InputError(
            "the legend splits classes by the coldest month",
            file=request.legend,
            expected="--climate FILE, FILE:VARIABLE or a folder of forcing",
        )
    return np.full(domain.number_of_cells, np.nan), "none"


def _mark(work: _Work) -> str:
    """What identifies the tiles: they hold areas of codes, which depend on raster, cells and legend."""
    return fingerprint(
        {
            "raster": file_facts(work.request.raster),
            "crs": work.request.crs,
            "cells": array_facts(work.domain.gridcell_id),
            "grid": work.domain.grid_name,
            "legend": work.legend,
            "version": __version__,
        }
    )


def _count_tiles(work: _Work, parts: Parts, raster: RasterFile, report: Callable[[str], None]) -> int:
    """Count the tiles that are not there yet; how many were."""
    counter, kept, touched, number = Counter(work.pixels, work.legend), 0, False, len(work.tiles)
    for index, cells in enumerate(work.tiles):
        if parts.has(_name(index)):
            kept, touched = kept + 1, True
            continue
        areas = counter.count(cells)
        touched = touched or bool(areas.of_class.any() or areas.missing.any())
        parts.write(
            _name(index),
            {
                "of_class": (("class", "cell"), areas.of_class),
                "missing": (("cell",), areas.missing),
                "inside": (("cell",), areas.inside.astype(np.int8)),
            },
        )
        if (index + 1) * 10 // number != index * 10 // number:
            report(f"{index + 1} of {number} tiles counted")
    if not touched:
        raise InputError(
            "the raster does not cover the domain",
            file=raster.path,
            found=f"edges {raster.grid.edges} in {raster.crs.name}",
            expected=f"cells from {work.domain.longitude.min():.3f} to {work.domain.longitude.max():.3f} E, "
            f"{work.domain.latitude.min():.3f} to {work.domain.latitude.max():.3f} N",
        )
    return kept


def _name(tile: int) -> str:
    return f"tile_{tile:06d}"


def _stretches(work: _Work, parts: Parts) -> Iterator[tuple[slice, ClassAreas]]:
    """Areas of stretches of cells in the order of the domain, gathered from the tiles."""
    number, classes = work.domain.number_of_cells, len(work.legend.classes)
    tile_of = np.empty(number, np.int32)
    place_of = np.empty(number, np.int32)
    for index, cells in enumerate(work.tiles):
        tile_of[cells], place_of[cells] = index, np.arange(cells.size)
    read = lru_cache(maxsize=KEPT_TILES)(lambda index: parts.read(_name(index)))
    for start in range(0, number, BLOCK):
        stretch = slice(start, min(start + BLOCK, number))
        size = stretch.stop - stretch.start
        areas = ClassAreas(np.empty((classes, size)), np.empty(size), np.empty(size, dtype=bool))
        for index in np.unique(tile_of[stretch]):
            here = np.flatnonzero(tile_of[stretch] == index)
            part, place = read(int(index)), place_of[stretch][here]
            areas.of_class[:, here] = part["of_class"][:, place]
            areas.missing[here] = part["missing"][place]
            areas.inside[here] = part["inside"][place] != 0
        yield stretch, areas


def _write(work: _Work, parts: Parts, kept: int) -> LandCoverSummary:
    """Write the file from the tiles, a stretch of cells at a time."""
    domain = work.domain
    class_areas, missing = np.zeros(len(work.legend.classes)), 0.0
    known = uncovered = 0
    with DatasetWriter(work.request.output, _schema(work)) as writer:
        writer.put("class_code", work.legend.codes)
        writer.put("natpft", np.arange(PLANT_TYPES, dtype=np.int32))
        for cells, areas in _stretches(work, parts):
            coverage = areas.coverage(domain.area_km2[cells])
            covered = coverage >= work.request.minimum
            shares = land_shares(areas.of_class, work.temperature[cells], work.legend, covered)
            for name, values in _arrays(work, cells, areas, coverage, shares).items():
                writer.put(name, values, start=(*(0,) * (values.ndim - 1), cells.start))
            class_areas += areas.of_class.sum(axis=1)
            missing += float(areas.missing.sum())
            known += int(shares.known.sum())
            uncovered += int((~covered).sum())
    names = tuple(f"{entry.code} {entry.name}" for entry in work.legend.classes)
    return LandCoverSummary(
        work.request.output, domain.number_of_cells, names, class_areas, missing, known, uncovered,
        work.pixels.method, len(work.tiles), kept, 0.0,
    )  # fmt: skip


def _arrays(
    work: _Work, cells: slice, areas: ClassAreas, coverage: FloatArray, shares: LandShares
) -> dict[str, NDArray[Any]]:
    domain = work.domain
    return {
        "gridID": domain.gridcell_id[cells],
        "LONGXY": domain.longitude[cells],
        "LATIXY": domain.latitude[cells],
        **shares.variables(),
        "LANDFRAC_LANDCOVER": shares.land_fraction,
        "coverage": coverage,
        "known": shares.known.astype(np.int32),
        "coldest_month": work.temperature[cells],
        "class_area": areas.of_class,
        "missing_area": areas.missing,
    }


def _schema(work: _Work) -> FileSchema:
    """Dimensions, variables and attributes of the file."""
    sizes = {
        "gridcell": work.domain.number_of_cells,
        "natpft": PLANT_TYPES,
        "numurbl": DENSITIES,
        "class": len(work.legend.classes),
    }
    fill = {"_FillValue": np.nan}
    described: list[tuple[str, str, tuple[str, ...], str, str]] = [
        ("gridID", "i8", CELL, "1", "gridcell id of the domain"),
        ("LONGXY", "f8", CELL, "degrees_east", "longitude of the cell centre"),
        ("LATIXY", "f8", CELL, "degrees_north", "latitude of the cell centre"),
        *((name, "f8", CELL, "%", "share of the cell's land") for name in UNITS),
        ("PCT_URBAN", "f8", ("numurbl", *CELL), "%", "urban density classes, share of the cell's land"),
        ("PCT_NAT_PFT", "f8", ("natpft", *CELL), "%", "plant types, share of natural vegetation"),
        ("LANDFRAC_LANDCOVER", "f8", CELL, "1", "share of the known area that is no sea"),
        ("coverage", "f8", CELL, "1", "share of the cell with a class"),
        ("known", "i4", CELL, "1", "1: shares from the raster; 0: left to the surface source"),
        ("coldest_month", "f8", CELL, "degC", "mean temperature of the coldest month"),
        ("class_area", "f8", ("class", *CELL), "km2", "area of the pixels of each class"),
        ("missing_area", "f8", CELL, "km2", "area of pixels without data"),
        ("class_code", "i4", ("class",), "1", "code of the class in the raster"),
        ("natpft", "i4", ("natpft",), "1", "natural plant types"),
    ]
    variables = tuple(
        VariableSchema(
            name, kind, dims,
            {"long_name": text, "units": units} | (fill if name.startswith(("PCT_", "coldest")) else {}),
        )
        for name, kind, dims, units, text in described
    )  # fmt: skip
    return FileSchema(sizes, None, variables, _attributes(work))


def _attributes(work: _Work) -> dict[str, Any]:
    request, legend = work.request, work.legend
    attributes: dict[str, Any] = {
        "title": f"Land-cover shares of {request.domain.name}",
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__} craft landcover",
        "raster_file": request.raster.name,
        "domain_file": request.domain.name,
        "domain_shape": np.array(work.domain.shape, np.int32),
        "climate": work.origin,
        "legend": legend.title,
        "legend_source": legend.source,
        "class_names": "; ".join(f"{entry.code}: {entry.name}" for entry in legend.classes),
        "pixels": work.pixels.method,
        "least_coverage": request.minimum,
    }
    comment = work.pixels.raster.comment
    return attributes | ({"raster_comment": comment} if comment else {})
