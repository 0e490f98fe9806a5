"""``kiloland compare``: are two files the same, bit for bit?"""

from __future__ import annotations

import argparse

from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Compare two netCDF files (classic, CDF-5 or netCDF-4, each possibly gzipped) variable by variable.

By default every bit of every element counts: -0.0 is not 0.0, a NaN of another payload is another NaN, and
fill values must be at the same places. Types, dimensions, attributes of variables, global numbers and
variables on one side only count too. Global text such as history, case or host is reported only.
With --rtol or --atol floating-point elements agree when |a-b| <= max(ATOL, RTOL * max(|a|, |b|)).
"""

EPILOG = """\
examples:
  kiloland compare run.elm.r.0001-01-06-00000.nc again.elm.r.0001-01-06-00000.nc
  kiloland compare ours.nc elm.nc.gz --rtol 1e-12 --ignore 'date_written' --ignore 'time_written'
  kiloland compare one.elm.r.nc ten.elm.r.nc --copies 10

exit codes: 0 identical; 1 different; 2 cannot compare (unreadable, or no variable in common)
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "compare",
        help="compare two files bit for bit, or as N copies",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", metavar="A.nc", help="the reference")
    parser.add_argument("b", metavar="B.nc", help="the file to compare with it")
    parser.add_argument(
        "--copies", type=int, metavar="N", help="B must be exactly N copies of the cells of A"
    )
    parser.add_argument("--rtol", type=float, default=0.0, metavar="X", help="relative tolerance (default 0)")
    parser.add_argument("--atol", type=float, default=0.0, metavar="X", help="absolute tolerance (default 0)")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out a variable or a shell pattern of variables; may be repeated",
    )
    parser.add_argument("--ignore-attributes", action="store_true", help="no attribute makes files different")
    parser.add_argument("--strict", action="store_true", help="global text attributes count as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--all", action="store_true", help="list identical variables too")
    parser.set_defaults(handler=compare)


def compare(options: argparse.Namespace) -> ExitCode:
    """Compare, print, and return whether the files are the same."""
    # Numpy and netCDF take a while to load; the help of all commands does without.
    from kiloland.verify import Options, Tolerance, compare_copies, compare_files, to_json, to_table

    for name in ("rtol", "atol"):
        value = getattr(options, name)
        if not 0.0 <= value < float("inf"):
            raise InputError(f"--{name} must be zero or a positive number", found=value)
    settings = Options(
        tolerance=Tolerance(options.rtol, options.atol),
        ignore=tuple(options.ignore),
        ignore_attributes=options.ignore_attributes,
        strict=options.strict,
    )
    outcome = (
        compare_files(options.a, options.b, settings)
        if options.copies is None
        else compare_copies(options.a, options.b, options.copies, settings)
    )
    print(to_json(outcome) if options.json else to_table(outcome, options.all))
    return outcome.exit_code
