"""``kiloland craft check``: check domain, surface and forcing before a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Check the inputs of a run: all that ELM checks when it reads them, and what it does not: areas, places,
units, calendars, time stamps, gaps, stuck values, impossible weather, and one file against another.

Each finding says where it is, what was found and expected, how much it affects, and what it does to a run.
Forcing is a folder of monthly files, one file of many cells, or a record of one place. It is read once, in
blocks; --memory bounds the arrays. --against compares with another product: forcing with forcing, surface
with surface, domain with domain, over the cells that both have.

Exit code 0: clean; 1: findings, errors or warnings; 2: an input cannot be read.
"""
EPILOG = """\
examples:
  kiloland craft check --domain seward.nc --surface surfdata.nc --forcing forcing/
  kiloland craft check --domain seward.nc --forcing forcing/ --against published/ --page report/
  kiloland craft check --forcing US-SPR_forcing.nc4 --json
"""


def register_check(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft check``."""
    parser = kinds.add_parser(
        "check",
        help="find faults in domain, surface, land use and forcing",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--domain", type=Path, metavar="D.nc", help="the domain file")
    parser.add_argument("--surface", type=Path, metavar="S.nc", help="the surface file")
    parser.add_argument("--landuse", type=Path, metavar="L.nc", help="the land-use series")
    parser.add_argument(
        "--forcing",
        type=Path,
        metavar="DIR",
        help="folder of monthly files, one file of many cells, or a record of one place",
    )
    parser.add_argument("--against", type=Path, metavar="OTHER", help="another product to compare with")
    parser.add_argument(
        "--memory", type=int, default=256, metavar="MB", help="memory for blocks of cells (default 256)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--page", type=Path, metavar="DIR", help="write DIR/index.html with maps")
    parser.set_defaults(handler=check)


def check(options: argparse.Namespace) -> ExitCode:
    """Run the checks and print the report; progress goes to standard error."""
    from kiloland.craft.check import CheckRequest, check_inputs, report_json, report_lines

    request = CheckRequest(
        options.domain, options.surface, options.forcing, options.against, options.memory, options.landuse
    )
    report = check_inputs(request, lambda text: print(text, file=sys.stderr, flush=True))
    if options.page is not None:
        from kiloland.craft.check.page import write_check_page

        write_check_page(options.page, report)
    if options.json:
        print(report_json(report))
    else:
        for line in report_lines(report):
            print(line)
    return ExitCode.FINDINGS if report.findings else ExitCode.OK
