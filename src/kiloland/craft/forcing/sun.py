"""The sun over the cells during the intervals of their local days."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import calendar_day
from kiloland.atmosphere.orbit import Orbit, declination
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, SOLAR_CONSTANT, solar_hours
from kiloland.craft.forcing.kernel import sun_above, sunset_of_day
from kiloland.craft.forcing.weather import CellSun

FloatArray = NDArray[np.float64]


def hour_angles(longitude: FloatArray, shift: int) -> FloatArray:
    """Hour angles of the beginnings of the intervals of a local day ``[8, cell]``, from -pi on; longitude in
    degrees."""
    fraction = (shift + np.arange(BINS_PER_DAY)) % BINS_PER_DAY / BINS_PER_DAY
    angle = (2.0 * math.pi * fraction - math.pi)[:, None] + np.radians(longitude)[None]
    return np.asarray(angle - 2.0 * math.pi * np.floor((angle + math.pi) / (2.0 * math.pi)))


def sun_of_day(day: int, shift: int, orbit: Orbit) -> tuple[float, float, float]:
    """Sine and cosine of the declination in the middle of a local day, and the sun at its distance [W/m2]."""
    middle = (BINS_PER_DAY * day + shift + BINS_PER_DAY // 2) * BIN_SECONDS
    delta, distance = (float(part) for part in declination(orbit, calendar_day(middle)))
    return math.sin(delta), math.cos(delta), SOLAR_CONSTANT * distance


def cell_sun(
    first_day: int, days: int, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> CellSun:
    """The sun above cells in whole local days: flux above the atmosphere, mean of each interval [W/m2];
    longitude, latitude [degrees] ``[cell]``."""
    begin, phi = hour_angles(longitude, shift), np.radians(latitude)
    sine, above = np.sin(begin), np.empty((days, BINS_PER_DAY, longitude.size))
    place, sunset = (np.sin(phi), np.cos(phi)), (np.empty(phi.size), np.empty(phi.size))
    for day, out in enumerate(above):
        *delta, strength = sun_of_day(first_day + day, shift, orbit)
        sunset_of_day(*place, (delta[0], delta[1]), *sunset)
        sun_above(begin, sine, sunset, place, (delta[0], delta[1]), strength, out)
    return CellSun(above, solar_hours(longitude, shift))
