"""From daily values to three-hour intervals: one function a variable, pure, on arrays ``[day, 8, cell]``.

The daily values are kept; a reanalysis gives only how they are spread over the local day. What is written is
single precision, so closure is made there: the values returned here are whole single-precision numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.derive import (
    DRY_AIR_GAS_CONSTANT,
    clear_sky_longwave,
    saturation_specific_humidity,
    saturation_vapour_pressure,
    specific_humidity,
    vapour_pressure,
)
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

GRAVITY: Final = 9.80616
"""m s-2."""
SOLAR_CONSTANT: Final = 1361.0
"""W m-2 at the mean distance of the sun."""
SMALLEST_RANGE: Final = 0.5
"""Daily range of the reanalysis [K] below which its shape is not used."""
LARGEST_STRETCH: Final = 5.0
"""Factor between the daily ranges above which the shape of the reanalysis is not used."""
WARMEST_HOUR: Final = 14.0
"""Solar time of the warmest moment where the reanalysis gives no shape [h]."""
CLEARNESS: Final = (0.05, 1.0)
"""Limits of the share of the sun above the atmosphere that reaches the ground."""
SUN_CAP: Final = 1.05
"""Largest mean of an interval, in units of the sun above the atmosphere."""
LONGWAVE: Final = (50.0, 600.0)
SMALLEST_WIND: Final = 0.1
MEAN_VIRTUAL: Final = 0.608
"""Tv = T (1 + 0.608 q)."""


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


def downscale(
    daily: DailyWeather, shape: SubdailyShape, sun: CellSun, height_difference: FloatArray
) -> Downscaled:
    """All seven variables of the intervals; ``height_difference`` of cells above the reanalysis [m].

    The first and last day lack a neighbour for the joints; leave them out.
    """
    temperature = single(temperature_of_day(daily, shape.temperature, sun.hour))
    moist, cut = vapour_of_day(daily.vapour_pressure, _vapour_shape(shape), temperature)
    pressure = single(pressure_at_cell(shape, temperature, moist, height_difference))
    humidity = single(specific_humidity(moist, pressure))
    # Rounded up to single precision it could exceed saturation by a last bit.
    above = humidity > saturation_specific_humidity(temperature, pressure)
    humidity = np.where(above, np.nextafter(humidity.astype(np.float32), np.float32(0.0)), humidity)
    shortwave, lost = shortwave_of_day(daily.shortwave, shape, sun.above)
    fields = {
        "TBOT": temperature,
        "QBOT": humidity.astype(np.float64),
        "PSRF": pressure,
        "FLDS": single(longwave_at_cell(shape, temperature, pressure, humidity)),
        "WIND": single(np.maximum(shape.wind, SMALLEST_WIND)),
        "FSDS": shortwave,
        "PRECTmms": precipitation_of_day(daily.precipitation, shape),
    }
    return Downscaled(fields, cut, lost)


def single(values: FloatArray) -> FloatArray:
    """Rounded to single precision."""
    return values.astype(np.float32).astype(np.float64)


def temperature_of_day(daily: DailyWeather, shape: FloatArray, hour: FloatArray) -> FloatArray:
    """T_k = (tmin + tmax)/2 + a (g_k - mid g) with a = (tmax - tmin)/(gmax - gmin): both extremes are met.

    Where the reanalysis has no daily cycle to speak of (gmax - gmin < 0.5 K, or a > 5) g is a cosine with its
    maximum at 14:00 solar time. Midnights are smoothed by :func:`smooth_joints`. [K] ``[day, 8, cell]``.
    """
    low, high = daily.minimum_temperature[:, None], daily.maximum_temperature[:, None]
    extent = shape.max(axis=1, keepdims=True) - shape.min(axis=1, keepdims=True)
    flat = (extent < SMALLEST_RANGE) | (high - low > LARGEST_STRETCH * extent)
    cosine = np.cos((hour - WARMEST_HOUR) * (2.0 * math.pi / 24.0))[None]
    pattern = np.where(flat, cosine, shape)
    least, most = pattern.min(axis=1, keepdims=True), pattern.max(axis=1, keepdims=True)
    share = (pattern - least) / (most - least)
    values = np.where(share == 1.0, high, low + (high - low) * share)
    fixed = (share == 0.0) | (share == 1.0)
    return smooth_joints(values, fixed, pattern, (high - low) / (most - least))


def smooth_joints(
    values: FloatArray, fixed: BoolArray, pattern: FloatArray, stretch: FloatArray
) -> FloatArray:
    """Take the jump between days out of the last interval of one and the first of the next.

    The wanted step is that of the pattern times the mean stretch of both days; half of the difference goes to
    each side, within the extremes of its day. ``fixed`` intervals, the extremes themselves, stay.
    """
    if values.shape[0] < 2:
        return values
    smooth = values.copy()
    last, first = values[:-1, -1], values[1:, 0]
    wanted = 0.5 * (stretch[:-1, 0] + stretch[1:, 0]) * (pattern[1:, 0] - pattern[:-1, -1])
    half = 0.5 * ((first - last) - wanted)
    low, high = values.min(axis=1), values.max(axis=1)
    smooth[:-1, -1] = np.where(fixed[:-1, -1], last, np.clip(last + half, low[:-1], high[:-1]))
    smooth[1:, 0] = np.where(fixed[1:, 0], first, np.clip(first - half, low[1:], high[1:]))
    return smooth


def precipitation_of_day(total: FloatArray, shape: SubdailyShape) -> FloatArray:
    """P_k = prcp g_k / (sum g) / 10800 s [kg/m2/s].

    Where the reanalysis is dry: weights of the nine grid points around, then the mean cycle of the days
    around, then even. Closed in single precision by :func:`close_total`.
    """
    weight = shape.rain
    for other in (shape.rain_around, shape.rain_cycle, np.ones_like(weight)):
        weight = np.where(weight.sum(axis=1, keepdims=True) > 0.0, weight, other)
    share = weight / weight.sum(axis=1, keepdims=True)
    return close_total(total[:, None] * share / BIN_SECONDS, total / BIN_SECONDS)


def close_total(values: FloatArray, total: FloatArray) -> FloatArray:
    """Single-precision values ``[day, 8, cell]`` whose sum over the day is ``total`` to one unit in its last
    place: the largest interval takes what rounding left."""
    rounded = single(values)
    largest = rounded.argmax(axis=1)[:, None]
    at_largest = np.take_along_axis(rounded, largest, axis=1)
    others = rounded.copy()
    np.put_along_axis(others, largest, 0.0, axis=1)
    rest = single(total[:, None] - others.sum(axis=1, keepdims=True))
    np.put_along_axis(rounded, largest, np.where(at_largest > 0.0, np.maximum(rest, 0.0), 0.0), axis=1)
    return rounded


def spread_below(values: FloatArray, cap: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Cut values at a cap and give what was cut to the other intervals, by the room they have.

    The sum over the day stays, unless the caps sum to less: then all are at the cap and the day is flagged.
    """
    low = np.minimum(values, cap)
    excess = (values - low).sum(axis=1, keepdims=True)
    room = cap - low
    space = room.sum(axis=1, keepdims=True)
    share = np.minimum(excess / np.where(space > 0.0, space, 1.0), 1.0)
    # A day at its cap to rounding is full, not cut.
    cut = excess > space + 1.0e-12 * cap.sum(axis=1, keepdims=True)
    return np.where(excess > 0.0, np.minimum(low + room * share, cap), values), cut[:, 0]


def vapour_of_day(
    mean: FloatArray, shape: FloatArray, temperature: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """e_k = vp e_g,k / mean(e_g) [Pa], at most saturation at T_k, and the days that saturation cuts."""
    average = shape.mean(axis=1, keepdims=True)
    share = np.where(average > 0.0, shape / np.where(average > 0.0, average, 1.0), 1.0)
    return spread_below(mean[:, None] * share, saturation_vapour_pressure(temperature))


def _vapour_shape(shape: SubdailyShape) -> FloatArray:
    return vapour_pressure(shape.specific_humidity, shape.pressure)


def pressure_at_cell(
    shape: SubdailyShape, temperature: FloatArray, moist: FloatArray, height_difference: FloatArray
) -> FloatArray:
    """p = p_g exp(-g dz / (Rd Tv)) [Pa], Tv from the temperature and humidity of the cell, iterated twice."""
    pressure = shape.pressure
    if not height_difference.any():
        return pressure
    for _ in range(2):
        virtual = temperature * (1.0 + MEAN_VIRTUAL * specific_humidity(moist, pressure))
        scale = DRY_AIR_GAS_CONSTANT * virtual / GRAVITY
        pressure = shape.pressure * np.exp(-height_difference / scale)
    return pressure


def shortwave_of_day(
    mean: FloatArray, shape: SubdailyShape, above: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """F_k = 8 S w_k / (sum w) with w_k = clearness of the reanalysis times the sun above the cell [W/m2].

    The clearness g/(S0 E0 mu) of an interval stays within 0.05 and 1; where the reanalysis has no sun it is
    that of the day. F_k is at most 1.05 S0 E0 mu_k, what is cut goes to other intervals. In the polar night
    F = 0. Flagged are days with more light than the sun can give.
    """
    low, high = CLEARNESS
    bright = shape.sun_above > 0.01 * SOLAR_CONSTANT
    day_sun = shape.sun_above.sum(axis=1, keepdims=True)
    of_day = shape.shortwave.sum(axis=1, keepdims=True) / np.where(day_sun > 0.0, day_sun, 1.0)
    clearness = np.where(bright, shape.shortwave / np.where(bright, shape.sun_above, 1.0), of_day)
    weight = np.clip(clearness, low, high) * above
    total = weight.sum(axis=1, keepdims=True)
    share = weight / np.where(total > 0.0, total, 1.0)
    wanted = BINS_PER_DAY * mean
    values, cut = spread_below(wanted[:, None] * share, SUN_CAP * above)
    dark = total[:, 0] <= 0.0
    kept = np.where(cut | dark, values.sum(axis=1), wanted)
    return close_total(values, kept), cut | (dark & (mean > 0.0))


def longwave_at_cell(
    shape: SubdailyShape, temperature: FloatArray, pressure: FloatArray, humidity: FloatArray
) -> FloatArray:
    """L = L_g [eps(T, e) T^4] / [eps(T_g, e_g) T_g^4], within 50 and 600 W/m2; eps of a clear sky."""
    clear = clear_sky_longwave(temperature, pressure, humidity)
    there = clear_sky_longwave(shape.temperature, shape.pressure, shape.specific_humidity)
    return np.clip(shape.longwave * (clear / there), *LONGWAVE)
