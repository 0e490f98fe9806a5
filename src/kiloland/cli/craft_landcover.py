"""``kiloland craft landcover``: shares of land units and plant types from a raster of classes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kiloland.craft.landcover import ClimateRequest, LandCoverRequest, craft_landcover
from kiloland.errors import ExitCode

DESCRIPTION = """\
Make the shares of land units and plant types of every cell from a land-cover raster of 30 m to some km, in
any coordinate system. Each pixel is counted once, with its true area, in the cell that holds it; pixels of
about a cell's size are cut by the outlines of the cells. A legend says what each class is: --legend nalcms,
or a TOML file. Classes such as needleleaf forest are split between two plant types by the mean temperature
of the coldest month (--climate). Pixels without data count for no class; cells with a class on less than
--minimum of their area are left to the surface source. `kiloland craft surface --landcover` takes the file.
"""

EPILOG = """\
examples:
  kiloland craft landcover --raster nalcms_2020_30m.tif --climate climate.nc:temp --climate-scale 0.1 \\
      --domain seward.nc -o landcover.nc
  kiloland craft landcover --raster classes.tif --legend classes.toml --climate forcing/ \\
      --domain seward.nc -o landcover.nc
  kiloland craft surface --source surfdata.nc --domain seward.nc --landcover landcover.nc -o surf.nc
"""


def register_landcover(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft landcover``."""
    parser = kinds.add_parser(
        "landcover",
        help="plant types and land units from a raster of classes",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--raster", type=Path, required=True, metavar="R.tif", help="raster of class codes")
    parser.add_argument("--domain", type=Path, required=True, metavar="D.nc", help="domain file of the cells")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the shares")
    parser.add_argument("--legend", default="nalcms", metavar="NAME", help="nalcms (default) or a TOML file")
    parser.add_argument(
        "--climate",
        metavar="FILE",
        help="temperature by month or of the coldest month: FILE, FILE:VARIABLE, or a folder that `kiloland "
        "craft forcing` made, with TBOT of twelve months",
    )
    parser.add_argument(
        "--climate-scale",
        type=float,
        default=1.0,
        metavar="X",
        help="multiply what the climate file holds (0.1 for tenths of a degree)",
    )
    parser.add_argument(
        "--limit-km",
        type=float,
        metavar="KM",
        help="greatest distance from which a temperature may be taken where the climate file has none",
    )
    parser.add_argument("--crs", help="coordinate system of a raster that has none, such as EPSG:4326")
    parser.add_argument(
        "--minimum",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share of a cell that must have a class, 0 to 1 (default 0.5); below it the source counts",
    )
    parser.set_defaults(handler=landcover)


def landcover(options: argparse.Namespace) -> ExitCode:
    """Make the shares and print areas and coverage; progress goes to standard error."""
    climate = None
    if options.climate:
        climate = ClimateRequest(options.climate, options.climate_scale, options.limit_km)
    request = LandCoverRequest(
        options.raster, options.domain, options.output, climate, options.legend, options.crs, options.minimum
    )
    summary = craft_landcover(request, lambda text: print(text, file=sys.stderr, flush=True))
    for line in summary.lines():
        print(line)
    return ExitCode.OK
