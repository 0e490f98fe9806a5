"""The ``kiloland`` command: finds its subcommands, sets up logging, turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from kiloland import __version__
from kiloland.errors import ExitCode, KilolandError

COMMANDS = (
    "craft",
    "check",
    "run",
    "resume",
    "case",
    "restart",
    "step",
    "spinup",
    "compare",
    "oracle",
    "map",
    "plot",
    "export",
    "quickstart",
)
"""Commands in the order of the help text; each is a module of ``kiloland.cli`` with ``register``."""

DESCRIPTION = """\
Kilometre-scale land modelling on ELM's own files.

A first run, with no file from outside:
  kiloland quickstart -o quickstart

A run of your own, step by step:
  kiloland craft domain --grid daymet --land-mask MASK --points POINTS -o domain.nc
  kiloland check CASE.toml      what the run reads, writes and costs; every input checked
  kiloland run CASE.toml        run it; interrupt at any time
  kiloland resume CASE.toml     continue from the newest complete restart
  kiloland compare A.nc B.nc    bit by bit
"""

EPILOG = """\
exit codes: 0 done or identical; 1 differences or findings; 2 input or command line cannot be used;
3 a balance does not close; 4 an output cannot be written; 75 interrupted, resume continues.
"""


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line as one parser; with only one command where that is known, so that it starts fast."""
    parser = argparse.ArgumentParser(
        prog="kiloland",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kiloland {__version__}")
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="count", default=0, help="more messages; twice for all")
    volume.add_argument("-q", "--quiet", action="store_true", help="errors only")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS if command is None else (command,):
        importlib.import_module(f"kiloland.cli.{name}").register(subparsers)
    return parser


def named_command(arguments: Sequence[str]) -> str | None:
    """The command that a command line names, None where it names none that exists."""
    first = next((word for word in arguments if not word.startswith("-")), None)
    return first if first in COMMANDS else None


def set_up_logging(verbose: int, quiet: bool) -> None:
    """Send messages to standard error: by default warnings, ``-v`` more, ``-q`` errors only."""
    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger("kiloland").setLevel(level)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    # The compiler's log would only add an alarm about slow compilation; what fails is raised as an error.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = build_parser(named_command(words)).parse_args(words)
    set_up_logging(options.verbose, options.quiet)
    try:
        return int(options.handler(options))
    except KilolandError as error:
        print(f"kiloland {options.command}: {error}", file=sys.stderr)
        return int(error.exit_code)
    except BrokenPipeError:
        return int(ExitCode.OUTPUT)
    except KeyboardInterrupt:
        print(f"kiloland {options.command}: interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
