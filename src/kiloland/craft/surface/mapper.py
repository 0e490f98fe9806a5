"""From a source grid to target cells: the weights of each method and mask, made once and kept."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.elevation import Heights, HeightWeights, height_weights
from kiloland.craft.surface.interpolate import bilinear, majority
from kiloland.craft.surface.nearest import NearestValue
from kiloland.craft.surface.overlap import overlaps
from kiloland.craft.surface.source import SourceGrid
from kiloland.craft.surface.spline import Spline
from kiloland.craft.surface.table import Method
from kiloland.craft.surface.weights import Index, MappingLedger, Weights
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray
from kiloland.grid.domain import Domain

BLOCK: Final = 1 << 17
"""Target cells whose weights are worked out at once."""
LEAST_LIMIT_KM: Final = 100.0
SPLINES: Final = (Method.SPLINE, Method.SPLINE_MONOTONE)


def default_limit_km(grid: SourceGrid, domain: Domain) -> float:
    """Distance (km) from which a value may be taken where a cell has none at its place.

    The greatest of 100 km, 1.5 times the way from a source cell's centre to its corner, and the way on which
    a source cell can still lie in a cell of the domain (half diagonals of both; that of a square for the
    domain's largest cell).
    """
    return limit_for_cells(grid, float(domain.area_km2.max()))


def limit_for_cells(grid: SourceGrid, largest_km2: float) -> float:
    """The distance of :func:`default_limit_km` for a domain whose largest cell has this area (km²)."""
    cell = float(np.sqrt(0.5 * largest_km2))
    return max(LEAST_LIMIT_KM, 1.5 * grid.diagonal_km(), grid.diagonal_km() + cell)


class AnyMapper(ABC):
    """Maps layers of some source to the cells of a domain; weights are kept for every method and mask."""

    domain: Domain
    kept: dict[tuple[Method, str], Weights]

    @abstractmethod
    def _make(self, method: Method, valid: BoolArray, what: str) -> Weights:
        """Weights of one of the methods that are linear maps."""

    @property
    def bytes(self) -> int:
        """Memory of all that is kept."""
        return sum(weights.bytes for weights in self.kept.values())

    def effective(self, method: Method) -> Method:
        """The method that is used where this one is asked for."""
        return method

    def label(self, method: Method) -> str:
        """What reports call it."""
        return self.effective(method).value

    def weights(self, method: Method, valid: BoolArray, what: str = "") -> Weights:
        """Weights of a method where the source cells ``valid`` ``[cell]`` hold values.

        Those of a spline and of the correction for elevation are the linear ones that they stand on. Raises
        InputError where a land cell of the domain has no value within the limit, naming ``what``.
        """
        linear = {Method.MAJORITY: Method.CONSERVATIVE} | dict.fromkeys(
            (*SPLINES, Method.ELEVATION), Method.LINEAR
        )
        kind = self.effective(method)
        kind = linear.get(kind, kind)
        key = kind, mask_key(valid)
        if key not in self.kept:
            self.kept[key] = self._make(kind, valid, what)
        return self.kept[key]

    def used(self, method: Method, valid: BoolArray, what: str = "") -> BoolArray:
        """Source cells that the values of any target depend on."""
        return self.weights(method, valid, what).used

    def map(self, layer: FloatArray, method: Method, what: str = "") -> FloatArray:
        """One layer ``[source]``, NaN where it has no value, mapped to the domain's cells."""
        valid = np.isfinite(layer)
        weights = self.weights(method, valid, what)
        if self.effective(method) is Method.MAJORITY:
            return majority(layer, weights)
        return weights.apply(np.where(valid, layer, 0.0))


def mask_key(valid: BoolArray) -> str:
    """A mask as a short text."""
    return hashlib.blake2b(np.packbits(valid).tobytes(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Mapper(AnyMapper):
    """Maps layers from ``grid`` to the cells of ``domain``.

    A land cell without a value within ``limit_km`` ends the work; cells off land take the nearest value
    wherever it is. With ``gaps`` cells without a value at their place get NaN instead. ``heights`` are the
    elevations for the correction by them.
    """

    grid: SourceGrid
    domain: Domain
    limit_km: float
    source: str = ""
    block: int = BLOCK
    gaps: bool = False
    heights: Heights | None = None
    kept: dict[tuple[Method, str], Weights] = field(default_factory=dict)
    splines: dict[str, Spline] = field(default_factory=dict)
    corrected: dict[str, HeightWeights] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Memory of all that is kept."""
        kept = super().bytes + sum(spline.bytes for spline in self.splines.values())
        return kept + sum(weights.weights.bytes for weights in self.corrected.values())

    def effective(self, method: Method) -> Method:
        """Linear in place of a correction for elevations that are not known."""
        return Method.LINEAR if method is Method.ELEVATION and self.heights is None else method

    def used(self, method: Method, valid: BoolArray, what: str = "") -> BoolArray:
        """Source cells that the values of any target depend on."""
        if method in SPLINES:
            return self.spline(valid, what).used
        if self.effective(method) is Method.ELEVATION:
            return self.corrections(valid, what).used
        return super().used(method, valid, what)

    def map(self, layer: FloatArray, method: Method, what: str = "") -> FloatArray:
        """One layer ``[source]``, NaN where it has no value, mapped to the domain's cells."""
        valid = np.isfinite(layer)
        if method in SPLINES:
            return self.spline(valid, what).apply(layer, monotone=method is Method.SPLINE_MONOTONE)
        if self.effective(method) is Method.ELEVATION:
            return self.corrections(valid, what).apply(np.where(valid, layer, 0.0))
        return super().map(layer, method, what)

    def spline(self, valid: BoolArray, what: str = "") -> Spline:
        """The splines where the source cells ``valid`` hold values."""
        key = mask_key(valid)
        if key not in self.splines:
            linear = self.weights(Method.LINEAR, valid, what)
            row, column = np.divmod(np.arange(self.grid.cells), self.grid.columns)
            centres = self.grid.column_longitude(column), self.grid.row_latitude(row)
            filling = np.arange(self.grid.cells, dtype=np.int32)
            lost = np.flatnonzero(~valid)
            search = NearestValue.among(self.grid, valid)
            filling[lost] = search.find(centres[0][lost], centres[1][lost], np.inf)[0]
            place = self.domain.longitude, self.domain.latitude
            self.splines[key] = Spline.make(self.grid, place, valid, linear, np.maximum(filling, 0))
        return self.splines[key]

    def corrections(self, valid: BoolArray, what: str = "") -> HeightWeights:
        """The weights with a correction for elevation."""
        assert self.heights is not None
        key = mask_key(valid)
        if key not in self.corrected:
            linear = self.weights(Method.LINEAR, valid, what)
            place = self.domain.longitude, self.domain.latitude
            self.corrected[key] = height_weights(self.grid, place, valid, self.heights, linear, self.block)
        return self.corrected[key]

    def nearest_within(self, valid: BoolArray) -> Index:
        """Nearest valid source cell of every target within the limit; -1 without one."""
        search = NearestValue.among(self.grid, valid)
        parts = [
            search.find(self.domain.longitude[cells], self.domain.latitude[cells], self.limit_km)[0]
            for cells in self._blocks()
        ]
        return np.concatenate(parts)

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, self.domain.number_of_cells, self.block):
            yield slice(start, min(start + self.block, self.domain.number_of_cells))

    def _make(self, method: Method, valid: BoolArray, what: str) -> Weights:
        if not valid.any() and not self.gaps:
            raise InputError("holds no value near the domain", file=self.source, variable=what)
        fill = _Fill(self, NearestValue.among(self.grid, valid), what)
        makers: dict[Method, Callable[[BoolArray, _Fill], Weights]] = {
            Method.NEAREST: self._nearest,
            Method.LINEAR: self._linear,
            Method.CONSERVATIVE: self._conservative,
        }
        return makers[method](valid, fill)

    def _nearest(self, valid: BoolArray, fill: _Fill) -> Weights:
        every = NearestValue.among(self.grid, np.ones_like(valid))
        index = np.empty((1, self.domain.number_of_cells), np.int32)
        for cells in self._blocks():
            here = self.domain.longitude[cells], self.domain.latitude[cells]
            index[0, cells] = every.find(*here, self.limit_km)[0]
            at = index[0, cells]
            wrong = (at < 0) | ~valid[np.maximum(at, 0)]
            if self.gaps:
                wrong |= ~self._inside(*here)
            lost = np.flatnonzero(wrong) + cells.start
            index[0, lost] = fill.take(lost)
        return Weights(index, None, None, fill.ledger(0), valid.size, fill.lost)

    def _inside(self, longitude: FloatArray, latitude: FloatArray) -> BoolArray:
        """Places within the outline of the grid."""
        row, column = self.grid.position(longitude, latitude)
        inside = (row >= -0.5) & (row <= self.grid.rows - 0.5)
        return inside & (self.grid.cyclic | ((column >= -0.5) & (column <= self.grid.columns - 0.5)))

    def _linear(self, valid: BoolArray, fill: _Fill) -> Weights:
        number = self.domain.number_of_cells
        index, weight = np.empty((4, number), np.int32), np.empty((4, number))
        partial = 0
        for cells in self._blocks():
            corners, shares = bilinear(self.grid, self.domain.longitude[cells], self.domain.latitude[cells])
            there = valid[corners] & (shares > 0.0)
            missing = (shares > 0.0) & ~valid[corners]
            shares = np.where(there, shares, 0.0)
            total = shares.sum(axis=0)
            lost = np.flatnonzero(total <= 0.0)
            partial += int(((total > 0.0) & missing.any(axis=0)).sum())
            full = ~missing.any(axis=0)
            # Entries of no weight point to one with weight: what they point to must hold a value.
            corners = np.where(there, corners, corners[np.argmax(there, axis=0), np.arange(total.size)])
            index[:, cells] = corners
            weight[:, cells] = np.where(full, shares, shares / np.where(total > 0.0, total, 1.0))
            index[:, lost + cells.start] = fill.take(lost + cells.start)
            weight[:, lost + cells.start] = np.array([0.0 if self.gaps else 1.0, 0.0, 0.0, 0.0])[:, None]
        return Weights(index, weight, None, fill.ledger(partial), valid.size, fill.lost)

    def _conservative(self, valid: BoolArray, fill: _Fill) -> Weights:
        if not np.isfinite(self.domain.vertex_longitude).all():
            raise InputError(
                "conservative mapping needs the corners of the cells (xv, yv) in the domain file",
                hint="Choose --method VAR=nearest or linear, or make the domain with its corners",
            )
        indices, shares, counts, partial = [], [], [], 0
        for cells in self._blocks():
            index, share, count, some = self._overlap_block(cells, valid, fill)
            indices.append(index)
            shares.append(share)
            counts.append(count)
            partial += some
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
        index = np.concatenate(indices)[None, :]
        ledger, weight = fill.ledger(partial), np.concatenate(shares)
        return Weights(index.reshape(-1), weight, offsets, ledger, valid.size, fill.lost)

    def _overlap_block(
        self, cells: slice, valid: BoolArray, fill: _Fill
    ) -> tuple[Index, FloatArray, NDArray[np.int64], int]:
        """Source cells, weights and number of entries of a block of targets; how many targets lack some."""
        domain, number = self.domain, cells.stop - cells.start
        pairs = overlaps(
            self.grid,
            domain.longitude[cells],
            domain.latitude[cells],
            domain.vertex_longitude[:, cells],
            domain.vertex_latitude[:, cells],
        )
        whole = np.bincount(pairs.target, pairs.area, number)
        # Rounding of two outlines that touch is no overlap.
        keep = valid[pairs.source] & (pairs.area > 1e-11 * whole[pairs.target])
        target, source, area = pairs.target[keep], pairs.source[keep], pairs.area[keep]
        total = np.bincount(target, area, number)
        lost = np.flatnonzero(total <= 0.0)
        partial = int(((total > 0.0) & (total < whole * (1.0 - 1e-9))).sum())
        target = np.concatenate([target, lost])
        order = np.argsort(target, kind="stable")
        source = np.concatenate([source, fill.take(lost + cells.start)])[order]
        share = np.concatenate([area, np.full(lost.size, 0.0 if self.gaps else 1.0)])[order]
        target = target[order]
        total[lost] = 1.0
        count = np.bincount(target, minlength=number)
        return source.astype(np.int32), share / total[target], count.astype(np.int64), partial


class _Fill:
    """Takes the nearest value for targets that have none of their own, and counts them."""

    def __init__(self, mapper: Mapper, search: NearestValue, what: str) -> None:
        self.mapper, self.search, self.what = mapper, search, what
        self.filled, self.off_land, self.farthest = 0, 0, 0.0
        self.lost = np.zeros(mapper.domain.number_of_cells, dtype=bool) if mapper.gaps else None

    def take(self, cells: NDArray[np.int64]) -> Index:
        """Nearest valid source cells of some targets; any cell where gaps stay."""
        if self.lost is not None:
            self.lost[cells] = True
            return np.zeros(cells.size, np.int32)
        domain = self.mapper.domain
        land = domain.mask[cells] == 1
        limit = np.where(land, self.mapper.limit_km, np.inf)
        found, distance = self.search.find(domain.longitude[cells], domain.latitude[cells], limit)
        lost = found < 0
        if lost.any():
            cell = int(cells[np.argmax(lost)])
            raise InputError(
                f"no value within {self.mapper.limit_km:.1f} km of {int(lost.sum())} land cells or more",
                file=self.mapper.source,
                variable=self.what,
                where=f"gridcell id {int(domain.gridcell_id[cell])} at {domain.longitude[cell]:.4f} E, "
                f"{domain.latitude[cell]:.4f} N",
                hint="The source does not cover the domain; --limit-km allows a greater distance",
            )
        self.filled += int(cells.size)
        self.off_land += int((~land).sum())
        self.farthest = max(self.farthest, float(distance.max(initial=0.0)))
        return found

    def ledger(self, partial: int) -> MappingLedger:
        """What was filled."""
        cells = self.mapper.domain.number_of_cells
        return MappingLedger(cells, partial, self.filled, self.farthest, self.off_land)
