"""Land cover: shares of land units and plant types of every cell from a raster of classes."""

from kiloland.craft.landcover.climate import ClimateRequest, coldest_month
from kiloland.craft.landcover.legend import Legend, read_legend
from kiloland.craft.landcover.make import LandCoverRequest, LandCoverSummary, craft_landcover
from kiloland.craft.landcover.product import landcover_product
from kiloland.craft.landcover.synthetic import RasterPlan, write_land_cover

__all__ = [
    "ClimateRequest",
    "LandCoverRequest",
    "LandCoverSummary",
    "Legend",
    "RasterPlan",
    "coldest_month",
    "craft_landcover",
    "landcover_product",
    "read_legend",
    "write_land_cover",
]
