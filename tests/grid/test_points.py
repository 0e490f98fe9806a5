"""Lists of points and ids: with and without header, two columns or four, gzipped or not."""

from __future__ import annotations

import gzip

import netCDF4
import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.grid import Coordinates, read_ids, read_points

XY, DEGREES = Coordinates.XY, Coordinates.LONGITUDE_LATITUDE


@pytest.mark.parametrize(
    ("text", "coordinates", "first", "second"),
    [
        ("1,2\n3,4\n", XY, [1, 3], [2, 4]),
        ("1,2\n3,4", DEGREES, [1, 3], [2, 4]),
        ("# points\n1 2\n\n3 4\n", DEGREES, [1, 3], [2, 4]),
        ("1;2\r\n3;4\r\n", DEGREES, [1, 3], [2, 4]),
        ("1\t2\n", XY, [1], [2]),
        ("1,2,3,4\n5,6,7,8", DEGREES, [1, 5], [2, 6]),
        ("1,2,3,4\n5,6,7,8", XY, [3, 7], [4, 8]),
        ("lat,lon,name_id\n1,2,9\n", DEGREES, [2], [1]),
        ('"Longitude" , "Latitude"\n1,2\n', DEGREES, [1], [2]),
        (
            "x_coordinate ,x_index,y_coordinate ,y_index\n-4534250.0,26,-3079000.0,8063\n",
            XY,
            [-4534250],
            [-3079000],
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_points_are_read(tmp_path, text, coordinates, first, second, packed):
    path = tmp_path / "points.csv"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    points = read_points(path, coordinates)
    assert points.first.tolist() == first
    assert points.second.tolist() == second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty list"),
        ("lon,lat\n", "header without a list"),
        ("1,2,3\n", "3 columns without header"),
        ("1,2\n3\n", "no table of numbers"),
        ("1,2\n3,four\n", "no table of numbers"),
        ("1,2\n3,nan\n", "point 2.*not a number"),
        ("x,y\n1,2\n", "a column is missing"),
    ],
)
def test_unusable_points_are_refused_with_the_file(tmp_path, text, message):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"points\.csv.*{message}"):
        read_points(path, DEGREES)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_points(tmp_path / "points.csv", XY)


@pytest.mark.parametrize("text", ["7\n5\n7\n", "gridID\n7\n5\n7\n", "name,gridID\n1,7\n2,5\n3,7\n"])
def test_ids_are_read_as_listed(tmp_path, text):
    path = tmp_path / "ids.csv"
    path.write_text(text)
    assert read_ids(path).tolist() == [7, 5, 7]


@pytest.mark.parametrize("text", ["7\n5.5\n", "7,5\n", "lon\n7\n", "seven\n"])
def test_unusable_ids_are_refused(tmp_path, text):
    path = tmp_path / "ids.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"ids\.csv"):
        read_ids(path)


def test_ids_are_read_from_netcdf(tmp_path):
    with netCDF4.Dataset(tmp_path / "ids.nc", "w") as file:
        file.createDimension("nj", 1)
        file.createDimension("ni", 3)
        file.createVariable("gridID", "i4", ("nj", "ni"))[0] = [7, 5, 7]
    assert read_ids(tmp_path / "ids.nc").tolist() == [7, 5, 7]


@pytest.mark.oracle
def test_a_real_list_of_ids(shared):
    ids = read_ids(shared / "data" / "daymet" / "TNdemo_gridID.c241127.nc")
    assert (ids.size, ids.min(), ids.max()) == (6317, 150_233, 175_290)


@pytest.mark.oracle
def test_a_real_list_with_header(shared):
    points = read_points(shared / "data" / "daymet" / "points_in_daymet_grid.csv.gz", XY)
    assert points.first.size == 34_655
    assert np.array_equal((points.first + 4_560_250) % 1000, np.zeros(34_655))
