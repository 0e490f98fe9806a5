"""Cells that are computed together: one local time, and the same points of the reanalysis around them.

Which cells share a group does not show in the results.
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
"""Largest number of cells: arrays of a day over them fit into the processor's cache."""


@dataclass(frozen=True)
class Group:
    """Some ``cells`` (numbers in the band), the ``shift`` of their local day, the ``points`` ``[4]`` around
    them with bilinear weights ``[4, cell]``, and the ``nearest`` of them."""

    cells: IntArray
    shift: int
    points: IntArray
    weight: FloatArray
    nearest: int


def grouped(weights: Weights, shifts: IntArray) -> Iterator[Group]:
    """All cells of the weights, each in one group."""
    keys = np.vstack((shifts, weights.point, weights.nearest))
    order = np.lexsort(keys[::-1])
    new = (np.diff(keys[:, order], axis=1) != 0).any(axis=0)
    for same in np.split(order, np.flatnonzero(new) + 1):
        for begin in range(0, same.size, CELLS):
            cells = same[begin : begin + CELLS]
            one = cells[0]
            yield Group(
                cells,
                int(shifts[one]),
                weights.point[:, one],
                np.ascontiguousarray(weights.weight[:, cells]),
                int(weights.nearest[one]),
            )
