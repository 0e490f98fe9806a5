"""What goes into the spreading of daily values over the day, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class DailyWeather:
    """Values of local days ``[day, cell]``: temperatures [K], precipitation [kg/m2], vapour pressure [Pa],
    shortwave as the mean over the whole day [W/m2]."""

    minimum_temperature: FloatArray
    maximum_temperature: FloatArray
    precipitation: FloatArray
    vapour_pressure: FloatArray
    shortwave: FloatArray


@dataclass(frozen=True)
class SubdailyShape:
    """A reanalysis at the cells, for the intervals of their local days ``[day, 8, cell]``, SI.

    ``sun_above``: the flux above the atmosphere [W/m2] of the same places and intervals as ``shortwave``;
    ``rain_around``: precipitation summed over the nine grid points around; ``rain_cycle``: its mean over the
    neighbouring days.
    """

    temperature: FloatArray
    specific_humidity: FloatArray
    pressure: FloatArray
    longwave: FloatArray
    wind: FloatArray
    shortwave: FloatArray
    sun_above: FloatArray
    rain: FloatArray
    rain_around: FloatArray
    rain_cycle: FloatArray


@dataclass(frozen=True)
class CellSun:
    """The sun at the cells: flux above the atmosphere, mean of each interval [W/m2] ``[day, 8, cell]``, and
    solar time [h] ``[8, cell]``."""

    above: FloatArray
    hour: FloatArray


@dataclass(frozen=True)
class Downscaled:
    """Three-hour values ``[day, 8, cell]`` by name of the forcing file, and the days whose value could not
    be kept ``[day, cell]``: vapour above saturation, shortwave beyond the sun."""

    fields: dict[str, FloatArray]
    vapour_cut: BoolArray
    shortwave_cut: BoolArray
