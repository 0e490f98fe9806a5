"""Where cells are: projections, gridcell ids, true areas, land masks, domains, selections, partitions."""

from kiloland.grid.base import EARTH_RADIUS, KM2_PER_RADIAN2, Grid, east_longitude
from kiloland.grid.daymet import DaymetGrid
from kiloland.grid.domain import (
    Domain,
    build_domain,
    build_rectangle,
    check_domain,
    domain_blocks,
    rectangle_blocks,
)
from kiloland.grid.domain_file import DomainHeader, read_domain, write_domain, write_domain_blocks
from kiloland.grid.mask import LandMask, all_land, read_land_mask
from kiloland.grid.partition import Partition, partition
from kiloland.grid.points import Coordinates, Points, read_ids, read_points
from kiloland.grid.polygons import read_polygons
from kiloland.grid.regular import Figure, RegularGrid
from kiloland.grid.selection import (
    Selection,
    SelectionReport,
    select_box,
    select_ids,
    select_land,
    select_points,
    select_polygons,
    select_xy,
)
from kiloland.grid.specification import grid_from_file, grid_from_text

__all__ = [
    "EARTH_RADIUS",
    "KM2_PER_RADIAN2",
    "Coordinates",
    "DaymetGrid",
    "Domain",
    "DomainHeader",
    "Figure",
    "Grid",
    "LandMask",
    "Partition",
    "Points",
    "RegularGrid",
    "Selection",
    "SelectionReport",
    "all_land",
    "build_domain",
    "build_rectangle",
    "check_domain",
    "domain_blocks",
    "east_longitude",
    "grid_from_file",
    "grid_from_text",
    "partition",
    "read_domain",
    "read_ids",
    "read_land_mask",
    "read_points",
    "read_polygons",
    "rectangle_blocks",
    "select_box",
    "select_ids",
    "select_land",
    "select_points",
    "select_polygons",
    "select_xy",
    "write_domain",
    "write_domain_blocks",
]
