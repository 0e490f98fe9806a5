"""``kiloland craft``: making the input files of a run."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kiloland.cli.craft_cells import register_cell_products
from kiloland.cli.craft_check import register_check
from kiloland.cli.craft_forcing import register_forcing
from kiloland.cli.craft_landcover import register_landcover
from kiloland.cli.craft_landuse import register_landuse
from kiloland.cli.craft_plan import register_plan
from kiloland.cli.craft_products import register_products
from kiloland.cli.craft_site import register_site
from kiloland.cli.craft_sources import register_sources
from kiloland.cli.craft_surface import register_surface
from kiloland.cli.craft_synthetic import register_synthetic
from kiloland.craft.domain import (
    Area,
    Box,
    DomainRequest,
    IdFile,
    PointFile,
    PolygonFile,
    Region,
    craft_domain,
    region_of,
)
from kiloland.errors import ExitCode, InputError
from kiloland.grid import Coordinates

CRAFT_DESCRIPTION = """\
Make the input files of a run, and check them. The domain comes first: what is made after it has its cells, in
its order. `kiloland craft COMMAND --help` shows examples.
"""

DOMAIN_DESCRIPTION = """\
Make a domain file in ELM's format: which cells a run has, where they are, how large they are.

A grid and a land mask give the land cells; areas choose among them (all, without an area). Each may be
given several times and with the others: the domain holds every cell of any of them, once.
  --points FILE    cells that hold the points of a list: two columns, the four columns lon,lat,x,y,
                   or a header that names them; --coordinates says which of them to use
  --ids FILE       cells by gridcell id (one column, or gridID in a netCDF file)
  --box W,S,E,N    cells with their centre in the box; W above E crosses the dateline
  --polygon FILE   cells with their centre in the polygons of a GeoJSON file or a shapefile

Cells are always ordered by gridcell id. A point outside the grid or off land is reported with its
distance from the nearest land cell and ends the work, unless --drop-outside leaves it out.
Areas are true areas, in radian2 of a sphere of 6371.22 km as ELM reads them.
"""

DOMAIN_EPILOG = """\
examples:
  kiloland craft domain --grid daymet --land-mask Daymet_NA_landmask.csv.gz \\
      --points daymet_AK_all2.csv.gz --coordinates xy -o seward.nc
  kiloland craft domain --grid daymet --land-mask Daymet_NA_landmask.csv.gz --box -168,64,-160,66.7 -o box.nc
  kiloland craft domain --grid regular:0,360,720,-90,90,360 --all-land --two-dimensional -o global.nc
  kiloland craft domain --grid daymet --land-mask mask.csv --lakes-as-land lakes.tif --box -168,64,-160,66 \\
      --box -157,20,-154,22 --polygon park.geojson -o areas.nc
  kiloland craft domain --grid forcing.nc --land-mask forcing.nc:FSDS -o region.nc
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft`` and its own subcommands."""
    parser = subparsers.add_parser(
        "craft",
        help="make and check input files",
        description=CRAFT_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(
        dest="product", metavar="COMMAND", required=True, title="commands, in the order of a user's work"
    )
    register_sources(kinds)
    register_synthetic(kinds)
    register_domain(kinds)
    register_plan(kinds)
    register_forcing(kinds)
    register_site(kinds)
    register_landcover(kinds)
    register_products(kinds)
    register_surface(kinds)
    register_landuse(kinds)
    register_check(kinds)
    register_cell_products(kinds)


def register_domain(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft domain``."""
    parser = kinds.add_parser(
        "domain",
        help="which cells a run has, where they are and how large",
        description=DOMAIN_DESCRIPTION,
        epilog=DOMAIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # A box may begin with a western longitude: what starts like a negative number is a value, no option.
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
    parser.add_argument(
        "--grid",
        required=True,
        metavar="GRID",
        help="daymet; regular:LON0,LON1,NLON,LAT0,LAT1,NLAT[,WGS84] (outer edges in degrees); "
        "or a netCDF file with regular lon and lat, or with x and y of Daymet's projection",
    )
    land = parser.add_mutually_exclusive_group(required=True)
    land.add_argument(
        "--land-mask",
        metavar="MASK",
        help="text of 0 and 1 (.csv, .csv.gz) or netCDF; FILE:VARIABLE names a variable, and one that holds "
        "data instead of 0 and 1 marks cells with a value as land",
    )
    land.add_argument("--all-land", action="store_true", help="every cell of the grid is land")
    parser.add_argument(
        "--lakes-as-land",
        metavar="LAKES",
        help="cells with lakes count as land, too: a mask of 0 and 1, or shares (text, netCDF, GeoTIFF); "
        "FILE:VARIABLE names a variable",
    )
    for name, kind, metavar, text in (
        ("--points", Path, "FILE", "list of points (.csv, .csv.gz)"),
        ("--ids", Path, "FILE", "list of gridcell ids (.csv, .csv.gz, .nc)"),
        ("--box", str, "W,S,E,N", "box in degrees, either longitude convention"),
        ("--polygon", Path, "FILE", "GeoJSON or .shp"),
    ):
        parser.add_argument(name, type=kind, action="append", default=[], metavar=metavar, help=text)
    parser.add_argument(
        "--coordinates",
        choices=[kind.value for kind in Coordinates],
        help="what the points are; needed with --points",
    )
    parser.add_argument(
        "--two-dimensional",
        action="store_true",
        help="rows and columns of the enclosing rectangle, not a list",
    )
    parser.add_argument("--drop-outside", action="store_true", help="leave out what lies on no land cell")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the domain file")
    parser.set_defaults(handler=domain)


def domain(options: argparse.Namespace) -> ExitCode:
    """Make a domain file and print its summary."""
    request = DomainRequest(
        options.grid,
        options.land_mask,
        _region(options),
        options.output,
        two_dimensional=options.two_dimensional,
        drop_outside=options.drop_outside,
        lakes=options.lakes_as_land,
    )
    for line in craft_domain(request).lines():
        print(line)
    return ExitCode.OK


def _region(options: argparse.Namespace) -> Region:
    if options.points and not options.coordinates:
        raise InputError("--points needs --coordinates", expected="--coordinates xy or --coordinates lonlat")
    areas: list[Area] = [PointFile(path, Coordinates(options.coordinates)) for path in options.points]
    areas += [IdFile(path) for path in options.ids]
    areas += [Box.from_text(text) for text in options.box]
    areas += [PolygonFile(path) for path in options.polygon]
    return region_of(areas)
