"""``kiloland craft elevation`` and ``kiloland craft points``: products on the cells of a domain."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kiloland.craft.products import (
    ElevationRequest,
    PointMethod,
    PointRequest,
    craft_elevation,
    craft_points,
)
from kiloland.errors import ExitCode

ELEVATION_DESCRIPTION = """\
Make mean elevation (TOPO), its standard deviation (STD_ELEV), mean slope (SLOPE) and the slope-aspect means
SINSL_COSAS and SINSL_SINAS of every cell from an elevation raster in any coordinate system. Slopes are those
of the raster at its own resolution (Horn), with distances on the ellipsoid, averaged by area. Cells with
elevations on less than --minimum of their area have no value. `kiloland craft surface` takes the file with
--product, or with --elevation, which also corrects what depends on height.
"""
ELEVATION_EPILOG = """\
examples:
  kiloland craft elevation --raster dem_30m.tif --domain seward.nc -o terrain.nc
  kiloland craft surface --source surfdata.nc --domain seward.nc --elevation terrain.nc -o surf.nc
"""
POINTS_DESCRIPTION = """\
Make values of every cell from scattered points: a table with a header, lon and lat (degrees) or x and y (m),
and columns headed NAME or NAME [units]. Cells without a point within --limit-km have no value; how far the
points are is reported and written to the file. Lines that begin with # are remarks. `kiloland craft surface`
takes the file with --product, where columns are named as ELM's variables or with FILE:VAR=NAME.
"""
POINTS_EPILOG = """\
examples:
  kiloland craft points --table soil_profiles.csv --domain seward.nc --limit-km 5 -o soil.nc
  kiloland craft points --table depth.csv --domain seward.nc --limit-km 20 --method inverse-distance -o dtb.nc
"""


def register_products(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft elevation`` and ``craft points``."""
    parser = kinds.add_parser(
        "elevation",
        help="elevation and slopes of the cells from a raster",
        description=ELEVATION_DESCRIPTION,
        epilog=ELEVATION_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--raster", type=Path, required=True, metavar="R.tif", help="elevations (m)")
    _add_files(parser)
    parser.add_argument("--crs", help="coordinate system of a raster that has none, such as EPSG:4326")
    parser.add_argument(
        "--minimum",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share of a cell that must have elevations, 0 to 1 (default 0.5)",
    )
    parser.set_defaults(handler=elevation)
    parser = kinds.add_parser(
        "points",
        help="values of the cells from scattered points",
        description=POINTS_DESCRIPTION,
        epilog=POINTS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--table", type=Path, required=True, metavar="FILE.csv", help="the points")
    _add_files(parser)
    parser.add_argument(
        "--limit-km", type=float, required=True, metavar="KM", help="greatest distance of a point that counts"
    )
    parser.add_argument(
        "--method",
        default="nearest",
        choices=[kind.value for kind in PointMethod],
        help="how values come from points to cells (default: nearest)",
    )
    parser.add_argument(
        "--neighbours",
        type=int,
        default=8,
        metavar="N",
        help="of inverse-distance: how many of the nearest points (default 8)",
    )
    parser.add_argument(
        "--power",
        type=float,
        default=2.0,
        metavar="P",
        help="of inverse-distance: weights 1 / distance^P (default 2)",
    )
    parser.add_argument("--columns", metavar="A,B", help="columns of values to take (default: all)")
    parser.set_defaults(handler=points)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domain", type=Path, required=True, metavar="D.nc", help="domain file of the cells")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the product")


def elevation(options: argparse.Namespace) -> ExitCode:
    """Make a terrain product and print its summary; progress goes to standard error."""
    request = ElevationRequest(options.raster, options.domain, options.output, options.crs, options.minimum)
    for line in craft_elevation(request, lambda text: print(text, file=sys.stderr, flush=True)).lines():
        print(line)
    return ExitCode.OK


def points(options: argparse.Namespace) -> ExitCode:
    """Make a product of scattered points and print how far they are."""
    request = PointRequest(
        options.table,
        options.domain,
        options.output,
        options.limit_km,
        PointMethod(options.method),
        options.neighbours,
        options.power,
        tuple(options.columns.split(",")) if options.columns else None,
    )
    for line in craft_points(request).lines():
        print(line)
    return ExitCode.OK
