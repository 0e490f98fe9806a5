"""Checks of forcing files: real faults found, real weather left alone, records as a source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_files import living_weather, write_site, write_stream_month

from kiloland.atmosphere.calendar import ModelTimes, seconds_of_date
from kiloland.atmosphere.checks import check_forcing_file
from kiloland.atmosphere.findings import Finding, Severity
from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.interpolate import TimeCycle
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.atmosphere.record import RecordSource, check_record, read_record
from kiloland.errors import InputError

ORBIT = orbital_parameters(1990)
SPRUCE = Places(np.array([266.562]), np.array([47.563]))
SPRUCE_FILE = "data/spruce/US-SPR_forcing.nc4"


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


@pytest.mark.oracle
def test_the_bad_samples_of_the_measured_file_and_nothing_else(shared: Path) -> None:
    found = errors(check_forcing_file(shared / SPRUCE_FILE))
    assert {(f.first, f.last) for f in found} == {(87600, 87623), (122640, 122687)}
    stuck = [f for f in found if f.problem.startswith("stuck")]
    assert [f.variable for f in stuck] == ["TBOT, QBOT, FLDS, WIND"] * 2
    assert "2018-01-01 00:00:00 to 2018-01-01 11:30:00" in stuck[0].where


@pytest.mark.oracle
def test_copied_samples_of_the_measured_file_are_warned_of(shared: Path) -> None:
    copies = [f for f in check_forcing_file(shared / SPRUCE_FILE) if f.severity is Severity.WARNING]
    assert [(f.first, f.last, f.problem.split(":")[0]) for f in copies] == [
        (105550, 105883, "copied"),
        (116256, 122638, "copied"),
    ]


@pytest.mark.oracle
@pytest.mark.parametrize(
    "folder",
    [
        "inputs/met",
        "inputs/met1h",
        "zoo/temperate/inputs/met",
        "zoo/temperate/inputs/met1h",
        "zoo/tropics_wet/inputs/met",
        "zoo/tropics_wet/inputs/met1h",
        "zoo/tundra/inputs/met",
    ],
)
def test_packed_site_files_raise_no_false_alarm(shared: Path, folder: str) -> None:
    assert errors(check_forcing_file(shared / "data/elm" / folder / "all_hourly.nc.gz")) == []


@pytest.mark.oracle
def test_replaced_samples_of_the_site_file_are_seen(shared: Path) -> None:
    findings = check_forcing_file(shared / "data/elm/inputs/met/all_hourly.nc.gz")
    assert (87648, 87671) in {(f.first, f.last) for f in findings}


@pytest.mark.oracle
def test_pressure_that_wrapped_around_its_packing_is_seen(shared: Path) -> None:
    (finding,) = check_forcing_file(shared / "data/elm/zoo/temperate/inputs/met/all_hourly.nc.gz")
    assert finding.variable == "PSRF"
    assert finding.problem.startswith("jump")


def half_hourly(path: Path, change: object = None, days: int = 400) -> Path:
    """A packed half-hourly record with living weather, then changed in place."""

    def fault(file: netCDF4.Dataset) -> None:
        file.set_auto_mask(False)
        if callable(change):
            change(file)

    return write_site(path, years=days // 365, samples_per_day=48, fault=fault)


def hold(names: list[str], first: int, last: int) -> object:
    def change(file: netCDF4.Dataset) -> None:
        for name in names:
            file[name][0, first : last + 1] = file[name][0, first]

    return change


@pytest.mark.parametrize(
    ("names", "first", "last"),
    [
        (["TBOT", "RH", "FLDS", "WIND"], 4000, 4023),
        (["TBOT", "RH", "FLDS", "WIND", "PSRF"], 0, 11),
        (["TBOT", "RH", "WIND"], 17472, 17519),
        (["WIND"], 9000, 9100),
        (["TBOT"], 9000, 9200),
    ],
)
def test_stuck_samples_anywhere_are_found(tmp_path: Path, names: list[str], first: int, last: int) -> None:
    path = half_hourly(tmp_path / "all_hourly.nc", hold(names, first, last))
    (finding,) = errors(check_forcing_file(path))
    assert (finding.first, finding.last) == (first, last)
    assert set(finding.variable.split(", ")) == set(names)


def test_a_living_record_is_clean(tmp_path: Path) -> None:
    assert check_forcing_file(half_hourly(tmp_path / "all_hourly.nc")) == []


def test_calm_saturated_and_dry_spells_are_weather(tmp_path: Path) -> None:
    def spells(file: netCDF4.Dataset) -> None:
        for start in range(100, 17000, 400):
            for name, extreme in (("WIND", 0.0), ("RH", 101.0), ("PRECTmms", 0.0)):
                file[name][0, start : start + 40] = extreme
        file["PRECTmms"][0, 5000:9000] = 0.0

    assert errors(check_forcing_file(half_hourly(tmp_path / "all_hourly.nc", spells))) == []


def test_a_copied_day_is_warned_of(tmp_path: Path) -> None:
    def copy(file: netCDF4.Dataset) -> None:
        for name in ("TBOT", "PSRF", "RH", "FLDS", "WIND", "FSDS", "PRECTmms"):
            file[name][0, 9600:9648] = np.asarray(file[name][0, 480:528])

    (finding,) = check_forcing_file(half_hourly(tmp_path / "all_hourly.nc", copy))
    assert finding.severity is Severity.WARNING
    assert (finding.first, finding.last) == (9600, 9647)
    assert "190 d" in finding.found


def test_a_stream_file_is_checked_in_every_cell(tmp_path: Path) -> None:
    def faults(file: netCDF4.Dataset) -> None:
        file["WIND"][17, 0, 4] = -2.0
        file["time"][100] = file["time"][99]

    path = write_stream_month(tmp_path, "WIND", 2001, 7, 31, fault=faults)
    problems = {finding.problem for finding in errors(check_forcing_file(path))}
    assert {"negative wind speed", "the same time twice", "gap in time"} <= problems
    assert check_forcing_file(write_stream_month(tmp_path, "TBOT", 2001, 7, 31)) == []


def test_a_finding_reads_as_one_message() -> None:
    finding = Finding(Severity.ERROR, "x.nc", "TBOT", "all samples", "wrong", "1", "2")
    assert str(finding) == "error: x.nc: TBOT: all samples: wrong (found 1, expected 2)"
    assert str(finding.as_error()) == "x.nc: TBOT: all samples: wrong (found 1, expected 2)"


@pytest.mark.oracle
def test_the_measured_file_forces_a_run_once_its_bad_samples_are_filled(shared: Path) -> None:
    path = shared / SPRUCE_FILE
    with pytest.raises(InputError, match=r"samples 87600 to 87623|ZBOT"):
        RecordSource.open(path, SPRUCE, ORBIT)
    source = RecordSource.open(path, SPRUCE, ORBIT, fill=True)
    assert source.cycle == TimeCycle(2013, 2019, 1)
    times = ModelTimes(seconds_of_date(60101), 1800, 48)
    forcing = source.load(times, np.array([0]))
    assert forcing.temperature.max() < 260.0
    assert np.all(forcing.reference_height == 10.0)
    measured = read_record(path)
    after = ModelTimes(seconds_of_date(50701), 1800, 48)
    forcing = source.load(after, np.array([0]))
    samples = slice((4 * 365 + 181) * 48, (4 * 365 + 182) * 48)
    np.testing.assert_array_equal(forcing.temperature[:, 0], measured.series["TBOT"][samples])
    np.testing.assert_allclose(
        (forcing.rain + forcing.snow)[:, 0], np.maximum(measured.series["PRECTmms"][samples], 0.0), rtol=1e-14
    )
    np.testing.assert_allclose(
        forcing.shortwave_down[:, 0], measured.series["FSDS"][samples], rtol=1e-14, atol=1e-12
    )


@pytest.mark.oracle
def test_hourly_steps_get_the_mean_of_two_samples(shared: Path) -> None:
    source = RecordSource.open(shared / SPRUCE_FILE, SPRUCE, ORBIT, fill=True)
    start = seconds_of_date(20310)
    fine = source.load(ModelTimes(start, 1800, 48), np.array([0]))
    coarse = source.load(ModelTimes(start, 3600, 24), np.array([0]))
    for name in ("temperature", "wind", "longwave_down", "shortwave_down"):
        means = getattr(fine, name).reshape(24, 2, 1).mean(axis=1)
        np.testing.assert_allclose(getattr(coarse, name), means, rtol=1e-12)


def write_csv(path: Path, *, units: str = "K", drop: str = "", bad: str = "") -> Path:
    """A three-hourly CSV record of 2016, a leap year, with the calendar's 366 days."""
    count = 366 * 8
    weather = living_weather(3.0 * np.arange(count))
    names = [name for name in ("TBOT", "PSRF", "QBOT", "WIND", "PRECTmms", "FSDS", "FLDS") if name != drop]
    header = ["time", *(f"{name} [{units}]" if name == "TBOT" else name for name in names)]
    moments = np.datetime64("2016-01-01T00:00") + np.arange(count) * np.timedelta64(3, "h")
    rows = [",".join([str(m), *(repr(float(weather[n][i])) for n in names)]) for i, m in enumerate(moments)]
    if bad:
        rows[5] = bad
    path.write_text("\n".join([",".join(header), *rows]) + "\n")
    return path


def test_csv_of_a_leap_year_becomes_365_days(tmp_path: Path) -> None:
    record = read_record(write_csv(tmp_path / "site.csv"))
    assert len(record.seconds) == 365 * 8
    np.testing.assert_array_equal(np.diff(record.seconds), 10800)
    source = RecordSource.open(tmp_path / "site.csv", SPRUCE, ORBIT)
    forcing = source.load(ModelTimes(seconds_of_date(10301), 1800, 6), np.array([0]))
    march = living_weather(3.0 * np.arange(366 * 8))
    assert forcing.temperature[0, 0] == march["TBOT"][60 * 8]
    np.testing.assert_allclose(forcing.shortwave_down.mean(), march["FSDS"][60 * 8], rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": "degC"}, ["TBOT", "wrong units"]),
        ({"drop": "WIND"}, ["WIND", "missing"]),
        ({"drop": "QBOT"}, ["QBOT", "humidity"]),
        ({"bad": "yesterday,1,2,3,4,5,6,7"}, ["line 7", "not a time"]),
        ({"bad": "2016-01-01T15:00,warm,2,3,4,5,6,7"}, ["TBOT", "not a number"]),
        (
            {"bad": "2016-01-01T15:00,,97000,0.005,3,0,0,300"},
            ["TBOT", "missing or not a number", "samples 5 to 5"],
        ),
    ],
)
def test_a_faulty_csv_is_one_clear_error(tmp_path: Path, options: dict[str, str], words: list[str]) -> None:
    path = write_csv(tmp_path / "site.csv", **options)
    with pytest.raises(InputError) as caught:
        RecordSource.open(path, SPRUCE, ORBIT)
    for word in ["site.csv", *words]:
        assert word in str(caught.value)


def test_a_record_with_a_hole_or_of_other_years_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "site.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:100] + lines[110:]) + "\n")
    with pytest.raises(InputError, match=r"gap in time|no whole year"):
        RecordSource.open(path, SPRUCE, ORBIT, cycle=TimeCycle(2016, 2016, 1))
    with pytest.raises(InputError, match="nothing of these years"):
        RecordSource.open(path, SPRUCE, ORBIT, cycle=TimeCycle(1990, 1991, 1))


@pytest.mark.oracle
def test_similar_faults_anywhere_in_the_measured_file_are_found(shared: Path) -> None:
    record = read_record(shared / SPRUCE_FILE)
    years = slice(0, 7 * 365 * 48)
    sound = replace(
        record,
        seconds=record.seconds[years],
        series={name: v[years].copy() for name, v in record.series.items()},
    )
    for values in sound.series.values():
        values[87600:87624] = values[87648:87672]
    assert errors(check_record(sound)) == []
    rng = np.random.default_rng(7)
    groups = (
        ["TBOT", "QBOT", "FLDS", "WIND"],
        ["TBOT", "PSRF", "WIND"],
        ["TBOT", "QBOT", "FLDS", "PSRF", "WIND"],
    )
    for names in groups:
        first, count = int(rng.integers(0, 122_000)), int(rng.integers(6, 49))
        series = {name: values.copy() for name, values in sound.series.items()}
        for name in names:
            series[name][first : first + count] = series[name][int(rng.integers(0, 122_000))]
        (finding,) = errors(check_record(replace(sound, series=series)))
        assert (finding.first, finding.last) == (first, first + count - 1)
