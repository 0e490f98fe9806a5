"""``kiloland craft synthetic``: made-up inputs in the formats of the real products."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.craft.synthetic_sources import SyntheticKind, SyntheticRequest, craft_synthetic
from kiloland.errors import ExitCode

DESCRIPTION = """\
Make made-up input products around a domain, in the formats of the real ones, to try the other commands
without a download. Every file says that it is synthetic: it is the climate, soil or land of no place.

  daymet       daily Daymet files of one year, on the rectangle of Daymet's grid around the cells
  reanalysis   three-hourly weather of the year on half degrees, files like those of GSWP3
  maps         three-hourly maps of the year on Daymet's grid
  surface      surface data on half degrees: surfdata_0.5x0.5_synthetic.nc
  landcover    raster of NALCMS classes: landcover_synthetic.tif
  elevation    raster of elevations: elevation_synthetic.tif
  points       bedrock depth and pH at scattered places: points_synthetic.csv
  landuse      land-use time series of five years, global, 5 degrees: landuse_synthetic.nc
"""

EPILOG = """\
examples:
  kiloland craft synthetic daymet reanalysis --domain seward.nc --year 2014 -o sources/
  kiloland craft forcing --source sources/ --domain seward.nc --years 2014:2014 -o forcing/
  kiloland craft synthetic surface landcover elevation points landuse --domain seward.nc -o products/
"""


def register_synthetic(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft synthetic``."""
    parser = kinds.add_parser(
        "synthetic",
        help="made-up sources in the formats of the real ones, to try the other commands",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "kinds",
        nargs="+",
        metavar="KIND",
        choices=[kind.value for kind in SyntheticKind],
        help="one or more of the above",
    )
    parser.add_argument("--domain", type=Path, required=True, metavar="D.nc", help="domain file of the cells")
    parser.add_argument(
        "--year",
        type=int,
        default=2014,
        metavar="Y",
        help="of weather; first year of land use (default 2014)",
    )
    parser.add_argument(
        "--metres", type=float, default=250.0, metavar="M", help="side of the pixels of rasters (default 250)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other numbers")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.set_defaults(handler=synthetic)


def synthetic(options: argparse.Namespace) -> ExitCode:
    """Make the files, with a line for each kind."""
    kinds = tuple(SyntheticKind(text) for text in options.kinds)
    request = SyntheticRequest(
        kinds, options.domain, options.output, options.year, options.metres, options.seed
    )
    craft_synthetic(request, lambda text: print(text, flush=True))
    return ExitCode.OK
