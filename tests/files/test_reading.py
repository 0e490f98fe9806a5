"""Files of every format are read as independent libraries wrote them."""

from __future__ import annotations

import gzip
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray
from scipy.io import netcdf_file

from kiloland.errors import InputError
from kiloland.files import open_dataset, to_xarray

RANDOM = np.random.default_rng(7)
ARRAYS = {
    "byte": (RANDOM.integers(-128, 127, (5, 3)).astype("i1"), ("cell", "level")),
    "short": (RANDOM.integers(-9999, 9999, (5, 3)).astype("i2"), ("cell", "level")),
    "integer": (RANDOM.integers(-(2**31), 2**31, 5).astype("i4"), ("cell",)),
    "single": (RANDOM.normal(size=(5, 3)).astype("f4"), ("cell", "level")),
    "double": (RANDOM.normal(size=(5, 3)), ("cell", "level")),
    "scalar": (np.array(4.5), ()),
    "text": (np.array([list("abc"), list("de ")], "S1"), ("two", "level")),
    "record_double": (RANDOM.normal(size=(4, 3)), ("time", "level")),
    "record_byte": (RANDOM.integers(-128, 127, (4, 3)).astype("i1"), ("time", "level")),
    "record_short": (RANDOM.integers(-9, 9, 4).astype("i2"), ("time",)),
}
EXTENDED = {
    "u1": (np.array([0, 200, 255], "u1"), ("level",)),
    "u2": (np.array([0, 200, 65535], "u2"), ("level",)),
    "u4": (np.array([0, 200, 2**32 - 1], "u4"), ("level",)),
    "i8": (np.array([-(2**63), 0, 2**63 - 1], "i8"), ("level",)),
    "u8": (np.array([0, 1, 2**64 - 1], "u8"), ("level",)),
}
DIMENSIONS = {"time": None, "cell": 5, "level": 3, "two": 2}
LIBRARY_FORMATS = {
    "NETCDF3_CLASSIC": "CDF-1",
    "NETCDF3_64BIT_OFFSET": "CDF-2",
    "NETCDF3_64BIT_DATA": "CDF-5",
    "NETCDF4": "netCDF-4",
    "NETCDF4_CLASSIC": "netCDF-4",
}


def written_by_library(path: Path, form: str) -> dict:
    """A file of all types written by the netCDF4 library."""
    arrays = ARRAYS | (EXTENDED if form in ("NETCDF3_64BIT_DATA", "NETCDF4") else {})
    with netCDF4.Dataset(path, "w", format=form) as dataset:
        for name, length in DIMENSIONS.items():
            dataset.createDimension(name, length)
        dataset.title = "grün"
        dataset.numbers = np.array([1, 2, 3], "i4")
        for name, (values, dims) in arrays.items():
            variable = dataset.createVariable(name, values.dtype, dims)
            variable.units = "K"
            variable.set_auto_maskandscale(False)
            variable[...] = values
    return arrays


def written_by_scipy(path: Path, version: int) -> dict:
    """A file of all classic types written by scipy, which lays scalars and records over one another."""
    arrays = {name: entry for name, entry in ARRAYS.items() if name != "scalar"}
    with netcdf_file(path, "w", version=version) as dataset:
        for name, length in DIMENSIONS.items():
            dataset.createDimension(name, length)
        dataset.title = "grün".encode()
        dataset.numbers = np.array([1, 2, 3], "i4")
        for name, (values, dims) in arrays.items():
            variable = dataset.createVariable(name, values.dtype, dims)
            variable.units = b"K"
            if "time" in dims:
                for record, row in enumerate(values):
                    variable[record] = row
            else:
                variable[...] = values
    return arrays


def assert_as_written(path: Path, arrays: dict, form: str) -> None:
    with open_dataset(path) as dataset:
        assert dataset.format == form
        assert dataset.dimensions == DIMENSIONS | {"time": 4}
        assert dataset.unlimited == "time"
        assert dataset.attributes["title"] == "grün"
        np.testing.assert_array_equal(dataset.attributes["numbers"], [1, 2, 3])
        assert set(dataset.variables) == set(arrays)
        for name, (values, dims) in arrays.items():
            variable = dataset[name]
            assert (variable.dims, variable.shape, variable.dtype) == (dims, values.shape, values.dtype)
            assert variable.attributes["units"] == "K"
            read = variable.read()
            assert read.dtype == values.dtype
            assert read.flags.writeable
            assert read.tobytes() == values.tobytes()
            raw = variable.raw()
            assert (raw is None) == (form == "netCDF-4")
            if raw is not None:
                assert raw.astype(values.dtype).tobytes() == values.tobytes()


@pytest.mark.parametrize("form", LIBRARY_FORMATS)
def test_files_of_the_netcdf_library_are_read_exactly(tmp_path: Path, form: str) -> None:
    arrays = written_by_library(tmp_path / "file.nc", form)
    assert_as_written(tmp_path / "file.nc", arrays, LIBRARY_FORMATS[form])


@pytest.mark.parametrize("form", ["NETCDF3_64BIT_DATA", "NETCDF4"])
def test_gzipped_files_are_read_whatever_their_name(tmp_path: Path, form: str) -> None:
    arrays = written_by_library(tmp_path / "plain.nc", form)
    (tmp_path / "file.nc").write_bytes(gzip.compress((tmp_path / "plain.nc").read_bytes()))
    assert_as_written(tmp_path / "file.nc", arrays, LIBRARY_FORMATS[form])


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_scipy_are_read_exactly(tmp_path: Path, version: int) -> None:
    assert_as_written(tmp_path / "file.nc", written_by_scipy(tmp_path / "file.nc", version), f"CDF-{version}")


@pytest.mark.parametrize("dtype", ["i1", "i2", "S1", "f8"])
@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
def test_a_lone_record_variable_has_no_padding(tmp_path: Path, dtype: str, form: str) -> None:
    values = (
        np.arange(65, 65 + 21).astype("i1").view("S1" if dtype == "S1" else "i1").reshape(7, 3).astype(dtype)
    )
    with netCDF4.Dataset(tmp_path / "file.nc", "w", format=form) as dataset:
        dataset.createDimension("time", None)
        dataset.createDimension("three", 3)
        dataset.createVariable("x", dtype, ("time", "three"))[:] = values
    with open_dataset(tmp_path / "file.nc") as dataset:
        np.testing.assert_array_equal(dataset["x"].read(), values)


def test_a_streamed_file_has_the_records_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "file.nc"
    written_by_library(path, "NETCDF3_CLASSIC")
    content = bytearray(path.read_bytes())
    content[4:8] = b"\xff" * 4
    path.write_bytes(content)
    with open_dataset(path) as dataset:
        assert dataset.dimensions["time"] == 4
        np.testing.assert_array_equal(dataset["record_double"].read(), ARRAYS["record_double"][0])


INDICES = [
    (..., slice(1, 2)),
    slice(1, 5, 2),
    slice(None, None, -1),
    slice(4, 1, -2),
    slice(3, 3),
    2,
    -1,
    (0, 1),
    (slice(None), -1),
    np.array([4, 0, 0, 2]),
    [1, 3],
    np.array([True, False, True, True, False]),
    np.array([], int),
    (np.array([0, 4]), np.array([2, 1])),
    (np.array([[0], [4]]), np.array([2, 1])),
    (np.array([3, 1]), slice(0, 2)),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("form", ["NETCDF3_64BIT_DATA", "NETCDF4"])
def test_an_index_means_what_it_means_in_numpy(tmp_path: Path, form: str, index: object) -> None:
    arrays = written_by_library(tmp_path / "file.nc", form)
    with open_dataset(tmp_path / "file.nc") as dataset:
        read = dataset["double"].read(index)
        np.testing.assert_array_equal(read, arrays["double"][0][index])
        assert read.flags.writeable


@pytest.mark.parametrize("form", ["NETCDF3_64BIT_DATA", "NETCDF4"])
def test_values_are_physical(tmp_path: Path, form: str) -> None:
    with netCDF4.Dataset(tmp_path / "file.nc", "w", format=form) as dataset:
        dataset.createDimension("x", 4)
        for name, dtype, fill, stored in (
            ("packed", "i2", -99, [0, 10, -99, 7]),
            ("float", "f4", 1e36, [0, 1e36, 2, np.nan]),
            ("count", "i4", -1, [1, 2, 3, 4]),
            ("holes", "i4", -1, [1, -1, 3, 4]),
            ("defaults", "f8", None, [1, netCDF4.default_fillvals["f8"], 3, 4]),
        ):
            variable = dataset.createVariable(name, dtype, ("x",), fill_value=fill)
            variable.set_auto_maskandscale(False)
            if name == "packed":
                variable.scale_factor, variable.add_offset = 0.5, 270.0
            if name == "float":
                variable.missing_value = np.float32(2)
            variable[:] = np.array(stored, dtype)
    with open_dataset(tmp_path / "file.nc") as dataset:
        np.testing.assert_array_equal(dataset["packed"].values(), [270, 275, np.nan, 273.5])
        np.testing.assert_array_equal(dataset["float"].values(), [0, np.nan, np.nan, np.nan])
        np.testing.assert_array_equal(dataset["defaults"].values(), [1, np.nan, 3, 4])
        assert dataset["float"].values().dtype == np.float64
        assert dataset["count"].values().dtype == np.int32
        with pytest.raises(InputError, match=r"holes.*entry \[1\].*1 missing"):
            dataset["holes"].values()


def test_text_is_joined(tmp_path: Path) -> None:
    written_by_library(tmp_path / "file.nc", "NETCDF3_64BIT_DATA")
    with open_dataset(tmp_path / "file.nc") as dataset:
        assert list(dataset["text"].text()) == ["abc", "de"]
        with pytest.raises(InputError, match="not a number"):
            dataset["text"].values()
        with pytest.raises(InputError, match="not text"):
            dataset["double"].text()


def test_a_missing_variable_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    written_by_library(tmp_path / "file.nc", "NETCDF3_CLASSIC")
    with open_dataset(tmp_path / "file.nc") as dataset:
        assert "double" in dataset
        assert "duoble" not in dataset
        with pytest.raises(InputError, match=r"file\.nc: duoble: .*double"):
            dataset["duoble"]


def test_arrays_stay_valid_after_the_file_is_closed(tmp_path: Path) -> None:
    arrays = written_by_library(tmp_path / "file.nc", "NETCDF3_64BIT_DATA")
    with open_dataset(tmp_path / "file.nc") as dataset:
        raw = dataset["double"].raw()
    np.testing.assert_array_equal(raw, arrays["double"][0])


@pytest.mark.parametrize("form", ["NETCDF3_64BIT_DATA", "NETCDF4"])
def test_xarray_sees_the_same_as_through_its_own_reader(tmp_path: Path, form: str) -> None:
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w", format=form) as dataset:
        dataset.createDimension("time", None)
        time = dataset.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 0001-01-01 00:00:00", "noleap"
        time[:] = [0, 59, 365]
        packed = dataset.createVariable("t", "i2", ("time",), fill_value=-9)
        packed.set_auto_maskandscale(False)
        packed.scale_factor = 0.25
        packed[:] = [1, -9, 3]
    with open_dataset(path) as dataset, xarray.open_dataset(path) as expected:
        xarray.testing.assert_identical(to_xarray(dataset).load(), expected.load())


@pytest.mark.oracle
def test_every_variable_of_real_files_equals_the_netcdf_library(shared: Path) -> None:
    files = sorted((shared / "data").rglob("*.nc*"))[::40]
    assert files
    for file in files:
        content = file.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        with netCDF4.Dataset("memory", memory=content) as expected, open_dataset(file) as dataset:
            expected.set_auto_maskandscale(False)
            expected.set_auto_chartostring(False)
            assert list(dataset.variables) == list(expected.variables)
            for name, variable in dataset.variables.items():
                assert variable.dims == expected[name].dimensions
                assert list(variable.attributes) == expected[name].ncattrs()
                np.testing.assert_array_equal(variable.read(), expected[name][...])
