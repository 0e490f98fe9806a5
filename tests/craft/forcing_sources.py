"""Small synthetic sources for the tests of forcing, and their results by local day."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.bins import local_day_shift
from kiloland.craft.forcing.samples import write_daymet, write_reanalysis
from kiloland.grid import DaymetGrid, Domain, RegularGrid, build_domain, write_domain

GRID = DaymetGrid()
ROWS, COLUMNS = slice(1300, 1304), slice(1700, 1705)
"""A window on the Seward Peninsula, near 165.5 degrees west."""
AROUND = RegularGrid(191.0, 198.0, 14, 62.0, 68.0, 12)
YEAR = 2004
"""A leap year."""
NAMES = ("TBOT", "QBOT", "PSRF", "FLDS", "WIND", "FSDS", "PRECTmms")
FloatArray = NDArray[np.float64]


def make_source(folder: Path, *, year: int = YEAR, hours: int = 3, constant: bool = False) -> Path:
    """Daily files and a reanalysis of one year."""
    write_daymet(folder, GRID, ROWS, COLUMNS, year)
    write_reanalysis(folder, AROUND, year, hours=hours, constant=constant)
    return folder


def make_domain(path: Path) -> Domain:
    """The inner cells of the window, five of six."""
    ids = np.array([1301 * 7814 + 1701, 1301 * 7814 + 1703, 1302 * 7814 + 1701, 1302 * 7814 + 1702])
    domain = build_domain(GRID, ids)
    write_domain(path, domain)
    return domain


def read_year(folder: Path, name: str, year: int = YEAR) -> FloatArray:
    """All intervals of a year ``[time, cell]``."""
    parts = []
    for month in range(1, 13):
        with netCDF4.Dataset(folder / f"clmforc.Daymet4.1km.1d.{name}.{year}-{month:02d}.nc") as file:
            parts.append(np.asarray(file[name][:, 0, :], dtype=np.float64))
    return np.concatenate(parts)


def local_days(values: FloatArray, longitude: FloatArray) -> FloatArray:
    """Whole local days 2 to 364 of a year ``[day, 8, cell]``, counted from the second."""
    columns = []
    for cell, shift in enumerate(local_day_shift(longitude).tolist()):
        begin = 8 + shift
        columns.append(values[begin : begin + 8 * 363, cell].reshape(363, 8))
    return np.stack(columns, axis=2)


def daily_values(folder: Path, name: str, domain: Domain, year: int = YEAR) -> FloatArray:
    """Daymet's values of the cells in ELM's year ``[day, cell]``: no 29 February, 31 December made."""
    with netCDF4.Dataset(folder / f"daymet_v4_daily_na_{name}_{year}.nc") as file:
        rows, columns = domain.row - ROWS.start, domain.column - COLUMNS.start
        values = np.asarray(file[name][:], dtype=np.float64)[:, rows, columns]
    if year % 4 == 0:
        values = np.concatenate((values[:59], values[60:], values[-1:]))
    return values
