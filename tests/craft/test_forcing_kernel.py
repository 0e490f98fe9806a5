"""Daily values to three hours: closure of eleven real years, the sun of every latitude, and odd days."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import calendar_day, seconds_of_date
from kiloland.atmosphere.derive import saturation_specific_humidity, vapour_pressure
from kiloland.atmosphere.interpolate import Sun
from kiloland.atmosphere.orbit import declination, half_day, orbital_parameters
from kiloland.craft.forcing.bins import (
    SOLAR_CONSTANT,
    day_of_yearday,
    local_day_shift,
    local_hours,
    solar_hours,
)
from kiloland.craft.forcing.block import downscale
from kiloland.craft.forcing.daymet import daily_weather
from kiloland.craft.forcing.kernel import exponential, spread_below, sunset_of_day
from kiloland.craft.forcing.sun import cell_sun
from kiloland.craft.forcing.weather import CellSun, DailyWeather, Downscaled, SubdailyShape
from kiloland.files import open_dataset

FloatArray = NDArray[np.float64]
SINGLE = 2.0**-23
ORBIT = orbital_parameters(1990)
OAK_RIDGE = (-84.2625, 36.0133)
SPRUCE_YEARS = 5
"""2013 to 2017, before the faults of the record."""


@dataclass(frozen=True)
class Case:
    daily: DailyWeather
    shape: SubdailyShape
    sun: CellSun


def run(case: Case, rise: FloatArray | None = None) -> Downscaled:
    count = case.daily.precipitation.shape[1]
    return downscale(case.daily, case.shape, case.sun, np.zeros(count) if rise is None else rise)


def oak_ridge_days(file: Path) -> tuple[int, DailyWeather]:
    """First day and the eleven years ``[4015, 1]`` in 365-day years, 31 December of leap years made."""
    rows = list(csv.reader(file.read_text().splitlines()[7:]))
    header = [name.split(" ")[0] for name in rows[0]]
    table = np.array(rows[1:], dtype=np.float64)
    days = [day_of_yearday(int(year), int(yearday)) for year, yearday in table[:, :2]]
    first = days[0]
    assert first is not None
    values = np.full((11 * 365, table.shape[1]), np.nan)
    for day, row in zip(days, table, strict=True):
        if day is not None:
            values[day - first] = row
    made = np.isnan(values[:, 0])
    assert made.sum() == 3
    values[made] = values[np.flatnonzero(made) - 1]
    column = {name: values[:, [place]] for place, name in enumerate(header)}
    names = ("tmin", "tmax", "prcp", "srad", "vp", "dayl")
    return first, daily_weather(*(column[name] for name in names))


def spruce_shape(file: Path, days: int, shift: int) -> SubdailyShape:
    """Measured half-hours as three-hour means in local days, repeated for so many days ``[day, 8, 1]``."""
    size = SPRUCE_YEARS * 365 * 48
    with open_dataset(file) as dataset:
        half = {
            name: dataset[name].values()[0, :size]
            for name in ("TBOT", "QBOT", "PSRF", "FLDS", "WIND", "FSDS", "PRECTmms")
        }
    repeats = -(-days // (SPRUCE_YEARS * 365))

    def local(values: FloatArray) -> FloatArray:
        bins = np.tile(np.roll(values.reshape(-1, 6).mean(axis=1), -shift), repeats)
        return bins[: days * 8].reshape(days, 8, 1)

    seconds = seconds_of_date(20130101) + 10_800 * np.arange(SPRUCE_YEARS * 2920, dtype=np.int64)
    sun = Sun(ORBIT, np.array([-93.44]), np.array([47.56])).mean_cosine(seconds, 10_800)[:, 0]
    above = SOLAR_CONSTANT * declination(ORBIT, calendar_day(seconds + 5400))[1] * sun
    rain = local(np.maximum(half["PRECTmms"], 0.0))
    return SubdailyShape(
        temperature=local(half["TBOT"]),
        specific_humidity=local(half["QBOT"]),
        pressure=local(half["PSRF"]),
        longwave=local(half["FLDS"]),
        wind=local(half["WIND"]),
        shortwave=local(np.maximum(half["FSDS"], 0.0)),
        sun_above=local(np.repeat(above, 6)),
        rain=rain,
        rain_around=np.zeros_like(rain),
        rain_cycle=np.broadcast_to(rain.mean(axis=0, keepdims=True), rain.shape),
    )


@pytest.fixture(scope="module")
def oak_ridge(shared: Path) -> Case:
    first, daily = oak_ridge_days(shared / "data/daymet/daymet_v3_point_oak_ridge_2000_2010.csv")
    longitude, latitude = (np.array([part]) for part in OAK_RIDGE)
    shift = int(local_day_shift(longitude)[0])
    days = daily.precipitation.shape[0]
    shape = spruce_shape(shared / "data/spruce/US-SPR_forcing.nc4", days, shift)
    return Case(daily, shape, cell_sun(first, days, longitude, latitude, shift, ORBIT))


@pytest.mark.oracle
class TestElevenRealYears:
    """Oak Ridge 2000-2010 with the measured shape of the days of the SPRUCE site."""

    def test_extremes_of_temperature_are_exact(self, oak_ridge: Case) -> None:
        temperature = run(oak_ridge).fields["TBOT"]
        for found, wanted in (
            (temperature.min(axis=1), oak_ridge.daily.minimum_temperature),
            (temperature.max(axis=1), oak_ridge.daily.maximum_temperature),
        ):
            np.testing.assert_array_equal(found, wanted.astype(np.float32))

    def test_precipitation_of_every_day_to_one_unit_in_the_last_place(self, oak_ridge: Case) -> None:
        rain = run(oak_ridge).fields["PRECTmms"]
        wanted = oak_ridge.daily.precipitation
        assert (np.abs(rain.sum(axis=1) * 10_800 - wanted) <= SINGLE * wanted).all()
        assert (rain >= 0.0).all()
        # Of eleven years: 16.2 m of rain.
        assert abs(rain.sum() * 10_800 / wanted.sum() - 1.0) < 1e-9

    def test_vapour_pressure_of_every_day_that_saturation_allows(self, oak_ridge: Case) -> None:
        result = run(oak_ridge)
        moist = vapour_pressure(result.fields["QBOT"], result.fields["PSRF"])
        kept = ~result.vapour_cut
        wanted = oak_ridge.daily.vapour_pressure
        np.testing.assert_allclose(moist.mean(axis=1)[kept], wanted[kept], rtol=2e-7)
        assert kept.mean() > 0.99

    def test_shortwave_of_every_day(self, oak_ridge: Case) -> None:
        result = run(oak_ridge)
        wanted = oak_ridge.daily.shortwave
        found = result.fields["FSDS"].mean(axis=1)
        assert not result.shortwave_cut.any()
        assert (np.abs(found - wanted) <= SINGLE * wanted).all()
        assert (result.fields["FSDS"][oak_ridge.sun.above == 0.0] == 0.0).all()

    def test_nothing_is_negative_or_supersaturated(self, oak_ridge: Case) -> None:
        fields = run(oak_ridge).fields
        assert all((values >= 0.0).all() for values in fields.values())
        limit = saturation_specific_humidity(fields["TBOT"], fields["PSRF"])
        assert (fields["QBOT"] <= limit).all()
        assert fields["FLDS"].min() >= 50.0
        assert fields["FLDS"].max() <= 600.0

    def test_joints_of_days_are_smoother_than_days_put_side_by_side(self, oak_ridge: Case) -> None:
        temperature = run(oak_ridge).fields["TBOT"].reshape(-1)
        shape = oak_ridge.shape.temperature
        low, high = oak_ridge.daily.minimum_temperature, oak_ridge.daily.maximum_temperature
        least, most = shape.min(axis=1), shape.max(axis=1)
        plain = low[:, None] + ((high - low) / (most - least))[:, None] * (shape - least[:, None])
        steps, before = np.abs(np.diff(temperature))[7::8], np.abs(np.diff(plain.reshape(-1)))[7::8]
        assert steps.mean() < 0.9 * before.mean()


def test_the_calendar_of_daymet() -> None:
    # 2000 is a leap year: yearday 60 is 29 February, 365 is 30 December.
    start = 1999 * 365
    cases = [(2000, 59, start + 58), (2000, 60, None), (2000, 61, start + 59), (2000, 365, start + 363)]
    cases += [(2001, 60, start + 365 + 59), (2001, 365, start + 2 * 365 - 1), (1900, 60, 1899 * 365 + 59)]
    for year, yearday, day in cases:
        assert day_of_yearday(year, yearday) == day


@pytest.mark.parametrize(
    ("longitude", "hours", "shift"),
    [
        (0.0, 0, 0),
        (-84.26, -6, 2),
        (-165.5, -11, 4),
        (194.5, -11, 4),
        (-75.0, -5, 2),
        (179.0, 12, -4),
        (-179.0, -12, 4),
        (45.0, 3, -1),
        (52.6, 4, -1),
        (-52.6, -4, 1),
    ],
)
def test_local_days_begin_with_the_first_interval_whose_middle_is_past_midnight(
    longitude: float, hours: int, shift: int
) -> None:
    east = np.array([longitude])
    assert local_hours(east)[0] == hours
    assert local_day_shift(east)[0] == shift
    middles = 3 * (shift + np.arange(8)) + 1.5 + hours
    assert middles[0] >= 0.0
    assert middles[-1] < 24.0
    # The solar clock is that of the longitude, within half a zone of the local one.
    apart = (solar_hours(east, shift)[:, 0] - middles + 12.0) % 24.0 - 12.0
    assert np.abs(apart).max() <= 0.5 + 1e-9


def made_case(
    longitude: float, latitude: float, first: int, days: int = 6, *, constant: bool = True, **daily: float
) -> Case:
    """A cell with the same day again and again, under a reanalysis without or with a shape."""
    shift = int(local_day_shift(np.array([longitude]))[0])
    sun = cell_sun(first, days, np.array([longitude]), np.array([latitude]), shift, ORBIT)
    values = {"tmin": 270.0, "tmax": 280.0, "prcp": 5.0, "vp": 400.0, "srad": 60.0} | daily
    weather = DailyWeather(
        *(np.full((days, 1), values[name]) for name in ("tmin", "tmax", "prcp", "vp", "srad"))
    )
    wave = np.zeros(8) if constant else np.cos((np.arange(8) - 5.0) * (2 * np.pi / 8))
    wave = np.broadcast_to(wave[None, :, None], (days, 8, 1))
    shape = SubdailyShape(
        temperature=275.0 + 4.0 * wave,
        specific_humidity=0.002 + 0.001 * wave,
        pressure=9.0e4 + 0.0 * wave,
        longwave=250.0 + 20.0 * wave,
        wind=2.0 + 0.0 * wave,
        shortwave=sun.above * 0.5 if not constant else np.full((days, 8, 1), 80.0),
        sun_above=sun.above,
        rain=np.maximum(wave, 0.0),
        rain_around=np.zeros((days, 8, 1)),
        rain_cycle=np.zeros((days, 8, 1)),
    )
    return Case(weather, shape, sun)


def test_a_reanalysis_without_a_shape_gives_the_daily_values_back() -> None:
    case = made_case(-100.0, 45.0, 2000 * 365 + 170)
    fields = run(case).fields
    # All equal but for the remainder that one of them takes.
    np.testing.assert_allclose(fields["PRECTmms"], 5.0 / 86_400, rtol=8 * SINGLE)
    np.testing.assert_allclose(fields["PRECTmms"].sum(axis=1) * 10_800, 5.0, rtol=SINGLE)
    assert fields["TBOT"].min() == 270.0
    assert fields["TBOT"].max() == 280.0
    warmest = case.sun.hour[fields["TBOT"][2, :, 0].argmax(), 0]
    assert abs(warmest - 14.0) <= 1.5
    np.testing.assert_allclose(fields["FSDS"].mean(axis=1), 60.0, rtol=SINGLE)
    again = downscale(
        DailyWeather(
            fields["TBOT"].min(axis=1),
            fields["TBOT"].max(axis=1),
            fields["PRECTmms"].sum(axis=1) * 10_800,
            vapour_pressure(fields["QBOT"], fields["PSRF"]).mean(axis=1),
            fields["FSDS"].mean(axis=1),
        ),
        case.shape,
        case.sun,
        np.zeros(1),
    )
    for name, values in fields.items():
        np.testing.assert_allclose(again.fields[name], values, rtol=3e-7)


@pytest.mark.parametrize("longitude", [-165.0, 178.0, -179.5, 10.0])
@pytest.mark.parametrize(("day", "light"), [(355, False), (172, True)])
def test_polar_night_is_dark_and_polar_day_light_all_day(longitude: float, day: int, light: bool) -> None:
    case = made_case(
        longitude, 80.0, 2000 * 365 + day - 3, constant=False, srad=250.0 if light else 0.0, vp=200.0
    )
    result = run(case)
    assert not result.shortwave_cut.any()
    found = result.fields["FSDS"]
    assert (found > 0.0).all() if light else (found == 0.0).all()
    np.testing.assert_allclose(found.mean(axis=1), 250.0 if light else 0.0, rtol=SINGLE)


def test_light_in_the_polar_night_is_reported_not_made_up() -> None:
    result = run(made_case(-165.0, 80.0, 2000 * 365 + 352, srad=3.0))
    assert result.shortwave_cut.all()
    assert (result.fields["FSDS"] == 0.0).all()


def test_more_light_than_the_sun_gives_is_cut_at_the_cap_and_reported() -> None:
    case = made_case(-165.0, 60.0, 2000 * 365 + 100, constant=False, srad=900.0)
    result = run(case)
    assert result.shortwave_cut.all()
    np.testing.assert_allclose(result.fields["FSDS"], 1.05 * case.sun.above, rtol=1e-6)


@pytest.mark.parametrize(
    ("around", "cycle", "expected"), [(1, 0, "around"), (0, 1, "cycle"), (1, 1, "around"), (0, 0, "even")]
)
def test_rain_without_rain_in_the_reanalysis(around: int, cycle: int, expected: str) -> None:
    case = made_case(-100.0, 45.0, 2000 * 365 + 170)
    pattern = np.arange(8.0)[None, :, None] * np.ones((6, 1, 1))
    shape = replace(case.shape, rain_around=around * pattern, rain_cycle=cycle * pattern[:, ::-1])
    rain = run(replace(case, shape=shape)).fields["PRECTmms"][2, :, 0]
    wanted = {"around": np.arange(8.0), "cycle": np.arange(8.0)[::-1], "even": np.ones(8)}[expected]
    np.testing.assert_allclose(rain * 10_800, 5.0 * wanted / wanted.sum(), rtol=3e-7)


def test_a_dry_day_is_dry() -> None:
    assert (run(made_case(-100.0, 45.0, 1, constant=False, prcp=0.0)).fields["PRECTmms"] == 0.0).all()


def test_vapour_beyond_saturation_goes_to_the_warm_hours_and_the_rest_is_reported() -> None:
    case = made_case(-100.0, 45.0, 2000 * 365 + 170, constant=False, vp=650.0)
    result = run(case)
    assert not result.vapour_cut.any()
    moist = vapour_pressure(result.fields["QBOT"], result.fields["PSRF"])
    np.testing.assert_allclose(moist.mean(axis=1), 650.0, rtol=3e-7)
    assert run(
        replace(case, daily=replace(case.daily, vapour_pressure=np.full((6, 1), 2000.0)))
    ).vapour_cut.all()


def test_pressure_follows_the_height_of_the_cell() -> None:
    case = made_case(-100.0, 45.0, 2000 * 365 + 170, constant=False)
    fields = run(case, np.array([500.0])).fields
    scale = 287.04 * fields["TBOT"] / 9.80616
    np.testing.assert_allclose(fields["PSRF"], 9.0e4 * np.exp(-500.0 / scale), rtol=3e-4)
    level = run(case).fields
    np.testing.assert_array_equal(level["PSRF"], 9.0e4)


def test_cut_and_spread_keeps_the_sum_and_the_caps() -> None:
    draw = np.random.default_rng(3)
    values, cap = draw.gamma(1.0, 1.0, (8, 600)), draw.gamma(4.0, 0.5, (8, 600))
    found, cut = values.copy(), np.empty(600, dtype=np.bool_)
    spread_below(found, cap, cut)
    assert (found <= cap).all()
    np.testing.assert_allclose(found.sum(axis=0)[~cut], values.sum(axis=0)[~cut], rtol=1e-13)
    np.testing.assert_array_equal(cut, values.sum(axis=0) > cap.sum(axis=0))


def test_the_exponential_is_that_of_the_library_to_two_units_in_the_last_place() -> None:
    x = np.concatenate((np.linspace(-700.0, 700.0, 20_001), np.linspace(4.0, 8.0, 20_001), [0.0]))
    found = np.empty_like(x)
    exponential(x, found)
    wanted = np.exp(x)
    assert (np.abs(found - wanted) <= 2.0 * np.spacing(wanted)).all()


@pytest.mark.parametrize("declination", [-0.409, -0.1, 0.0, 0.2, 0.409])
def test_sunset_at_every_latitude(declination: float) -> None:
    latitude = np.radians(np.concatenate((np.linspace(-90.0, 90.0, 721), [66.5, 66.6])))
    hour, dusk = np.empty(latitude.size), np.empty(latitude.size)
    above = math.sin(declination), math.cos(declination)
    sunset_of_day(np.sin(latitude), np.cos(latitude), above, hour, dusk)
    wanted = half_day(latitude, declination)
    np.testing.assert_allclose(hour, wanted, rtol=0.0, atol=1.0e-14)
    np.testing.assert_allclose(dusk, np.sin(wanted), rtol=0.0, atol=1.0e-14)


def test_the_bits_of_a_cell_do_not_depend_on_the_cells_beside_it() -> None:
    draw = np.random.default_rng(5)
    case = made_case(-100.0, 45.0, 2000 * 365 + 170, constant=False)
    many = {part.name: np.repeat(getattr(case.daily, part.name), 37, axis=1) for part in fields(case.daily)}
    many["precipitation"] = draw.gamma(0.5, 4.0, (6, 37))
    many["vapour_pressure"] = draw.uniform(300.0, 700.0, (6, 37))
    shape = {part.name: np.repeat(getattr(case.shape, part.name), 37, axis=2) for part in fields(case.shape)}
    sun = CellSun(np.repeat(case.sun.above, 37, axis=2), np.repeat(case.sun.hour, 37, axis=1))
    together = run(Case(DailyWeather(**many), SubdailyShape(**shape), sun))
    for cell in (0, 7, 36):
        alone = {name: values[:, [cell]] for name, values in many.items()}
        found = run(Case(DailyWeather(**alone), case.shape, case.sun))
        for name, values in found.fields.items():
            np.testing.assert_array_equal(values, together.fields[name][:, :, [cell]])
