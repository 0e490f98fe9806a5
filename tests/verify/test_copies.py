"""What a user relies on when one file is said to be N copies of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.verify import compare_copies, to_table

CELL_DIMS = {"gridcell": 3, "column": 4, "pft": 6}
OTHER_DIMS = {"levgrnd": 2, "time": 1}
Table = dict[str, tuple[tuple[str, ...], np.ndarray[Any, Any]]]


def reference() -> Table:
    """Three cells; the second has two columns, each column has one or two patches."""
    return {
        "gridID": (("gridcell",), np.array([71, 75, 99], np.int32)),
        "grid1d_lon": (("gridcell",), np.array([200.0, 201.0, 202.0])),
        "grid1d_ixy": (("gridcell",), np.array([1, 2, 3], np.int32)),
        "grid1d_jxy": (("gridcell",), np.array([1, 1, 1], np.int32)),
        "cols1d_gridcell_index": (("column",), np.array([1, 2, 2, 3], np.int32)),
        "pfts1d_column_index": (("pft",), np.array([1, 1, 2, 3, 3, 4], np.int32)),
        "T_SOISNO": (("column", "levgrnd"), np.arange(8.0).reshape(4, 2)),
        "PCT_SAND": (("levgrnd", "gridcell"), np.arange(6.0).reshape(2, 3)),
        "LEAFC": (("pft",), np.arange(6.0)),
        "clock": (("time",), np.array([5], np.int32)),
    }


SHIFTS = {"grid1d_ixy": 3, "cols1d_gridcell_index": 3, "pfts1d_column_index": 4, "gridID": 1000}


def copied(table: Table, copies: int, shifts: Mapping[str, int] = SHIFTS) -> Table:
    """The table with every vector of cells laid ``copies`` times one after the other."""
    result: Table = {}
    for name, (dims, values) in table.items():
        axis = next((k for k, dim in enumerate(dims) if dim in CELL_DIMS), None)
        if axis is None:
            result[name] = (dims, values)
            continue
        parts = [values + values.dtype.type(copy * shifts.get(name, 0)) for copy in range(copies)]
        result[name] = (dims, np.concatenate(parts, axis=axis))
    return result


def write(path: Path, table: Table, copies: int = 1) -> Path:
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        for dim, length in CELL_DIMS.items():
            file.createDimension(dim, length * copies)
        for dim, length in OTHER_DIMS.items():
            file.createDimension(dim, length)
        for name, (dims, values) in table.items():
            file.createVariable(name, values.dtype, dims)[...] = values
    return path


def changed(table: Table, name: str, index: Any, value: Any) -> Table:
    values = table[name][1].copy()
    values[index] = value
    return {**table, name: (table[name][0], values)}


@pytest.mark.parametrize("copies", [1, 2, 10])
def test_exact_copies_are_recognised(tmp_path: Path, copies: int) -> None:
    a = write(tmp_path / "a.nc", reference())
    b = write(tmp_path / "b.nc", copied(reference(), copies), copies)
    outcome = compare_copies(a, b, copies)
    assert outcome.identical, to_table(outcome)
    assert len(outcome.variables) == len(reference())


def test_index_vectors_may_also_repeat_and_coordinates_may_move(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc", reference())
    table = copied(reference(), 3, {"gridID": 100, "grid1d_lon": 1})
    assert compare_copies(a, write(tmp_path / "b.nc", table, 3), 3).identical


CASES: dict[str, tuple[str, Any, Any, str]] = {
    "one value of the last copy": ("T_SOISNO", (11, 1), 3.5, "differs in copies 2 (from 0)"),
    "a layer-first variable": ("PCT_SAND", (1, 4), -1.0, "differs in copies 1 (from 0)"),
    "the first copy": ("LEAFC", 0, -0.0, "differs in copies 0 (from 0)"),
    "a patch in the wrong column": ("pfts1d_column_index", 8, 7, "neither repeats A nor moves by 4 a copy"),
    "an identifier twice": ("gridID", 3, 71, "1 identifiers occur again in B, the first is 71"),
    "a coordinate lost": ("grid1d_lon", 8, np.nan, "1 coordinates of copy 2 are missing"),
    "a value without cells": ("clock", 0, 6, "clock"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_single_wrong_value_is_found_and_its_copy_named(tmp_path: Path, case: str) -> None:
    name, index, value, words = CASES[case]
    a = write(tmp_path / "a.nc", reference())
    b = write(tmp_path / "b.nc", changed(copied(reference(), 3), name, index, value), 3)
    outcome = compare_copies(a, b, 3)
    assert [variable.name for variable in outcome.different] == [name]
    assert words in to_table(outcome)


def test_interleaved_copies_are_not_copies(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc", reference())
    table = copied(reference(), 2)
    table["LEAFC"] = (("pft",), np.repeat(reference()["LEAFC"][1], 2))
    assert not compare_copies(a, write(tmp_path / "b.nc", table, 2), 2).identical


@pytest.mark.parametrize("claimed", [1, 2, 4])
def test_the_wrong_number_of_copies_is_found(tmp_path: Path, claimed: int) -> None:
    a = write(tmp_path / "a.nc", reference())
    b = write(tmp_path / "b.nc", copied(reference(), 3), 3)
    outcome = compare_copies(a, b, claimed)
    assert outcome.exit_code == 1
    assert f"dimension column 4 in A, 12 in B, not {claimed} times" in to_table(outcome)


def test_nonsense_is_refused(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc", reference())
    with pytest.raises(InputError, match="must be 1 or more"):
        compare_copies(a, a, 0)
    with netCDF4.Dataset(tmp_path / "flat.nc", "w") as file:
        file.createDimension("x", 2)
        file.createVariable("clock", "f8", ("x",))
    with pytest.raises(InputError, match="no dimension of cells"):
        compare_copies(tmp_path / "flat.nc", a, 2)


def test_the_command_compares_copies(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc", reference())
    b = write(tmp_path / "b.nc", copied(reference(), 2), 2)
    assert main(["compare", str(a), str(b), "--copies", "2"]) == 0
    assert main(["compare", str(a), str(b), "--copies", "3"]) == 1
