"""Land masks are read from text and netCDF, and a mask that does not fit is refused."""

from __future__ import annotations

import gzip

import netCDF4
import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.grid import RegularGrid, build_domain, grid_from_file, read_land_mask, write_domain

GRID = RegularGrid(0.0, 4.0, 4, 0.0, 3.0, 3)
LAND = np.array([[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 0]])
LINE = ",".join(map(str, LAND.ravel()))
ROWS = "\n".join(",".join(map(str, row)) for row in LAND)


def netcdf(path, name, values, **attributes):
    with netCDF4.Dataset(path, "w") as dataset:
        dims = [f"d{i}" for i in range(np.ndim(values))]
        for dim, length in zip(dims, np.shape(values), strict=True):
            dataset.createDimension(dim, length)
        fill = attributes.pop("_FillValue", None)
        variable = dataset.createVariable(name, np.asarray(values).dtype, dims, fill_value=fill)
        variable.setncatts(attributes)
        variable[...] = values
    return path


@pytest.mark.parametrize(
    "text", [LINE, LINE + "\n", ROWS, ROWS + "\r\n", LINE.replace(",", ", "), LINE.replace(",", " ")]
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_masks(tmp_path, text, packed):
    path = tmp_path / ("mask.csv.gz" if packed else "mask.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    mask = read_land_mask(path, GRID)
    assert np.array_equal(mask.land, LAND.ravel() == 1)
    assert mask.ids.tolist() == [0, 3, 6, 7, 8, 9, 10]
    assert mask.source == path.name


@pytest.mark.parametrize(
    "text",
    [LINE[2:], LINE + ",1", LINE.replace("1", "2", 1), LINE.replace("0", "nan", 1), "", "10" + LINE[3:]],
)
def test_text_that_is_no_mask_of_the_grid_is_refused(tmp_path, text):
    path = tmp_path / "mask.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"mask\.csv"):
        read_land_mask(path, GRID)


def test_a_truncated_gzip_file_is_refused(tmp_path):
    path = tmp_path / "mask.csv.gz"
    path.write_bytes(gzip.compress(LINE.encode())[:-9])
    with pytest.raises(InputError, match="cannot be read"):
        read_land_mask(path, GRID)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_land_mask(tmp_path / "mask.csv", GRID)


@pytest.mark.parametrize(
    "values", [LAND, LAND.ravel(), LAND[None], LAND.astype("f4"), LAND.ravel()[None].astype("i1")]
)
def test_netcdf_masks(tmp_path, values):
    mask = read_land_mask(netcdf(tmp_path / "mask.nc", "mask", values), GRID)
    assert np.array_equal(mask.land, LAND.ravel() == 1)


def test_netcdf_masks_of_another_grid_are_refused(tmp_path):
    for values in (LAND.T, LAND[:2], LAND[0]):
        with pytest.raises(InputError, match="does not lie on the grid"):
            read_land_mask(netcdf(tmp_path / "mask.nc", "mask", values), GRID)


def test_a_mask_with_gaps_or_with_other_values_is_refused(tmp_path):
    gaps = np.where(LAND == 1, 1.0, -9.0)
    for values in (gaps, np.where(LAND == 1, 0.5, 0.0)):
        with pytest.raises(InputError):
            read_land_mask(netcdf(tmp_path / "mask.nc", "mask", values, _FillValue=-9.0), GRID)
    with pytest.raises(InputError, match="no land mask"):
        read_land_mask(netcdf(tmp_path / "mask.nc", "TBOT", gaps), GRID)


def test_a_named_data_variable_marks_land_where_it_has_values(tmp_path):
    data = np.where(LAND == 1, 280.5, np.nan)[None]
    path = netcdf(tmp_path / "forcing.nc", "TBOT", data)
    assert np.array_equal(read_land_mask(path, GRID, "TBOT").land, LAND.ravel() == 1)
    night = netcdf(tmp_path / "night.nc", "FSDS", np.where(LAND == 1, 0.0, -9999.0), _FillValue=-9999.0)
    assert np.array_equal(read_land_mask(night, GRID, "FSDS").land, LAND.ravel() == 1)


def test_a_domain_file_serves_as_a_mask_with_its_fractions(tmp_path):
    with netCDF4.Dataset(tmp_path / "land.nc", "w") as dataset:
        dataset.createDimension("lat", 3)
        dataset.createDimension("lon", 4)
        dataset.createVariable("mask", "i4", ("lat", "lon"))[...] = LAND
        dataset.createVariable("frac", "f8", ("lat", "lon"))[...] = 0.25 * LAND
    domain = build_domain(GRID, np.array([3, 0]), read_land_mask(tmp_path / "land.nc", GRID))
    assert domain.fraction.tolist() == [0.25, 0.25]
    write_domain(tmp_path / "domain.nc", domain)
    again = read_land_mask(tmp_path / "domain.nc", GRID)
    assert again.ids.tolist() == [0, 3]
    assert again.fraction_of(np.array([0, 1, 3])).tolist() == [0.25, 0.0, 0.25]


@pytest.mark.oracle
def test_the_land_of_a_real_forcing_file_by_its_values(shared):
    path = shared / "data" / "daymet" / "TES_NORTHACCESS_domain.nc"
    mask = read_land_mask(path, grid_from_file(path), "FSDS")
    assert mask.land.size == 433 * 1321
    assert np.count_nonzero(~mask.land) == 312_458
