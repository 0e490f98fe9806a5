"""Model time: years of 365 days in whole seconds, dates as ELM writes them, intervals that tile the time."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiloland.errors import InputError
from kiloland.run.clock import (
    DAY,
    MONTH_DAYS,
    YEAR_DAYS,
    Interval,
    date_label,
    date_of_seconds,
    month_start,
    parse_date,
    seconds_of_date,
)

MOMENTS = st.integers(0, 20_000 * YEAR_DAYS * DAY)
STEPS = st.sampled_from([300, 900, 1800, 3600, 21_600, DAY])


@given(MOMENTS)
def test_a_date_and_its_seconds_are_the_same_moment(moment: int) -> None:
    assert seconds_of_date(*date_of_seconds(moment)) == moment
    assert parse_date(date_label(moment)) == moment


@given(st.dates(datetime.date(1, 1, 1), datetime.date(9999, 12, 31)))
@example(datetime.date(4, 2, 29))
@example(datetime.date(2000, 3, 1))
def test_dates_follow_the_calendar_without_leap_days(date: datetime.date) -> None:
    ymd = date.year * 10_000 + date.month * 100 + date.day
    if (date.month, date.day) == (2, 29):
        with pytest.raises(InputError, match="not a date of a 365-day year"):
            seconds_of_date(ymd)
        return
    day_of_year = datetime.date(2001, date.month, date.day).timetuple().tm_yday
    assert seconds_of_date(ymd) == ((date.year - 1) * YEAR_DAYS + day_of_year - 1) * DAY


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("0001-01-01", "0001-01-01-00000"),
        ("0016-07-01-84600", "0016-07-01-84600"),
        ("1850-02-28", "1850-02-28-00000"),
        ("12345-12-31", "12345-12-31-00000"),
    ],
)
def test_dates_read_and_write_as_in_file_names(text: str, label: str) -> None:
    assert date_label(parse_date(text)) == label


@pytest.mark.parametrize(
    "text",
    ["", "1-1-1", "0001/01/01", "0001-02-29", "0004-02-29", "0001-04-31", "0001-00-10", "0001-01-01-86400"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        parse_date(text)


@pytest.mark.parametrize("text", ["0 days", "days", "1 fortnight", "-1 day", "1.5 days", "", "monthly"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an interval"):
        Interval.parse(text)


UNITS = st.sampled_from(["step", "hour", "day", "month", "year"])


@given(MOMENTS, st.integers(0, 500_000), st.integers(1, 40), UNITS, STEPS)
def test_intervals_tile_the_time_from_the_start_of_the_run(
    origin: int, later: int, count: int, unit: str, dtime: int
) -> None:
    """The next end lies ahead, is its own predecessor's next end, and none lies between."""
    interval = Interval.parse(f"{count} {unit}s")
    moment = origin + later * dtime
    end = interval.next_end(moment, origin, dtime)
    assert end is not None
    assert end > moment
    assert interval.next_end(end - 1, origin, dtime) == end
    after = interval.next_end(end, origin, dtime)
    assert after is not None
    assert after > end
    if unit in ("month", "year"):
        ymd, second = date_of_seconds(end)
        assert (ymd % 100, second) == (1, 0), "ends with a calendar month"
        if unit == "year":
            assert ymd % 10_000 == 101, "ends with a calendar year"
    else:
        assert after - end == count * {"step": dtime, "hour": 3600, "day": DAY}[unit]
        assert (end - origin) % (after - end) == 0


@given(MOMENTS, st.integers(0, 100))
def test_months_start_where_the_calendar_says(moment: int, ahead: int) -> None:
    start, following = month_start(moment, ahead), month_start(moment, ahead + 1)
    ymd, second = date_of_seconds(start)
    assert (ymd % 100, second) == (1, 0)
    assert following - start == MONTH_DAYS[ymd // 100 % 100 - 1] * DAY
    if ahead == 0:
        assert start <= moment < following


def test_never_never_ends() -> None:
    assert Interval.parse("never").next_end(5, 0, 1800) is None
