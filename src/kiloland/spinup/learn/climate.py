"""The climate of a cell as physical harmonics: no months in a list, no place, no scaling by data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.dataset.fields import MONTHS

Float = NDArray[np.float64]

FREEZING: Final = 273.15
SECONDS_PER_MONTH: Final = 365.0 / 12.0 * 86400.0
_CENTRE: Final = {"TBOT": 283.0, "FSDS": 180.0, "PBOT": 9.0e4, "FLDS": 300.0}
_SPREAD: Final = {"TBOT": 15.0, "FSDS": 80.0, "PBOT": 1.0e4, "FLDS": 80.0}
CLIMATE_FEATURES: Final = 38


def climate_features(monthly: Mapping[str, Float]) -> Float:
    """Summary of monthly means [cell, 12] of TBOT, FSDS, RAIN, SNOW, QBOT, PBOT, FLDS; [cell, 38].

    Of each field: mean, size of the annual and half-year wave, and the waves' phase against the annual wave
    of temperature, so that both hemispheres look alike: with c_k = (1/6) sum_m x_m exp(-2 pi i k m / 12) and
    phi the angle of c_1 of temperature, c_1 exp(-i phi) and c_2 exp(-2 i phi). Fixed centres and widths
    in physical units; rain, snow and humidity by logarithm, their waves relative to the mean. Then dry
    season (months with P in mm below 2 T in C, the longest run of them), months above 5 C, months of frost,
    share of snow.
    """
    fields = {name: monthly[name] for name in ("TBOT", "FSDS", "PBOT", "FLDS")}
    parts = []
    turn = np.exp(-1j * np.angle(wave(fields["TBOT"], 1)))
    for name, values in fields.items():
        parts.append((values.mean(axis=1) - _CENTRE[name]) / _SPREAD[name])
        parts += turned(values / _SPREAD[name], turn)
    water = np.maximum(monthly["RAIN"] + monthly["SNOW"], 0.0) * SECONDS_PER_MONTH
    for values, scale in ((water, 30.0), (np.maximum(monthly["QBOT"], 0.0), 2.0e-3)):
        mean = values.mean(axis=1)
        parts.append(np.log1p(mean / scale) - 1.0)
        parts += turned(values / (mean[:, None] + 0.1 * scale), turn)
    celsius = monthly["TBOT"] - FREEZING
    dry = water < 2.0 * np.maximum(celsius, 0.0)
    snow = np.maximum(monthly["SNOW"], 0.0).sum(axis=1) * SECONDS_PER_MONTH / (water.sum(axis=1) + 1.0)
    parts += [dry.mean(axis=1), longest_run(dry) / MONTHS, snow]
    parts += [(celsius > 5.0).mean(axis=1), (celsius < 0.0).mean(axis=1)]
    parts += [np.maximum(celsius - 5.0, 0.0).mean(axis=1) / 10.0]
    parts += [np.minimum(water / (2.0 * np.maximum(celsius, 0.0) + 20.0), 3.0).mean(axis=1)]
    parts += [celsius.max(axis=1) / 15.0 - 1.0]
    return np.stack(parts, axis=1)


def wave(values: Float, number: int) -> NDArray[np.complex128]:
    """Complex amplitude of the wave with so many periods a year, [cell]."""
    angle = 2.0 * np.pi * number * (np.arange(MONTHS) + 0.5) / MONTHS
    real, imaginary = values @ np.cos(angle) / 6.0, values @ np.sin(angle) / 6.0
    return np.asarray(real - 1j * imaginary)


def turned(values: Float, turn: NDArray[np.complex128]) -> list[Float]:
    """Annual and half-year wave as real and imaginary part, in the frame of the temperature's season."""
    first, second = wave(values, 1) * turn, wave(values, 2) * turn**2
    return [first.real, first.imag, second.real, second.imag]


def longest_run(marks: NDArray[np.bool_]) -> Float:
    """Longest run of marked months around the year, [cell].

    >>> longest_run(np.array([[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]], bool)).tolist()
    [3.0]
    """
    run = np.zeros(marks.shape[0])
    longest = np.zeros(marks.shape[0])
    for month in range(2 * MONTHS):
        run = np.where(marks[:, month % MONTHS], run + 1.0, 0.0)
        longest = np.maximum(longest, run)
    return np.minimum(longest, float(MONTHS))
