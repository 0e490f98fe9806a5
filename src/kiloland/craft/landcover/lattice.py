"""Smooth functions of the place in a raster, worked out at nodes and interpolated between them.

A projection costs about a microsecond a point, a raster of 30 m has a thousand pixels in a square kilometre.
Projections are smooth: between nodes some kilometres apart a cubic misses by less than a thousandth of a
pixel. Where it does not (a pole, the cut of a projection) points are worked out one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.grid.base import BoolArray, FloatArray

Functions = Callable[[FloatArray, FloatArray], FloatArray]
"""Rows and columns (pixels, with fractions; one shape) to values ``[function, ...]``."""


@dataclass(frozen=True)
class Lattice:
    """``functions`` with nodes at every ``step`` pixels from the corner of the raster.

    ``tolerance`` ``[function]`` is what interpolation may miss the functions by, compared in the middle of
    each mesh. Nodes belong to the raster, so values do not depend on which others are asked for.
    """

    functions: Functions
    step: int
    tolerance: FloatArray

    def at(self, rows: FloatArray, columns: FloatArray) -> FloatArray:
        """Values ``[function, row, column]`` at ascending rows and columns (pixels, with fractions)."""
        first_row, row_share = self._mesh(rows)
        first_column, column_share = self._mesh(columns)
        node_rows = self._nodes(first_row)
        node_columns = self._nodes(first_column)
        nodes = self._exact(node_rows, node_columns)
        with np.errstate(invalid="ignore"):
            along = _blend(nodes, first_column - first_column[0], column_share, axis=2)
            values = _blend(along, first_row - first_row[0], row_share, axis=1)
            missed = self._missed(nodes, node_rows, node_columns)
        if missed.any():
            row, column = np.nonzero(missed[np.ix_(first_row - first_row[0], first_column - first_column[0])])
            values[:, row, column] = self.functions(rows[row], columns[column])
        return values

    def _mesh(self, positions: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
        """The mesh of each position, and the share of the way through it."""
        place = positions / self.step
        mesh = np.floor(place).astype(np.int64)
        return mesh, place - mesh

    def _nodes(self, mesh: NDArray[np.int64]) -> FloatArray:
        """Positions of the nodes around the meshes: one before the first to two after the last."""
        return self.step * np.arange(mesh[0] - 1, mesh[-1] + 3, dtype=np.float64)

    def _exact(self, rows: FloatArray, columns: FloatArray) -> FloatArray:
        return self.functions(*np.meshgrid(rows, columns, indexing="ij"))

    def _missed(self, nodes: FloatArray, rows: FloatArray, columns: FloatArray) -> BoolArray:
        """Meshes ``[row, column]`` whose middle is missed by more than the tolerance."""
        meshes = np.arange(rows.size - 3), np.arange(columns.size - 3)
        half = np.full(columns.size - 3, 0.5)
        along = _blend(nodes, meshes[1], half, axis=2)
        between = _blend(along, meshes[0], np.full(rows.size - 3, 0.5), axis=1)
        middle = self._exact(rows[1:-2] + 0.5 * self.step, columns[1:-2] + 0.5 * self.step)
        near = np.abs(between - middle) <= self.tolerance[:, None, None]
        return np.asarray(~near.all(axis=0))


def _blend(nodes: FloatArray, first: NDArray[np.int64], share: FloatArray, axis: int) -> FloatArray:
    """Lagrange's cubic through nodes -1, 0, 1, 2 at t = ``share``, along an axis.

    w = -t(t-1)(t-2)/6, (t+1)(t-1)(t-2)/2, -(t+1)t(t-2)/2, (t+1)t(t-1)/6.
    """
    t = share
    weights = (
        -t * (t - 1.0) * (t - 2.0) / 6.0,
        (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
        -(t + 1.0) * t * (t - 2.0) / 2.0,
        (t + 1.0) * t * (t - 1.0) / 6.0,
    )
    shape = [1, 1, 1]
    shape[axis] = -1
    total = np.take(nodes, first, axis=axis) * weights[0].reshape(shape)
    for place in (1, 2, 3):
        part = np.take(nodes, first + place, axis=axis)
        part *= weights[place].reshape(shape)
        total += part
    return np.asarray(total)
