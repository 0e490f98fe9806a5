"""``kiloland craft check``: domain, surface and forcing read once, all checks, totals, and a comparison."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.atmosphere.fields import FIELDS
from kiloland.atmosphere.findings import Severity
from kiloland.craft.check.against import ForcingComparison, compare_domains, compare_surfaces
from kiloland.craft.check.cells import CellTable, FloatArray
from kiloland.craft.check.domain_checks import check_domain_data
from kiloland.craft.check.domain_data import DomainData, read_domain_data
from kiloland.craft.check.findings import Finding
from kiloland.craft.check.forcing_checks import ForcingCheck, Say
from kiloland.craft.check.forcing_files import WEATHER, forcing_files
from kiloland.craft.check.landuse_checks import check_landuse
from kiloland.craft.check.means import Comparison, land_weights
from kiloland.craft.check.site_checks import check_site, site_records
from kiloland.craft.check.surface_checks import SURFACE_CHECKS, check_against_domain
from kiloland.craft.check.surface_data import check_layout, is_required, open_surface
from kiloland.craft.surface.table import surface_table
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid.base import KM2_PER_RADIAN2

MEGABYTE = 2**20
SHARES = ("PCT_NATVEG", "PCT_CROP", "PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER", "PCT_URBAN")


@dataclass(frozen=True)
class CheckRequest:
    """What to check: any of the four inputs, and another product to compare with; ``memory`` [MB]."""

    domain: Path | None = None
    surface: Path | None = None
    forcing: Path | None = None
    against: Path | None = None
    memory: int = 256
    landuse: Path | None = None

    def __post_init__(self) -> None:
        if all(one is None for one in (self.domain, self.surface, self.forcing, self.landuse)):
            raise InputError("nothing to check", expected="--domain, --surface, --landuse or --forcing")
        if self.memory < 16:
            raise InputError("too little memory", found=f"{self.memory} MB", expected="16 MB or more")


@dataclass(frozen=True, eq=False)
class CellMap:
    """One value for each cell, for a map."""

    title: str
    name: str
    units: str
    values: FloatArray
    cells: CellTable


@dataclass
class CheckReport:
    """All that was found: ``totals`` by input, ``notes`` that are no faults, ``maps`` for the page."""

    request: CheckRequest
    findings: list[Finding] = field(default_factory=list)
    totals: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    comparison: Comparison | None = None
    cells: CellTable | None = None
    """Those that the comparison counts in."""
    maps: list[CellMap] = field(default_factory=list)
    bytes_read: int = 0
    seconds: float = 0.0

    @property
    def errors(self) -> int:
        """Number of findings that are errors."""
        return sum(found.severity is Severity.ERROR for found in self.findings)


def check_inputs(request: CheckRequest, say: Say = lambda text: None) -> CheckReport:
    """Check everything that is asked for; a fault never ends the work.

    Raises InputError for an input that cannot be read at all: not there, truncated, of another format.
    """
    started = time.perf_counter()
    report = CheckReport(request)
    domain = _domain(request, report)
    elevation = _surface(request, report, domain)
    if request.landuse is not None:
        report.bytes_read += request.landuse.stat().st_size if request.landuse.is_file() else 0
        table = report.cells if domain is None else domain.cells
        findings, totals = check_landuse(request.landuse, request.surface, table, say)
        report.findings += findings
        report.totals["landuse"] = totals
    if request.forcing is not None:
        _forcing(request, report, domain, elevation, say)
    if request.against is not None and report.comparison is None:
        _compare_files(request, report, domain)
    report.seconds = time.perf_counter() - started
    return report


def _domain(request: CheckRequest, report: CheckReport) -> DomainData | None:
    """Check the domain."""
    if request.domain is None:
        return None
    report.bytes_read += request.domain.stat().st_size if request.domain.is_file() else 0
    domain, findings = read_domain_data(request.domain)
    report.findings += findings
    if domain is None:
        return None
    report.findings += check_domain_data(domain)
    report.cells = domain.cells
    report.totals["domain"] = _domain_totals(domain)
    for name, units in (("area", "radian2"), ("frac", "1"), ("mask", "1")):
        if name in domain.columns:
            report.maps.append(CellMap(f"Domain: {name}", name, units, domain.columns[name], domain.cells))
    return domain


def _domain_totals(domain: DomainData) -> dict[str, Any]:
    """Cells, land cells, land area as ELM will take it."""
    totals: dict[str, Any] = {"cells": domain.cells.count, "land_cells": int(domain.cells.land.sum())}
    if "area" in domain.columns:
        share = domain.columns.get("frac", np.ones(domain.cells.count))
        area = np.where(domain.cells.land, domain.columns["area"] * share, 0.0)
        totals["land_area_km2"] = float(np.nansum(area) * KM2_PER_RADIAN2)
    return totals


def _surface(request: CheckRequest, report: CheckReport, domain: DomainData | None) -> FloatArray | None:
    """Check the surface; returns the elevation of the cells where the file has it."""
    if request.surface is None:
        return None
    report.bytes_read += request.surface.stat().st_size if request.surface.is_file() else 0
    table = None if domain is None else domain.cells
    with open_dataset(request.surface) as dataset:
        surface, findings = open_surface(dataset, request.surface, table)
        report.findings += findings
        if surface is None:
            return None
        report.findings += check_layout(surface)
        for check in SURFACE_CHECKS:
            report.findings += check(surface)
        if table is not None:
            report.findings += check_against_domain(surface, table)
        for name, variable in surface_table().items():
            if name not in dataset and not is_required(variable):
                report.notes.append(f"{request.surface}: {name} is absent: {variable.absent}")
        weights, known = land_weights(table, _column(domain, "frac"), surface.cells.count)
        report.cells = report.cells or surface.cells
        totals: dict[str, Any] = {"cells": surface.cells.count}
        for name in (*SHARES, "PCT_SAND", "PCT_CLAY", "ORGANIC", "FMAX", "SLOPE", "MONTHLY_LAI"):
            if surface.fits(name):
                layers = list(surface.layers(name))
                values = sum(layers, np.zeros(surface.cells.count)) / (1 if name in SHARES else len(layers))
                good = surface.cells.land & np.isfinite(values)
                whole = float(weights[good].sum())
                if whole > 0.0:
                    totals[name] = float((values[good] * weights[good]).sum() / whole)
                if known and name in SHARES:
                    totals[f"{name}_km2"] = float((values[good] * weights[good]).sum() / 100.0)
                units = surface_table()[name].units
                report.maps.append(CellMap(f"Surface: {name}", name, units, values, surface.cells))
        report.totals["surface"] = totals
        topo = surface.all_layers("TOPO")
    return None if topo is None else topo[0]


def _column(domain: DomainData | None, name: str) -> FloatArray | None:
    return None if domain is None else domain.columns.get(name)


def _forcing(
    request: CheckRequest,
    report: CheckReport,
    domain: DomainData | None,
    elevation: FloatArray | None,
    say: Say,
) -> None:
    """Check the forcing: a record of one place, or files of many cells."""
    assert request.forcing is not None
    reference = report.cells
    records = site_records(request.forcing)
    for record in records:
        report.bytes_read += record.stat().st_size
        findings, totals = check_site(record, reference)
        report.findings += findings
        report.totals["forcing" if len(records) == 1 else record.name] = totals
    if records:
        return
    files = forcing_files(request.forcing)
    reference, chosen = _land_reference(reference, files)
    fraction = _column(domain, "frac")
    if chosen is not None:
        fraction = None if fraction is None else fraction[chosen]
        elevation = None if elevation is None else elevation[chosen]
    table = reference if domain is not None else None
    check = ForcingCheck(
        request.forcing,
        files,
        reference,
        elevation
        if reference is not None and elevation is not None and elevation.size == reference.count
        else None,
        request.memory * MEGABYTE,
        lambda count: land_weights(table, fraction, count),
    )
    other = None
    if request.against is not None and holds_weather(request.against):
        other = _other_forcing(request.against, request.memory * MEGABYTE)

    def done(period: str, name: str, mean: FloatArray) -> None:
        if other is not None and check.cells is not None:
            other.period(period, name, mean, check.cells)

    check.run(say, done)
    report.findings += check.findings
    report.bytes_read += check.bytes_read
    if check.means is not None and check.cells is not None and check.tallies is not None:
        report.totals["forcing"] = check.means.totals()
        report.totals["forcing_periods"] = check.means.periods
        _forcing_maps(report, check)
        if other is not None:
            report.cells = check.cells
            report.comparison = other.finish()


def _land_reference(reference: CellTable | None, files: list[Any]) -> tuple[CellTable | None, Any]:
    """The cells that forcing must have: all, or those on land where it has as many as these."""
    if reference is None:
        return None, None
    with open_dataset(files[0].path) as dataset:
        shape = dataset[files[0].names[0]].shape[1:]
    count = int(np.prod(shape))
    land = np.flatnonzero(reference.land)
    if count != reference.count and count == land.size:
        return reference.take(land), land
    return reference, None


def _forcing_maps(report: CheckReport, check: ForcingCheck) -> None:
    """Means of the weather and where rules were broken."""
    assert check.means is not None
    assert check.cells is not None
    assert check.tallies is not None
    for name in check.means.sums:
        values = np.where(check.cells.land, check.means.mean(name), np.nan)
        report.maps.append(
            CellMap(f"Forcing: {name}, mean", name, FIELDS[name].units[0], values, check.cells)
        )
    marks = check.tallies.marks()
    if marks.any():
        report.maps.append(
            CellMap("Rules of weather that the cell breaks", "findings", "1", marks, check.cells)
        )


def holds_weather(source: Path) -> bool:
    """Whether a source is a folder, or a file with weather over time."""
    if source.is_dir():
        return True
    with open_dataset(source) as dataset:
        return any(name in dataset and len(dataset[name].dims) > 1 for name in WEATHER)


def _other_forcing(source: Path, memory: int) -> ForcingComparison:
    """Another forcing to compare with."""
    return ForcingComparison.open(source, forcing_files(source), memory)


def _compare_files(request: CheckRequest, report: CheckReport, domain: DomainData | None) -> None:
    """Compare surface with surface, or domain with domain, by what the other file is."""
    assert request.against is not None
    with open_dataset(request.against) as dataset:
        is_surface = "PCT_NATVEG" in dataset
    if is_surface:
        if request.surface is None:
            raise InputError("a surface file to compare with needs --surface", file=request.against)
        table = None if domain is None else domain.cells
        report.comparison = compare_surfaces(request.surface, request.against, table)
        return
    if request.domain is None or domain is None:
        raise InputError("a domain to compare with needs --domain", file=request.against)
    other, _ = read_domain_data(request.against)
    if other is None:
        raise InputError("no domain and no surface file", file=request.against)
    report.cells = domain.cells
    report.comparison = compare_domains(domain.cells, domain.columns, other.cells, other.columns)
