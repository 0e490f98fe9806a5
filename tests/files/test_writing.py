"""Written files are what the netCDF library expects, whole, and never half there."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kiloland.errors import InputError, OutputError
from kiloland.files import (
    DatasetWriter,
    FileSchema,
    VariableSchema,
    open_dataset,
    remove_stale_temporaries,
    write_bytes,
    write_dataset,
    write_text,
)
from kiloland.files.blocks import BLOCK, pieces

TYPES = ["i1", "S1", "i2", "i4", "f4", "f8", "u1", "u2", "u4", "i8", "u8"]
RANDOM = np.random.default_rng(3)


def sample(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Every bit pattern is possible in numbers; letters in text."""
    if dtype == "S1":
        return RANDOM.integers(65, 90, shape).astype("u1").view("S1")
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(RANDOM.bytes(size), dtype).reshape(shape)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def one_variable(entries: int, dtype: str = "f8") -> FileSchema:
    return FileSchema({"x": entries}, None, (VariableSchema("v", dtype, ("x",)),))


@pytest.mark.parametrize("checksums", [True, False])
def test_the_netcdf_library_reads_every_type_and_attribute(tmp_path: Path, checksums: bool) -> None:
    arrays, variables = {}, []
    for dtype in TYPES:
        for name, dims, shape in (("fixed", ("a", "b"), (5, 3)), ("records", ("time", "b"), (4, 3))):
            arrays[f"{name}_{dtype}"] = sample(dtype, shape)
            attributes = {f"as_{t}": np.array([1, 2, 3], t) for t in TYPES if t != "S1"}
            attributes |= {"units": "W m⁻²", "integer": 7, "large": 2**40, "real": 0.1, "list": [1, 2]}
            variables.append(VariableSchema(f"{name}_{dtype}", dtype, dims, attributes))
    schema = FileSchema({"a": 5, "b": 3}, ("time", 4), tuple(variables), {"title": "t"}, checksums=checksums)
    write_dataset(tmp_path / "file.nc", schema, arrays)
    with netCDF4.Dataset(tmp_path / "file.nc") as dataset:
        assert dataset.data_model == "NETCDF3_64BIT_DATA"
        assert dataset.dimensions["time"].isunlimited()
        assert dataset.title == "t"
        dataset.set_auto_maskandscale(False)
        for variable in variables:
            found = dataset[variable.name]
            assert found.dtype == np.dtype(variable.dtype)
            assert found[...].tobytes() == arrays[variable.name].tobytes()
            for name, value in variable.attributes.items():
                np.testing.assert_array_equal(found.getncattr(name), value)
                if isinstance(value, np.ndarray):
                    assert found.getncattr(name).dtype == value.dtype
            assert found.integer.dtype == np.int32
    with open_dataset(tmp_path / "file.nc", verify=True) as dataset:
        assert dataset.verify() == (len(variables) + 1 if checksums else 0)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("identity") / "file.nc"
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    records = data.draw(st.none() | st.integers(0, 4))
    arrays, variables = {}, []
    for number in range(data.draw(st.integers(1, 4))):
        dims = tuple(f"d{k}" for k in range(data.draw(st.integers(0, len(lengths)))))
        shape = tuple(lengths[: len(dims)])
        if records is not None and data.draw(st.booleans()):
            dims, shape = ("time", *dims), (records, *shape)
        dtype = np.dtype(data.draw(st.sampled_from([t for t in TYPES if t != "S1"])))
        arrays[f"v{number}"] = data.draw(hnp.arrays(dtype, shape))
        variables.append(VariableSchema(f"v{number}", dtype, dims))
    schema = FileSchema(
        {f"d{k}": length for k, length in enumerate(lengths)},
        None if records is None else ("time", records),
        tuple(variables),
    )
    write_dataset(path, schema, arrays)
    with open_dataset(path, verify=True) as dataset, netCDF4.Dataset(path) as expected:
        expected.set_auto_maskandscale(False)
        for name, values in arrays.items():
            assert dataset[name].shape == values.shape
            assert dataset[name].read().tobytes() == values.tobytes()
            assert np.asarray(expected[name][...]).tobytes() == values.tobytes()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(BLOCK // 4 + 17,), (70_001, 3), (3, 70_001), (2, 2, BLOCK // 8 + 1)])
def test_arrays_of_many_blocks_are_whole(tmp_path: Path, shape: tuple[int, ...], order: str) -> None:
    values = np.asarray(RANDOM.normal(size=shape), order=order)
    dims = tuple("abc"[: len(shape)])
    schema = FileSchema(dict(zip(dims, shape, strict=True)), None, (VariableSchema("v", "f8", dims),))
    write_dataset(tmp_path / "file.nc", schema, {"v": values})
    with netCDF4.Dataset(tmp_path / "file.nc") as dataset:
        np.testing.assert_array_equal(dataset["v"][...], values)
    assert all(piece.size <= 1000 for piece in pieces(values, 1000))


def test_slabs_in_any_order_give_the_same_file(tmp_path: Path) -> None:
    values = RANDOM.normal(size=(4, 6, 5))
    variables = (VariableSchema("r", "f8", ("time", "y", "x")), VariableSchema("s", "i2", ("time",)))
    schema = FileSchema({"y": 6, "x": 5}, ("time", 4), variables)
    write_dataset(tmp_path / "whole.nc", schema, {"r": values, "s": np.arange(4)})
    with DatasetWriter(tmp_path / "slabs.nc", schema) as writer:
        for time_index in (2, 0, 3, 1):
            writer.put("s", time_index, start=(time_index,))
            writer.put("r", values[time_index, 4:], start=(time_index, 4))
            writer.put("r", values[time_index : time_index + 1, :4, 3:], start=(time_index, 0, 3))
            writer.put("r", values[time_index, :4, :3], start=(time_index, 0))
    assert (tmp_path / "whole.nc").read_bytes() == (tmp_path / "slabs.nc").read_bytes()


def test_strings_become_characters(tmp_path: Path) -> None:
    schema = FileSchema({"n": 2, "length": 6}, None, (VariableSchema("s", "S1", ("n", "length")),))
    write_dataset(tmp_path / "file.nc", schema, {"s": np.array(["abc", "grün"])})
    with open_dataset(tmp_path / "file.nc") as dataset:
        assert list(dataset["s"].text()) == ["abc", "grün"]
    with pytest.raises(InputError, match="text too long"):
        write_dataset(tmp_path / "file.nc", schema, {"s": np.array(["abcdefg", ""])})


FITTING = VariableSchema("v", "i2", ("x",))
WRONG_SCHEMAS = {
    "twice": FileSchema({"x": 2}, None, (FITTING, FITTING)),
    "unknown dimension": FileSchema({"y": 2}, None, (FITTING,)),
    "must come first": FileSchema({"x": 2}, ("t", 1), (VariableSchema("v", "i2", ("x", "t")),)),
    "cannot hold": FileSchema({"x": 2}, None, (VariableSchema("v", "c16", ("x",)),)),
    "too short": FileSchema({"x": 0}, None, (FITTING,)),
    "two lengths": FileSchema({"x": 2}, ("x", 3), (FITTING,)),
    "does not allow": FileSchema({"x": 2}, None, (VariableSchema("a/b", "i2", ("x",)),)),
    "cannot be stored": FileSchema({"x": 2}, None, (FITTING,), {"a": object()}),
    "reserved": FileSchema({"x": 2}, None, (VariableSchema("v", "i2", ("x",), {"checksum": "mine"}),)),
}


@pytest.mark.parametrize("problem", WRONG_SCHEMAS)
def test_a_schema_that_cannot_be_written_is_an_error_before_anything_is_written(
    tmp_path: Path, problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        DatasetWriter(tmp_path / "file.nc", WRONG_SCHEMAS[problem])
    assert names_in(tmp_path) == []


WRONG_ARRAYS = {
    "shape": (np.zeros(3, "i2"), None, "does not fit"),
    "beyond the end": (np.zeros(2, "i2"), (1,), "does not fit"),
    "negative start": (np.zeros(1, "i2"), (-1,), "does not fit"),
    "fractions": (np.zeros(2), None, "wrong type"),
    "overflow": (np.array([1, 40000]), None, "too large"),
}


@pytest.mark.parametrize("case", WRONG_ARRAYS)
def test_an_array_that_does_not_fit_is_an_error_that_names_the_variable(tmp_path: Path, case: str) -> None:
    array, start, problem = WRONG_ARRAYS[case]
    writer = DatasetWriter(tmp_path / "file.nc", FileSchema({"x": 2}, None, (FITTING,)))
    with pytest.raises(InputError, match=rf"file\.nc: v: .*{problem}"), writer:
        writer.put("v", array, start)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("slabs", "problem"),
    [
        ([], "entry 0 .* never"),
        ([0, 1], "entry 2 .* never"),
        ([0, 2], "entry 1 .* never"),
        ([0, 1, 1, 2], "twice"),
    ],
)
def test_every_entry_is_written_exactly_once(tmp_path: Path, slabs: list[int], problem: str) -> None:
    writer = DatasetWriter(tmp_path / "file.nc", one_variable(3))
    for start in slabs:
        writer.put("v", [1.0], start=(start,))
    with pytest.raises(OutputError, match=problem):
        writer.close()
    assert names_in(tmp_path) == []


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file.nc"
    write_dataset(path, one_variable(2), {"v": [1.0, 2.0]})
    before = path.read_bytes()
    with DatasetWriter(path, one_variable(2)) as writer:
        writer.put("v", [3.0, 4.0])
        assert path.read_bytes() == before
    writer = DatasetWriter(path, one_variable(2))
    writer.put("v", [5.0, 6.0])
    with pytest.raises(KeyboardInterrupt), writer:
        raise KeyboardInterrupt
    with open_dataset(path, verify=True) as dataset:
        np.testing.assert_array_equal(dataset["v"].read(), [3.0, 4.0])
    assert names_in(tmp_path) == ["file.nc"]


KILLED = """
import sys, time
import numpy as np
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
schema = FileSchema({"x": 500_000}, None, tuple(VariableSchema(f"v{k}", "f8", ("x",)) for k in range(40)))
for turn in range(1000):
    with DatasetWriter(sys.argv[1], schema) as writer:
        for k in range(40):
            writer.put(f"v{k}", np.full(500_000, float(turn)))
            print(turn, k, flush=True)
"""


def test_a_kill_while_writing_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file.nc"
    write_dataset(path, one_variable(2), {"v": [1.0, 2.0]})
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(10):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with open_dataset(path, verify=True) as dataset:
        np.testing.assert_array_equal(dataset["v"].read(), [1.0, 2.0])
    left = [name for name in names_in(tmp_path) if name != "file.nc"]
    assert len(left) == 1
    assert ".kiloland-tmp-" in left[0]
    assert [gone.name for gone in remove_stale_temporaries(tmp_path)] == left
    assert names_in(tmp_path) == ["file.nc"]


@pytest.mark.slow
@pytest.mark.parametrize("delay", np.linspace(0.6, 3.0, 9))
def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path, delay: float) -> None:
    path = tmp_path / "file.nc"
    write_dataset(path, one_variable(2), {"v": [1.0, 2.0]})
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.DEVNULL)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_dataset(path, verify=True) as dataset:
        assert dataset.verify() > 0


def test_temporaries_of_living_processes_and_other_hosts_stay(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "file.nc", one_variable(1)) as writer:
        writer.put("v", [1.0])
        (tmp_path / "a.nc.kiloland-tmp-999999999-elsewhere-00ff00").write_text("x")
        (tmp_path / "a.nc.kiloland-tmp-notes").write_text("x")
        assert remove_stale_temporaries(tmp_path) == []
    assert len(names_in(tmp_path)) == 3


def test_a_full_disk_is_an_error_that_says_how_much_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.nc"
    write_dataset(path, one_variable(2), {"v": [1.0, 2.0]})
    before, real, taken = path.read_bytes(), os.pwrite, 0

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        nonlocal taken
        if taken + len(data) > 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken += len(data)
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputError, match=r"file\.nc.*No space left.*bytes needed.*bytes free"):
        write_dataset(path, one_variable(500_000), {"v": np.zeros(500_000)})
    with pytest.raises(OutputError, match=r"No space left.*2000000 bytes needed"):
        write_bytes(path, b"x" * 2_000_000)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["file.nc"]


def test_a_limit_of_the_system_on_file_sizes_is_an_output_error(tmp_path: Path) -> None:
    path = tmp_path / "file.nc"
    write_dataset(path, one_variable(2), {"v": [1.0, 2.0]})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            write_dataset(path, one_variable(500_000), {"v": np.zeros(500_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names_in(tmp_path) == ["file.nc"]
    with open_dataset(path, verify=True) as dataset:
        np.testing.assert_array_equal(dataset["v"].read(), [1.0, 2.0])


@pytest.mark.parametrize("target", ["absent/file.nc", "folder", "file/file.nc"])
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        write_dataset(tmp_path / target, one_variable(2), {"v": [1.0, 2.0]})
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / target, "text")
    assert names_in(tmp_path) == ["file", "folder"]


def test_damage_between_writing_and_verification_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.ftruncate

    def damaging(descriptor: int, length: int) -> None:
        real(descriptor, length)
        os.pwrite(descriptor, b"\x01", length - 8)

    monkeypatch.setattr(os, "ftruncate", damaging)
    with pytest.raises(OutputError, match=r"file\.nc: v: the data do not match their checksum"):
        write_dataset(tmp_path / "file.nc", one_variable(4), {"v": np.zeros(4)})
    assert names_in(tmp_path) == []


def test_small_files_appear_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "grün\n")
    write_text(tmp_path / "text", "blau\n")
    assert (tmp_path / "text").read_text(encoding="utf-8") == "blau\n"
    (tmp_path / "link").symlink_to(tmp_path / "text")
    write_text(tmp_path / "link", "rot\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "text").read_text(encoding="utf-8") == "rot\n"
    assert names_in(tmp_path) == ["link", "text"]


def test_a_copy_of_a_checked_file_gets_checksums_of_its_own(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.nc", one_variable(2), {"v": [1.0, 2.0]})
    with open_dataset(tmp_path / "a.nc") as dataset:
        attributes = dataset["v"].attributes
        variables = (VariableSchema("v", "f8", ("x",), attributes),)
        schema = FileSchema(dataset.dimensions, None, variables, dataset.attributes)
    write_dataset(tmp_path / "b.nc", schema, {"v": [3.0, 4.0]})
    with open_dataset(tmp_path / "b.nc", verify=True) as dataset:
        assert dataset["v"].attributes["checksum"] != attributes["checksum"]
