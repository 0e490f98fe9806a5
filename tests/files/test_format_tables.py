"""Headers of the input files against ELM's format tables, and ELM's own rules of reading as tests.

The tables are those of E3SM's file formats: name, type, dimensions in their order, units. A name, type or
order that differs makes ELM or its data atmosphere stop, or read other numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from kiloland.craft.forcing.output import VARIABLES
from kiloland.craft.synthetic_surface import write_surface
from kiloland.craft.synthetic_weather import write_weather
from kiloland.grid import DaymetGrid, RegularGrid, build_domain, build_rectangle, write_domain

GRID = DaymetGrid()
IDS = np.sort(GRID.identifier(np.array([1400, 1400, 1401, 1403]), np.array([1700, 1703, 1701, 1702])))
CELLS = ("nj", "ni")
CALENDARS = ("noleap", "no_leap", "365_day")
"""Names that ELM and its data atmosphere take for years of 365 days."""

DOMAIN = {
    "xc": ("f8", CELLS, "degrees_east"),
    "yc": ("f8", CELLS, "degrees_north"),
    "xv": ("f8", (*CELLS, "nv"), "degrees_east"),
    "yv": ("f8", (*CELLS, "nv"), "degrees_north"),
    "area": ("f8", CELLS, "radian2"),
    "mask": ("i4", CELLS, "1"),
    "frac": ("f8", CELLS, "1"),
    "gridID": ("i4", CELLS, "1"),
    "gridXID": ("i4", CELLS, "1"),
    "gridYID": ("i4", CELLS, "1"),
}
PROJECTED = {"xc_LCC": ("f8", CELLS, "m"), "yc_LCC": ("f8", CELLS, "m")}
PLACES = {"LONGXY": ("f8", CELLS, "degrees_east"), "LATIXY": ("f8", CELLS, "degrees_north")}
WEATHER = {
    "TBOT": ("K",),
    "QBOT": ("kg/kg",),
    "PSRF": ("Pa",),
    "FLDS": ("W/m2", "W/m^2", "W/m**2"),
    "WIND": ("m/s",),
    "FSDS": ("W/m2", "W/m^2", "W/m**2"),
    "PRECTmms": ("mm/s", "kg/m2/s"),
}


def domain_list(path: Path) -> None:
    write_domain(path, build_domain(GRID, IDS))


def domain_map(path: Path) -> None:
    write_domain(path, build_rectangle(GRID, IDS))


def domain_degrees(path: Path) -> None:
    write_domain(path, build_domain(RegularGrid(0.0, 360.0, 72, -90.0, 90.0, 36), np.array([3, 80])))


def surface(path: Path) -> None:
    write_surface(path, build_domain(GRID, IDS), seed=1)


def forcing(path: Path) -> None:
    """February of a variable of the synthetic weather, in the format of ``craft forcing``."""
    folder = path.parent / "weather"
    folder.mkdir()
    write_weather(folder, build_domain(GRID, IDS), year=1, seed=1, orbital_year=1990)
    next(folder.glob("*.TBOT.0001-02.nc")).replace(path)


MAKERS: tuple[Callable[[Path], None], ...] = (domain_list, domain_map, domain_degrees, surface, forcing)
EACH = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def compare(path: Path, table: dict[str, tuple[str, tuple[str, ...], str]]) -> None:
    """Every variable of a table is in the file with its type, dimensions and units."""
    with netCDF4.Dataset(path) as file:
        for name, (kind, dims, units) in table.items():
            found = file[name]
            assert found.dtype == np.dtype(kind), name
            assert found.dimensions == dims, name
            assert found.units == units, name


@EACH
def test_files_are_cdf5_which_parallel_netcdf_reads_at_any_size(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "f.nc")
    assert (tmp_path / "f.nc").read_bytes()[:4] == b"CDF\x05"
    with netCDF4.Dataset(tmp_path / "f.nc") as file:
        assert file.data_model == "NETCDF3_64BIT_DATA"
        # A record dimension of another name would be read as a dimension of cells or layers.
        assert {name for name, dim in file.dimensions.items() if dim.isunlimited()} <= {"time"}


@pytest.mark.parametrize(
    ("make", "sizes", "more"),
    [
        (domain_list, (1, 4), PROJECTED),
        (domain_map, (4, 4), PROJECTED),
        (domain_degrees, (1, 2), {}),
    ],
)
def test_domains_have_the_format_of_elm_domains(
    make: Callable[[Path], None],
    sizes: tuple[int, int],
    more: dict[str, tuple[str, tuple[str, ...], str]],
    tmp_path: Path,
) -> None:
    make(tmp_path / "d.nc")
    compare(tmp_path / "d.nc", DOMAIN | more)
    with netCDF4.Dataset(tmp_path / "d.nc") as file:
        assert (len(file.dimensions["nj"]), len(file.dimensions["ni"])) == sizes
        assert len(file.dimensions["nv"]) == 4


def test_surface_files_have_the_types_and_dimensions_of_the_table(tmp_path: Path) -> None:
    surface(tmp_path / "s.nc")
    text = files("kiloland.craft.surface").joinpath("variables.csv").read_text(encoding="utf-8")
    table = {row["name"]: row for row in csv.DictReader(text.splitlines())}
    # ELM names these two dimensions of months and plant types itself.
    with netCDF4.Dataset(tmp_path / "s.nc") as file:
        known = [name for name in file.variables if name in table]
        assert len(known) > 40
        for name in known:
            row, found = table[name], file[name]
            assert found.dtype == np.dtype(row["dtype"]), name
            assert found.dimensions == tuple(row["dims"].split()), name
        lengths = {"natpft": 17, "lsmpft": 17, "nlevsoi": 10, "numurbl": 3, "time": 12, "gridcell": 4}
        assert {name: len(dim) for name, dim in file.dimensions.items()} == lengths
        required = {name for name, row in table.items() if row["requirement"] == "R"}
        assert required - set(file.variables) <= URBAN


URBAN = {
    *("CANYON_HWR", "WTLUNIT_ROOF", "WTROAD_PERV", "EM_ROOF", "EM_WALL", "EM_IMPROAD", "EM_PERROAD"),
    *("HT_ROOF", "WIND_HGT_CANYON", "THICK_ROOF", "THICK_WALL", "T_BUILDING_MIN", "T_BUILDING_MAX"),
    *("NLEV_IMPROAD", "TK_ROOF", "TK_WALL", "TK_IMPROAD", "CV_ROOF", "CV_WALL", "CV_IMPROAD"),
    *(f"ALB_{part}_{way}" for part in ("ROOF", "WALL", "IMPROAD", "PERROAD") for way in ("DIR", "DIF")),
}
"""Parameters of towns, which the synthetic surface has not, since it has no towns."""


@pytest.mark.oracle
def test_the_table_of_surface_variables_is_the_reference(shared: Path) -> None:
    text = files("kiloland.craft.surface").joinpath("variables.csv").read_text(encoding="utf-8")
    ours = {row["name"]: row for row in csv.DictReader(text.splitlines())}
    with open(shared / "reference/surfdata_variables.csv", encoding="utf-8", newline="") as file:
        reference = {row["name"]: row for row in csv.DictReader(file)}
    assert ours.keys() == reference.keys()
    for name, row in reference.items():
        assert ours[name]["dtype"] in row["dtype"].split("/"), name
        named = row["dims_C_order"].replace(",", " ").partition(" (")[0].split()
        if named not in (["scalar"], ["own", "dim"]):
            assert ours[name]["dims"].split() == named, name


def test_forcing_files_have_the_format_of_the_data_atmosphere(tmp_path: Path) -> None:
    forcing(tmp_path / "f.nc")
    compare(tmp_path / "f.nc", PLACES)
    with netCDF4.Dataset(tmp_path / "f.nc") as file:
        assert (file["TBOT"].dimensions, file["TBOT"].dtype) == (("time", *CELLS), np.float32)
        assert (file["gridID"].dimensions, file["gridID"].dtype) == (CELLS, np.int32)
        assert file["time"].units == "days since 0001-02-01 00:00:00"
        assert file["time"].calendar in CALENDARS
        # 28 days of February in every year.
        assert (len(file.dimensions["time"]), len(file.dimensions["nj"])) == (224, 1)


@pytest.mark.parametrize("name", list(WEATHER))
def test_forcing_variables_have_the_units_of_the_data_atmosphere(name: str) -> None:
    assert VARIABLES[name].units in WEATHER[name]


def test_synthetic_weather_has_the_same_format(tmp_path: Path) -> None:
    write_weather(tmp_path, build_domain(GRID, IDS), year=1, seed=1, orbital_year=1990)
    for name, units in WEATHER.items():
        with netCDF4.Dataset(next(tmp_path.glob(f"*.{name}.0001-01.nc"))) as file:
            assert file[name].dimensions == ("time", *CELLS)
            assert file[name].units in units
            assert file["time"].calendar in CALENDARS
        compare(next(tmp_path.glob(f"*.{name}.0001-01.nc")), PLACES)


def size_as_elm_reads_it(path: Path) -> tuple[int, int, bool]:
    """Cells east, cells north, and whether they are rows and columns: by ELM's order of names."""
    with netCDF4.Dataset(path) as file:
        dims = {name: len(dim) for name, dim in file.dimensions.items()}
    for east, north in (("lon", "lat"), ("lsmlon", "lsmlat"), ("ni", "nj")):
        if east in dims and north in dims:
            return dims[east], dims[north], dims[north] > 1
    return dims["gridcell"], 1, False


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (domain_list, (4, 1, False)),
        (domain_map, (4, 4, True)),
        (surface, (4, 1, False)),
        (forcing, (4, 1, False)),
    ],
)
def test_elm_finds_the_cells_by_its_own_order_of_names(
    make: Callable[[Path], None], expected: tuple[int, int, bool], tmp_path: Path
) -> None:
    make(tmp_path / "f.nc")
    assert size_as_elm_reads_it(tmp_path / "f.nc") == expected


@EACH
def test_no_second_pair_of_dimensions_can_be_taken_for_the_cells(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "f.nc")
    with netCDF4.Dataset(tmp_path / "f.nc") as file:
        names = set(file.dimensions)
    pairs = [
        pair for pair in ({"lon", "lat"}, {"lsmlon", "lsmlat"}, {"ni", "nj"}, {"gridcell"}) if pair & names
    ]
    assert len(pairs) == 1


@pytest.mark.parametrize("make", [domain_list, domain_map, domain_degrees])
def test_elm_gets_true_areas_and_masks(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "d.nc")
    with netCDF4.Dataset(tmp_path / "d.nc") as file:
        # ELM takes LANDMASK and LANDFRAC first; here mask and frac stand alone and are what counts.
        assert not {"LANDMASK", "LANDFRAC", "AREA"} & set(file.variables)
        mask, fraction = file["mask"][:], file["frac"][:]
        square_kilometres = file["area"][:] * 6371.22**2
        longitude, latitude = file["xc"][:], file["yc"][:]
    assert set(np.unique(mask)) <= {0, 1}
    assert (fraction[mask == 1] > 0).all()
    assert ((longitude >= 0.0) & (longitude < 360.0) & (np.abs(latitude) <= 90.0)).all()
    if make is domain_degrees:
        step = np.deg2rad(5.0)
        exact = step * np.abs(np.diff(np.sin(np.deg2rad([-90.0, -85.0])))) * 6371.22**2
        np.testing.assert_allclose(square_kilometres[0, 0], exact[0], rtol=1e-13)
    else:
        # Daymet's nominal square kilometre on the Seward Peninsula.
        assert ((square_kilometres > 0.9) & (square_kilometres < 0.94)).all()


def test_domain_surface_and_forcing_agree_within_what_elm_allows(tmp_path: Path) -> None:
    for make in (domain_list, surface, forcing):
        make(tmp_path / f"{make.__name__}.nc")
    with (
        netCDF4.Dataset(tmp_path / "domain_list.nc") as domain,
        netCDF4.Dataset(tmp_path / "surface.nc") as ground,
        netCDF4.Dataset(tmp_path / "forcing.nc") as air,
    ):
        for file, east, north in ((ground, "LONGXY", "LATIXY"), (air, "LONGXY", "LATIXY")):
            apart = np.abs(np.mod(file[east][:].reshape(-1) - domain["xc"][0] + 180.0, 360.0) - 180.0)
            assert apart.max() <= 0.001
            assert np.abs(file[north][:].reshape(-1) - domain["yc"][0]).max() <= 0.001
        assert (air["gridID"][:] == domain["gridID"][:]).all()
        # The data atmosphere copies by index, so that the order of the cells is all that places them.
        assert (np.diff(domain["gridID"][0]) > 0).all()
        # ELM divides by 100 and asks for a sum of one within 1e-14.
        shares = ground["PCT_NAT_PFT"][:].astype("f8") / 100.0
        assert np.abs(shares.sum(axis=0) - 1.0).max() <= 1e-14
