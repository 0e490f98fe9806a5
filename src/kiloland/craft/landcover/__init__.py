"""Land cover: shares of land units and plant types of every cell from a raster of classes."""

from kiloland.craft.landcover.climate import ClimateRequest, coldest_month
from kiloland.craft.landcover.legend import Legend, read_legend
from kiloland.craft.landcover.make import LandCoverRequest, LandCoverSummary, craft_landcover
from kiloland.craft.landcover.merge import (
    LandCover,
    MergeLedger,
    apply_landcover,
    craft_surface_with_landcover,
    read_landcover,
)
from kiloland.craft.landcover.synthetic import RasterPlan, write_land_cover

__all__ = [
    "ClimateRequest",
    "LandCover",
    "LandCoverRequest",
    "LandCoverSummary",
    "Legend",
    "MergeLedger",
    "RasterPlan",
    "apply_landcover",
    "coldest_month",
    "craft_landcover",
    "craft_surface_with_landcover",
    "read_landcover",
    "read_legend",
    "write_land_cover",
]
