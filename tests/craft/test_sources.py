"""Every input file is recognised by what it holds, whatever its name, and validated as the commands do."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from forcing_sources import COLUMNS, GRID, ROWS, make_domain
from surface_samples import write_source

from kiloland.cli.main import main
from kiloland.craft.duplicate import Times
from kiloland.craft.forcing.samples import write_daymet, write_reanalysis, write_three_hourly
from kiloland.craft.landuse.synthetic import write_land_use
from kiloland.craft.sources import KINDS, examine, recognise
from kiloland.craft.synthetic_weather import write_weather
from kiloland.craft.virtual import duplicate
from kiloland.grid import RegularGrid


def daymet(folder: Path) -> Path:
    write_daymet(folder, GRID, ROWS, COLUMNS, 2005)
    return folder / "daymet_v4_daily_na_srad_2005.nc"


def maps(folder: Path) -> Path:
    write_three_hourly(folder, GRID, ROWS, COLUMNS, 2005, 4)
    return folder / "clmforc.Daymet4.1km.TBOT.2005-04.nc"


def reanalysis(folder: Path) -> Path:
    write_reanalysis(folder, RegularGrid(191.0, 194.0, 6, 62.0, 65.0, 6), 2005)
    return folder / "clmforc.GSWP3.c2011.synthetic.TPQWL.2005-02.nc"


def stream(folder: Path) -> Path:
    write_weather(folder, make_domain(folder / "d.nc"), year=1, seed=1, orbital_year=1990)
    return sorted(folder.glob("*FLDS*"))[0]


def domain(folder: Path) -> Path:
    make_domain(folder / "d.nc")
    return folder / "d.nc"


def surface(folder: Path) -> Path:
    return write_source(folder / "s.nc")


def land_use(folder: Path) -> Path:
    write_land_use(folder / "u.nc")
    return folder / "u.nc"


def raster(folder: Path, dtype: str) -> Path:
    path = folder / f"{dtype}.tif"
    profile = {"driver": "GTiff", "width": 20, "height": 10, "count": 1, "dtype": dtype, "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=rasterio.Affine(0.1, 0, -160, 0, -0.1, 66), **profile) as file:
        file.write((np.arange(200).reshape(10, 20) % 19 + 1).astype(dtype), 1)
    return path


def text(folder: Path, content: str) -> Path:
    (folder / "t.csv").write_text(content)
    return folder / "t.csv"


def virtual(folder: Path) -> Path:
    duplicate(domain(folder), Times((3,)), folder / "v.json", virtual=True)
    return folder / "v.json"


FILES: dict[str, Callable[[Path], Path]] = {
    "daymet-daily": daymet,
    "three-hourly-maps": maps,
    "datm-stream": stream,
    "reanalysis": reanalysis,
    "land-use-series": land_use,
    "surface-data": surface,
    "domain": domain,
    "class-raster": lambda folder: raster(folder, "uint8"),
    "height-raster": lambda folder: raster(folder, "float32"),
    "virtual-copies": virtual,
    "land-mask": lambda folder: text(folder, "0,1,1,0,1"),
    "points": lambda folder: text(folder, "lon,lat\n-160.5,65.2\n-160.1,65.0\n"),
    "ids": lambda folder: text(folder, "gridID\n163\n114\n"),
}


@pytest.mark.parametrize("kind", sorted(FILES))
def test_a_file_is_recognised_by_its_content_and_valid(tmp_path: Path, kind: str) -> None:
    path = FILES[kind](tmp_path)
    report = examine(path)
    assert report.kind is not None
    assert report.kind.name == kind
    assert report.valid, report.lines()
    if kind != "virtual-copies":
        suffix = "".join(path.suffixes[-1:])
        renamed = shutil.copy(path, tmp_path / f"another_name{suffix}")
        found = recognise(Path(renamed))
        assert found is not None
        assert found.name == kind


def test_every_kind_has_a_sample_here() -> None:
    assert {kind.name for kind in KINDS} == {*FILES, "site-record"}


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("spruce/US-SPR_forcing.nc4", "site-record"),
        ("daymet/Daymet_NA_landmask.csv.gz", "land-mask"),
        ("daymet/daymet_AK_all2.csv.gz", "points"),
        ("daymet/tmax_monavg_1980_ncss.tif", "height-raster"),
    ],
)
def test_real_files_are_recognised(shared: Path, name: str, kind: str) -> None:
    found = recognise(shared / "data" / name)
    assert found is not None
    assert found.name == kind


def test_the_readers_of_the_table_exist() -> None:
    for kind in KINDS:
        module, _, name = kind.reader.rpartition(".")
        assert hasattr(importlib.import_module(module), name), kind.reader


def test_a_daily_file_with_a_missing_day_is_found(tmp_path: Path) -> None:
    import netCDF4

    path = daymet(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file["time"][100] = file["time"][101]
    report = examine(path)
    assert report.kind is not None
    assert report.kind.name == "daymet-daily"
    assert not report.valid
    assert len(report.findings) == 1


def test_the_command_reports_files_and_their_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = domain(tmp_path), text(tmp_path, "nothing that anybody knows\n")
    assert main(["craft", "sources", str(good)]) == 0
    assert "domain, valid" in capsys.readouterr().out
    assert main(["craft", "sources", "--json", str(good), str(bad)]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert first == {"file": str(good), "kind": "domain", "findings": []}
    assert second["findings"]
    assert main(["craft", "sources", str(tmp_path / "absent.nc")]) == 2
    assert "absent.nc" in capsys.readouterr().err


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["craft", "sources"]) == 0
    printed = capsys.readouterr().out
    assert all(kind.name in printed and kind.reader in printed for kind in KINDS)
    assert main(["craft", "sources", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == [kind.name for kind in KINDS]


def test_a_damaged_file_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    path = domain(tmp_path)
    path.write_bytes(path.read_bytes()[:300])
    report = examine(path)
    assert report.kind is None
    assert "damaged" in report.findings[0] or "truncated" in report.findings[0]
