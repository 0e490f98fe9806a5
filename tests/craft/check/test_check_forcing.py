"""Faults of forcing are named with cell and time; sound forcing has none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from good_inputs import UNITS, planted, stream_file

from kiloland.craft.check import CheckRequest, Finding, check_inputs
from kiloland.craft.check.weather import long_runs


def run(inputs: Path, *, domain: bool = True) -> list[Finding]:
    request = CheckRequest(inputs / "domain.nc" if domain else None, forcing=inputs / "forcing")
    return check_inputs(request).findings


def spoil(inputs: Path, name: str, month: int = 7, **changes: object) -> Path:
    return planted(stream_file(inputs, name, month), **changes)  # type: ignore[arg-type]


def at(row: slice | int, cell: slice | int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(v: np.ndarray) -> np.ndarray:
        v = v.copy()
        v[row, 0, cell] = value
        return v

    return change


def test_sound_forcing_has_no_finding_and_totals(sound: Path) -> None:
    request = CheckRequest(sound / "domain.nc", sound / "surface.nc", sound / "forcing")
    report = check_inputs(request)
    assert report.findings == []
    totals = report.totals["forcing"]
    area = report.totals["domain"]["land_area_km2"]
    wanted = totals["precipitation_mm_per_year"] * area * 1e-6
    assert totals["precipitation_km3_per_year"] == pytest.approx(wanted, rel=1e-12)
    assert set(report.totals["forcing_periods"]) == {f"2001-{month:02d}" for month in range(1, 13)}


def test_the_size_of_blocks_changes_nothing(sound: Path) -> None:
    from kiloland.craft.check.forcing_checks import ForcingCheck
    from kiloland.craft.check.forcing_files import forcing_files
    from kiloland.craft.check.means import land_weights

    means = []
    for memory in (1 << 12, 1 << 28):
        files = forcing_files(sound / "forcing")
        check = ForcingCheck(sound, files, None, None, memory, lambda n: land_weights(None, None, n))
        check.run(lambda text: None)
        assert check.findings == []
        assert check.means is not None
        means.append(check.means)
    for name in UNITS:
        assert np.array_equal(means[0].sums[name], means[1].sums[name])


VALUES = {
    "forcing-missing": ("TBOT", at(5, 2, np.nan)),
    "forcing-range": ("PRECTmms", at(5, 2, -1e-4)),
    "forcing-saturation": ("QBOT", at(5, 2, 0.05)),
    "forcing-longwave": ("FLDS", at(5, 2, 40.0)),
    "forcing-cold-rain": ("PRECTmms", at(5, 2, 5e-4)),
    "forcing-sun": ("FSDS", lambda v: 3.0 * v),
    "forcing-night": ("FSDS", lambda v: v + 20.0),
    "forcing-stuck": ("TBOT", at(slice(5, 45), 2, 280.0)),
    "forcing-units": ("TBOT", lambda v: v - 273.15),
}


@pytest.mark.parametrize("check", VALUES)
def test_impossible_weather_is_named_with_its_place(inputs: Path, check: str) -> None:
    name, change = VALUES[check]
    month = 1 if check in ("forcing-night", "forcing-cold-rain") else 7
    spoil(inputs, name, month, values={name: change})
    if check == "forcing-cold-rain":
        spoil(inputs, "TBOT", 1, values={"TBOT": at(5, 2, 225.0)})
    findings = [one for one in run(inputs) if one.check == check]
    assert findings
    assert findings[0].variable.split(", ")[0] == name
    if check in ("forcing-missing", "forcing-range", "forcing-saturation", "forcing-longwave"):
        assert (findings[0].cells, findings[0].samples) == (1, 1)
        assert findings[0].place.cell == 2
        assert findings[0].place.time is not None
        assert findings[0].place.time.startswith("2001-07-01 1")


def test_several_variables_that_stand_still_are_found(inputs: Path) -> None:
    for name, value in (("TBOT", 280.0), ("FLDS", 300.0), ("WIND", 2.0)):
        spoil(inputs, name, values={name: at(slice(10, 16), 3, value)})
    (one,) = [one for one in run(inputs) if one.check == "forcing-stuck"]
    assert (one.cells, one.samples, one.place.cell) == (1, 6, 3)


def test_no_humidity_at_all_is_found(inputs: Path) -> None:
    spoil(inputs, "QBOT", values={"QBOT": lambda v: 0.0 * v})
    assert any("no humidity" in one.problem for one in run(inputs))


def test_pressure_of_another_elevation_is_found(inputs: Path) -> None:
    planted(inputs / "surface.nc", values={"TOPO": lambda v: v + 2000.0})
    request = CheckRequest(inputs / "domain.nc", inputs / "surface.nc", inputs / "forcing")
    (one,) = [one for one in check_inputs(request).findings if one.check == "forcing-pressure"]
    assert (one.cells, one.samples, one.files) == (6, 6 * 2920, 12)


HALF = 5400 / 86400
STAMPS = {
    "FSDS": (HALF, "90 minutes late"),
    "PRECTmms": (900 / 86400, "the sample before"),
    "TBOT": (-HALF, "not in the middle"),
}


@pytest.mark.parametrize("name", STAMPS)
def test_stamps_that_do_not_fit_their_interpolation_are_found(inputs: Path, name: str) -> None:
    shift, words = STAMPS[name]
    for month in range(1, 13):
        spoil(inputs, name, month, values={"time": lambda t: t + shift})
    (one,) = [one for one in run(inputs) if one.check == "forcing-stamps"]
    assert words in one.problem


TIMES = {
    "goes back": lambda t: t[::-1].copy(),
    "the same time twice": lambda t: np.where(np.arange(t.size) == 9, t[8], t),
    "outside of the month": lambda t: t + 40.0,
}


@pytest.mark.parametrize("words", TIMES)
def test_wrong_times_are_found(inputs: Path, words: str) -> None:
    spoil(inputs, "WIND", values={"time": TIMES[words]})
    assert any(words in one.problem for one in run(inputs) if one.check == "forcing-time")


def test_a_missing_day_is_a_gap_and_december_31_is_named(inputs: Path) -> None:
    cut = lambda v: v[:-8]  # noqa: E731
    spoil(inputs, "WIND", 12, values={"time": cut, "WIND": cut})
    findings = run(inputs)
    assert any("begins again" in one.problem for one in findings)
    assert any(one.check == "forcing-dims" for one in findings), "other variables have more samples"


def test_a_missing_month_is_found(inputs: Path) -> None:
    stream_file(inputs, "PSRF", 5).unlink()
    (one,) = [one for one in run(inputs) if one.check == "forcing-files"]
    assert "2001-05" in one.found


CALENDARS = {
    "refuses": {("time", "calendar"): "360_day"},
    "no calendar": {("time", "calendar"): None},
    "not understood": {("time", "units"): "fortnights since 2001"},
    "29 February": {("time", "units"): "days since 2004-02-01", ("time", "calendar"): "standard"},
}


@pytest.mark.parametrize("words", CALENDARS)
def test_calendars_are_checked(inputs: Path, words: str) -> None:
    spoil(inputs, "WIND", 7, attributes=CALENDARS[words])
    assert any(words in one.problem for one in run(inputs) if one.check == "forcing-calendar")


def test_units_and_dimensions_are_checked(inputs: Path) -> None:
    spoil(inputs, "PSRF", attributes={("PSRF", "units"): "hPa"})
    spoil(inputs, "WIND", order={"WIND": ("nj", "ni", "time")})
    checks = {one.check: one.variable for one in run(inputs)}
    assert checks["forcing-units"] == "PSRF"
    assert checks["forcing-dims"] == "WIND"


def test_cells_in_another_order_are_found(inputs: Path) -> None:
    flip = lambda v: v[..., ::-1].copy()  # noqa: E731
    for path in (inputs / "forcing").iterdir():
        name = path.name.split(".")[4]
        planted(path, values=dict.fromkeys(("gridID", "LONGXY", "LATIXY", name), flip))
    findings = run(inputs)
    assert any(one.check == "forcing-cells" and "another order" in one.problem for one in findings)


def test_coordinates_of_other_places_are_found_without_a_domain(inputs: Path) -> None:
    for path in (inputs / "forcing").iterdir():
        planted(path, values={"LATIXY": lambda v: v + 0.06})
    assert {one.check for one in run(inputs, domain=False)} >= {"forcing-place"}


def test_a_month_of_other_cells_is_found(inputs: Path) -> None:
    spoil(inputs, "FSDS", 3, values={"gridID": lambda v: v + 1})
    assert any(one.check == "forcing-cells" for one in run(inputs))


def test_runs_of_equal_samples() -> None:
    same = np.array([[True, True, True, False, True], [False, True, False, True, False]]).T
    bad = long_runs(same, 4)
    assert bad is not None
    assert bad[:, 0].tolist() == [True, True, True, True, False, False]
    assert not bad[:, 1].any()


def test_the_bad_samples_of_the_spruce_record_are_named(shared: Path) -> None:
    report = check_inputs(CheckRequest(forcing=shared / "data" / "spruce" / "US-SPR_forcing.nc4"))
    stuck = [one for one in report.findings if one.check == "forcing-stuck"]
    times = [(one.samples, one.place.time) for one in stuck]
    assert times == [
        (24, "2018-01-01 00:00:00 to 2018-01-01 11:30:00"),
        (48, "2020-01-01 00:00:00 to 2020-01-01 23:30:00"),
    ]


def test_inputs_of_the_reference_runs(shared: Path) -> None:
    folder = shared / "data" / "elm" / "inputs"
    request = CheckRequest(folder / "domain.nc", folder / "surfdata.nc", folder / "met" / "all_hourly.nc.gz")
    checks = {one.check for one in check_inputs(request).findings}
    assert checks == {"forcing-suspicious", "forcing-night", "forcing-sun", "forcing-longwave"}


def test_the_genuine_header_of_daymet_forcing(shared: Path) -> None:
    path = shared / "data" / "daymet" / "TES_NORTHACCESS_domain.nc"
    (one,) = check_inputs(CheckRequest(forcing=path)).findings
    assert one.check == "forcing-files"
    assert one.variable.startswith("TBOT")


def test_files_beside_the_weather_are_left_alone(inputs: Path) -> None:
    shutil.copy(inputs / "domain.nc", inputs / "forcing" / "domain.nc")
    (inputs / "forcing" / "user_datm.streams.txt").write_text("x", encoding="utf-8")
    assert run(inputs) == []


def test_a_month_with_fewer_cells_is_a_finding(inputs: Path) -> None:
    cut = lambda v: v[..., :4]  # noqa: E731
    spoil(inputs, "WIND", 4, values=dict.fromkeys(("gridID", "LONGXY", "LATIXY", "WIND"), cut))
    assert any("another number of cells" in one.problem for one in run(inputs))


def test_streams_of_one_cell_are_no_records(inputs: Path) -> None:
    one = lambda v: v[..., 2:3]  # noqa: E731
    for path in (inputs / "forcing").iterdir():
        planted(path, values=dict.fromkeys(("gridID", "LONGXY", "LATIXY", path.name.split(".")[4]), one))
    assert run(inputs, domain=False) == []


def test_a_folder_with_a_record_is_read_as_one(shared: Path) -> None:
    report = check_inputs(CheckRequest(forcing=shared / "data" / "elm" / "inputs" / "met1h"))
    assert {one.check for one in report.findings} >= {"forcing-suspicious", "forcing-longwave"}
