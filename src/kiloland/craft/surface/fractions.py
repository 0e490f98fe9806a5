"""Shares that must be 100 percent together: brought to an exact sum, with a ledger of what was changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kiloland.grid.base import BoolArray, FloatArray

WHOLE: Final = 100.0
NOTICED: Final = 1e-10
"""Percent below which a change is rounding and no change of the data."""


@dataclass
class SumLedger:
    """What was changed so that shares are 100 % together."""

    what: str
    cells: int = 0
    changed: int = 0
    """Cells with a share that changed by more than rounding."""
    largest: float = 0.0
    """Largest change of a share (percent)."""
    worst_cell: int = -1
    """Gridcell id of that change."""
    empty: int = 0
    """Cells without any share, given to the first."""
    dropped: int = 0
    """Cells whose urban share had no urban parameters in reach and was dropped."""

    def record(self, before: FloatArray, after: FloatArray, ids: np.ndarray) -> None:
        """Count the changes of some cells, ``[share, cell]``."""
        change = np.abs(after - before).max(axis=0)
        self.cells += int(change.size)
        self.changed += int((change > NOTICED).sum())
        if change.size and change.max() > self.largest:
            self.largest = float(change.max())
            self.worst_cell = int(ids[int(np.argmax(change))])

    def text(self) -> str:
        """The ledger as a sentence."""
        facts = [f"{self.changed} of {self.cells} cells changed to sum to 100 %"]
        if self.largest > 0.0:
            facts.append(f"largest change {self.largest:.3g} percent points in gridcell {self.worst_cell}")
        if self.empty:
            facts.append(f"{self.empty} cells without any share, given to the first")
        if self.dropped:
            facts.append(f"{self.dropped} cells lost an urban share without urban parameters in reach")
        return f"{self.what}: {'; '.join(facts)}"


def ordered_sum(shares: FloatArray) -> FloatArray:
    """Sum over the first axis, one after the other, as ELM sums."""
    total = np.zeros(shares.shape[1:])
    for share in shares:
        total = total + share
    return total


def renormalise(shares: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Shares ``[share, cell]`` scaled to 100, and where there was nothing to scale.

    s' = 100 s / Σ s; what rounding leaves is put on the largest share until the sum in order is 100, or one
    unit in the last place from it. Without any share the first one becomes 100. Columns whose sum is 100 to
    one unit in the last place already keep their bits.
    """
    shares = np.maximum(shares, 0.0)
    total = ordered_sum(shares)
    empty = total <= 0.0
    shares[0, empty], total[empty] = WHOLE, WHOLE
    kept = np.abs(total - WHOLE) <= np.spacing(WHOLE)
    scaled = np.where(kept, shares, shares * (WHOLE / total))
    largest = np.argmax(scaled, axis=0)
    cell = np.arange(scaled.shape[1])
    for _ in range(4):
        rest = np.where(kept, 0.0, WHOLE - ordered_sum(scaled))
        if not rest.any():
            break
        scaled[largest, cell] += rest
    return scaled, empty
