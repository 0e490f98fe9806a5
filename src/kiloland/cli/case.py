"""``kiloland case``: make case files."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Write a case file that runs on the inputs of an ELM case: domain, surface, parameters and site forcing as its
namelists name them. Inputs are looked for, by the last part of their names, in the folders given with
--inputs. Edit the case as you like; docs/run.md explains every key.
"""
EPILOG = """\
examples:
  kiloland case from-elm lnd_in --inputs inputs --restart r.0016-07-01.nc.gz --stop 0016-08-01 -o case.toml
  kiloland case from-elm lnd_in --inputs inputs --start 0001-01-01 --stop 0002-01-01 -o case.toml
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("case", help="make a case file from ELM's namelists")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    make = actions.add_parser(
        "from-elm",
        help="make a case file from lnd_in and drv_in",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    make.add_argument("namelist", type=Path, metavar="lnd_in", help="ELM's namelist")
    make.add_argument("--drv-in", type=Path, help="driver namelist (default: drv_in beside lnd_in)")
    make.add_argument(
        "--inputs",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="folder of inputs; may be repeated",
    )
    make.add_argument("--restart", type=Path, help="initial restart; its date is the start")
    make.add_argument("--start", metavar="DATE", help="start of a cold start, YYYY-MM-DD")
    make.add_argument("--stop", required=True, metavar="DATE", help="end of the run, YYYY-MM-DD")
    make.add_argument("--name", default="elm", help="name of the case (default elm)")
    make.add_argument("-o", "--output", type=Path, required=True, metavar="CASE.toml", help="file to write")
    make.set_defaults(handler=handle_from_elm)


def handle_from_elm(options: argparse.Namespace) -> ExitCode:
    """Run ``case from-elm``."""
    from kiloland.files import write_text
    from kiloland.run.case import check_case_text
    from kiloland.run.from_elm import case_from_namelists

    text = case_from_namelists(
        options.namelist,
        options.drv_in,
        options.inputs,
        options.stop,
        name=options.name,
        restart=options.restart,
        start=options.start,
    )
    check_case_text(text, options.output)
    write_text(options.output, text)
    print(options.output)
    return ExitCode.OK
