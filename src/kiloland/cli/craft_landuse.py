"""``kiloland craft landuse``: the land-use time series of a domain."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kiloland.craft.landuse import (
    LandCoverSeriesRequest,
    LandUseRequest,
    craft_landcover_series,
    craft_landuse,
)
from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Make the land-use time series of a domain (ELM's flanduse_timeseries) from one on a regular grid: plant types
of every year, crops and harvest where the source has them. Shares are mapped by area and sum to 100 in every
year. ELM stops where the first year differs from the surface file: --surface compares them, and
--adjust-first-year begins the series with the surface file and adds the changes of the source.

With --landcover YEAR=FILE (twice or more) the series is made of files of `kiloland craft landcover`: shares
change evenly between their years. It begins with the surface file where one is given, which also fills the
cells that a raster does not know.
"""

EPILOG = """\
examples:
  kiloland craft landuse --source landuse.timeseries_0.5x0.5.nc --domain seward.nc --surface surf.nc \\
      --natural surfdata_0.5x0.5.nc -o landuse_seward.nc
  kiloland craft landuse --source landuse.nc --domain seward.nc --surface surf.nc --adjust-first-year \\
      --years 1850:2014 --single -o landuse_seward.nc
  kiloland craft landuse --landcover 2000=lc2000.nc --landcover 2010=lc2010.nc --domain seward.nc \\
      --surface surf.nc -o landuse_seward.nc
"""


def register_landuse(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft landuse``."""
    parser = kinds.add_parser(
        "landuse",
        help="plant types and harvest by year",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--source", type=Path, metavar="FILE", help="land-use time series")
    source.add_argument(
        "--landcover",
        action="append",
        metavar="YEAR=FILE",
        help="land cover of a year, of `kiloland craft landcover`; once for each year",
    )
    parser.add_argument("--domain", type=Path, required=True, metavar="FILE", help="domain file of the cells")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the series")
    parser.add_argument(
        "--surface",
        type=Path,
        metavar="FILE",
        help="surface file of the domain, which the first year must agree with",
    )
    parser.add_argument(
        "--adjust-first-year", action="store_true", help="begin with the surface file, keep the changes"
    )
    parser.add_argument(
        "--natural",
        type=Path,
        metavar="FILE",
        help="surface file on the grid of the source: weighs plant types by natural vegetation, as "
        "`kiloland craft surface` does",
    )
    parser.add_argument(
        "--method",
        default="conservative",
        choices=["conservative", "nearest"],
        help="how shares are mapped: by area (default), or from the nearest cell",
    )
    parser.add_argument("--years", metavar="A:B", help="first and last year (default: all)")
    parser.add_argument(
        "--single", action="store_true", help="single precision, shares exact in steps of 2^-17 percent"
    )
    parser.add_argument(
        "--limit-km",
        type=float,
        metavar="KM",
        help="greatest distance from which a value may be taken where the source has none",
    )
    parser.set_defaults(handler=landuse)


def landuse(options: argparse.Namespace) -> ExitCode:
    """Make the series and print a summary; progress goes to standard error."""
    if options.landcover:
        return _from_landcover(options)
    request = LandUseRequest(
        options.source,
        options.domain,
        options.output,
        options.surface,
        options.adjust_first_year,
        options.natural,
        options.method,
        _years(options.years),
        options.single,
        options.limit_km,
    )
    summary = craft_landuse(request, lambda text: print(text, file=sys.stderr, flush=True))
    for line in summary.lines():
        print(line)
    return ExitCode.OK


def _from_landcover(options: argparse.Namespace) -> ExitCode:
    """Make the series of land cover."""
    given = ("natural", "years", "limit_km", "adjust_first_year")
    unused = [name for name in given if getattr(options, name)]
    if unused or options.method != "conservative":
        raise InputError("has no meaning with --landcover", found=f"--{(unused or ['method'])[0]}")
    products: dict[int, Path] = {}
    for text in options.landcover:
        year, equals, file = text.partition("=")
        if not (equals and file and year.isdigit()) or int(year) in products:
            raise InputError("land cover is given as YEAR=FILE, each year once", found=text)
        products[int(year)] = Path(file)
    request = LandCoverSeriesRequest(
        products, options.domain, options.output, options.surface, options.single
    )
    summary = craft_landcover_series(request, lambda text: print(text, file=sys.stderr, flush=True))
    for line in summary.lines():
        print(line)
    return ExitCode.OK


def _years(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, last = text.partition(":")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise InputError("years are given as A:B", found=text) from None
