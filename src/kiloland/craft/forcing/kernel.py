"""From daily values to three-hour intervals: one function a variable, pure, for the eight intervals of a day.

The daily values are kept; a reanalysis gives only how they are spread over the local day. What is written is
single precision, so closure is made there: the values returned here are whole single-precision numbers.

A field of intervals is a tuple of eight arrays ``[day, cell]``, :data:`Bins`. All is elementwise in them, so
the bits of a cell do not depend on the cells beside it, and sums over the day have one fixed order. Each
function that is compiled by itself fits into the processor's cache; one program of all of them would compute
the shared parts again for every result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Final

import jax
import jax.numpy as jnp
from jax import Array

from kiloland.atmosphere.derive import (
    _ICE,
    _WATER,
    DRY_AIR_GAS_CONSTANT,
    EPSILON,
    FREEZING,
    ONE_MINUS_EPSILON,
)
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, SOLAR_CONSTANT

jax.config.update("jax_enable_x64", True)

Bins = tuple[Array, ...]
"""Eight arrays ``[day, cell]``, one for each interval of the local day."""

GRAVITY: Final = 9.80616
"""m s-2."""
SMALLEST_RANGE: Final = 0.5
"""Daily range of the reanalysis [K] below which its shape is not used."""
LARGEST_STRETCH: Final = 5.0
"""Factor between the daily ranges above which the shape of the reanalysis is not used."""
WARMEST_HOUR: Final = 14.0
"""Solar time of the warmest moment where the reanalysis gives no shape [h]."""
CLEARNESS: Final = (0.05, 1.0)
"""Limits of the share of the sun above the atmosphere that reaches the ground."""
BRIGHT: Final = 0.01 * SOLAR_CONSTANT
"""Sun above the atmosphere from which the clearness of an interval is taken from it [W m-2]."""
SUN_CAP: Final = 1.05
"""Largest mean of an interval, in units of the sun above the atmosphere."""
LONGWAVE: Final = (50.0, 600.0)
SMALLEST_WIND: Final = 0.1
MEAN_VIRTUAL: Final = 0.608
"""Tv = T (1 + 0.608 q)."""
STEP: Final = 2.0 * math.pi / BINS_PER_DAY
"""Hour angle of an interval [rad]."""


def single(values: Array) -> Array:
    """Rounded to single precision, kept in double."""
    return jax.lax.reduce_precision(values, exponent_bits=8, mantissa_bits=23)


def over_day(function: Callable[[Array, Array], Array], bins: Bins) -> Array:
    """A function of two over the eight intervals, in pairs: one order for all sums ``[day, cell]``."""
    pairs = bins
    while len(pairs) > 1:
        pairs = tuple(function(pairs[k], pairs[k + 1]) for k in range(0, len(pairs), 2))
    return pairs[0]


def total(bins: Bins) -> Array:
    """Sum over the day."""
    return over_day(jnp.add, bins)


def least(bins: Bins) -> Array:
    """Minimum of the day."""
    return over_day(jnp.minimum, bins)


def most(bins: Bins) -> Array:
    """Maximum of the day."""
    return over_day(jnp.maximum, bins)


def above_zero(values: Array) -> Array:
    """Values to divide by: 1 where they are not positive."""
    return jnp.where(values > 0.0, values, 1.0)


@jax.jit
def bilinear(points: Array, weight: Array) -> tuple[Bins, ...]:
    """Σ_j v_j w_j of every field: points ``[field, day, 8, point]``, weights ``[point, cell]``."""

    def at_cells(values: Array) -> Array:
        terms = (values[:, j, None] * weight[j] for j in range(weight.shape[0]))
        return reduce(jnp.add, terms)

    return tuple(
        tuple(at_cells(points[field, :, k]) for k in range(BINS_PER_DAY)) for field in range(points.shape[0])
    )


@jax.jit
def temperature_of_day(low: Array, high: Array, shape: Bins, cosine: Bins) -> Bins:
    """T_k = tmin + (tmax - tmin)(g_k - gmin)/(gmax - gmin): both extremes are met [K].

    Where the reanalysis has no daily cycle to speak of (gmax - gmin < 0.5 K, or a stretch above 5) g is
    ``cosine``, with its maximum at 14:00 solar time. Midnights are smoothed by :func:`smooth_joints`.
    """
    extent = most(shape) - least(shape)
    flat = (extent < SMALLEST_RANGE) | (high - low > LARGEST_STRETCH * extent)
    pattern = tuple(jnp.where(flat, c, g) for c, g in zip(cosine, shape, strict=True))
    smallest, largest = least(pattern), most(pattern)
    stretch = (high - low) / (largest - smallest)
    values = tuple(
        jnp.where(g == largest, high, jnp.minimum(low + (g - smallest) * stretch, high)) for g in pattern
    )
    return tuple(single(value) for value in smooth_joints(values, pattern, stretch))


def smooth_joints(values: Bins, pattern: Bins, stretch: Array) -> Bins:
    """Take the jump between days out of the last interval of one and the first of the next.

    The wanted step is that of the pattern times the mean stretch of both days; half of the difference goes to
    each side, within the extremes of its day. Intervals that are an extreme of their day stay.
    """
    smallest, largest, low, high = least(pattern), most(pattern), least(values), most(values)
    last, first = values[-1][:-1], values[0][1:]
    wanted = 0.5 * (stretch[:-1] + stretch[1:]) * (pattern[0][1:] - pattern[-1][:-1])
    half = 0.5 * ((first - last) - wanted)

    def moved(k: int, part: slice, value: Array) -> Array:
        extreme = (pattern[k] == smallest) | (pattern[k] == largest)
        return jnp.where(extreme[part], values[k][part], jnp.clip(value, low[part], high[part]))

    evening, morning = slice(None, -1), slice(1, None)
    closing = jnp.concatenate([moved(-1, evening, last + half), values[-1][-1:]])
    opening = jnp.concatenate([values[0][:1], moved(0, morning, first - half)])
    return (opening, *values[1:-1], closing)


@jax.jit
def rain_shares(daily: Array, rain: Bins, around: Bins, cycle: Bins) -> tuple[Bins, Array]:
    """P_k = prcp g_k / (sum g) / 10800 s [kg/m2/s], and the sum of the day over 10800 s.

    Where the reanalysis is dry: weights of the nine grid points around, then the mean cycle of the days
    around, then even. To be closed by :func:`close_total`.
    """
    wet, near, usual = total(rain) > 0.0, total(around) > 0.0, total(cycle) > 0.0
    weight = tuple(
        jnp.where(wet, r, jnp.where(near, a, jnp.where(usual, c, 1.0)))
        for r, a, c in zip(rain, around, cycle, strict=True)
    )
    rate = daily / BIN_SECONDS
    factor = rate / total(weight)
    return tuple(factor * w for w in weight), rate


@jax.jit
def close_total(values: Bins, wanted: Array) -> Bins:
    """Single-precision values whose sum over the day is ``wanted`` to one unit in its last place: the (first)
    largest interval takes what rounding left."""
    rounded = tuple(single(value) for value in values)
    largest = most(rounded)
    chosen, taken = [], jnp.zeros(largest.shape, dtype=bool)
    for value in rounded:
        chosen.append((value == largest) & ~taken)
        taken = taken | (value == largest)
    others = total(tuple(jnp.where(at, 0.0, v) for at, v in zip(chosen, rounded, strict=True)))
    rest = jnp.where(largest > 0.0, jnp.maximum(single(wanted - others), 0.0), 0.0)
    return tuple(jnp.where(at, rest, v) for at, v in zip(chosen, rounded, strict=True))


@jax.jit
def spread_below(values: Bins, cap: Bins) -> tuple[Bins, Array]:
    """Cut values at a cap and give what was cut to the other intervals, by the room they have.

    The sum over the day stays, unless the caps sum to less: then all are at the cap and the day is flagged.
    """
    low = tuple(jnp.minimum(v, c) for v, c in zip(values, cap, strict=True))
    excess = total(tuple(v - part for v, part in zip(values, low, strict=True)))
    space = total(tuple(c - part for c, part in zip(cap, low, strict=True)))
    share = jnp.minimum(excess / above_zero(space), 1.0)
    # A day at its cap to rounding is full, not cut.
    cut = excess > space + 1.0e-12 * total(cap)
    spread = tuple(
        jnp.where(excess > 0.0, jnp.minimum(part + (c - part) * share, c), v)
        for v, part, c in zip(values, low, cap, strict=True)
    )
    return spread, cut


def saturation(temperature: Array) -> Array:
    """Saturation vapour pressure [Pa], :func:`kiloland.atmosphere.derive.saturation_vapour_pressure`."""
    celsius = jnp.clip(temperature - FREEZING, -50.0, 50.0)

    def polynomial(coefficients: tuple[float, ...]) -> Array:
        return reduce(
            lambda value, coefficient: coefficient + celsius * value,
            reversed(coefficients[:-1]),
            jnp.full_like(celsius, coefficients[-1]),
        )

    return 100.0 * jnp.where(temperature >= FREEZING, polynomial(_WATER), polynomial(_ICE))


def specific(vapour: Array, pressure: Array) -> Array:
    """q = 0.622 e / (p - 0.378 e) [kg/kg]."""
    return EPSILON * vapour / (pressure - ONE_MINUS_EPSILON * vapour)


@jax.jit
def vapour_shares(mean: Array, humidity: Bins, pressure: Bins, temperature: Bins) -> tuple[Bins, Bins]:
    """e_k = vp e_g,k / mean(e_g) [Pa] from humidity and pressure of the reanalysis, and saturation at T_k."""
    there = tuple(q * p / (EPSILON + ONE_MINUS_EPSILON * q) for q, p in zip(humidity, pressure, strict=True))
    average = total(there) / BINS_PER_DAY
    factor = mean / above_zero(average)
    wanted = tuple(jnp.where(average > 0.0, factor * e, mean) for e in there)
    return wanted, tuple(saturation(t) for t in temperature)


@jax.jit
def pressure_at_cell(pressure: Bins, temperature: Bins, vapour: Bins, rise: Array) -> Bins:
    """p = p_g exp(-g dz / (Rd Tv)) [Pa], Tv from the temperature and humidity of the cell, iterated twice."""

    def moved(there: Array, t: Array, e: Array) -> Array:
        here = there
        for _ in range(2):
            virtual = t * (1.0 + MEAN_VIRTUAL * specific(e, here))
            here = there * jnp.exp(-rise * GRAVITY / (DRY_AIR_GAS_CONSTANT * virtual))
        return here

    return tuple(moved(*part) for part in zip(pressure, temperature, vapour, strict=True))


@jax.jit
def humidity_of_day(vapour: Bins, pressure: Bins, temperature: Bins) -> tuple[Bins, Bins]:
    """Specific humidity at most at saturation, and pressure, both in single precision."""
    pressures = tuple(single(p) for p in pressure)

    def limited(e: Array, p: Array, t: Array) -> Array:
        value = single(specific(e, p))
        # Rounded up it could exceed saturation by a last bit: the next number below.
        beyond = value > specific(saturation(t), p) * (1.0 - 1.0e-14)
        return jnp.where(beyond, single(value * (1.0 - 2.0**-24)), value)

    return tuple(limited(*part) for part in zip(vapour, pressures, temperature, strict=True)), pressures


@jax.jit
def sun_above(
    begin: Array, sine: Array, sunset: Array, constant: Array, amplitude: Array, strength: Array
) -> Bins:
    """S0 E0 mean(max(mu, 0)) of the intervals [W/m2], exact for the declination of the day.

    mu = c + a cos(h), integrated over the daylight windows [2 pi k - H, 2 pi k + H]. ``begin``: hour angle of
    the beginnings, from -pi on ``[8, cell]``, ``sine`` its sine; ``sunset`` H, ``constant`` c and
    ``amplitude`` a ``[day, cell]``; ``strength`` S0 E0 ``[day, 1]``.
    """
    sine_sunset = jnp.sin(sunset)

    def mean(k: int) -> Array:
        start, end = begin[k], begin[k] + STEP
        integral = jnp.zeros_like(sunset)
        for noon in (0.0, 2.0 * math.pi):
            rise, fall = noon - sunset, noon + sunset
            low, high = jnp.maximum(start, rise), jnp.minimum(end, fall)
            sine_low = jnp.where(start >= rise, sine[k], -sine_sunset)
            sine_high = jnp.where(end <= fall, sine[(k + 1) % BINS_PER_DAY], sine_sunset)
            part = constant * (high - low) + amplitude * (sine_high - sine_low)
            integral = integral + jnp.where(high > low, part, 0.0)
        return strength * jnp.maximum(integral * (1.0 / STEP), 0.0)

    return tuple(mean(k) for k in range(BINS_PER_DAY))


@jax.jit
def light_weights(shortwave: Bins, sun: Bins, above: Bins) -> tuple[Bins, Bins]:
    """w_k = clearness of the reanalysis times the sun above the cell, and the cap 1.05 S0 E0 mu_k [W/m2].

    The clearness g/(S0 E0 mu) of an interval stays within 0.05 and 1; where the reanalysis has no sun it is
    that of the day.
    """
    of_day = total(shortwave) / above_zero(total(sun))
    weight = tuple(
        jnp.clip(jnp.where(s > BRIGHT, g / jnp.where(s > BRIGHT, s, 1.0), of_day), *CLEARNESS) * a
        for g, s, a in zip(shortwave, sun, above, strict=True)
    )
    return weight, tuple(SUN_CAP * a for a in above)


@jax.jit
def light_shares(mean: Array, weight: Bins) -> Bins:
    """F_k = 8 S w_k / (sum w) [W/m2]; 0 in the polar night."""
    factor = BINS_PER_DAY * mean / above_zero(total(weight))
    return tuple(factor * w for w in weight)


@jax.jit
def light_kept(mean: Array, weight: Bins, values: Bins, cut: Array) -> tuple[Array, Array]:
    """Sum over the day that can be kept, and the days with more light than the sun can give."""
    dark = total(weight) <= 0.0
    kept = jnp.where(cut | dark, total(values), BINS_PER_DAY * mean)
    return kept, cut | (dark & (mean > 0.0))


def clear_sky(temperature: Array, pressure: Array, humidity: Array) -> Array:
    """Clear-sky emission over the Stefan-Boltzmann constant, as
    :func:`kiloland.atmosphere.derive.clear_sky_longwave`."""
    vapour = pressure * humidity / (EPSILON + ONE_MINUS_EPSILON * humidity)
    squared = temperature * temperature
    return (0.70 + 5.95e-7 * vapour * jnp.exp(1500.0 / temperature)) * (squared * squared)


@jax.jit
def longwave_at_cell(longwave: Bins, here: tuple[Bins, Bins, Bins], there: tuple[Bins, Bins, Bins]) -> Bins:
    """L = L_g [eps(T, e) T^4] / [eps(T_g, e_g) T_g^4], within 50 and 600 W/m2; eps of a clear sky.

    ``here`` and ``there``: temperature, pressure and humidity of the cell and of the reanalysis.
    """
    return tuple(
        jnp.clip(
            longwave[k] * (clear_sky(*(b[k] for b in here)) / clear_sky(*(b[k] for b in there))), *LONGWAVE
        )
        for k in range(BINS_PER_DAY)
    )


@jax.jit
def wind_at_cell(wind: Bins) -> Bins:
    """At least 0.1 m/s."""
    return tuple(jnp.maximum(w, SMALLEST_WIND) for w in wind)
