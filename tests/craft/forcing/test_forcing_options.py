"""Days of a month, days of UTC, the mean temperature, and streams in XML, as a user asks for them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from forcing_sources import NAMES, daily_values

from kiloland.cli.main import main
from kiloland.files import open_dataset
from kiloland.grid import Domain

FloatArray = np.ndarray


def craft(source: Path, domain: Path, out: Path, period: str, *words: str) -> int:
    options = ["--source", str(source), "--domain", str(domain), "--years", period, "-o", str(out)]
    return main(["-q", "craft", "forcing", *options, *words])


def read(folder: Path, name: str, month: str = "2004-02") -> tuple[FloatArray, FloatArray]:
    with open_dataset(folder / f"clmforc.Daymet4.1km.1d.{name}.{month}.nc") as dataset:
        return dataset[name].values()[:, 0], dataset["time"].read()


def test_days_of_months_are_those_of_the_whole_months(
    daily_source: Path, set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, _ = set_of_cells
    assert craft(daily_source, folder / "domain.nc", tmp_path / "days", "2004-02-27:2004-03-02") == 0
    assert craft(folder / "out", folder / "domain.nc", tmp_path / "again", "2004-02-27:2004-03-02") == 0
    for month, part in (("2004-02", slice(26 * 8, None)), ("2004-03", slice(0, 16))):
        for name in NAMES:
            values, time = read(folder / "out", name, month)
            for made in ("days", "again"):
                found, stamps = read(tmp_path / made, name, month)
                np.testing.assert_array_equal(found, values[part])
                np.testing.assert_array_equal(stamps, time[part])


@pytest.mark.parametrize("period", ["2004-02-29", "2004-01-00", "2004-02-10:2004-02-09", "2004-02-1"])
def test_days_that_do_not_exist_are_refused(
    daily_source: Path,
    set_of_cells: tuple[Path, Domain],
    tmp_path: Path,
    period: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert craft(daily_source, set_of_cells[0] / "domain.nc", tmp_path / "out", period) == 2
    assert capsys.readouterr().err.count("kiloland craft: ") == 1
    assert not (tmp_path / "out").exists()


def test_the_mean_temperature_is_kept_where_it_is_asked_for(
    daily_source: Path, set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, domain = set_of_cells
    words = ("--keep", "mean", "--day", "utc")
    assert craft(daily_source, folder / "domain.nc", tmp_path / "out", "2004-02", *words) == 0
    found = read(tmp_path / "out", "TBOT")[0].reshape(28, 8, -1).mean(axis=1)
    low, high = (daily_values(daily_source, name, domain)[31:59] for name in ("tmin", "tmax"))
    np.testing.assert_allclose(found, 273.15 + 0.5 * (low + high), rtol=0, atol=2e-5)


def test_days_of_utc_close_in_utc(
    daily_source: Path, set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, domain = set_of_cells
    assert craft(daily_source, folder / "domain.nc", tmp_path / "out", "2004-02", "--day", "utc") == 0
    rain = read(tmp_path / "out", "PRECTmms")[0].reshape(28, 8, -1).sum(axis=1) * 10_800
    wanted = daily_values(daily_source, "prcp", domain)[31:59]
    assert (np.abs(rain - wanted) <= 2.0**-23 * wanted).all()
    warm = read(tmp_path / "out", "TBOT")[0].reshape(28, 8, -1)
    for name, found in (("tmin", warm.min(axis=1)), ("tmax", warm.max(axis=1))):
        values = daily_values(daily_source, name, domain)[31:59] + 273.15
        np.testing.assert_array_equal(found, values.astype(np.float32))
    with open_dataset(tmp_path / "out" / "clmforc.Daymet4.1km.1d.TBOT.2004-02.nc") as dataset:
        assert "days of UTC" in str(dataset.attributes["kiloland_forcing"])
        assert "0 h UTC" in str(dataset.attributes["local_day"])


def test_files_made_by_other_rules_are_never_mixed(
    daily_source: Path, set_of_cells: tuple[Path, Domain], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = set_of_cells
    assert craft(daily_source, folder / "domain.nc", folder / "out", "2004-02", "--day", "utc") == 2
    assert "other settings" in capsys.readouterr().err


def test_lists_take_no_rules_of_daily_values(
    set_of_cells: tuple[Path, Domain], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = set_of_cells
    assert craft(folder / "out", folder / "domain.nc", tmp_path / "out", "2004-02", "--keep", "mean") == 2
    assert "taken as they are" in capsys.readouterr().err


def test_streams_in_xml_name_files_interpolation_and_a_mesh_of_the_cells(
    set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, domain = set_of_cells
    out = tmp_path / "a & b"
    words = ("--stream-format", "xml")
    assert craft(folder / "out", folder / "domain.nc", out, "2004-01:2004-02", *words) == 0
    root = ElementTree.parse(out / "datm.streams.xml").getroot()
    assert root.attrib == {"id": "stream", "version": "2.0"}
    assert len(root) == 7
    alias = {"FSDS": "Faxa_swdn", "PRECTmms": "Faxa_precn", "FLDS": "Faxa_lwdn", "TBOT": "Sa_tbot"}
    algorithm = {"FSDS": "coszen", "PRECTmms": "nearest"}
    for stream in root:
        name, field = str(stream.findtext("datavars/var")).split()
        assert field == alias.get(name, field)
        assert stream.findtext("tintalgo") == algorithm.get(name, "linear")
        assert [stream.findtext(f"year_{word}") for word in ("first", "last", "align")] == ["2004"] * 3
        files = [str(one.text) for one in stream.iterfind("datafiles/file")]
        assert len(files) == 2
        assert all(Path(file).is_absolute() and Path(file).is_file() for file in files)
    with open_dataset(str(root.findtext("stream_info/meshfile"))) as mesh:
        corners = mesh["nodeCoords"].read()[mesh["elementConn"].read() - 1]
        np.testing.assert_array_equal(corners[..., 0], domain.vertex_longitude.T)
        np.testing.assert_array_equal(mesh["centerCoords"].read()[:, 1], domain.latitude)
        x, y = corners[..., 0], corners[..., 1]
        turn = (np.roll(x, -1, axis=1) - x) * (np.roll(y, -1, axis=1) + y)
        # Counter-clockwise: the shoelace sum is negative.
        assert (turn.sum(axis=1) < 0.0).all()


def test_compressed_files_hold_the_same_values_and_are_kept_when_whole(
    set_of_cells: tuple[Path, Domain], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = set_of_cells
    words = ("--deflate", "2")
    assert craft(folder / "out", folder / "domain.nc", tmp_path / "out", "2004-02", *words) == 0
    for name in NAMES:
        with open_dataset(tmp_path / "out" / f"clmforc.Daymet4.1km.1d.{name}.2004-02.nc") as dataset:
            assert dataset.format == "netCDF-4"
            assert dataset.unlimited == "time"
        for found, wanted in zip(read(tmp_path / "out", name), read(folder / "out", name), strict=True):
            np.testing.assert_array_equal(found, wanted)
    capsys.readouterr()
    assert craft(folder / "out", folder / "domain.nc", tmp_path / "out", "2004-02", *words) == 0
    assert "0 files written, 7 verified and kept" in capsys.readouterr().out
    assert craft(folder / "out", folder / "domain.nc", tmp_path / "out", "2004-02") == 2
    assert "other settings" in capsys.readouterr().err
    assert craft(folder / "out", folder / "domain.nc", tmp_path / "no", "2004-02", "--deflate", "10") == 2
