"""The kinds of input files: how each is recognised by its content, validated, and read.

One entry of :data:`KINDS` adds another. The first kind that recognises a file is taken: special kinds stand
before general ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiloland.craft.recognise import (
    Opened,
    is_classes,
    is_daymet,
    is_domain,
    is_land_use,
    is_maps,
    is_mask_text,
    is_numbers,
    is_points,
    is_reanalysis,
    is_site,
    is_stream,
    is_surface,
    is_text,
    is_virtual,
    opened_file,
)
from kiloland.craft.validate import (
    check_classes,
    check_daymet,
    check_domain,
    check_forcing,
    check_ids,
    check_land_use,
    check_numbers,
    check_points,
    check_surface,
    check_virtual,
    no_check,
)
from kiloland.errors import InputError


@dataclass(frozen=True)
class SourceKind:
    """A kind of file: ``recognises`` looks at names, dimensions and types alone; ``validate`` reads as the
    commands do, returns findings as text, and raises InputError where the file cannot be used; ``reader`` is
    the function that reads it, ``used_by`` the command."""

    name: str
    holds: str
    recognises: Callable[[Opened], bool]
    validate: Callable[[Path], list[str]]
    reader: str
    used_by: str


@dataclass(frozen=True)
class SourceReport:
    """What a file is and what is wrong with it; ``kind`` is None where no kind recognises it."""

    path: Path
    kind: SourceKind | None
    findings: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether the kind is known and nothing is wrong."""
        return self.kind is not None and not self.findings

    def lines(self) -> list[str]:
        """The report as text."""
        if self.kind is None:
            return [f"{self.path}: not recognised", *(f"  {text}" for text in self.findings)]
        verdict = "valid" if not self.findings else f"{len(self.findings)} findings"
        return [f"{self.path}: {self.kind.name}, {verdict}", *(f"  {text}" for text in self.findings)]


def recognise(path: Path) -> SourceKind | None:
    """The kind of a file, by its content; None where no kind knows it. InputError where it cannot be read."""
    with opened_file(path) as opened:
        return next((kind for kind in KINDS if kind.recognises(opened)), None)


def examine(path: Path) -> SourceReport:
    """Recognise and validate a file; what is wrong becomes findings. InputError where it is not there."""
    if not path.is_file():
        raise InputError("no such file", file=path)
    try:
        kind = recognise(path)
    except InputError as error:
        return SourceReport(path, None, (str(error),))
    if kind is None:
        return SourceReport(path, None, ())
    try:
        return SourceReport(path, kind, tuple(kind.validate(path)))
    except InputError as error:
        return SourceReport(path, kind, (str(error),))


_FORCING, _FILES, _GRID = "kiloland.craft.forcing", "kiloland.files", "kiloland.grid"
KINDS: Final = (
    SourceKind(
        "daymet-daily",
        "Daymet v4 daily, one variable and year",
        is_daymet,
        check_daymet,
        f"{_FORCING}.daymet.DaymetSource",
        "forcing",
    ),
    SourceKind(
        "three-hourly-maps",
        "Daymet-GSWP3, three-hourly [time, y, x]",
        is_maps,
        check_forcing,
        f"{_FORCING}.convert.ThreeHourlySource",
        "forcing",
    ),
    SourceKind(
        "datm-stream",
        "forcing of a list of cells",
        is_stream,
        check_forcing,
        "kiloland.atmosphere.streams",
        "subset, duplicate, join, run",
    ),
    SourceKind(
        "reanalysis",
        "GSWP3 or another, 1, 3 or 6 hours, on longitude and latitude",
        is_reanalysis,
        check_forcing,
        f"{_FORCING}.reanalysis.Reanalysis",
        "forcing",
    ),
    SourceKind(
        "land-use-series",
        "ELM's plant types by year",
        is_land_use,
        check_land_use,
        "kiloland.craft.landuse.source.read_land_use",
        "landuse",
    ),
    SourceKind(
        "surface-data",
        "ELM surface data, map or list",
        is_surface,
        check_surface,
        "kiloland.craft.surface.read_source",
        "surface, subset, duplicate, join",
    ),
    SourceKind("domain", "ELM domain", is_domain, check_domain, f"{_GRID}.read_domain", "all"),
    SourceKind(
        "site-record",
        "weather of one place, ELM's all_hourly.nc, netCDF or CSV",
        is_site,
        check_forcing,
        "kiloland.atmosphere.record.load_record",
        "site, run",
    ),
    SourceKind(
        "class-raster",
        "land cover, GeoTIFF of class codes",
        is_classes,
        check_classes,
        f"{_FILES}.raster.open_raster",
        "landcover",
    ),
    SourceKind(
        "height-raster",
        "elevation, GeoTIFF of numbers",
        is_numbers,
        check_numbers,
        f"{_FILES}.raster.open_raster",
        "surface",
    ),
    SourceKind(
        "virtual-copies",
        "index of copies (JSON)",
        is_virtual,
        check_virtual,
        "kiloland.craft.virtual.open_virtual",
        "duplicate, subset, join",
    ),
    SourceKind(
        "land-mask",
        "text of 0 and 1 over a grid",
        is_mask_text,
        no_check,
        f"{_GRID}.read_land_mask",
        "domain",
    ),
    SourceKind(
        "points",
        "scattered points (CSV)",
        is_points,
        check_points,
        f"{_GRID}.read_points",
        "domain, subset",
    ),
    SourceKind("ids", "gridcell ids, one a line", is_text, check_ids, f"{_GRID}.read_ids", "domain, subset"),
)
"""Every kind, special ones first."""


def table_lines() -> list[str]:
    """The kinds as text."""
    rows = [("kind", "holds", "used by craft", "reader")]
    rows += [(kind.name, kind.holds, kind.used_by, kind.reader) for kind in KINDS]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]


def table_document() -> list[dict[str, str]]:
    """The kinds for JSON."""
    return [
        {"name": kind.name, "holds": kind.holds, "reader": kind.reader, "used_by": kind.used_by}
        for kind in KINDS
    ]


def report_document(report: SourceReport) -> dict[str, Any]:
    """A report for JSON."""
    return {
        "file": str(report.path),
        "kind": None if report.kind is None else report.kind.name,
        "findings": list(report.findings),
    }
