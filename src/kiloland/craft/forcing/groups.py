"""Cells that are computed together: one local time, and few points of the reanalysis around them.

Every group has the same shape, so one compiled program serves all; places that are left are filled with the
first cell. Which cells share a group does not show in the results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.locate import Weights

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CELLS: Final = 256
"""Places of a group: arrays of a month over them fit into the processor's cache."""
POINTS: Final = 8
"""Points of the reanalysis that a group can refer to."""


@dataclass(frozen=True)
class Group:
    """``count`` cells ``[CELLS]`` (numbers in the band), the ``shift`` of their local day, the points
    ``[POINTS]``, and weights ``[POINTS, CELLS]``: bilinear ones, and 1 at the nearest point."""

    cells: IntArray
    count: int
    shift: int
    points: IntArray
    weight: FloatArray
    nearest: FloatArray


def grouped(weights: Weights, shifts: IntArray) -> Iterator[Group]:
    """All cells of the weights, each in one group."""
    order = np.lexsort((*weights.point[::-1], shifts))
    keys = np.vstack((shifts, weights.point))[:, order]
    new = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    members: list[IntArray] = []
    points: set[int] = set()
    room, shift = CELLS, int(keys[0, 0])
    for same in np.split(order, new):
        around = set(weights.point[:, same[0]].tolist())
        if members and (len(points | around) > POINTS or shift != shifts[same[0]]):
            yield _group(weights, np.concatenate(members), shift)
            members, points, room = [], set(), CELLS
        shift, rest = int(shifts[same[0]]), same
        while rest.size:
            members, points = [*members, rest[:room]], points | around
            rest, room = rest[room:], room - min(room, rest.size)
            if room == 0:
                yield _group(weights, np.concatenate(members), shift)
                members, points, room = [], set(), CELLS
    if members:
        yield _group(weights, np.concatenate(members), shift)


def _group(weights: Weights, members: IntArray, shift: int) -> Group:
    cells = np.concatenate((members, np.full(CELLS - members.size, members[0])))
    points = np.unique(weights.point[:, cells])
    places = np.arange(CELLS)
    weight, nearest = np.zeros((2, POINTS, CELLS))
    for point, share in zip(weights.point[:, cells], weights.weight[:, cells], strict=True):
        weight[np.searchsorted(points, point), places] += share
    nearest[np.searchsorted(points, weights.nearest[cells]), places] = 1.0
    padded = np.concatenate((points, np.full(POINTS - points.size, points[0])))
    return Group(cells, members.size, shift, padded, weight, nearest)
