"""Variables that belong together: the land units of a cell, and the shares of a land unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kiloland.craft.surface.checks import check_layer, check_shares, check_sums, check_units_percent
from kiloland.craft.surface.fractions import SumLedger, UnitAreas, fit, renormalise, without_slivers
from kiloland.craft.surface.supply import Counter, Giver, Part, Supplies, Supply, laid_over
from kiloland.craft.surface.table import Kind, Method, SurfaceVariable, surface_table
from kiloland.craft.surface.weights import Weights
from kiloland.grid.base import BoolArray, FloatArray
from kiloland.grid.domain import Domain


@dataclass(frozen=True)
class _Unit:
    """One land unit of one file ``[layer, source]``, 0 where it has no value."""

    layers: FloatArray
    weights: Weights
    product: bool

    def apply(self, cells: slice) -> FloatArray:
        return np.stack([self.weights.apply(layer, cells) for layer in self.layers])


@dataclass(frozen=True)
class LandUnits:
    """The land units of all files and the weights by which each is mapped."""

    units: Mapping[str, tuple[_Unit, ...]]
    parts: Mapping[str, tuple[Part, ...]]
    domain: Domain
    minimum_share: float

    @property
    def names(self) -> tuple[str, ...]:
        """The land units, in the order of the table."""
        return tuple(self.units)

    @classmethod
    def read(cls, supplies: Supplies, domain: Domain, minimum_share: float = 0.0) -> LandUnits:
        """Read and check the land units of all files.

        Raises InputError for shares out of 0 to 100, for fractions in the place of percent, and for sums
        that miss 100 by more than a percent point.
        """
        names = [n for n, v in surface_table().items() if v.kind is Kind.LANDUNIT and supplies.has(n)]
        units: dict[str, list[_Unit]] = {name: [] for name in names}
        counters = {
            name: Counter(supplies.of(name), name, domain.mask == 1, domain.gridcell_id) for name in names
        }
        for file in supplies.files:
            for name, unit in _units_of(file, supplies, names).items():
                units[name].append(unit)
        for name, counter in counters.items():
            counter.see([unit.weights for unit in units[name]])
        parts = {name: counter.parts() for name, counter in counters.items()}
        return cls({name: tuple(found) for name, found in units.items()}, parts, domain, minimum_share)

    def blocks(
        self, ledger: SumLedger, areas: UnitAreas, urban_reach: BoolArray, blocks: Iterator[slice]
    ) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
        """Mapped land units of stretches of cells, 100 % together; no towns outside of ``urban_reach``.

        Shares from products stay as they are where they fit; those of the source share the rest.
        """
        domain = self.domain
        for cells in blocks:
            parts, fixed = {}, {}
            for name, units in self.units.items():
                layers = [unit.apply(cells) for unit in units]
                parts[name] = np.nan_to_num(laid_over(layers))
                products = [layer for layer, unit in zip(layers, units, strict=True) if unit.product]
                fixed[name] = np.isfinite(laid_over(products)) if products else np.zeros_like(layers[0], bool)
            mapped = np.concatenate(list(parts.values()))
            if "PCT_URBAN" in parts:
                lost = ~urban_reach[cells] & (parts["PCT_URBAN"].sum(axis=0) > 0.0)
                ledger.dropped += int(lost.sum())
                parts["PCT_URBAN"][:, lost] = 0.0
                fixed["PCT_URBAN"][:, lost] = False
            fitted = fit(np.concatenate(list(parts.values())), np.concatenate(list(fixed.values())))
            shares, empty = renormalise(fitted)
            ledger.empty += int(empty.sum())
            ledger.record(mapped, shares, domain.gridcell_id[cells])
            ends = np.cumsum([part.shape[0] for part in parts.values()])[:-1]
            whole = dict(zip(parts, np.split(shares, ends), strict=True))
            yield cells, self._cleared(whole, areas, cells)

    def _cleared(self, parts: dict[str, FloatArray], areas: UnitAreas, cells: slice) -> dict[str, FloatArray]:
        """Land units without slivers, 100 % together; areas are counted before and after."""
        area = np.where(self.domain.mask[cells] == 1, self.domain.area_km2[cells], 0.0)
        cleared = without_slivers(parts, self.minimum_share) if self.minimum_share > 0.0 else parts
        areas.record(parts, cleared, area)
        return cleared


def _units_of(file: Supply, supplies: Supplies, names: list[str]) -> dict[str, _Unit]:
    """The land units that one file gives, checked."""
    table = surface_table()
    own = [name for name in names if file.values.has(name)]
    layers = {name: file.layers(name) for name in own}
    valid = {name: np.asarray(np.isfinite(layers[name]).all(axis=0)) for name in own}
    if not file.product and own:
        # Land units of the source belong together: where one is missing none is taken.
        together = np.asarray(np.logical_and.reduce([valid[name] for name in own]), dtype=bool)
        valid = dict.fromkeys(own, together)
    found: dict[str, _Unit] = {}
    for name in own:
        giver = next(giver for giver in supplies.of(name) if giver.supply is file)
        weights = giver.mapper.weights(giver.method, valid[name], name)
        layers[name] = np.where(valid[name], layers[name], 0.0)
        for layer in layers[name]:
            check_layer(file.values, table[name], layer, weights.used, table[name].high)
        if file.product:
            check_units_percent(file.values, table[name], layers[name][:, weights.used])
        found[name] = _Unit(layers[name], weights, file.product)
    complete = own == names
    if found and not file.product:
        used = np.logical_or.reduce([unit.weights.used for unit in found.values()])
        every = np.concatenate([unit.layers for unit in found.values()])
        check_sums(file.values, " + ".join(own), every, used, complete=complete)
    return found


@dataclass(frozen=True)
class _Share:
    """Shares of a land unit in one file, 0 where it has no value."""

    layers: FloatArray
    unit: FloatArray
    """Percent of the land unit in the cell, ``[source]``."""
    method: Method
    weights: Weights

    @classmethod
    def read(cls, giver: Giver, variable: SurfaceVariable) -> _Share:
        """Read and check; raises InputError for shares that are all zero where the land unit is not."""
        file = giver.supply
        layers = file.layers(variable.name)
        valid = np.asarray(np.isfinite(layers).all(axis=0))
        unit = np.ones(valid.size)
        if variable.share_of and file.values.has(variable.share_of):
            unit = np.nan_to_num(file.layers(variable.share_of).sum(axis=0))
        unit = np.where(valid, unit, 0.0)
        method = giver.mapper.effective(giver.method)
        weights = giver.mapper.weights(giver.method, valid, variable.name)
        layers = np.where(valid, layers, 0.0)
        for layer in layers:
            check_layer(file.values, variable, layer, weights.used, variable.high)
        check_shares(file.values, variable, layers, unit, weights.used)
        return cls(layers, unit, method, weights)

    def apply(self, cells: slice) -> FloatArray:
        """Mapped shares ``[share, cell]``, NaN in gaps.

        The area of each share is what conserves: s = Σ w p s / Σ w p with p the percent of the land unit.
        Where no source cell has the land unit it is the plain mean of the shares.
        """
        plain = np.stack([self.weights.apply(layer, cells) for layer in self.layers])
        if self.method is Method.NEAREST:
            return plain
        whole = self.weights.apply(self.unit, cells)
        there = whole > 0.0
        areas = np.stack([self.weights.apply(self.unit * layer, cells) for layer in self.layers])
        return np.where(there, areas / np.where(there, whole, 1.0), plain)


@dataclass(frozen=True)
class Shares:
    """Shares of a land unit: plant types of the natural vegetation, crops, elevation classes of glaciers."""

    files: tuple[_Share, ...]
    parts: tuple[Part, ...]
    domain: Domain

    @classmethod
    def read(cls, supplies: Supplies, variable: SurfaceVariable, domain: Domain) -> Shares:
        """Read and check the shares of all files that give them."""
        givers = supplies.of(variable.name)
        counter = Counter(givers, variable.name, domain.mask == 1, domain.gridcell_id)
        files = tuple(_Share.read(giver, variable) for giver in givers)
        counter.see([file.weights for file in files])
        return cls(files, counter.parts(), domain)

    def blocks(self, ledger: SumLedger, blocks: Iterator[slice]) -> Iterator[tuple[slice, FloatArray]]:
        """Mapped shares ``[share, cell]`` of stretches of cells, 100 % together; without any, the first."""
        for cells in blocks:
            mapped = np.nan_to_num(laid_over([file.apply(cells) for file in self.files]))
            shares, empty = renormalise(mapped.copy())
            ledger.empty += int(empty.sum())
            ledger.record(mapped, shares, self.domain.gridcell_id[cells])
            yield cells, shares
