"""Variables that are mapped one layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kiloland.craft.surface.checks import Extremes, check_layer, check_percent
from kiloland.craft.surface.mapper import Mapper
from kiloland.craft.surface.source import Source
from kiloland.craft.surface.table import Kind, Method, SurfaceVariable
from kiloland.craft.surface.urban import Towns
from kiloland.craft.surface.weights import MappingLedger
from kiloland.errors import InputError
from kiloland.files import Variable
from kiloland.grid.base import BoolArray, FloatArray

Index = tuple[int, ...]
CLASS_COUNTS = {"SOIL_COLOR": "mxsoil_color", "SOIL_ORDER": "mxsoil_order"}


@dataclass(frozen=True)
class Fields:
    """Reads, checks and maps single fields; ``urban_active`` are the targets with urban land units."""

    source: Source
    mapper: Mapper
    methods: Mapping[str, Method]
    land: BoolArray
    towns: Towns
    urban_active: BoolArray

    def examine(self, variable: SurfaceVariable) -> str:
        """Check all layers and make their weights; the ledger of the layer that needed most help, as text.

        Raises InputError for values out of bounds, wrong codes, percent given as a fraction and the reverse,
        and for land cells too far from any value.
        """
        stored = self.source.dataset[variable.name]
        if variable.kind is Kind.URBAN or variable.name == "URBAN_REGION_ID":
            return self._examine_urban(variable, stored)
        method, extremes = self.methods[variable.name], Extremes()
        worst: MappingLedger | None = None
        for index in np.ndindex(stored.shape[:-2]):
            layer = self._land_layer(stored, index)
            weights = self.mapper.weights(method, np.isfinite(layer), variable.name)
            check_layer(self.source, variable, layer, weights.used, self._high(variable))
            extremes.see(layer[weights.used])
            if worst is None or weights.ledger.filled > worst.filled:
                worst = weights.ledger
        if variable.kind in (Kind.SOIL_PERCENT, Kind.PERCENT):
            check_percent(self.source, variable, extremes)
        return worst.text() if worst else "no layers"

    def layers(self, variable: SurfaceVariable, town: BoolArray) -> Iterator[tuple[Index, FloatArray]]:
        """The mapped layers ``[target]`` with the indices of their leading dimensions."""
        stored, method = self.source.dataset[variable.name], self.methods[variable.name]
        if variable.name == "URBAN_REGION_ID":
            yield (), self.towns.regions(town)
            return
        for index in np.ndindex(stored.shape[:-2]):
            if variable.kind is Kind.URBAN:
                values = self.towns.take(self.source.layer(stored, index), self.urban_active)
            elif variable.kind is Kind.ANGLE and method is not Method.NEAREST:
                values = self._mean_angle(self._land_layer(stored, index), method, variable.name)
            else:
                values = self.mapper.map(self._land_layer(stored, index), method, variable.name)
            yield index, _within(values, variable.low, self._high(variable))

    def _land_layer(self, stored: Variable, index: Index) -> FloatArray:
        """A layer with NaN where there is no real land or no finite value."""
        layer = self.source.layer(stored, index)
        return np.where(self.land & np.isfinite(layer), layer, np.nan)

    def _high(self, variable: SurfaceVariable) -> float | None:
        """Upper bound: for soil classes the number of classes that the source states."""
        count = CLASS_COUNTS.get(variable.name)
        if count and count in self.source.dataset:
            return float(self.source.dataset[count].read().reshape(-1)[0])
        return variable.high

    def _mean_angle(self, layer: FloatArray, method: Method, name: str) -> FloatArray:
        """Mean direction (degrees, 0 to 360) of unit vectors."""
        angle = np.deg2rad(layer)
        east = self.mapper.map(np.sin(angle), method, name)
        north = self.mapper.map(np.cos(angle), method, name)
        return np.mod(np.rad2deg(np.arctan2(east, north)), 360.0)

    def _examine_urban(self, variable: SurfaceVariable, stored: Variable) -> str:
        """Check urban parameters at the source cells that are used."""
        used = np.zeros(self.source.grid.cells, dtype=bool)
        active = self.urban_active & self.towns.reach
        used[self.towns.origin[active]] = True
        for index in np.ndindex(stored.shape[:-2]):
            layer = self.source.layer(stored, index)
            if used.any() and not np.isfinite(layer[used]).all():
                cell = int(np.argmax(used & ~np.isfinite(layer)))
                raise InputError(
                    "is missing in a cell with towns",
                    file=self.source.path,
                    variable=variable.name,
                    where=self.source.place(cell),
                )
            check_layer(self.source, variable, layer, used, variable.high)
        return f"{int(active.sum())} of {active.size} cells with towns, 0 elsewhere"


def _within(values: FloatArray, low: float | None, high: float | None) -> FloatArray:
    """Values within bounds: weights sum to 1 only to rounding, and so does a mean of bounds."""
    values = values if low is None else np.maximum(values, low)
    return values if high is None else np.minimum(values, high)
