"""``kiloland restart``: look after restart files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kiloland.errors import ExitCode, InputError

EPILOG = """\
examples:
  kiloland restart rewrite r.0016-07-01.nc.gz copy.nc
  kiloland restart rewrite in.nc out.nc --set "T_SOISNO[0,7]=280.5"
"""

_SETTING = re.compile(r"\s*(\w+)\s*(?:\[\s*(\d+(?:\s*,\s*\d+)*)?\s*\])?\s*=\s*(\S+)\s*")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("restart", help="read a restart into the state and write it again")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    rewrite = actions.add_parser(
        "rewrite",
        help="load a restart into the land state and write it again",
        description="Load a restart into the land state, change one value in memory if asked, write it "
        "again. Without --set every variable comes out bit for bit.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rewrite.add_argument("input", type=Path, metavar="IN", help="ELM restart (.nc or .nc.gz)")
    rewrite.add_argument("output", type=Path, metavar="OUT", help="file to write (CDF-5)")
    rewrite.add_argument(
        "--set",
        metavar="VAR[i,j]=X",
        dest="setting",
        help="one value; indices count from 0 in the file's order",
    )
    rewrite.set_defaults(handler=handle_rewrite)


def parse_setting(text: str) -> tuple[str, tuple[int, ...], float]:
    """Split ``VAR[i,j]=X``.

    Raises:
        InputError: not of that form.
    """
    match = _SETTING.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        name, index, value = match.groups()
        return name, tuple(int(part) for part in index.split(",")) if index else (), float(value)
    except ValueError:
        raise InputError(
            "--set is not of the form VAR[i,j]=X", found=text, expected="such as T_SOISNO[0,7]=280.5"
        ) from None


def handle_rewrite(options: argparse.Namespace) -> ExitCode:
    """Run ``restart rewrite``."""
    from kiloland.run.restart import load_state, read_restart, set_element, soil_columns, write_restart

    restart = read_restart(options.input)
    group = soil_columns(restart)
    state = load_state(restart, group)
    if options.setting:
        restart, state = set_element(restart, group, state, *parse_setting(options.setting))
    write_restart(options.output, restart, group, state)
    return ExitCode.OK
