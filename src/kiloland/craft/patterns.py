"""Smooth made-up fields: sums of a few waves in space, or waves that travel like weather.

Seeded by text, so that every field has its own waves and two fields of one seed differ. A value depends on
the place (and time) alone, never on which other cells are asked for.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.grid import EARTH_RADIUS, Domain

FloatArray = NDArray[np.float64]

WAVELENGTHS = (9.0e3, 17.0e3, 41.0e3, 110.0e3)
"""Of the waves in space [m]."""
DIRECTIONS = 3
"""Of waves for each wavelength."""
CONTRAST = 2.5
"""Of smooth fields: how much of their range they use."""
SECONDS_PER_YEAR = 365 * 86_400
SLOWEST, FASTEST = 14, 160
"""Whole cycles a year of the travelling waves, so that a year of weather can be repeated."""
WAVES_OF_WEATHER = 8
SPEED = (6.0, 14.0)
"""With which weather moves east [m/s]."""


@dataclass(frozen=True)
class Places:
    """Positions of cells: on the sphere ``[3, cell]``, and east of Greenwich along 60 degrees north [m]."""

    position: FloatArray
    east: FloatArray

    @classmethod
    def of_domain(cls, domain: Domain) -> Places:
        """The places of a domain's cells."""
        longitude, latitude = np.radians(domain.longitude), np.radians(domain.latitude)
        axis = np.cos(latitude)
        point = np.stack([axis * np.cos(longitude), axis * np.sin(longitude), np.sin(latitude)])
        return cls(EARTH_RADIUS * point, EARTH_RADIUS * math.cos(math.pi / 3.0) * longitude)


def field(text: str, places: Places) -> FloatArray:
    """A smooth field of places within -1 to 1: tanh(c sum_k a_k cos(2 pi d_k / L_k + phi_k) / sum_k a_k).

    d_k is the distance along a direction in space drawn from the seed ``text``; for each wavelength L_k there
    are three directions, and a_k grows with L_k.
    """
    draw = random.Random(text)
    total = np.zeros(places.position.shape[1])
    norm = 0.0
    for length in WAVELENGTHS:
        amplitude = math.sqrt(length / WAVELENGTHS[-1])
        for _ in range(DIRECTIONS):
            height, angle = draw.uniform(-1.0, 1.0), draw.uniform(0.0, 2.0 * math.pi)
            across = math.sqrt(1.0 - height * height)
            direction = (across * math.cos(angle), across * math.sin(angle), height)
            along = sum(part * axis for part, axis in zip(direction, places.position, strict=True))
            total += amplitude * np.cos(along * (2.0 * math.pi / length) + draw.uniform(0.0, 2.0 * math.pi))
            norm += amplitude
    return np.asarray(np.tanh(total * (CONTRAST / norm)))


def weather(text: str, seconds: NDArray[np.int64], places: Places) -> FloatArray:
    """A field ``[time, cell]`` of mean 0 and variance about 1 that travels east and repeats every year.

    sqrt(2/K) sum_k cos(2 pi n_k (t - x/c_k) / year + phi_k) with n_k, c_k and phi_k drawn from ``text``;
    ``seconds`` from the beginning of the year [s].
    """
    draw = random.Random(text)
    total = np.zeros((len(seconds), len(places.east)))
    for cycles in draw.sample(range(SLOWEST, FASTEST), WAVES_OF_WEATHER):
        speed, phase = draw.uniform(*SPEED), draw.uniform(0.0, 2.0 * math.pi)
        rate = 2.0 * math.pi * cycles / SECONDS_PER_YEAR
        total += np.cos(rate * seconds[:, None] - (rate / speed) * places.east[None, :] + phase)
    return np.asarray(total * math.sqrt(2.0 / WAVES_OF_WEATHER))
