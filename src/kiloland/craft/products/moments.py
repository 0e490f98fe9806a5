"""Weighted means and standard deviations of pixels in cells, gathered window by window."""

from __future__ import annotations

import numpy as np

from kiloland.grid.base import FloatArray, IntArray


class Moments:
    """Mean and sum of squared deviations of each cell.

    Windows are joined by Chan's rule, which loses nothing to cancellation:
    δ = m' - m;  m += δ w' / (w + w');  M2 += M2' + δ² w w' / (w + w').
    """

    def __init__(self, cells: int) -> None:
        self.weight = np.zeros(cells)
        self.mean = np.zeros(cells)
        self.squares = np.zeros(cells)

    def add(self, cell: IntArray, value: FloatArray, weight: FloatArray) -> None:
        """Take in values of pixels; those that are NaN are left out."""
        there = np.isfinite(value)
        cell, value, weight = cell[there], value[there], weight[there]
        number = self.weight.size
        total = np.bincount(cell, weight, number)
        safe = np.where(total > 0.0, total, 1.0)
        # Means of deviations from the first estimate keep their digits where values are large and alike.
        middle = np.bincount(cell, weight * value, number) / safe
        middle += np.bincount(cell, weight * (value - middle[cell]), number) / safe
        squares = np.bincount(cell, weight * (value - middle[cell]) ** 2, number)
        joint = self.weight + total
        safe = np.where(joint > 0.0, joint, 1.0)
        apart = middle - self.mean
        self.squares += squares + np.where(total > 0.0, apart**2 * self.weight * total / safe, 0.0)
        self.mean += np.where(total > 0.0, apart * total / safe, 0.0)
        self.weight = joint

    @property
    def means(self) -> FloatArray:
        """Means, NaN without any value."""
        return np.where(self.weight > 0.0, self.mean, np.nan)

    @property
    def deviations(self) -> FloatArray:
        """Standard deviations, sqrt(M2 / w), NaN without any value."""
        safe = np.where(self.weight > 0.0, self.weight, 1.0)
        return np.where(self.weight > 0.0, np.sqrt(self.squares / safe), np.nan)
