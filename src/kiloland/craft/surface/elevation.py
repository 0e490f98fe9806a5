"""Linear mapping corrected for elevation by a local weighted regression.

At a target, over the 4 × 4 source cells around it with tent weights w (1 at the target, 0 two cells away),
the field v and the elevation z are regressed on place; with r the part of z that place does not explain,

    β = Σ w r v / max(Σ w r², σ₀² Σ w),        v(target) = L v + β (z* - L z),

where L is the bilinear map and z* the elevation of the target, kept within those of the cells around. A
field a + b z + c x + d y is recovered exactly where the terrain supports a slope (r beyond σ₀ in the root
mean square); on flatter terrain β shrinks to 0 as a ridge regression does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kiloland.craft.surface.interpolate import sixteen
from kiloland.craft.surface.source import SourceGrid
from kiloland.craft.surface.weights import Index, Weights
from kiloland.grid.base import BoolArray, FloatArray

SUPPORT: Final = 50.0
"""σ₀ (m): root mean square of the elevations around, place taken off, from which a slope is believed."""
LEAST_CELLS: Final = 6
"""Cells with values that a regression on place and elevation needs at least."""


@dataclass(frozen=True)
class Heights:
    """Elevation (m) of the source cells and of the targets; NaN where unknown."""

    source: FloatArray
    target: FloatArray


@dataclass(frozen=True)
class HeightWeights:
    """Weights with a correction ``[4 + 16, target]``, and what bounds the values."""

    weights: Weights
    corrected: int
    """Targets where the correction is not 0."""

    @property
    def used(self) -> BoolArray:
        """Source cells that count."""
        return self.weights.used

    def apply(self, layer: FloatArray) -> FloatArray:
        """Values within those of the cells around; ``layer`` ``[source]`` with 0 where it has no value."""
        values = self.weights.apply(layer)
        low, high = np.full(values.shape, np.inf), np.full(values.shape, -np.inf)
        for entry in self.weights.index:
            part = layer[entry]
            np.minimum(low, part, out=low)
            np.maximum(high, part, out=high)
        return np.clip(values, low, high)


def height_weights(
    grid: SourceGrid,
    place: tuple[FloatArray, FloatArray],
    valid: BoolArray,
    heights: Heights,
    linear: Weights,
    block: int,
) -> HeightWeights:
    """Bilinear weights with the correction for targets at ``place`` (longitude, latitude)."""
    assert linear.weight is not None
    number = linear.targets
    index, weight = np.empty((20, number), np.int32), np.empty((20, number))
    corrected = 0
    for start in range(0, number, block):
        cells = slice(start, min(start + block, number))
        corners, shares = linear.index[:, cells], linear.weight[:, cells]
        around, extra = _correction(
            grid, (place[0][cells], place[1][cells]), valid, heights, heights.target[cells], corners, shares
        )
        index[:4, cells], weight[:4, cells] = corners, shares
        # Cells that do not count point to one that does: bounds are those of cells with values.
        index[4:, cells], weight[4:, cells] = np.where(around < 0, corners[:1], around), extra
        corrected += int((extra != 0.0).any(axis=0).sum())
    return HeightWeights(Weights(index, weight, None, linear.ledger, linear.sources, linear.gaps), corrected)


def _correction(
    grid: SourceGrid,
    place: tuple[FloatArray, FloatArray],
    valid: BoolArray,
    heights: Heights,
    target: FloatArray,
    corners: Index,
    shares: FloatArray,
) -> tuple[Index, FloatArray]:
    """The sixteen cells (-1: does not count) and their weights β_k (z* - L z) of a block of targets."""
    around, east, north = sixteen(grid, *place)
    counts = (around >= 0) & valid[np.maximum(around, 0)] & np.isfinite(heights.source[np.maximum(around, 0)])
    around = np.where(counts, around, -1)
    tent = np.where(counts, np.maximum(1.0 - np.abs(east) / 2.0, 0.0), 0.0)
    tent *= np.maximum(1.0 - np.abs(north) / 2.0, 0.0)
    height = np.where(counts, heights.source[np.maximum(around, 0)], 0.0)
    slope, supported = _slope(tent, east, north, height)
    lowest = np.where(counts, height, np.inf).min(axis=0)
    highest = np.where(counts, height, -np.inf).max(axis=0)
    own = (np.where(shares > 0.0, heights.source[corners], 0.0) * shares).sum(axis=0)
    supported &= np.isfinite(target) & np.isfinite(own) & (shares.sum(axis=0) > 0.0)
    step = np.clip(np.where(supported, target, 0.0), lowest, highest) - np.where(supported, own, 0.0)
    extra = np.where(supported, slope * np.where(supported, step, 0.0), 0.0)
    return around.astype(np.int32), np.asarray(extra, np.float64)


def _slope(
    tent: FloatArray, east: FloatArray, north: FloatArray, height: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Weights ``[16, target]`` by which values make β, and where place and height can be told apart."""
    total = tent.sum(axis=0)
    safe = np.where(total > 0.0, total, 1.0)
    x, y, z = (part - (tent * part).sum(axis=0) / safe for part in (east, north, height))
    xx, xy, yy = (tent * x * x).sum(axis=0), (tent * x * y).sum(axis=0), (tent * y * y).sum(axis=0)
    xz, yz = (tent * x * z).sum(axis=0), (tent * y * z).sum(axis=0)
    determinant = xx * yy - xy * xy
    enough = ((tent > 0.0).sum(axis=0) >= LEAST_CELLS) & (determinant > 1e-3 * xx * yy)
    safe_determinant = np.where(enough, determinant, 1.0)
    by_east, by_north = (xz * yy - yz * xy) / safe_determinant, (yz * xx - xz * xy) / safe_determinant
    rest = z - by_east * x - by_north * y
    spread = np.maximum((tent * rest * rest).sum(axis=0), SUPPORT**2 * total)
    return tent * rest / np.where(spread > 0.0, spread, 1.0), enough
