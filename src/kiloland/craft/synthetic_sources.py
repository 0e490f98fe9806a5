"""``kiloland craft synthetic``: made-up inputs around a domain, in the formats of the real products.

Every file says in its attributes, tags or first line that it is synthetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.forcing.places import grid_of
from kiloland.craft.forcing.samples import write_daymet, write_reanalysis, write_three_hourly
from kiloland.craft.labels import COMMENT
from kiloland.craft.landcover.synthetic import RasterPlan, write_elevations, write_land_cover
from kiloland.craft.landuse.synthetic import LandUsePlan, write_land_use
from kiloland.craft.patterns import Places, field
from kiloland.craft.surface.synthetic import write_surface_source
from kiloland.errors import InputError, OutputError
from kiloland.files import write_text
from kiloland.grid import DaymetGrid, Domain, RegularGrid, read_domain
from kiloland.grid.base import FloatArray
from kiloland.grid.domain import bounding_rectangle

Say = Callable[[str], None]
STEP: Final = 0.5
"""Of the longitude/latitude grids [degrees]."""
MARGIN: Final = 1.0
"""By which these reach beyond the domain [degrees]."""
LAND_USE_YEARS: Final = 5
MOST_POINTS: Final = 5000


class SyntheticKind(Enum):
    """What can be made."""

    DAYMET = "daymet"
    REANALYSIS = "reanalysis"
    MAPS = "maps"
    SURFACE = "surface"
    LANDCOVER = "landcover"
    ELEVATION = "elevation"
    POINTS = "points"
    LANDUSE = "landuse"


@dataclass(frozen=True)
class SyntheticRequest:
    """Kinds to be made around the cells of ``domain`` in the folder ``output``.

    ``year`` is that of weather, and the first of land use; ``metres`` the side of the pixels of rasters.
    """

    kinds: tuple[SyntheticKind, ...]
    domain: Path
    output: Path
    year: int = 2014
    metres: float = 250.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.metres > 0.0 or not 1950 <= self.year <= 9000:
            raise InputError(
                "the year or the side of the pixels is out of range",
                found=f"{self.year}, {self.metres:g} m",
                expected="1950 or later; above 0 m",
            )


def craft_synthetic(request: SyntheticRequest, say: Say) -> list[Path]:
    """Make the files, one kind after the other, and return the new ones; ``say`` gets a line for each kind.

    Raises InputError for a domain on no Daymet grid where daily files or maps are asked for, OutputError
    where a file cannot be written.
    """
    domain = read_domain(request.domain)
    make_folder(request.output)
    made: list[Path] = []
    for kind in dict.fromkeys(request.kinds):
        before = _stamps(request.output)
        _MAKERS[kind](request, domain)
        now = _stamps(request.output)
        new = [path for path in now if now[path] != before.get(path)]
        size = sum(path.stat().st_size for path in new)
        say(f"{kind.value}: {len(new)} files, {size / 1e6:.1f} MB in {request.output}")
        made += new
    return made


def make_folder(folder: Path) -> None:
    """Make a folder where there is none; OutputError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from None


def _stamps(folder: Path) -> dict[Path, int]:
    """Files of a folder, with the time of their last change [ns]."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.glob("*")) if path.is_file()}


def grid_around(longitude: FloatArray, latitude: FloatArray) -> RegularGrid:
    """The cells of whole half degrees around places (degrees), also across the dateline or Greenwich."""
    east = np.unique(np.mod(longitude, 360.0))
    gaps = np.diff(east, append=east[0] + 360.0)
    widest = int(np.argmax(gaps))
    first = east[(widest + 1) % east.size]
    west = math.floor((first - MARGIN) / STEP) * STEP
    columns = math.ceil((first + 360.0 - gaps[widest] + MARGIN - west) / STEP)
    if columns * STEP >= 360.0:
        west, columns = 0.0, int(360.0 / STEP)
    south = max(math.floor((float(latitude.min()) - MARGIN) / STEP) * STEP, -90.0)
    rows = math.ceil((min(float(latitude.max()) + MARGIN, 90.0) - south) / STEP)
    return RegularGrid(west, west + columns * STEP, columns, south, south + rows * STEP, rows)


def _daymet(request: SyntheticRequest, domain: Domain) -> None:
    grid, rows, columns = _window(request, domain)
    write_daymet(request.output, grid, rows, columns, request.year, seed=request.seed)


def _maps(request: SyntheticRequest, domain: Domain) -> None:
    grid, rows, columns = _window(request, domain)
    for month in range(1, 13):
        write_three_hourly(request.output, grid, rows, columns, request.year, month, seed=request.seed)


def _window(request: SyntheticRequest, domain: Domain) -> tuple[DaymetGrid, slice, slice]:
    grid = grid_of(domain, request.domain)
    if not isinstance(grid, DaymetGrid):
        raise InputError(
            "Daymet's files need a domain on its grid",
            file=request.domain,
            found=domain.grid_name,
            expected="daymet",
        )
    return grid, *bounding_rectangle(grid, domain.gridcell_id)


def _reanalysis(request: SyntheticRequest, domain: Domain) -> None:
    around = grid_around(domain.longitude, domain.latitude)
    write_reanalysis(request.output, around, request.year, seed=request.seed)


def _surface(request: SyntheticRequest, domain: Domain) -> None:
    around = grid_around(domain.longitude, domain.latitude)
    write_surface_source(request.output / "surfdata_0.5x0.5_synthetic.nc", around, seed=request.seed)


def _landcover(request: SyntheticRequest, domain: Domain) -> None:
    plan = RasterPlan(request.metres, seed=request.seed)
    write_land_cover(request.output / "landcover_synthetic.tif", domain, plan)


def _elevation(request: SyntheticRequest, domain: Domain) -> None:
    plan = RasterPlan(request.metres, seed=request.seed)
    write_elevations(request.output / "elevation_synthetic.tif", domain, plan)


def _points(request: SyntheticRequest, domain: Domain) -> None:
    """Soil at some cells: every n-th, a little off their centres."""
    every = max(10, domain.number_of_cells // MOST_POINTS)
    some = domain.take(np.arange(0, domain.number_of_cells, every))
    draw = np.random.default_rng(request.seed)
    longitude = some.longitude + 0.004 * draw.uniform(-1.0, 1.0, some.number_of_cells)
    latitude = some.latitude + 0.002 * draw.uniform(-1.0, 1.0, some.number_of_cells)
    values = Places.of_domain(some)
    depth = 5.0 + 4.5 * field(f"{request.seed}:bedrock", values)
    acid = 5.5 + field(f"{request.seed}:acid", values)
    rows = zip(longitude, latitude, depth, acid, strict=True)
    lines = [f"{x:.6f},{y:.6f},{z:.3f},{ph:.3f}" for x, y, z, ph in rows]
    head = [f"# {COMMENT}", "lon,lat,zbedrock [m],PH [pH]"]
    write_text(request.output / "points_synthetic.csv", "\n".join([*head, *lines]) + "\n")


def _landuse(request: SyntheticRequest, _domain: Domain) -> None:
    plan = LandUsePlan(request.year, request.year + LAND_USE_YEARS - 1)
    write_land_use(request.output / "landuse_synthetic.nc", plan)


_MAKERS: Final[dict[SyntheticKind, Callable[[SyntheticRequest, Domain], None]]] = {
    SyntheticKind.DAYMET: _daymet,
    SyntheticKind.REANALYSIS: _reanalysis,
    SyntheticKind.MAPS: _maps,
    SyntheticKind.SURFACE: _surface,
    SyntheticKind.LANDCOVER: _landcover,
    SyntheticKind.ELEVATION: _elevation,
    SyntheticKind.POINTS: _points,
    SyntheticKind.LANDUSE: _landuse,
}
