"""Bicubic splines on a regular grid: tensor products of cubic splines with not-a-knot ends.

On equal steps a cubic spline is s(x) = Σ c_k B(x - k) with the cubic B-spline B. Its coefficients follow from
(c_{k-1} + 4 c_k + c_{k+1}) / 6 = v_k; not-a-knot (one cubic over the first two and the last two steps) gives
c_1 = (8 v_1 - v_0 - v_2) / 6, and the same at the other end. Around the Earth the spline is periodic.
de Boor, A Practical Guide to Splines, chapter IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.interpolate import sixteen
from kiloland.craft.surface.source import SourceGrid
from kiloland.craft.surface.weights import Weights
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray

LEAST: Final = 4
"""Rows and columns that a cubic with not-a-knot ends needs."""
BLOCK: Final = 1 << 14
"""Targets whose sums are made at once: their arrays stay in the cache."""
MARGIN: Final = 12
"""Rows beyond the domain that are read: what lies farther away counts less than 0.27 ** 12 = 1.5e-7."""


def coefficients(values: FloatArray) -> FloatArray:
    """B-spline coefficients ``[n + 2, ...]`` of values ``[n, ...]`` at whole numbers, not-a-knot ends.

    Entry k belongs to the place k - 1. Needs four values or more.
    """
    number = values.shape[0]
    found = np.zeros((number + 2, *values.shape[1:]))
    inner = found[1:-1]
    inner[1] = (8.0 * values[1] - values[0] - values[2]) / 6.0
    inner[-2] = (8.0 * values[-2] - values[-1] - values[-3]) / 6.0
    ratio, previous = np.zeros(number), inner[1]
    for k in range(2, number - 2):  # elimination of c_{k-1}, then substitution from the north
        ratio[k] = 1.0 / (4.0 - ratio[k - 1])
        previous = (6.0 * values[k] - previous) * ratio[k]
        inner[k] = previous
    for k in range(number - 3, 1, -1):
        inner[k] -= ratio[k] * inner[k + 1]
    for end, step in ((0, 1), (-1, -1)):
        inner[end] = 6.0 * values[end + step] - 4.0 * inner[end + step] - inner[end + 2 * step]
    found[0] = 6.0 * values[0] - 4.0 * inner[0] - inner[1]
    found[-1] = 6.0 * values[-1] - 4.0 * inner[-1] - inner[-2]
    return found


def periodic_coefficients(values: FloatArray) -> FloatArray:
    """B-spline coefficients ``[n + 3, ...]`` of values ``[n, ...]`` that repeat after n steps.

    The equations are a circular convolution, which is a product of Fourier coefficients.
    """
    number = values.shape[0]
    wave = 2.0 * np.pi * np.arange(number // 2 + 1) / number
    response = (4.0 + 2.0 * np.cos(wave)) / 6.0
    spectrum = np.fft.rfft(values, axis=0) / response.reshape(-1, *[1] * (values.ndim - 1))
    inner = np.fft.irfft(spectrum, number, axis=0)
    return np.concatenate([inner[-1:], inner, inner[:2]])


def basis(way: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The four B-splines that reach a place a ``way`` (0 to 1) between two knots."""
    back, square = 1.0 - way, way * way
    first, last = back * back * back / 6.0, square * way / 6.0
    second = (0.5 * way - 1.0) * square + 2.0 / 3.0
    return first, second, 1.0 - first - second - last, last


@dataclass(frozen=True)
class Spline:
    """Splines at some targets, and bilinear values where a spline has not all it needs."""

    grid: SourceGrid
    linear: Weights
    filling: NDArray[np.int32]
    """Nearest source cell with a value of every source cell; it stands in gaps of the coefficients."""
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    """Cell to the south-west of each target."""
    way_north: FloatArray
    way_east: FloatArray
    smooth: BoolArray
    """Targets with values in all 4 × 4 cells around (those beyond the edge of the grid do not count)."""
    used: BoolArray
    """Source cells with a value in any of these."""

    @classmethod
    def make(
        cls,
        grid: SourceGrid,
        place: tuple[FloatArray, FloatArray],
        valid: BoolArray,
        linear: Weights,
        filling: NDArray[np.int32],
    ) -> Spline:
        """For targets at ``place`` (longitude, latitude). Raises InputError for a grid below 4 × 4 cells."""
        if min(grid.rows, grid.columns) < LEAST:
            raise InputError(
                "too few cells for a spline", found=f"{grid.rows} x {grid.columns}", expected="4 x 4 or more"
            )
        row, column = grid.position(*place)
        last = grid.columns - (1 if grid.cyclic else 2)
        south = np.clip(np.floor(row), 0, grid.rows - 2)
        west = np.clip(np.floor(column), -1 if grid.cyclic else 0, last)
        inside = (row >= 0.0) & (row <= grid.rows - 1.0) & (linear.missing == 0)
        if not grid.cyclic:
            inside &= (column >= 0.0) & (column <= grid.columns - 1.0)
        smooth, used = np.zeros(inside.size, dtype=bool), linear.used.copy()
        for start in range(0, inside.size, BLOCK):
            cells = slice(start, start + BLOCK)
            around = sixteen(grid, place[0][cells], place[1][cells])[0]
            there = (around < 0) | valid[np.maximum(around, 0)]
            smooth[cells] = inside[cells] & there.all(axis=0)
            near = around[:, smooth[cells]]
            used[near[near >= 0]] = True
        return cls(
            grid,
            linear,
            filling,
            south.astype(np.int32),
            np.mod(west, grid.columns).astype(np.int32) if grid.cyclic else west.astype(np.int32),
            row - south,
            column - west,
            smooth,
            used,
        )

    @property
    def bytes(self) -> int:
        """Memory besides the linear weights."""
        parts = (self.filling, self.row, self.column, self.way_north, self.way_east, self.smooth)
        return sum(part.nbytes for part in parts)

    def apply(self, layer: FloatArray, *, monotone: bool = False) -> FloatArray:
        """Values ``[target]`` of a layer ``[source]``, NaN where it has none.

        ``monotone``: no value outside those of the four cells around.
        """
        known = np.where(np.isfinite(layer), layer, 0.0)
        values = self.linear.apply(known)
        field = known[self.filling].reshape(self.grid.rows, self.grid.columns)
        along = periodic_coefficients if self.grid.cyclic else coefficients
        surface = coefficients(np.ascontiguousarray(along(field.T).T))
        for start in range(0, values.size, BLOCK):
            cells = slice(start, start + BLOCK)
            at = self.smooth[cells]
            total = self._sums(surface, cells)[at]
            if monotone:
                corners = known[self.linear.index[:, cells][:, at]]
                total = np.clip(total, corners.min(axis=0), corners.max(axis=0))
            values[cells][at] = total
        return values

    def _sums(self, surface: FloatArray, cells: slice) -> FloatArray:
        """Σ B(row) B(column) c over the 4 × 4 coefficients around a stretch of targets."""
        width = surface.shape[1]
        flat, first = surface.reshape(-1), self.row[cells].astype(np.int64) * width + self.column[cells]
        east = basis(self.way_east[cells])
        total = np.zeros(first.size)
        for j, north in enumerate(basis(self.way_north[cells])):
            along = np.zeros(first.size)
            for i, part in enumerate(east):
                along += part * np.take(flat, first + (j * width + i))
            total += north * along
        return total
