"""``kiloland craft forcing``: weather files of a run from daily or three-hourly products."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from pathlib import Path

from kiloland.craft.forcing.request import DayRule, Kept, Spreading, StreamFormat
from kiloland.errors import ExitCode, InputError, KilolandError

Moment = tuple[int, int | None, int | None]
"""Year, month, day."""

DESCRIPTION = """\
Make the forcing of a run: monthly stream files over the land cells of a domain, in its order.

The source folder holds one of
  * Daymet's daily files, daymet_v4_daily_<na|hi|pr>_<var>_<yyyy>.nc (tmin, tmax, prcp, srad, vp, dayl; the
    whole grid, a tile or a subset), and a reanalysis of 1 to 6 hours on a regular grid (TBOT, PSRF, FLDS,
    WIND, PRECTmms, FSDS and QBOT, RH or TDEW, in files of any name). Daily values are kept: the extremes of
    temperature, the sum of precipitation, the mean vapour pressure, the shortwave of the day. The reanalysis
    gives the shape of the local day, and pressure, wind and longwave.
  * three-hourly maps on Daymet's grid, clmforc.Daymet4.1km.<VAR>.<YYYY-MM>.nc; values are taken as they are.
  * three-hourly lists of cells, clmforc.Daymet4.1km.1d.<VAR>.<YYYY-MM>.nc, such as this command makes: the
    cells of the domain, in its order, and the months asked for; values are taken as they are.

Cells are matched by gridcell id. Leap years become years of 365 days: 29 February is left out, 31 December
(which Daymet lacks) is made from 30 December. The output also holds stream descriptions for E3SM.

Work that was interrupted goes on where it stopped: finished files are verified and kept. Started with mpiexec
the ranks share the work; the files are the same for any number of them.
"""
EPILOG = """\
examples:
  kiloland craft forcing --source daymet/ --domain seward.nc --years 1980:1989 -o forcing/
  mpiexec -n 4 kiloland craft forcing --source daymet/ --domain seward.nc --years 1980:1989 -o forcing/
  kiloland craft forcing --source forcing/ --domain part.nc --years 1980-06:1980-08 -o part_forcing/
  kiloland craft forcing --source daymet/ --domain seward.nc --years 1980:1989 -o forcing/ --part 1/2
  kiloland craft forcing --source daymet/ --domain seward.nc --years 1980:1989 -o forcing/ --part 2/2
"""


def register_forcing(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft forcing``."""
    parser = kinds.add_parser(
        "forcing",
        help="weather files from Daymet and a reanalysis",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folder of the products")
    parser.add_argument("--domain", type=Path, required=True, metavar="D.nc", help="the domain file")
    parser.add_argument(
        "--years",
        required=True,
        metavar="A:B",
        help="first and last year, month (1980-06:1981-02) or day (2014-06-01:2014-06-30), both included",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.add_argument(
        "--heights",
        metavar="FILE:VARIABLE",
        help="height of the cells [m], for the pressure; the reanalysis then needs TOPO, elevation or HGT",
    )
    parser.add_argument(
        "--memory", type=int, default=128, metavar="MB", help="memory for blocks of cells (default 128)"
    )
    parser.add_argument(
        "--part",
        default="1/1",
        metavar="I/N",
        help="make every N-th month, from the I-th, beside other processes that make the others",
    )
    for option, usual, text in (
        (
            "--keep",
            Kept.EXTREMES,
            "of daily temperatures: tmin and tmax (default), or their mean as that of the day",
        ),
        (
            "--day",
            DayRule.LOCAL,
            "daily values are those of local days (default, as Daymet's are), or of UTC",
        ),
        (
            "--stream-format",
            StreamFormat.TEXT,
            "descriptions for the data atmosphere: texts of E3SM (default), or the XML of CDEPS and a mesh",
        ),
    ):
        words = [one.value for one in type(usual)]
        parser.add_argument(option, choices=words, default=usual.value, help=text)
    parser.add_argument(
        "--deflate",
        type=int,
        metavar="N",
        help="compressed netCDF-4 files, level 1 (fast) to 9, in the place of CDF-5",
    )
    storage = parser.add_mutually_exclusive_group()
    storage.add_argument(
        "--significant-bits",
        type=int,
        metavar="N",
        help="round to N bits behind the leading one (1 to 23); relative error at most 2^-(N+1)",
    )
    storage.add_argument(
        "--pack",
        type=int,
        choices=[16],
        metavar="16",
        help="store whole numbers of 16 bits with scale and offset; the error is printed",
    )
    parser.set_defaults(handler=forcing)


def forcing(options: argparse.Namespace) -> ExitCode:
    """Make the files and print a summary; progress goes to standard error, from the first rank."""
    from kiloland.craft.forcing import Encoding, ForcingRequest, craft_forcing
    from kiloland.run.ranks import join_ranks, launched_rank

    first, last = _months(options.years)
    part, parts = _numbers(options.part, "/", "--part I/N")
    request = ForcingRequest(
        source=options.source,
        domain=options.domain,
        first_year=first[0],
        last_year=last[0],
        output=options.output,
        heights=options.heights,
        memory=options.memory,
        part=part,
        parts=parts,
        first_month=first[1] or 1,
        last_month=last[1] or 12,
        first_day=first[2] or 1,
        last_day=last[2],
        spreading=Spreading(Kept(options.keep), DayRule(options.day)),
        streams=StreamFormat(options.stream_format),
        deflate=options.deflate,
        encoding=Encoding(options.significant_bits, options.pack is not None),
    )
    if launched_rank() > 0:
        # All ranks stop with the same error; the first one tells it.
        logging.getLogger("kiloland").setLevel(logging.CRITICAL)
        try:
            ranks = join_ranks()
            with ranks.ending_together():
                craft_forcing(request, ranks=ranks)
        except KilolandError as error:
            return error.exit_code
        return ExitCode.OK
    ranks = join_ranks()
    with ranks.ending_together():
        summary = craft_forcing(request, lambda text: print(text, file=sys.stderr, flush=True), ranks)
    for line in summary.lines():
        print(line)
    return ExitCode.OK


def _months(text: str) -> tuple[Moment, Moment]:
    """First and last year, with month and day where they are given."""
    moment = r"(\d{1,4})(?:-(\d\d)(?:-(\d\d))?)?"
    match = re.fullmatch(f"{moment}(?::{moment})?", text)
    if match is None:
        raise InputError("not a period", found=text, expected="--years A:B, each YYYY, YYYY-MM or YYYY-MM-DD")
    numbers = [int(part) if part else None for part in match.groups()]
    year, last_year = numbers[0], numbers[3]
    assert year is not None
    first: Moment = (year, numbers[1], numbers[2])
    return first, first if last_year is None else (last_year, numbers[4], numbers[5])


def _numbers(text: str, mark: str, expected: str) -> tuple[int, int]:
    first, _, second = text.partition(mark)
    try:
        return int(first), int(second or first)
    except ValueError as error:
        raise InputError("not two whole numbers", found=text, expected=expected) from error
