"""Records of one place: the checks of the data atmosphere, and the rules of weather, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.atmosphere.calendar import describe_seconds
from kiloland.atmosphere.findings import Finding as SampleFinding
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.atmosphere.record import TIME_NAMES, Record, check_record, load_record
from kiloland.craft.check.cells import CellTable, turned
from kiloland.craft.check.findings import Finding, Place, finding
from kiloland.craft.check.forcing_checks import ORBIT_YEAR
from kiloland.craft.check.forcing_files import WEATHER, is_netcdf_name, missing_variables, month_of
from kiloland.craft.check.stamps import interval_starts
from kiloland.craft.check.tally import Tallies
from kiloland.craft.check.weather import RULES, Block, sun_above
from kiloland.files import open_dataset

BY_PROBLEM = (
    ("stuck", "forcing-stuck"),
    ("copied", "forcing-suspicious"),
    ("jump", "forcing-suspicious"),
    ("missing", "forcing-missing"),
    ("wrong units", "forcing-units"),
    ("the values look like", "forcing-units"),
    ("time goes back", "forcing-time"),
    ("the same time", "forcing-time"),
    ("gap", "forcing-time"),
)
"""Checks by the beginning of what the data atmosphere calls the problem; all others are of the range."""
SITE_WITHIN = 0.5
"""Degrees within which a record is of the place of its domain."""
DONE_THERE = ("forcing-range", "forcing-stuck")
"""Rules that the data atmosphere's own checks hold already."""


def site_records(source: Path) -> list[Path]:
    """The records of one place that a source is: the file, or all weather files of a folder; else none."""
    if source.is_file():
        return [source] if is_site_record(source) else []
    paths = sorted(path for path in source.glob("*") if is_netcdf_name(path))
    return paths if paths and all(is_site_record(path) for path in paths) else []


def is_site_record(path: Path) -> bool:
    """Whether every variable of the weather has one value for each time; monthly streams are none."""
    if month_of(path) is not None:
        return False
    if path.name.removesuffix(".gz").endswith((".csv", ".txt")):
        return True
    with open_dataset(path) as dataset:
        lengths = [dataset[name].shape[0] for name in TIME_NAMES if name in dataset and dataset[name].shape]
        sizes = [
            int(np.prod(dataset[name].shape)) for name in WEATHER if name in dataset and dataset[name].shape
        ]
    return bool(lengths) and bool(sizes) and all(size == lengths[0] for size in sizes)


def check_site(path: Path, domain: CellTable | None) -> tuple[list[Finding], dict[str, Any]]:
    """Findings in a record of one place, and its means. InputError where it cannot be read."""
    record, raw = load_record(path)
    if len(record.seconds) == 0:
        return [finding("forcing-time", path, "time", "the record is empty", "0 samples", "samples")], {}
    findings = [_translated(found, record) for found in raw + check_record(record)]
    findings += missing_variables(path, record.series)
    findings += list(_place(record, domain))
    findings += _rules(record)
    return findings, _totals(record)


def _translated(found: SampleFinding, record: Record) -> Finding:
    """A finding of the data atmosphere in the words of this report."""
    check = next((check for start, check in BY_PROBLEM if found.problem.startswith(start)), "forcing-range")
    samples = None
    time = None
    if found.first is not None and found.last is not None:
        samples = found.last - found.first + 1
        time = " to ".join(describe_seconds(int(record.seconds[at])) for at in (found.first, found.last))
    return Finding(
        check,
        found.severity,
        found.file,
        found.variable,
        found.problem,
        found.found,
        found.expected,
        Place(time=time),
        None,
        samples,
    )


def _place(record: Record, domain: CellTable | None) -> Iterator[Finding]:
    """Whether the record is of the place of the domain."""
    if (
        domain is None
        or domain.longitude is None
        or domain.latitude is None
        or not np.isfinite(record.longitude)
    ):
        return
    east = np.abs(turned(domain.longitude - record.longitude))
    away = np.maximum(east, np.abs(domain.latitude - record.latitude))
    cell = int(np.argmax(away))
    if away[cell] > SITE_WITHIN:
        yield finding(
            "forcing-cells",
            record.file,
            "LONGXY, LATIXY",
            "the record is of another place than the domain",
            f"{record.longitude:.4f}, {record.latitude:.4f}",
            f"{domain.longitude[cell]:.4f}, {domain.latitude[cell]:.4f} within {SITE_WITHIN} degrees",
            place=domain.place(cell),
            cells=int((away > SITE_WITHIN).sum()),
        )


def _rules(record: Record) -> list[Finding]:
    """The rules of weather that combine variables, over the whole record."""
    known = np.isfinite(record.longitude) and np.isfinite(record.latitude)
    places = np.array([record.longitude]), np.array([record.latitude])
    cells = CellTable(
        record.file,
        (1, 1),
        None,
        places[0] if known else None,
        places[1] if known else None,
        np.ones(1, dtype=bool),
    )
    fields = {name: values[:, None] for name, values in record.series.items()}
    sun = None
    if known and len(record.seconds) > 1:
        starts, orbit = interval_starts(record.seconds), orbital_parameters(ORBIT_YEAR)
        sun = sun_above(starts, record.interval, *places, orbit)
    block, tallies = Block(fields, record.interval, sun, None), Tallies(cells)
    with np.errstate(invalid="ignore"):
        for rule in RULES:
            if rule.check in DONE_THERE or not all(name in fields for name in rule.needs):
                continue
            bad = rule.bad(block)
            if bad is not None and bad.any():
                words = (rule.check, rule.variable, rule.problem, rule.expected)
                tallies.add(words, record.file, bad, fields[rule.variable], 0, record.seconds)
    return tallies.findings()


def _totals(record: Record) -> dict[str, Any]:
    """Means and extremes of the record."""
    totals: dict[str, Any] = {
        name: {
            "mean": float(np.nanmean(values)),
            "least": float(np.nanmin(values)),
            "most": float(np.nanmax(values)),
        }
        for name, values in record.series.items()
        if np.isfinite(values).any()
    }
    if "PRECTmms" in totals:
        totals["precipitation_mm_per_year"] = totals["PRECTmms"]["mean"] * 365 * 86400
    return totals
