"""``kiloland craft landuse``: the land-use time series of a domain."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kiloland import __version__
from kiloland.craft.landcover.parts import Parts, array_facts, file_facts, fingerprint
from kiloland.craft.landuse.anchor import CONSISTENT
from kiloland.craft.landuse.mapping import YearMapper
from kiloland.craft.landuse.output import assemble, variable_type
from kiloland.craft.landuse.source import PLANTS, LandUseSource, read_land_use
from kiloland.craft.landuse.work import METHODS, LandUseRequest, Work
from kiloland.craft.surface import Mapper, default_limit_km, read_source
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.grid import Domain, read_domain
from kiloland.grid.base import IntArray


@dataclass(frozen=True)
class LandUseSummary:
    """What was made."""

    path: Path
    cells: int
    years: tuple[int, int]
    kept: int
    bytes: int
    variables: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        first, last = self.years
        return [
            f"{self.path}: {self.cells} cells, years {first} to {last}, {self.bytes / 1e6:.1f} MB",
            f"variables: {', '.join(self.variables)}; {self.kept} years from an earlier attempt",
            *self.notes,
            f"made in {self.seconds:.1f} s",
        ]


def craft_landuse(
    request: LandUseRequest, report: Callable[[str], None] = lambda text: None
) -> LandUseSummary:
    """Make the series, year by year; finished years are kept until the file is whole and used again.

    Memory: the weights (about 20 bytes a cell), one year of the source, a stretch of cells. Raises InputError
    for a source that cannot be used, a surface file of other cells, and a first year that is not the surface
    file's unless it may be adjusted.
    """
    started = time.perf_counter()
    domain = read_domain(request.domain)
    with open_dataset(request.source) as dataset:
        source = _open(dataset, domain, request.limit_km)
        chosen = _chosen(source, request)
        work = Work(request, domain, source, chosen, _mapper(request, source, domain, int(chosen[0])))
        notes = _check_first_year(work)
        parts = Parts.beside(request.output, _mark(work))
        try:
            kept = _make_years(work, parts, report)
            assemble(work, parts, notes)
        except InputError:
            parts.clear()
            raise
        parts.clear()
    years = int(source.years[chosen[0]]), int(source.years[chosen[-1]])
    if request.adjust_first_year:
        notes = [*notes, work.mapper.ledger.text() + (" (years made now)" if kept else "")]
    return LandUseSummary(
        request.output, domain.number_of_cells, years, kept, request.output.stat().st_size, source.names,
        tuple(notes), time.perf_counter() - started,
    )  # fmt: skip


def _open(dataset: Dataset, domain: Domain, limit_km: float | None) -> LandUseSource:
    grid = read_source(dataset).grid
    limit = default_limit_km(grid, domain) if limit_km is None else limit_km
    margin = limit / 111.0
    return read_land_use(dataset, domain.latitude.min() - margin, domain.latitude.max() + margin)


def _chosen(source: LandUseSource, request: LandUseRequest) -> IntArray:
    if request.years is None:
        return np.arange(source.years.size)
    first, last = request.years
    if not source.years[0] <= first <= last <= source.years[-1]:
        raise InputError(
            "the source has not these years",
            file=request.source,
            variable="YEAR",
            found=f"{source.years[0]} to {source.years[-1]}",
            expected=f"{first} to {last}",
        )
    return np.arange(first - source.years[0], last - source.years[0] + 1)


def _mapper(request: LandUseRequest, source: LandUseSource, domain: Domain, first_year: int) -> YearMapper:
    grid = source.source.grid
    limit = default_limit_km(grid, domain) if request.limit_km is None else request.limit_km
    mapper = Mapper(grid, domain, limit, str(request.source))
    natural = None
    if request.natural is not None:
        margin = limit / 111.0
        with open_dataset(request.natural) as dataset:
            other = read_source(dataset, domain.latitude.min() - margin, domain.latitude.max() + margin)
            if other.grid != grid:
                raise InputError(
                    "lies on another grid than the land use",
                    file=request.natural,
                    found=other.grid,
                    expected=grid,
                )
            natural = np.nan_to_num(other.layer(dataset["PCT_NATVEG"], ()))
    return YearMapper(source, mapper, METHODS[request.method], natural, first_year, request.single)


def _mark(work: Work) -> str:
    request = work.request
    files = {
        name: file_facts(path)
        for name, path in (
            ("source", request.source),
            ("surface", request.surface),
            ("natural", request.natural),
        )
        if path is not None
    }
    return fingerprint(
        files
        | {
            "cells": array_facts(work.domain.gridcell_id),
            "corners": array_facts(work.domain.vertex_longitude),
            "options": (request.method, request.single, request.adjust_first_year, request.limit_km),
            "first": work.chosen[0],
            "version": __version__,
        }
    )


def _check_first_year(work: Work) -> list[str]:
    """Compare the first year with the surface file; the findings, or InputError where ELM would stop."""
    request = work.request
    if request.surface is None:
        return ["not compared with a surface file: ELM stops where the first year differs from it"]
    layers = work.mapper.year(int(work.chosen[0]))
    worst, place = 0.0, -1
    with open_dataset(request.surface) as surface:
        check_surface_cells(surface, work.domain, request.domain)
        for cells in work.layout.blocks():
            given = work.surface_plants(surface, cells)
            assert given is not None
            mapped = work.mapper.block(layers, cells, given if request.adjust_first_year else None)[PLANTS]
            apart = np.abs(mapped / 100.0 - given / 100.0).max(axis=0)
            if apart.size and apart.max() > worst:
                worst, place = float(apart.max()), cells.start + int(np.argmax(apart))
    if worst <= CONSISTENT:
        return [f"first year equals the surface file within {CONSISTENT:g} (largest difference {worst:.3g})"]
    if request.single and worst <= 2.0**-17 / 100.0:
        return [
            f"first year equals the surface file within {worst:.3g}, the step of single precision: "
            "run ELM with check_dynpft_consistency = .false."
        ]
    raise InputError(
        "the first year is not that of the surface file",
        file=request.surface,
        variable=PLANTS,
        where=f"gridcell id {int(work.domain.gridcell_id[place])}",
        found=f"a difference of {worst:.3g} after division by 100",
        expected=f"at most {CONSISTENT:g}",
        hint="--adjust-first-year begins the series with the surface file and keeps its changes",
    )


def check_surface_cells(surface: Dataset, domain: Domain, domain_file: Path) -> None:
    """Raise InputError for a surface file of other cells than those of the domain."""
    number = domain.number_of_cells
    shape = surface[PLANTS].shape
    fits = shape[0] == 17 and int(np.prod(shape[1:])) == number
    if fits and "gridID" in surface:
        fits = np.array_equal(np.asarray(surface["gridID"].read()).ravel(), domain.gridcell_id)
    if not fits:
        raise InputError(
            "the surface file is not one of this domain",
            file=surface.path,
            variable=PLANTS,
            found=shape,
            expected=f"17 plant types of the {number} cells of {domain_file.name}, in its order",
        )


def _make_years(work: Work, parts: Parts, report: Callable[[str], None]) -> int:
    """Make the years that are not there yet; how many were."""
    kept = 0
    adjust = work.request.adjust_first_year and work.request.surface is not None
    for position in work.chosen:
        year = int(work.source.years[position])
        if parts.has(f"year_{year}"):
            kept += 1
            continue
        layers = work.mapper.year(int(position))
        sizes = {"cell": work.domain.number_of_cells}
        kinds = {}
        for name, (values, _) in layers.items():
            sizes[f"layer_{name}"] = values.shape[0]
            kinds[name] = ((f"layer_{name}", "cell"), variable_type(work, name))
        surface = open_dataset(work.request.surface) if adjust and work.request.surface else None
        try:
            with parts.writer(f"year_{year}", sizes, kinds) as writer:
                for cells in work.layout.blocks():
                    given = work.surface_plants(surface, cells)
                    for name, values in work.mapper.block(layers, cells, given).items():
                        writer.put(name, values.astype(kinds[name][1]), start=(0, cells.start))
        finally:
            if surface is not None:
                surface.close()
        report(f"year {year} made")
    return kept
