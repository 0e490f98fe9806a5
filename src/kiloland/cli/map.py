"""``kiloland map``: one value per cell, drawn on the map."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Draw a variable of a history, restart, domain, surface or forcing file, or a band of a GeoTIFF, on the map.

Cells of the Daymet grid are drawn as true cells in its projection, cells of a regular grid in degrees.
Variables on landunits, columns and patches are averaged to cells with their weights.
"""

EPILOG = """\
examples:
  kiloland map run.elm.h0.0016-07.nc TSOI --level 3 --time 0016-07-06
  kiloland map run.elm.r.0016-07-01-00000.nc T_VEG --patch-type 2 -o needleleaf.png
  kiloland map forcing.nc TBOT --domain domain.nc
"""


def add_choice(parser: argparse.ArgumentParser) -> None:
    """The options that choose time, layer and patch type, the same for maps and plots."""
    parser.add_argument(
        "--level",
        action="append",
        type=int,
        default=[],
        metavar="K",
        help="layer, from 0 (default: uppermost of the ground); again for a second dimension of layers",
    )
    parser.add_argument("--time", metavar="T", help="record from 0, from the end if negative, or YYYY-MM-DD")
    parser.add_argument("--patch-type", type=int, metavar="P", help="only patches of this vegetation type")
    parser.add_argument("-o", "--output", type=Path, metavar="PNG", help="default: VARIABLE.png")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "map",
        help="draw a variable on the map",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("variable", metavar="VARIABLE")
    add_choice(parser)
    parser.add_argument(
        "--domain", type=Path, metavar="D.nc", help="domain file, for files without coordinates"
    )
    parser.set_defaults(handler=draw)


def draw(options: argparse.Namespace) -> ExitCode:
    """Draw the map and say where it is."""
    # Matplotlib takes a second to load; commands that draw nothing do without.
    from kiloland.report import Choice
    from kiloland.report.maps import map_file

    choice = Choice(options.time, tuple(options.level), options.patch_type)
    output = options.output or Path(f"{options.variable}.png")
    print(map_file(options.file, options.variable, output, choice, options.domain))
    return ExitCode.OK
