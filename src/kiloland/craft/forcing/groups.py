"""Cells that are computed together: one local time, and the same points of the reanalysis around them.

Which cells share a group does not show in the results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import calendar_day
from kiloland.atmosphere.orbit import Orbit, declination, half_day
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, SOLAR_CONSTANT, solar_hours
from kiloland.craft.forcing.block import clock
from kiloland.craft.forcing.locate import Weights
from kiloland.craft.forcing.sun import hour_angles

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CELLS: Final = 256
"""Largest number of cells: arrays of a day over them fit into the processor's cache."""
SunOfDay = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Hour angle of sunset, constant and amplitude of the cosine of the zenith angle ``[cell]``, and the sun at
the distance of the day [W/m2] ``[group]``."""


@dataclass(frozen=True)
class Groups:
    """Some cells in the order of their groups; what of a group has several rows lies together, row by row.

    ``order``: the cells' numbers before ``[cell]``; ``bounds`` of the groups in it ``[group + 1]``; by group
    the ``shift`` of the local day, the four ``points`` around ``[group, 4]`` and the ``nearest`` of them;
    ``weight`` ``[4 cell]`` of these points; ``begin`` ``[8 cell]``: hour angles of the beginnings of the
    intervals, their ``sine``, and the ``cosine`` of the daily course of temperature; ``latitude`` [rad].
    """

    order: IntArray
    bounds: IntArray
    shift: IntArray
    points: IntArray
    nearest: IntArray
    weight: FloatArray
    begin: FloatArray
    sine: FloatArray
    cosine: FloatArray
    latitude: FloatArray

    @classmethod
    def of(cls, weights: Weights, shifts: IntArray, longitude: FloatArray, latitude: FloatArray) -> Groups:
        """All cells of the weights, each in one group; longitude, latitude [degrees]."""
        keys = np.vstack((shifts, weights.point, weights.nearest))
        order = np.lexsort(keys[::-1])
        bounds = _bounds(keys[:, order])
        first = order[bounds[:-1]]
        parts = [order[begin:end] for begin, end in pairwise(bounds)]
        angles = [hour_angles(longitude[part], int(shifts[part[0]])) for part in parts]
        clocks = [clock(solar_hours(longitude[part], int(shifts[part[0]]))) for part in parts]
        begin = np.concatenate([part.ravel() for part in angles])
        return cls(
            order,
            bounds,
            shifts[first],
            np.ascontiguousarray(weights.point[:, first].T),
            weights.nearest[first],
            np.concatenate([weights.weight[:, part].ravel() for part in parts]),
            begin,
            np.sin(begin),
            np.concatenate([part.ravel() for part in clocks]),
            np.radians(latitude[order]),
        )

    def sun(self, day: int, orbit: Orbit) -> SunOfDay:
        """The sun over the cells on a local day; its declination is that of the middle of the day."""
        sunset, constant, amplitude = np.empty((3, self.order.size))
        strength = np.empty(self.shift.size)
        sines, cosines = np.sin(self.latitude), np.cos(self.latitude)
        for shift, groups, cells in self._same_time():
            middle = (BINS_PER_DAY * day + shift + BINS_PER_DAY // 2) * BIN_SECONDS
            delta, distance = (float(part) for part in declination(orbit, calendar_day(middle)))
            sunset[cells] = half_day(self.latitude[cells], delta)
            constant[cells], amplitude[cells] = (
                sines[cells] * float(np.sin(delta)),
                cosines[cells] * float(np.cos(delta)),
            )
            strength[groups] = SOLAR_CONSTANT * distance
        return sunset, constant, amplitude, strength

    def _same_time(self) -> Iterator[tuple[int, slice, slice]]:
        """Groups of one local time, which stand together, and their cells."""
        new = np.flatnonzero(np.diff(self.shift)) + 1
        bounds = [0, *new.tolist(), self.shift.size]
        for begin, end in pairwise(bounds):
            yield int(self.shift[begin]), slice(begin, end), slice(self.bounds[begin], self.bounds[end])


def _bounds(keys: IntArray) -> IntArray:
    """Where groups begin among cells with these sorted keys ``[key, cell]``, and the end."""
    new = np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1
    ends = [0, *new.tolist(), keys.shape[1]]
    starts = [np.arange(begin, end, CELLS) for begin, end in pairwise(ends)]
    return np.append(np.concatenate(starts), keys.shape[1])
