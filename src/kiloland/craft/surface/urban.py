"""Towns: which cells have one, and from which source cells their parameters come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiloland.craft.surface.mapper import Mapper
from kiloland.craft.surface.supply import Supply
from kiloland.craft.surface.table import Method
from kiloland.craft.surface.weights import Index
from kiloland.grid.base import BoolArray, FloatArray


@dataclass(frozen=True)
class Towns:
    """``origin``: nearest source cell with urban parameters within the limit, -1 without one, ``[target]``.

    ``kept_region``: region of every target where regions are kept also in cells without a town, else None.
    """

    origin: Index
    region: FloatArray
    """Region of each source cell, 0 without urban parameters."""
    kept_region: FloatArray | None

    @classmethod
    def read(cls, source: Supply, mapper: Mapper, keep: bool) -> Towns:
        """Urban cells of the source: those with a region; where there are no regions, those with a town."""
        land = source.land
        region = np.zeros(land.size)
        if source.values.has("URBAN_REGION_ID"):
            region = np.nan_to_num(source.layers("URBAN_REGION_ID")[0])
        elif source.values.has("PCT_URBAN"):
            shares = np.nan_to_num(source.layers("PCT_URBAN"))
            region = (shares.sum(axis=0) > 0.0).astype(np.float64)
        origin = mapper.nearest_within(region > 0.0)
        kept = None
        if keep and land.any():
            kept = mapper.weights(Method.NEAREST, land, "URBAN_REGION_ID").apply(region)
        return cls(origin, region, kept)

    @property
    def reach(self) -> BoolArray:
        """Targets for which there are urban parameters."""
        return np.asarray(self.origin >= 0)

    def active(self, town: BoolArray) -> BoolArray:
        """Targets with urban land units: those with a town, and those with a region where these are kept."""
        return town if self.kept_region is None else town | (self.kept_region > 0.0)

    def regions(self, town: BoolArray) -> FloatArray:
        """URBAN_REGION_ID: 0 without a town, so that ELM makes no empty urban columns, unless kept."""
        return self.take(self.region, self.active(town))

    def take(self, layer: FloatArray, active: BoolArray) -> FloatArray:
        """A source layer at the active targets, 0 at the others."""
        return np.where(active & self.reach, layer[np.maximum(self.origin, 0)], 0.0)
