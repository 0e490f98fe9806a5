"""``kiloland craft surface``: the surface file of a domain."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.craft.landcover import landcover_product
from kiloland.craft.surface import Product, SurfaceRequest, craft_surface
from kiloland.errors import ExitCode, InputError
from kiloland.run.ranks import join_ranks

DESCRIPTION = """\
Make the surface file of a domain from an ELM surface file on a regular longitude/latitude grid.

The source may be global or regional, its rows may run north or south, its longitudes may be 0 to 360 or
-180 to 180. Only its real land counts (PFTDATA_MASK). Each variable is mapped by its kind:
  shares of the cell and of land units   conservative, then brought to a sum of exactly 100
  soil texture, depths, other fields     linear between the centres of the source cells
  classes, codes, plant types by month   nearest; classes are never averaged
  urban parameters                       from the nearest town; 0, and region 0, where there is none
Where the source has no value, the nearest one within a stated distance is taken and counted. Coordinates,
area, land mask and land fraction are those of the domain. Every variable that ELM may read is reported as
made, mapped, copied or absent with the consequence.

Finer products stand over the source with --product, the first before the others: other grids in longitude
and latitude, files on the domain's own cells (gridID, or x and y of its projection), and lists of places
(longitude, latitude). Where one has no value the next counts, and the source last; cells are counted.
Under mpiexec each rank maps and writes its stretch of cells; the file is the same, byte by byte.
"""

EPILOG = """\
examples:
  kiloland craft surface --source surfdata_0.5x0.5.nc --domain seward.nc -o surfdata_seward.nc
  kiloland craft surface --source surfdata.nc --domain box.nc -o surf.nc --method SOIL_COLOR=majority \\
      --method FMAX=nearest --table variables.csv
  kiloland craft surface --source surfdata.nc --product soil.nc:PCT_SAND=sand,PCT_CLAY=clay \\
      --product cover.nc --elevation terrain.nc:TOPO --minimum-share 1 --domain box.nc -o surf.nc
  mpiexec -n 4 kiloland craft surface --source surfdata.nc --domain seward.nc -o surf.nc
"""


def register_surface(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft surface``."""
    parser = kinds.add_parser(
        "surface",
        help="land units, plants, soil and towns of the cells",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source", type=Path, required=True, metavar="FILE", help="surface file (lsmlat, lsmlon)"
    )
    parser.add_argument("--domain", type=Path, required=True, metavar="FILE", help="domain file of the cells")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the surface file")
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="VAR=METHOD",
        help="map a variable by nearest, linear, conservative, majority, spline, spline-monotone or "
        "elevation, as far as its kind allows; may be repeated",
    )
    parser.add_argument(
        "--product",
        action="append",
        default=[],
        metavar="FILE[:VAR=NAME,...]",
        help="a finer file that stands over the source for VAR, called NAME there (default: all variables "
        "that it has); may be repeated, the first counts first",
    )
    parser.add_argument(
        "--landcover",
        type=Path,
        metavar="FILE",
        help="land units and plant types of `kiloland craft landcover`, where it has them",
    )
    parser.add_argument(
        "--elevation",
        metavar="FILE[:NAME]",
        help="elevation of the cells (m): becomes TOPO, and corrects what depends on height",
    )
    parser.add_argument(
        "--minimum-share",
        type=float,
        default=0.0,
        metavar="PERCENT",
        help="wetland, lake, glacier and towns below this share of a cell go to its other land units "
        "(default 0: all are kept; 1 is sound at a kilometre)",
    )
    parser.add_argument(
        "--two-dimensional",
        action="store_true",
        help="lsmlat, lsmlon; so it is with a two-dimensional domain anyway",
    )
    parser.add_argument(
        "--limit-km",
        type=float,
        metavar="KM",
        help="distance from which a value may be taken where the source has none (default: 100 km, more for "
        "source cells or cells of the domain that are larger; it is printed and written to the file)",
    )
    parser.add_argument(
        "--keep-urban", action="store_true", help="keep urban regions of cells without a town (empty columns)"
    )
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write what became of each variable as CSV"
    )
    parser.set_defaults(handler=surface)


def surface(options: argparse.Namespace) -> ExitCode:
    """Make a surface file and print what became of each variable."""
    ranks = join_ranks()
    summary = craft_surface(
        SurfaceRequest(
            options.source,
            options.domain,
            options.output,
            dict(_choice(text) for text in options.method),
            two_dimensional=True if options.two_dimensional else None,
            limit_km=options.limit_km,
            keep_urban=options.keep_urban,
            products=(
                *([landcover_product(options.landcover, options.source)] if options.landcover else []),
                *(Product.parse(text) for text in options.product),
            ),
            elevation=Product.parse_elevation(options.elevation) if options.elevation else None,
            minimum_share=options.minimum_share,
        ),
        ranks,
    )
    if ranks.is_root:
        if options.table:
            summary.write_table(options.table)
        for line in summary.lines():
            print(line)
    return ExitCode.OK


def _choice(text: str) -> tuple[str, str]:
    """The two parts of VAR=METHOD."""
    name, equals, method = text.partition("=")
    if not equals or not name or not method:
        raise InputError("a method is chosen as VAR=METHOD", found=text)
    return name, method
