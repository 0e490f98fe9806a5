"""A damaged file is an error that names the file, and the variable where it can; never anything else."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, verify_file, write_dataset
from kiloland.files.checksum import combine
from kiloland.files.header import parse_header


def intact(path: Path, *, checksums: bool = True) -> bytes:
    """A small CDF-5 file with fixed and record variables."""
    variables = (
        VariableSchema("first", "f8", ("x",), {"units": "K"}),
        VariableSchema("second", "i2", ("x", "y")),
        VariableSchema("record", "f8", ("time", "x")),
        VariableSchema("last", "f4", ("time", "y")),
    )
    schema = FileSchema({"x": 40, "y": 3}, ("time", 5), variables, {"title": "t"}, checksums=checksums)
    shapes = {variable.name: schema.shape(variable) for variable in variables}
    write_dataset(path, schema, {name: np.ones(shape, "i2") for name, shape in shapes.items()})
    return path.read_bytes()


def read_all(path: Path) -> None:
    with open_dataset(path, verify=True) as dataset:
        for variable in dataset.variables.values():
            variable.read()


def tar_of(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("file.nc")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new, 1)


CASES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "zero byte": (lambda c: b"", "empty"),
    "one byte": (lambda c: c[:1], "not a netCDF file"),
    "text": (lambda c: b"time,temperature\n1,270\n", "not a netCDF file"),
    "tar": (tar_of, "not a netCDF file"),
    "unknown version": (lambda c: b"CDF\x03" + c[4:], "not a netCDF file"),
    "magic only": (lambda c: c[:4], "ends inside its header"),
    "half a header": (lambda c: c[:200], "ends inside its header"),
    "last value cut off": (lambda c: c[:-4], "last: the data are cut off"),
    "records cut off": (lambda c: c[:-400], ": the data are cut off"),
    "fixed data cut off": (lambda c: c[: c.index(b"last") + 400], "first: the data are cut off"),
    "negative records": (lambda c: c[:4] + b"\x80" + c[5:], "negative length"),
    "absurd records": (lambda c: c[:4] + b"\x7f" + c[5:], "cut off"),
    "absurd dimension": (
        lambda c: replaced(
            c, b"x\0\0\0" + (40).to_bytes(8, "big"), b"x\0\0\0" + (1 << 61).to_bytes(8, "big")
        ),
        "impossibly large",
    ),
    "shorter dimension": (
        lambda c: replaced(c, b"x\0\0\0" + (40).to_bytes(8, "big"), b"x\0\0\0" + (39).to_bytes(8, "big")),
        "first: the header contradicts itself",
    ),
    "second unlimited dimension": (
        lambda c: replaced(c, b"x\0\0\0" + (40).to_bytes(8, "big"), b"x\0\0\0" + bytes(8)),
        "more than one unlimited",
    ),
    "same name twice": (lambda c: replaced(c, b"second", b"first\0"), "forbidden|twice"),
    "name not text": (lambda c: replaced(c, b"second", b"sec\xffnd"), "not text"),
    "gzip truncated": (lambda c: gzip.compress(c)[:-20], "truncated or damaged"),
    "gzip damaged": (
        lambda c: gzip.compress(c)[:100] + b"\0\0\0" + gzip.compress(c)[103:],
        "truncated or damaged",
    ),
    "gzip with wrong sum": (lambda c: gzip.compress(c)[:-8] + bytes(8), "truncated or damaged"),
    "gzip of text": (lambda c: gzip.compress(b"hello"), "not a netCDF file"),
    "gzip of nothing": (lambda c: gzip.compress(b""), "not a netCDF file"),
    "one bit of data": (lambda c: c[:-1] + bytes([c[-1] ^ 1]), "last: the data do not match their checksum"),
    "one letter of the header": (
        lambda c: replaced(c, b"units", b"unitt"),
        "header does not match its checksum",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_damage_is_an_error_that_names_the_file(tmp_path: Path, case: str) -> None:
    damage, problem = CASES[case]
    path = tmp_path / "broken.nc"
    path.write_bytes(damage(intact(tmp_path / "file.nc")))
    with pytest.raises(InputError, match=rf"broken\.nc: .*({problem})"):
        read_all(path)


def test_an_offset_that_points_elsewhere_is_found_without_checksums(tmp_path: Path) -> None:
    content = intact(tmp_path / "file.nc", checksums=False)
    with open_dataset(tmp_path / "file.nc") as dataset:
        place = dataset["second"].place  # type: ignore[attr-defined]
    begin, size = place.begin, place.size.to_bytes(8, "big")
    for wrong, problem in (
        (begin - 16, "overlap"),
        (8, "overlap"),
        (1 << 40, "cut off"),
        (begin + 8, "overlap"),
    ):
        broken = replaced(content, size + begin.to_bytes(8, "big"), size + wrong.to_bytes(8, "big"))
        (tmp_path / "broken.nc").write_bytes(broken)
        with pytest.raises(InputError, match=rf"broken\.nc: .*{problem}"):
            read_all(tmp_path / "broken.nc")


def test_a_missing_file_and_a_folder_are_input_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.nc", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            open_dataset(path)


def test_a_file_of_another_program_has_nothing_to_verify(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "file.nc", "w", format="NETCDF3_64BIT_DATA") as dataset:
        dataset.createDimension("x", 2)
        dataset.createVariable("v", "f8", ("x",))[:] = 1.0
    assert verify_file(tmp_path / "file.nc") == 0


def test_a_truncation_anywhere_is_found(tmp_path: Path) -> None:
    content = intact(tmp_path / "file.nc", checksums=False)
    for length in range(0, len(content), 3):
        (tmp_path / "broken.nc").write_bytes(content[:length])
        with pytest.raises(InputError, match=r"broken\.nc"):
            read_all(tmp_path / "broken.nc")


def test_a_flipped_bit_anywhere_in_a_checked_file_is_found(tmp_path: Path) -> None:
    content = intact(tmp_path / "file.nc")
    harmless = padding_bytes(tmp_path / "file.nc")
    rng = random.Random(5)
    for position in (p for p in range(0, len(content), 3) if p not in harmless):
        broken = bytearray(content)
        broken[position] ^= 1 << rng.randrange(8)
        (tmp_path / "broken.nc").write_bytes(broken)
        with pytest.raises(InputError, match=r"broken\.nc"):
            read_all(tmp_path / "broken.nc")


def padding_bytes(path: Path) -> set[int]:
    """Bytes behind the header that belong to no variable."""
    with open_dataset(path) as dataset:
        places = [variable.place for variable in dataset.variables.values()]  # type: ignore[attr-defined]
    used = {
        byte
        for place in places
        for record in range(place.records)
        for byte in range(
            place.begin + record * place.stride, place.begin + record * place.stride + place.size
        )
    }
    content = path.read_bytes()
    return set(range(parse_header(memoryview(content), path).length, len(content))) - used


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
def test_random_damage_is_read_or_refused(tmp_path: Path, form: str) -> None:
    with netCDF4.Dataset(tmp_path / "file.nc", "w", format=form) as dataset:
        dataset.createDimension("time", None)
        dataset.createDimension("x", 30)
        for name, dims in (("fixed", ("x",)), ("record", ("time", "x")), ("short", ("time",))):
            variable = dataset.createVariable(name, "i2" if name == "short" else "f8", dims)
            variable.long_name = "a field"
            variable[:] = np.ones(30) if dims == ("x",) else np.ones((3, 30)[: len(dims)])
    fuzz((tmp_path / "file.nc").read_bytes(), tmp_path / "broken.nc", trials=200, header=2000)


@pytest.mark.oracle
def test_random_damage_of_a_real_restart_is_read_or_refused(tmp_path: Path, shared: Path) -> None:
    restart = sorted((shared / "data/elm/s6_summer_restart_each_step").glob("*.nc.gz"))[0]
    fuzz(gzip.decompress(restart.read_bytes()), tmp_path / "broken.nc", trials=120, header=100_000)


def fuzz(content: bytes, path: Path, trials: int, header: int) -> None:
    """Flip bits, overwrite bursts and cut; success or an InputError naming the file are the only outcomes."""
    rng = random.Random(11)
    for trial in range(trials):
        broken = bytearray(content)
        position = rng.randrange(min(header, len(content)))
        if trial % 3 == 0:
            broken[position] ^= 1 << rng.randrange(8)
        elif trial % 3 == 1:
            broken[position : position + 8] = rng.randbytes(8)
        else:
            del broken[rng.randrange(len(content)) :]
        path.write_bytes(broken)
        assert path.name in (problem_of(path) or path.name)


def problem_of(path: Path) -> str | None:
    """Message of the error that reading everything gives; None where there is none."""
    try:
        with open_dataset(path) as dataset:
            for variable in dataset.variables.values():
                variable.read()
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("lengths", [(0, 0), (1, 1), (5, 1000), (123_457, 3), (10, 0), (0, 9)])
def test_checksums_of_parts_combine(lengths: tuple[int, int]) -> None:
    import zlib

    first, second = (np.random.default_rng(n).bytes(n) for n in lengths)
    assert combine(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)
