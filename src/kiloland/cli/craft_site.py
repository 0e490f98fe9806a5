"""``kiloland craft site``: weather of one place for ELM's site mode."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Make the forcing file that ELM reads itself in site mode (cpl_bypass), all_hourly.nc, and zone_mappings.txt.

The source is a measured or prepared record (netCDF or CSV with a time axis and TBOT, PSRF, QBOT or RH, FSDS,
PRECTmms, WIND, FLDS), or DIR:ID, the cell of that gridID in a folder of stream files. Whole years are taken,
29 February is left out. Faulty samples are replaced by those of the next good day, and counted.

With --streams the output is a folder of stream files for E3SM's data atmosphere instead, a file for each
variable and month at the record's own interval, over the one cell of --domain.
"""
EPILOG = """\
examples:
  kiloland craft site --source US-SPR_forcing.nc4 -o site/all_hourly.nc
  kiloland craft site --source tower.csv --place 5.998,50.305 --years 2014:2014 -o all_hourly.nc
  kiloland craft site --source forcing/:10167715 -o all_hourly.nc
  kiloland craft site --source US-SPR_forcing.nc4 --streams --domain cell.nc -o streams/
"""


def register_site(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft site``."""
    parser = kinds.add_parser(
        "site",
        help="weather of one place for ELM's site mode",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # A place may begin with a western longitude: what starts like a negative number is a value, no option.
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
    parser.add_argument("--source", required=True, metavar="RECORD", help="a record, or DIR:ID")
    parser.add_argument("--years", metavar="A:B", help="first and last year (default: all whole ones)")
    parser.add_argument("--place", metavar="LON,LAT", help="of a record that does not say it [degrees]")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the file to make, or the folder"
    )
    parser.add_argument("--streams", action="store_true", help="stream files of the data atmosphere")
    parser.add_argument("--domain", type=Path, metavar="D.nc", help="of --streams: the domain of one cell")
    parser.set_defaults(handler=site)


def site(options: argparse.Namespace) -> ExitCode:
    """Make the file and print a summary."""
    from kiloland.craft.forcing.site import SiteRequest, craft_site

    place = _pair(options.place, ",", "--place LON,LAT") if options.place else (None, None)
    years = _pair(options.years, ":", "--years A:B") if options.years else None
    chosen = None if years is None else (int(years[0]), int(years[1]))
    request = SiteRequest(options.source, options.output, chosen, *place)
    if options.streams != (options.domain is not None):
        raise InputError("--streams and --domain go together", expected="--streams --domain D.nc -o DIR")
    if options.streams:
        from kiloland.craft.forcing.site_streams import craft_site_streams

        print("\n".join(craft_site_streams(request, options.domain).lines()))
        return ExitCode.OK
    summary = craft_site(request)
    print("\n".join(summary.lines()))
    return ExitCode.OK


def _pair(text: str, mark: str, expected: str) -> tuple[float, float]:
    first, _, second = text.partition(mark)
    try:
        return float(first), float(second or first)
    except ValueError as error:
        raise InputError("not two numbers", found=text, expected=expected) from error
