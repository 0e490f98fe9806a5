"""Land-use time series: plant types and harvest of every year for the cells of a domain."""

from kiloland.craft.landuse.from_landcover import LandCoverSeriesRequest, craft_landcover_series
from kiloland.craft.landuse.make import LandUseSummary, craft_landuse
from kiloland.craft.landuse.source import LandUseSource, read_land_use
from kiloland.craft.landuse.synthetic import LandUsePlan, write_land_use
from kiloland.craft.landuse.work import LandUseRequest

__all__ = [
    "LandCoverSeriesRequest",
    "LandUsePlan",
    "LandUseRequest",
    "LandUseSource",
    "LandUseSummary",
    "craft_landcover_series",
    "craft_landuse",
    "read_land_use",
    "write_land_use",
]
