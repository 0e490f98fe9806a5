"""The sun over the cells during the intervals of their local days."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import calendar_day
from kiloland.atmosphere.orbit import Orbit, declination, half_day
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, SOLAR_CONSTANT, solar_hours
from kiloland.craft.forcing.kernel import sun_above
from kiloland.craft.forcing.weather import CellSun

FloatArray = NDArray[np.float64]


SunOfDays = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""Hour angles of the beginnings of the intervals ``[8, cell]``, hour angle of sunset, constant and amplitude
of the cosine of the zenith angle ``[day, cell]``, and the sun at the distance of the day [W/m2] ``[day]``."""


def sun_of_days(
    first_day: int, days: int, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> SunOfDays:
    """The sun over cells in whole local days; longitude, latitude [degrees] ``[cell]``.

    The declination is that of the middle of the local day.
    """
    middle = (BINS_PER_DAY * (first_day + np.arange(days)) + shift + BINS_PER_DAY // 2) * BIN_SECONDS
    delta, distance = declination(orbit, calendar_day(middle))
    phi, delta = np.radians(latitude)[None], delta[:, None]
    fraction = (shift + np.arange(BINS_PER_DAY)) % BINS_PER_DAY / BINS_PER_DAY
    angle = (2.0 * math.pi * fraction - math.pi)[:, None] + np.radians(longitude)[None]
    begin = angle - 2.0 * math.pi * np.floor((angle + math.pi) / (2.0 * math.pi))
    constant, amplitude = np.sin(phi) * np.sin(delta), np.cos(phi) * np.cos(delta)
    return begin, half_day(phi, delta), constant, amplitude, SOLAR_CONSTANT * distance


def cell_sun(
    first_day: int, days: int, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> CellSun:
    """The sun above cells in whole local days: flux above the atmosphere, mean of each interval [W/m2]."""
    begin, *parts = sun_of_days(first_day, days, longitude, latitude, shift, orbit)
    above = np.empty((days, BINS_PER_DAY, longitude.size))
    for out, sunset, constant, amplitude, strength in zip(above, *parts, strict=True):
        sun_above(begin, np.sin(begin), sunset, constant, amplitude, float(strength), out)
    return CellSun(above, solar_hours(longitude, shift))
