"""Rates of this machine: small jobs of the real commands, timed where the real job would write."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.domain import AllLand, DomainRequest, craft_domain
from kiloland.craft.duplicate import Times
from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.craft.forcing.samples import write_daymet, write_reanalysis, write_three_hourly
from kiloland.craft.plan.job import read_job
from kiloland.craft.plan.rates import Rates
from kiloland.craft.surface import SurfaceRequest, craft_surface, surface_table
from kiloland.craft.virtual import duplicate
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import DaymetGrid, RegularGrid, build_domain, read_domain, write_domain
from kiloland.grid.domain import rectangle_ids

YEAR: Final = 2005
WINDOW: Final = (slice(1300, 1330), slice(1700, 1740))
"""Rows and columns of Daymet's grid on the Seward Peninsula, 1,200 cells."""
CELLS: Final = 200_000
"""Cells of the domain that is timed, 600 m wide."""
VALUES: Final = 16_000_000
SAMPLE: Final = {"FMAX": 0.5, "PCT_SAND": 30.0}
"""Values of variables that must not be 1.5."""


def measured_rates(job: Path) -> Rates:
    """Time small jobs of each kind in the folder of the job, or the nearest that exists.

    All data are synthetic; the folder is left as it was. Raises OutputError where it cannot be written.
    """
    folder = read_job(job).job.directory
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with tempfile.TemporaryDirectory(dir=folder if os.access(folder, os.W_OK) else None) as made:
        here = Path(made)
        domain = seconds_of(lambda: _domain(here))
        size = (here / "domain.nc").stat().st_size
        copies = seconds_of(lambda: duplicate(here / "domain.nc", Times((4,)), here / "copies.nc"))
        rates = {
            "domain": CELLS / domain,
            "copy": 4 * size / copies,
            "write": _write_rate(here),
            "surface": _surface_rate(here),
            "downscale": _downscale_rate(here),
            "convert": _convert_rate(here),
        }
    return Rates(**rates, measured="measured on this machine just now")


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return max(time.perf_counter() - started, 1e-6)


def _domain(folder: Path) -> None:
    grid = "daymet_lcc:-3.29075e+06,4.2905e+06,600,500,400"
    craft_domain(DomainRequest(grid, None, AllLand(), folder / "domain.nc"))


def _write_rate(folder: Path) -> float:
    """Bytes a second of one variable, synced and verified."""
    values = np.arange(VALUES, dtype=np.float64)
    schema = FileSchema({"n": VALUES}, None, (VariableSchema("values", "f8", ("n",)),))
    return values.nbytes / seconds_of(lambda: write_dataset(folder / "raw.nc", schema, {"values": values}))


def _surface_rate(folder: Path) -> float:
    """Values a second: 30 layers of a quarter-degree source, half nearest and half linear."""
    source, names = folder / "source.nc", ("SLOPE", "STD_ELEV", "FMAX", "PCT_SAND", "MONTHLY_LAI")
    west, south, columns, rows = 190.0, 62.0, 64, 32
    longitude = west + 0.25 * (np.arange(columns) + 0.5)
    latitude = south + 0.25 * (np.arange(rows) + 0.5)
    lengths = {"lsmlat": rows, "lsmlon": columns, "nlevsoi": 10, "lsmpft": 17, "time": 12}
    table = surface_table()
    arrays = {
        "LONGXY": np.broadcast_to(longitude, (rows, columns)),
        "LATIXY": np.repeat(latitude[:, None], columns, 1),
        "PFTDATA_MASK": np.ones((rows, columns), np.int32),
    }
    schemas = [VariableSchema(name, table[name].dtype, ("lsmlat", "lsmlon")) for name in arrays]
    for name in names:
        dims = (*table[name].dims[:-1], "lsmlat", "lsmlon")
        schemas.append(VariableSchema(name, "f8", dims))
        arrays[name] = np.full([lengths[dim] for dim in dims], SAMPLE.get(name, 1.5))
    write_dataset(source, FileSchema(lengths, None, tuple(schemas)), arrays)
    ids = np.arange(1300 * 7814 + 1700, 1300 * 7814 + 1800)
    grid = DaymetGrid()
    write_domain(folder / "cells.nc", build_domain(grid, (ids[:, None] + 7814 * np.arange(200)).ravel()))
    request = SurfaceRequest(source, folder / "cells.nc", folder / "surfdata.nc")
    layers = sum(int(np.prod([lengths[dim] for dim in table[name].dims[:-1]])) for name in names)
    return (
        layers * read_domain(folder / "cells.nc").number_of_cells / seconds_of(lambda: craft_surface(request))
    )


def _downscale_rate(folder: Path) -> float:
    """Cell-years a second of the months after the first, which compiles the kernel."""
    source, cells = folder / "daily", _window_domain(folder)
    write_daymet(source, DaymetGrid(), *WINDOW, YEAR)
    write_reanalysis(source, RegularGrid(191.0, 198.0, 14, 62.0, 68.0, 12), YEAR)
    stamps: list[float] = []
    request = ForcingRequest(source, folder / "window.nc", YEAR, YEAR, folder / "forcing")
    craft_forcing(request, lambda text: stamps.append(time.perf_counter()))
    return cells * 11.0 / 12.0 / max(stamps[-1] - stamps[0], 1e-6)


def _convert_rate(folder: Path) -> float:
    """Values a second of three-hourly maps."""
    source, cells = folder / "maps", _window_domain(folder)
    for month in range(1, 13):
        write_three_hourly(source, DaymetGrid(), *WINDOW, YEAR, month)
    request = ForcingRequest(source, folder / "window.nc", YEAR, YEAR, folder / "converted")
    return cells * 2920 * 7 / seconds_of(lambda: craft_forcing(request))


def _window_domain(folder: Path) -> int:
    """Write the domain of the window; returns its number of cells."""
    grid = DaymetGrid()
    ids = rectangle_ids(grid, *WINDOW)
    write_domain(folder / "window.nc", build_domain(grid, ids))
    return int(ids.size)
