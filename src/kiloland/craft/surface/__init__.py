"""Surface files: from a regular longitude/latitude grid to the cells of a domain."""

from kiloland.craft.surface.make import craft_surface
from kiloland.craft.surface.mapper import Mapper, default_limit_km
from kiloland.craft.surface.product import Product
from kiloland.craft.surface.report import Status, SurfaceSummary, VariableReport
from kiloland.craft.surface.source import Source, SourceGrid, read_source
from kiloland.craft.surface.table import Kind, Method, SurfaceVariable, surface_table
from kiloland.craft.surface.weights import MappingLedger, Weights
from kiloland.craft.surface.work import SurfaceRequest

__all__ = [
    "Kind",
    "Mapper",
    "MappingLedger",
    "Method",
    "Product",
    "Source",
    "SourceGrid",
    "Status",
    "SurfaceRequest",
    "SurfaceSummary",
    "SurfaceVariable",
    "VariableReport",
    "Weights",
    "craft_surface",
    "default_limit_km",
    "read_source",
    "surface_table",
]
