"""Variables that belong together: the land units of a cell, and the shares of a land unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kiloland.craft.surface.checks import check_layer, check_shares, check_sums
from kiloland.craft.surface.fractions import SumLedger, renormalise
from kiloland.craft.surface.mapper import Mapper
from kiloland.craft.surface.source import Source
from kiloland.craft.surface.table import Kind, Method, SurfaceVariable, surface_table
from kiloland.craft.surface.weights import Weights
from kiloland.grid.base import BoolArray, FloatArray


def read_layers(source: Source, name: str, land: BoolArray) -> FloatArray:
    """All layers ``[layer, source]`` of a variable; NaN where missing or not real land."""
    variable = source.dataset[name]
    indices = list(np.ndindex(variable.shape[:-2]))
    layers = np.stack([source.layer(variable, index) for index in indices])
    return np.where(land & np.isfinite(layers), layers, np.nan)


@dataclass(frozen=True)
class LandUnits:
    """The land units of the source and the weights by which each is mapped."""

    names: tuple[str, ...]
    layers: Mapping[str, FloatArray]
    weights: Mapping[str, Weights]
    mapper: Mapper

    @classmethod
    def read(
        cls, source: Source, mapper: Mapper, methods: Mapping[str, Method], land: BoolArray
    ) -> LandUnits:
        """Read and check the land units that the source has.

        Raises InputError for shares out of 0 to 100, for fractions in the place of percent, and for sums
        that miss 100 by more than a percent point.
        """
        table = surface_table()
        names = tuple(n for n, v in table.items() if v.kind is Kind.LANDUNIT and n in source.dataset)
        layers = {name: read_layers(source, name, land) for name in names}
        every = [layers[name] for name in names]
        valid: BoolArray = land
        for part in every:
            valid = np.asarray(valid & np.isfinite(part).all(axis=0))
        layers = {name: np.where(valid, part, 0.0) for name, part in layers.items()}
        weights = {name: mapper.weights(methods[name], valid, name) for name in names}
        if names:
            used = np.logical_or.reduce([weights[name].used for name in names])
            for name in names:
                for layer in layers[name]:
                    check_layer(source, table[name], layer, used, table[name].high)
            check_sums(source, " + ".join(names), np.concatenate([layers[name] for name in names]), used)
        return cls(names, layers, weights, mapper)

    def share_of_cell(self, name: str) -> FloatArray | None:
        """Percent of a land unit ``[source]``, None where the source lacks it."""
        return self.layers[name].sum(axis=0) if name in self.names else None

    def blocks(
        self, ledger: SumLedger, urban_reach: BoolArray, blocks: Iterator[slice]
    ) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
        """Mapped land units of stretches of cells, 100 % together; no towns outside of ``urban_reach``."""
        ids = self.mapper.domain.gridcell_id
        for cells in blocks:
            parts = {
                name: np.stack([self.weights[name].apply(layer, cells) for layer in self.layers[name]])
                for name in self.names
            }
            mapped = np.concatenate(list(parts.values()))
            if "PCT_URBAN" in parts:
                lost = ~urban_reach[cells] & (parts["PCT_URBAN"].sum(axis=0) > 0.0)
                ledger.dropped += int(lost.sum())
                parts["PCT_URBAN"][:, lost] = 0.0
            shares, empty = renormalise(np.concatenate(list(parts.values())))
            ledger.empty += int(empty.sum())
            ledger.record(mapped, shares, ids[cells])
            ends = np.cumsum([part.shape[0] for part in parts.values()])[:-1]
            yield cells, dict(zip(parts, np.split(shares, ends), strict=True))


@dataclass(frozen=True)
class Shares:
    """Shares of a land unit: plant types of the natural vegetation, crops, elevation classes of glaciers."""

    variable: SurfaceVariable
    layers: FloatArray
    unit: FloatArray
    """Percent of the land unit in the cell, ``[source]``."""
    method: Method
    weights: Weights
    mapper: Mapper

    @classmethod
    def read(
        cls,
        source: Source,
        variable: SurfaceVariable,
        units: LandUnits,
        mapper: Mapper,
        method: Method,
        land: BoolArray,
    ) -> Shares:
        """Read and check; raises InputError for shares that are all zero where the land unit is not."""
        layers = read_layers(source, variable.name, land)
        valid = np.asarray(np.isfinite(layers).all(axis=0))
        unit = units.share_of_cell(variable.share_of or "")
        unit = np.ones(valid.size) if unit is None else unit
        weights = mapper.weights(method, valid, variable.name)
        layers = np.where(valid, layers, 0.0)
        for layer in layers:
            check_layer(source, variable, layer, weights.used, variable.high)
        check_shares(source, variable, layers, np.where(valid, unit, 0.0), weights.used)
        return cls(variable, layers, np.where(valid, unit, 0.0), method, weights, mapper)

    def blocks(self, ledger: SumLedger, blocks: Iterator[slice]) -> Iterator[tuple[slice, FloatArray]]:
        """Mapped shares ``[share, cell]`` of stretches of cells, 100 % together.

        The area of each share is what conserves: s = Σ w p s / Σ w p with p the percent of the land unit.
        Where no source cell has the land unit, the plain mean of the shares; without any share, the first.
        """
        for cells in blocks:
            plain = np.stack([self.weights.apply(layer, cells) for layer in self.layers])
            mapped = plain
            if self.method is not Method.NEAREST:
                whole = self.weights.apply(self.unit, cells)
                there = whole > 0.0
                areas = np.stack([self.weights.apply(self.unit * layer, cells) for layer in self.layers])
                mapped = np.where(there, areas / np.where(there, whole, 1.0), plain)
            shares, empty = renormalise(mapped.copy())
            ledger.empty += int(empty.sum())
            ledger.record(mapped, shares, self.mapper.domain.gridcell_id[cells])
            yield cells, shares
