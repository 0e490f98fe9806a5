"""``kiloland craft duplicate | subset | join``: more cells, fewer cells, cells of several files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kiloland.craft.domain import Box, IdFile, PointFile
from kiloland.craft.duplicate import Times
from kiloland.craft.identify import AllCells, DomainFile, Request
from kiloland.craft.join import JoinRequest, join
from kiloland.craft.subset import Period, SubsetRequest, subset
from kiloland.craft.virtual import VirtualIndex, duplicate
from kiloland.errors import ExitCode, InputError
from kiloland.grid import Coordinates

DUPLICATE_DESCRIPTION = """\
Repeat the cells of a domain, surface, forcing or restart file N times, to make a larger run of the same kind.

Copies lie one after the other in every dimension of cells. Data and coordinates repeat, index vectors point
into their own copy, and gridID stays unique: copy c has the ids of the source plus c times a step that the
file names. `kiloland compare IN OUT --copies N` proves the result.

With --virtual a small file names the source and the rule, and no data are written. `craft duplicate`, `craft
subset` and `craft join` read it; for all else make data of it: `kiloland craft duplicate IN.json --times 1`.
"""

DUPLICATE_EPILOG = """\
examples:
  kiloland craft duplicate domain.nc --times 10 -o domain_x10.nc
  kiloland craft duplicate surfdata.nc --times 10x10x3 -o surfdata_x300.nc
  kiloland craft duplicate restart.nc --times 100 --virtual -o restart_x100.json
"""

SUBSET_DESCRIPTION = """\
Take some cells, and some times, of a domain, surface or forcing file; values stay as they are, bit for bit.

Which cells:
  --domain D.nc    the cells of a domain, in its order
  --ids FILE       cells by gridcell id (one column, or gridID in a netCDF file)
  --box W,S,E,N    cells with their centre in the box; W above E crosses the dateline
  --points FILE    cells that hold the points of a list; --coordinates says which columns to use
  none of them     all cells; cells in rows and columns become a list

Cells are matched by gridcell id and, but for --domain, ordered by it, as `kiloland craft domain` does. An id
that the file has not ends the work. A file without gridID, such as surface data, takes its ids from the
domain that it was made for: --source-domain.
"""

SUBSET_EPILOG = """\
examples:
  kiloland craft subset domain.nc --box -168,64,-160,66 -o part.nc
  kiloland craft subset surfdata.nc --source-domain domain.nc --domain part.nc -o part_surfdata.nc
  kiloland craft subset forcing.nc --domain part.nc --time 1980-06:1980-08 -o part_forcing.nc
"""

JOIN_DESCRIPTION = """\
Join domains, surface files or forcing files of different cells into one, ordered by gridcell id.

All files must have the same variables, types, units, grid and times. Cells that two of the files have end the
work, and are named. Files without gridID take their ids from domains, one for each file: --source-domains.
"""

JOIN_EPILOG = """\
examples:
  kiloland craft join west.nc east.nc -o both.nc
  kiloland craft join s1.nc s2.nc --source-domains d1.nc d2.nc -o s.nc
"""


def register_cell_products(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft duplicate``, ``craft subset`` and ``craft join``."""
    register_duplicate(kinds)
    register_subset(kinds)
    register_join(kinds)


def register_duplicate(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft duplicate``."""
    parser = kinds.add_parser(
        "duplicate",
        help="the same cells N times",
        description=DUPLICATE_DESCRIPTION,
        epilog=DUPLICATE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="IN", help="the file, or one of virtual copies")
    parser.add_argument("--times", required=True, metavar="N", help="number of copies: 300, or 10x10x3")
    parser.add_argument("--virtual", action="store_true", help="write only what the copies are")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the file of copies")
    parser.set_defaults(handler=make_copies)


def make_copies(options: argparse.Namespace) -> ExitCode:
    """Make copies and print what was made."""
    times = Times.from_text(options.times)
    made = duplicate(options.source, times, options.output, virtual=options.virtual)
    if isinstance(made, VirtualIndex):
        print(f"{options.output}: {made.times.copies} copies of {made.source}, virtual")
    else:
        print("\n".join(made.lines()))
    return ExitCode.OK


def register_subset(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft subset``."""
    parser = kinds.add_parser(
        "subset",
        help="some cells and times of a file",
        description=SUBSET_DESCRIPTION,
        epilog=SUBSET_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # A box may begin with a western longitude: what starts like a negative number is a value, no option.
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
    parser.add_argument("source", type=Path, metavar="IN", help="the file, or one of virtual copies")
    cells = parser.add_mutually_exclusive_group()
    cells.add_argument("--domain", type=Path, metavar="D.nc", help="a domain file")
    cells.add_argument("--ids", type=Path, metavar="FILE", help="list of gridcell ids (.csv, .csv.gz, .nc)")
    cells.add_argument("--box", metavar="W,S,E,N", help="box in degrees, either longitude convention")
    cells.add_argument("--points", type=Path, metavar="FILE", help="list of points (.csv, .csv.gz)")
    parser.add_argument(
        "--coordinates",
        choices=[kind.value for kind in Coordinates],
        help="what the points are; needed with --points",
    )
    parser.add_argument(
        "--time", metavar="A:B", help="years, months or days, both included: 1980:1989, 1980-06:1980-08"
    )
    parser.add_argument(
        "--source-domain", type=Path, metavar="D.nc", help="the domain of IN, for a file without gridID"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the file to make")
    parser.set_defaults(handler=take_subset)


def take_subset(options: argparse.Namespace) -> ExitCode:
    """Take a subset and print what was taken."""
    request = SubsetRequest(
        options.source,
        _cells(options),
        options.output,
        Period.from_text(options.time) if options.time else None,
        options.source_domain,
    )
    print("\n".join(subset(request).lines()))
    return ExitCode.OK


def _cells(options: argparse.Namespace) -> Request:
    if options.points and not options.coordinates:
        raise InputError("--points needs --coordinates", expected="--coordinates xy or --coordinates lonlat")
    if options.points:
        return PointFile(options.points, Coordinates(options.coordinates))
    if options.domain:
        return DomainFile(options.domain)
    if options.ids:
        return IdFile(options.ids)
    return Box.from_text(options.box) if options.box else AllCells()


def register_join(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft join``."""
    parser = kinds.add_parser(
        "join",
        help="cells of several files in one",
        description=JOIN_DESCRIPTION,
        epilog=JOIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", type=Path, nargs="+", metavar="IN", help="files of different cells")
    parser.add_argument(
        "--source-domains",
        type=Path,
        nargs="+",
        default=[],
        metavar="D.nc",
        help="the domains of the files, in their order",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the file to make")
    parser.set_defaults(handler=join_files)


def join_files(options: argparse.Namespace) -> ExitCode:
    """Join files and print what was joined."""
    print("\n".join(join(JoinRequest(options.sources, options.output, options.source_domains)).lines()))
    return ExitCode.OK
