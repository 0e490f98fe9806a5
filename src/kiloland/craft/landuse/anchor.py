"""The first year of a series and the surface file: ELM wants them to be the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiloland.craft.surface.fractions import WHOLE, renormalise
from kiloland.grid.base import FloatArray

CONSISTENT = 1e-13
"""By how much the first year may differ from the surface file, after division by 100."""
UNITS_OF_A_PERCENT = 2**17
"""Steps of the single-precision form: 100 percent is 100 * 2^17 of them, below 2^24."""


@dataclass
class AnchorLedger:
    """What anchoring did to the shares of all years."""

    clipped: int = 0
    """Cells and years in which a share would have left 0 to 100."""
    largest: float = 0.0
    """Greatest difference (percent points) between the change of a share and that of the source."""

    def text(self) -> str:
        """The ledger as a sentence."""
        return (
            f"anchored to the surface file: changes kept, but for {self.clipped} cells and years in which a "
            f"share would have left 0 to 100 (largest loss of change {self.largest:.3g} percent points)"
        )


def anchored(shares: FloatArray, first: FloatArray, surface: FloatArray, ledger: AnchorLedger) -> FloatArray:
    """Shares ``[share, cell]`` of a year (percent) brought to a series that begins with the surface file.

    a = max(surface + (shares - first), 0), then scaled to 100: the changes since the first year are those of
    the source wherever no share would become negative. The first year itself keeps the bits of the surface.
    """
    wanted = surface + (shares - first)
    result, _ = renormalise(np.maximum(wanted, 0.0))
    lost = np.abs(result - wanted).max(axis=0)
    ledger.clipped += int((wanted < -1e-9).any(axis=0).sum())
    ledger.largest = max(ledger.largest, float(lost.max(initial=0.0)))
    same = (shares == first).all(axis=0)
    return np.where(same, surface, result)


def single_precision(shares: FloatArray) -> FloatArray:
    """Shares ``[share, cell]`` in multiples of 2^-17 percent, by largest remainders: sums of exactly 100.

    Such numbers have at most 24 bits, so single precision holds them without loss. A share changes by less
    than 2^-17 percent points (7.63e-6).
    """
    exact = shares * UNITS_OF_A_PERCENT
    units = np.floor(exact)
    missing = np.rint(WHOLE * UNITS_OF_A_PERCENT - units.sum(axis=0)).astype(np.int64)
    order = np.argsort(units - exact, axis=0, kind="stable")
    rank = np.argsort(order, axis=0, kind="stable")
    return np.asarray((units + (rank < missing)) / UNITS_OF_A_PERCENT)
