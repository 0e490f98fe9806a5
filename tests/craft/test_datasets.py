"""Crafting from Python: the same bits as the commands, from and to xarray."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray
from forcing_sources import COLUMNS, NAMES, ROWS, YEAR, make_domain, read_year
from forcing_sources import GRID as SOURCE_GRID
from surface_samples import write_source

from kiloland import craft
from kiloland.cli.main import main
from kiloland.craft.areas import Box
from kiloland.craft.forcing.samples import write_three_hourly
from kiloland.errors import InputError
from kiloland.files import open_dataset, to_xarray

GRID = "regular:180,200,20,60,70,10"
IDS = [3, 4, 17, 42, 43, 120]


def command(*words: object) -> None:
    assert main(["-q", "craft", *map(str, words)]) == 0


def stored(path: Path) -> xarray.Dataset:
    with open_dataset(path) as dataset:
        return to_xarray(dataset, decode=False)


def same_file(made: xarray.Dataset, path: Path, folder: Path) -> None:
    """The Dataset and the file that the command wrote agree to the byte."""
    craft.write(made, folder / "again.nc")
    assert (folder / "again.nc").read_bytes() == path.read_bytes()
    xarray.testing.assert_identical(made, stored(path))


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    (tmp_path / "ids.csv").write_text("".join(f"{one}\n" for one in IDS))
    path = tmp_path / "domain.nc"
    command("domain", "--grid", GRID, "--all-land", "--ids", tmp_path / "ids.csv", "-o", path)
    return path


def test_a_domain_is_the_file_of_the_command(domain: Path, tmp_path: Path) -> None:
    same_file(craft.make_domain(GRID, ids=IDS), domain, tmp_path)


def test_a_domain_of_an_area_in_two_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "box.nc"
    box = "183,62,187,66"
    command("domain", "--grid", GRID, "--all-land", "--box", box, "--two-dimensional", "-o", path)
    made = craft.make_domain(GRID, areas=[Box(183, 62, 187, 66)], two_dimensional=True)
    assert made.mask.shape == (4, 4)
    same_file(made, path, tmp_path)


def test_surface_data_from_datasets_and_from_files(domain: Path, tmp_path: Path) -> None:
    source, path = write_source(tmp_path / "source.nc"), tmp_path / "surfdata.nc"
    choice = {"SOIL_COLOR": "majority"}
    command("surface", "--source", source, "--domain", domain, "--method", "SOIL_COLOR=majority", "-o", path)
    same_file(craft.make_surface(source, domain, methods=choice), path, tmp_path)
    made = craft.make_surface(stored(source), craft.make_domain(GRID, ids=IDS), methods=choice)
    same_file(made, path, tmp_path)


def test_subset_copies_and_join_are_the_files_of_the_commands(domain: Path, tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("17\n4\n")
    whole = craft.make_domain(GRID, ids=IDS)
    path = tmp_path / "part.nc"
    command("subset", domain, "--ids", tmp_path / "some.csv", "-o", path)
    part = craft.make_subset(whole, ids=[17, 4])
    same_file(part, path, tmp_path)
    rest = craft.make_subset(whole, ids=[3, 42, 43, 120])
    assert craft.make_join([rest, part]).gridID.values.tolist() == [IDS]
    path = tmp_path / "copies.nc"
    command("duplicate", domain, "--times", "2x3", "-o", path)
    same_file(craft.make_copies(whole, "2x3"), path, tmp_path)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a domain, a source of three-hourly maps, and the forcing made of them."""
    folder = tmp_path_factory.mktemp("year")
    make_domain(folder / "domain.nc")
    for month in range(1, 13):
        write_three_hourly(folder / "source", SOURCE_GRID, ROWS, COLUMNS, YEAR, month)
    craft.make_forcing(folder / "source", folder / "domain.nc", (YEAR, YEAR), folder / "out")
    return folder


def test_forcing_is_the_files_of_the_command_and_keeps_finished_ones(year: Path, tmp_path: Path) -> None:
    domain, source, out = year / "domain.nc", year / "source", year / "out"
    command("forcing", "--source", source, "--domain", domain, "--years", f"{YEAR}:{YEAR}", "-o", tmp_path)
    for path in out.glob("*.nc"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.nc")}
    made = craft.make_forcing(source, stored(domain), (YEAR, YEAR), out)
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.nc")} == before
    assert set(NAMES) <= set(made.data_vars)
    assert made.gridID.values.ravel().tolist() == stored(domain).gridID.values.ravel().tolist()


def test_forcing_is_read_across_files_at_any_index(year: Path) -> None:
    made = craft.open_forcing(year / "out")
    assert made.sizes["time"] == 2920
    whole = {name: read_year(year / "out", name) for name in ("TBOT", "PRECTmms")}
    for name, values in whole.items():
        assert np.array_equal(made[name].isel(nj=0).values.astype(float), values)
    # Across a month's end, by lists, and one entry.
    assert np.array_equal(made.TBOT[246:251, 0, 1].values, whole["TBOT"][246:251, 1])
    picked = made.TBOT[[2919, 0, 300], 0, [3, 1]].values
    assert np.array_equal(picked, whole["TBOT"][np.ix_([2919, 0, 300], [3, 1])])
    assert made.TBOT[7, 0, 2].values == whole["TBOT"][7, 2]
    assert str(xarray.decode_cf(made).time.values[-1]) == f"{YEAR}-12-31 21:00:00"


def test_files_are_opened_only_for_what_is_used(year: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(year / "out", tmp_path / "out"))
    made = craft.open_forcing(folder)
    for path in folder.glob("*.TBOT.*"):
        path.unlink()
    assert made.WIND[0, 0, 0].values > 0.0
    with pytest.raises(InputError, match="TBOT"):
        made.TBOT.load()


def test_packed_files_are_decoded_on_request(year: Path, tmp_path: Path) -> None:
    words = ["--source", year / "source", "--domain", year / "domain.nc", "--years", f"{YEAR}:{YEAR}"]
    command("forcing", *words, "--pack", "16", "-o", tmp_path / "packed")
    packed = craft.open_forcing(tmp_path / "packed")
    assert packed.TBOT.dtype == np.int16
    away = (
        xarray.decode_cf(packed).TBOT[100:110].values - craft.open_forcing(year / "out").TBOT[100:110].values
    )
    assert np.abs(away).max() < 0.0013


def test_a_month_that_is_missing_is_named(year: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(year / "out", tmp_path / "out"))
    (folder / f"clmforc.Daymet4.1km.1d.WIND.{YEAR}-05.nc").unlink()
    with pytest.raises(InputError, match=f"WIND: {YEAR}-05: a month is missing"):
        craft.open_forcing(folder)
    with pytest.raises(InputError, match="no monthly files"):
        craft.open_forcing(tmp_path)


def test_decoded_times_and_packed_values_are_encoded_again(tmp_path: Path) -> None:
    times = xarray.Dataset(
        {
            "time": (
                "time",
                np.array([0.0, 1.0, 2.5]),
                {"units": "days since 2001-01-01", "calendar": "noleap"},
            ),
            "T": (
                "time",
                np.array([1, -99, 3], np.int16),
                {"scale_factor": 0.5, "_FillValue": np.int16(-99)},
            ),
        }
    )
    craft.write(times, tmp_path / "stored.nc")
    craft.write(xarray.decode_cf(times), tmp_path / "decoded.nc")
    again = stored(tmp_path / "decoded.nc")
    assert again["T"].values.tolist() == [1, -99, 3]
    assert again["time"].values.tolist() == [0.0, 1.0, 2.5]
    assert stored(tmp_path / "stored.nc")["T"].dtype == np.int16


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: craft.make_domain(GRID, ids=[]), "ids are whole numbers"),
        (lambda: craft.make_domain(GRID, ids=[1.5]), "ids are whole numbers"),
        (lambda: craft.make_domain(GRID, ids=[10**6]), "requests on no land cell"),
        (lambda: craft.make_domain("nowhere"), "unknown grid"),
        (lambda: craft.make_domain(GRID, areas=[Box(0, 0, 1, 1)]), "no land cell"),
        (lambda: craft.make_subset(Path("absent.nc"), ids=[1], box=(0, 0, 1, 1)), "more than one of them"),
        (lambda: craft.make_copies(craft.make_domain(GRID, ids=[1]), 0), "not a number of copies"),
        (lambda: craft.make_join([craft.make_domain(GRID, ids=[1])] * 2), "different cells in each file"),
    ],
)
def test_mistakes_are_one_clear_error(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_the_package_starts_without_xarray() -> None:
    code = "import sys, kiloland, kiloland.craft; assert not {'xarray', 'jax', 'numpy'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert set(craft.__all__) <= {name for name in craft.__all__ if callable(getattr(craft, name))}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = craft.nothing
