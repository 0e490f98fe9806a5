"""Site files: those that the Fortran model read, bit for bit, and what Kiloland reads back."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import NAMES

from kiloland.atmosphere.site import VARIABLES, read_site_record
from kiloland.cli.main import main
from kiloland.craft.forcing.site import PACKING, SiteRequest, craft_site
from kiloland.errors import ExitCode, InputError
from kiloland.files import open_dataset
from kiloland.grid import Domain, build_domain, grid_from_text, write_domain


@pytest.mark.oracle
def test_the_measured_record_becomes_the_file_that_the_fortran_model_read(
    shared: Path, tmp_path: Path
) -> None:
    record = shared / "data/spruce/US-SPR_forcing.nc4"
    # The record's own packing puts the place 0.05 degrees to the west (266.512) of where the site is.
    words = ["craft", "site", "--source", str(record), "--place", "266.562,47.563"]
    assert main([*words, "-o", str(tmp_path / "all_hourly.nc")]) == ExitCode.OK
    with (
        open_dataset(tmp_path / "all_hourly.nc", verify=True) as made,
        open_dataset(shared / "data/elm/inputs/met/all_hourly.nc.gz") as read,
    ):
        assert made.dimensions == read.dimensions
        for name in read:
            assert made[name].dims == read[name].dims
            assert made[name].dtype == read[name].dtype
            if name in ("LONGXY", "LATIXY", "DTIME"):
                np.testing.assert_allclose(made[name].read(), read[name].read(), atol=1e-6)
            else:
                np.testing.assert_array_equal(made[name].read(), read[name].read())
        for name in VARIABLES:
            for part in ("scale_factor", "add_offset"):
                assert made[name].attributes[part] == pytest.approx(read[name].attributes[part], rel=1e-15)
    assert (tmp_path / "zone_mappings.txt").read_text().split() == ["266.562000", "47.563000", "01", "1"]


@pytest.mark.oracle
def test_the_faults_of_the_record_are_replaced_as_a_whole(shared: Path, tmp_path: Path) -> None:
    record = shared / "data/spruce/US-SPR_forcing.nc4"
    summary = craft_site(SiteRequest(str(record), tmp_path / "a.nc", (2017, 2018)))
    assert summary.replaced == 24
    assert summary.years == (2017, 2018)
    for name, error in summary.errors.items():
        assert error <= 0.5 * PACKING[name].scale * (1 + 1e-9)
    with open_dataset(tmp_path / "a.nc") as made:
        for name in VARIABLES:
            stored = made[name].read()[0, 17520:]
            np.testing.assert_array_equal(stored[:24], stored[48:72])


def test_a_cell_of_a_forcing_folder(year_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, domain = year_of_cells
    gridcell = int(domain.gridcell_id[2])
    summary = craft_site(SiteRequest(f"{folder / 'out'}:{gridcell}", tmp_path / "all_hourly.nc"))
    assert (summary.interval, summary.replaced, summary.years) == (10_800, 0, (2004, 2004))
    record = read_site_record(tmp_path / "all_hourly.nc")
    assert record.latitude == pytest.approx(float(domain.latitude[2]), abs=1e-9)
    for name in NAMES:
        if name == "QBOT":
            continue
        with netCDF4.Dataset(folder / "out" / f"clmforc.Daymet4.1km.1d.{name}.2004-01.nc") as file:
            wanted = np.asarray(file[name][:, 0, 2], dtype=np.float64)
        found = record.series[name].at(np.arange(wanted.size))
        assert np.abs(found - wanted).max() <= 0.5 * PACKING[name].scale * (1 + 1e-9)
    with pytest.raises(InputError, match="the cell is not in the file"):
        craft_site(SiteRequest(f"{folder / 'out'}:17", tmp_path / "b.nc"))


def tower(path: Path, **changes: str) -> Path:
    """A year of a tower, hourly."""
    hours = np.arange(365 * 24)
    start = np.datetime64("2014-01-01T00:00")
    draw = np.random.default_rng(1)
    columns = {
        "TBOT": 283.0 + 5.0 * draw.random(hours.size),
        "PSRF": 9.6e4 + 100.0 * draw.random(hours.size),
        "RH": 70.0 + 10.0 * draw.random(hours.size),
        "FSDS": 100.0 * draw.random(hours.size),
        "PRECTmms": 1e-5 * draw.random(hours.size),
        "WIND": 2.0 + draw.random(hours.size),
        "FLDS": 300.0 + 9.0 * draw.random(hours.size),
    }
    lines = ["time," + ",".join(columns)]
    for hour in hours.tolist():
        values = [f"{values[hour]:.7g}" for values in columns.values()]
        lines.append(f"{start + np.timedelta64(hour, 'h')}," + ",".join(values))
    for at, text in changes.items():
        lines[int(at.strip("_"))] = text
    path.write_text("\n".join(lines))
    return path


def test_a_tower_in_csv_needs_its_place(tmp_path: Path) -> None:
    file = tower(tmp_path / "tower.csv")
    words = ["craft", "site", "--source", str(file), "-o", str(tmp_path / "all_hourly.nc")]
    assert main(words) == ExitCode.BAD_INPUT
    assert not (tmp_path / "all_hourly.nc").exists()
    assert main([*words, "--place", "-5.998,50.305"]) == ExitCode.OK
    assert read_site_record(tmp_path / "all_hourly.nc").longitude == pytest.approx(354.002)


def test_a_value_beyond_the_packing_is_refused_not_wrapped(tmp_path: Path) -> None:
    file = tower(tmp_path / "t.csv", _100="2014-01-05T03:00,285,45000,75,50,0,2.5,305")
    with pytest.raises(InputError, match=r"PSRF.*2014-01-05 03:00.*16 bits.*45000"):
        craft_site(SiteRequest(str(file), tmp_path / "a.nc", None, 6.0, 50.0))


def test_years_that_the_record_has_not_are_refused(tmp_path: Path) -> None:
    file = tower(tmp_path / "t.csv")
    with pytest.raises(InputError, match="all samples of the years"):
        craft_site(SiteRequest(str(file), tmp_path / "a.nc", (2014, 2015), 6.0, 50.0))


def stream_words(source: object, domain: Path, out: Path, *words: str) -> list[str]:
    return [
        "-q",
        "craft",
        "site",
        "--source",
        str(source),
        "--streams",
        "--domain",
        str(domain),
        "-o",
        str(out),
        *words,
    ]


def test_a_cell_of_a_folder_as_streams_is_the_same_values_and_stamps(
    year_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, domain = year_of_cells
    gridcell = int(domain.gridcell_id[2])
    write_domain(tmp_path / "cell.nc", domain.take(np.array([2])))
    assert main(stream_words(f"{folder / 'out'}:{gridcell}", tmp_path / "cell.nc", tmp_path / "out")) == 0
    for name in NAMES:
        with (
            open_dataset(folder / "out" / f"clmforc.Daymet4.1km.1d.{name}.2004-02.nc") as source,
            open_dataset(tmp_path / "out" / f"clmforc.site.{name}.2004-02.nc", verify=True) as made,
        ):
            np.testing.assert_array_equal(made[name].read()[:, 0, 0], source[name].read()[:, 0, 2])
            np.testing.assert_array_equal(made["time"].read(), source["time"].read())
            assert made["gridID"].read().item() == gridcell
    text = (tmp_path / "out" / "user_datm.streams.txt.uELM_NA.TBOT").read_text()
    assert "clmforc.site.TBOT.2004-12.nc" in text
    assert "cell.nc" in text


@pytest.mark.oracle
def test_a_record_keeps_its_own_interval_in_streams(shared: Path, tmp_path: Path) -> None:
    record = shared / "data/spruce/US-SPR_forcing.nc4"
    grid = grid_from_text("regular:266.5,266.52,2,47.56,47.58,2")
    write_domain(tmp_path / "cell.nc", build_domain(grid, np.array([1])))
    words = stream_words(record, tmp_path / "cell.nc", tmp_path / "out", "--years", "2014:2014")
    assert main(words) == 0
    assert len(list((tmp_path / "out").glob("*.nc"))) == 84
    first = {}
    for name in ("FSDS", "TBOT", "PRECTmms"):
        with open_dataset(tmp_path / "out" / f"clmforc.site.{name}.2014-01.nc") as made:
            assert made[name].shape == (1488, 1, 1)
            first[name] = float(made["time"].read()[0]) * 86_400
    assert first == pytest.approx({"FSDS": 0.0, "TBOT": 900.0, "PRECTmms": 750.0})
    far = build_domain(grid_from_text("regular:200,201,2,60,61,2"), np.array([1]))
    write_domain(tmp_path / "far.nc", far)
    assert main(stream_words(record, tmp_path / "far.nc", tmp_path / "no", "--years", "2014:2014")) == 2
    assert not (tmp_path / "no").exists()
