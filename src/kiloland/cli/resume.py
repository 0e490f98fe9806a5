"""``kiloland resume``: continue a case from its newest complete restart set."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.cli.run import EPILOG, execute
from kiloland.errors import ExitCode

DESCRIPTION = """\
Continue a case from the newest restart set in its directory that is complete and undamaged.

The results are the same, bit for bit, as if the run had never stopped, on any number of ranks. Settings that
decide results must be those of the start; the end of the case may be later.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "resume",
        help="continue a case from its newest complete restart set",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", type=Path, metavar="CASE.toml", help="the case file")
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Run the command."""
    return execute(options.case, resume=True)
