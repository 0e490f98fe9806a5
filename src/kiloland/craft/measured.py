"""The case of the quickstart on real data: the Seward Peninsula under the measured weather of SPRUCE.

Domain (72,083 cells of the Daymet grid) and weather are real; surface and plant parameters are those of the
synthetic set and say so. The weather of one bog in Minnesota over Alaska is a test of the software on real
files of real size, not a simulation of either place.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kiloland.craft.domain import DomainRequest, PointFile, craft_domain
from kiloland.craft.synthetic_parameters import write_parameters
from kiloland.craft.synthetic_surface import write_surface
from kiloland.errors import InputError
from kiloland.files import write_text
from kiloland.grid import Coordinates, read_domain

SHARED_VARIABLE = "KILOLAND_SHARED"
"""Environment variable that names the folder of the reference data."""
SEED = 1


@dataclass(frozen=True)
class MeasuredInputs:
    """The files of the reference data that are used."""

    land_mask: Path
    points: Path
    weather: Path

    @classmethod
    def below(cls, shared: Path) -> MeasuredInputs:
        """The files below the folder of the reference data.

        Raises:
            InputError: one of them is missing.
        """
        data = shared / "data"
        found = cls(
            land_mask=data / "daymet" / "Daymet_NA_landmask.csv.gz",
            points=data / "daymet" / "daymet_AK_all2.csv.gz",
            weather=data / "spruce" / "US-SPR_forcing.nc4",
        )
        for path in (found.land_mask, found.points, found.weather):
            if not path.is_file():
                raise InputError(
                    "no such file",
                    file=path,
                    hint=f"Give the folder that holds data/ with --shared or in {SHARED_VARIABLE}",
                )
        return found


def shared_folder(wanted: Path | None) -> Path:
    """The folder of the reference data: as wanted, from the environment, or ``shared``, ``../shared``."""
    if wanted is not None:
        return wanted
    if os.environ.get(SHARED_VARIABLE):
        return Path(os.environ[SHARED_VARIABLE])
    return next((path for path in (Path("shared"), Path("../shared")) if path.is_dir()), Path("shared"))


def make_measured_case(folder: Path, shared: Path, *, days: int = 2) -> Path:
    """Make domain, surface, parameters and case in a folder, and return the path of the case file.

    Args:
        folder: is made if it does not exist.
        shared: holds ``data/daymet`` and ``data/spruce``.
        days: length of the run from 1 July 2015 of the record, model year 1.

    Raises:
        InputError: a file is missing or unusable. OutputError: a file cannot be written.
    """
    if not 1 <= days <= 30:
        raise InputError("length of the run on real data", found=f"{days} days", expected="1 to 30")
    inputs = MeasuredInputs.below(shared)
    folder.mkdir(parents=True, exist_ok=True)
    region = PointFile(inputs.points, Coordinates.XY)
    craft_domain(DomainRequest("daymet", str(inputs.land_mask), region, folder / "domain.nc"))
    write_surface(folder / "surfdata_synthetic.nc", read_domain(folder / "domain.nc"), seed=SEED)
    write_parameters(folder / "clm_params_synthetic.nc")
    case = folder / "case.toml"
    write_text(case, case_text(inputs.weather.resolve(), days))
    return case


def case_text(weather: Path, days: int) -> str:
    """The case file."""
    return f"""\
# Real domain (Seward Peninsula on the Daymet grid) and measured weather (SPRUCE, Minnesota);
# surface and plant parameters are synthetic. Every key is explained in docs/run.md.

[case]
name = "seward"
directory = "run"
start = "0001-07-01"
stop = "0001-07-{days + 1:02d}"
step_seconds = 1800
surface_flux = "bare-ground"
orbital_year = 1990

[input]
domain = "domain.nc"
surface = "surfdata_synthetic.nc"
parameters = "clm_params_synthetic.nc"
leaf_area = "surface"

[atmosphere]
kind = "site"
path = {_quoted(weather)}
year_first = 2015
year_last = 2016
anywhere = true      # the record is of another place than the domain
fill = true          # the record has bad samples; the check lists them

[restart]
every = "never"      # one set, at the end
keep = 1

[[history]]
# means of six hours for each cell
fields = ["TBOT", "FSDS", "FLDS", "RAIN", "FSA", "FSR", "SABV", "SABG", "FIRE", "FSH", "EFLX_LH_TOT",
          "FGR", "TG", "TSOI", "ERRSOI", "ERRSOL"]
every = "6 hours"
records_per_file = 124
"""


def _quoted(path: Path) -> str:
    """A path as a TOML string."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
