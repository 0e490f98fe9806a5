"""Checks of land-use series: what ELM stops on, and what it does not notice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main

GRID = "regular:200,204,8,60,63,6"
Change = Callable[[netCDF4.Dataset], None]


def command(*words: object) -> int:
    return main(["-q", "craft", *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A domain, its surface file and a series that begins with it."""
    folder = tmp_path_factory.mktemp("series")
    domain = folder / "domain.nc"
    assert command("domain", "--grid", GRID, "--all-land", "-o", domain) == 0
    assert command("synthetic", "surface", "landuse", "--domain", domain, "-o", folder / "products") == 0
    products = sorted((folder / "products").rglob("*.nc"))
    surface = next(one for one in products if "landuse" not in one.name)
    series = next(one for one in products if "landuse" in one.name)
    assert command("surface", "--source", surface, "--domain", domain, "-o", folder / "surf.nc") == 0
    words = ("--surface", folder / "surf.nc", "--adjust-first-year")
    with netCDF4.Dataset(series) as file:
        first = int(file["YEAR"][0])
    words += ("--years", f"{first}:{first + 3}")
    assert (
        command("landuse", "--source", series, "--domain", domain, *words, "-o", folder / "landuse.nc") == 0
    )
    return folder


def check(folder: Path, series: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    words = ("--domain", folder / "domain.nc", "--surface", folder / "surf.nc", "--landuse", series, "--json")
    code = command("check", *words)
    found = [one for one in json.loads(capsys.readouterr().out)["findings"] if "landuse" in one["check"]]
    assert code == (1 if found else 0)
    return found


def test_a_series_of_craft_has_no_finding(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not check(made, made / "landuse.nc", capsys)


def set_values(name: str, values: Callable[[np.ndarray], np.ndarray]) -> Change:
    def change(file: netCDF4.Dataset) -> None:
        file[name][:] = values(np.asarray(file[name][:]))

    return change


def negative(values: np.ndarray) -> np.ndarray:
    values[1, 0, 3] -= 150.0
    values[1, 1, 3] += 150.0
    return values


def missing(values: np.ndarray) -> np.ndarray:
    values[2, :, 5] = np.nan
    return values


def shifted(values: np.ndarray) -> np.ndarray:
    values[0, 0] += np.where(values[0, 0] > 1e-6, -1e-6, 1e-6)
    values[0, 1] -= np.where(values[0, 0] > 1e-6, -1e-6, 1e-6)
    return values


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_values("PCT_NAT_PFT", lambda values: values / 100.0), "landuse-shares"),
        (set_values("PCT_NAT_PFT", lambda values: values * 1.001), "landuse-shares"),
        (set_values("PCT_NAT_PFT", negative), "landuse-shares"),
        (set_values("PCT_NAT_PFT", missing), "landuse-missing"),
        (set_values("PCT_NAT_PFT", shifted), "landuse-first-year"),
        (set_values("YEAR", lambda values: values + np.array([0, 0, 1, 1])), "landuse-years"),
        (set_values("HARVEST_VH1", lambda values: values + 2.0), "landuse-harvest"),
        (set_values("gridID", lambda values: values[::-1]), "landuse-cells"),
        (set_values("LONGXY", lambda values: values + 0.01), "landuse-cells"),
        (lambda file: file.renameVariable("YEAR", "year"), "landuse-variables"),
    ],
)
def test_each_fault_is_found_once(
    made: Path, tmp_path: Path, change: Change, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "landuse.nc"
    path.write_bytes((made / "landuse.nc").read_bytes())
    with netCDF4.Dataset(path, "a") as file:
        file.set_auto_mask(False)
        change(file)
    found = check(made, path, capsys)
    assert expected in {one["check"] for one in found}
    assert len({(one["check"], one["variable"], one["problem"]) for one in found}) == len(found)
    assert all(str(one["consequence"]) for one in found)


def test_a_series_that_is_none_is_one_message(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.nc").write_text("no")
    assert command("check", "--landuse", tmp_path / "no.nc") == 2
    assert capsys.readouterr().err.count("kiloland craft") == 1
