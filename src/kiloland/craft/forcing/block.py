"""The seven variables of some cells: the functions of :mod:`kiloland.craft.forcing.kernel` in their order."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing import kernel
from kiloland.craft.forcing.bins import BINS_PER_DAY
from kiloland.craft.forcing.compiled import compiled
from kiloland.craft.forcing.kernel import SMALLEST_WIND, WARMEST_HOUR, Field
from kiloland.craft.forcing.weather import CellSun, DailyWeather, Downscaled, SubdailyShape

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

FIELDS: Final = ("TBOT", "QBOT", "PSRF", "FLDS", "WIND", "FSDS", "PRECTmms")
"""Order of the fields that are made."""
SMOOTH: Final = (
    "temperature",
    "specific_humidity",
    "pressure",
    "longwave",
    "wind",
    "shortwave",
    "sun_above",
)
"""Order of the fields of a reanalysis that are interpolated."""
RAIN: Final = ("rain", "rain_around", "rain_cycle")


def clock(hour: FloatArray) -> FloatArray:
    """Daily course of temperature without a reanalysis, from the solar time [h]."""
    return np.asarray(np.cos((hour - WARMEST_HOUR) * (2.0 * math.pi / 24.0)))


def rain_weights(rain: FloatArray, around: FloatArray, cycle: FloatArray) -> FloatArray:
    """Weights of the intervals of each day, ``[day, 8, ...]``.

    Precipitation of the reanalysis; where it is dry that of the nine grid points around, then the mean cycle
    of the days around, then even.
    """
    wet, near, usual = (part.sum(axis=1, keepdims=True) > 0.0 for part in (rain, around, cycle))
    return np.where(wet, rain, np.where(near, around, np.where(usual, cycle, 1.0)))


@compiled
def temperature_of_days(
    low: FloatArray, high: FloatArray, shape: FloatArray, cosine: Field, mean: bool, values: FloatArray
) -> None:
    """All days in single precision; ``shape`` and ``values`` ``[day, 8, cell]``.

    The jump between two days is taken out of the last interval of one and the first of the next, half of it
    on each side, but for the step that the pattern has there. With ``mean`` all intervals of a day are moved
    so that their mean is (low + high)/2.
    """
    days, _, count = values.shape
    before, after = np.empty((BINS_PER_DAY, count)), np.empty((BINS_PER_DAY, count))
    stretch_before, stretch_after, move = np.empty(count), np.empty(count), np.empty(count)
    for d in range(days):
        kernel.stretched_day(low[d], high[d], shape[d], cosine, values[d], after, stretch_after)
        if d > 0:
            kernel.joint(before, after, stretch_before, stretch_after, move)
            for c in range(count):
                move[c] = 0.5 * ((values[d, 0, c] - values[d - 1, 7, c]) - move[c])
            kernel.smoothed(values[d - 1], 7, move, 1.0, before, low[d - 1], high[d - 1])
            kernel.smoothed(values[d], 0, move, -1.0, after, low[d], high[d])
        before, after = after, before
        stretch_before, stretch_after = stretch_after, stretch_before
    for d in range(days):
        move[:] = 0.0
        if mean:
            kernel.total(values[d], move)
            for c in range(count):
                move[c] = 0.5 * (low[d, c] + high[d, c]) - move[c] / BINS_PER_DAY
        for k in range(BINS_PER_DAY):
            for c in range(count):
                values[d, k, c] = kernel.single(values[d, k, c] + move[c])


@compiled
def spread_day(
    daily: tuple[FloatArray, FloatArray, FloatArray],
    temperature: Field,
    shape: FloatArray,
    rain: Field,
    above: Field,
    rise: FloatArray,
    out: FloatArray,
    cut: BoolArray,
) -> None:
    """One local day ``out[7, 8, cell]`` in the order of ``FIELDS``, and what could not be kept ``[2, cell]``.

    ``daily``: precipitation, vapour pressure and shortwave; ``shape`` ``[7, 8, cell]`` in the order of
    ``SMOOTH``; ``rain``: weights; ``above``: the sun over the cells [W/m2]; ``rise`` [m] ``[cell]``, of no
    length for level ones.
    """
    count = temperature.shape[1]
    saturated, vapour = np.empty((BINS_PER_DAY, count)), np.empty((BINS_PER_DAY, count))
    pressure, humidity = out[2], out[1]
    for k in range(BINS_PER_DAY):
        for c in range(count):
            out[0, k, c] = temperature[k, c]
            saturated[k, c] = kernel.saturation(temperature[k, c])
            pressure[k, c] = shape[2, k, c]
            wind = shape[4, k, c]
            out[4, k, c] = wind if wind > SMALLEST_WIND else SMALLEST_WIND
    kernel.vapour_of_day(daily[1], shape[1], shape[2], saturated, vapour, cut[0])
    if rise.size:
        kernel.pressure_at_cell(shape[2], temperature, vapour, rise, pressure)
    for k in range(BINS_PER_DAY):
        for c in range(count):
            pressure[k, c] = kernel.single(pressure[k, c])
    kernel.humidity_of_day(vapour, pressure, saturated, humidity)
    here, there = (temperature, pressure, humidity), (shape[0], shape[2], shape[1])
    kernel.longwave_at_cell(shape[3], here, there, out[3])
    kernel.light_of_day(daily[2], shape[5], shape[6], above, out[5], cut[1])
    kernel.rain_of_day(daily[0], rain, out[6])


def downscale(
    daily: DailyWeather,
    shape: SubdailyShape,
    sun: CellSun,
    height_difference: FloatArray,
    *,
    mean: bool = False,
) -> Downscaled:
    """All days of cells with a reanalysis of their own, on arrays ``[day, 8, cell]``; with ``mean`` the mean
    temperature is kept in place of the extremes.

    The first and last day lack a neighbour for the joints.
    """
    days, _, count = shape.temperature.shape
    smooth = np.stack([getattr(shape, name) for name in SMOOTH], axis=1)
    rain = rain_weights(*(getattr(shape, name) for name in RAIN))
    values = [np.asarray(getattr(daily, part.name), np.float64) for part in fields(DailyWeather)]
    temperature = np.empty((days, BINS_PER_DAY, count))
    cosine = clock(sun.hour)
    pattern = np.ascontiguousarray(shape.temperature)
    temperature_of_days(values[0], values[1], pattern, cosine, mean, temperature)
    rise = height_difference if height_difference.any() else np.empty(0)
    out, cut = np.empty((days, 7, BINS_PER_DAY, count)), np.empty((days, 2, count), np.bool_)
    for d in range(days):
        of_day = (values[2][d], values[3][d], values[4][d])
        above = np.ascontiguousarray(sun.above[d])
        spread_day(of_day, temperature[d], smooth[d], rain[d], above, rise, out[d], cut[d])
    found = {name: out[:, v].astype(np.float32).astype(np.float64) for v, name in enumerate(FIELDS)}
    return Downscaled(found, cut[:, 0], cut[:, 1])
