"""The sun by which ELM spreads site shortwave over the steps of a sample.

This is not the sun of :mod:`kiloland.atmosphere.orbit`: ELM's site mode has a formula of its own, with a
sinusoidal declination and some constants in single precision. It only decides where shortwave is zero, and
how it is shared between the steps of a sample.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import DAYS_PER_YEAR, SECONDS_PER_DAY, ModelTimes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COSINE_FLOOR: Final = 0.001
"""The sun counts as down at and below this cosine of the zenith angle."""
LARGEST_FACTOR: Final = 10.0
_PI: Final = float(np.float32(np.pi))
_TILT: Final = float(np.float32(23.45))
"""Obliquity [degrees] of the sinusoidal declination, a single-precision number like pi above."""
_RADIANS_PER_MINUTE: Final = 0.0043633


def site_cosine_zenith(
    day_of_year: IntArray, minute_of_day: IntArray, longitude: FloatArray, latitude: FloatArray
) -> FloatArray:
    """Cosine of the zenith angle, at least 0.001 ``[time, cell]``.

    mu = sin(phi) sin(delta) + cos(phi) cos(delta) cos(h), delta = 23.45 deg sin(2 pi (284 + d)/365), with h
    the hour angle from the mean sun [4.3633e-3 rad per minute]. ``day_of_year`` from 1, minute of the day
    (UTC), degrees.
    """
    east = np.where(longitude > 180.0, longitude - 360.0, longitude)[None, :]
    degree = _PI / 180.0
    noon = 12.0 - east / 15.0
    phi = latitude[None, :] * degree
    delta = (_TILT * degree * np.sin(degree * 360.0 * (284.0 + day_of_year) / 365.0))[:, None]
    hour = (minute_of_day // 60 + minute_of_day % 60 / 60.0)[:, None]
    angle = (noon - hour) * 60.0 * _RADIANS_PER_MINUTE
    sine = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(angle)
    altitude = np.maximum(np.arcsin(np.clip(sine, -1.0, 1.0)) * (1.0 / degree), 0.0)
    return np.asarray(np.maximum(np.cos((90.0 - altitude) * _PI / 180.0), COSINE_FLOOR))


def interpolation_factor(
    times: ModelTimes, longitude: FloatArray, latitude: FloatArray, steps_per_sample: int
) -> FloatArray:
    """Factor on the shortwave of the sample that a step belongs to ``[time, cell]``.

    0 where the cosine at the middle of the step is 0.001 or less; else that cosine over its mean at the
    middles of the steps of the sample, at most 10; 1 where each step has its own sample. On the last step of
    the year ELM takes the declination of 1 January.
    """
    half = times.dtime // 2
    starts = times.starts
    here = _cosine(starts, half, longitude, latitude)
    if steps_per_sample == 1:
        mean = here
    else:
        period = steps_per_sample * times.dtime
        first = starts // period * period
        mean = np.zeros_like(here)
        for step in range(steps_per_sample):
            mean += _cosine(first + step * times.dtime, half, longitude, latitude) / steps_per_sample
    return np.where(here > COSINE_FLOOR, np.minimum(here / mean, LARGEST_FACTOR), 0.0)


def _cosine(starts: IntArray, half: int, longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    """Cosine at the middle of the steps that start at ``starts`` [s]."""
    middle = starts + half
    day = middle // SECONDS_PER_DAY % DAYS_PER_YEAR + 1
    last = (middle + half) % (DAYS_PER_YEAR * SECONDS_PER_DAY) == 0
    return site_cosine_zenith(np.where(last, 1, day), middle % SECONDS_PER_DAY // 60, longitude, latitude)
