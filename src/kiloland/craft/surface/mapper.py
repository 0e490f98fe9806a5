"""From a source grid to target cells: the weights of each method and mask, made once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.nearest import NearestValue
from kiloland.craft.surface.overlap import overlaps
from kiloland.craft.surface.source import SourceGrid
from kiloland.craft.surface.table import Method
from kiloland.craft.surface.weights import Index, MappingLedger, Weights
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray
from kiloland.grid.domain import Domain

BLOCK: Final = 1 << 17
"""Target cells whose weights are worked out at once."""
LEAST_LIMIT_KM: Final = 100.0


def default_limit_km(grid: SourceGrid, domain: Domain) -> float:
    """Distance (km) from which a value may be taken where a cell has none at its place.

    The greatest of 100 km, 1.5 times the way from a source cell's centre to its corner, and the way on which
    a source cell can still lie in a cell of the domain (half diagonals of both; that of a square for the
    domain's largest cell).
    """
    cell = float(np.sqrt(0.5 * domain.area_km2.max()))
    return max(LEAST_LIMIT_KM, 1.5 * grid.diagonal_km(), grid.diagonal_km() + cell)


@dataclass(frozen=True)
class Mapper:
    """Maps layers from ``grid`` to the cells of ``domain``.

    A land cell without a value within ``limit_km`` ends the work; cells off land take the nearest value
    wherever it is. Weights are kept for every method and mask, so that layers with one mask share them.
    """

    grid: SourceGrid
    domain: Domain
    limit_km: float
    source: str = ""
    block: int = BLOCK
    kept: dict[tuple[Method, str], Weights] = field(default_factory=dict)

    def weights(self, method: Method, valid: BoolArray, what: str = "") -> Weights:
        """Weights of a method where the source cells ``valid`` ``[cell]`` hold values.

        Raises InputError where a land cell of the domain has no value within the limit, naming ``what``.
        """
        kind = Method.CONSERVATIVE if method is Method.MAJORITY else method
        key = kind, hashlib.blake2b(np.packbits(valid).tobytes(), digest_size=16).hexdigest()
        if key not in self.kept:
            self.kept[key] = self._make(kind, valid, what)
        return self.kept[key]

    def map(self, layer: FloatArray, method: Method, what: str = "") -> FloatArray:
        """One layer ``[source]``, NaN where it has no value, mapped to the domain's cells."""
        valid = np.isfinite(layer)
        weights = self.weights(method, valid, what)
        if method is Method.MAJORITY:
            return majority(layer, weights)
        return weights.apply(np.where(valid, layer, 0.0))

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
        if not valid.any():
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
            lost = np.flatnonzero((at < 0) | ~valid[np.maximum(at, 0)]) + cells.start
            index[0, lost] = fill.take(lost)
        return Weights(index, None, None, fill.ledger(0), valid.size)

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
            weight[:, lost + cells.start] = np.array([1.0, 0.0, 0.0, 0.0])[:, None]
        return Weights(index, weight, None, fill.ledger(partial), valid.size)

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
        return Weights(index.reshape(-1), np.concatenate(shares), offsets, fill.ledger(partial), valid.size)

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
        share = np.concatenate([area, np.ones(lost.size)])[order]
        target = target[order]
        total[lost] = 1.0
        count = np.bincount(target, minlength=number)
        return source.astype(np.int32), share / total[target], count.astype(np.int64), partial


class _Fill:
    """Takes the nearest value for targets that have none of their own, and counts them."""

    def __init__(self, mapper: Mapper, search: NearestValue, what: str) -> None:
        self.mapper, self.search, self.what = mapper, search, what
        self.filled, self.off_land, self.farthest = 0, 0, 0.0

    def take(self, cells: NDArray[np.int64]) -> Index:
        """Nearest valid source cells of some targets."""
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


def bilinear(
    grid: SourceGrid, longitude: FloatArray, latitude: FloatArray
) -> tuple[NDArray[np.int64], FloatArray]:
    """The four centres around targets ``[4, target]`` and their weights (1-u)(1-v), u(1-v), (1-u)v, uv.

    u and v are the shares of the way to the next column and row, in degrees. Beyond the outermost centres
    the outermost value counts up to half a cell; farther out all weights are 0.
    """
    row, column = grid.position(longitude, latitude)
    edge = 1e-9
    outside = (row < -0.5 - edge) | (row > grid.rows - 0.5 + edge)
    if not grid.cyclic:
        outside |= (column < -0.5 - edge) | (column > grid.columns - 0.5 + edge)
        column = np.clip(column, 0.0, grid.columns - 1.0)
    row = np.clip(row, 0.0, grid.rows - 1.0)
    south, west = np.floor(row), np.floor(column)
    v, u = row - south, column - west
    rows = [south.astype(np.int64), np.minimum(south + 1, grid.rows - 1).astype(np.int64)]
    first, second = west.astype(np.int64), west.astype(np.int64) + 1
    if grid.cyclic:
        columns = [np.mod(first, grid.columns), np.mod(second, grid.columns)]
    else:
        columns = [first, np.minimum(second, grid.columns - 1)]
    corners = np.stack([rows[j] * grid.columns + columns[i] for j in (0, 1) for i in (0, 1)])
    shares = np.stack([a * b for b in (1.0 - v, v) for a in (1.0 - u, u)])
    return corners, np.where(outside, 0.0, shares)


def majority(layer: FloatArray, weights: Weights) -> FloatArray:
    """The code with the greatest share of each target; the lowest code of equal ones."""
    codes = np.unique(layer[weights.used])
    best, winner = np.zeros(weights.targets), np.full(weights.targets, codes[0])
    for code in codes:
        share = weights.apply((layer == code).astype(np.float64))
        more = share > best + 1e-12
        best, winner = np.where(more, share, best), np.where(more, code, winner)
    return winner
