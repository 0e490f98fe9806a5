"""The forcing of a plan: monthly files over the land cells, and the sources that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kiloland.craft.forcing.convert import three_hourly_files
from kiloland.craft.forcing.daymet import VARIABLES as DAILY
from kiloland.craft.forcing.daymet import daymet_files
from kiloland.craft.forcing.encoding import Encoding
from kiloland.craft.forcing.output import VARIABLES, Month, month_schema
from kiloland.craft.plan.cells import PlannedCells
from kiloland.craft.plan.job import ForcingKind, ForcingTable, OptionsTable
from kiloland.craft.plan.parts import Finding, PlannedFile, Product
from kiloland.craft.plan.rates import FORCING_CELL, FORCING_PROCESS, Rates
from kiloland.errors import InputError

DAYS: Final = 365
SETTINGS: Final = "daily to 3-hourly, rules 4, no height adjustment"
STREAM_BYTES: Final = 800
"""Bytes of a description for the data atmosphere, besides 50 for each month that it names."""
NAMELIST_BYTES: Final = 1400
ATTRIBUTES: Final = {
    "comment": "daily values of Daymet spread over local days with the shape of a reanalysis",
    "local_day": "the eight intervals of 3 hours whose middles lie between the midnights of UTC + local time",
}
"""Attributes about as long as those that the source gives."""
Key = tuple[str, int] | tuple[str, int, int]
"""Variable and year, or variable, year and month."""


def plan_forcing(
    table: ForcingTable, cells: PlannedCells, options: OptionsTable, rates: Rates
) -> tuple[Product, list[Finding]]:
    """The forcing of all years; missing sources of a job that is not planned are findings."""
    months = [Month(year, month) for year in table.years for month in range(1, 13)]
    schemas = monthly_schemas(cells, months, table.encoding)
    read_bytes, findings = source_bytes(table, cells, months)
    written = sum(file.size for file in schemas)
    values = cells.land * DAYS * 8 * len(VARIABLES) * len(table.years)
    if table.kind is ForcingKind.DAILY:
        work, basis = cells.land * len(table.years) / rates.downscale, f"{rates.downscale:,.0f} cell-years/s"
    else:
        work, basis = values / rates.convert, f"{rates.convert / 1e6:,.3g} million values/s"
    ranks = min(options.ranks, len(months))
    streams = NAMELIST_BYTES + len(VARIABLES) * (STREAM_BYTES + 50 * len(months))
    product = Product(
        "forcing",
        cells.land,
        schemas,
        read_bytes,
        FORCING_PROCESS + options.memory * 2**20 + FORCING_CELL * cells.cells,
        max(work / ranks, written / rates.write),
        ranks,
        f"{basis} and process",
        (len(VARIABLES) + 1, streams),
    )
    return product, findings


def monthly_schemas(cells: PlannedCells, months: list[Month], encoding: Encoding) -> list[PlannedFile]:
    """The files of all months and variables."""
    found = []
    for month in months:
        for name in VARIABLES:
            schema = month_schema(name, month, cells.land, cells.largest_id, SETTINGS, ATTRIBUTES, encoding)
            found.append(PlannedFile(month.file(Path(), name).name, schema))
    return found


def source_bytes(table: ForcingTable, cells: PlannedCells, months: list[Month]) -> tuple[int, list[Finding]]:
    """Bytes of the sources that hold the cells, and what is missing.

    Files that are there count with their share of rows; planned ones uncompressed, rows and columns of the
    maps that hold the cells.
    """
    if not table.source.is_dir():
        if table.planned:
            return planned_bytes(table, cells, months), []
        missing = Finding("forcing.source", f"{table.source}: no such folder")
        return planned_bytes(table, cells, months), [missing]
    try:
        files, wanted = wanted_files(table, months)
    except InputError as error:
        return planned_bytes(table, cells, months), [Finding("forcing.source", str(error))]
    absent = [key for key in wanted if key not in files]
    used = {files[key] for key in wanted if key in files}
    findings = []
    if absent and not table.planned:
        findings.append(Finding("forcing.source", missing_text(table, absent)))
    total = sum(path.stat().st_size for path in used)
    if table.kind is ForcingKind.DAILY:
        others = [path for path in table.source.rglob("*.nc*") if path not in set(files.values())]
        total += sum(path.stat().st_size for path in others)
        if not others and not table.planned:
            text = f"{table.source}: no reanalysis beside the daily files"
            findings.append(Finding("forcing.source", text))
    if absent or not used:
        return max(total, planned_bytes(table, cells, months)), findings
    return total, findings


def wanted_files(table: ForcingTable, months: list[Month]) -> tuple[Mapping[Key, Path], list[Key]]:
    """The files of the folder by key, and the keys that the years need."""
    found: dict[Key, Path] = {}
    wanted: list[Key]
    if table.kind is ForcingKind.DAILY:
        found.update(daymet_files(table.source).items())
        wanted = [(name, year) for name in DAILY for year in table.years]
    else:
        found.update(three_hourly_files(table.source).items())
        wanted = [(name, month.year, month.month) for name in VARIABLES for month in months]
    return found, wanted


def missing_text(table: ForcingTable, absent: list[Key]) -> str:
    """What is missing, the first one by its name."""
    first = absent[0]
    if len(first) == 2:
        name = f"daymet_v4_daily_<na|hi|pr>_{first[0]}_{first[1]}.nc"
    else:
        name = f"clmforc.Daymet4.1km.{first[0]}.{Month(first[1], first[2])}.nc"
    more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
    return f"{table.source}: {name}{more} missing"


def planned_bytes(table: ForcingTable, cells: PlannedCells, months: list[Month]) -> int:
    """Bytes of the values read from sources that are not there: single precision, not compressed."""
    rows, columns = (int(part.stop) - int(part.start) for part in (cells.rows, cells.columns))
    rows, columns = min(rows, table.rows or rows), min(columns, table.columns or columns)
    if table.kind is ForcingKind.THREE_HOURLY:
        return 4 * rows * columns * len(VARIABLES) * sum(month.samples for month in months)
    samples = DAYS * 24 // table.reanalysis_hours
    coarse = samples * table.reanalysis_rows * table.reanalysis_columns * len(VARIABLES)
    return 4 * len(table.years) * (DAYS * rows * columns * len(DAILY) + coarse)
