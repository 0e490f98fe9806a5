"""Calendars: time axes of files become the model's time, exactly, and back."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiloland.atmosphere.calendar import (
    Calendar,
    ModelTimes,
    calendar_day,
    date_of_day_number,
    date_of_seconds,
    day_number,
    decode_times,
    describe_seconds,
    seconds_of_date,
)
from kiloland.atmosphere.findings import Severity
from kiloland.atmosphere.stamps import StampPosition, check_stamps, shift_to_begin, stamp_position
from kiloland.errors import InputError

HALF_HOUR = 1800


@given(st.integers(min_value=0, max_value=9998 * 365 * 86400))
def test_model_dates_round_trip(seconds: int) -> None:
    assert seconds_of_date(*date_of_seconds(seconds)) == seconds


@given(st.dates(min_value=date(1583, 1, 1)))
def test_gregorian_days_agree_with_the_standard_library(day: date) -> None:
    for calendar in (Calendar.STANDARD, Calendar.PROLEPTIC):
        number = day_number(day.year, day.month, day.day, calendar)
        epoch = day_number(1970, 1, 1, calendar)
        assert int(number - epoch) == (day - date(1970, 1, 1)).days
        assert tuple(int(part) for part in date_of_day_number(number, calendar)) == (
            day.year,
            day.month,
            day.day,
        )


@pytest.mark.parametrize("calendar", list(Calendar))
def test_every_calendar_round_trips_and_runs_without_holes(calendar: Calendar) -> None:
    start, stop = int(day_number(1, 1, 1, calendar)), int(day_number(2405, 1, 1, calendar))
    numbers = np.arange(start, stop)
    dates = date_of_day_number(numbers, calendar)
    np.testing.assert_array_equal(day_number(*dates, calendar), numbers)


def test_standard_calendar_skips_ten_days_in_1582() -> None:
    last, first = (int(day_number(1582, 10, day, Calendar.STANDARD)) for day in (4, 15))
    assert first - last == 1


@pytest.mark.parametrize(
    ("values", "units", "calendar", "expected", "dropped"),
    [
        (
            [0.0, 0.5],
            "days since 2013-01-01 00:00:00",
            "noleap",
            ["2013-01-01 00:00:00", "2013-01-01 12:00:00"],
            0,
        ),
        (
            [58.0, 59.0, 60.0],
            "days since 2016-01-01",
            "standard",
            ["2016-02-28 00:00:00", "2016-03-01 00:00:00"],
            1,
        ),
        ([58.0, 59.0], "days since 2016-01-01", "no_leap", ["2016-02-28 00:00:00", "2016-03-01 00:00:00"], 0),
        ([59.0], "days since 1900-01-01", "julian", [], 1),
        ([59.0], "days since 1900-01-01", "gregorian", ["1900-03-01 00:00:00"], 0),
        ([25.0], "hours since 2001-12-31T00:30", "365_day", ["2002-01-01 01:30:00"], 0),
        ([90], "minutes since 0001-01-01 00:00:00", "noleap", ["0001-01-01 01:30:00"], 0),
        (np.float32([54756.0625]), "days since 1950-01-01", "standard", ["2099-12-01 01:30:00"], 0),
    ],
)
def test_decoding(values: object, units: str, calendar: str, expected: list[str], dropped: int) -> None:
    axis = decode_times(np.asarray(values), units, calendar)
    assert [describe_seconds(int(second)) for second in axis.seconds] == expected
    assert axis.dropped == dropped


def test_a_leap_year_becomes_365_days_in_order() -> None:
    values = np.arange(366 * 48) / 48.0
    axis = decode_times(values, "days since 2016-01-01", "standard")
    assert axis.dropped == 48
    np.testing.assert_array_equal(np.diff(axis.seconds), HALF_HOUR)
    np.testing.assert_array_equal(np.flatnonzero(np.diff(axis.kept) != 1), [59 * 48 - 1])


@pytest.mark.parametrize(
    ("values", "units", "calendar", "message"),
    [
        ([0.0], "days since 2016-02-29", "noleap", "epoch"),
        ([0.0], "days since 2016-13-01", "noleap", "epoch"),
        ([0.0], "fortnights since 2016-01-01", "noleap", "units not understood"),
        ([0.0], "", "noleap", "units not understood"),
        ([0.0], "days since 2016-01-01", "360_day", "calendar cannot be converted"),
        ([0.0], "days since 2016-01-01", "lunar", "calendar cannot be converted"),
        ([np.nan], "days since 2016-01-01", "noleap", "time is not a number"),
        ([-400.0], "days since 0001-01-01", "noleap", "before year 1"),
    ],
)
def test_bad_time_axes_are_one_clear_error(
    values: list[float], units: str, calendar: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        decode_times(values, units, calendar, file="x.nc")
    assert "x.nc" in str(caught.value)


@pytest.mark.parametrize(("ymd", "tod"), [(160229, 0), (161301, 0), (101, 86400), (0, 0)])
def test_impossible_model_dates_are_refused(ymd: int, tod: int) -> None:
    with pytest.raises(InputError):
        seconds_of_date(ymd, tod)


def test_model_times_and_calendar_days() -> None:
    times = ModelTimes(seconds_of_date(161231, 84600), HALF_HOUR, 2)
    assert calendar_day(times.starts).tolist() == [365.0 + 47.0 / 48.0, 1.0]
    assert times.end == seconds_of_date(170101, HALF_HOUR)
    with pytest.raises(InputError, match="divide the day"):
        ModelTimes(0, 7000, 1)


def test_real_dates_skip_only_leap_days() -> None:
    days = [date(2015, 1, 1) + timedelta(days=n) for n in range(3 * 365 + 1)]
    values = [(day - date(1950, 1, 1)).days for day in days]
    axis = decode_times(values, "days since 1950-01-01", "gregorian")
    expected = [day for day in days if (day.month, day.day) != (2, 29)]
    assert [date_of_seconds(int(s))[0] for s in axis.seconds] == [
        d.year * 10000 + d.month * 100 + d.day for d in expected
    ]


@pytest.mark.parametrize(
    ("first", "period_start", "position", "shift"),
    [
        (0, 0, StampPosition.BEGIN, 0),
        (5400, 0, StampPosition.MIDDLE, -5400),
        (10800, 0, StampPosition.END, -10800),
        (0, None, StampPosition.BEGIN, 0),
    ],
)
def test_stamp_convention(first: int, period_start: int | None, position: StampPosition, shift: int) -> None:
    seconds = first + 10800 * np.arange(8)
    assert stamp_position(seconds, period_start=period_start) is position
    assert shift_to_begin(position, 10800) == shift


@pytest.mark.parametrize(
    ("seconds", "problem"),
    [
        ([0, 10, 20, 50, 60], "gap in time"),
        ([0, 10, 10, 20, 30], "the same time twice"),
        ([0, 10, 20, 10, 20, 30], "time goes back"),
    ],
)
def test_stamp_faults_are_found(seconds: list[int], problem: str) -> None:
    (finding,) = check_stamps(np.array(seconds), "x.nc")
    assert finding.problem == problem
    assert finding.severity is Severity.ERROR


def test_regular_stamps_are_clean() -> None:
    assert check_stamps(np.arange(0, 864000, 1800), "x.nc") == []
