"""Products on the cells of a domain: terrain from elevation rasters, values of scattered points."""

from kiloland.craft.products.elevation import ElevationRequest, ElevationSummary, craft_elevation
from kiloland.craft.products.points import PointMethod, PointRequest, PointSummary, craft_points

__all__ = [
    "ElevationRequest",
    "ElevationSummary",
    "PointMethod",
    "PointRequest",
    "PointSummary",
    "craft_elevation",
    "craft_points",
]
