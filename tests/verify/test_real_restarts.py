"""Comparison of real restarts of the Fortran model, against an independent comparison with numpy."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from kiloland.verify import compare_copies, compare_files, to_table
from kiloland.verify.copies import CELL_DIMENSIONS, INDEX

pytestmark = pytest.mark.oracle


def by_library(path: Path) -> netCDF4.Dataset:
    """The file by the netCDF library, without masks."""
    content = gzip.decompress(path.read_bytes())
    file = netCDF4.Dataset("inmemory.nc", memory=content)
    file.set_auto_maskandscale(False)
    return file


def rewrite(source: netCDF4.Dataset, path: Path, copies: int = 1) -> Path:
    """Write all of ``source`` again with the netCDF library, its cells laid out ``copies`` times."""
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        file.set_fill_off()
        file.setncatts({name: source.getncattr(name) for name in source.ncattrs()})
        for name, dim in source.dimensions.items():
            times = copies if name in CELL_DIMENSIONS else 1
            file.createDimension(name, None if dim.isunlimited() else len(dim) * times)
        for name, variable in source.variables.items():
            attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
            fill = attributes.pop("_FillValue", None)
            target = file.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill)
            target.setncatts(attributes)
        file.set_auto_maskandscale(False)
        for name, variable in source.variables.items():
            file[name][...] = tiled(source, variable, copies)
    return path


def tiled(source: netCDF4.Dataset, variable: Any, copies: int) -> np.ndarray[Any, Any]:
    axis = next((k for k, dim in enumerate(variable.dimensions) if dim in CELL_DIMENSIONS), None)
    values = variable[...]
    if axis is None or copies == 1:
        return values
    parts = [values] * copies  # no arithmetic on data: ELM leaves signalling NaNs, which any addition changes
    if (match := INDEX.fullmatch(variable.name)) and match["plane"] != "jxy":
        step = len(source.dimensions[match["level"] or "gridcell"])
        parts = [values + np.int32(copy * step) for copy in range(copies)]
    return np.concatenate(parts, axis=axis)


FOUR_CELLS = "data/elm/b4_4cells8yr/r.0009-01-01.nc.gz"


def test_a_rewritten_restart_is_identical(shared: Path, tmp_path: Path) -> None:
    again = rewrite(by_library(shared / FOUR_CELLS), tmp_path / "again.nc")
    outcome = compare_files(shared / FOUR_CELLS, again)
    assert outcome.identical, to_table(outcome)
    assert len(outcome.variables) == 478


def test_three_copies_of_a_restart_are_three_copies(shared: Path, tmp_path: Path) -> None:
    again = rewrite(by_library(shared / FOUR_CELLS), tmp_path / "three.nc", copies=3)
    outcome = compare_copies(shared / FOUR_CELLS, again, 3)
    assert outcome.identical, to_table(outcome)
    with netCDF4.Dataset(again, "a") as file:
        file["T_SOISNO"][14, 9] += 1e-9
    outcome = compare_copies(shared / FOUR_CELLS, again, 3)
    assert [variable.name for variable in outcome.different] == ["T_SOISNO"]
    assert outcome.different[0].copies_different == (2,)
    assert outcome.different[0].elements.first == (2, 9)


def test_two_restarts_differ_as_numpy_says(shared: Path) -> None:
    folder = shared / "data/elm/b4_4cells8yr"
    outcome = compare_files(folder / "r.0008-01-01.nc.gz", folder / "r.0009-01-01.nc.gz")
    first, second = (by_library(folder / f"r.000{year}-01-01.nc.gz") for year in (8, 9))
    by_name = {variable.name: variable for variable in outcome.variables}
    assert set(by_name) == set(first.variables) & set(second.variables)
    checked = 0
    for name, variable in by_name.items():
        a, b = first[name][...], second[name][...]
        same = a.tobytes() == b.tobytes()
        assert (variable.elements.different == 0) == same, name
        if same or a.dtype.kind != "f":
            continue
        real = (np.abs(a) < 1e35) & (np.abs(b) < 1e35) & (a.view("u8") != b.view("u8"))
        with np.errstate(invalid="ignore"):
            distance = np.where(real, np.abs(a - b), -1.0)
        worst = variable.elements.absolute
        if not real.any():
            assert worst is None
            continue
        assert worst is not None
        assert worst.index == np.unravel_index(np.argmax(distance), distance.shape)
        assert worst.size == distance.max()
        checked += 1
    assert checked > 150
