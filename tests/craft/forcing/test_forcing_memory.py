"""The memory of forcing is that of a block of cells, whatever the number of cells."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from kiloland.craft.forcing.land import PIECE, LandCells
from kiloland.craft.plan import plan_job
from kiloland.grid import DaymetGrid, DomainHeader, build_rectangle, domain_blocks, write_domain
from kiloland.grid.domain_file import write_domain_blocks

GRID = DaymetGrid()
ROW, COLUMN = 2000, 2000
VALUES = {
    "TBOT": ("K", 280.0),
    "QBOT": ("kg/kg", 0.004),
    "PSRF": ("Pa", 9.0e4),
    "FLDS": ("W/m2", 250.0),
    "WIND": ("m/s", 3.0),
    "FSDS": ("W/m2", 100.0),
    "PRECTmms": ("mm/s", 1.0e-5),
}
SAMPLES = 8


def square(folder: Path, side: int) -> Path:
    """A day of maps over a square of cells, and their domain."""
    rows, columns = ROW + np.arange(side), COLUMN + np.arange(side)
    ids = (rows[:, None] * GRID.columns + columns).ravel()
    (folder / "maps").mkdir(parents=True)
    write_domain_blocks(
        folder / "domain.nc", DomainHeader.of_grid(GRID, (1, ids.size)), domain_blocks(GRID, ids)
    )
    for name, (units, value) in VALUES.items():
        path = folder / f"maps/clmforc.Daymet4.1km.{name}.2003-01.nc"
        with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
            for dimension, length in (("time", SAMPLES), ("y", side), ("x", side)):
                file.createDimension(dimension, length)
            time_axis = file.createVariable("time", "f8", ("time",))
            time_axis.units, time_axis.calendar = "days since 2003-01-01 00:00:00", "noleap"
            time_axis[:] = np.arange(SAMPLES) / 8.0
            file.createVariable("x", "f8", ("x",))[:] = GRID.x_centres[columns]
            file.createVariable("y", "f8", ("y",))[:] = GRID.y_centres[rows]
            made = file.createVariable(name, "f4", ("time", "y", "x"))
            made.units = units
            made[:] = np.full((SAMPLES, side, side), value, np.float32)
    return folder


def largest_memory(folder: Path) -> int:
    """Largest anonymous memory [bytes] of the command."""
    words = ["--source", folder / "maps", "--domain", folder / "domain.nc", "-o", folder / "out"]
    words += ["--years", "2003-01-01:2003-01-01", "--memory", "64"]
    command = [sys.executable, "-m", "kiloland.cli.main", "-q", "craft", "forcing", *map(str, words)]
    process, largest = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        lines = [line for line in status.splitlines() if line.startswith("RssAnon:")]
        largest = max(largest, *(1024 * int(line.split()[1]) for line in lines), 0)
        time.sleep(0.005)
    assert process.returncode == 0
    return largest


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_five_times_the_cells_take_no_more_memory(tmp_path: Path) -> None:
    small, large = (largest_memory(square(tmp_path / str(side), side)) for side in (600, 1350))
    # 1.5 million cells more: at 24 bytes each, their ids and places alone would be 35 MB.
    assert large - small < 24 * (1350**2 - 600**2)


def test_a_plan_needs_no_more_memory_for_more_cells(tmp_path: Path) -> None:
    def planned(cells: int) -> float:
        path = tmp_path / "job.toml"
        path.write_text(
            '[job]\nname = "x"\ndirectory = "made"\n'
            f'[domain]\ngrid = "daymet"\nland_mask = "no.csv"\nplanned = true\nland_cells = {cells}\n'
            '[forcing]\nsource = "daymet"\nplanned = true\nfirst_year = 2014\nlast_year = 2014\n'
        )
        return next(one.memory_per_rank for one in plan_job(path).products if one.name == "forcing")

    assert planned(20_000_000) - planned(100_000) < 250e6
    assert planned(20_000_000) < 1e9


def test_land_cells_of_a_map_with_water_are_those_of_the_domain(tmp_path: Path) -> None:
    ids = np.sort(np.random.default_rng(1).choice(600 * 600, PIECE + 5000, replace=False))
    ids = (ROW + ids // 600) * GRID.columns + COLUMN + ids % 600
    whole = build_rectangle(GRID, ids)
    write_domain(tmp_path / "map.nc", whole)
    land = LandCells.open(tmp_path / "map.nc")
    assert land.number_of_cells == ids.size
    assert land.largest_id == ids[-1]
    parts = [land.cells(part) for part in land.pieces(50_000)]
    assert len(parts) == 3
    np.testing.assert_array_equal(np.concatenate([part.gridcell_id for part in parts]), ids)
    latitude = np.concatenate([part.latitude for part in parts])
    np.testing.assert_array_equal(latitude, whole.land().latitude)
