"""Scaling of inputs, fitted on training cells only and kept with the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

LARGEST = 6.0
"""Scaled inputs are cut at so many standard deviations; how far a cell is outside is told elsewhere."""


@dataclass(frozen=True)
class Scaler:
    """z = (asinh(x / size) - mean) / spread of each number, cut at +-6; vectors over numbers.

    asinh is linear below ``size`` and a logarithm above, so pools and fluxes of any sign and magnitude fit.
    """

    size: Float
    mean: Float
    spread: Float

    @classmethod
    def fitted(cls, values: Float) -> Scaler:
        """From training values [sample, number]; NaN and zero entries do not set the size."""
        there = np.where(np.isfinite(values) & (values != 0.0), np.abs(values), np.nan)
        has = np.isfinite(there).any(axis=0)
        size = np.ones(values.shape[1])
        size[has] = 0.1 * np.nanmedian(there[:, has], axis=0)
        bent = np.arcsinh(np.nan_to_num(values) / size)
        spread = bent.std(axis=0)
        return cls(size, bent.mean(axis=0), np.where(spread > 1e-6, spread, 1.0))

    def scaled(self, values: Float) -> NDArray[np.float32]:
        """Scaled values, last axis numbers; what is no number counts as zero before scaling."""
        bent = np.arcsinh(np.nan_to_num(values) / self.size)
        return np.clip((bent - self.mean) / self.spread, -LARGEST, LARGEST).astype(np.float32)
