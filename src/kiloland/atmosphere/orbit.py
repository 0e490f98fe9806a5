"""The sun as the land sees it: orbit of a year, declination, distance, zenith angle, length of the day.

All times are calendar days of a year of 365 days (1.0 is 1 January 00:00 UTC), all angles radians. The orbit
follows Berger (1978); see :mod:`kiloland.atmosphere.berger`. The rule by which ELM chooses the time of the
zenith angle is :func:`zenith_day`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiloland.atmosphere.berger import (
    ECCENTRICITY,
    OBLIQUITY,
    OBLIQUITY_CONSTANT,
    PRECESSION,
    PRECESSION_CONSTANT,
    PRECESSION_RATE,
)
from kiloland.atmosphere.calendar import SECONDS_PER_DAY
from kiloland.errors import InputError

FloatArray = NDArray[np.float64]

VERNAL_EQUINOX: Final = 80.5
"""Calendar day at which the sun's true longitude is zero (21 March, noon)."""
VALID_YEARS: Final = 1_000_000
"""The series hold this many years before and after 1950."""
_DEGREE: Final = math.pi / 180.0
_ARC_SECOND: Final = 1.0 / 3600.0


@dataclass(frozen=True)
class Orbit:
    """Orbit of the Earth in one year.

    ``eccentricity`` [1], ``obliquity`` [rad], ``perihelion`` [rad] (longitude of the perihelion from the
    moving vernal equinox, plus pi: the sun is seen from the Earth), ``equinox_mean_longitude`` [rad] (mean
    longitude of the sun when its true longitude is zero).
    """

    eccentricity: float
    obliquity: float
    perihelion: float
    equinox_mean_longitude: float


@lru_cache(maxsize=64)
def orbital_parameters(year: int) -> Orbit:
    """Orbit of the calendar year AD by Berger's series, full length.

    With t = year - 1950: obliquity = eps* + sum A cos(f t + d);  e cos(pi) and e sin(pi) = sum of the
    eccentricity series;  perihelion = pi + psi t + zeta + sum F sin(f' t + d').

    Raises InputError outside 1950 ± 1,000,000 years. Source: Berger (1978), J. Atmos. Sci. 35, eqs 1, 4, 5,
    8.
    """
    t = float(year) - 1950.0
    if abs(t) > VALID_YEARS:
        raise InputError(
            "the orbital series do not hold for this year", found=year, expected=f"1950 ± {VALID_YEARS} years"
        )
    obliquity_sum = 0.0
    for amplitude, rate, phase in OBLIQUITY:
        obliquity_sum += amplitude * _ARC_SECOND * math.cos((rate * _ARC_SECOND * t + phase) * _DEGREE)
    cosine_sum = sine_sum = 0.0
    for amplitude, rate, phase in ECCENTRICITY:
        argument = (rate * _ARC_SECOND * t + phase) * _DEGREE
        cosine_sum += amplitude * math.cos(argument)
        sine_sum += amplitude * math.sin(argument)
    precession_sum = 0.0
    for amplitude, rate, phase in PRECESSION:
        precession_sum += amplitude * _ARC_SECOND * math.sin((rate * _ARC_SECOND * t + phase) * _DEGREE)
    fixed = math.atan2(sine_sum, cosine_sum) % (2.0 * math.pi)
    moving = fixed / _DEGREE + PRECESSION_RATE * _ARC_SECOND * t + PRECESSION_CONSTANT + precession_sum
    perihelion = (moving % 360.0 + 180.0) * _DEGREE
    eccentricity = math.sqrt(cosine_sum * cosine_sum + sine_sum * sine_sum)
    return Orbit(
        eccentricity=eccentricity,
        obliquity=(OBLIQUITY_CONSTANT + obliquity_sum) * _DEGREE,
        perihelion=perihelion,
        equinox_mean_longitude=_mean_longitude_at_equinox(eccentricity, perihelion),
    )


def _mean_longitude_at_equinox(eccentricity: float, perihelion: float) -> float:
    """Mean longitude of the sun at true longitude zero [rad], third order in the eccentricity (Berger,
    p. 2367)."""
    e, b = eccentricity, math.sqrt(1.0 - eccentricity * eccentricity)
    return 2.0 * (
        (0.5 * e + 0.125 * e**3) * (1.0 + b) * math.sin(perihelion)
        - 0.25 * e**2 * (0.5 + b) * math.sin(2.0 * perihelion)
        + 0.125 * e**3 * (1.0 / 3.0 + b) * math.sin(3.0 * perihelion)
    )


def zenith_day(time: ArrayLike, dtime: int, *, run_start: int = 0) -> FloatArray:
    """Calendar day at which ELM evaluates sun and albedo, for the end of a step at ``time``.

    The albedo computed at the end of a step, and kept in the restart, uses the sun at that very moment (the
    start of the next step): both the hour angle and the declination. ELM counts it in steps,
    day = (n / steps per day) mod 365 + 1 with n the steps since the start of the run, and the restarts hold
    the rounding of that quotient; ``calendar_day(time)`` differs from it by up to 3e-13 d. A run that does
    not start on 1 January 00:00 gets a shifted sun in ELM's site mode; pass its own start only to imitate
    that.

    ``time`` and ``run_start`` [s] since 0001-01-01 00:00 (365-day years), ``dtime`` [s].
    """
    steps = (np.asarray(time, dtype=np.int64) - run_start) // dtime
    return np.asarray(np.fmod(steps / (SECONDS_PER_DAY / dtime), 365.0) + 1.0)


def declination(orbit: Orbit, calendar_day: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Declination of the sun [rad] and the square of mean over actual distance [1].

    sin(delta) = sin(obliquity) sin(lambda), with the true longitude lambda from the mean longitude, which
    grows by 2 pi in 365 days from :data:`VERNAL_EQUINOX`; distance factor = [(1 + e cos(lambda - w)) / (1 -
    e²)]². Any shape of ``calendar_day`` [d]. Source: Berger (1978), third order in e.
    """
    e, w = orbit.eccentricity, orbit.perihelion
    day = np.asarray(calendar_day, dtype=np.float64)
    mean = orbit.equinox_mean_longitude + (day - VERNAL_EQUINOX) * 2.0 * math.pi / 365.0
    anomaly = mean - w
    sine = np.sin(anomaly)
    true = mean + e * (
        2.0 * sine
        + e * (1.25 * np.sin(2.0 * anomaly) + e * ((13.0 / 12.0) * np.sin(3.0 * anomaly) - 0.25 * sine))
    )
    inverse_distance = (1.0 + e * np.cos(true - w)) / (1.0 - e * e)
    delta = np.arcsin(math.sin(orbit.obliquity) * np.sin(true))
    return np.asarray(delta), np.asarray(inverse_distance * inverse_distance)


def cosine_zenith(
    calendar_day: ArrayLike, longitude: ArrayLike, latitude: ArrayLike, declination: ArrayLike
) -> FloatArray:
    """Cosine of the solar zenith angle [1], negative below the horizon.

    mu = sin(phi) sin(delta) - cos(phi) cos(delta) cos(2 pi frac(day) + lambda). Arguments broadcast;
    longitude, latitude and declination [rad], day [d].
    """
    day = np.asarray(calendar_day, dtype=np.float64)
    phi, delta = np.asarray(latitude, dtype=np.float64), np.asarray(declination, dtype=np.float64)
    hour = (day - np.floor(day)) * 2.0 * math.pi + np.asarray(longitude, dtype=np.float64)
    return np.asarray(np.sin(phi) * np.sin(delta) - np.cos(phi) * np.cos(delta) * np.cos(hour))


def half_day(latitude: ArrayLike, declination: ArrayLike) -> FloatArray:
    """Hour angle of sunset [rad]: 0 in the polar night, pi in the polar day; arguments broadcast [rad]."""
    phi, delta = np.asarray(latitude, dtype=np.float64), np.asarray(declination, dtype=np.float64)
    # sin/cos products instead of tangents: finite at the poles.
    numerator = -np.sin(phi) * np.sin(delta)
    denominator = np.maximum(np.cos(phi) * np.cos(delta), 1.0e-300)
    return np.asarray(np.arccos(np.clip(numerator / denominator, -1.0, 1.0)))


def day_length(latitude: ArrayLike, declination: ArrayLike) -> FloatArray:
    """Time between sunrise and sunset of the centre of the sun [s]; arguments broadcast [rad].

    2 * 13750.9871 s/rad * h with h = :func:`half_day`: ELM's conversion (86400/(2 pi) is 13750.98708).
    """
    return np.asarray(2.0 * 13750.9871 * half_day(latitude, declination))


def mean_cosine_zenith(
    start_day: ArrayLike, length: float, longitude: ArrayLike, latitude: ArrayLike, declination: ArrayLike
) -> FloatArray:
    """Mean over ``[start, start + length)`` days of max(mu, 0) [1], exact for a fixed declination.

    The integral of sin(phi) sin(delta) + cos(phi) cos(delta) cos(h) over the daylight part of the interval,
    by its antiderivative on every daylight window [2 pi k - H, 2 pi k + H] that it meets. Arguments
    broadcast; 0 < length <= 1 [d].
    """
    start = np.asarray(start_day, dtype=np.float64)
    phi, delta = np.asarray(latitude, dtype=np.float64), np.asarray(declination, dtype=np.float64)
    two_pi = 2.0 * math.pi
    begin = (start - np.floor(start)) * two_pi + np.asarray(longitude, dtype=np.float64) - math.pi
    begin = begin - two_pi * np.floor((begin + math.pi) / two_pi)
    end = begin + length * two_pi
    sunset = half_day(phi, delta)
    constant, amplitude = np.sin(phi) * np.sin(delta), np.cos(phi) * np.cos(delta)
    total = np.zeros(np.broadcast_shapes(begin.shape, sunset.shape))
    for window in (0.0, two_pi):
        low, high = np.maximum(begin, window - sunset), np.minimum(end, window + sunset)
        part = constant * (high - low) + amplitude * (np.sin(high) - np.sin(low))
        total = total + np.where(high > low, part, 0.0)
    return np.asarray(np.maximum(total / (length * two_pi), 0.0))
