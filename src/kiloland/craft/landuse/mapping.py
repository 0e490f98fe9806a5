"""One year of a land-use series mapped to cells."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kiloland.craft.landuse.anchor import AnchorLedger, anchored, single_precision
from kiloland.craft.landuse.source import PLANTS, LandUseSource
from kiloland.craft.surface import Mapper, Method, Weights
from kiloland.craft.surface.fractions import renormalise
from kiloland.grid.base import FloatArray

AREA_MARKS = ("m2", "m-2", "m^2", "km2")


@dataclass
class YearMapper:
    """Maps years of a source; ``natural`` is the percent of natural vegetation ``[source]``, None unknown.

    With ``compact`` shares are rounded to the steps that single precision holds exactly.
    """

    source: LandUseSource
    mapper: Mapper
    method: Method
    natural: FloatArray | None
    first_year: int
    compact: bool = False
    ledger: AnchorLedger = field(default_factory=AnchorLedger)
    _first: FloatArray | None = None

    def year(self, year: int) -> dict[str, tuple[FloatArray, Weights]]:
        """Layers ``[layer, source]`` of all variables of a year and the weights that map them."""
        found = {}
        for name in self.source.names:
            layers = self.source.layers(name, year)
            valid = np.asarray(np.isfinite(layers).all(axis=0))
            weights = self.mapper.weights(self.method, valid, name)
            found[name] = np.where(valid, layers, 0.0), weights
        return found

    def block(
        self, layers: dict[str, tuple[FloatArray, Weights]], cells: slice, surface: FloatArray | None
    ) -> dict[str, FloatArray]:
        """All variables of a year at a stretch of cells ``[layer, cell]``.

        With ``surface`` (plant types of the surface file there) the plant types are anchored to it.
        """
        crop = layers["PCT_CROP"][0][0] if "PCT_CROP" in layers else None
        units = {PLANTS: self.natural, "PCT_CFT": crop}
        mapped = {}
        for name, (values, weights) in layers.items():
            if name in self.source.shares:
                shares = self._shares(values, units[name], weights, cells)
                if name == PLANTS and surface is not None:
                    shares = anchored(shares, self._first_block(cells), surface, self.ledger)
                mapped[name] = single_precision(shares) if self.compact else shares
            elif name in self.source.single:
                mapped[name] = np.clip(weights.apply(values[0], cells)[None], 0.0, 100.0)
            else:
                mapped[name] = self._harvest(name, values[0], weights, cells)[None]
        return mapped

    def _shares(
        self, layers: FloatArray, unit: FloatArray | None, weights: Weights, cells: slice
    ) -> FloatArray:
        """Shares that are 100 together: s = Σ w p s / Σ w p with p the percent of their land unit."""
        plain = np.stack([weights.apply(layer, cells) for layer in layers])
        mapped = plain
        if unit is not None and self.method is not Method.NEAREST:
            whole = weights.apply(unit, cells)
            areas = np.stack([weights.apply(unit * layer, cells) for layer in layers])
            mapped = np.where(whole > 0.0, areas / np.where(whole > 0.0, whole, 1.0), plain)
        return renormalise(mapped)[0]

    def _first_block(self, cells: slice) -> FloatArray:
        """Plant types of the first year at a stretch of cells, not anchored."""
        if self._first is None:
            self._first = self.source.layers(PLANTS, self.first_year)
        valid = np.asarray(np.isfinite(self._first).all(axis=0))
        weights = self.mapper.weights(self.method, valid, PLANTS)
        return self._shares(np.where(valid, self._first, 0.0), self.natural, weights, cells)

    def _harvest(self, name: str, layer: FloatArray, weights: Weights, cells: slice) -> FloatArray:
        """A harvest: fractions and masses by area as means; masses of a whole cell in proportion to area."""
        units = str(self.source.dataset[name].attributes.get("units", ""))
        if self.source.is_fraction(name):
            return np.clip(weights.apply(layer, cells), 0.0, 1.0)
        if any(mark in units for mark in AREA_MARKS):
            return np.maximum(weights.apply(layer, cells), 0.0)
        grid = self.source.source.grid
        density = layer / np.repeat(grid.areas(), grid.columns)
        return np.maximum(weights.apply(density, cells), 0.0) * self.mapper.domain.area[cells]
