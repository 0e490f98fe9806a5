"""``kiloland run`` and ``kiloland resume``: run a case."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from kiloland.errors import ExitCode, KilolandError, OutputError

DESCRIPTION = """\
Run a case to its end: history files, restart sets and timing go into the case's directory.

Stop it at any time with Ctrl-C or SIGTERM: it finishes its chunk of steps, writes a restart set and exits
with code 75. After a kill or a crash the newest complete set counts. kiloland resume continues either way,
with the same bits as a run that was never stopped.
"""

EPILOG = """\
examples:
  kiloland run case.toml
  mpiexec -n 4 kiloland run case.toml
  kiloland resume case.toml
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "run",
        help="run a case from its start",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", type=Path, metavar="CASE.toml", help="the case file")
    parser.set_defaults(handler=handle_run)


def handle_run(options: argparse.Namespace) -> ExitCode:
    """Run the command."""
    return execute(options.case, resume=False)


def execute(case: Path, *, resume: bool) -> ExitCode:
    """Run or resume a case, then write its timing and say what came out."""
    from kiloland.report.run_timing import write_run_timing
    from kiloland.run.driver import run_case
    from kiloland.run.ranks import launched_rank

    if launched_rank() == 0:
        result = run_case(case, resume=resume)
    else:
        # All ranks stop with the same error; the first one tells it.
        logging.getLogger("kiloland").setLevel(logging.CRITICAL)
        try:
            result = run_case(case, resume=resume)
        except KilolandError as error:
            return error.exit_code
    if result.is_root:
        try:
            write_run_timing(result)
        except OSError as error:
            raise OutputError(f"{result.directory}: the timing cannot be written: {error.strerror}") from None
        errors = ", ".join(f"{name} {value:.2g}" for name, value in result.balance.items())
        print(f"{result.steps} steps of {result.cells} cells ({result.columns} soil columns)")
        print(f"largest balance errors: {errors}")
        print(f"files: {result.directory}")
    return ExitCode.OK
