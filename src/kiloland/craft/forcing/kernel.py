"""From daily values to three-hour intervals: one function a variable, for one local day at some cells.

The daily values are kept; a reanalysis gives only how they are spread over the local day. What is written is
single precision, so closure is made there: the values made here are whole single-precision numbers, kept in
double where they are used again.

A field is an array ``[8, cell]``: the intervals of the day at cells beside each other. All is elementwise in
the cells, and sums over the day have one fixed order, so the bits of a cell do not depend on the cells beside
it. The loops are compiled; their arrays fit into the processor's cache, and what is not returned is written
into the arrays that come last.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.derive import (
    _ICE,
    _WATER,
    DRY_AIR_GAS_CONSTANT,
    EPSILON,
    FREEZING,
    ONE_MINUS_EPSILON,
)
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, SOLAR_CONSTANT
from kiloland.craft.forcing.compiled import compiled

Field = NDArray[np.float64]
"""``[8, cell]``."""
Cells = NDArray[np.float64]
"""``[cell]``."""
Flags = NDArray[np.bool_]

GRAVITY: Final = 9.80616
"""m s-2."""
SMALLEST_RANGE: Final = 0.5
"""Daily range of the reanalysis [K] below which its shape is not used."""
LARGEST_STRETCH: Final = 5.0
"""Factor between the daily ranges above which the shape of the reanalysis is not used."""
WARMEST_HOUR: Final = 14.0
"""Solar time of the warmest moment where the reanalysis gives no shape [h]."""
LEAST_CLEARNESS: Final = 0.05
"""Limits of the share of the sun above the atmosphere that reaches the ground."""
BRIGHT: Final = 0.01 * SOLAR_CONSTANT
"""Sun above the atmosphere from which the clearness of an interval is taken from it [W m-2]."""
SUN_CAP: Final = 1.05
"""Largest mean of an interval, in units of the sun above the atmosphere."""
LEAST_LONGWAVE: Final = 50.0
LARGEST_LONGWAVE: Final = 600.0
SMALLEST_WIND: Final = 0.1
MEAN_VIRTUAL: Final = 0.608
"""Tv = T (1 + 0.608 q)."""
STEP: Final = 2.0 * math.pi / BINS_PER_DAY
"""Hour angle of an interval [rad]."""
FULL_TURN: Final = 2.0 * math.pi
EVENING: Final = BINS_PER_DAY - 1
INVERSE_LN_2: Final = 1.4426950408889634
LN_2_HIGH: Final = float.fromhex("0x1.62e42fefa3800p-1")
"""ln 2 to 42 bits: its products with exponents are exact."""
LN_2_LOW: Final = float.fromhex("0x1.ef35793c76730p-45")
SHIFTER: Final = 1.5 * 2.0**52
TAYLOR: Final = tuple(1.0 / math.factorial(n) for n in range(13, -1, -1))
ARCSINE: Final = tuple(
    tuple(math.comb(2 * n, n) / 4**n / (2 * n + 1) for n in range(first, -1, -2)) for first in (22, 23)
)
"""Even and odd coefficients of asin(x)/x by x^2, highest power first: two sums, for one of all terms is not
computed for several cells at once."""


@compiled
def single(value: float) -> float:
    """Rounded to single precision, kept in double."""
    return float(np.float32(value))


@compiled
def total(values: Field, out: Cells) -> None:
    """Sum over the day, in pairs: one order for all sums."""
    for c in range(out.size):
        morning = (values[0, c] + values[1, c]) + (values[2, c] + values[3, c])
        out[c] = morning + ((values[4, c] + values[5, c]) + (values[6, c] + values[7, c]))


@compiled
def bilinear(points: NDArray[np.float64], weight: NDArray[np.float64], out: Field) -> None:
    """Σ_j v_j w_j of points ``[8, 4]`` with weights ``[4, cell]``."""
    for k in range(BINS_PER_DAY):
        p, q, r, s = points[k, 0], points[k, 1], points[k, 2], points[k, 3]
        for c in range(out.shape[1]):
            out[k, c] = ((p * weight[0, c] + q * weight[1, c]) + r * weight[2, c]) + s * weight[3, c]


@compiled
def stretched_day(
    low: Cells, high: Cells, shape: Field, cosine: Field, values: Field, pattern: Field, stretch: Cells
) -> None:
    """T_k = tmin + (tmax - tmin)(g_k - gmin)/(gmax - gmin): both extremes are met [K].

    Where the reanalysis has no daily cycle to speak of (gmax - gmin < 0.5 K, or a stretch above 5) g is
    ``cosine``, with its maximum at 14:00 solar time. Made: ``values``, ``pattern`` g and ``stretch``.
    Midnights are smoothed by :func:`smooth_joint`.
    """
    count = low.size
    least, most = shape[0].copy(), shape[0].copy()
    for k in range(1, BINS_PER_DAY):
        for c in range(count):
            g = shape[k, c]
            least[c] = g if g < least[c] else least[c]
            most[c] = g if g > most[c] else most[c]
    flat = np.empty(count)
    for c in range(count):
        extent = most[c] - least[c]
        lame = (extent < SMALLEST_RANGE) | (high[c] - low[c] > LARGEST_STRETCH * extent)
        flat[c] = 1.0 if lame else 0.0
        least[c], most[c] = np.inf, -np.inf
    for k in range(BINS_PER_DAY):
        for c in range(count):
            g = cosine[k, c] if flat[c] > 0.0 else shape[k, c]
            pattern[k, c] = g
            least[c] = g if g < least[c] else least[c]
            most[c] = g if g > most[c] else most[c]
    for c in range(count):
        stretch[c] = (high[c] - low[c]) / (most[c] - least[c])
    for k in range(BINS_PER_DAY):
        for c in range(count):
            value = low[c] + (pattern[k, c] - least[c]) * stretch[c]
            value = value if value < high[c] else high[c]
            values[k, c] = high[c] if pattern[k, c] == most[c] else value


@compiled
def joint(before: Field, after: Field, stretch_before: Cells, stretch_after: Cells, jump: Cells) -> None:
    """The step of the pattern between two days: its own, times the mean stretch of both [K]."""
    for c in range(jump.size):
        step = after[0, c] - before[EVENING, c]
        jump[c] = 0.5 * (stretch_before[c] + stretch_after[c]) * step


@compiled
def smoothed(
    values: Field, k: int, move: Cells, sign: float, pattern: Field, low: Cells, high: Cells
) -> None:
    """Move interval ``k`` within the extremes of its day; one that is an extreme stays."""
    least, most = pattern[0].copy(), pattern[0].copy()
    for j in range(1, BINS_PER_DAY):
        for c in range(move.size):
            g = pattern[j, c]
            least[c] = g if g < least[c] else least[c]
            most[c] = g if g > most[c] else most[c]
    for c in range(move.size):
        moved = values[k, c] + sign * move[c]
        moved = moved if moved > low[c] else low[c]
        moved = moved if moved < high[c] else high[c]
        extreme = (pattern[k, c] == least[c]) | (pattern[k, c] == most[c])
        values[k, c] = values[k, c] if extreme else moved


@compiled
def close_total(values: Field, wanted: Cells) -> None:
    """Single-precision values whose sum over the day is ``wanted`` to one unit in its last place: the (first)
    largest interval takes what rounding left."""
    count = wanted.size
    largest, chosen, others = np.full(count, -np.inf), np.zeros(count), np.empty(count)
    for k in range(BINS_PER_DAY):
        for c in range(count):
            value = float(np.float32(values[k, c]))
            values[k, c] = value
            more = value > largest[c]
            largest[c] = value if more else largest[c]
            chosen[c] = float(k) if more else chosen[c]
    rounded = np.empty((BINS_PER_DAY, count))
    for k in range(BINS_PER_DAY):
        for c in range(count):
            rounded[k, c] = 0.0 if chosen[c] == float(k) else values[k, c]
    total(rounded, others)
    for c in range(count):
        rest = float(np.float32(wanted[c] - others[c]))
        rest = rest if rest > 0.0 else 0.0
        largest[c] = rest if largest[c] > 0.0 else 0.0
    for k in range(BINS_PER_DAY):
        for c in range(count):
            values[k, c] = largest[c] if chosen[c] == float(k) else values[k, c]


@compiled
def rain_of_day(daily: Cells, weight: Field, values: Field) -> None:
    """P_k = prcp w_k / (sum w) / 10800 s [kg/m2/s], closed; prcp [kg/m2]."""
    rate, sums = daily / BIN_SECONDS, np.empty(daily.size)
    total(weight, sums)
    for k in range(BINS_PER_DAY):
        for c in range(daily.size):
            values[k, c] = rate[c] / sums[c] * weight[k, c]
    close_total(values, rate)


@compiled
def spread_below(values: Field, cap: Field, cut: Flags) -> None:
    """Cut values at a cap and give what was cut to the other intervals, by the room they have.

    The sum over the day stays, unless the caps sum to less: then all are at the cap and the day is flagged.
    """
    count = cut.size
    above, room = np.empty((BINS_PER_DAY, count)), np.empty((BINS_PER_DAY, count))
    for k in range(BINS_PER_DAY):
        for c in range(count):
            excess = values[k, c] - cap[k, c]
            above[k, c] = excess if excess > 0.0 else 0.0
            room[k, c] = 0.0 if excess > 0.0 else -excess
    excess, space, full = np.empty(count), np.empty(count), np.empty(count)
    total(above, excess)
    total(room, space)
    total(cap, full)
    for c in range(count):
        # A day at its cap to rounding is full, not cut.
        cut[c] = excess[c] > space[c] + 1.0e-12 * full[c]
        share = excess[c] / (space[c] if space[c] > 0.0 else 1.0)
        space[c] = share if share < 1.0 else 1.0
    for k in range(BINS_PER_DAY):
        for c in range(count):
            low = values[k, c] if values[k, c] < cap[k, c] else cap[k, c]
            raised = low + room[k, c] * space[c]
            raised = raised if raised < cap[k, c] else cap[k, c]
            values[k, c] = raised if excess[c] > 0.0 else values[k, c]


@compiled
def saturation(temperature: float) -> float:
    """Saturation vapour pressure [Pa], :func:`kiloland.atmosphere.derive.saturation_vapour_pressure`."""
    t = temperature - FREEZING
    t = t if t > -50.0 else -50.0
    t = t if t < 50.0 else 50.0
    ice, water = _ICE[6], _WATER[6]
    for j in range(5, -1, -1):
        ice, water = _ICE[j] + t * ice, _WATER[j] + t * water
    return 100.0 * (water if temperature >= FREEZING else ice)


@compiled
def specific(vapour: float, pressure: float) -> float:
    """q = 0.622 e / (p - 0.378 e) [kg/kg]."""
    return EPSILON * vapour / (pressure - ONE_MINUS_EPSILON * vapour)


@compiled
def vapour_of_day(
    mean: Cells, humidity: Field, pressure: Field, saturated: Field, values: Field, cut: Flags
) -> None:
    """e_k = vp e_g,k / mean(e_g) [Pa] from humidity and pressure of the reanalysis, at most ``saturated``."""
    sums = np.empty(mean.size)
    for k in range(BINS_PER_DAY):
        for c in range(mean.size):
            q = humidity[k, c]
            values[k, c] = q * pressure[k, c] / (EPSILON + ONE_MINUS_EPSILON * q)
    total(values, sums)
    for k in range(BINS_PER_DAY):
        for c in range(mean.size):
            average = sums[c] / BINS_PER_DAY
            factor = mean[c] / (average if average > 0.0 else 1.0)
            values[k, c] = factor * values[k, c] if average > 0.0 else mean[c]
    spread_below(values, saturated, cut)


@compiled
def pressure_at_cell(pressure: Field, temperature: Field, vapour: Field, rise: Cells, values: Field) -> None:
    """p = p_g exp(-g dz / (Rd Tv)) [Pa], Tv from the temperature and humidity of the cell, iterated twice."""
    for k in range(BINS_PER_DAY):
        for c in range(rise.size):
            here = pressure[k, c]
            for _ in range(2):
                virtual = temperature[k, c] * (1.0 + MEAN_VIRTUAL * specific(vapour[k, c], here))
                here = pressure[k, c] * math.exp(-rise[c] * GRAVITY / (DRY_AIR_GAS_CONSTANT * virtual))
            values[k, c] = here


@compiled
def humidity_of_day(vapour: Field, pressure: Field, saturated: Field, values: Field) -> None:
    """Specific humidity at most at saturation, in single precision, at pressures of single precision."""
    for k in range(BINS_PER_DAY):
        for c in range(values.shape[1]):
            p = pressure[k, c]
            value = float(np.float32(specific(vapour[k, c], p)))
            # Rounded up it could exceed saturation by a last bit: the next number below.
            beyond = value > specific(saturated[k, c], p) * (1.0 - 1.0e-14)
            lower = float(np.float32(value * (1.0 - 2.0**-24)))
            values[k, c] = lower if beyond else value


@compiled
def sunset_of_day(
    sine: Cells, cosine: Cells, declination: tuple[float, float], hour: Cells, dusk: Cells
) -> None:
    """Hour angle of sunset H [rad], cos(H) = -tan(phi) tan(delta), 0 in the polar night and pi in the polar
    day, and sin(H); from sines and cosines of the latitudes and of the declination.

    acos(x) = 2 asin(sqrt((1 - x)/2)) for x above 1/2, pi less that of -x below -1/2, pi/2 - asin(x) between,
    with Taylor's series of asin, whose argument is at most 1/2.
    """
    for c in range(hour.size):
        below = cosine[c] * declination[1]
        x = -sine[c] * declination[0] / (below if below > 1.0e-300 else 1.0e-300)
        x = x if x > -1.0 else -1.0
        x = x if x < 1.0 else 1.0
        size = x if x > 0.0 else -x
        dusk[c] = math.sqrt((1.0 - size) * (1.0 + size))
        steep = size > 0.5
        square = 0.5 * (1.0 - size) if steep else x * x
        root = math.sqrt(square)
        even, odd, fourth = ARCSINE[0][0], ARCSINE[1][0], square * square
        for j in range(1, 12):
            even, odd = even * fourth + ARCSINE[0][j], odd * fourth + ARCSINE[1][j]
        series = even + odd * square
        angle = 2.0 * root * series if steep else 0.5 * math.pi - root * series
        hour[c] = math.pi - angle if x < 0.0 else angle


@compiled
def sun_above(
    begin: Field,
    sine: Field,
    sunset: tuple[Cells, Cells],
    latitude: tuple[Cells, Cells],
    declination: tuple[float, float],
    strength: float,
    out: Field,
) -> None:
    """S0 E0 mean(max(mu, 0)) of the intervals [W/m2], exact for the declination of the day.

    mu = c + a cos(h), c = sin(phi) sin(delta), a = cos(phi) cos(delta), integrated over the daylight windows
    [2 pi k - H, 2 pi k + H]. ``begin``: hour angle of the beginnings, from -pi on, ``sine`` its sine;
    ``sunset``: H and its sine; ``latitude`` and ``declination``: sines and cosines; ``strength`` S0 E0.
    """
    hour, dusk = sunset
    longest = 0.0
    for c in range(hour.size):
        longest = hour[c] if hour[c] > longest else longest
    for k in range(BINS_PER_DAY):
        following = (k + 1) % BINS_PER_DAY
        latest = -math.pi
        for c in range(hour.size):
            latest = begin[k, c] if begin[k, c] > latest else latest
        # The light of the next noon is met by few intervals.
        noons = 2 if latest + STEP > FULL_TURN - longest else 1
        for c in range(hour.size):
            out[k, c] = 0.0
        for number in range(noons):
            noon = FULL_TURN * number
            for c in range(hour.size):
                start, end = begin[k, c], begin[k, c] + STEP
                rise, fall = noon - hour[c], noon + hour[c]
                low, sine_low = (start, sine[k, c]) if start >= rise else (rise, -dusk[c])
                high, sine_high = (end, sine[following, c]) if end <= fall else (fall, dusk[c])
                constant, amplitude = latitude[0][c] * declination[0], latitude[1][c] * declination[1]
                part = constant * (high - low) + amplitude * (sine_high - sine_low)
                out[k, c] += part if high > low else 0.0
        for c in range(hour.size):
            value = out[k, c] * (1.0 / STEP)
            out[k, c] = strength * (value if value > 0.0 else 0.0)


@compiled
def light_of_day(mean: Cells, shortwave: Field, sun: Field, above: Field, values: Field, cut: Flags) -> None:
    """F_k = 8 S w_k / (sum w) [W/m2], at most 1.05 of the sun above, closed; 0 in the polar night.

    w_k is the clearness of the reanalysis, g/(S0 E0 mu) within 0.05 and 1, times the sun above the cell;
    where the reanalysis has no sun it is the clearness of the day. ``cut``: days with more light than the sun
    gives.
    """
    count = mean.size
    light, suns, sums = np.empty(count), np.empty(count), np.empty(count)
    total(shortwave, light)
    total(sun, suns)
    for c in range(count):
        light[c] = light[c] / (suns[c] if suns[c] > 0.0 else 1.0)
    cap = np.empty((BINS_PER_DAY, count))
    for k in range(BINS_PER_DAY):
        for c in range(count):
            bright = sun[k, c] > BRIGHT
            clear = shortwave[k, c] / (sun[k, c] if bright else 1.0)
            clear = clear if bright else light[c]
            clear = clear if clear > LEAST_CLEARNESS else LEAST_CLEARNESS
            clear = clear if clear < 1.0 else 1.0
            values[k, c] = clear * above[k, c]
            cap[k, c] = SUN_CAP * above[k, c]
    total(values, sums)
    for c in range(count):
        suns[c] = BINS_PER_DAY * mean[c] / (sums[c] if sums[c] > 0.0 else 1.0)
    for k in range(BINS_PER_DAY):
        for c in range(count):
            values[k, c] = suns[c] * values[k, c]
    spread_below(values, cap, cut)
    total(values, light)
    for c in range(count):
        dark = sums[c] <= 0.0
        light[c] = light[c] if (cut[c] or dark) else BINS_PER_DAY * mean[c]
        cut[c] = cut[c] or (dark and mean[c] > 0.0)
    close_total(values, light)


@compiled
def exponential(x: Cells, out: Cells) -> None:
    """e^x within two units in the last place, for |x| below 700; the library's takes one number at a time.

    x = n ln 2 + r, |r| <= ln 2 / 2: Taylor's series of e^r to r^13, times 2^n made of its bits.
    """
    count = x.size
    whole = np.empty(count)
    for c in range(count):
        # Added to this number, n ends up in the lowest bits.
        whole[c] = x[c] * INVERSE_LN_2 + SHIFTER
        n = whole[c] - SHIFTER
        r = (x[c] - n * LN_2_HIGH) - n * LN_2_LOW
        series = TAYLOR[0]
        for j in range(1, 14):
            series = series * r + TAYLOR[j]
        out[c] = series
    power = whole.view(np.int64)
    for c in range(count):
        power[c] = (power[c] + 1023) << 52
    for c in range(count):
        out[c] *= whole[c]


@compiled
def clear_sky(temperature: Field, pressure: Field, humidity: Field, out: Field) -> None:
    """Clear-sky emission over the Stefan-Boltzmann constant, as
    :func:`kiloland.atmosphere.derive.clear_sky_longwave`."""
    growth = np.empty(out.size)
    for k in range(BINS_PER_DAY):
        for c in range(out.shape[1]):
            out[k, c] = 1500.0 / temperature[k, c]
    exponential(out.reshape(-1), growth)
    for k in range(BINS_PER_DAY):
        row = growth[k * out.shape[1] : (k + 1) * out.shape[1]]
        for c in range(row.size):
            vapour = pressure[k, c] * humidity[k, c] / (EPSILON + ONE_MINUS_EPSILON * humidity[k, c])
            squared = temperature[k, c] * temperature[k, c]
            out[k, c] = (0.70 + 5.95e-7 * vapour * row[c]) * (squared * squared)


@compiled
def longwave_at_cell(
    longwave: Field,
    here: tuple[Field, Field, Field],
    there: tuple[Field, Field, Field],
    values: Field,
) -> None:
    """L = L_g [eps(T, e) T^4] / [eps(T_g, e_g) T_g^4], within 50 and 600 W/m2; eps of a clear sky.

    ``here`` and ``there``: temperature, pressure and humidity of the cell and of the reanalysis.
    """
    source = np.empty(values.shape)
    clear_sky(here[0], here[1], here[2], values)
    clear_sky(there[0], there[1], there[2], source)
    for k in range(BINS_PER_DAY):
        for c in range(values.shape[1]):
            value = longwave[k, c] * (values[k, c] / source[k, c])
            value = value if value > LEAST_LONGWAVE else LEAST_LONGWAVE
            values[k, c] = value if value < LARGEST_LONGWAVE else LARGEST_LONGWAVE
