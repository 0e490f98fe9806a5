"""``kiloland spinup report``: one page about predicted pools."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Write one page about the pools of `kiloland spinup solve` or `predict`: maps, means by pool, plant type and
layer, the profile of soil carbon, and uncertainty where the file holds it.

With --truth (a restart in equilibrium) the page shows predicted, true and their difference, with scatters and
scores; with --continued (history of the run from the new restart) the drift; with --evidence (the result of
`make spinup-benchmark`) the comparison of methods.
"""
EPILOG = """\
examples:
  kiloland spinup report --pools pools.nc --restart R.nc -o page/
  kiloland spinup report --pools pools.nc --restart R.nc --surface S.nc --truth final.r.nc \\
      --continued run.h0.0061.nc run.h0.0080.nc --evidence benchmarks/results/spinup.json -o page/
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup report``."""
    parser = kinds.add_parser(
        "report",
        help="one page about predicted pools",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pools", type=Path, required=True, metavar="pools.nc", help="predicted pools")
    parser.add_argument(
        "--restart", type=Path, required=True, metavar="R.nc", help="restart that they were predicted from"
    )
    parser.add_argument("--truth", type=Path, metavar="T.nc", help="restart in equilibrium")
    parser.add_argument("--parameters", type=Path, metavar="P.nc", help="parameter file of the run")
    parser.add_argument(
        "--surface", type=Path, metavar="S.nc", help="surface file, for the area of the cells"
    )
    parser.add_argument(
        "--continued",
        type=Path,
        nargs="+",
        default=[],
        metavar="H.nc",
        help="history of the run from the new restart, in order",
    )
    parser.add_argument("--evidence", type=Path, metavar="E.json", help="result of the benchmark")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the page")
    parser.set_defaults(handler=report)


def report(options: argparse.Namespace) -> ExitCode:
    """Write the page and say where it is."""
    # Matplotlib takes a second to load.
    from kiloland.report.spinup_page import write_spinup_page
    from kiloland.report.spinup_values import ReportRequest

    request = ReportRequest(
        options.pools,
        options.restart,
        options.truth,
        options.parameters,
        options.surface,
        tuple(options.continued),
        options.evidence,
    )
    print(write_spinup_page(options.output, request))
    return ExitCode.OK
