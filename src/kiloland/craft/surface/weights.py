"""Weights from a source grid to the cells of a domain: worked out once, applied to any number of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kiloland.grid.base import BoolArray, FloatArray

Index = NDArray[np.int32]


@dataclass(frozen=True)
class MappingLedger:
    """What the weights had to do besides their method."""

    cells: int
    partial: int
    """Cells for which some of the source cells hold no value; the others carry their weight."""
    filled: int
    """Cells for which none holds a value: the nearest one that does is taken."""
    farthest_km: float
    """Greatest distance of such a value."""
    off_land: int
    """Filled cells that are no land of the domain, for which the distance has no limit."""

    @classmethod
    def merged(cls, ledgers: Sequence[MappingLedger]) -> MappingLedger:
        """The ledger of the cells of several ranks."""
        return cls(
            sum(ledger.cells for ledger in ledgers),
            sum(ledger.partial for ledger in ledgers),
            sum(ledger.filled for ledger in ledgers),
            max(ledger.farthest_km for ledger in ledgers),
            sum(ledger.off_land for ledger in ledgers),
        )

    def text(self) -> str:
        """The ledger as a clause."""
        if not self.partial and not self.filled:
            return "every cell from values at its place"
        return (
            f"{self.partial} of {self.cells} cells over partly missing values, {self.filled} from the "
            f"nearest value, up to {self.farthest_km:.1f} km away, {self.off_land} of these off land"
        )


@dataclass(frozen=True)
class Weights:
    """A linear map ``target = Σ weight * source`` with at least one entry for each target.

    Without ``offsets`` every target has the same number of entries: ``index`` and ``weight`` are
    ``[entry, target]`` (``weight`` None: 1). With ``offsets`` ``[target + 1]`` the entries of target t are
    ``offsets[t]:offsets[t + 1]``. The entries of a target are summed in their order, whatever other
    targets are asked for, so blocks do not change the bits.
    """

    index: Index
    weight: FloatArray | None
    offsets: NDArray[np.int64] | None
    ledger: MappingLedger
    sources: int
    """Number of source cells."""
    gaps: BoolArray | None = None
    """Targets without any value ``[target]`` (their weights are 0): NaN; None: every target has one."""

    @property
    def targets(self) -> int:
        """Number of target cells."""
        return int(self.index.shape[1] if self.offsets is None else self.offsets.size - 1)

    @property
    def bytes(self) -> int:
        """Memory."""
        parts = (self.index, self.weight, self.offsets)
        return sum(part.nbytes for part in parts if part is not None)

    def apply(self, layer: FloatArray, cells: slice = slice(None)) -> FloatArray:
        """The target values of a layer ``[source]``, for all targets or a stretch of them."""
        values = self._summed(layer, cells)
        return values if self.gaps is None else np.where(self.gaps[cells], np.nan, values)

    @property
    def missing(self) -> BoolArray:
        """Targets without any value."""
        return np.zeros(self.targets, dtype=bool) if self.gaps is None else self.gaps

    def _summed(self, layer: FloatArray, cells: slice) -> FloatArray:
        if self.offsets is not None:
            return self._apply_overlaps(layer, self.offsets, cells)
        index = self.index[:, cells]
        if self.weight is None:
            return np.asarray(np.take(layer, index[0]))
        weight = self.weight[:, cells]
        total = np.take(layer, index[0])
        total *= weight[0]
        for entry in range(1, index.shape[0]):
            part = np.take(layer, index[entry])
            part *= weight[entry]
            total += part
        return np.asarray(total)

    def _apply_overlaps(self, layer: FloatArray, offsets: NDArray[np.int64], cells: slice) -> FloatArray:
        assert self.weight is not None
        start, stop, _ = cells.indices(self.targets)
        if start >= stop:
            return np.zeros(0)
        first, last = int(offsets[start]), int(offsets[stop])
        products = np.take(layer, self.index[first:last]) * self.weight[first:last]
        return np.asarray(np.add.reduceat(products, offsets[start:stop] - first))

    @cached_property
    def used(self) -> BoolArray:
        """Which source cells ``[cell]`` any target takes something from."""
        used = np.zeros(self.sources, dtype=bool)
        if self.weight is not None:
            used[self.index[self.weight != 0.0]] = True
        elif self.gaps is None:
            used[self.index.reshape(-1)] = True
        else:
            used[self.index[0, ~self.gaps]] = True
        return used

    def source_areas(self, target_area: FloatArray) -> FloatArray:
        """Area of the targets that each source cell stands for: Σ_t weight(t, s) * area(t)."""
        weight = np.ones(self.index.shape) if self.weight is None else self.weight
        if self.offsets is None:
            area = np.broadcast_to(target_area, self.index.shape)
        else:
            area = np.repeat(target_area, np.diff(self.offsets))
        shared = (weight * area).reshape(-1)
        return np.asarray(np.bincount(self.index.reshape(-1), shared, self.sources), np.float64)
