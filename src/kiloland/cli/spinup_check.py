"""``kiloland spinup check``: is a run in equilibrium?"""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Is a run in equilibrium? Net exchange, drift of ecosystem, soil and vegetation carbon, nitrogen and
phosphorus, leaf area, GPP, water and snow, and the share of land that drifts more than 1 gC m-2 yr-1, by
area, from one whole forcing cycle to the next. CTSM's limits, which are for the globe, hold per area too, so
that a small domain is judged as strictly. Give all history files of the last years: two-dimensional tapes,
and the tape of patches (hist_dov2xy = .false.) for the drift by plant type and biome.

Exit code 0: in equilibrium; 1: not yet; 2: cannot be judged, or a file cannot be used.
"""
EPILOG = """\
examples:
  kiloland spinup check --history run.elm.h0.*.nc
  kiloland spinup check --history run.elm.h0.*.nc run.elm.h1.*.nc --cycle 20 --page report/
  kiloland spinup check --history run.elm.h0.*.nc --json
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup check``."""
    parser = kinds.add_parser(
        "check",
        help="is a run in equilibrium",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--history", type=Path, nargs="+", required=True, metavar="FILE", help="history files of the run"
    )
    parser.add_argument(
        "--cycle",
        type=int,
        metavar="YEARS",
        help="years of the forcing cycle (default: found from the forcing on file, else from the length)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--page", type=Path, metavar="DIR", help="write DIR/index.html with maps")
    parser.set_defaults(handler=check)


def check(options: argparse.Namespace) -> ExitCode:
    """Judge the run and print the report."""
    from kiloland.spinup.criteria import check_json, check_lines, check_spinup

    result = check_spinup(options.history, options.cycle)
    if options.page is not None:
        from kiloland.report.spinup_check import write_spinup_check_page

        write_spinup_check_page(options.page, result)
    if options.json:
        print(check_json(result))
    else:
        for line in check_lines(result):
            print(line)
    if result.equilibrium is None:
        return ExitCode.BAD_INPUT
    return ExitCode.OK if result.equilibrium else ExitCode.FINDINGS
