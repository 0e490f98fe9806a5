"""The embedded default: a small synthetic data set and its case, in the formats of real ones.

A block of true Daymet cells on the Seward Peninsula with true places and areas; surface, plant parameters and
weather are made up and say so in every file. It shows and tests the software; it is no data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, date_of_seconds
from kiloland.craft.labels import COMMENT, synthetic_attributes
from kiloland.craft.synthetic_parameters import write_parameters
from kiloland.craft.synthetic_snow import AGEING_NAME, OPTICS_NAME, write_snow_tables
from kiloland.craft.synthetic_surface import write_surface
from kiloland.craft.synthetic_weather import PREFIX, write_weather
from kiloland.errors import InputError
from kiloland.files import write_text
from kiloland.grid import DaymetGrid, Domain, build_domain, write_domain

CORNER_ROW, CORNER_COLUMN = 1337, 1704
"""The north-west cell of the block, near Kougarok."""
LARGEST = 7500
"""Cells of the largest block from that corner, 75 rows by 100 columns, all of which are land."""
YEAR: Final = 1
"""Of the synthetic weather, which repeats."""
ORBITAL_YEAR: Final = 1990
FIRST_DAY: Final = 181
"""Of the run: 1 July, counted from 1 January."""

HISTORY: Final = """
[[history]]
# means of the day for each cell
fields = ["TBOT", "FSDS", "FLDS", "RAIN", "FSA", "FSR", "SABV", "SABG", "FIRE", "FSH", "EFLX_LH_TOT",
          "FGR", "TG", "TSOI", {water}"ERRSOI", "ERRSOL"]
every = "1 day"
records_per_file = 31

[[history]]
# the subgrid at the end of each day: columns and patches as vectors
fields = ["TSOI", "SABV", "SABG", "ELAI"]
every = "1 day"
averaging = "instantaneous"
records_per_file = 31
subgrid = true
"""
"""Tapes of the synthetic case."""
WATER: Final = '"H2OSOI", "TV", "FPSN", "QVEGT", "QSOIL", "QRUNOFF", "ZWT", "H2OSNO",\n          '
"""Fields more where water moves."""


@dataclass(frozen=True)
class SyntheticSet:
    """What to make: number of cells, days of the run from 1 July of year 1, seed of all that is made up."""

    cells: int = 300
    days: int = 31
    seed: int = 1
    surface_flux: str = "full"

    def __post_init__(self) -> None:
        """Refuse sizes that the block cannot hold."""
        if not 1 <= self.cells <= LARGEST:
            raise InputError("number of synthetic cells", found=self.cells, expected=f"1 to {LARGEST} cells")
        if self.days < 1:
            raise InputError("length of the synthetic run", found=f"{self.days} days", expected="1 or more")


def make_synthetic_case(
    folder: Path, *, cells: int = 300, days: int = 31, seed: int = 1, surface_flux: str = "full"
) -> Path:
    """Make the set and its case in a folder, and return the path of the case file.

    The same arguments give the same bytes. Files: ``domain.nc``, ``surfdata.nc``,
    ``clm_params_synthetic.nc``, ``snow_optics_synthetic.nc``,
    ``snow_ageing_synthetic.nc``, a year of weather in ``weather/``, and ``case.toml``, written last.

    Args:
        folder: is made if it does not exist; files of these names in it are replaced.
        cells: a block of about four by three, filled row by row; at most 7500.
        days: length of the run from 1 July of year 1.
        seed: of all that is made up.
        surface_flux: what the case computes (see docs/run.md).

    Raises:
        InputError: sizes out of range. OutputError: a file cannot be written.
    """
    wanted = SyntheticSet(cells, days, seed, surface_flux)
    folder = Path(folder)
    weather = folder / "weather"
    weather.mkdir(parents=True, exist_ok=True)
    domain = synthetic_domain(cells)
    write_domain(
        folder / "domain.nc",
        domain,
        synthetic_attributes("set: domain", "The cells, their places and areas are those of the Daymet grid"),
    )
    write_surface(folder / "surfdata.nc", domain, seed=seed)
    write_parameters(folder / "clm_params_synthetic.nc")
    write_snow_tables(folder)
    write_weather(weather, domain, year=YEAR, seed=seed, orbital_year=ORBITAL_YEAR)
    case = folder / "case.toml"
    write_text(case, case_text(wanted))
    return case


def synthetic_domain(cells: int) -> Domain:
    """A block of Daymet cells near Kougarok, Alaska, all land, ordered by id."""
    grid = DaymetGrid()
    columns = math.ceil(math.sqrt(cells * 4 / 3))
    row, column = np.divmod(np.arange(cells, dtype=np.int64), columns)
    return build_domain(grid, (CORNER_ROW + row) * grid.columns + CORNER_COLUMN + column)


def case_text(wanted: SyntheticSet) -> str:
    """The case file."""
    return f"""\
# {COMMENT}
# {wanted.cells} cells, seed {wanted.seed}. Every key is explained in docs/run.md.

[case]
name = "synthetic"
directory = "run"
start = "{_date(FIRST_DAY)}"
stop = "{_date(FIRST_DAY + wanted.days)}"
step_seconds = 1800
surface_flux = "{wanted.surface_flux}"
orbital_year = {ORBITAL_YEAR}

[input]
domain = "domain.nc"
surface = "surfdata.nc"
parameters = "clm_params_synthetic.nc"
leaf_area = "surface"
snow_optics = "{OPTICS_NAME}"
snow_ageing = "{AGEING_NAME}"

[atmosphere]
kind = "streams"
path = "weather"
prefix = "{PREFIX}"
year_first = {YEAR}
year_last = {YEAR}
year_align = {YEAR}

[restart]
every = "10 days"
{HISTORY.format(water=WATER if wanted.surface_flux == "full" else "")}"""


def _date(days: int) -> str:
    """``YYYY-MM-DD`` of a day counted from 1 January of year 1."""
    ymd, _ = date_of_seconds(days * SECONDS_PER_DAY)
    return f"{ymd // 10_000:04d}-{ymd // 100 % 100:02d}-{ymd % 100:02d}"
