"""Rasters, tables and land use from Python: the same bits as the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray

from kiloland import craft
from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.files import open_dataset, to_xarray

ROW, COLUMN = 3000, 3000
IDS = [(ROW + dy) * 7814 + COLUMN + dx for dy in range(4) for dx in range(5)]


def command(*words: object) -> None:
    assert main(["-q", "craft", *map(str, words)]) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A domain of twenty cells and synthetic products around it."""
    made = tmp_path_factory.mktemp("products")
    (made / "ids.csv").write_text("".join(f"{one}\n" for one in IDS))
    command("domain", "--grid", "daymet", "--all-land", "--ids", made / "ids.csv", "-o", made / "domain.nc")
    kinds = ("surface", "landcover", "elevation", "points", "landuse")
    command("synthetic", *kinds, "--domain", made / "domain.nc", "-o", made / "products")
    return made


def product(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "products").rglob(pattern)
    return found


def same(made: xarray.Dataset, path: Path, folder: Path) -> None:
    craft.write(made, folder / "again.nc")
    assert (folder / "again.nc").read_bytes() == path.read_bytes()
    with open_dataset(path) as dataset:
        xarray.testing.assert_identical(made, to_xarray(dataset, decode=False))


def domain_of(folder: Path) -> xarray.Dataset:
    return craft.make_domain(ids=IDS)


def test_elevation_is_the_file_of_the_command(folder: Path, tmp_path: Path) -> None:
    raster = product(folder, "*elevation*.tif")
    path = tmp_path / "elevation.nc"
    command("elevation", "--raster", raster, "--domain", folder / "domain.nc", "-o", path)
    same(craft.make_elevation(raster, domain_of(folder)), path, tmp_path)


def test_points_are_the_file_of_the_command(folder: Path, tmp_path: Path) -> None:
    table = product(folder, "*.csv")
    path = tmp_path / "points.nc"
    words = ("--limit-km", 50, "--method", "inverse-distance", "--neighbours", 3)
    command("points", "--table", table, "--domain", folder / "domain.nc", *words, "-o", path)
    made = craft.make_points(table, domain_of(folder), 50.0, method="inverse-distance", neighbours=3)
    same(made, path, tmp_path)
    with pytest.raises(InputError, match="no such method"):
        craft.make_points(table, folder / "domain.nc", 50.0, method="kriging")


def test_land_cover_is_the_file_of_the_command(folder: Path, tmp_path: Path) -> None:
    raster, path = product(folder, "*landcover*.tif"), tmp_path / "landcover.nc"
    climate = tmp_path / "climate.nc"
    cold = xarray.Dataset(
        {"temp": (("lat", "lon"), np.full((3, 4), -20.0), {"units": "degC"})},
        {"lat": [30.0, 50.0, 70.0], "lon": [190.0, 230.0, 270.0, 310.0]},
    )
    craft.write(cold, climate)
    words = ("--climate", f"{climate}:temp", "--domain", folder / "domain.nc")
    command("landcover", "--raster", raster, *words, "-o", path)
    same(craft.make_landcover(raster, domain_of(folder), climate=f"{climate}:temp"), path, tmp_path)


def test_land_use_is_the_file_of_the_command(folder: Path, tmp_path: Path) -> None:
    source = product(folder, "*landuse*.nc")
    path = tmp_path / "landuse.nc"
    with open_dataset(source) as dataset:
        years = dataset["YEAR"].read()
    first, last = int(years[0]), int(years[1])
    words = ("--domain", folder / "domain.nc", "--years", f"{first}:{last}", "--single")
    command("landuse", "--source", source, *words, "-o", path)
    same(craft.make_landuse(source, domain_of(folder), years=(first, last), single=True), path, tmp_path)
