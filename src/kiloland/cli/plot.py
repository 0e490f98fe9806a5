"""``kiloland plot``: time series and profiles."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.cli.map import add_choice
from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Draw variables of history files over time, or one variable over depth with --profile.

By default the mean over the cells (weighted with their land area) and their 10th to 90th percentile.
"""

EPILOG = """\
examples:
  kiloland plot run.elm.h0.nc TSOI FGR --level 2
  kiloland plot one.elm.h0.nc TSOI --also other.elm.h0.nc
  kiloland plot run.elm.h0.nc FSDS --cell 10523417
  kiloland plot run.elm.h0.nc TSOI --profile --time 0016-07-06 -o profile.png
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "plot",
        help="draw time series and profiles",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("variables", nargs="+", metavar="VARIABLE")
    add_choice(parser)
    parser.add_argument(
        "--also",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="another file, drawn as more lines",
    )
    parser.add_argument(
        "--cell",
        action="append",
        type=int,
        default=[],
        metavar="ID",
        help="gridcell id (position from 0 where the file has no ids) instead of the mean; may be repeated",
    )
    parser.add_argument("--profile", action="store_true", help="over depth instead of over time")
    parser.set_defaults(handler=draw)


def draw(options: argparse.Namespace) -> ExitCode:
    """Draw the picture and say where it is."""
    # Matplotlib takes a second to load; commands that draw nothing do without.
    from kiloland.report import Choice
    from kiloland.report.profiles import profile_file
    from kiloland.report.series import plot_files

    choice = Choice(options.time, tuple(options.level), options.patch_type)
    output = options.output or Path(f"{'_'.join(options.variables)}.png")
    if not options.profile:
        if options.time is not None:
            raise InputError(
                "--time chooses the record of a profile; a time series draws all", hint="Add --profile"
            )
        print(plot_files([options.file, *options.also], options.variables, output, choice, options.cell))
        return ExitCode.OK
    if len(options.variables) > 1 or len(options.cell) > 1 or options.also:
        raise InputError("--profile draws one variable of one file, of all cells or of one")
    cell = options.cell[0] if options.cell else None
    print(profile_file(options.file, options.variables[0], output, choice, cell))
    return ExitCode.OK
