"""The reanalysis at its own points, for a month and some days around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.orbit import Orbit
from kiloland.craft.forcing.bins import BINS_PER_DAY
from kiloland.craft.forcing.locate import Weights
from kiloland.craft.forcing.reanalysis import Reanalysis

FloatArray = NDArray[np.float64]

CYCLE_DAYS: Final = 2
"""Days before and after that make the mean cycle of precipitation."""
MARGIN: Final = CYCLE_DAYS + 1
"""Days needed before and after the local days: one more for the difference between local time and UTC."""


@dataclass(frozen=True)
class ShapeOfDays:
    """Fields at the points of a window: ``smooth`` ones ``[7, bin, point]`` in the order of
    ``SMOOTH``, and ``rain`` ``[3, bin, point]``: precipitation, its sum
    over the nine points around, and over the same interval of five days."""

    smooth: FloatArray
    rain: FloatArray

    @classmethod
    def read(
        cls, reanalysis: Reanalysis, weights: Weights, first_day: int, days: int, orbit: Orbit
    ) -> ShapeOfDays:
        """Read what local days ``first_day`` and on need. InputError for values that are missing."""
        window, folder = weights.window, str(reanalysis.series["TBOT"].paths[0].parent)
        begin, end = first_day - MARGIN, first_day + days + MARGIN
        bins = np.arange(begin * BINS_PER_DAY, end * BINS_PER_DAY, dtype=np.int64)
        found = {name: reanalysis.states(name, bins, window) for name in ("TBOT", "PSRF", "FLDS", "WIND")}
        found["QBOT"] = reanalysis.humidity(bins, window)
        found["PRECTmms"] = reanalysis.fluxes("PRECTmms", bins, window)[0]
        found["FSDS"], starts, length = reanalysis.fluxes("FSDS", bins, window)
        values = {name: weights.finite(part, name, folder) for name, part in found.items()}
        sun = reanalysis.sun_above(starts, length, window, orbit)
        light, rain = np.maximum(values["FSDS"], 0.0), np.maximum(values["PRECTmms"], 0.0)
        states = (values[name] for name in ("TBOT", "QBOT", "PSRF", "FLDS", "WIND"))
        return cls(np.stack([*states, light, sun]), np.stack([rain, _around(rain, weights), _cycle(rain)]))


def _around(rain: FloatArray, weights: Weights) -> FloatArray:
    """Sum over the nine points around each point that is nearest to a cell ``[bin, point]``."""
    points = np.zeros((len(weights.around), rain.shape[1]), dtype=np.int64)
    points[:, weights.nearest] = weights.around
    total = rain[:, points[0]]
    for beside in points[1:]:
        total = total + rain[:, beside]
    return total


def _cycle(rain: FloatArray) -> FloatArray:
    """Sum over CYCLE_DAYS before and after of the same interval ``[bin, point]``; fewer days at the ends,
    which serve no cell."""
    total = np.zeros_like(rain)
    for offset in range(-CYCLE_DAYS, CYCLE_DAYS + 1):
        ahead = BINS_PER_DAY * offset
        here, there = slice(max(0, -ahead), len(rain) - max(0, ahead)), slice(max(0, ahead), None)
        total[here] += rain[there][: here.stop - here.start]
    return total
