"""Shares that must be 100 percent together: brought to an exact sum, with a ledger of what was changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from kiloland.grid.base import BoolArray, FloatArray

WHOLE: Final = 100.0
NOTICED: Final = 1e-10
"""Percent below which a change is rounding and no change of the data."""
KEPT_UNITS: Final = ("PCT_NATVEG", "PCT_CROP")
"""Land units that are kept however small their share is."""


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

    def add(self, other: SumLedger) -> None:
        """Take in what a later rank counted."""
        self.cells, self.changed = self.cells + other.cells, self.changed + other.changed
        self.empty, self.dropped = self.empty + other.empty, self.dropped + other.dropped
        if other.largest > self.largest:
            self.largest, self.worst_cell = other.largest, other.worst_cell

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


def fit(shares: FloatArray, fixed: BoolArray) -> FloatArray:
    """Shares ``[share, cell]`` where the ``fixed`` ones stay and the others share what they leave of 100.

    Fixed shares of more than 100 together are scaled to it. Where there is nothing to share the rest, it goes
    to the first share (natural vegetation) unless that is fixed too. Cells without a fixed share stay.
    """
    shares = np.maximum(shares, 0.0)
    given = np.where(fixed, shares, 0.0).sum(axis=0)
    others = np.where(fixed, 0.0, shares).sum(axis=0)
    room = np.maximum(WHOLE - given, 0.0)
    # Sums that miss 100 by rounding keep their bits.
    down = np.where(given > WHOLE + NOTICED, WHOLE / np.maximum(given, WHOLE), 1.0)
    scaled = np.where(fixed, shares * down, shares * room / np.where(others > 0.0, others, 1.0))
    first = (others <= 0.0) & ~fixed[0]
    scaled[0] = np.where(first, room, scaled[0])
    return np.where(fixed.any(axis=0), scaled, shares)


def without_slivers(parts: dict[str, FloatArray], minimum: float) -> dict[str, FloatArray]:
    """Land units of which none but vegetation, crops and the largest has less than ``minimum`` percent.

    A smaller one is given to the others in proportion. Towns count with all their classes together.
    """
    totals = np.stack([part.sum(axis=0) for part in parts.values()])
    largest = totals == totals.max(axis=0)
    cleared = {}
    for number, (name, part) in enumerate(parts.items()):
        small = (totals[number] < minimum) & ~largest[number] & (name not in KEPT_UNITS)
        cleared[name] = np.where(small, 0.0, part)
    shares, _ = renormalise(np.concatenate(list(cleared.values())))
    ends = np.cumsum([part.shape[0] for part in parts.values()])[:-1]
    return dict(zip(parts, np.split(shares, ends), strict=True))


@dataclass
class UnitAreas:
    """Area of every land unit over the land of the domain, before and after slivers were given away.

    In whole square metres: such sums are exact, whatever the order of the cells.
    """

    minimum: float = 0.0
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)
    """Cells that lost a land unit."""

    def record(self, before: dict[str, FloatArray], after: dict[str, FloatArray], area: FloatArray) -> None:
        """Count the land units of some cells with their area (km²)."""
        for name, part in before.items():
            old, new = part.sum(axis=0), after[name].sum(axis=0)
            for sums, share in ((self.before, old), (self.after, new)):
                sums[name] = sums.get(name, 0) + int(np.rint(share * area * 1e4).astype(np.int64).sum())
            self.cleared[name] = self.cleared.get(name, 0) + int(((old > 0.0) & (new == 0.0)).sum())

    def add(self, other: UnitAreas) -> None:
        """Take in what another rank counted."""
        for mine, theirs in (
            (self.before, other.before),
            (self.after, other.after),
            (self.cleared, other.cleared),
        ):
            for name, value in theirs.items():
                mine[name] = mine.get(name, 0) + value

    def text(self) -> str:
        """The areas as a sentence."""
        if self.minimum <= 0.0:
            return "areas (km2): " + "; ".join(f"{name} {km2(v)}" for name, v in self.after.items())
        moved = sum(self.before[name] - self.after[name] for name in self.before if self.cleared[name])
        changes = [
            f"{name} {km2(self.before[name])} to {km2(self.after[name])}"
            + (f", gone from {self.cleared[name]} cells" if self.cleared[name] else "")
            for name in self.before
        ]
        return (
            f"land units below {self.minimum:g} % of the cell given to others, {km2(moved)} km2 together; "
            f"areas (km2): {'; '.join(changes)}; all {km2(sum(self.before.values()))} to "
            f"{km2(sum(self.after.values()))}"
        )


def km2(square_metres: int) -> str:
    """Square metres as km²."""
    return f"{square_metres / 1e6:.3f}"
