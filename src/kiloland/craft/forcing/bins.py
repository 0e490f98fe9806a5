"""Three-hour intervals, and the local days that they make.

All day and interval numbers count in years of 365 days from 0001-01-01 00:00 UTC. Interval b covers the hours
[3b, 3b + 3) of UTC. The local day of a cell is made of the eight intervals whose middles lie between its
midnights, with local time h = round(longitude / 15) hours ahead of UTC: so every interval of a file belongs
to one local day, and what closes over a local day closes in the file.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import DAYS_PER_YEAR, MONTH_STARTS, SECONDS_PER_DAY

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BINS_PER_DAY: Final = 8
BIN_SECONDS: Final = SECONDS_PER_DAY // BINS_PER_DAY
BIN_HOURS: Final = 24 // BINS_PER_DAY
SOLAR_CONSTANT: Final = 1361.0
"""W m-2 at the mean distance of the sun."""
LARGEST_SHIFT: Final = 4
"""Intervals by which a local day can begin before or after the day of UTC."""
LEAP_DAY_OF_YEAR: Final = 59
"""Days before 29 February."""


def local_hours(longitude: FloatArray) -> IntArray:
    """Hours that local time is ahead of UTC: round(longitude / 15), -12 to 12; longitude in degrees."""
    west_east = (np.asarray(longitude, dtype=np.float64) + 180.0) % 360.0 - 180.0
    return np.asarray(np.rint(west_east / 15.0), dtype=np.int64)


def local_day_shift(longitude: FloatArray) -> IntArray:
    """Intervals from the beginning of a day of UTC to the first one of the local day of the same number.

    ceil(-(h + 1.5)/3): the first interval with its middle at or after local midnight. -4 to 4.
    """
    # In half hours, so that the ceiling is one of whole numbers.
    half_hours = -(2 * local_hours(longitude) + BIN_HOURS)
    return -((-half_hours) // (2 * BIN_HOURS))


def solar_hours(longitude: FloatArray, shift: int) -> FloatArray:
    """Solar time [h] at the middles of the eight intervals of a local day ``[8, cell]``, by longitude."""
    middle = BIN_HOURS * (shift + np.arange(BINS_PER_DAY)) + 0.5 * BIN_HOURS
    return np.asarray((middle[:, None] + np.asarray(longitude)[None, :] / 15.0) % 24.0)


def month_days(year: int, month: int) -> tuple[int, int]:
    """First day of a month (1 to 12) and of the next one."""
    start = (year - 1) * DAYS_PER_YEAR
    return start + int(MONTH_STARTS[month - 1]), start + int(MONTH_STARTS[month])


def is_leap(year: int) -> bool:
    """Whether a Gregorian year has 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day_of_yearday(year: int, yearday: int) -> int | None:
    """Day number of a day counted from 1 in a Gregorian year; None on 29 February."""
    position = yearday - 1
    if is_leap(year):
        if position == LEAP_DAY_OF_YEAR:
            return None
        position -= position > LEAP_DAY_OF_YEAR
    return (year - 1) * DAYS_PER_YEAR + position
