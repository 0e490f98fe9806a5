"""Cells that are computed together: one local time, and the same points of the reanalysis around them.

Which cells share a group does not show in the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.orbit import Orbit
from kiloland.craft.forcing.bins import solar_hours
from kiloland.craft.forcing.block import clock
from kiloland.craft.forcing.locate import Weights
from kiloland.craft.forcing.sun import hour_angles, sun_of_day

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CELLS: Final = 256
"""Largest number of cells: arrays of a day over them fit into the processor's cache."""
LANES: Final = 16
"""The number of cells is a multiple of it: the last one stands in for those that lack."""


@dataclass(frozen=True)
class Groups:
    """Some cells in the order of their groups; what of a group has several rows lies together, row by row.

    ``order``: the cells' numbers before ``[cell]``; ``bounds`` of the groups in it ``[group + 1]``, and the
    ``real`` number of cells, of which the others of a group repeat the last. By group
    the ``shift`` of the local day, the four ``points`` around ``[group, 4]`` and the ``nearest`` of them;
    ``weight`` ``[4 cell]`` of these points; ``begin`` ``[8 cell]``: hour angles of the beginnings of the
    intervals, their ``sine``, and the ``cosine`` of the daily course of temperature; ``latitude``
    ``[2, cell]``: its sine and cosine.
    """

    order: IntArray
    bounds: IntArray
    real: IntArray
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
        sequence = np.lexsort(keys[::-1])
        limits = _bounds(keys[:, sequence])
        parts = [_padded(sequence[begin:end]) for begin, end in pairwise(limits)]
        order, first = np.concatenate(parts), sequence[limits[:-1]]
        bounds = np.cumsum([0, *(part.size for part in parts)])
        angles = [hour_angles(longitude[part], int(shifts[part[0]])) for part in parts]
        clocks = [clock(solar_hours(longitude[part], int(shifts[part[0]]))) for part in parts]
        begin, phi = np.concatenate([part.ravel() for part in angles]), np.radians(latitude[order])
        return cls(
            order,
            bounds,
            np.diff(limits),
            shifts[first],
            np.ascontiguousarray(weights.point[:, first].T),
            weights.nearest[first],
            np.concatenate([weights.weight[:, part].ravel() for part in parts]),
            begin,
            np.sin(begin),
            np.concatenate([part.ravel() for part in clocks]),
            np.stack((np.sin(phi), np.cos(phi))),
        )

    def sun(self, day: int, orbit: Orbit) -> FloatArray:
        """Of the groups on a local day: see :func:`~kiloland.craft.forcing.sun.sun_of_day` ``[group, 3]``."""
        known = {shift: sun_of_day(day, shift, orbit) for shift in set(self.shift.tolist())}
        return np.array([known[shift] for shift in self.shift.tolist()])


def _padded(cells: IntArray) -> IntArray:
    """The cells, and the last one again up to a multiple of LANES."""
    return np.append(cells, np.repeat(cells[-1:], -cells.size % LANES))


def _bounds(keys: IntArray) -> IntArray:
    """Where groups begin among cells with these sorted keys ``[key, cell]``, and the end."""
    new = np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1
    ends = [0, *new.tolist(), keys.shape[1]]
    starts = [np.arange(begin, end, CELLS) for begin, end in pairwise(ends)]
    return np.append(np.concatenate(starts), keys.shape[1])
