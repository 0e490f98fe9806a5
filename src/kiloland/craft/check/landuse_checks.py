"""Checks of a land-use series (ELM's flanduse_timeseries): years, shares, harvest, cells, and the first year
against the surface file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.check.cells import (
    CellTable,
    FloatArray,
    compare_cells,
    first_of,
    flat,
    ids_of,
    over_cells,
)
from kiloland.craft.check.domain_data import ids_before_duplication
from kiloland.craft.check.findings import Finding, finding
from kiloland.craft.check.surface_checks import SUM_WITHIN
from kiloland.craft.landuse.source import HARVESTS
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.grid.domain_file import shape_of_cells

PLANTS: Final = "PCT_NAT_PFT"
TYPES: Final = 17
FIRST_YEAR_WITHIN: Final = 1.0e-13
"""ELM's tolerance between the first year and the surface file, as fractions."""
ROUNDING: Final = 1.0e-9
Say = Callable[[str], None]


def check_landuse(
    path: Path, surface: Path | None, table: CellTable | None, say: Say = lambda text: None
) -> tuple[list[Finding], dict[str, object]]:
    """All findings of a series and what it holds; memory is one year.

    ``table``: cells of the domain or the surface file. Raises InputError for a file that cannot be read.
    """
    with open_dataset(path) as dataset:
        findings = list(_layout(dataset, path))
        if findings:
            return findings, {}
        years = flat(dataset["YEAR"])
        findings += _years(years, path)
        cells = _cells(dataset, path, table)
        if cells is not None and table is not None:
            findings += compare_cells("landuse-cells", cells, table)
        if cells is None:
            count = int(np.prod(dataset[PLANTS].shape[2:]))
            cells = CellTable(str(path), (1, count), None, None, None, np.ones(count, dtype=bool), None, None)
        first = _first_year(surface, cells.count)
        for record, year in enumerate(years.tolist()):
            say(f"{path.name}: {year:.0f}, {record + 1} of {years.size}")
            findings += _one_year(dataset, cells, record, year, first if record == 0 else None)
    totals: dict[str, object] = {"years": f"{years[0]:.0f} to {years[-1]:.0f}", "cells": cells.count}
    return _once(findings), totals


def _layout(dataset: Dataset, path: Path) -> Iterator[Finding]:
    """What ELM reads is there, over (time, natpft, cells)."""
    for name in ("YEAR", PLANTS):
        if name not in dataset:
            yield finding("landuse-variables", path, name, "the variable is missing", "absent", "present")
            return
    dims, shape = dataset[PLANTS].dims, dataset[PLANTS].shape
    if dims[:2] != ("time", "natpft") or len(dims) not in (3, 4) or shape[1] != TYPES:
        yield finding(
            "landuse-variables",
            path,
            PLANTS,
            "other dimensions",
            f"({', '.join(dims)}) of {shape}",
            f"(time, natpft = {TYPES}, gridcell) or (time, natpft, lsmlat, lsmlon)",
        )
    elif dataset["YEAR"].shape != shape[:1]:
        yield finding(
            "landuse-variables", path, "YEAR", "other dimensions", dataset["YEAR"].shape, f"{shape[:1]}"
        )


def _years(years: FloatArray, path: Path) -> Iterator[Finding]:
    bad = np.flatnonzero(np.diff(years) != 1.0)
    if bad.size or not np.isfinite(years).all():
        at = int(bad[0]) if bad.size else 0
        found = f"{years[at]:.0f} then {years[min(at + 1, years.size - 1)]:.0f}"
        yield finding(
            "landuse-years", path, "YEAR", "years do not follow each other", found, "each year once"
        )


def _cells(dataset: Dataset, path: Path, table: CellTable | None) -> CellTable | None:
    """The cells of the file, land from ``table`` where it has as many."""
    east, north = first_of(dataset, ("LONGXY", "xc", "lon")), first_of(dataset, ("LATIXY", "yc", "lat"))
    if east is None or north is None or east.shape != dataset[PLANTS].shape[2:]:
        return None
    shape = shape_of_cells(east)
    count = shape[0] * shape[1]
    land = np.ones(count, dtype=bool)
    if "LANDMASK" in dataset and dataset["LANDMASK"].shape == east.shape:
        land = flat(dataset["LANDMASK"]) == 1.0
    if table is not None and table.count == count:
        land = land & table.land
    copies = ids_before_duplication(dataset)
    return CellTable(str(path), shape, ids_of(dataset), flat(east), flat(north), land, None, copies)


def _first_year(surface: Path | None, count: int) -> FloatArray | None:
    """Plant types of the surface file ``[type, cell]``; None without one of as many cells."""
    if surface is None:
        return None
    with open_dataset(surface) as dataset:
        if PLANTS not in dataset:
            return None
        values = np.asarray(dataset[PLANTS].values(), dtype=np.float64)
    return values.reshape(TYPES, -1) if values.size == TYPES * count else None


def _record(variable: Variable, record: int) -> FloatArray:
    """One year ``[layer, cell]``, missing values as NaN."""
    values = np.asarray(variable.values(slice(record, record + 1)), dtype=np.float64)[0]
    layers = values.shape[0] if variable.dims[1] in ("natpft", "cft") else 1
    return np.asarray(values.reshape(layers, -1), dtype=np.float64)


def _one_year(
    dataset: Dataset, cells: CellTable, record: int, year: float, first: FloatArray | None
) -> Iterator[Finding]:
    """Shares, their sums, harvest, and the first year."""
    file = dataset.path
    shares = _record(dataset[PLANTS], record)
    when = f"{year:.0f}"
    lacking = cells.land & ~np.isfinite(shares).all(axis=0)
    yield from over_cells(
        "landuse-missing", cells, PLANTS, "missing on land", lacking, np.full(cells.count, np.nan), "a number"
    )
    good = cells.land & ~lacking
    sums = ordered_sum(shares / 100.0)
    largest = float(shares[:, good].max(initial=0.0))
    if good.any() and 0.0 < largest <= 1.0 + ROUNDING and float(sums[good].max()) < 0.5:
        yield finding(
            "landuse-shares", file, PLANTS, "percent given as a fraction", f"at most {largest:g}", "percent"
        )
        return
    outside = good & ((shares < 0.0) | (shares > 100.0 + ROUNDING)).any(axis=0)
    worst = np.where(good, np.abs(shares - np.clip(shares, 0.0, 100.0)).max(axis=0), 0.0)
    yield from over_cells(
        "landuse-shares", cells, PLANTS, f"out of range in {when}", outside, worst, "0 to 100"
    )
    within = SUM_WITHIN if dataset[PLANTS].dtype == np.float64 else 1.0e-6
    off = good & (np.abs(sums - 1.0) > within)
    yield from over_cells(
        "landuse-shares", cells, PLANTS, f"sum of plant types in {when}", off, sums, f"1 within {within:g}"
    )
    if first is not None:
        apart = np.abs(shares - first).max(axis=0) / 100.0
        differs = good & (apart > FIRST_YEAR_WITHIN)
        yield from over_cells(
            "landuse-first-year",
            cells,
            PLANTS,
            f"{when} is not the surface file's",
            differs,
            apart,
            f"within {FIRST_YEAR_WITHIN:g}",
            worst=int(np.argmax(np.where(good, apart, -1.0))),
        )
    for name in HARVESTS:
        if name in dataset:
            yield from _harvest(dataset[name], cells, _record(dataset[name], record)[0], when)


def _harvest(
    variable: Variable, cells: CellTable, values: NDArray[np.float64], when: str
) -> Iterator[Finding]:
    units = str(variable.attributes.get("units", "")).strip().lower()
    fraction = units in ("", "unitless", "1", "fraction", "fraction of gridcell")
    high = 1.0 + 1.0e-6 if fraction else np.inf
    bad = cells.land & ~((values >= 0.0) & (values <= high))
    limits = "0 to 1" if fraction else "0 or more"
    yield from over_cells(
        "landuse-harvest", cells, variable.name, f"impossible in {when}", bad, values, limits
    )


def _once(findings: list[Finding]) -> list[Finding]:
    """The same fault of many years as one finding, at the first of them."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for found in findings:
        kept.setdefault((found.check, found.variable, found.problem.rstrip("0123456789")), found)
    return list(kept.values())
