"""The whole chain of crafting on real cells of the Seward Peninsula: see docs/craft_seward.md."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.synthetic_parameters import write_parameters
from kiloland.files.raster import open_raster

pytestmark = [pytest.mark.slow, pytest.mark.oracle]

YEAR = 2014
WINDOW = (slice(1300, 1380), slice(1690, 1780))
"""Rows and columns of Daymet's grid around Kougarok."""
STRIDE = 5
NAMES = ("TBOT", "QBOT", "PSRF", "FLDS", "WIND", "FSDS", "PRECTmms")
CASE = """
[case]
name = "seward"
directory = "run"
start = "2014-07-01"
stop = "2014-07-02"
[input]
domain = "domain.nc"
surface = "surf.nc"
parameters = "params.nc"
[atmosphere]
kind = "streams"
path = "forcing"
year_first = 2014
year_last = 2014
year_align = 2014
[[history]]
fields = ["TBOT", "TSOI"]
every = "1 day"
"""


@dataclass(frozen=True)
class Chain:
    """The folder of all files, and what the data file says of the cells, by gridcell id."""

    folder: Path
    ids: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray


def craft(*words: object) -> None:
    assert main(["craft", *map(str, words)]) == 0, words


@pytest.fixture(scope="module")
def chain(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Every fifth cell of the window, in the order of the data file, through all commands."""
    folder = tmp_path_factory.mktemp("seward")
    daymet = shared / "data/daymet"
    with gzip.open(daymet / "daymet_AK_all2.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    # The rule of the numbers, from the reference: first centres of Daymet's columns and rows, 7814 columns.
    column = np.rint((table[:, 2] + 4_560_250.0) / 1000.0).astype(int)
    row = np.rint((4_984_000.0 - table[:, 3]) / 1000.0).astype(int)
    rows, columns = WINDOW
    inside = (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
    some = np.flatnonzero(inside)[::STRIDE]
    ids = (row * 7814 + column)[some]
    assert (np.diff(ids) < 0).any(), "the data file is not in the order of the ids"
    np.savetxt(folder / "points.csv", table[some], delimiter=",", fmt="%.6f")
    made(folder, daymet / "Daymet_NA_landmask.csv.gz")
    order = np.argsort(ids)
    return Chain(folder, ids[order], table[some][order, 0], table[some][order, 1])


def made(folder: Path, mask: Path) -> None:
    """The commands in the order of a user's work."""
    domain, sources, products = folder / "domain.nc", folder / "sources", folder / "products"
    points = folder / "points.csv"
    craft(
        "domain",
        "--grid",
        "daymet",
        "--land-mask",
        mask,
        "--points",
        points,
        "--coordinates",
        "xy",
        "-o",
        domain,
    )
    craft("synthetic", "daymet", "reanalysis", "--domain", domain, "--year", YEAR, "-o", sources)
    kinds = ("surface", "landcover", "elevation", "points", "landuse")
    craft("synthetic", *kinds, "--domain", domain, "--metres", 1000, "--year", YEAR, "-o", products)
    on_domain = ("--domain", domain, "-o")
    craft("forcing", "--source", sources, "--years", f"{YEAR}:{YEAR}", *on_domain, folder / "forcing")
    raster = products / "landcover_synthetic.tif"
    craft("landcover", "--raster", raster, "--climate", folder / "forcing", *on_domain, folder / "cover.nc")
    craft("elevation", "--raster", products / "elevation_synthetic.tif", *on_domain, folder / "terrain.nc")
    table = products / "points_synthetic.csv"
    craft("points", "--table", table, "--limit-km", 60, *on_domain, folder / "points.nc")
    finer = ("--landcover", folder / "cover.nc", "--elevation", folder / "terrain.nc")
    finer += ("--product", folder / "points.nc")
    source = products / "surfdata_0.5x0.5_synthetic.nc"
    craft("surface", "--source", source, *finer, *on_domain, folder / "surf.nc")
    series = ("--source", products / "landuse_synthetic.nc", "--surface", folder / "surf.nc")
    craft("landuse", *series, "--adjust-first-year", *on_domain, folder / "landuse.nc")


def test_ids_order_and_places_are_those_of_the_data_file(chain: Chain) -> None:
    names = {
        "domain.nc": ("xc", "yc"),
        "surf.nc": ("LONGXY", "LATIXY"),
        "landuse.nc": ("LONGXY", "LATIXY"),
        **{f"forcing/clmforc.Daymet4.1km.1d.{name}.{YEAR}-07.nc": ("LONGXY", "LATIXY") for name in NAMES},
    }
    for name, (east, north) in names.items():
        with netCDF4.Dataset(chain.folder / name) as file:
            assert np.array_equal(np.ravel(file["gridID"][:]), chain.ids), name
            metres_east = (np.ravel(file[east][:]) - chain.longitude) * np.cos(np.radians(chain.latitude))
            metres = 111_195.0 * np.hypot(metres_east, np.ravel(file[north][:]) - chain.latitude)
        assert metres.max() < 1.0, name


def test_the_check_finds_nothing(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = ["--domain", "domain.nc", "--surface", "surf.nc", "--forcing", "forcing"]
    words = [str(chain.folder / word) if not word.startswith("--") else word for word in inputs]
    craft("check", *words, "--page", chain.folder / "report", "--json")
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert (chain.folder / "report/index.html").stat().st_size > 100_000


def test_a_whole_year_of_seven_variables_has_the_bytes_of_the_plan(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    job = f"""
    [job]
    name = "chain"
    directory = "."
    [domain]
    file = "domain.nc"
    [forcing]
    source = "sources"
    first_year = {YEAR}
    last_year = {YEAR}
    """
    (chain.folder / "job.toml").write_text(job, encoding="utf-8")
    capsys.readouterr()
    craft("plan", chain.folder / "job.toml", "--json")
    products = json.loads(capsys.readouterr().out)["products"]
    planned = next(one["written_bytes"] for one in products if one["name"] == "forcing")
    files = list((chain.folder / "forcing").iterdir())
    assert len([one for one in files if one.suffix == ".nc"]) == 84
    assert sum(one.stat().st_size for one in files) == pytest.approx(planned, rel=0.01)


def test_virtual_copies_and_a_geotiff_hold_the_cells(chain: Chain) -> None:
    surf, copies, back = (chain.folder / name for name in ("surf.nc", "surf_x300.json", "back.nc"))
    craft("duplicate", surf, "--times", "10x10x3", "--virtual", "-o", copies)
    assert copies.stat().st_size < 1000
    craft("subset", copies, "--domain", chain.folder / "domain.nc", "-o", back)
    assert main(["compare", str(surf), str(back)]) == 0
    tif = chain.folder / "topo.tif"
    assert main(["export", str(surf), "TOPO", "--to", "geotiff", "-o", str(tif)]) == 0
    with open_raster(tif) as raster, netCDF4.Dataset(surf) as file:
        rows, columns = raster.grid.row_column(*raster.to_xy(chain.longitude, chain.latitude))
        values = raster.values(0, slice(0, raster.grid.height), slice(0, raster.grid.width))
        assert np.array_equal(values[rows, columns], file["TOPO"][:].data)
    assert main(["map", str(surf), "TOPO", "-o", str(chain.folder / "topo.png")]) == 0


def test_the_model_runs_on_what_was_made(chain: Chain) -> None:
    write_parameters(chain.folder / "params.nc")
    (chain.folder / "case.toml").write_text(CASE, encoding="utf-8")
    assert main(["run", str(chain.folder / "case.toml")]) == 0
    with netCDF4.Dataset(chain.folder / "run/seward.elm.h0.2014-07-01-00000.nc") as file:
        mean = np.ravel(file["TBOT"][:])
    assert mean.size == chain.ids.size
    assert 270.0 < mean.min() <= mean.max() < 300.0
