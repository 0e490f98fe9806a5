"""Sources that a script would take for sound: each ends with one message, and no file is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from changed_files import emptied, replaced
from forcing_sources import COLUMNS, GRID, ROWS, YEAR, make_domain, make_source

from kiloland.cli.main import main
from kiloland.craft.forcing.samples import write_three_hourly
from kiloland.errors import ExitCode

DAILY = f"daymet_v4_daily_na_prcp_{YEAR}.nc"
SHAPES = f"clmforc.GSWP3.c2011.synthetic.TPQWL.{YEAR}-06.nc"
RAIN = f"clmforc.GSWP3.c2011.synthetic.Prec.{YEAR}-06.nc"
MAP = f"clmforc.Daymet4.1km.WIND.{YEAR}-06.nc"


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("days"))


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    write_three_hourly(folder, GRID, ROWS, COLUMNS, YEAR, 6)
    return folder


def refusal(source: Path, name: str, change: Callable[[Path], None], folder: Path, capsys: object) -> str:
    """What the command says when one file of a source is changed; nothing is made."""
    changed = folder / "source"
    changed.mkdir()
    for file in source.iterdir():
        (changed / file.name).symlink_to(file)
    content = (source / name).read_bytes()
    (changed / name).unlink()
    (changed / name).write_bytes(content)
    change(changed / name)
    make_domain(folder / "domain.nc")
    words = ["--source", changed, "--domain", folder / "domain.nc", "--years", f"{YEAR}-06"]
    code = main(["craft", "forcing", *map(str, words), "-o", str(folder / "out")])
    assert code == ExitCode.BAD_INPUT
    assert not list(folder.glob("out/*"))
    text: str = capsys.readouterr().err  # type: ignore[attr-defined]
    assert len(text.strip().splitlines()) == 1
    assert name in text
    return text


def test_a_field_with_fewer_samples_than_its_time_axis_is_refused(
    days: Path, maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def shorter(file: Path, name: str, dims: tuple[str, ...]) -> None:
        replaced(file, name, "f4", dims, 0.0, {"few": 100})

    for source, file, name, dims in (
        (days, DAILY, "prcp", ("few", "y", "x")),
        (days, RAIN, "PRECTmms", ("few", "lat", "lon")),
        (maps, MAP, "WIND", ("few", "y", "x")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        text = refusal(source, file, partial(shorter, name=name, dims=dims), folder, capsys)
        assert f"{name}: as many samples are needed as times (found 100" in text


def test_a_domain_without_cells_is_refused(
    days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_domain(tmp_path / "domain.nc")
    emptied(tmp_path / "domain.nc", "ni")
    domain = str(tmp_path / "domain.nc")
    out = str(tmp_path / "out")
    for words in (
        ["check", "--domain", domain],
        ["forcing", "--source", str(days), "--domain", domain, "--years", f"{YEAR}-06", "-o", out],
        ["surface", "--source", str(days / SHAPES), "--domain", domain, "-o", out],
    ):
        assert main(["craft", *words]) == ExitCode.BAD_INPUT
        assert "domain.nc: xc: the file has no cells" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("axis", "step"), [("y", 1000.0), ("x", -1000.0)])
def test_one_map_of_other_rows_or_columns_is_refused(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], axis: str, step: float
) -> None:
    def move(file: Path) -> None:
        with netCDF4.Dataset(file, "a") as dataset:
            dataset[axis][:] = dataset[axis][:] + step

    text = refusal(maps, MAP, move, tmp_path, capsys)
    assert "the files hold different cells" in text
    assert f": {axis}: " in text


def test_characters_in_the_place_of_daily_values_are_refused(
    days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = refusal(
        days, DAILY, lambda file: replaced(file, "prcp", "S1", ("time", "y", "x"), "x"), tmp_path, capsys
    )
    assert "prcp: is not a number (found |S1" in text


def test_a_daily_field_without_days_is_refused(
    days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = refusal(days, DAILY, lambda file: replaced(file, "prcp", "f4", ("y", "x"), 1.0), tmp_path, capsys)
    assert "prcp: gridded forcing must be [time, y, x] (found ('y', 'x')" in text


def test_a_latitude_of_the_reanalysis_that_is_no_number_is_refused(
    days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hole(file: Path) -> None:
        with netCDF4.Dataset(file, "a") as dataset:
            dataset["lat"][3] = np.nan

    text = refusal(days, SHAPES, hole, tmp_path, capsys)
    assert "lat: entry 3: is not a number (found nan" in text
