"""Cells and months of forcing that exists: the same bits, in the order of the domain, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import GRID, NAMES

from kiloland.cli.main import main
from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.errors import ExitCode, InputError
from kiloland.grid import Domain, build_domain, write_domain


def file(folder: Path, name: str, month: int) -> Path:
    return folder / f"clmforc.Daymet4.1km.1d.{name}.2004-{month:02d}.nc"


def test_cells_and_months_have_the_same_bits(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, domain = set_of_cells
    write_domain(tmp_path / "sub.nc", domain.take(np.array([1, 3])))
    words = ["craft", "forcing", "--source", str(folder / "out"), "--domain", str(tmp_path / "sub.nc")]
    assert main([*words, "--years", "2004-02:2004-03", "-o", str(tmp_path / "sub")]) == ExitCode.OK
    assert len(list((tmp_path / "sub").glob("*.nc"))) == 14
    for name in NAMES:
        for month in (2, 3):
            with (
                netCDF4.Dataset(file(folder / "out", name, month)) as whole,
                netCDF4.Dataset(file(tmp_path / "sub", name, month)) as part,
            ):
                np.testing.assert_array_equal(part[name][:], whole[name][:, :, [1, 3]])
                np.testing.assert_array_equal(part["gridID"][:], whole["gridID"][:, [1, 3]])
                np.testing.assert_array_equal(part["time"][:], whole["time"][:])


def test_a_subset_of_a_subset_is_the_subset(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, domain = set_of_cells
    for name, cells in (("a", [0, 1, 3]), ("b", [1, 3])):
        write_domain(tmp_path / f"{name}.nc", domain.take(np.array(cells)))
    first = ForcingRequest(folder / "out", tmp_path / "a.nc", 2004, 2004, tmp_path / "a", last_month=1)
    craft_forcing(first)
    craft_forcing(replace(first, source=tmp_path / "a", domain=tmp_path / "b.nc", output=tmp_path / "ab"))
    craft_forcing(replace(first, domain=tmp_path / "b.nc", output=tmp_path / "b"))
    for name in NAMES:
        with (
            netCDF4.Dataset(file(tmp_path / "ab", name, 1)) as a,
            netCDF4.Dataset(file(tmp_path / "b", name, 1)) as b,
        ):
            assert a[name][:].tobytes() == b[name][:].tobytes()


def test_cells_that_the_set_has_not_are_refused(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, domain = set_of_cells
    write_domain(tmp_path / "other.nc", build_domain(GRID, domain.gridcell_id[:2] + 1))
    request = ForcingRequest(folder / "out", tmp_path / "other.nc", 2004, 2004, tmp_path / "x", last_month=1)
    with pytest.raises(InputError, match=r"not in the file.*10167716|10167716"):
        craft_forcing(request)
    assert not (tmp_path / "x").exists()


def test_months_that_the_set_has_not_are_refused(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, _ = set_of_cells
    request = ForcingRequest(folder / "out", folder / "domain.nc", 2004, 2004, tmp_path / "x", last_month=4)
    with pytest.raises(InputError, match=r"TBOT: 2004-04: a month is missing"):
        craft_forcing(request)


def test_files_of_different_cells_in_one_set_are_refused(
    set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, _ = set_of_cells
    source = tmp_path / "source"
    source.mkdir()
    for path in (folder / "out").glob("*.nc"):
        (source / path.name).write_bytes(path.read_bytes())
    with netCDF4.Dataset(file(source, "WIND", 1), "a") as changed:
        changed["gridID"][0, :] = np.asarray(changed["gridID"][0, ::-1])
    request = ForcingRequest(source, folder / "domain.nc", 2004, 2004, tmp_path / "x", last_month=1)
    with pytest.raises(InputError, match="different cells"):
        craft_forcing(request)


def test_the_source_is_not_overwritten(set_of_cells: tuple[Path, Domain]) -> None:
    folder, _ = set_of_cells
    request = ForcingRequest(folder / "out", folder / "domain.nc", 2004, 2004, folder / "out", last_month=1)
    with pytest.raises(InputError, match="another folder"):
        craft_forcing(request)


@pytest.mark.parametrize("years", ["2004-13:2004-14", "2004-05:2004-03", "2004-01-09:2004-01-05", "x"])
def test_periods_that_cannot_be(set_of_cells: tuple[Path, Domain], tmp_path: Path, years: str) -> None:
    words = ["craft", "forcing", "--source", str(set_of_cells[0] / "out"), "--years", years]
    words += ["--domain", str(set_of_cells[0] / "domain.nc"), "-o", str(tmp_path / "x")]
    assert main(words) == ExitCode.BAD_INPUT
