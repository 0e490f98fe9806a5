"""``kiloland spinup restart``: write a restart with other pools."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Write a restart that holds the pools of `spinup solve` or `spinup predict`. Columns and patches are found by
gridcell, landunit and plant type, never by their place in the file. Every pool and total that depends on what
changes is changed with it; urban, lake and ice columns and everything else keep their bits.

Leaving accelerated spinup: with --spinup-state 1 the pools are divided by ELM's factors and the averaged
scalar is set to 1, so that ELM multiplies them back when it starts with spinup_state = 0, and inserts mineral
P itself. With --spinup-state 0 all of this is done here, and mineral P comes from the file of pools or, as in
ELM, from --surface and --soil-orders. Without --spinup-state: 0 where mineral P is known, else the restart's.

The new file appears whole and only when no check finds an error.

Exit code 0: written (with --dry-run: would be written); 2: refused, or an input cannot be used.
"""
EPILOG = """\
examples:
  kiloland spinup restart --restart ad.r.0041.nc --pools pools.nc -o new.nc --dry-run
  kiloland spinup restart --restart ad.r.0041.nc --pools pools.nc -o new.nc
  kiloland spinup restart --restart ad.r.0041.nc --pools pools.nc --spinup-state 0 \\
      --surface surfdata.nc --soil-orders CNP_parameters.nc --parameters clm_params.nc -o new.nc
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup restart``."""
    parser = kinds.add_parser(
        "restart",
        help="write a restart with other pools",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--restart", type=Path, required=True, metavar="R.nc", help="the restart of the run")
    parser.add_argument("--pools", type=Path, required=True, metavar="P.nc", help="the file of pools")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NEW.nc", help="the new restart")
    parser.add_argument("--dry-run", action="store_true", help="check and report, write nothing")
    parser.add_argument(
        "--spinup-state", type=int, choices=(0, 1), help="spinup_state of the new file (see above)"
    )
    parser.add_argument("--surface", type=Path, metavar="S.nc", help="surface file, for mineral P")
    parser.add_argument(
        "--soil-orders", type=Path, metavar="CNP.nc", help="sorption of the soil orders (fsoilordercon)"
    )
    parser.add_argument(
        "--parameters",
        type=Path,
        metavar="CLM.nc",
        help="parameter file, for the factors (default ELM's own)",
    )
    parser.add_argument(
        "--mortality-factor",
        type=float,
        metavar="F",
        help="spinup_mortality_factor of the run (default: read from the heights of trees, else 10)",
    )
    parser.add_argument(
        "--exit-mortality-factor",
        type=float,
        metavar="F",
        help="spinup_mortality_factor of the next run, for spinup_state 1 (default: the same)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=restart)


def restart(options: argparse.Namespace) -> ExitCode:
    """Write the restart and print the report; progress goes to standard error."""
    from kiloland.spinup.restart import RestartRequest, report_json, report_lines, write_restart

    request = RestartRequest(
        options.restart,
        options.pools,
        options.output,
        options.dry_run,
        options.spinup_state,
        options.surface,
        options.soil_orders,
        options.parameters,
        options.mortality_factor,
        options.exit_mortality_factor,
    )
    report = write_restart(request, lambda text: print(text, file=sys.stderr, flush=True))
    if options.json:
        print(report_json(report))
    else:
        for line in report_lines(report):
            print(line)
    return ExitCode.BAD_INPUT if report.refused else ExitCode.OK
