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


def hour_angles(longitude: FloatArray, shift: int) -> FloatArray:
    """Hour angles of the beginnings of the intervals of a local day ``[8, cell]``, from -pi on; longitude in
    degrees."""
    fraction = (shift + np.arange(BINS_PER_DAY)) % BINS_PER_DAY / BINS_PER_DAY
    angle = (2.0 * math.pi * fraction - math.pi)[:, None] + np.radians(longitude)[None]
    return np.asarray(angle - 2.0 * math.pi * np.floor((angle + math.pi) / (2.0 * math.pi)))


def cell_sun(
    first_day: int, days: int, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> CellSun:
    """The sun above cells in whole local days: flux above the atmosphere, mean of each interval [W/m2];
    longitude, latitude [degrees] ``[cell]``. The declination is that of the middle of the local day."""
    begin, phi = hour_angles(longitude, shift), np.radians(latitude)
    sine, above = np.sin(begin), np.empty((days, BINS_PER_DAY, longitude.size))
    for day, out in enumerate(above):
        middle = (BINS_PER_DAY * (first_day + day) + shift + BINS_PER_DAY // 2) * BIN_SECONDS
        delta, distance = (float(part) for part in declination(orbit, calendar_day(middle)))
        constant, amplitude = np.sin(phi) * float(np.sin(delta)), np.cos(phi) * float(np.cos(delta))
        sun_above(begin, sine, half_day(phi, delta), constant, amplitude, SOLAR_CONSTANT * distance, out)
    return CellSun(above, solar_hours(longitude, shift))
