"""The seven variables of some cells: the steps of :mod:`kiloland.craft.forcing.kernel` in their order."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from kiloland.craft.forcing import kernel
from kiloland.craft.forcing.bins import BINS_PER_DAY
from kiloland.craft.forcing.kernel import WARMEST_HOUR, Bins
from kiloland.craft.forcing.weather import CellSun, DailyWeather, Downscaled, SubdailyShape

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CellShape:
    """A reanalysis at the cells as in :class:`~kiloland.craft.forcing.weather.SubdailyShape`, by interval."""

    temperature: Bins
    specific_humidity: Bins
    pressure: Bins
    longwave: Bins
    wind: Bins
    shortwave: Bins
    sun_above: Bins
    rain: Bins
    rain_around: Bins
    rain_cycle: Bins


@dataclass(frozen=True)
class BlockOfFields:
    """Values by name of the forcing file, and days that could not be kept ``[day, cell]``."""

    fields: dict[str, Bins]
    vapour_cut: Array
    shortwave_cut: Array


def spread_days(
    daily: DailyWeather, shape: CellShape, above: Bins, hour: FloatArray, rise: FloatArray | None
) -> BlockOfFields:
    """All variables of the intervals; ``above`` [W/m2]: the sun over the cells, ``hour`` [h] ``[8, cell]``:
    solar time, ``rise`` [m] ``[cell]``: height of the cells above the reanalysis, None for level ones.

    The first and last day lack a neighbour for the joints; leave them out.
    """
    cosine = np.cos((hour - WARMEST_HOUR) * (2.0 * math.pi / 24.0))
    temperature = kernel.temperature_of_day(
        daily.minimum_temperature, daily.maximum_temperature, shape.temperature, tuple(cosine)
    )
    wanted, saturated = kernel.vapour_shares(
        daily.vapour_pressure, shape.specific_humidity, shape.pressure, temperature
    )
    vapour, vapour_cut = kernel.spread_below(wanted, saturated)
    pressure = shape.pressure
    if rise is not None:
        pressure = kernel.pressure_at_cell(pressure, temperature, vapour, rise)
    humidity, pressure = kernel.humidity_of_day(vapour, pressure, temperature)
    there = (shape.temperature, shape.pressure, shape.specific_humidity)
    shortwave, shortwave_cut = _shortwave(daily.shortwave, shape, above)
    rain, rate = kernel.rain_shares(daily.precipitation, shape.rain, shape.rain_around, shape.rain_cycle)
    return BlockOfFields(
        {
            "TBOT": temperature,
            "QBOT": humidity,
            "PSRF": pressure,
            "FLDS": kernel.longwave_at_cell(shape.longwave, (temperature, pressure, humidity), there),
            "WIND": kernel.wind_at_cell(shape.wind),
            "FSDS": shortwave,
            "PRECTmms": kernel.close_total(rain, rate),
        },
        vapour_cut,
        shortwave_cut,
    )


def _shortwave(mean: FloatArray, shape: CellShape, above: Bins) -> tuple[Bins, Array]:
    weight, cap = kernel.light_weights(shape.shortwave, shape.sun_above, above)
    values, cut = kernel.spread_below(kernel.light_shares(mean, weight), cap)
    kept, lost = kernel.light_kept(mean, weight, values, cut)
    return kernel.close_total(values, kept), lost


def downscale(
    daily: DailyWeather, shape: SubdailyShape, sun: CellSun, height_difference: FloatArray
) -> Downscaled:
    """:func:`spread_days` on arrays ``[day, 8, cell]``, rounded to single precision as in a file."""

    def intervals(values: FloatArray) -> Bins:
        return tuple(jnp.asarray(values[:, k]) for k in range(BINS_PER_DAY))

    cells = CellShape(**{part.name: intervals(getattr(shape, part.name)) for part in fields(SubdailyShape)})
    rise = height_difference if height_difference.any() else None
    done = spread_days(daily, cells, intervals(sun.above), sun.hour, rise)
    return Downscaled(
        {
            name: np.stack(bins, axis=1).astype(np.float32).astype(np.float64)
            for name, bins in done.fields.items()
        },
        np.asarray(done.vapour_cut),
        np.asarray(done.shortwave_cut),
    )
