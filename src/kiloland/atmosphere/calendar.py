"""Calendars, time axes of files, and the model's own time.

The model lives in a year of 365 days; its time is an integer, the seconds since 0001-01-01 00:00. A time
axis of a file is decoded exactly to whole seconds in the file's own calendar and then converted: 29 February
is dropped and reported, nothing is moved or invented.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiloland.errors import InputError

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SECONDS_PER_DAY: Final = 86400
DAYS_PER_YEAR: Final = 365
SECONDS_PER_YEAR: Final = DAYS_PER_YEAR * SECONDS_PER_DAY
MONTH_STARTS: Final = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365], dtype=np.int64)
"""Days before each month of a 365-day year."""


class Calendar(Enum):
    """Calendars of CF files that can be converted to 365-day years."""

    NOLEAP = "noleap"
    STANDARD = "standard"
    PROLEPTIC = "proleptic_gregorian"
    JULIAN = "julian"


_NAMES: Final = {
    "noleap": Calendar.NOLEAP,
    "no_leap": Calendar.NOLEAP,
    "365_day": Calendar.NOLEAP,
    "standard": Calendar.STANDARD,
    "gregorian": Calendar.STANDARD,
    "proleptic_gregorian": Calendar.PROLEPTIC,
    "julian": Calendar.JULIAN,
}
_UNIT_SECONDS: Final = {"day": 86400, "hour": 3600, "minute": 60, "min": 60, "second": 1, "sec": 1}
_UNITS_PATTERN: Final = re.compile(
    r"^\s*(?P<unit>[a-z]+?)s?\s+since\s+(?P<year>\d{1,4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[ t]+(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.0*)?)?)?\s*(?:z|utc|gmt)?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ModelTimes:
    """Consecutive model steps in noleap time.

    ``first_step``: seconds since 0001-01-01 00:00 (365-day years) of the START of the first step;
    ``dtime``: length of a step [s], divides the day; ``count``: number of steps.
    """

    first_step: int
    dtime: int
    count: int

    def __post_init__(self) -> None:
        if self.dtime <= 0 or SECONDS_PER_DAY % self.dtime:
            raise InputError(
                "the time step must divide the day", found=self.dtime, expected="a divisor of 86400"
            )
        if self.first_step < 0 or self.count < 0:
            raise InputError("model time before year 1 or a negative number of steps", found=self)

    @property
    def starts(self) -> IntArray:
        """Start of every step [s], shape (count,)."""
        return self.first_step + self.dtime * np.arange(self.count, dtype=np.int64)

    @property
    def end(self) -> int:
        """End of the last step [s]."""
        return self.first_step + self.dtime * self.count


@dataclass(frozen=True)
class TimeUnits:
    """``<unit> since <epoch>``: length of the unit [s] and the epoch as a date and seconds of the day."""

    seconds: int
    year: int
    month: int
    day: int
    second_of_day: int


@dataclass(frozen=True)
class NoleapAxis:
    """A file's time axis in model time.

    ``seconds`` since 0001-01-01 of the samples that stay, ``kept`` their positions on the file's axis, and
    the number of samples dropped because they fall on 29 February.
    """

    seconds: IntArray
    kept: IntArray
    dropped: int


def seconds_of_date(ymd: int, tod: int = 0) -> int:
    """Noleap seconds since 0001-01-01 of a date as ELM writes it: ``yyyymmdd`` and seconds of the day.

    >>> seconds_of_date(10101)
    0
    >>> seconds_of_date(20101, 1800)
    31537800
    """
    year, month, day = ymd // 10000, ymd // 100 % 100, ymd % 100
    valid = year >= 1 and 1 <= month <= 12 and day >= 1 and 0 <= tod < SECONDS_PER_DAY
    if not valid or day > MONTH_STARTS[month] - MONTH_STARTS[month - 1]:
        raise InputError("not a date of a 365-day year", found=f"{ymd} {tod}", expected="yyyymmdd, 0-86399 s")
    return ((year - 1) * DAYS_PER_YEAR + int(MONTH_STARTS[month - 1]) + day - 1) * SECONDS_PER_DAY + tod


def date_of_seconds(seconds: int) -> tuple[int, int]:
    """Inverse of :func:`seconds_of_date`: ``(yyyymmdd, seconds of the day)``.

    >>> date_of_seconds(31537800)
    (20101, 1800)
    """
    days, tod = divmod(seconds, SECONDS_PER_DAY)
    year, day_of_year = divmod(days, DAYS_PER_YEAR)
    month = int(np.searchsorted(MONTH_STARTS, day_of_year, side="right"))
    return (year + 1) * 10000 + month * 100 + day_of_year - int(MONTH_STARTS[month - 1]) + 1, tod


def describe_seconds(seconds: int) -> str:
    """A model time for messages.

    >>> describe_seconds(seconds_of_date(160701, 1800))
    '0016-07-01 00:30:00'
    """
    ymd, tod = date_of_seconds(seconds)
    clock = f"{tod // 3600:02d}:{tod // 60 % 60:02d}:{tod % 60:02d}"
    return f"{ymd // 10000:04d}-{ymd // 100 % 100:02d}-{ymd % 100:02d} {clock}"


def calendar_day(seconds: ArrayLike) -> FloatArray:
    """Calendar day of the year of model times: 1.0 is 1 January 00:00, 365.999... the last moment."""
    time = np.asarray(seconds, dtype=np.int64)
    day, second = np.divmod(time, SECONDS_PER_DAY)
    return np.asarray(day % DAYS_PER_YEAR + 1 + second / float(SECONDS_PER_DAY))


def parse_calendar(name: str | None, *, file: str | None = None, variable: str = "time") -> Calendar:
    """The calendar a file names; absent means standard, as CF says. InputError where it cannot be
    converted."""
    calendar = _NAMES.get((name or "standard").strip().lower())
    if calendar is None:
        raise InputError(
            "this calendar cannot be converted to 365-day years",
            file=file,
            variable=variable,
            found=name,
            expected=", ".join(_NAMES),
            hint="Its days do not exist in the model's year; convert the file first",
        )
    return calendar


def parse_time_units(text: str, *, file: str | None = None, variable: str = "time") -> TimeUnits:
    """Units like ``days since 1950-01-01 00:00:00``; InputError for anything else."""
    match = _UNITS_PATTERN.match(text)
    seconds = _UNIT_SECONDS.get(match["unit"].lower()) if match else None
    if match is None or seconds is None:
        raise InputError(
            "time units not understood",
            file=file,
            variable=variable,
            found=repr(text),
            expected="'days|hours|minutes|seconds since yyyy-mm-dd [hh:mm[:ss]]'",
        )
    clock = [int(match[part] or 0) for part in ("hour", "minute", "second")]
    if not (1 <= int(match["month"]) <= 12 and 1 <= int(match["day"]) <= 31):
        raise InputError("the epoch is not a date", file=file, variable=variable, found=repr(text))
    return TimeUnits(
        seconds=seconds,
        year=int(match["year"]),
        month=int(match["month"]),
        day=int(match["day"]),
        second_of_day=clock[0] * 3600 + clock[1] * 60 + clock[2],
    )


def day_number(year: ArrayLike, month: ArrayLike, day: ArrayLike, calendar: Calendar) -> IntArray:
    """Days from an arbitrary origin to a date; exact integers, any shape.

    Leap calendars count by years that start on 1 March, so that the leap day is the last of its year. The
    standard calendar is Julian before 15 October 1582 and Gregorian from then on.
    """
    y, m, d = (np.asarray(part, dtype=np.int64) for part in (year, month, day))
    if calendar is Calendar.NOLEAP:
        return np.asarray(y * DAYS_PER_YEAR + MONTH_STARTS[m - 1] + d - 1)
    y = np.where(m <= 2, y - 1, y)
    day_of_year = (153 * ((m + 9) % 12) + 2) // 5 + d - 1
    julian = 365 * y + y // 4 + day_of_year - 2
    gregorian = 365 * y + y // 4 - y // 100 + y // 400 + day_of_year
    if calendar is Calendar.JULIAN:
        return np.asarray(julian)
    if calendar is Calendar.PROLEPTIC:
        return np.asarray(gregorian)
    return np.asarray(np.where(gregorian >= _GREGORIAN_START, gregorian, julian))


def date_of_day_number(number: ArrayLike, calendar: Calendar) -> tuple[IntArray, IntArray, IntArray]:
    """Inverse of :func:`day_number`: year, month, day."""
    n = np.asarray(number, dtype=np.int64)
    if calendar is Calendar.NOLEAP:
        year, day_of_year = np.divmod(n, DAYS_PER_YEAR)
        month = np.searchsorted(MONTH_STARTS, day_of_year, side="right").astype(np.int64)
        return year, month, day_of_year - MONTH_STARTS[month - 1] + 1
    if calendar is Calendar.JULIAN:
        return _julian_date(n + 2)
    if calendar is Calendar.PROLEPTIC:
        return _gregorian_date(n)
    old, new = _julian_date(n + 2), _gregorian_date(n)
    modern = n >= _GREGORIAN_START
    year, month, day = (np.where(modern, b, a) for a, b in zip(old, new, strict=True))
    return year, month, day


_GREGORIAN_START: Final = int(day_number(1582, 10, 15, Calendar.PROLEPTIC))


def _julian_date(n: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Date of a day counted from 1 March of year 0, a leap day every fourth year."""
    cycle, rest = np.divmod(n, 1461)
    year = np.minimum(rest // 365, 3)
    return _from_march(4 * cycle + year, rest - 365 * year)


def _gregorian_date(n: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Date of a day counted from 1 March of year 0 in the Gregorian cycle of 400 years (146097 days)."""
    era, rest = np.divmod(n, 146097)
    century = np.minimum(rest // 36524, 3)
    rest = rest - 36524 * century
    cycle, rest = np.divmod(rest, 1461)
    year = np.minimum(rest // 365, 3)
    return _from_march(400 * era + 100 * century + 4 * cycle + year, rest - 365 * year)


def _from_march(year: IntArray, day_of_year: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Civil date from a year that begins on 1 March and its day from 0."""
    index = (5 * day_of_year + 2) // 153
    month = (index + 2) % 12 + 1
    return np.where(month <= 2, year + 1, year), month, day_of_year - (153 * index + 2) // 5 + 1


def decode_times(
    values: ArrayLike,
    units: str,
    calendar_name: str | None,
    *,
    file: str | None = None,
    variable: str = "time",
) -> NoleapAxis:
    """A file's time values as noleap seconds; samples of 29 February are dropped and counted.

    ``values`` in ``units`` of the named calendar are rounded to whole seconds. Raises InputError for units or
    calendars that are not understood, for values that are not finite, and for times before year 1.
    """
    calendar, since = (
        parse_calendar(calendar_name, file=file, variable=variable),
        parse_time_units(units, file=file),
    )
    stamps = np.asarray(values)
    if not np.all(np.isfinite(stamps)):
        where = f"sample {int(np.flatnonzero(~np.isfinite(stamps))[0])}"
        raise InputError("time is not a number", file=file, variable=variable, where=where)
    # Whole units and their fraction apart: a product in float32 would lose the seconds.
    whole = np.floor(stamps.astype(np.float64))
    fraction = np.rint((stamps.astype(np.float64) - whole) * since.seconds).astype(np.int64)
    elapsed = whole.astype(np.int64) * since.seconds + fraction + since.second_of_day
    epoch = int(day_number(since.year, since.month, since.day, calendar))
    if tuple(int(part) for part in date_of_day_number(epoch, calendar)) != (
        since.year,
        since.month,
        since.day,
    ):
        raise InputError(
            "the epoch is not a date of the calendar",
            file=file,
            variable=variable,
            found=f"{units!r}, calendar {calendar.value}",
        )
    day, second = np.divmod(elapsed, SECONDS_PER_DAY)
    year, month, day_of_month = date_of_day_number(day + epoch, calendar)
    kept = np.flatnonzero(~((month == 2) & (day_of_month == 29)))
    if kept.size and int(year[kept].min()) < 1:
        raise InputError("time before year 1", file=file, variable=variable, found=units)
    days = (year - 1) * DAYS_PER_YEAR + MONTH_STARTS[month - 1] + day_of_month - 1
    dropped = stamps.size - kept.size
    if dropped:
        logger.info(
            "%s: %s: %d samples of 29 February dropped (calendar %s)", file, variable, dropped, calendar.value
        )
    return NoleapAxis(seconds=(days * SECONDS_PER_DAY + second)[kept], kept=kept, dropped=dropped)
