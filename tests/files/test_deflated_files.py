"""Compressed netCDF-4: whole or not at all, the same values, and damage that is noticed."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from kiloland.errors import InputError, OutputError
from kiloland.files import FileSchema, VariableSchema, deflating, open_dataset
from kiloland.files.deflating import DeflatedWriter, chunks_of

VALUES = np.sin(np.arange(24 * 700.0)).reshape(24, 1, 700).astype(np.float32)
SCHEMA = FileSchema(
    {"nj": 1, "ni": 700},
    ("time", 24),
    (
        VariableSchema("time", "f8", ("time",), {"units": "days since 2004-01-01"}),
        VariableSchema("T", "f4", ("time", "nj", "ni"), {"units": "K", "_FillValue": np.float32(-9999)}),
        VariableSchema("n", "i4", (), {}),
    ),
    {"title": "a test"},
)


def written(path: Path) -> Path:
    with DeflatedWriter(path, SCHEMA, 2) as writer:
        writer.put("time", np.arange(24) / 8.0)
        writer.put("n", np.int32(7))
        for first in range(0, 24, 5):
            for cell in (0, 300):
                part = VALUES[first : first + 5, :, cell : 300 if cell == 0 else 700]
                writer.put("T", part.astype(">f4"), start=(first, 0, cell))
    return path


def test_values_and_attributes_come_back_through_any_reader(tmp_path: Path) -> None:
    path = written(tmp_path / "t.nc")
    with open_dataset(path, verify=True) as dataset:
        assert dataset.verify() == 3
        assert dataset.unlimited == "time"
        np.testing.assert_array_equal(dataset["T"].read(), VALUES)
        assert dataset["n"].read() == 7
    with netCDF4.Dataset(path) as other:
        assert other["T"].filters()["complevel"] == 2
        assert other["T"].units == "K"
        np.testing.assert_array_equal(np.asarray(other["T"][:]), VALUES)
    assert [one.name for one in tmp_path.iterdir()] == ["t.nc"]


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a.nc").read_bytes() == written(tmp_path / "b.nc").read_bytes()


def test_a_damaged_chunk_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "t.nc")
    content = bytearray(path.read_bytes())
    with netCDF4.Dataset(path) as file:
        assert file["T"].chunking() == [8, 1, 700]
    middle = len(content) // 2
    content[middle] ^= 0xFF
    path.write_bytes(content)
    with open_dataset(path) as dataset, pytest.raises(InputError, match="damaged"):
        dataset.verify()


def test_a_changed_header_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "t.nc")
    with netCDF4.Dataset(path, "a") as file:
        file["T"].units = "degC"
    with open_dataset(path) as dataset, pytest.raises(InputError, match="header"):
        dataset.verify()


def test_entries_that_were_forgotten_leave_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="never written"),
        DeflatedWriter(tmp_path / "t.nc", SCHEMA, 1) as writer,
    ):
        writer.put("n", np.int32(7))
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.nc"
    path.write_bytes(b"earlier")

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(deflating.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        written(path)
    assert path.read_bytes() == b"earlier"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("level", "start"), [(0, 0), (10, 0), (1, 690)])
def test_what_does_not_fit_is_refused(tmp_path: Path, level: int, start: int) -> None:
    with pytest.raises(InputError), DeflatedWriter(tmp_path / "t.nc", SCHEMA, level) as writer:
        writer.put("T", VALUES[:1, :, :20], start=(0, 0, start))
    assert not list(tmp_path.iterdir())


def test_chunks_stay_near_their_size() -> None:
    assert chunks_of((248, 1, 72_083), 4) == [8, 1, 32_768]
    assert chunks_of((248,), 8) == [248]
    assert chunks_of((1, 72_083), 4) == [1, 72_083]
