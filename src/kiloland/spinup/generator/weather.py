"""Weather of every day from the monthly climate: a forcing cycle of a few years that repeats.

Temperature: monthly means joined by straight lines, an anomaly of the year, and a daily anomaly with a
memory of a few days. Precipitation: wet days come in spells (two-state chain); the amounts of a month are
exponential and sum to the month's total of that year. Light: extraterrestrial radiation of the day times
0.25 + 0.5 sunshine, less on wet days. Every cell draws from its own stream, which depends on the seed and
the number of the cell alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import DAYS, MONTH_LENGTHS, MONTH_OF_DAY

SOLAR_CONSTANT = 1361.0
WET_MEMORY = 0.35
ANOMALY_MEMORY = 0.75


@dataclass(frozen=True)
class DailyWeather:
    """Weather of a cycle, ``day cell``."""

    temperature: FloatArray
    """C."""
    precipitation: FloatArray
    """mm day-1."""
    light: FloatArray
    """Shortwave radiation, W m-2."""
    daylength: FloatArray
    """Hours; one year."""


def stream(seed: int, purpose: int, identity: int) -> np.random.Generator:
    """The random numbers of one cell for one purpose."""
    return np.random.Generator(np.random.Philox(key=[(seed << 8) + purpose, identity]))


def daily_weather(climate: Climate, seed: int, years: int) -> DailyWeather:
    """The weather of a block of cells."""
    cells, days = len(climate.identity), DAYS * years
    normal = np.empty((2, days, cells))
    uniform = np.empty((2, days, cells))
    yearly = np.empty((2, years, cells))
    for position, identity in enumerate(climate.identity):
        source = stream(seed, 1, int(identity))
        normal[:, :, position] = source.standard_normal((2, days))
        uniform[:, :, position] = source.random((2, days))
        yearly[:, :, position] = source.standard_normal((2, years))
    # Anomalies of the years cancel over the cycle, so that the climate is the given one.
    yearly -= yearly.mean(axis=1, keepdims=True)
    spread = np.clip(
        2.0 + 0.08 * (climate.temperature.max(axis=0) - climate.temperature.min(axis=0)), 1.0, 5.0
    )
    base = np.tile(straight_lines(climate.temperature), (years, 1))
    temperature = base + spread * remembered(normal[0], ANOMALY_MEMORY)
    temperature += np.repeat(yearly[0], DAYS, axis=0) * 0.25 * spread
    wet, rain = precipitation(climate.precipitation, uniform, yearly[1], years)
    light, daylength = radiation(climate, wet, years)
    return DailyWeather(temperature, rain, light, daylength)


def straight_lines(monthly: FloatArray) -> FloatArray:
    """Daily values on straight lines between the middles of the months; ``day cell`` of one year."""
    ends = np.cumsum(MONTH_LENGTHS)
    middle = ends - MONTH_LENGTHS / 2.0
    day = np.arange(DAYS) + 0.5
    before = np.searchsorted(middle, day, side="right") - 1
    after = (before + 1) % 12
    start = middle[before] - np.where(before < 0, DAYS, 0)
    length = (middle[after] - middle[before]) % DAYS
    share = ((day - start) / length)[:, None]
    return np.asarray((1.0 - share) * monthly[before] + share * monthly[after])


def remembered(noise: FloatArray, memory: float) -> FloatArray:
    """A first-order chain of unit variance that starts where it ends, near enough."""
    value = np.zeros(noise.shape[1])
    scale = np.sqrt(1.0 - memory * memory)
    result = np.empty_like(noise)
    for day in (*range(len(noise) - 20, len(noise)), *range(len(noise))):
        value = memory * value + scale * noise[day]
        result[day] = value
    return result


def precipitation(
    monthly: FloatArray, uniform: FloatArray, yearly: FloatArray, years: int
) -> tuple[NDArray[np.bool_], FloatArray]:
    """Wet days and amounts, mm day-1."""
    month = np.tile(MONTH_OF_DAY, years)
    chance = np.clip(monthly / (monthly + 60.0), 0.03, 0.85)[month]
    wet = np.empty(uniform.shape[1:], np.bool_)
    before = np.zeros(uniform.shape[2], np.bool_)
    for day in (*range(len(wet) - 10, len(wet)), *range(len(wet))):
        now = chance[day] + WET_MEMORY * (before - chance[day])
        before = uniform[0, day] < now
        wet[day] = before
    amount = np.where(wet, -np.log1p(-uniform[1] * (1.0 - 1e-12)) + 0.05, 0.0)
    factor = np.clip(1.0 + 0.18 * yearly, 0.4, 1.6)
    factor = factor / factor.mean(axis=0)
    rain = np.empty_like(amount)
    start = 0
    for year in range(years):
        for number, length in enumerate(MONTH_LENGTHS):
            part = amount[start : start + length]
            total = part.sum(axis=0)
            # A month without a wet day drizzles on all of them.
            part = np.where(total > 0.0, part, 1.0)
            rain[start : start + length] = part * (monthly[number] * factor[year] / part.sum(axis=0))
            start += length
    return wet, rain


def radiation(climate: Climate, wet: NDArray[np.bool_], years: int) -> tuple[FloatArray, FloatArray]:
    """Shortwave radiation, W m-2, and hours of daylight (``day cell`` of one year)."""
    day = np.arange(DAYS)[:, None] + 0.5
    declination = -0.4093 * np.cos(2.0 * np.pi * (day + 10.0) / DAYS)
    latitude = np.deg2rad(climate.latitude)
    product = np.clip(-np.tan(latitude) * np.tan(declination), -1.0, 1.0)
    hour = np.arccos(product)
    distance = 1.0 + 0.033 * np.cos(2.0 * np.pi * day / DAYS)
    above = SOLAR_CONSTANT / np.pi * distance
    above = above * (
        hour * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(hour)
    )
    sky = 0.25 + 0.5 * np.tile(straight_lines(climate.sunshine), (years, 1))
    light = np.tile(np.maximum(above, 0.0), (years, 1)) * sky * np.where(wet, 0.75, 1.1)
    return light, np.asarray(24.0 / np.pi * hour)
