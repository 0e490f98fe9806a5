"""The sun over the cells during the intervals of their local days."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import calendar_day
from kiloland.atmosphere.orbit import Orbit, declination, half_day
from kiloland.craft.forcing import kernel
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, SOLAR_CONSTANT, solar_hours
from kiloland.craft.forcing.kernel import Bins
from kiloland.craft.forcing.weather import CellSun

FloatArray = NDArray[np.float64]


def sun_of_days(
    first_day: int, days: int, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> Bins:
    """Flux above the atmosphere, mean of each interval [W/m2]; longitude, latitude [degrees] ``[cell]``.

    The declination is that of the middle of the local day.
    """
    middle = (BINS_PER_DAY * (first_day + np.arange(days)) + shift + BINS_PER_DAY // 2) * BIN_SECONDS
    delta, distance = (part[:, None] for part in declination(orbit, calendar_day(middle)))
    phi = np.radians(latitude)[None]
    fraction = (shift + np.arange(BINS_PER_DAY)) % BINS_PER_DAY / BINS_PER_DAY
    angle = (2.0 * math.pi * fraction - math.pi)[:, None] + np.radians(longitude)[None]
    begin = angle - 2.0 * math.pi * np.floor((angle + math.pi) / (2.0 * math.pi))
    above: Bins = kernel.sun_above(
        begin,
        np.sin(begin),
        half_day(phi, delta),
        np.sin(phi) * np.sin(delta),
        np.cos(phi) * np.cos(delta),
        SOLAR_CONSTANT * distance,
    )
    return above


def cell_sun(
    first_day: int, days: int, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> CellSun:
    """The sun above cells in whole local days, as arrays."""
    above = sun_of_days(first_day, days, longitude, latitude, shift, orbit)
    return CellSun(np.stack(above, axis=1), solar_hours(longitude, shift))
